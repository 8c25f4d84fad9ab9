package resolvers_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/promotion"
)

// couponed is a member's delivered order of leashes and beds, at which a coupon takes 777
// yen off what is more than 3,000, with a toy on top.
func (b *collector) couponed(t testing.TB, bed uuid.UUID, code string, leashes, beds int) (order string, total int64, pieces map[string]int) {
	t.Helper()
	for variant, n := range map[uuid.UUID]int{b.shop.leash: leashes - 1, bed: beds} { // one leash is there
		var added struct{ AddCartLine cartAnswer }
		b.do(t, `mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", variant), "q": n}).Into(t, &added)
		require.Empty(t, added.AddCartLine.UserErrors)
	}
	var entered struct{ ApplyCoupon couponAnswer }
	b.do(t, `mutation($c: String!) { applyCoupon(input: {code: $c}) { cart { total { amount } coupons { id applied problem { code } } } userErrors { code } } }`, apptest.Variables{"c": code}).Into(t, &entered)
	require.Empty(t, entered.ApplyCoupon.UserErrors)
	require.True(t, entered.ApplyCoupon.Cart.Coupons[0].Applied)
	sum := entered.ApplyCoupon.Cart.Total.Amount
	total, err := strconv.ParseInt(sum, 10, 64)
	require.NoError(t, err)
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": b.shop.key(), "expectedTotal": sum, "paymentMethod": "BANK_TRANSFER"})).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors)
	order = placed.PlaceOrder.Order.ID
	staff := counter{b.shop.App, packer}
	staff.receive(t, order, sum)
	for _, h := range staff.ship(t, order) {
		require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	var seen struct {
		Order struct {
			Lines []struct {
				ID       string
				Quantity int
			}
		}
	}
	b.do(t, `query($o: ID!) { order(id: $o) { lines { id quantity } } }`, apptest.Variables{"o": order}).Into(t, &seen)
	require.Len(t, seen.Order.Lines, 3, "the gift is one of its lines")
	pieces = map[string]int{}
	for _, l := range seen.Order.Lines {
		pieces[l.ID] = l.Quantity
	}
	return order, total, pieces
}

// Whatever comes back and in which steps: each piece bears its part of what the coupon took
// off, all of them together are what was paid to the yen, earned points go back in the same
// proportion, and when all is back the coupon can be used again, unless its campaign keeps it.
func TestCouponsAndGiftsAreReversedInProportion(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	bed, toy := s.AddProduct(t, "bed", 1777).Variants[0], s.AddProduct(t, "toy", 300).Variants[0]
	campaign := func(code string, more apptest.Variables) (coupons []string) {
		input := apptest.Variables{"needsCoupon": true, "conditions": apptest.Variables{"minAmount": "3000"}, "benefits": []apptest.Variables{
			{"kind": "ORDER_AMOUNT", "amount": "777"}, {"kind": "GIFT", "variantId": id.Global("Variant", toy), "pieces": 1},
		}}
		for k, v := range more {
			input[k] = v
		}
		return codesOf(t, s.App, runCampaign(t, s.App, code, input), apptest.Variables{"count": 8})
	}
	given, kept := campaign("given-back", nil), campaign("kept", apptest.Variables{"keptOnReturn": true})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's choice
	staff := counter{s.App, packer}
	for n := range 6 {
		codes, after := given, "ISSUED"
		if n%3 == 2 {
			codes, after = kept, "USED"
		}
		b := s.buyer(t, 0)
		order, total, left := b.couponed(t, bed, codes[n], 2+draw.IntN(3), 1+draw.IntN(3))
		s.follow(t, order)
		full := int64(b.has(t).Pending)
		require.Equal(t, (total-660)/100, full, "of what was paid for the goods, once less what the coupon took off")
		state := func() (coupon string, refunded int64) {
			require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT k.state, (SELECT sum(p.refunded)::bigint FROM payments p WHERE p.order_id = $1)
				FROM campaign_uses u JOIN coupons k ON k.id = u.coupon_id WHERE u.order_id = $1`, keyOf(t, order)).Scan(&coupon, &refunded))
			return coupon, refunded
		}
		var sum, came int64
		var gift uuid.UUID
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM order_lines WHERE order_id = $1 AND unit = 0`, keyOf(t, order)).Scan(&gift))
		for len(left) > 0 {
			var open []string
			for line := range left {
				open = append(open, line)
			}
			line := open[draw.IntN(len(open))]
			pieces := 1 + draw.IntN(left[line])
			back, err := strconv.ParseInt(staff.takeBack(t, order, line, pieces).Refund.Amount, 10, 64)
			require.NoError(t, err)
			require.LessOrEqual(t, back, int64(pieces)*1980+660, "never more than the price of the pieces, and the parcel")
			sum += back
			if left[line] -= pieces; left[line] == 0 {
				delete(left, line)
			}
			coupon, refunded := state()
			require.Equal(t, sum, refunded)
			s.follow(t, order)
			require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT sum(l.total * n.pieces / l.quantity)::bigint FROM order_lines l JOIN (
				SELECT w.line_id, sum(i.restocked + i.scrapped + i.repaired) AS pieces FROM returns r JOIN return_lines w ON w.return_id = r.id
				JOIN return_receipt_lines i ON i.return_line_id = w.id WHERE r.order_id = $1 GROUP BY 1) n ON n.line_id = l.id`, keyOf(t, order)).Scan(&came))
			require.EqualValues(t, full*min(total-660-came, total-sum)/(total-660), b.has(t).Pending, "points go back with the goods")
			if _, keeps := left[id.Global("OrderLine", gift)]; len(left) > one(keeps) { // the gift may stay
				require.Equal(t, "USED", coupon)
			} else {
				require.Equal(t, after, coupon)
			}
		}
		require.Equal(t, total, sum, "all of the parts are what was paid")
		require.Zero(t, b.has(t).Pending)
	}
	balance := trialBalance(t, s.App)
	require.Equal(t, []string{"0", "0"}, []string{balance["BANK"], balance["DEPOSITS"]})
}

// A coupon that an order earned goes with the order: unused it is void; used it stays so, and
// is void, too, once what used it has come back.
func TestWhatAnOrderEarnedIsVoidWhenAllOfItIsBack(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	next := runCampaign(t, a, "next", apptest.Variables{"benefits": off("ORDER_AMOUNT", "500"), "needsCoupon": true})
	runCampaign(t, a, "thanks", apptest.Variables{"benefits": []apptest.Variables{{"kind": "COUPON", "issues": next}}})
	earning := func(name string) delivered {
		d := newDelivered(t, a, name).arrive(t)
		exec(t, a, `UPDATE orders SET member_id = $2 WHERE id = $1`, keyOf(t, d.order), id.New())
		require.NoError(t, a.App.Resolvers.Campaigns.Grant(t.Context(), promotion.GrantJob{OrderID: keyOf(t, d.order), BrandID: a.BrandID}))
		return d
	}
	allBack := func(d delivered) {
		d.staff.takeBack(t, d.order, d.leashes, 3)
		d.staff.takeBack(t, d.order, d.beds, 1)
	}
	coupon := func(d delivered) string {
		return column(t, a, `SELECT state FROM coupons WHERE issued_for = $1`, keyOf(t, d.order))[0]
	}
	unused, used, spent := earning("-a"), earning("-b"), newDelivered(t, a, "-c").arrive(t)
	exec(t, a, `UPDATE coupons SET state = 'USED', order_id = $2 WHERE issued_for = $1`, keyOf(t, used.order), keyOf(t, spent.order))
	exec(t, a, `INSERT INTO campaign_uses (campaign_id, order_id, coupon_id, discount, counted, used_at) SELECT campaign_id, order_id, id, 500, false, now() FROM coupons WHERE issued_for = $1`, keyOf(t, used.order))

	unused.staff.takeBack(t, unused.order, unused.leashes, 3)
	require.Equal(t, "ISSUED", coupon(unused), "a part is back")
	unused.staff.takeBack(t, unused.order, unused.beds, 1)
	require.Equal(t, "VOID", coupon(unused))
	allBack(used)
	require.Equal(t, "USED", coupon(used), "what it took off stays off")
	allBack(spent)
	require.Equal(t, "VOID", coupon(used), "it is not good again")
}
