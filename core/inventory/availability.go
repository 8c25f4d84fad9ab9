// Package inventory is what there is, where, and what of it can be promised.
package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/scope"
)

// Availability is what a shopper learns about stock; the numbers are staff's.
type Availability string

// The availabilities.
const (
	InStock    Availability = "IN_STOCK"
	LowStock   Availability = "LOW_STOCK"    // at most LowStockAt pieces are left
	BackOrder  Availability = "BACK_ORDER"   // nothing is there, but it can be ordered (取り寄せ)
	OutOfStock Availability = "OUT_OF_STOCK" // nothing can be ordered now
	NotTold    Availability = "NOT_TOLD"     // the buyer may not see it
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
	Promise   i18n.Text  // when what is beyond comes; nil if nothing can be ordered beyond
	ArrivesOn *time.Time // the day on which one more comes, by what is announced; nil while pieces are there
	Hidden    bool       `db:"-"` // from the buyer who asks
}

// Availability is what shoppers learn of it.
func (f Free) Availability() Availability {
	switch {
	case f.Hidden:
		return NotTold
	case f.Pieces <= 0 && f.Beyond > 0:
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

// Coming is the day on which a piece comes that is ordered now; nil if pieces are
// there, or nobody knows, or the buyer may not see it.
func (f Free) Coming() *time.Time {
	if f.Hidden {
		return nil
	}
	return f.ArrivesOn
}

// Reader reads stock.
type Reader interface {
	// Free counts the free pieces of the variants at the brand's shipping
	// locations, and what may be ordered beyond them, in one statement.
	Free(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]Free, error)
}

// Buyers know who is asking.
type Buyers interface {
	Buyer(ctx context.Context) (scope.Buyer, error)
}

// Service answers what there is.
type Service struct {
	store  Reader
	buyers Buyers
}

// New makes the inventory service.
func New(store Reader, buyers Buyers) *Service { return &Service{store, buyers} }

// Free counts the free pieces of many variants for the channel's brand, and says
// whether whoever asks may learn of them.
func (s *Service) Free(ctx context.Context, variantIDs []uuid.UUID) ([]Free, error) {
	buyer, err := s.buyers.Buyer(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.store.Free(ctx, channel.From(ctx).BrandID, variantIDs)
	for i := range all {
		all[i].Hidden = buyer.StockHidden
	}
	return all, err
}
