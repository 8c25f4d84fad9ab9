package proof_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/points"
)

// award says what points are given for, and gives the members some.
func (w *world) award(t testing.TB) {
	days := 2
	p, err := w.Points.SaveProgramme(w.staff, points.SaveProgrammeInput{
		Code: "wan", Name: i18n.JA("わんポイント"), UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days, GraceDays: 1, NoticeDays: 1, Transferable: true, GrantLimit: 1_000_000,
	})
	require.NoError(t, err)
	w.programme = p.ID
	for _, terms := range []points.Terms{{Occasion: points.Purchased, PerMinor: 100, Points: 10}, {Occasion: points.Purchased, Points: 300, First: true}} {
		_, err = w.Points.SaveRule(w.staff, points.SaveRuleInput{ProgrammeID: p.ID, Name: i18n.JA("お買い物で"), Terms: terms})
		require.NoError(t, err)
	}
	for _, m := range w.members {
		_, err = w.Points.Grant(w.staff, points.GrantInput{IdempotencyKey: w.key(), ProgrammeID: p.ID, MemberID: access.From(m).ID, Points: 2000, Reason: "ご入会"})
		require.NoError(t, err)
	}
}

// uses are points of the member's that pay a part of the total, sometimes more than there
// are.
func (w *world) uses(member context.Context, d dice, total int64) ([]points.UseInput, error) {
	all, err := w.Points.Mine(member)
	if err != nil || len(all) == 0 || d.once(3) {
		return nil, err
	}
	some := min(all[0].Usable+int64(d.of(10)), total)
	if d.once(2) {
		some /= 2
	}
	if some == 0 {
		return nil, nil
	}
	return []points.UseInput{{ProgrammeID: w.programme, Points: some}}, nil
}

// follow lets a job look after the points of an order.
func (w *world) follow(d dice) (string, error) {
	key, err := w.orderIn(d, `o.member_id IS NOT NULL AND $1 <> ''`)
	if err != nil {
		return "", err
	}
	return key.String(), w.Points.Follow(w.staff, key)
}

// tend does what jobs do regularly: points can be used, expire, are booked.
func (w *world) tend(d dice) (string, error) {
	ctx := access.With(w.staff, access.System)
	switch d.of(3) {
	case 0:
		return "confirm", w.Points.Confirm(ctx)
	case 1:
		return "expire", w.Points.Expire(ctx)
	}
	return "book", w.Points.BookDays(ctx)
}

// grant gives or takes points by hand, maybe twice under one key.
func (w *world) grant(d dice) (string, error) {
	m := access.From(w.members[d.of(len(w.members))]).ID
	in := points.GrantInput{IdempotencyKey: w.key(), ProgrammeID: w.programme, MemberID: m, Points: int64(1 + d.of(400)), Deduct: d.once(3), Reason: "お詫び"}
	_, err := w.Points.Grant(w.staff, in)
	if again := d.once(3); err == nil && again {
		_, err = w.Points.Grant(w.staff, in)
	}
	return fmt.Sprint(m, " ", in.Points), err
}

// give lets a member give another points.
func (w *world) give(d dice) (string, error) {
	to := d.of(len(w.members))
	in := points.GiveInput{IdempotencyKey: w.key(), ProgrammeID: w.programme, Email: fmt.Sprintf("member-%d@example.jp", to), Points: int64(1 + d.of(200))}
	_, err := w.Points.Give(w.members[d.of(len(w.members))], in)
	return in.Email, err
}

// followAll lets the points of every order be what they should by now.
func (w *world) followAll(rt *rapid.T) {
	for _, key := range w.keys(rt, `SELECT id FROM orders WHERE member_id IS NOT NULL ORDER BY id`) {
		if err := w.Points.Follow(w.staff, key); err != nil {
			rt.Fatalf("the points of order %s: %v", key, err)
		}
	}
	ctx := access.With(w.staff, access.System)
	if err := errors.Join(w.Points.Confirm(ctx), w.Points.BookDays(ctx)); err != nil {
		rt.Fatal(err)
	}
}
