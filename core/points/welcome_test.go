package points_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// door keeps the jobs of those who are to be welcomed.
type door struct{ jobs []points.WelcomeJob }

func (*door) Record(context.Context, ...event.Event) error { return nil }

func (d *door) WelcomeMember(_ context.Context, job points.WelcomeJob) error {
	d.jobs = append(d.jobs, job)
	return nil
}

func TestWhoHasProvedNoAddressIsWelcomedWhenTheyDo(t *testing.T) {
	t.Parallel()
	b := open(t, 3)
	online, inShop, early := b.members[0], b.members[1], b.members[2]
	_, err := b.SaveRule(b.as(access.Actor{Role: access.RoleAdmin}), points.SaveRuleInput{ProgrammeID: b.own.ID, Name: i18n.JA("入会"), Terms: points.Terms{Occasion: points.Joined, Points: 100}})
	require.NoError(t, err)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := b.shop.DB.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	shop := id.New()
	exec(`INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'ueno', '{"ja": "上野"}', 'SHOP')`, shop, b.shop.BrandID)
	exec(`INSERT INTO members (id, created_at, updated_at) SELECT id, created_at, created_at FROM accounts`)
	exec(`INSERT INTO memberships (member_id, brand_id, joined_at, registered_store_id) SELECT m.id, $1, $2, CASE WHEN m.id = $3 THEN $4::uuid END FROM members m`, b.shop.BrandID, b.clock(), inShop, shop)
	exec(`UPDATE memberships SET joined_at = joined_at - interval '3 years' WHERE member_id = $1`, early)
	d := &door{}
	happens := func(what string, m uuid.UUID) {
		t.Helper()
		e := event.New(t.Context(), b.clock(), what, "Member", m, nil)
		e.BrandID = b.shop.BrandID
		require.NoError(t, points.Welcoming{Recorder: d, Jobs: d}.Record(t.Context(), e))
		for _, j := range d.jobs {
			require.NoError(t, b.Welcome(t.Context(), j))
		}
		d.jobs = nil
	}
	has := func() []int64 {
		return []int64{b.usable(t, online), b.usable(t, inShop), b.usable(t, early)}
	}
	happens("member.joined", online)
	happens("member.joined", early)
	happens("member.registered", inShop)
	require.Equal(t, []int64{0, 100, 0}, has(), "a shop knows who stands before it; of who has proved nothing there may be any number")
	b.pass(5 * 24 * time.Hour)
	exec(`UPDATE accounts SET email_verified_at = $2 WHERE id = $1`, online, b.clock())
	b.pass(23 * time.Hour)
	happens("account.email_verified", online)
	require.Equal(t, []int64{100, 100, 0}, has(), "from the proof on")
	happens("account.email_verified", online)
	happens("member.joined", online)
	require.Equal(t, []int64{100, 100, 0}, has(), "once")
	exec(`UPDATE accounts SET email_verified_at = $2 WHERE id = $1`, early, b.clock())
	happens("member.joined", early)
	require.Equal(t, []int64{100, 100, 0}, has(), "who joins again is welcomed by the proof alone")
	b.pass(25 * time.Hour)
	happens("account.email_verified", early)
	require.Equal(t, []int64{100, 100, 0}, has(), "the proof is long ago")
}
