package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// openDraw is a draw that costs ten points an entry.
func (d *cardCounter) openDraw(t *testing.T, more apptest.Variables) string {
	t.Helper()
	now := time.Now().UTC()
	input := apptest.Variables{
		"idempotencyKey": d.key(), "programmeId": d.own, "name": ja("大抽選会"), "points": 10, "maxEntries": 3, "opensAt": now.Add(-time.Hour), "closesAt": now.Add(time.Hour), "drawsAt": now.Add(time.Hour),
		"ranks": []apptest.Variables{{"prizeId": d.prize(t, apptest.Variables{"points": 0}), "count": 1}},
	}
	for name, value := range more {
		input[name] = value
	}
	made := d.tells(t, pointAdmin, "saveDraw", "draw { id }", input)
	require.Empty(t, made.UserErrors)
	return made.Draw.ID
}

func TestACardAloneEntersADrawAtTheCounter(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 100)
	draw, later := d.openDraw(t, nil), d.openDraw(t, apptest.Variables{"opensAt": time.Now().Add(time.Minute)})
	earned := d.openDraw(t, apptest.Variables{"points": 0, "perMinor": 1000})
	enter := func(actor access.Actor, more apptest.Variables) servedAnswer {
		input := apptest.Variables{"drawId": draw, "count": 2, "points": 20}
		for name, value := range more {
			input[name] = value
		}
		return d.serve(t, actor, "enterDrawFor", "entries { number source } balance { usable }", input)
	}
	once := apptest.Variables{"idempotencyKey": "counter-0001"}
	done := enter(d.clerk, once)
	require.Empty(t, done.UserErrors)
	require.Len(t, done.Entries, 2)
	require.Equal(t, []any{"POINTS", 80}, []any{done.Entries[0].Source, done.Balance.Usable})
	require.Equal(t, done.Entries, enter(d.clerk, once).Entries, "the same intent")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", enter(d.clerk, with(once, "count", 1)).code())
	require.Equal(t, []int{80, 2}, []int{d.left(t), countOf(t, d.App, `SELECT count(*) FROM draw_entries WHERE member_id = $1`, keyOf(t, d.hanako))})
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'draw.entered' AND actor_id = $1 AND data->>'shopId' = $2 AND data->>'memberBy' = 'CARD'`, d.clerk.ID, d.shop.String()))

	shut, gone, ranked := d.openDraw(t, nil), d.openDraw(t, nil), d.openDraw(t, nil)
	exec(t, d.App, `UPDATE draws SET closes_at = now() - interval '1 second', draws_at = now() WHERE id = $1`, keyOf(t, shut))
	require.Empty(t, d.tells(t, pointAdmin, "cancelDraw", "draw { id }", apptest.Variables{"idempotencyKey": d.key(), "drawId": gone, "reason": "賞品の不備"}).UserErrors)
	rank := id.New()
	exec(t, d.App, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'gold', '{"ja":"金"}', 100, 12, now())`, rank, d.BrandID)
	exec(t, d.App, `UPDATE draws SET min_rank_id = $1 WHERE id = $2`, rank, keyOf(t, ranked))
	member := access.Actor{Role: access.RoleMember, ID: keyOf(t, d.buyer(t, 50).id)}
	for name, wrong := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"too many":               {nil, "DRAW_LIMIT"},
		"closed":                 {apptest.Variables{"drawId": shut}, "DRAW_CLOSED"},
		"not open yet":           {apptest.Variables{"drawId": later}, "DRAW_NOT_OPEN"},
		"called off":             {apptest.Variables{"drawId": gone}, "DRAW_CANCELLED"},
		"no such draw":           {apptest.Variables{"drawId": id.Global("Draw", id.New())}, "DRAW_UNKNOWN"},
		"for who earns":          {apptest.Variables{"drawId": earned, "points": 0}, "DRAW_NOT_FOR_POINTS"},
		"not their rank":         {apptest.Variables{"drawId": ranked}, "DRAW_NOT_ELIGIBLE"},
		"other points":           {apptest.Variables{"points": 19}, "DRAW_POINTS_CHANGED"},
		"none":                   {apptest.Variables{"count": 0, "points": 0}, "INVALID"},
		"a digit is wrong":       {apptest.Variables{"cardNumber": nextDigit(d.number)}, "CARD_NUMBER_INVALID"},
		"nobody's card":          {apptest.Variables{"cardNumber": "2900000000018"}, "MEMBER_CARD_INVALID"},
		"an old code":            {apptest.Variables{"cardNumber": "", "memberCode": d.oldCode(t, member)}, "MEMBER_CODE_EXPIRED"},
		"another shop's counter": {apptest.Variables{"shopId": id.Global("Location", id.New())}, "FORBIDDEN"},
	} {
		require.Equal(t, wrong.code, enter(d.clerk, wrong.more).code(), name)
	}
	require.Equal(t, 80, d.left(t))
	exec(t, d.App, `UPDATE draws SET max_entries = 100 WHERE id = $1`, keyOf(t, draw))
	require.Equal(t, "POINTS_SHORT", enter(d.clerk, apptest.Variables{"count": 9, "points": 90}).code())

	code := memberCode(t, d.App, member)
	byCode := enter(d.clerk, apptest.Variables{"cardNumber": "", "memberCode": code})
	require.Empty(t, byCode.UserErrors)
	require.Equal(t, 30, byCode.Balance.Usable)
	require.Equal(t, "MEMBER_CODE_INVALID", enter(d.clerk, apptest.Variables{"cardNumber": "", "memberCode": code}).code(), "a code is shown once")
	require.Equal(t, "FORBIDDEN", d.DoAs(t, clerkOf(d.shop), pointMutation("enterDrawFor", "entries { number }"),
		in(apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "cardNumber": d.number, "drawId": draw, "points": 10})).Code())

	// What a card alone paid for a draw that is called off goes back to it.
	require.Empty(t, d.tells(t, pointAdmin, "cancelDraw", "draw { id }", apptest.Variables{"idempotencyKey": d.key(), "drawId": draw, "reason": "賞品の不備"}).UserErrors)
	require.NoError(t, d.App.App.Resolvers.Draws.Turn(access.With(t.Context(), access.System)))
	require.Equal(t, 100, d.left(t))
}

func TestACardAloneRedeemsACodeAtTheCounter(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	elsewhere := openShop(t, d.App, "namba", "OSAKA", nil)
	coded := func(more apptest.Variables) string {
		input := apptest.Variables{"programmeId": d.own, "name": ja("来店"), "points": 10}
		for name, value := range more {
			input[name] = value
		}
		var made struct {
			SavePointCode struct {
				Code       struct{ Code string }
				UserErrors []userError
			}
		}
		d.DoAs(t, pointAdmin, pointMutation("savePointCode", "code { code }"), in(input)).Into(t, &made)
		require.Empty(t, made.SavePointCode.UserErrors)
		return made.SavePointCode.Code.Code
	}
	free, here, there := coded(nil), coded(apptest.Variables{"shopId": id.Global("Location", d.shop), "daily": true}), coded(apptest.Variables{"shopId": id.Global("Location", elsewhere)})
	over, last := coded(apptest.Variables{"validUntil": time.Now().Add(time.Hour)}), coded(apptest.Variables{"mostUses": 1})
	exec(t, d.App, `UPDATE point_codes SET valid_until = now() - interval '1 minute' WHERE valid_until IS NOT NULL`)
	redeem := func(code string, more apptest.Variables) servedAnswer {
		input := apptest.Variables{"code": code}
		for name, value := range more {
			input[name] = value
		}
		return d.serve(t, d.clerk, "redeemPointCodeFor", "points balance { usable }", input)
	}
	once := apptest.Variables{"idempotencyKey": "counter-0001"}
	done := redeem(free, once)
	require.Empty(t, done.UserErrors)
	require.Equal(t, []int{10, 10}, []int{done.Points, done.Balance.Usable})
	require.Equal(t, 10, redeem(free, once).Points, "the same intent")
	require.Equal(t, 10, d.left(t))
	require.Empty(t, redeem(here, nil).UserErrors)
	require.Equal(t, 20, d.left(t))
	require.Equal(t, 2, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'point_code.redeemed_for' AND actor_id = $1 AND data->>'shopId' = $2 AND data->>'memberId' = $3`, d.clerk.ID, d.shop.String(), keyOf(t, d.hanako).String()))
	other, number := d.carded(t, d.shop, "佐藤 太郎", "08098765434", 0)
	require.NotEmpty(t, other)
	require.Empty(t, redeem(last, apptest.Variables{"cardNumber": number}).UserErrors)
	member := access.Actor{Role: access.RoleMember, ID: keyOf(t, d.buyer(t, 0).id)}
	for name, wrong := range map[string]struct {
		text string
		more apptest.Variables
		code string
	}{
		"used":                   {free, nil, "POINT_CODE_USED"},
		"used today":             {here, nil, "POINT_CODE_USED"},
		"another shop's":         {there, nil, "POINT_CODE_UNKNOWN"},
		"over":                   {over, nil, "POINT_CODE_UNKNOWN"},
		"no such code":           {"NOSUCHCODE", nil, "POINT_CODE_UNKNOWN"},
		"all used":               {last, nil, "POINT_CODE_FULL"},
		"a digit is wrong":       {last, apptest.Variables{"cardNumber": nextDigit(d.number)}, "CARD_NUMBER_INVALID"},
		"nobody's card":          {last, apptest.Variables{"cardNumber": "2900000000018"}, "MEMBER_CARD_INVALID"},
		"an old code of the app": {last, apptest.Variables{"cardNumber": "", "memberCode": d.oldCode(t, member)}, "MEMBER_CODE_EXPIRED"},
		"another shop's counter": {last, apptest.Variables{"shopId": id.Global("Location", elsewhere)}, "FORBIDDEN"},
		"another key's input":    {here, once, "IDEMPOTENCY_KEY_REUSED"},
	} {
		require.Equal(t, wrong.code, redeem(wrong.text, wrong.more).code(), name)
	}
	require.Equal(t, 20, d.left(t))
	require.Equal(t, "FORBIDDEN", d.DoAs(t, clerkOf(d.shop), pointMutation("redeemPointCodeFor", "points"),
		in(apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "cardNumber": d.number, "code": free})).Code())
	byCode := redeem(free, apptest.Variables{"cardNumber": "", "memberCode": memberCode(t, d.App, member)})
	require.Empty(t, byCode.UserErrors)
	require.Equal(t, 10, byCode.Balance.Usable)
	require.Equal(t, 4, countOf(t, d.App, `SELECT count(*) FROM point_entries WHERE kind = 'EARN' AND actor_id = $1`, d.clerk.ID), "the ledger says who entered them")
}
