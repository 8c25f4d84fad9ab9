package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

type earnedSeen struct {
	ProgrammeID                string
	Points, Pending, Confirmed int
}

// toEarn is what the member's cart says that it would earn.
func (b *collector) toEarn(t *testing.T) (all []earnedSeen, statements int) {
	t.Helper()
	var got struct {
		Cart struct{ PointsToEarn []earnedSeen }
	}
	answer := b.do(t, `{ cart { pointsToEarn { programmeId points } } }`, nil)
	answer.Into(t, &got)
	return got.Cart.PointsToEarn, answer.Statements
}

// earned is what the order says that it has earned.
func (b *collector) earned(t *testing.T, order string) []earnedSeen {
	t.Helper()
	var got struct {
		Node struct{ PointsEarned []earnedSeen }
	}
	b.do(t, `query($id: ID!) { node(id: $id) { ... on Order { pointsEarned { programmeId pending confirmed } } } }`, apptest.Variables{"id": order}).Into(t, &got)
	return got.Node.PointsEarned
}

// A cart tells what the order then earns: by goods, categories, a first order, and the rank.
func TestACartTellsWhatTheOrderEarns(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	rule := func(programme string, terms apptest.Variables) {
		require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{"programmeId": programme, "name": ja("ルール"), "terms": terms}).UserErrors)
	}
	rule(s.own, apptest.Variables{"points": 100, "first": true})
	rule(s.own, apptest.Variables{"factor": "3", "ranks": []string{"gold"}})
	rule(s.pool, apptest.Variables{"perMinor": 200, "points": 1})
	rule(s.pool, apptest.Variables{"points": 7, "categoryIds": []string{id.Global("Category", id.New())}})
	gold := as(t, s.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}).
		done(t, "saveMemberRank", "rank { id }", apptest.Variables{"code": "gold", "name": ja("ゴールド"), "minSpend": "1", "months": 12}, "rank.id")[0]
	exec(t, s.App, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now()) ON CONFLICT DO NOTHING`, keyOf(t, b.id))
	exec(t, s.App, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING`, keyOf(t, b.id), s.BrandID)
	seen, _ := b.toEarn(t)
	require.Equal(t, []earnedSeen{{ProgrammeID: s.own, Points: 119}, {ProgrammeID: s.pool, Points: 9}}, seen)
	exec(t, s.App, `UPDATE memberships SET rank_id = $2 WHERE member_id = $1`, keyOf(t, b.id), keyOf(t, gold))
	seen, _ = b.toEarn(t)
	require.Equal(t, []earnedSeen{{ProgrammeID: s.own, Points: 157}, {ProgrammeID: s.pool, Points: 9}}, seen, "three times 19, and the first order's 100")

	order := b.place(t, "BANK_TRANSFER").Order.ID
	require.Empty(t, b.earned(t, order), "nothing is promised for an order that is not paid")
	counter{s.App, packer}.receive(t, order, "2640")
	s.follow(t, order)
	require.Equal(t, []earnedSeen{{ProgrammeID: s.own, Pending: 157}, {ProgrammeID: s.pool, Pending: 9}}, b.earned(t, order), "what the cart said")
	_, err := s.App.App.Resolvers.Points.Post(t.Context(), points.Posting{
		Holder: points.Holder{ProgrammeID: keyOf(t, s.own), MemberID: keyOf(t, b.id)}, Key: "confirm:test", Kind: points.Confirm, OrderID: ptr(keyOf(t, order)), At: time.Now(),
	})
	require.NoError(t, err)
	require.Equal(t, earnedSeen{ProgrammeID: s.own, Confirmed: 157}, b.earned(t, order)[0])

	b.fill(t)
	seen, _ = b.toEarn(t)
	require.Equal(t, []earnedSeen{{ProgrammeID: s.own, Points: 57}, {ProgrammeID: s.pool, Points: 9}}, seen, "the next is not the first")
	_, one := b.toEarn(t)
	for i := range 4 {
		v := s.AddProduct(t, fmt.Sprintf("toy-%d", i), 500).Variants[0]
		b.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", v)})
	}
	_, five := b.toEarn(t)
	require.Equal(t, one, five, "more lines cost no more statements")

	guest := &shopper{App: s.App}
	guest.add(t, s.leash, 1)
	var got struct {
		Cart struct{ PointsToEarn []earnedSeen }
	}
	guest.Do(t, `{ cart { pointsToEarn { programmeId points } } }`, nil, "X-Cart-Token", guest.token).Into(t, &got)
	require.Empty(t, got.Cart.PointsToEarn)
}

// Lists of orders and purchases ask once for what all of them have earned; of a purchase online
// that is what its order has.
func TestListsTellWhatWasEarnedInOneStatement(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	order := b.place(t, "BANK_TRANSFER").Order.ID
	ctx := access.With(t.Context(), access.System)
	bought := func(source string, of *uuid.UUID) uuid.UUID {
		key := id.New()
		exec(t, s.App, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, order_id, items, total, currency, created_at)
			VALUES ($1, now()::date, now(), $2, $3, $4, $5, 1, 1000, 'JPY', now())`, key, s.BrandID, keyOf(t, b.id), source, of)
		p := points.Posting{Holder: points.Holder{ProgrammeID: keyOf(t, s.own), MemberID: keyOf(t, b.id)}, Key: "earn:" + key.String(), Kind: points.Earn, Points: 30, PurchaseID: &key, At: time.Now()}
		back := p
		back.Key, back.Kind, back.Points = "back:"+key.String(), points.TakeBack, 10
		if of != nil {
			p.PurchaseID, p.OrderID, back.PurchaseID, back.OrderID = nil, of, nil, of
			p.Points, p.Pending = 25, true
		}
		_, err := s.App.App.Resolvers.Points.Post(ctx, p, back)
		require.NoError(t, err)
		return key
	}
	exec(t, s.App, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now()) ON CONFLICT DO NOTHING`, keyOf(t, b.id))
	online, inShop := bought("ONLINE", ptr(keyOf(t, order))), bought("STORE", nil)
	require.NotEqual(t, online, inShop)
	ask := func(actor asking, field string) (all map[string]earnedSeen, statements int) {
		t.Helper()
		var got map[string]struct {
			Nodes []struct {
				ID           string
				PointsEarned []earnedSeen
			}
		}
		answer := actor(`query($m: ID!) { purchases: `+strings.Replace(field, "ME", "memberId: $m", 1)+` { nodes { id pointsEarned { programmeId pending confirmed } } } }`, apptest.Variables{"m": b.id})
		answer.Into(t, &got)
		all = map[string]earnedSeen{}
		for _, n := range got["purchases"].Nodes {
			for _, e := range n.PointsEarned {
				all[n.ID] = e
			}
		}
		return all, answer.Statements
	}
	mine := func(query string, variables apptest.Variables) apptest.Answer {
		return b.do(t, strings.Replace(query, "($m: ID!)", "", 1), nil)
	}
	want := map[string]earnedSeen{
		id.Global("Purchase", online): {ProgrammeID: s.own, Pending: 15}, id.Global("Purchase", inShop): {ProgrammeID: s.own, Confirmed: 20},
	}
	seen, two := ask(mine, "myPurchases(first: 100)")
	require.Equal(t, want, seen)
	require.Equal(t, []earnedSeen{{ProgrammeID: s.own, Pending: 15}}, b.earned(t, order))
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}}
	seen, _ = ask(as(t, s.App, office), "memberPurchases(ME)")
	require.Empty(t, seen, "staff who may not read points")
	office.Permissions = append(office.Permissions, access.PointRead)
	seen, _ = ask(as(t, s.App, office), "memberPurchases(ME)")
	require.Equal(t, want, seen)
	for range 5 {
		bought("STORE", nil)
	}
	seen, seven := ask(mine, "myPurchases(first: 100)")
	require.Len(t, seen, 7)
	require.Equal(t, two, seven)
}

func TestPointsForALimitedTimeAreSavedAndShown(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	admin := as(t, s.App, pointAdmin)
	terms := apptest.Variables{"occasion": "CHECK_IN", "points": 5, "lifeDays": 7}
	require.Equal(t, []string{"7"}, admin.done(t, "savePointRule", "rule { terms { lifeDays } }", apptest.Variables{"programmeId": s.own, "name": ja("来店"), "terms": terms}, "rule.terms.lifeDays"))
	require.Equal(t, []string{"3"}, admin.done(t, "savePointCode", "code { lifeDays }", apptest.Variables{"programmeId": s.own, "name": ja("来店"), "points": 5, "lifeDays": 3}, "code.lifeDays"))
	last := time.Now().In(time.FixedZone("JST", 9*60*60)).AddDate(0, 0, 10).Format(time.DateOnly)
	require.Empty(t, s.grant(t, b, 100, apptest.Variables{"expiresOn": last}).UserErrors)
	require.Equal(t, last, *b.has(t).NextExpiry)
	refused := s.grant(t, b, 100, apptest.Variables{"expiresOn": "2026-01-01"})
	require.Equal(t, "INVALID", refused.code())
	require.Contains(t, refused.UserErrors[0].Field, "expiresOn")
	var got struct {
		PointLots []struct {
			ExpiresOn string
			LifeDays  *int
		}
	}
	b.do(t, `query($p: ID!) { pointLots(programmeId: $p) { expiresOn lifeDays } }`, apptest.Variables{"p": s.own}).Into(t, &got)
	require.Equal(t, 10, *got.PointLots[0].LifeDays)
}

func TestASaleThatIsTriedTellsWhatItEarns(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	tried := func(actor access.Actor, more apptest.Variables) (all []earnedSeen) {
		t.Helper()
		input := apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "lines": []apptest.Variables{pieceOf(d.leash, 1)}, "dryRun": true}
		for name, value := range more {
			input[name] = value
		}
		var got struct {
			RecordShopSale struct {
				Quote struct{ PointsToEarn []earnedSeen }
			}
		}
		d.DoAs(t, actor, `mutation($in: RecordShopSaleInput!) { recordShopSale(input: $in) { quote { pointsToEarn { programmeId points } } userErrors { code } } }`, apptest.Variables{"in": input}).Into(t, &got)
		return got.RecordShopSale.Quote.PointsToEarn
	}
	require.Equal(t, []earnedSeen{{ProgrammeID: d.own, Points: 19}}, tried(d.clerk, apptest.Variables{"cardNumber": d.number}))
	require.Empty(t, tried(d.clerk, nil), "anybody")
}
