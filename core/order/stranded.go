package order

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// Stranded is stock that an order holds, or waits for, though it was given up: a version
// before this one left it there.
type Stranded struct {
	OrderID   uuid.UUID `json:"-"`
	Number    string    `json:"-"`
	VariantID uuid.UUID `json:"variantId"`
	SKU       string    `json:"sku"`
	Location  string    `json:"location"` // its code; empty: the pieces are waited for
	Quantity  int       `json:"quantity"`
}

// mostStranded bounds how much is read at once.
const mostStranded = 500

// Stranded is what orders still hold that were given up, for noren itself: of the orders
// behind one, in the order of their keys, so much as is read at once.
func (s *Service) Stranded(ctx context.Context, after uuid.UUID) ([]Stranded, error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, fault.ErrForbidden
	}
	return s.store.Stranded(ctx, after, mostStranded)
}

// ReleaseStranded gives back what an order still holds that was given up, for noren itself,
// and writes that down. Done again, it changes nothing.
func (s *Service) ReleaseStranded(ctx context.Context, orderID uuid.UUID) (released []Stranded, _ error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, fault.ErrForbidden
	}
	return released, s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil || o == nil || o.Status != Cancelled {
			return err
		}
		ctx = inBrand(ctx, o.BrandID)
		if released, err = s.store.StrandedOf(ctx, orderID); err != nil || len(released) == 0 {
			return err
		}
		flipped, err := s.store.Release(ctx, orderID, s.now())
		if err != nil {
			return err
		}
		if err := s.stockFlipped(ctx, flipped); err != nil {
			return err
		}
		return s.events.Record(ctx, event.New(ctx, s.now(), "order.stock_released", "Order", orderID, map[string]any{
			"before": o.Status, "after": o.Status, "released": released,
		}))
	})
}
