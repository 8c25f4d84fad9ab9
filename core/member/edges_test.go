package member_test

import (
	"context"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/storage/postgres"
)

// A till may be ahead of the day, by a clock or by a business day that has begun: what was
// bought there counts once the day has come.
func TestWhatATillAheadOfTheDaySoldCountsOnItsDay(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	_, err := c.SaveRank(c.office(t), member.SaveRankInput{Code: "SILVER", Name: map[string]string{"ja": "銀"}, MinSpend: decimal.NewFromInt(10000), Months: 12})
	require.NoError(t, err)
	c.bought(t, m.ID, "2026-06-16", 20000)
	require.Empty(t, c.rank(t, m.ID), "it is the 15th")
	require.Equal(t, "2026-06-16", get[time.Time](t, c, `SELECT rank_due_on FROM memberships`).Format(time.DateOnly))
	c.now = c.now.AddDate(0, 0, 1)
	require.Equal(t, "SILVER", c.rank(t, m.ID))
}

// Two of the staff correct different things of one member at once: who waited for the other
// reads what they wrote.
func TestTwoCorrectionsAtOnceBothHold(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	office, born, done := c.office(t), time.Date(1991, 3, 4, 0, 0, 0, 0, time.UTC), make(chan error, 1)
	require.NoError(t, c.DB.InTx(office, func(ctx context.Context) error {
		if _, err := c.Update(ctx, member.UpdateInput{MemberID: m.ID, Person: member.PersonalInput{Phone: to("08099998888")}, Reason: "電話"}); err != nil {
			return err
		}
		go func() {
			_, err := c.Update(c.office(t), member.UpdateInput{MemberID: m.ID, Person: member.PersonalInput{Birthday: &born}, Reason: "誕生日"})
			done <- err
		}()
		require.Eventually(t, func() bool {
			return get[int](t, c, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
		}, 20*time.Second, 5*time.Millisecond, "the other waits")
		return nil
	}))
	require.NoError(t, <-done)
	now, err := c.ByID(office, m.ID)
	require.NoError(t, err)
	require.Equal(t, "08099998888 1991-03-04", now.Phone+" "+now.Birthday.Format(time.DateOnly))
}

// One row that cannot be opened is told of, and keeps no other table from the new key.
func TestARowThatCannotBeOpenedStopsNoOtherTable(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	m := c.register(t, c.shibuya, "1", hanako())
	c.exec(t, `UPDATE profiles SET phone = left(phone, -8) || 'AAAAAAAA' WHERE member_id = $1`, m.ID)
	before := get[string](t, c, `SELECT key_id FROM saved_addresses`)
	c.now = c.now.Add(time.Hour)
	_, err := c.keys.Rotate(t.Context())
	require.NoError(t, err)
	_, err = postgres.NewPersonal(c.DB, c.keys).Reseal(t.Context(), nil)
	require.ErrorContains(t, err, "seal profiles anew")
	require.Equal(t, before, get[string](t, c, `SELECT key_id FROM profiles`), "it stays as it is, for whoever can mend it")
	require.NotEqual(t, before, get[string](t, c, `SELECT key_id FROM saved_addresses`))
}
