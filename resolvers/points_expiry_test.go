package resolvers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// lives lets the shop's programme go by another way of expiry, or answers why it does not.
func (s *pointShop) lives(t *testing.T, expiry apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{"id": s.own, "code": "wan", "name": ja("わんポイント"), "transferable": true, "grantLimit": 10000}
	for name, value := range expiry {
		input[name] = value
	}
	saved := s.by(t, pointAdmin, "savePointProgramme", "programme { id }", input)
	if len(saved.UserErrors) == 0 {
		return ""
	}
	return saved.UserErrors[0].Code + " " + strings.Join(saved.UserErrors[0].Field, ".")
}

// today is the day in Japan, at midnight UTC.
func today() time.Time {
	y, m, d := time.Now().In(time.FixedZone("JST", 9*60*60)).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func TestAProgrammeSaysHowLongItsPointsLive(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	desk, b := as(t, s.App, pointDesk), s.buyer(t, 0)
	day := today()
	march := time.Date(day.Year(), time.April, 0, 0, 0, 0, 0, time.UTC)
	if day.After(march) {
		march = time.Date(day.Year()+1, time.April, 0, 0, 0, 0, 0, time.UTC)
	}
	for i, c := range []struct {
		expiry apptest.Variables
		want   []string // expiry, months, fiscal month
		last   time.Time
	}{
		{apptest.Variables{"expiry": "MONTH_END", "expiryMonths": 0}, []string{"MONTH_END", "0", "<nil>"}, time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC)},
		{apptest.Variables{"expiry": "FISCAL_YEAR", "expiryMonths": 0, "fiscalMonth": 3}, []string{"FISCAL_YEAR", "0", "3"}, march},
		{apptest.Variables{"expiry": "DAYS", "expiryDays": 10}, []string{"DAYS", "<nil>", "<nil>"}, day.AddDate(0, 0, 10)},
	} {
		require.Empty(t, s.lives(t, c.expiry))
		require.Equal(t, c.want, desk.read(t, `{ pointProgrammes { expiry expiryMonths fiscalMonth } }`, nil, "pointProgrammes.0.expiry", "pointProgrammes.0.expiryMonths", "pointProgrammes.0.fiscalMonth"))
		require.Empty(t, s.grant(t, b, 100+i, nil).UserErrors)
		require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM point_lots WHERE issued = $1 AND expires_on = $2`, 100+i, c.last), c.want[0])
	}
}

func TestExpiryThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	for want, all := range map[string][]apptest.Variables{
		"INVALID expiryMonths": {
			{"expiry": "DAYS", "expiryMonths": 3}, {"expiry": "MONTH_END"}, {"expiry": "MONTH_END", "expiryMonths": -1}, {"expiry": "MONTH_END", "expiryMonths": 121},
			{"expiry": "FISCAL_YEAR", "fiscalMonth": 3}, {"expiry": "LAST_MOVEMENT"}, {"expiry": "LAST_MOVEMENT", "expiryMonths": 0},
		},
		"INVALID fiscalMonth": {
			{"expiry": "DAYS", "fiscalMonth": 3}, {"expiry": "MONTH_END", "expiryMonths": 1, "fiscalMonth": 3}, {"expiry": "LAST_MOVEMENT", "expiryMonths": 1, "fiscalMonth": 3},
			{"expiry": "FISCAL_YEAR", "expiryMonths": 1}, {"expiry": "FISCAL_YEAR", "expiryMonths": 1, "fiscalMonth": 0}, {"expiry": "FISCAL_YEAR", "expiryMonths": 1, "fiscalMonth": 13},
		},
		"INVALID expiryDays": {{"expiry": "MONTH_END", "expiryMonths": 1, "expiryDays": 5}, {"expiry": "DAYS", "expiryDays": 0}},
	} {
		for _, expiry := range all {
			require.Equal(t, want, s.lives(t, expiry), "%v", expiry)
		}
	}
}

// Whoever orders with points lets the rest live; what the order gives back lives as long, and
// a birthday lets nothing live.
func TestOrdersLetPointsLive(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	require.Empty(t, s.lives(t, apptest.Variables{"expiry": "LAST_MOVEMENT", "expiryMonths": 12}))
	b := s.buyer(t, 1000)
	soon, last := today().AddDate(0, 0, 5).Format(time.DateOnly), today().AddDate(1, 0, 0).Format(time.DateOnly)
	exec(t, s.App, `UPDATE point_lots SET expires_on = $1::date`, soon)
	require.Equal(t, &soon, b.has(t).NextExpiry)
	require.Empty(t, s.grant(t, b, 1, nil).UserErrors)
	require.Equal(t, &soon, b.has(t).NextExpiry, "what staff give lets the rest end")
	placed := b.place(t, "BANK_TRANSFER", b.own(640))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, &last, b.has(t).NextExpiry)
	require.Equal(t, 361, b.has(t).NextExpiryPoints)
	report := as(t, s.App, pointDesk).read(t, `{ pointLiabilities { rows { month points } } }`, nil, "pointLiabilities.rows", "pointLiabilities.rows.0.month", "pointLiabilities.rows.0.points")
	require.Equal(t, []string{"1", last[:7] + "-01", "361"}, report, "the report goes by the same days")
	s.mutate(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code field message } } }`, apptest.Variables{"o": placed.Order.ID})
	require.Equal(t, 1001, b.has(t).NextExpiryPoints, "what comes back ends with the rest")
	require.Equal(t, 1001, b.has(t).Usable)
}
