package prize

import (
	"context"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/channel"
)

// ShipNumbered notes that the exchange with the number on the label has left (staff with
// PRIZE_WRITE), and tells its member. What is known already stays; of what has
// left by hand without a tracking number it is taken, and a further one is ErrState.
func (s *Service) ShipNumbered(ctx context.Context, number, carrier, tracking string, at time.Time) (known bool, err error) {
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		e, err := s.Store.Referred(ctx, channel.From(ctx).BrandID, strings.ToLower(strings.TrimPrefix(number, referencePrefix)))
		if err != nil || e == nil {
			return orErr(err, ErrReference)
		}
		to := Shipped
		switch known = e.ShippedAt != nil; {
		case known && e.TrackingNumber == tracking:
			return nil
		case known && e.TrackingNumber != "": // another parcel than the one that was told of
			return ErrState.With(e.State)
		case known:
			to = e.State
		}
		_, err = s.Advance(ctx, AdvanceInput{To: to, Carrier: carrier, Moves: []Move{{e.ID, tracking}}, at: &at})
		return err
	})
	return known, err
}
