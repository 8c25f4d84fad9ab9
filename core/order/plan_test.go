package order

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
)

// What arrives is never given out twice, nobody gets more than he waits for, and
// nobody gets anything while one before him still waits for the same.
func TestArrivalsGoToWhoWaitsLongest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		goods := []uuid.UUID{{1}, {2}}
		var waiting []Waiter
		for i := range rapid.IntRange(0, 8).Draw(t, "orders") {
			waiting = append(waiting, Waiter{BackOrder: BackOrder{OrderID: uuid.UUID{byte(i + 1)}, VariantID: rapid.SampledFrom(goods).Draw(t, "of"), Quantity: rapid.IntRange(1, 9).Draw(t, "pieces")}, ChannelID: uuid.UUID{byte(i % 2)}, Prefecture: "OSAKA"})
		}
		free, left := map[[2]uuid.UUID]int{}, map[uuid.UUID]int{}
		var levels []cart.Level
		for _, of := range goods {
			for place := range byte(2) {
				l := cart.Level{VariantID: of, LocationID: uuid.UUID{place + 1}, Free: rapid.IntRange(-2, 12).Draw(t, "free")}
				levels = append(levels, l)
				free[[2]uuid.UUID{of, l.LocationID}] = max(l.Free, 0)
				left[of] += max(l.Free, 0)
			}
		}
		got := map[uuid.UUID]int{}
		for _, a := range allocate(waiting, levels, map[uuid.UUID][]channel.Preference{{1}: {channel.SingleParcel, channel.Nearest}}) {
			require.Positive(t, a.Quantity)
			free[[2]uuid.UUID{a.VariantID, a.LocationID}] -= a.Quantity
			require.GreaterOrEqual(t, free[[2]uuid.UUID{a.VariantID, a.LocationID}], 0)
			got[a.OrderID] += a.Quantity
		}
		for _, w := range waiting {
			fair := min(w.Quantity, left[w.VariantID])
			require.Equal(t, fair, got[w.OrderID])
			left[w.VariantID] -= fair
		}
	})
}
