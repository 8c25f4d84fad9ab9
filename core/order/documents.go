package order

import (
	"context"

	"github.com/google/uuid"
)

// Documents are the invoices of orders.
type Documents interface {
	// Sold issues the order's invoice and delivery note; once for each order.
	Sold(ctx context.Context, brandID, orderID uuid.UUID) error
	// Cancelled corrects what was issued of an order that is given up.
	Cancelled(ctx context.Context, brandID, orderID uuid.UUID, reason string) error
}

// InvoiceBy says who issues the documents of orders, which are made of orders and so
// come after them; without, none is issued.
func (s *Service) InvoiceBy(documents Documents) { s.documents = documents }

func (s *Service) invoiced(ctx context.Context, o Order) error {
	if s.documents == nil {
		return nil
	}
	return s.documents.Sold(ctx, o.BrandID, o.ID)
}

func (s *Service) credited(ctx context.Context, o Order, reason string) error {
	if s.documents == nil {
		return nil
	}
	return s.documents.Cancelled(ctx, o.BrandID, o.ID, reason)
}
