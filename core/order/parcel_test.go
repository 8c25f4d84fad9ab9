package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAParcelIsWhereItsLatestWordSays(t *testing.T) {
	t.Parallel()
	require.Nil(t, Parcel{}.Status())
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	way := []TrackingEvent{{TrackAccepted, at, ""}, {TrackInTransit, at.Add(time.Hour), ""}, {TrackArriving, at.Add(2 * time.Hour), ""}, {TrackAbsent, at.Add(3 * time.Hour), ""}}
	rapid.Check(t, func(t *rapid.T) {
		heard := rapid.Permutation(way).Draw(t, "in whatever order")
		require.Equal(t, TrackAbsent, *Parcel{Events: heard}.Status())
		end := rapid.SampledFrom([]TrackingStatus{TrackDelivered, TrackReturned}).Draw(t, "end")
		i := rapid.IntRange(0, len(heard)).Draw(t, "place")
		heard = append(append(append([]TrackingEvent{}, heard[:i]...), TrackingEvent{end, at.Add(150 * time.Minute), ""}), heard[i:]...)
		require.Equal(t, end, *Parcel{Events: heard}.Status(), "what has ended has ended")
	})
}

func TestNumbersOfParcelsAreTheSameHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"491234567890", "4912-3456-7890", "４９１２－３４５６－７８９０", " 4912 3456 7890 "} {
		require.Equal(t, "491234567890", ParcelKey(written))
	}
	require.Equal(t, "AB12", ParcelKey("ab-12"))
	require.Empty(t, ParcelKey("なし"))
}
