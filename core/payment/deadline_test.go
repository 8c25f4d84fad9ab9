package payment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/payment"
)

func TestATransferIsDueOnABusinessDayOfBanks(t *testing.T) {
	t.Parallel()
	jst := time.FixedZone("JST", 9*60*60)
	for placed, want := range map[string][2]string{
		"2026-03-06": {"2026-03-13", "2026-03-16"}, // paid on a Friday, on the statement of Monday
		"2026-03-07": {"2026-03-16", "2026-03-17"}, // a Saturday
		"2026-03-13": {"2026-03-23", "2026-03-24"}, // 春分の日, a Friday
		"2026-04-27": {"2026-05-07", "2026-05-08"}, // 5 May and the day in lieu after it
		"2026-12-23": {"2026-12-30", "2027-01-04"}, // the last day of the year on which banks are open
		"2026-12-24": {"2027-01-04", "2027-01-05"},
	} {
		s := open(t)
		at, err := time.ParseInLocation("2006-01-02 15:04", placed+" 23:30", jst)
		require.NoError(t, err)
		s.time.turn(at.Sub(s.time.read()))
		order := s.place(t, payment.MethodBankTransfer)
		p := s.only(t, order)
		require.Equal(t, want, [2]string{p.Instructions.DueAt.In(jst).Format(time.DateOnly), p.DueAt.In(jst).Format(time.DateOnly)}, placed)
		require.Equal(t, "23:59:59", p.DueAt.In(jst).Format(time.TimeOnly))
	}
}
