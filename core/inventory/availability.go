// Package inventory is what there is, where, and what of it can be promised.
package inventory

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
)

// Availability is what a shopper learns about stock; the numbers are staff's.
type Availability string

// The availabilities.
const (
	InStock    Availability = "IN_STOCK"
	LowStock   Availability = "LOW_STOCK"    // at most LowStockAt pieces are left
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
// locations that ship.
type Free struct {
	VariantID uuid.UUID
	Pieces    int
}

// Reader reads stock.
type Reader interface {
	// Free counts the free pieces of the variants at the brand's shipping
	// locations, in one statement. Variants without stock may be left out.
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
