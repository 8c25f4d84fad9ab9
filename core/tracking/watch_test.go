package tracking_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/tracking"
)

var errBroken = errors.New("broken")

// broken is what is followed: the first transaction of each round fails, and the others
// find nothing to do.
type broken struct {
	tracking.Store
	due   []tracking.Followed
	asked []uuid.UUID
	tried int
}

func (b *broken) InTx(context.Context, func(context.Context) error) error {
	if b.tried++; b.tried == 1 {
		return errBroken
	}
	return nil
}

func (b *broken) OnTheWay(context.Context, string, time.Time, int) ([]tracking.Followed, error) {
	return b.due, nil
}

func (b *broken) Late(context.Context, uuid.UUID, time.Time, time.Time, int) ([]tracking.Followed, error) {
	return b.due, nil
}

func (b *broken) Asked(_ context.Context, parcelIDs []uuid.UUID, _ time.Time) error {
	b.asked = append(b.asked, parcelIDs...)
	return nil
}

// talkative is a carrier that says something of every parcel, asked for one by one.
type talkative struct{}

func (talkative) Carrier() string { return "kamome" }
func (talkative) Batch() int      { return 1 }
func (talkative) Track(_ context.Context, numbers []string) ([]tracking.Report, error) {
	return []tracking.Report{{TrackingNumber: numbers[0], Status: order.TrackInTransit, At: time.Now()}}, nil
}

func TestOneParcelThatFailsDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	parcels := []tracking.Followed{{ParcelID: uuid.New(), Number: "1"}, {ParcelID: uuid.New(), Number: "2"}, {ParcelID: uuid.New(), Number: "3"}}
	shop := channel.Channel{BrandID: uuid.New(), TimeZone: "Asia/Tokyo"}
	follow := func() (*broken, *tracking.Service) {
		b := &broken{due: parcels}
		return b, tracking.New(tracking.Parts{
			Tx: b, Store: b, Trackers: []tracking.Tracker{talkative{}}, Now: time.Now,
			Channels: func(context.Context) ([]channel.Channel, error) { return []channel.Channel{shop}, nil },
		})
	}
	ctx := access.With(t.Context(), access.System)

	b, service := follow()
	require.ErrorIs(t, service.Poll(ctx), errBroken, "it is said")
	require.Equal(t, 3, b.tried)
	require.Equal(t, []uuid.UUID{parcels[0].ParcelID, parcels[1].ParcelID, parcels[2].ParcelID}, b.asked, "and not ahead of all others with the next round")

	b, service = follow()
	require.ErrorIs(t, service.Late(ctx), errBroken)
	require.Equal(t, 3, b.tried)
}
