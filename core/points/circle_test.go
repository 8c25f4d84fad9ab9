package points

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func TestRatesRoundACircleMakeNoPoints(t *testing.T) {
	t.Parallel()
	a, b, c, d := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	rate := func(from, to uuid.UUID, had, got int64) Rate {
		return Rate{FromID: from, ToID: to, FromPoints: had, ToPoints: got}
	}
	others := []Rate{rate(c, a, 1, 1), rate(b, c, 100, 110), rate(b, d, 1, 2), rate(d, c, 1, 1)}
	for _, c := range []struct {
		rate  Rate
		gains bool
		why   string
	}{
		{rate(a, b, 2, 1), false, "by the better way back, b to d to c to a, it is as before"},
		{rate(a, b, 1999, 1000), true, "a little more comes back"},
		{rate(a, b, 1, 1), true, "by either way"},
		{rate(a, d, 1, 1), false, "nothing more comes back by d to c to a"},
		{rate(a, uuid.New(), 1, 1000), false, "nothing leads back"},
	} {
		require.Equal(t, c.gains, c.rate.gains(others), c.why)
	}
	require.True(t, rate(a, b, 100, 100).gains([]Rate{rate(b, a, 100, 110)}))
	require.False(t, rate(a, b, 100, 90).gains([]Rate{rate(b, a, 100, 110)}), "99 of 100")
	require.NotPanics(t, func() {
		rate(a, d, 1, 1).gains([]Rate{rate(b, c, 1, 9), rate(c, b, 1, 9), rate(d, b, 1, 1), rate(c, a, 1, 1)})
	}, "others may be a circle already")
}
