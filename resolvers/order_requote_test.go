package resolvers_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// orderedOf is a guest's paid order of so many pieces of each of the variants.
func orderedOf(t testing.TB, a *apptest.App, method uuid.UUID, total string, of ...any) (order string, lines []string) {
	t.Helper()
	guest := &shopper{App: a}
	for i := 0; i < len(of); i += 2 {
		require.Empty(t, guest.add(t, of[i].(uuid.UUID), of[i+1].(int)).UserErrors)
	}
	require.Empty(t, guest.fillIn(t, method).UserErrors)
	placed := guest.place(t, "intent-1", total)
	require.Empty(t, placed.UserErrors)
	staff := counter{a, feeSetter}
	staff.receive(t, placed.Order.ID, total)
	for _, l := range staff.look(t, placed.Order.ID).Lines {
		lines = append(lines, l.ID)
	}
	return placed.Order.ID, lines
}

func (e editAnswer) total(t testing.TB) string {
	t.Helper()
	require.Empty(t, e.UserErrors)
	return e.Order.Total.Amount
}

func trying(change apptest.Variables) apptest.Variables { return with(change, "dryRun", true) }

func TestAnUntouchedLineKeepsItsPrice(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	exec(t, d.App, `UPDATE prices SET amount = 1300 WHERE variant_id = $1`, d.leash)
	require.Equal(t, "4510", d.edit(t, trying(lines(d.bowls, 1))).total(t), "the leashes cost what they cost")
	require.Equal(t, "3960", d.edit(t, trying(lines(d.leashes, 2))).total(t), "fewer of them, too")
	require.Equal(t, "6960", d.edit(t, trying(lines(d.leashes, 4))).total(t), "who wants more of them pays today's price")
	require.Equal(t, "6360", d.edit(t, trying(adding(d.leash, 1))).total(t), "or adds them: then the others stay")
	exec(t, d.App, `UPDATE shipping_methods SET fee = 900`)
	require.Equal(t, "4510", d.edit(t, trying(lines(d.bowls, 1))).total(t), "the fee is asked of both alike: it stays")

	priced := counter{d.App, feeSetter}
	set := priced.edit(t, d.order, apptest.Variables{"shippingFee": "100", "lines": []apptest.Variables{{"lineId": d.bowls, "quantity": 2, "unit": "400"}}})
	require.Equal(t, "4200", set.total(t))
	later := d.edit(t, lines(d.bowls, 3, d.leashes, 1))
	require.Equal(t, "2400", later.total(t), "what staff have set stays")
	requireAddsUp(t, d.App, *later.Order)
}

func TestTiersFollowTheQuantity(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	food, method := a.AddProduct(t, "food", 1000).Variants[0], a.AddShipping(t, "parcel", 0)
	require.Empty(t, write(t, a, pricer, "saveQuantityDiscount", "SaveQuantityDiscountInput", discountFields,
		apptest.Variables{"tiers": []apptest.Variables{{"from": 10, "amount": "50"}, {"from": 20, "amount": "80"}}}, nil))
	order, all := orderedOf(t, a, method, "9500", food, 10)
	staff := counter{a, editor}
	for pieces, total := range map[int]string{9: "9000", 11: "10450", 20: "18400"} {
		require.Equal(t, total, staff.edit(t, order, trying(lines(all[0], pieces))).total(t), pieces)
	}
	got := staff.edit(t, order, lines(all[0], 9))
	require.Equal(t, []string{"9000", "-500", "500"}, []string{got.total(t), got.Difference.Amount, got.Refund.Amount})
	requireAddsUp(t, a, *got.Order)
}

func TestCampaignsAndTheirBudgetsFollowAnEdit(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, toy, bowl := a.AddProduct(t, "leash", 1100).Variants[0], a.AddProduct(t, "toy", 300).Variants[0], a.AddProduct(t, "bowl", 200).Variants[0]
	method := a.AddShipping(t, "parcel", 660)
	campaign := runCampaign(t, a, "much", apptest.Variables{"budget": "600", "conditions": apptest.Variables{"minAmount": "5000"}, "benefits": []apptest.Variables{
		{"kind": "ORDER_PERCENT", "percent": "10"}, {"kind": "GIFT", "variantId": id.Global("Variant", toy), "pieces": 1, "allotment": 1},
	}})
	order, all := orderedOf(t, a, method, "5610", leash, 5)
	staff := counter{a, editor}
	require.Len(t, all, 2, "with the gift")
	gave := func() (given int64, uses int, gifts int) {
		given, uses = totals(t, a, campaign)
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT given FROM campaign_gifts`).Scan(&gifts))
		return given, uses, gifts
	}
	require.Equal(t, "ORDER_EDIT_GIFT", staff.edit(t, order, lines(all[1], 3)).code())

	fewer := staff.edit(t, order, lines(all[0], 4))
	require.Equal(t, "5060", fewer.total(t), "the campaign asks for more")
	require.Len(t, fewer.Order.Lines, 1, "the gift goes with it")
	requireAddsUp(t, a, *fewer.Order)
	given, uses, gifts := gave()
	require.Equal(t, []int{0, 0, 0}, []int{int(given), uses, gifts})
	requireStock(t, a, toy, 100, 0)

	again := staff.edit(t, order, lines(all[0], 5))
	require.Equal(t, "5610", again.total(t))
	require.Len(t, again.Order.Lines, 2)
	given, uses, gifts = gave()
	require.Equal(t, []int{550, 1, 1}, []int{int(given), uses, gifts})
	requireStock(t, a, toy, 100, 1)

	require.Equal(t, "CAMPAIGN_SPENT", staff.edit(t, order, lines(all[0], 6)).code(), "660 yen are more than the budget")
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "STOPPED"}, nil))
	stopped := staff.edit(t, order, adding(bowl, 2))
	require.Equal(t, "5970", stopped.total(t), "what the order has used stays: 5,900 less ten per cent, and the parcel")
	given, uses, _ = gave()
	require.Equal(t, []int{590, 1}, []int{int(given), uses})
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	given, uses, gifts = gave()
	require.Equal(t, []int{0, 0, 0}, []int{int(given), uses, gifts})
	requireSumsOf(t, a)
}

func TestTryingEndsNoCampaign(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1100).Variants[0], a.AddShipping(t, "parcel", 660)
	campaign := runCampaign(t, a, "much", apptest.Variables{"budget": "600", "conditions": apptest.Variables{"minAmount": "5000"}, "benefits": off("ORDER_AMOUNT", "100")})
	order, all := orderedOf(t, a, method, "5060", leash, 4)
	exec(t, a, `UPDATE campaign_totals SET given = 590`)
	spent := func() (is bool) {
		_, key, err := id.Parse(campaign)
		require.NoError(t, err)
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT spent_at IS NOT NULL OR EXISTS (SELECT FROM events WHERE type = 'campaign.spent') FROM campaigns WHERE id = $1`, key).Scan(&is))
		return is
	}
	staff := counter{a, editor}
	require.Equal(t, "CAMPAIGN_SPENT", staff.edit(t, order, trying(lines(all[0], 5))).code())
	require.False(t, spent(), "nothing happens")
	require.Equal(t, "6160", staff.edit(t, order, lines(all[0], 5)).total(t), "the edit goes without it")
	require.True(t, spent())
}

func TestAnotherGiftLetsTheFormerGo(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, toy, ball := a.AddProduct(t, "leash", 1100).Variants[0], a.AddProduct(t, "toy", 300).Variants[0], a.AddProduct(t, "ball", 300).Variants[0]
	gift := func(variant uuid.UUID) apptest.Variables {
		return apptest.Variables{"code": "gift", "name": apptest.Variables{"ja": "gift"}, "benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", variant), "pieces": 2, "allotment": 5}}}
	}
	campaign := runCampaign(t, a, "gift", gift(toy))
	order, all := orderedOf(t, a, a.AddShipping(t, "parcel", 0), "1100", leash, 1)
	given := func(variant uuid.UUID) (n int) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(given), 0) FROM campaign_gifts WHERE variant_id = $1`, variant).Scan(&n))
		return n
	}
	require.Equal(t, 2, given(toy))
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, with(gift(ball), "id", campaign), nil))
	edited := counter{a, editor}.edit(t, order, lines(all[0], 2))
	require.Equal(t, "2200", edited.total(t))
	require.Len(t, edited.Order.Lines, 2)
	require.Equal(t, "ball-1", edited.Order.Lines[1].SKU)
	require.Equal(t, []int{0, 2}, []int{given(toy), given(ball)})
	requireStock(t, a, toy, 100, 0)
	require.Empty(t, counter{a, editor}.act(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	require.Equal(t, []int{0, 0}, []int{given(toy), given(ball)})
}

func TestACampaignThatCameLaterIsForWhatIsAdded(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	exec(t, d.App, `UPDATE orders SET placed_at = now() - interval '2 days'`)
	runCampaign(t, d.App, "sale", apptest.Variables{"validFrom": time.Now().Add(-time.Hour).Format(time.RFC3339), "benefits": []apptest.Variables{{"kind": "LINE_PERCENT", "percent": "50"}}})
	require.Equal(t, "4510", d.edit(t, trying(lines(d.bowls, 1))).total(t))
	require.Equal(t, "5335", d.edit(t, trying(adding(d.bowl, 1))).total(t), "the bowl that is added is in the sale")
}

func TestACouponStaysWithItsOrder(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1000).Variants[0], a.AddShipping(t, "parcel", 0)
	campaign := runCampaign(t, a, "code", apptest.Variables{"needsCoupon": true, "conditions": apptest.Variables{"minAmount": "2000"}, "benefits": off("ORDER_AMOUNT", "300")})
	code := codesOf(t, a, campaign, apptest.Variables{"count": 1})[0]
	guest := buyer(t, a, method, leash, 3)
	_, refused := guest.enter(t, code)
	require.Empty(t, refused)
	order := guest.place(t, "intent-1", "2700").Order.ID
	staff := counter{a, editor}
	line := staff.look(t, order).Lines[0].ID
	state := func() (s string) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT state FROM coupons`).Scan(&s))
		return s
	}
	require.Equal(t, "1700", staff.edit(t, order, lines(line, 2)).total(t))
	require.Equal(t, "USED", state())
	require.Equal(t, "1000", staff.edit(t, order, lines(line, 1)).total(t))
	require.Equal(t, "ISSUED", state(), "it can be used for another order")
}

func TestTheChargeAtTheDoorFollowsAnEdit(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	staff := counter{s.App, dispatcher}
	guest, _ := s.cart(t, 4, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "8910", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	order := placed.Order.ID
	line := staff.look(t, order).Lines[0].ID
	require.Equal(t, "11000", staff.edit(t, order, lines(line, 5)).total(t), "9,900 yen, the parcel, and the charge from 10,000 on")
	require.Equal(t, "PAYMENT_EXCEEDS_LIMIT", staff.edit(t, order, lines(line, 30)).code(), "the carrier takes no more than 50,000")
	require.Equal(t, "11000", staff.look(t, order).Total.Amount)
	staff.ship(t, order)
	require.Equal(t, 1, s.collect(t, placed.Order.Number, "11000", "2026-01-05").Matched)
	require.True(t, staff.look(t, order).Paid)
}

func TestLimitsHoldForAnEdit(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	coat, cake, method := a.AddProduct(t, "coat", 100).Variants[0], a.AddProduct(t, "cake", 100).Variants[0], a.AddShipping(t, "parcel", 0)
	sellAs(t, a, coat, apptest.Variables{"kind": "LIMITED", "total": 10, "perCustomer": 3})
	a.SetStock(t, cake, 0)
	sellAs(t, a, cake, apptest.Variables{"kind": "ADVANCE", "total": 5, "releaseAt": time.Now().Add(time.Hour), "promise": apptest.Variables{"ja": "12月24日発売"}})
	sold := func(variant uuid.UUID, want int) {
		t.Helper()
		var counted, moved, taken int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT sold, (SELECT coalesce(sum(quantity), 0) FROM sale_movements m WHERE m.variant_id = t.variant_id),
			(SELECT coalesce(sum(taken), 0) FROM sale_customers c WHERE c.variant_id = t.variant_id) FROM sale_terms t WHERE variant_id = $1`, variant).Scan(&counted, &moved, &taken))
		require.Equal(t, []int{want, want, want}, []int{counted, moved, taken})
		requireSumsOf(t, a)
	}
	order, all := orderedOf(t, a, method, "400", coat, 2, cake, 2)
	staff := counter{a, editor}
	require.Empty(t, staff.edit(t, order, lines(all[0], 3, all[1], 4)).UserErrors)
	sold(coat, 3)
	sold(cake, 4)
	require.Equal(t, 4, staff.look(t, order).Lines[1].BackOrdered, "they wait for the day of release")
	require.Equal(t, "PURCHASE_LIMIT_REACHED", staff.edit(t, order, lines(all[0], 4)).code(), "three for each customer")
	require.Equal(t, "PURCHASE_LIMIT_REACHED", staff.edit(t, order, lines(all[1], 6)).code(), "five in all")
	require.Equal(t, "PURCHASE_LIMIT_REACHED", staff.edit(t, order, adding(coat, 1)).code())
	require.Empty(t, staff.edit(t, order, lines(all[0], 1)).UserErrors)
	sold(coat, 1)
	require.Empty(t, staff.edit(t, order, adding(coat, 1)).UserErrors)
	sold(coat, 2)
	require.Empty(t, staff.edit(t, order, lines(all[1], 0)).UserErrors)
	sold(cake, 0)
	exec(t, a, `UPDATE sale_terms SET kind = 'MADE_TO_ORDER' WHERE variant_id = $1`, coat)
	require.Equal(t, "ORDER_EDIT_LIMITED", staff.edit(t, order, lines(all[0], 2)).code(), "it is sold in another way now")
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	sold(coat, 0)
}

func TestAnotherAddressIsJudgedAsAtCheckout(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	order, _ := orderedOf(t, d.App, d.method, "1700", d.box, 1)
	staff := counter{d.App, editor}
	to := func(prefecture, code string) apptest.Variables {
		return apptest.Variables{"shippingAddress": apptest.Variables{"name": "山田 花子", "postalCode": code, "prefecture": prefecture, "city": "那覇市", "line1": "1-2-3", "phone": "03-1234-5678"}}
	}
	islands := staff.edit(t, order, to("TOKYO", "1002101"))
	require.Equal(t, "SHIPPING_DESTINATION", islands.code())
	require.Equal(t, []string{"shippingAddress"}, islands.UserErrors[0].Field)
	require.Equal(t, "shippingAddress.postalCode", strings.Join(staff.edit(t, order, to("TOKYO", "12")).UserErrors[0].Field, "."))
	tariff := d.tariff()
	delete(tariff, "freeShipping")
	d.set(t, "setShippingTariff", "SetShippingTariffInput", tariff)
	require.Equal(t, "2500", staff.edit(t, order, trying(to("OKINAWA", "9000001"))).total(t), "the fee of the region")
	moved := staff.edit(t, order, to("OKINAWA", "9000001"))
	require.Equal(t, "2500", moved.total(t))
	require.False(t, moved.Order.Paid, "the rest is asked for")
	var seen struct {
		Order struct {
			ShippingAddress struct{ City string }
		}
	}
	d.DoAs(t, editor, `query($o: ID!) { order(id: $o) { shippingAddress { city } } }`, apptest.Variables{"o": order}).Into(t, &seen)
	require.Equal(t, "那覇市", seen.Order.ShippingAddress.City)
	require.Empty(t, staff.edit(t, order, to("TOKYO", "1500001")).UserErrors)
	require.Empty(t, staff.instruct(t, order, nil).UserErrors)
	require.Equal(t, "ORDER_ADDRESS_PACKED", staff.edit(t, order, to("OKINAWA", "9000001")).code())
}

func TestTryingTellsThePointsAndTheLines(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	order := b.place(t, "BANK_TRANSFER").Order.ID
	staff := counter{s.App, editor}
	var tried struct {
		EditOrder struct {
			Lines  []struct{ Quantity int }
			Points []struct{ Points int }
		}
	}
	s.DoAs(t, editor, `mutation($input: EditOrderInput!) { editOrder(input: $input) { lines { quantity } points { points } userErrors { code } } }`, in(apptest.Variables{
		"idempotencyKey": "edit-points", "orderId": order, "dryRun": true, "lines": []apptest.Variables{{"lineId": staff.look(t, order).Lines[0].ID, "quantity": 3}},
	})).Into(t, &tried)
	require.Equal(t, 3, tried.EditOrder.Lines[0].Quantity)
	require.Equal(t, 59, tried.EditOrder.Points[0].Points, "of 5,940 yen of goods")
}

// Where nothing has changed since, an order comes after any edit to what a cart that holds
// the same comes to, and to what its parts add up to; no more goes back than came in.
func TestAnEditedOrderCostsWhatACartOfItDoes(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	goods := []uuid.UUID{a.AddProduct(t, "food", 1000).Variants[0], a.AddProduct(t, "sand", 777).Variants[0], a.AddProduct(t, "toy", 333).Variants[0]}
	method := a.AddShipping(t, "parcel", 660)
	require.Empty(t, write(t, a, pricer, "saveQuantityDiscount", "SaveQuantityDiscountInput", discountFields,
		apptest.Variables{"mixed": true, "tiers": []apptest.Variables{{"from": 4, "percent": "3"}, {"from": 9, "percent": "7"}}}, nil))
	runCampaign(t, a, "tenth", apptest.Variables{"conditions": apptest.Variables{"minAmount": "3000"}, "benefits": []apptest.Variables{{"kind": "ORDER_PERCENT", "percent": "10"}}})
	runCampaign(t, a, "toys", apptest.Variables{"goods": []apptest.Variables{{"kind": "VARIANT", "id": id.Global("Variant", goods[2])}}, "benefits": off("LINE_AMOUNT", "33")})
	runCampaign(t, a, "free", apptest.Variables{"conditions": apptest.Variables{"minAmount": "6000"}, "benefits": []apptest.Variables{{"kind": "FREE_SHIPPING"}}})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's choice
	cartOf := func(pieces []int) string {
		guest := &shopper{App: a}
		for i, n := range pieces {
			if n > 0 {
				require.Empty(t, guest.add(t, goods[i], n).UserErrors)
			}
		}
		got := guest.fillIn(t, method)
		require.Empty(t, got.UserErrors)
		var cart struct {
			Cart struct{ Total struct{ Amount string } }
		}
		guest.Do(t, `{ cart { total { amount } } }`, nil, "X-Cart-Token", guest.token).Into(t, &cart)
		return cart.Cart.Total.Amount
	}
	pieces := []int{2, 2, 2}
	order, all := orderedOf(t, a, method, cartOf(pieces), goods[0], 2, goods[1], 2, goods[2], 2)
	staff := counter{a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: editor.Permissions}}
	for range 12 {
		var change []any
		for i := range pieces {
			if draw.IntN(2) == 0 {
				pieces[i] = 1 + draw.IntN(5)
				change = append(change, all[i], pieces[i])
			}
		}
		if len(change) == 0 {
			continue
		}
		got := staff.edit(t, order, lines(change...))
		require.Equal(t, cartOf(pieces), got.total(t), pieces)
		requireAddsUp(t, a, *got.Order)
		var captured, refunded, given, discount int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT sum(captured), sum(refunded) FROM payments`).Scan(&captured, &refunded))
		require.LessOrEqual(t, refunded, captured)
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(discount), 0) FROM campaign_uses WHERE returned_at IS NULL`).Scan(&given))
		for _, step := range got.Order.Breakdown {
			if step.Rule == "CAMPAIGN" || step.Rule == "FREE_SHIPPING" {
				n, err := strconv.Atoi(step.Change.Amount)
				require.NoError(t, err)
				discount -= n
			}
		}
		for _, l := range got.Order.Lines {
			if l.ID == all[2] {
				discount += 33 * l.Quantity
			}
		}
		require.Equal(t, discount, given, "campaigns have counted what they give")
	}
}
