package ledger

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/money"
)

func TestAFeeIsNetOfItsOwnTax(t *testing.T) {
	t.Parallel()
	s := Sale{Currency: "JPY", Inclusive: true}
	for class, net := range map[money.TaxClass]int64{money.TaxStandard: 600, money.TaxReduced: 612, money.TaxExempt: 660} {
		require.Equal(t, net, s.net(660, class), class)
	}
}

// A channel whose zone is unknown is in Japan, by a name that no zone has.
func TestAFileOfAnUnknownZoneHasDays(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s, err := SettlementFile{Zone: "JST", From: day, To: day}.span()
	require.NoError(t, err)
	require.Equal(t, []time.Time{day.Add(-9 * time.Hour), day.Add(15 * time.Hour)}, []time.Time{s.From.UTC(), s.Until.UTC()})
}
