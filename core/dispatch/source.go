package dispatch

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/label"
)

// Source says what parcels hold.
type Source string

// The sources.
const (
	OfOrders Source = "ORDERS" // shipments of orders
	OfPrizes Source = "PRIZES" // what members exchanged points for, or won
)

// sendable fails unless the actor may send what the source has: prizes go out for the head
// office alone, to members' addresses.
func (s Source) sendable(ctx context.Context) error {
	if s != OfPrizes {
		return access.Require(ctx, access.OrderWrite)
	}
	if err := access.RequireEverywhere(ctx, access.PrizeWrite); err != nil {
		return err
	}
	return access.RequireEverywhere(ctx, access.MemberExport)
}

// Prizes are exchanges of goods, as parcels.
type Prizes interface {
	// Waiting locks and reads exchanges that have not left, who waits longest first.
	Waiting(ctx context.Context, w Wanted) ([]Delivery, error)
	// Parcels are the exchanges in the order of the ids, but for those that were cancelled,
	// or whose address was forgotten.
	Parcels(ctx context.Context, exchangeIDs []uuid.UUID) ([]Delivery, error)
}

// PrizeShipper notes that prizes have left.
type PrizeShipper interface {
	// ShipNumbered notes that the exchange with the number has left, and reports whether
	// that was known.
	ShipNumbered(ctx context.Context, number, carrier, tracking string, at time.Time) (known bool, err error)
}

func (s *Service) waiting(ctx context.Context, of Source, w Wanted) ([]Delivery, error) {
	if of == OfPrizes {
		return s.Prizes.Waiting(ctx, w)
	}
	return s.Store.Waiting(ctx, w)
}

func (s *Papers) printable(ctx context.Context, of Source, w Wanted) ([]uuid.UUID, error) {
	if of != OfPrizes {
		return s.Store.Printable(ctx, w)
	}
	all, err := s.Prizes.Waiting(ctx, w)
	ids := make([]uuid.UUID, len(all))
	for i, d := range all {
		ids[i] = d.ID
	}
	return ids, err
}

// prizeLabels are the address labels of the paper's prizes.
func (s *Papers) prizeLabels(ctx context.Context, p Paper) iter.Seq2[label.Label, error] {
	return func(yield func(label.Label, error) bool) {
		for some := range slices.Chunk(p.ShipmentIDs, atOnce) {
			all, err := s.Prizes.Parcels(ctx, some)
			if err != nil {
				yield(label.Label{}, err)
				return
			}
			for _, d := range all {
				if !yield(label.Label{To: d.To, Mark: d.Reference()}, nil) {
					return
				}
			}
		}
	}
}

// takePrize counts the row's prize as sent.
func (s *Results) takePrize(ctx context.Context, brandID uuid.UUID, row ResultRow) (Step, error) {
	name, at := "", s.Now()
	carrier, err := s.carrier(ctx, brandID, row.Carrier)
	if err != nil {
		return Step{}, err
	}
	if carrier != nil {
		name = carrier.Name["ja"]
	}
	if row.ShippedOn != nil {
		at = *row.ShippedOn
	}
	known, err := s.Prizes.ShipNumbered(ctx, row.Prize, name, row.Tracking, at)
	if known {
		return Step{Known: 1}, err
	}
	return Step{Shipped: 1}, err
}
