package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// rung is a sale of a leash to who shows the card, with what staff see of the points.
type rung struct {
	saleAnswer
	PointBalances []struct{ Usable int }
}

func (d *cardCounter) ring(t testing.TB, actor access.Actor, more apptest.Variables) rung {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "cardNumber": d.number, "lines": []apptest.Variables{pieceOf(d.leash, 1)}, "expectedTotal": "1980"}
	for name, value := range more {
		input[name] = value
	}
	var got struct{ RecordShopSale rung }
	d.DoAs(t, actor, `mutation($in: RecordShopSaleInput!) { recordShopSale(input: $in) {
		order { id status origin paid total { amount } payments { method status } } quote { total { amount } } pointBalances { usable } userErrors { code field message } } }`, apptest.Variables{"in": input}).Into(t, &got)
	return got.RecordShopSale
}

func (d *cardCounter) pays(points int) []apptest.Variables {
	return []apptest.Variables{{"programmeId": d.own, "points": points}}
}

var cash = []apptest.Variables{{"method": "CASH"}}

func TestACounterShowsACardsPointsAndUsesThem(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 2500)
	tried := d.ring(t, d.clerk, apptest.Variables{"dryRun": true, "expectedTotal": nil})
	require.Empty(t, tried.UserErrors)
	require.NotEmpty(t, tried.PointBalances)
	require.Equal(t, []any{"1980", 2500}, []any{tried.Quote.Total.Amount, tried.PointBalances[0].Usable}, "what they have, before they say how much to use")

	part := apptest.Variables{"idempotencyKey": "counter-0001", "points": d.pays(480), "tenders": cash}
	sold := d.ring(t, d.clerk, part)
	require.Empty(t, sold.UserErrors)
	require.True(t, sold.Order.Paid)
	require.Equal(t, 2020, sold.PointBalances[0].Usable, "and what is left")
	require.Equal(t, sold.Order.ID, d.ring(t, d.clerk, part).Order.ID, "the same intent")
	require.Equal(t, 2020, d.left(t))

	whole := d.ring(t, d.clerk, apptest.Variables{"points": d.pays(1980)})
	require.Empty(t, whole.UserErrors)
	require.True(t, whole.Order.Paid)
	require.Len(t, whole.Order.Payments, 1)
	require.Equal(t, []any{"POINTS", 40}, []any{whole.Order.Payments[0].Method, d.left(t)})

	other := id.New()
	exec(t, d.App, `INSERT INTO brands SELECT (jsonb_populate_record(b, jsonb_build_object('id', $1::uuid, 'code', 'other'))).* FROM brands b WHERE id = $2`, other, d.BrandID)
	theirs := id.New()
	exec(t, d.App, `INSERT INTO point_programmes SELECT (jsonb_populate_record(p, jsonb_build_object('id', $1::uuid, 'code', 'nyan', 'brand_id', $2::uuid))).* FROM point_programmes p WHERE id = $3`, theirs, other, keyOf(t, d.own))
	for name, wrong := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"more than there are":       {apptest.Variables{"points": d.pays(41), "tenders": cash}, "POINTS_SHORT"},
		"another brand's programme": {apptest.Variables{"points": []apptest.Variables{{"programmeId": id.Global("PointProgramme", theirs), "points": 10}}, "tenders": cash}, "POINT_PROGRAMME_UNKNOWN"},
		"more than it costs":        {apptest.Variables{"points": d.pays(1981)}, "POINTS_ABOVE_TOTAL"},
		"nobody's card":             {apptest.Variables{"cardNumber": "2900000000018", "points": d.pays(10), "tenders": cash}, "MEMBER_CARD_INVALID"},
		"another shop's counter":    {apptest.Variables{"shopId": id.Global("Location", id.New()), "points": d.pays(10), "tenders": cash}, "FORBIDDEN"},
	} {
		require.Equal(t, wrong.code, d.ring(t, d.clerk, wrong.more).code(), name)
	}
	require.Equal(t, 40, d.left(t))
	anybody := d.ring(t, d.clerk, apptest.Variables{"cardNumber": "", "dryRun": true, "expectedTotal": nil})
	require.Empty(t, anybody.PointBalances)
}

func TestWhatACardAlonePaidWithPointsGoesBackToIt(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 2500)
	sold := d.ring(t, d.clerk, apptest.Variables{"points": d.pays(1980)})
	require.Empty(t, sold.UserErrors)
	require.Equal(t, 520, d.left(t))
	staff := counter{d.App, packer}
	order := sold.Order.ID
	asked := staff.back(t, "requestReturn", apptest.Variables{"idempotencyKey": d.key(), "orderId": order, "outcome": "REFUND",
		"lines": []apptest.Variables{piecesOf(counter{d.App, editor}.look(t, order).Lines[0].ID, 1, "CHANGED_MIND", nil)}})
	require.Empty(t, asked.UserErrors)
	may := staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID})
	require.Empty(t, may.UserErrors)
	came := counter{d.App, d.clerk}.back(t, "receiveReturn", apptest.Variables{"idempotencyKey": d.key(), "returnId": may.Return.ID, "locationId": id.Global("Location", d.shop),
		"lines": []apptest.Variables{{"lineId": may.Return.Lines[0].ID, "restock": 1}}})
	require.Empty(t, came.UserErrors)
	require.Equal(t, 2500, d.left(t))
	requireShopStock(t, d.App, d.shop, d.leash, 9, 0)
}

func TestACardAloneBuysAtThePricesOfItsRankAndOfMembers(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	gold := newGroup(t, d.App, "gold")
	exec(t, d.App, `UPDATE customer_groups SET kind = 'RANK' WHERE id = $1`, gold)
	rank := id.New()
	exec(t, d.App, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at, group_id) VALUES ($1, $2, 'gold', '{"ja":"金"}', 100, 12, now(), $3)`, rank, d.BrandID, gold)
	price := func(more apptest.Variables) string {
		got := d.ring(t, d.clerk, with(more, "dryRun", true))
		require.Empty(t, got.UserErrors)
		return got.Quote.Total.Amount
	}
	card, nobody := apptest.Variables{"expectedTotal": nil}, apptest.Variables{"expectedTotal": nil, "cardNumber": ""}
	require.Equal(t, []string{"1980", "1980"}, []string{price(card), price(nobody)})
	require.Empty(t, saveRate(t, d.App, pricer, apptest.Variables{"audience": apptest.Variables{"kind": "MEMBERS"}, "percent": "90"}, nil))
	require.Equal(t, []string{"1782", "1980"}, []string{price(card), price(nobody)}, "members' prices are for who shows a card")
	require.Empty(t, saveRate(t, d.App, pricer, apptest.Variables{"audience": apptest.Variables{"kind": "GROUP", "id": globalID("CustomerGroup", gold)}, "percent": "80"}, nil))
	require.Equal(t, "1782", price(card), "who has no rank")
	exec(t, d.App, `UPDATE memberships SET rank_id = $1 WHERE member_id = $2`, rank, keyOf(t, d.hanako))
	require.Equal(t, "1584", price(card), "the rank's")
	sold := d.ring(t, d.clerk, apptest.Variables{"expectedTotal": "1584", "tenders": cash})
	require.Empty(t, sold.UserErrors)
	require.Equal(t, "1584", sold.Order.Total.Amount)
	require.Equal(t, "PRICE_CHANGED", d.ring(t, d.clerk, apptest.Variables{"expectedTotal": "1584", "cardNumber": "", "tenders": cash}).code(), "without the card it costs more")

	exec(t, d.App, `UPDATE customer_groups SET closed_at = now() WHERE id = $1`, gold)
	require.Equal(t, "1782", price(card), "a group that was closed")
	exec(t, d.App, `UPDATE customer_groups SET closed_at = NULL WHERE id = $1`, gold)
	exec(t, d.App, `UPDATE member_cards SET state = 'LOST', ended_at = now() WHERE number = $1`, d.number)
	require.Equal(t, "MEMBER_CARD_INVALID", d.ring(t, d.clerk, with(card, "dryRun", true)).code())
	require.Zero(t, countOf(t, d.App, `SELECT count(*) FROM customer_group_members WHERE member_id = $1`, keyOf(t, d.hanako)), "they are in no list of accounts")
}
