package payment

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
)

// PointsGateway is the name, in payments, of the gateway of points.
const PointsGateway = "points"

// GivenPoints is what points of a programme pay of a new order: it is received at once.
func (s *Service) GivenPoints(in OpenInput, programmeID uuid.UUID, code string) Draft {
	now := s.Now()
	return Draft{Number: in.OrderNumber, Payment: Payment{
		ID: id.New(), BrandID: in.BrandID, OrderID: in.OrderID, Method: MethodPoints, Gateway: PointsGateway, Status: StatusCaptured,
		Currency: in.Currency, AmountMinor: in.Amount, CapturedMinor: in.Amount, Reference: programmeID.String(),
		Instructions: &Instructions{Reference: code, Amount: in.Amount, Currency: in.Currency, DueAt: now}, CreatedAt: now, UpdatedAt: now,
	}}
}

// programme is the code of the programme whose points paid; empty for other methods.
func (p Payment) programme() string {
	if p.Method != MethodPoints || p.Instructions == nil {
		return ""
	}
	return p.Instructions.Reference
}
