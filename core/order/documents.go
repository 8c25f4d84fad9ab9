package order

import (
	"context"

	"github.com/google/uuid"
)

// Documents are the invoices of orders.
type Documents interface {
	// Sold issues what goes with a shipment that leaves: its delivery note, and with the
	// first of an order the order's invoice; once for each.
	Sold(ctx context.Context, o Order, lines []Line, h Shipment) error
	// Cancelled corrects what was issued of an order that is given up.
	Cancelled(ctx context.Context, brandID, orderID uuid.UUID, reason string) error
	// Edited corrects the receipt of an order that was edited before any of it left.
	Edited(ctx context.Context, after Order, reason string) error
	// Reduced corrects what was issued of an order of which some has left, and some does
	// not leave any more.
	Reduced(ctx context.Context, before, after Order, reason string) error
}

// InvoiceBy says who issues the documents of orders, which are made of orders and so
// come after them; without, none is issued.
func (s *Service) InvoiceBy(documents Documents) { s.documents = documents }

func (s *Service) invoiced(ctx context.Context, m *moving) error {
	if s.documents == nil {
		return nil
	}
	return s.documents.Sold(ctx, *m.order, m.lines, *m.shipment)
}

func (s *Service) credited(ctx context.Context, o Order, reason string) error {
	if s.documents == nil {
		return nil
	}
	return s.documents.Cancelled(ctx, o.BrandID, o.ID, reason)
}
