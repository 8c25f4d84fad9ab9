package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var dispatcher = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.ShippingWrite}}

// door is a shop that takes cash on delivery: 330 yen up to 10,000 yen, 440 up to
// 30,000, else 660; at most 50,000 yen. A leash goes for 1,980 yen, the parcel for 660.
type door struct {
	*apptest.App
	leash, parcel uuid.UUID
	keys          int
}

func newDoor(t *testing.T) *door {
	t.Helper()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	s := &door{App: a, leash: leash.Variants[0], parcel: a.AddShipping(t, "parcel", 660)}
	require.Empty(t, s.terms(t, apptest.Variables{}))
	return s
}

func (s *door) terms(t testing.TB, change apptest.Variables) (faults []string) {
	input := apptest.Variables{"most": "50000", "bands": []apptest.Variables{{"upTo": "10000", "fee": "330"}, {"upTo": "30000", "fee": "440"}, {"fee": "660"}}}
	for name, value := range change {
		input[name] = value
	}
	var got struct {
		SaveCashOnDelivery struct{ UserErrors []userError }
	}
	s.DoAs(t, dispatcher, `mutation($input: CashOnDeliveryInput!) { saveCashOnDelivery(input: $input) { cashOnDelivery { active bands { upTo { amount } fee { amount } } } userErrors { code field message } } }`, in(input)).Into(t, &got)
	for _, e := range got.SaveCashOnDelivery.UserErrors {
		faults = append(faults, e.Code+" "+strings.Join(e.Field, "."))
	}
	return faults
}

type chargedCart struct {
	PaymentMethod        *string
	PaymentCharge, Total struct{ Amount string }
	PaymentProblem       *struct{ Code string }
	Taxes                []struct{ Tax struct{ Amount string } }
	Breakdown            []struct {
		Rule, Label string
		Change      struct{ Amount string }
	}
}

// cart is a guest's with so many leashes, to be paid by the method.
func (s *door) cart(t testing.TB, leashes int, method string) (*shopper, chargedCart) {
	guest := &shopper{App: s.App}
	guest.add(t, s.leash, leashes)
	guest.fillIn(t, s.parcel)
	var got struct {
		UpdateCart struct {
			Cart       chargedCart
			UserErrors []userError
		}
	}
	guest.Do(t, `mutation($m: PaymentMethod!) { updateCart(input: {paymentMethod: $m}) { cart { paymentMethod paymentCharge { amount } paymentProblem { code } total { amount }
		taxes { tax { amount } } breakdown { rule label change { amount } } } userErrors { code } } }`, apptest.Variables{"m": method}, "X-Cart-Token", guest.token).Into(t, &got)
	require.Empty(t, got.UpdateCart.UserErrors)
	return guest, got.UpdateCart.Cart
}

func (s *door) place(t testing.TB, guest *shopper, total, method string) orderAnswer {
	s.keys++
	var placed struct{ PlaceOrder orderAnswer }
	guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": fmt.Sprintf("intent-%03d", s.keys), "expectedTotal": total, "paymentMethod": method}), "X-Cart-Token", guest.token).Into(t, &placed)
	return placed.PlaceOrder
}

// shipped is an order of a leash, on its way with the tracking number.
func (s *door) shipped(t testing.TB, tracking string) (key, number string) {
	guest, _ := s.cart(t, 1, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "2970", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	staff := counter{s.App, dispatcher}
	packed := staff.instruct(t, placed.Order.ID, nil)
	require.Empty(t, packed.UserErrors)
	require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID, "carrier": "見本運輸", "trackingNumber": tracking}).UserErrors)
	return placed.Order.ID, placed.Order.Number
}

type collected struct {
	Matched, Known, Strays, Others int
	Errors                         []struct{ Line int }
	UserErrors                     []userError
}

func (s *door) collect(t testing.TB, reference, amount, day string) collected {
	var got struct{ RecordCollection collected }
	s.DoAs(t, dispatcher, `mutation($r: String!, $a: Decimal!, $d: Date!) { recordCollection(input: {`+aKey()+` carrier: "見本運輸", reference: $r, amount: $a, collectedOn: $d}) { matched known strays userErrors { code field message } } }`,
		apptest.Variables{"r": reference, "a": amount, "d": day}).Into(t, &got)
	return got.RecordCollection
}

// books are the balances of an order by account and sub-account.
func (s *door) books(t testing.TB, order string) map[string]int64 {
	rows, err := s.DB.Pool().Query(t.Context(), `SELECT l.account || l.sub, sum(l.debit - l.credit)::bigint FROM journal_lines l JOIN journal_entries e ON e.id = l.entry_id
		WHERE e.order_id = $1 GROUP BY 1 HAVING sum(l.debit - l.credit) <> 0`, keyOf(t, order))
	require.NoError(t, err)
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var account string
		var minor int64
		require.NoError(t, rows.Scan(&account, &minor))
		all[account] = minor
	}
	return all
}

func (s *door) causes(t testing.TB) (all []string) {
	var got struct {
		StrayPayments struct {
			Nodes []struct{ Cause, Gateway string }
		}
	}
	s.DoAs(t, dispatcher, `{ strayPayments(states: [OPEN]) { nodes { cause gateway } } }`, nil).Into(t, &got)
	for _, n := range got.StrayPayments.Nodes {
		require.Equal(t, "cash_on_delivery", n.Gateway)
		all = append(all, n.Cause)
	}
	return all
}

func TestCashOnDeliveryIsChargedByAmount(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	var offered struct {
		PaymentMethods []struct {
			Method  string
			Charges []struct {
				UpTo *struct{ Amount string }
				Fee  struct{ Amount string }
			}
		}
	}
	s.Do(t, `{ paymentMethods { method charges { upTo { amount } fee { amount } } } }`, nil).Into(t, &offered)
	last := offered.PaymentMethods[len(offered.PaymentMethods)-1]
	require.Equal(t, "CASH_ON_DELIVERY", last.Method)
	require.Len(t, last.Charges, 3)
	require.Equal(t, "330", last.Charges[0].Fee.Amount)
	require.Nil(t, last.Charges[2].UpTo)

	guest, cart := s.cart(t, 1, "CASH_ON_DELIVERY")
	require.Equal(t, "2970", cart.Total.Amount)
	require.Equal(t, "330", cart.PaymentCharge.Amount)
	require.Equal(t, "270", cart.Taxes[0].Tax.Amount, "the charge is taxed with the rest")
	require.Nil(t, cart.PaymentProblem)
	step := cart.Breakdown[len(cart.Breakdown)-1]
	require.Equal(t, []string{"PAYMENT_CHARGE", "代引手数料", "330"}, []string{step.Rule, step.Label, step.Change.Amount})
	require.Equal(t, "PRICE_CHANGED", s.place(t, guest, "2640", "CASH_ON_DELIVERY").UserErrors[0].Code)
	other := s.place(t, guest, "2640", "BANK_TRANSFER")
	require.Empty(t, other.UserErrors, "the order's own word counts, not what the cart noted")

	_, cart = s.cart(t, 5, "CASH_ON_DELIVERY")
	require.Equal(t, "11000", cart.Total.Amount, "10,560 yen is in the second band, and the charge does not count towards it")
	_, cart = s.cart(t, 5, "BANK_TRANSFER")
	require.Equal(t, "0", cart.PaymentCharge.Amount)
	guest, cart = s.cart(t, 26, "CASH_ON_DELIVERY")
	require.Equal(t, "PAYMENT_EXCEEDS_LIMIT", cart.PaymentProblem.Code)
	dear := s.place(t, guest, cart.Total.Amount, "CASH_ON_DELIVERY")
	require.Equal(t, "PAYMENT_EXCEEDS_LIMIT", dear.UserErrors[0].Code)
	require.Equal(t, []string{"paymentMethod"}, dear.UserErrors[0].Field)

	exec(t, s.App, `UPDATE shipping_methods SET limits = '{"payments": [{"method": "CASH_ON_DELIVERY"}]}'`)
	guest, cart = s.cart(t, 1, "CASH_ON_DELIVERY")
	require.Equal(t, "SHIPPING_PAYMENT", cart.PaymentProblem.Code)
	require.Equal(t, "SHIPPING_PAYMENT", s.place(t, guest, "2970", "CASH_ON_DELIVERY").UserErrors[0].Code)
	require.Empty(t, s.terms(t, apptest.Variables{"active": false}))
	exec(t, s.App, `UPDATE shipping_methods SET limits = '{}'`)
	guest, cart = s.cart(t, 1, "CASH_ON_DELIVERY")
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", cart.PaymentProblem.Code)
	require.Equal(t, "2640", cart.Total.Amount)
	require.Equal(t, "PAYMENT_METHOD_UNAVAILABLE", s.place(t, guest, "2640", "CASH_ON_DELIVERY").UserErrors[0].Code)
}

func TestTermsOfCashOnDeliveryThatCannotBe(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	band := func(upTo any, fee string) apptest.Variables { return apptest.Variables{"upTo": upTo, "fee": fee} }
	for want, bands := range map[string][]apptest.Variables{
		"DELIVERY_BANDS_INVALID bands": {}, "DELIVERY_BANDS_INVALID bands ": {band("100", "1")}, "DELIVERY_BANDS_INVALID bands  ": {band(nil, "1"), band(nil, "2")},
		"DELIVERY_BANDS_INVALID bands   ": {band("200", "1"), band("200", "2"), band(nil, "3")}, "AMOUNT_INVALID bands.0.fee": {band(nil, "-1")},
		"AMOUNT_INVALID bands.0.fee ": {band(nil, "0.5")}, "AMOUNT_INVALID bands.0.upTo": {band("0", "1"), band(nil, "1")},
	} {
		require.Equal(t, []string{strings.TrimSpace(want)}, s.terms(t, apptest.Variables{"bands": bands}))
	}
	require.Equal(t, []string{"AMOUNT_INVALID most"}, s.terms(t, apptest.Variables{"most": "0"}))
	require.NotEmpty(t, s.DoAs(t, cashier, `mutation { saveCashOnDelivery(input: {most: "1", bands: [{fee: "1"}]}) { userErrors { code } } }`, nil).Errors)
}

func TestCarrierCollectsAnOrderThatShipsUnpaid(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	guest, _ := s.cart(t, 1, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "2970", "CASH_ON_DELIVERY")
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.Empty(t, s.books(t, placed.Order.ID))
	var pay struct{ PayOrder payAnswer }
	guest.Do(t, `mutation($o: ID!, $m: PaymentMethod!) { payOrder(input: {idempotencyKey: "pay-00001", orderId: $o, paymentMethod: $m}) { userErrors { code } } }`,
		apptest.Variables{"o": placed.Order.ID, "m": "BANK_TRANSFER"}, "X-Cart-Token", guest.token).Into(t, &pay)
	require.Equal(t, "ORDER_NOT_PAYABLE", pay.PayOrder.code())

	key, number := s.shipped(t, "9900-0001")
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 2970, "SALES": -1800, "SHIPPING": -600, "CHARGES": -300, "TAXSTANDARD": -270}, s.books(t, key))
	require.Equal(t, 1, s.collect(t, number, "2900", "2026-01-05").Strays)
	require.Equal(t, 1, s.collect(t, "7KXQ9-B4TMH", "2970", "2026-01-05").Strays)
	require.Equal(t, "AMOUNT_INVALID", s.collect(t, number, "0", "2026-01-05").UserErrors[0].Code)
	require.Equal(t, "REQUIRED", s.collect(t, " ", "1", "2026-01-05").UserErrors[0].Code)
	require.Equal(t, 1, s.collect(t, strings.ToLower(number), "2970", "2026-01-05").Matched)
	require.Equal(t, 1, s.collect(t, strings.ToLower(number), "2970", "2026-01-05").Known)
	require.Equal(t, 1, s.collect(t, number, "2970", "2026-01-06").Strays, "another day is another collection")
	require.Equal(t, []string{"DOUBLED", "UNKNOWN", "AMOUNT"}, s.causes(t))
	require.Equal(t, map[string]int64{"CLEARINGcash_on_delivery": 2970, "SALES": -1800, "SHIPPING": -600, "CHARGES": -300, "TAXSTANDARD": -270}, s.books(t, key))
	var order struct {
		Order struct {
			Status        string
			Paid          bool
			PaymentCharge struct{ Amount string }
			Payments      []struct {
				Status string
				DueAt  *string
			}
		}
	}
	s.DoAs(t, dispatcher, `query($o: ID!) { order(id: $o) { status paid paymentCharge { amount } payments { status dueAt } } }`, apptest.Variables{"o": key}).Into(t, &order)
	require.True(t, order.Order.Paid)
	require.Equal(t, "SHIPPED", order.Order.Status)
	require.Equal(t, "330", order.Order.PaymentCharge.Amount)
	require.Equal(t, "CAPTURED", order.Order.Payments[0].Status)
	require.Nil(t, order.Order.Payments[0].DueAt)

	var refused struct{ RecordRefusedDelivery orderAnswer }
	s.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": key}).Into(t, &refused)
	require.Equal(t, "ORDER_NOT_ON_DELIVERY", refused.RecordRefusedDelivery.UserErrors[0].Code)
}

func TestCarriersFileIsTakenRowByRow(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	first, number := s.shipped(t, "9900-0001")
	second, _ := s.shipped(t, "9900-0002")
	file := "集金日,伝票番号,代引金額\n2026/01/05," + number + ",2970\n2026/01/05,9900-0002,2970\n2026/01/05,9900-0009,500\nきのう,9900-0003,100\n"
	raw, err := japanese.ShiftJIS.NewEncoder().String(file)
	require.NoError(t, err)
	clerk := employ(t, s.App, "depot@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite).bearer()
	upload := func() collected {
		var got struct{ UploadCollections collected }
		s.Upload(t, `mutation($input: UploadCollectionsInput!) { uploadCollections(input: $input) { matched known strays others errors { line } userErrors { code field message } } }`,
			in(apptest.Variables{"carrier": "見本運輸", "file": nil}), "input.file", apptest.File{Name: "cod.csv", ContentType: "text/csv", Content: []byte(raw)}, "X-Noren-CSRF", "1", "Authorization", clerk).Into(t, &got)
		return got.UploadCollections
	}
	got := upload()
	require.Empty(t, got.UserErrors)
	require.Equal(t, []int{2, 0, 1, 1}, []int{got.Matched, got.Known, got.Strays, len(got.Errors)})
	got = upload()
	require.Equal(t, []int{0, 3, 0}, []int{got.Matched, got.Known, got.Strays})
	require.Equal(t, []string{"UNKNOWN"}, s.causes(t))
	for _, key := range []string{first, second} {
		require.Equal(t, int64(2970), s.books(t, key)["CLEARINGcash_on_delivery"])
		require.Zero(t, s.books(t, key)["RECEIVABLEcarrier"])
	}
}

func TestRefusedParcelIsGivenUp(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	key, number := s.shipped(t, "9900-0001")
	var got struct{ RecordRefusedDelivery orderAnswer }
	refuse := func() orderAnswer {
		s.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o, reason: "受取拒否"}) { `+orderFields+` } }`, apptest.Variables{"o": key}).Into(t, &got)
		return got.RecordRefusedDelivery
	}
	require.Equal(t, "CANCELLED", refuse().Order.Status)
	require.Equal(t, map[string]int64{"SALES": -1800, "SHIPPING": -600, "CHARGES": -300, "RETURNS": 2700}, s.books(t, key))
	require.Equal(t, "ORDER_NOT_ON_DELIVERY", refuse().UserErrors[0].Code)
	var parcel uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM shipments WHERE order_id = $1`, keyOf(t, key)).Scan(&parcel))
	counter{s.App, dispatcher}.move(t, "deliverShipment", apptest.Variables{"shipmentId": id.Global("Shipment", parcel)})
	var now struct{ Order struct{ Status string } }
	s.DoAs(t, dispatcher, `query($o: ID!) { order(id: $o) { status } }`, apptest.Variables{"o": key}).Into(t, &now)
	require.Equal(t, "CANCELLED", now.Order.Status, "what was given up stays so")

	// The carrier brings money all the same: staff send it back.
	require.Equal(t, 1, s.collect(t, number, "2970", "2026-01-05").Matched)
	var list struct {
		Payments struct{ Nodes []struct{ Status string } }
	}
	s.DoAs(t, dispatcher, `{ payments(filter: {attention: true}) { nodes { status } } }`, nil).Into(t, &list)
	require.Len(t, list.Payments.Nodes, 1)

	unpaid, _ := s.shipped(t, "9900-0002")
	require.NotEmpty(t, s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o}) { userErrors { code } } }`, apptest.Variables{"o": unpaid}).Errors)
}

func TestGiftCardAndCashAtTheDoor(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	cards := &cardShop{App: d.App, leash: d.leash, parcel: d.parcel}
	code, rich := cards.issue(t, 1000, 1, nil)[0], cards.issue(t, 5000, 1, nil)[0]
	order := func(code string) orderAnswer {
		guest, _ := d.cart(t, 1, "CASH_ON_DELIVERY")
		var placed struct{ PlaceOrder orderAnswer }
		guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(apptest.Variables{
			"idempotencyKey": cards.key(), "expectedTotal": "2970", "paymentMethod": "CASH_ON_DELIVERY", "giftCards": []string{code},
		}), "X-Cart-Token", guest.token).Into(t, &placed)
		return placed.PlaceOrder
	}
	require.Equal(t, "GIFT_CARD_COVERS_ALL", order(rich).UserErrors[0].Code)
	placed := order(code)
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	counter{d.App, dispatcher}.ship(t, placed.Order.ID)
	require.Equal(t, int64(1970), d.books(t, placed.Order.ID)["RECEIVABLEcarrier"])
	cards.agrees(t)

	var got struct{ RecordRefusedDelivery orderAnswer }
	d.DoAs(t, dispatcher, `mutation($o: ID!) { recordRefusedDelivery(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": placed.Order.ID}).Into(t, &got)
	require.Equal(t, "CANCELLED", got.RecordRefusedDelivery.Order.Status)
	require.Equal(t, "1000", cards.left(t, code))
	left := d.books(t, placed.Order.ID)
	require.Zero(t, left["RECEIVABLEcarrier"]+left["GIFT_CARDS"]+left["DEPOSITS"], left)
	require.Zero(t, left["SALES"]+left["SHIPPING"]+left["CHARGES"]+left["RETURNS"]+left["TAXSTANDARD"], left)
	cards.agrees(t)
}
