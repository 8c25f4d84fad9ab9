package pricing_test

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/pricing"
)

func TestCampaignsMultiplyPointsTogether(t *testing.T) {
	t.Parallel()
	for want, factors := range map[string][]string{"0": {"0", "1"}, "2": {"0", "2"}, "4": {"2", "0", "3"}, "1.5": {"1.5"}} {
		var q pricing.Quote
		for _, f := range factors {
			q.Applied = append(q.Applied, pricing.Applied{Points: decimal.RequireFromString(f)})
		}
		require.Equal(t, want, q.PointsFactor().String())
	}
}
