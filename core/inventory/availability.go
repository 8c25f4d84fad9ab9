// Package inventory is what there is, where, and what of it can be promised.
package inventory

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
)

// Availability is what a shopper learns about stock; the numbers are staff's.
type Availability string

// The availabilities.
const (
	InStock    Availability = "IN_STOCK"
	LowStock   Availability = "LOW_STOCK"    // at most LowStockAt pieces are left
	BackOrder  Availability = "BACK_ORDER"   // nothing is there, but it can be ordered (取り寄せ)
	OutOfStock Availability = "OUT_OF_STOCK" // nothing can be ordered now
)

// LowStockAt is the number of free pieces from which shoppers are told to hurry.
const LowStockAt = 5

// AvailabilityOf is what shoppers learn of a number of free pieces.
func AvailabilityOf(free int) Availability {
	switch {
	case free <= 0:
		return OutOfStock
	case free <= LowStockAt:
		return LowStock
	}
	return InStock
}

// Free is how many pieces of a variant online orders may still take, over all
// locations that ship, and how many more may be ordered beyond them.
type Free struct {
	VariantID uuid.UUID
	Pieces    int
	Beyond    int
	Promise   i18n.Text // when what is beyond comes; nil if nothing can be ordered beyond
}

// Availability is what shoppers learn of it.
func (f Free) Availability() Availability {
	if f.Pieces <= 0 && f.Beyond > 0 {
		return BackOrder
	}
	return AvailabilityOf(f.Pieces)
}

// Promised is when pieces come that are ordered now; nil if they are there, or
// cannot be ordered.
func (f Free) Promised() i18n.Text {
	if f.Availability() != BackOrder {
		return nil
	}
	return f.Promise
}

// Reader reads stock.
type Reader interface {
	// Free counts the free pieces of the variants at the brand's shipping
	// locations, and what may be ordered beyond them, in one statement.
	Free(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]Free, error)
}

// Service answers what there is.
type Service struct{ store Reader }

// New makes the inventory service.
func New(store Reader) *Service { return &Service{store} }

// Free counts the free pieces of many variants for the channel's brand.
func (s *Service) Free(ctx context.Context, variantIDs []uuid.UUID) ([]Free, error) {
	return s.store.Free(ctx, channel.From(ctx).BrandID, variantIDs)
}
