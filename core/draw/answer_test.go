package draw_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/prize"
)

// drawnOf is a draw of one pillow and two bowls that was drawn among the members.
func (f *fair) drawnOf(t *testing.T, members ...context.Context) []draw.Winner {
	t.Helper()
	d := f.draw(t, nil)
	for _, m := range members {
		f.enter(t, m, d, 1)
	}
	f.pass(24 * time.Hour)
	f.turn(t)
	f.pass(time.Hour + time.Minute)
	f.turn(t)
	return f.winners(t, d)
}

func TestStaffAnswerForWhoHasACardAlone(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	ginza, umeda := id.New(), id.New()
	for store, code := range map[uuid.UUID]string{ginza: "ginza", umeda: "umeda"} {
		f.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP')`, store, f.shop.BrandID, code)
	}
	members := []context.Context{f.joined(t, 100), f.joined(t, 100), f.joined(t, 100)}
	winners := f.drawnOf(t, members...)
	require.Len(t, winners, 3)
	f.exec(t, `UPDATE memberships SET registered_store_id = $1`, ginza)
	desk := func(stores ...uuid.UUID) context.Context {
		role := access.RoleStoreStaff
		if len(stores) == 0 {
			role = access.RoleStaff
		}
		return f.as(access.Actor{Role: role, ID: id.New(), Stores: stores, Permissions: []access.Permission{access.PrizeRead, access.PrizeWrite, access.MemberRead}})
	}
	in := draw.AnswerForInput{IdempotencyKey: "answer-for-1", WinnerID: winners[0].ID, Accept: true, Address: home(), Reason: "電話で承りました"}
	with := func(change func(*draw.AnswerForInput)) draw.AnswerForInput {
		other := in
		other.IdempotencyKey = id.New().String()
		change(&other)
		return other
	}
	_, err := f.AnswerFor(desk(ginza), in)
	require.ErrorIs(t, err, draw.ErrAnswersAlone, "with an account they answer alone")
	f.exec(t, `DELETE FROM accounts`)

	for name, bad := range map[string]struct {
		by   context.Context
		in   draw.AnswerForInput
		want error
	}{
		"no permission":        {f.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead, access.MemberRead}}), in, fault.ErrForbidden},
		"who may read nobody":  {f.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeWrite}}), in, fault.ErrForbidden},
		"another shop's":       {desk(umeda), in, fault.ErrForbidden},
		"no reason":            {desk(ginza), with(func(i *draw.AnswerForInput) { i.Reason = "" }), fault.ErrRequired},
		"no win":               {desk(ginza), with(func(i *draw.AnswerForInput) { i.WinnerID = id.New() }), fault.ErrNotFound},
		"no address":           {desk(ginza), with(func(i *draw.AnswerForInput) { i.Address = nil }), prize.ErrAddress},
		"handed over and sent": {desk(ginza), with(func(i *draw.AnswerForInput) { i.HandOver = true }), draw.ErrHandOver},
		"declined in hand":     {desk(ginza), with(func(i *draw.AnswerForInput) { i.Accept, i.HandOver, i.Address = false, true, nil }), draw.ErrHandOver},
	} {
		_, err := f.AnswerFor(bad.by, bad.in)
		require.ErrorIs(t, err, bad.want, name)
	}
	_, err = f.AnswerFor(desk(ginza), with(func(i *draw.AnswerForInput) { i.Reason = strings.Repeat("あ", 201) }))
	require.Error(t, err)
	require.Zero(t, f.count(t, `SELECT count(*) FROM prize_exchanges`))

	clerk := desk(ginza)
	for range 2 { // a replay answers once
		took, err := f.AnswerFor(clerk, in)
		require.NoError(t, err)
		require.Equal(t, draw.Accepted, took.Outcome)
	}
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM prize_exchanges WHERE member_id = $1 AND state = 'REQUESTED' AND address IS NOT NULL`, winners[0].MemberID))
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM events WHERE type = 'draw.accepted' AND actor_id = $1 AND data->>'reason' = '電話で承りました' AND data->>'memberId' = $2`,
		access.From(clerk).ID, winners[0].MemberID.String()))
	handed, err := f.AnswerFor(desk(), with(func(i *draw.AnswerForInput) { i.WinnerID, i.HandOver, i.Address = winners[1].ID, true, nil }))
	require.NoError(t, err)
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM prize_exchanges WHERE id = $1 AND state = 'DELIVERED' AND delivered_at IS NOT NULL AND address IS NULL`, *handed.ExchangeID))
	_, err = f.AnswerFor(desk(), with(func(i *draw.AnswerForInput) { i.WinnerID = winners[1].ID }))
	require.ErrorIs(t, err, draw.ErrAnswered)
	declined, err := f.AnswerFor(desk(ginza), with(func(i *draw.AnswerForInput) { i.WinnerID, i.Accept = winners[2].ID, false }))
	require.NoError(t, err)
	require.Equal(t, draw.Declined, declined.Outcome)
	require.EqualValues(t, 19, f.count(t, `SELECT stock FROM prizes WHERE id = $1`, f.bowl.ID), "nobody stands by: a piece is back")
}
