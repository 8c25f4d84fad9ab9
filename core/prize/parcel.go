package prize

import (
	"context"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/channel"
)

// ShipNumbered notes that the exchange with the number on the label has left (staff with
// PRIZE_WRITE), and tells its member. What is known already stays; a further tracking
// number of what has left is ErrState.
func (s *Service) ShipNumbered(ctx context.Context, number, carrier, tracking string, at time.Time) (known bool, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		e, err := s.Store.Referred(ctx, channel.From(ctx).BrandID, strings.ToLower(strings.TrimPrefix(number, referencePrefix)))
		if err != nil || e == nil {
			return orErr(err, ErrReference)
		}
		if known = e.ShippedAt != nil && e.TrackingNumber == tracking; known {
			return nil
		}
		if e.State == Shipped { // another parcel than the one that was told of
			return ErrState.With(e.State)
		}
		_, err = s.Advance(ctx, AdvanceInput{To: Shipped, Carrier: carrier, Moves: []Move{{e.ID, tracking}}, at: &at})
		return err
	})
	return known, err
}
