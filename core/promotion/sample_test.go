package promotion

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/money"
)

func TestGroupsOfKnownSizeAreComparedAsCampaignsAre(t *testing.T) {
	t.Parallel()
	sold := func(size, buyers int, each int64) Sample {
		return Sample{Size: size, Buyers: buyers, Sales: money.Of(int64(buyers)*each, money.JPY), Squares: float64(buyers) * float64(each) * float64(each)}
	}
	x := Compare(sold(900, 100, 1000), sold(100, 10, 1000))
	require.Equal(t, "11.1", x.Uplift.String())
	require.True(t, x.TooFew)
	require.Nil(t, x.Low)
	x = Compare(sold(900, 900, 1000), sold(100, 50, 1000))
	require.Equal(t, "100", x.Uplift.String())
	// Of equal amounts the spread is that of the numbers of buyers: e^(1.96·√(1/900+1/50)) = 1.329.
	require.Equal(t, "50.4 165.9", x.Low.String()+" "+x.High.String())
	require.Nil(t, Compare(sold(900, 900, 1000), sold(100, 0, 1000)).Uplift)
}
