package resolvers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type saleAnswer struct {
	Order *struct {
		ID, Status, Origin string
		Paid               bool
		Total              struct{ Amount string }
		Payments           []struct{ Method, Status string }
	}
	Quote *struct {
		Total struct{ Amount string }
		Lines []struct{ Problem *struct{ Code string } }
	}
	UserErrors []userError
}

func (s saleAnswer) code() string {
	if len(s.UserErrors) == 0 {
		return ""
	}
	return s.UserErrors[0].Code
}

func (c counter) sell(t testing.TB, in apptest.Variables) saleAnswer {
	t.Helper()
	if in["idempotencyKey"] == nil {
		in["idempotencyKey"] = id.New().String()
	}
	var got struct{ RecordShopSale saleAnswer }
	c.DoAs(t, c.actor, `mutation($in: RecordShopSaleInput!) { recordShopSale(input: $in) {
		order { id status origin paid total { amount } payments { method status } } quote { total { amount } lines { problem { code } } } userErrors { code field message } } }`,
		apptest.Variables{"in": in}).Into(t, &got)
	return got.RecordShopSale
}

func pieceOf(variant uuid.UUID, pieces int) apptest.Variables {
	return apptest.Variables{"variantId": id.Global("Variant", variant), "quantity": pieces}
}

func memberCode(t testing.TB, a *apptest.App, member access.Actor) string {
	t.Helper()
	var got struct {
		IssueMemberCode struct {
			MemberCode struct {
				Text       string
				ExpiresAt  time.Time
				SquareCode struct{ SVG string }
			}
			UserErrors []userError
		}
	}
	a.DoAs(t, member, `mutation { issueMemberCode { memberCode { text expiresAt squareCode { svg } } userErrors { code } } }`, nil).Into(t, &got)
	require.Empty(t, got.IssueMemberCode.UserErrors)
	require.Contains(t, got.IssueMemberCode.MemberCode.SquareCode.SVG, "<svg")
	require.WithinDuration(t, time.Now().Add(5*time.Minute), got.IssueMemberCode.MemberCode.ExpiresAt, time.Minute)
	return got.IssueMemberCode.MemberCode.Text
}

func TestAShopSellsOverItsCounter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, toy := a.AddProduct(t, "leash", 1980).Variants[0], a.AddProduct(t, "toy", 300).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 4, toy: 1})
	sakae := openShop(t, a, "sakae", "AICHI", map[uuid.UUID]int{leash: 4})
	ours := counter{a, clerkOf(umeda)}
	sale := func(more apptest.Variables) apptest.Variables {
		in := apptest.Variables{"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(leash, 2), pieceOf(toy, 1)}, "expectedTotal": "4260",
			"tenders": []apptest.Variables{{"method": "CARD_TERMINAL", "amount": "4000", "reference": "S-1"}, {"method": "CASH"}}}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	tried := ours.sell(t, sale(apptest.Variables{"dryRun": true, "expectedTotal": nil, "tenders": []apptest.Variables{}}))
	require.Empty(t, tried.UserErrors)
	require.Equal(t, "4260", tried.Quote.Total.Amount)
	require.Nil(t, tried.Order)
	requireShopStock(t, a, umeda, leash, 4, 0)

	for _, wrong := range []struct {
		more apptest.Variables
		code string
	}{
		{apptest.Variables{"expectedTotal": "4000"}, "PRICE_CHANGED"},
		{apptest.Variables{"expectedTotal": nil}, "REQUIRED"},
		{apptest.Variables{"tenders": []apptest.Variables{}}, "TENDERS_MISMATCH"},
		{apptest.Variables{"tenders": []apptest.Variables{{"method": "CASH", "amount": "4261"}}}, "TENDERS_MISMATCH"},
		{apptest.Variables{"tenders": []apptest.Variables{{"method": "CASH", "amount": "4000"}}}, "TENDERS_MISMATCH"},
		{apptest.Variables{"tenders": []apptest.Variables{{"method": "CASH"}, {"method": "CASH"}}}, "TENDERS_MISMATCH"},
		{apptest.Variables{"tenders": []apptest.Variables{{"method": "CARD"}}}, "PAYMENT_METHOD_UNAVAILABLE"},
		{apptest.Variables{"lines": []apptest.Variables{}}, "TOO_MANY"},
		{apptest.Variables{"lines": []apptest.Variables{pieceOf(leash, 1), pieceOf(leash, 1)}}, "INVALID"},
		{apptest.Variables{"lines": []apptest.Variables{pieceOf(id.New(), 1)}}, "VARIANT_UNKNOWN"},
		{apptest.Variables{"lines": []apptest.Variables{pieceOf(toy, 2)}, "expectedTotal": "600"}, "INSUFFICIENT_STOCK"},
		{apptest.Variables{"shopId": id.Global("Location", sakae)}, "FORBIDDEN"},
		{apptest.Variables{"email": "nobody"}, "EMAIL_INVALID"},
		{apptest.Variables{"memberCode": "noren:member:forged"}, "MEMBER_CODE_INVALID"},
	} {
		require.Equal(t, wrong.code, ours.sell(t, sale(wrong.more)).code(), "%v", wrong.more)
	}
	require.Equal(t, "SHOP_UNAVAILABLE", counter{a, cashier}.sell(t, sale(apptest.Variables{"shopId": id.Global("Location", a.WarehouseID)})).code())
	requireShopStock(t, a, umeda, leash, 4, 0)

	once := apptest.Variables{"idempotencyKey": "intent-1"}
	sold := ours.sell(t, sale(once))
	require.Empty(t, sold.UserErrors)
	require.Equal(t, []string{"DELIVERED", "SHOP", "4260"}, []string{sold.Order.Status, sold.Order.Origin, sold.Order.Total.Amount})
	require.True(t, sold.Order.Paid)
	require.Len(t, sold.Order.Payments, 2)
	requireShopStock(t, a, umeda, leash, 2, 0)
	requireShopStock(t, a, umeda, toy, 0, 0)
	require.Equal(t, "260", trialBalance(t, a)["CASHumeda"])
	require.Equal(t, "0", trialBalance(t, a)["DEPOSITS"])
	require.Equal(t, sold.Order.ID, ours.sell(t, sale(once)).Order.ID, "the same intent")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", ours.sell(t, sale(apptest.Variables{"idempotencyKey": "intent-1", "expectedTotal": "1"})).code())
	requireShopStock(t, a, umeda, leash, 2, 0)

	// The till's day.
	sums := func(actor access.Actor, args string) (all []struct {
		Till                         string
		Received, GivenBack, Balance struct{ Amount string }
	}) {
		today := time.Now().In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly)
		var got struct {
			TillSums []struct {
				Till                         string
				Received, GivenBack, Balance struct{ Amount string }
			}
		}
		a.DoAs(t, actor, `query($d: Date!) { tillSums(from: $d, until: $d`+args+`) { till received { amount } givenBack { amount } balance { amount } } }`, apptest.Variables{"d": today}).Into(t, &got)
		return got.TillSums
	}
	require.Len(t, sums(ours.actor, ``), 1)
	require.Equal(t, []string{"umeda", "260"}, []string{sums(bookkeeper, ``)[0].Till, sums(bookkeeper, ``)[0].Balance.Amount})
	require.Empty(t, sums(clerkOf(sakae), ``))
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerkOf(sakae), `query($s: ID!) { tillSums(from: "2026-11-01", until: "2026-11-30", shopId: $s) { till } }`, apptest.Variables{"s": id.Global("Location", umeda)}).Code())
	require.Equal(t, "TILL_PERIOD_INVALID", a.DoAs(t, bookkeeper, `{ tillSums(from: "2026-01-01", until: "2026-11-30") { till } }`, nil).Code())
	requireSums(t, a)
}

func TestAMemberBuysAtACounter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 9})
	ours, member := counter{a, clerkOf(umeda)}, newMember(t, a, uuid.Nil)
	runCampaign(t, a, "umeda", apptest.Variables{"benefits": off("ORDER_AMOUNT", "100"), "shops": []string{id.Global("Location", umeda)}})
	sale := func(code, total string) apptest.Variables {
		return apptest.Variables{"shopId": id.Global("Location", umeda), "memberCode": code, "lines": []apptest.Variables{pieceOf(leash, 1)}, "expectedTotal": total,
			"tenders": []apptest.Variables{{"method": "CASH"}}}
	}
	code := memberCode(t, a, member)
	try := sale(code, "1880")
	try["dryRun"] = true
	require.Equal(t, "1880", ours.sell(t, try).Quote.Total.Amount, "the shop's campaign applies, and trying does not use the code up")
	require.Equal(t, "PRICE_CHANGED", ours.sell(t, sale(code, "1")).code())
	sold := ours.sell(t, sale(code, "1880"))
	require.Empty(t, sold.UserErrors)
	require.Equal(t, "MEMBER_CODE_INVALID", ours.sell(t, sale(code, "1880")).code(), "a code is shown once")
	require.NotEqual(t, code, memberCode(t, a, member))

	var mine struct {
		Orders struct {
			Nodes []struct {
				ID, Status string
				PickUp     *struct{ State string }
			}
		}
	}
	a.DoAs(t, member, `{ orders { nodes { id status pickUp { state } } } }`, nil).Into(t, &mine)
	require.Len(t, mine.Orders.Nodes, 1)
	require.Equal(t, sold.Order.ID, mine.Orders.Nodes[0].ID, "it is the member's order")
	require.Nil(t, mine.Orders.Nodes[0].PickUp)

	// In the history of what the member bought it is of the shop, not of the web.
	require.NoError(t, a.App.Resolvers.Purchases.WorkShipments(access.With(t.Context(), access.System)))
	var source string
	var store uuid.UUID
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT source, store_id FROM purchases WHERE order_id = $1`, keyOf(t, sold.Order.ID)).Scan(&source, &store))
	require.Equal(t, []any{"STORE", umeda}, []any{source, store})

	// A code that was altered, and one of a member who left.
	fresh := memberCode(t, a, member)
	require.Equal(t, "MEMBER_CODE_INVALID", ours.sell(t, sale(strings.TrimSuffix(fresh, fresh[len(fresh)-2:])+"AA", "1880")).code())
	exec(t, a, `UPDATE accounts SET closed_at = now() WHERE id = $1`, member.ID)
	require.Equal(t, "MEMBER_CODE_INVALID", ours.sell(t, sale(fresh, "1880")).code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerkOf(umeda), `mutation { issueMemberCode { memberCode { text } } }`, nil).Code())
}
