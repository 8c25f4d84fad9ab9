package payment

import "github.com/google/uuid"

// PointsGateway is the name, in payments, of the gateway of points.
const PointsGateway = "points"

// GivenPoints is what points of a programme pay of a new order: it is received at once.
func (s *Service) GivenPoints(in OpenInput, programmeID uuid.UUID, code string) Draft {
	in.Method = MethodPoints
	return s.received(in, PointsGateway, programmeID, code)
}

// programme is the code of the programme whose points paid; empty for other methods.
func (p Payment) programme() string {
	if p.Method != MethodPoints || p.Instructions == nil {
		return ""
	}
	return p.Instructions.Reference
}
