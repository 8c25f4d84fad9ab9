package resolvers_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// editor is staff who edit orders, feeSetter those who name prices besides.
var (
	editor    = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}
	feeSetter = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.PricingWrite}}
)

type editedSum struct{ Amount string }

func (y editedSum) minor(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(y.Amount)
	require.NoError(t, err)
	return n
}

type editedStep struct {
	Rule    string
	Change  editedSum
	Running editedSum
}

type editedOrder struct {
	ID, Status         string
	Paid               bool
	Subtotal, Discount editedSum
	ShippingFee        editedSum
	Tax, Total         editedSum
	Taxes              []struct {
		Percent int
		Tax     editedSum
	}
	Breakdown []editedStep
	Lines     []struct {
		ID, SKU     string
		Quantity    int
		Shipped     int
		BackOrdered int
		Unit, Total editedSum
		Breakdown   []editedStep
	}
}

const editedFields = `id status paid subtotal { amount } discount { amount } shippingFee { amount } tax { amount } total { amount }
	taxes { percent tax { amount } } breakdown { rule change { amount } running { amount } }
	lines { id sku quantity shipped backOrdered unit { amount } total { amount } breakdown { rule change { amount } running { amount } } }`

type editAnswer struct {
	Order                      *editedOrder
	Before, Difference, Refund *editedSum
	UserErrors                 []userError
}

func (e editAnswer) code() string {
	if len(e.UserErrors) == 0 {
		return ""
	}
	return e.UserErrors[0].Code
}

// edit changes what the order holds; the key is new unless it is given.
func (c counter) edit(t testing.TB, order string, change apptest.Variables) editAnswer {
	t.Helper()
	in := apptest.Variables{"idempotencyKey": id.New().String(), "orderId": order}
	maps.Copy(in, change)
	var got struct{ EditOrder editAnswer }
	answer := c.DoAs(t, c.actor, `mutation($in: EditOrderInput!) { editOrder(input: $in) { order { `+editedFields+` }
		before { amount } difference { amount } refund { amount } userErrors { code field message } } }`, apptest.Variables{"in": in})
	if code := answer.Code(); code == "FORBIDDEN" {
		return editAnswer{UserErrors: []userError{{Code: code}}}
	}
	answer.Into(t, &got)
	return got.EditOrder
}

func (c counter) look(t testing.TB, order string) editedOrder {
	t.Helper()
	var got struct{ Order editedOrder }
	c.DoAs(t, c.actor, `query($o: ID!) { order(id: $o) { `+editedFields+` } }`, apptest.Variables{"o": order}).Into(t, &got)
	return got.Order
}

// lines are what an edit says of lines: an id, then how many.
func lines(of ...any) apptest.Variables {
	var all []apptest.Variables
	for i := 0; i < len(of); i += 2 {
		all = append(all, apptest.Variables{"lineId": of[i], "quantity": of[i+1]})
	}
	return apptest.Variables{"lines": all}
}

func adding(variant uuid.UUID, quantity int) apptest.Variables {
	return apptest.Variables{"add": []apptest.Variables{{"variantId": id.Global("Variant", variant), "quantity": quantity}}}
}

// requireAddsUp holds an order to the sums that it is made of.
func requireAddsUp(t testing.TB, a *apptest.App, o editedOrder) {
	t.Helper()
	var exclusive bool
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT NOT tax_inclusive FROM orders LIMIT 1`).Scan(&exclusive))
	sum, subtotal := 0, 0
	for _, l := range o.Lines {
		sum, subtotal = sum+l.Total.minor(t), subtotal+l.Unit.minor(t)*l.Quantity
		last := l.Breakdown[len(l.Breakdown)-1]
		require.Equal(t, l.Total, last.Running, "the last step of a line is its total")
	}
	taxes := 0
	for _, tax := range o.Taxes {
		taxes += tax.Tax.minor(t)
	}
	require.Equal(t, o.Tax.minor(t), taxes)
	require.Equal(t, o.Subtotal.minor(t), subtotal)
	require.Equal(t, sum, subtotal-o.Discount.minor(t))
	total := sum + o.ShippingFee.minor(t)
	if exclusive {
		total += taxes
	}
	require.Equal(t, o.Total.minor(t), total)
	require.Equal(t, o.Total, o.Breakdown[len(o.Breakdown)-1].Running, "the last step of the order is its total")
}

// editDesk is a paid order of three leashes at 1,100 yen and two bowls at 550, with a fee of 660.
type editDesk struct {
	counter
	guest          *shopper
	order          string
	leash, bowl    uuid.UUID
	leashes, bowls string // the lines
}

func newEditDesk(t testing.TB) editDesk {
	t.Helper()
	a := apptest.Start(t)
	d := editDesk{counter: counter{a, editor}, guest: &shopper{App: a}, leash: a.AddProduct(t, "leash", 1100).Variants[0], bowl: a.AddProduct(t, "bowl", 550).Variants[0]}
	method := a.AddShipping(t, "parcel", 660)
	require.Empty(t, d.guest.add(t, d.leash, 3).UserErrors)
	require.Empty(t, d.guest.add(t, d.bowl, 2).UserErrors)
	require.Empty(t, d.guest.fillIn(t, method).UserErrors)
	placed := d.guest.place(t, "intent-1", "5060")
	require.Empty(t, placed.UserErrors)
	d.order = placed.Order.ID
	d.receive(t, d.order, "5060")
	o := d.look(t, d.order)
	d.leashes, d.bowls = o.Lines[0].ID, o.Lines[1].ID
	return d
}

func (d editDesk) edit(t testing.TB, change apptest.Variables) editAnswer {
	t.Helper()
	return d.counter.edit(t, d.order, change)
}

func TestFewerPiecesGiveTheDifferenceBack(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	d.Work(t)
	tried := d.edit(t, with(lines(d.leashes, 1), "dryRun", true))
	require.Empty(t, tried.UserErrors)
	require.Equal(t, []string{"5060", "-2200", "2200", "2860"}, []string{tried.Before.Amount, tried.Difference.Amount, tried.Refund.Amount, tried.Order.Total.Amount})
	require.Equal(t, "5060", d.look(t, d.order).Total.Amount, "trying changes nothing")
	requireStock(t, d.App, d.leash, 100, 3)
	require.Zero(t, eventsOf(t, d.App, "order.edited"))

	got := d.edit(t, with(lines(d.leashes, 1), "reason", "ご希望により"))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"5060", "-2200", "2200", "2860"}, []string{got.Before.Amount, got.Difference.Amount, got.Refund.Amount, got.Order.Total.Amount})
	require.Equal(t, "260", got.Order.Tax.Amount)
	require.Equal(t, "CONFIRMED", got.Order.Status)
	require.True(t, got.Order.Paid)
	requireAddsUp(t, d.App, *got.Order)
	requireStock(t, d.App, d.leash, 100, 1)
	mailed(t, d.App, "差額 2,200円 をご返金します")
	mailed(t, d.App, "理由：ご希望により")

	removed := d.edit(t, lines(d.leashes, 0))
	require.Empty(t, removed.UserErrors)
	require.Len(t, removed.Order.Lines, 1)
	require.Equal(t, "1100", removed.Refund.Amount, "what is due already is not due again")
	require.Equal(t, "1760", removed.Order.Total.Amount)
	requireAddsUp(t, d.App, *removed.Order)
	requireStock(t, d.App, d.leash, 100, 0)
	var due int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT sum((data->>'amount')::int) FROM events WHERE type = 'payment.refund_due'`).Scan(&due))
	require.Equal(t, 3300, due)

	// What staff have to send back stands on their list until they have.
	owed := func() (n int) {
		var list struct{ Payments struct{ TotalCount int } }
		d.DoAs(t, cashier, `{ payments(filter: {attention: true}) { totalCount } }`, nil).Into(t, &list)
		return list.Payments.TotalCount
	}
	require.Equal(t, 1, owed())
	var sent struct {
		RefundPayment struct{ UserErrors []userError }
	}
	var bill struct {
		Order struct{ Payments []struct{ ID string } }
	}
	d.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { payments { id } } }`, apptest.Variables{"o": d.order}).Into(t, &bill)
	d.DoAs(t, cashier, `mutation($p: ID!) { refundPayment(input: {idempotencyKey: "refund-edit", paymentId: $p, amount: "3300"}) { userErrors { code } } }`,
		apptest.Variables{"p": bill.Order.Payments[0].ID}).Into(t, &sent)
	require.Empty(t, sent.RefundPayment.UserErrors)
	require.Zero(t, owed())
	d.ship(t, d.order)
	requireStock(t, d.App, d.bowl, 98, 0)
	require.Equal(t, "ORDER_STATUS_CONFLICT", d.edit(t, lines(d.bowls, 1)).code(), "it has left")
}

func eventsOf(t testing.TB, a *apptest.App, kind string) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n))
	return n
}

func TestCardMoneyGoesBackThroughTheGateway(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	staff := counter{s.App, feeSetter}
	line := staff.look(t, s.order).Lines[0].ID
	priced := apptest.Variables{"lines": []apptest.Variables{{"lineId": line, "quantity": 1, "unit": "1500"}}, "shippingFee": "330"}
	require.Equal(t, "FORBIDDEN", counter{s.App, editor}.edit(t, s.order, priced).code())
	got := staff.edit(t, s.order, priced)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"1830", "-810", "810"}, []string{got.Order.Total.Amount, got.Difference.Amount, got.Refund.Amount})
	requireAddsUp(t, s.App, *got.Order)
	require.Eventually(t, func() bool { return s.payment(t).Refunded.Amount == "810" }, time.Minute, 20*time.Millisecond)
	more := staff.edit(t, s.order, apptest.Variables{"shippingFee": "660"})
	require.Empty(t, more.UserErrors)
	require.False(t, more.Order.Paid)
	require.Equal(t, "ORDER_UNPAID", staff.instruct(t, s.order, nil).code())
	var rest struct{ PayOrder payAnswer }
	s.Do(t, `mutation($o: ID!, $c: String!) { payOrder(input: {idempotencyKey: "attempt-2", orderId: $o, cardToken: $c, paymentMethod: CARD}) {
		payment { captured { amount } } userErrors { code field message } } }`,
		apptest.Variables{"o": s.order, "c": stripetest.CardVisa}, "X-Cart-Token", s.token).Into(t, &rest)
	require.Empty(t, rest.PayOrder.UserErrors)
	require.Equal(t, "330", rest.PayOrder.Payment.Captured.Amount, "the rest is paid")
	require.True(t, staff.look(t, s.order).Paid)
	staff.ship(t, s.order)
}

func TestAddedGoodsAreToBePaid(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	d.Work(t)
	toy := d.AddProduct(t, "toy", 220).Variants[0]
	got := d.edit(t, adding(toy, 2))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"440", "0", "5500"}, []string{got.Difference.Amount, got.Refund.Amount, got.Order.Total.Amount})
	require.False(t, got.Order.Paid)
	require.Len(t, got.Order.Lines, 3)
	require.Equal(t, "220", got.Order.Lines[2].Unit.Amount)
	requireAddsUp(t, d.App, *got.Order)
	requireStock(t, d.App, toy, 100, 2)
	mailed(t, d.App, "差額のお支払いが必要です")
	require.Equal(t, "ORDER_UNPAID", d.instruct(t, d.order, nil).code())
	var paid struct{ PayOrder payAnswer }
	d.guest.Do(t, `mutation($o: ID!) { payOrder(input: {idempotencyKey: "the-rest", orderId: $o, paymentMethod: BANK_TRANSFER}) { order { status paid } payment { id instructions { amount { amount } } } userErrors { code } } }`,
		apptest.Variables{"o": d.order}, "X-Cart-Token", d.guest.token).Into(t, &paid)
	require.Empty(t, paid.PayOrder.UserErrors)
	require.Equal(t, "440", paid.PayOrder.Payment.Instructions.Amount.Amount)
	var received struct {
		RecordBankTransfer struct{ UserErrors []userError }
	}
	d.DoAs(t, d.actor, `mutation($p: ID!) { recordBankTransfer(input: {idempotencyKey: "receipt-2", paymentId: $p, amount: "440", payerName: "ﾔﾏﾀﾞ ﾊﾅｺ", receivedAt: "2026-11-24T01:00:00Z"}) {
		userErrors { code field message } } }`, apptest.Variables{"p": paid.PayOrder.Payment.ID}).Into(t, &received)
	require.Empty(t, received.RecordBankTransfer.UserErrors)
	require.True(t, d.look(t, d.order).Paid)
	d.ship(t, d.order)
	requireStock(t, d.App, toy, 98, 0)
	requireSumsOf(t, d.App)
}

func TestAnEditWithAKeyIsDoneOnce(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	change := with(lines(d.leashes, 2), "idempotencyKey", "edit-once")
	first := d.edit(t, change)
	require.Empty(t, first.UserErrors)
	again := d.edit(t, change)
	require.Equal(t, first, again)
	require.Equal(t, 1, eventsOf(t, d.App, "order.edited"))
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", d.edit(t, with(lines(d.leashes, 1), "idempotencyKey", "edit-once")).code())
	requireStock(t, d.App, d.leash, 100, 2)
}

func TestEditsThatCannotBe(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	sample := d.AddProduct(t, "seldom", 100).Variants[0]
	d.SetStock(t, sample, 1)
	for name, c := range map[string]struct {
		change apptest.Variables
		code   string
		field  string
	}{
		"nothing":      {nil, "ORDER_EDIT_EMPTY", ""},
		"everything":   {lines(d.leashes, 0, d.bowls, 0), "ORDER_EDIT_EMPTIES", "lines"},
		"unknown line": {lines(id.Global("OrderLine", id.New()), 1), "ORDER_LINE_UNKNOWN", "lines"},
		"negative":     {lines(d.leashes, -1), "INVALID", "lines"},
		"too many":     {lines(d.leashes, 100_000), "INVALID", "lines"},
		"twice":        {lines(d.leashes, 1, d.leashes, 2), "INVALID", "lines"},
		"add none":     {adding(d.bowl, 0), "INVALID", "add"},
		"no goods":     {adding(id.New(), 1), "VARIANT_UNKNOWN", "add"},
		"long reason":  {with(lines(d.leashes, 1), "reason", strings.Repeat("長", 501)), "TOO_LONG", "reason"},
		"no stock":     {adding(sample, 2), "INSUFFICIENT_STOCK", "add.0"},
		"no more":      {lines(d.leashes, 101), "INSUFFICIENT_STOCK", "lines.0"},
		"short key":    {with(lines(d.leashes, 1), "idempotencyKey", "x"), "IDEMPOTENCY_KEY_INVALID", "idempotencyKey"},
	} {
		got := d.edit(t, c.change)
		require.Equal(t, c.code, got.code(), name)
		require.Equal(t, c.field, strings.Join(got.UserErrors[0].Field, "."), name)
		require.Nil(t, got.Order, name)
	}
	require.Equal(t, "INSUFFICIENT_STOCK", d.edit(t, with(adding(sample, 2), "dryRun", true)).code(), "trying tells it")
	priced := counter{d.App, feeSetter}
	require.Equal(t, "INVALID", priced.edit(t, d.order, apptest.Variables{"shippingFee": "-1"}).code())
	require.Equal(t, "5060", d.look(t, d.order).Total.Amount)
	requireStock(t, d.App, d.leash, 100, 3)
	requireStock(t, d.App, sample, 1, 0)

	made := d.instruct(t, d.order, apptest.Variables{"lines": []apptest.Variables{{"lineId": d.leashes, "quantity": 2}}})
	require.Empty(t, made.UserErrors)
	packed := d.edit(t, lines(d.leashes, 1))
	require.Equal(t, "ORDER_LINE_PACKED", packed.code())
	require.Contains(t, packed.UserErrors[0].Message, "2個")
	require.Empty(t, d.edit(t, lines(d.leashes, 2)).UserErrors, "what is not packed may go")
	require.Empty(t, d.act(t, "cancelOrder", apptest.Variables{"orderId": d.order}).UserErrors)
	require.Equal(t, "ORDER_STATUS_CONFLICT", d.edit(t, lines(d.leashes, 1)).code())
	requireStock(t, d.App, d.leash, 100, 0)
	requireSumsOf(t, d.App)
}

func TestCreditFollowsAnEdit(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "5000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	order := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order.ID
	staff := counter{w.App, feeSetter}
	line := staff.look(t, order).Lines[0].ID
	require.Empty(t, staff.edit(t, order, lines(line, 1)).UserErrors)
	require.Equal(t, 1000, w.owed(t))
	require.Empty(t, staff.edit(t, order, lines(line, 5)).UserErrors)
	require.Equal(t, 5000, w.owed(t))
	refused := staff.edit(t, order, lines(line, 6))
	require.Equal(t, "CREDIT_EXCEEDED", refused.code())
	require.Equal(t, 5000, w.owed(t))
	require.Equal(t, "5000", staff.look(t, order).Total.Amount)
	requireStock(t, w.App, w.leash, 100, 5)

	exec(t, w.App, `UPDATE company_credit SET credit_limit = 100`)
	require.Empty(t, staff.edit(t, order, lines(line, 4)).UserErrors, "less is always taken")
	require.Equal(t, 4000, w.owed(t))
	require.Empty(t, staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	require.Zero(t, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 0)
}

func TestSetsScaleWithTheirParts(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	guest := &shopper{App: s.App}
	require.Empty(t, guest.choose(t, s.box, 3).UserErrors)
	guest.fillIn(t, s.method)
	placed := guest.place(t, "intent-1", "3000")
	require.Empty(t, placed.UserErrors)
	staff := counter{s.App, editor}
	line := staff.look(t, placed.Order.ID).Lines[0].ID
	for _, pieces := range []int{1, 4} {
		got := staff.edit(t, placed.Order.ID, lines(line, pieces))
		require.Empty(t, got.UserErrors)
		require.Equal(t, fmt.Sprint(1000*pieces), got.Order.Total.Amount)
		requireAddsUp(t, s.App, *got.Order)
		require.Len(t, got.Order.Taxes, 2)
		requireStock(t, s.App, s.tea, 100, 2*pieces)
		requireStock(t, s.App, s.mug, 100, pieces)
	}
	requireSumsOf(t, s.App)
	added := staff.edit(t, placed.Order.ID, adding(s.box, 1))
	require.Empty(t, added.UserErrors)
	requireAddsUp(t, s.App, *added.Order)
	requireStock(t, s.App, s.tea, 100, 10)
}

func TestWaitingPiecesAreGivenBackFirst(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed := a.AddProduct(t, "bed", 1980).Variants[0]
	a.SetStock(t, bed, 2)
	backOrders(t, a, nil, 5)
	guest := buyer(t, a, a.AddShipping(t, "parcel", 0), bed, 4)
	order := guest.place(t, "intent-1", "7920").Order.ID
	staff := counter{a, editor}
	line := staff.look(t, order).Lines[0].ID
	require.Equal(t, 2, staff.look(t, order).Lines[0].BackOrdered)
	got := staff.edit(t, order, lines(line, 3))
	require.Empty(t, got.UserErrors)
	require.Equal(t, 1, got.Order.Lines[0].BackOrdered)
	requireStock(t, a, bed, 2, 2)
	require.Empty(t, staff.edit(t, order, lines(line, 7)).UserErrors)
	require.Equal(t, 5, staff.look(t, order).Lines[0].BackOrdered)
	require.Equal(t, "INSUFFICIENT_STOCK", staff.edit(t, order, lines(line, 8)).code(), "no more may wait")
	require.Empty(t, staff.edit(t, order, lines(line, 1)).UserErrors)
	requireStock(t, a, bed, 2, 1)
	requireSumsOf(t, a)
}

// requireSumsOf is requireSums for goods that were never counted in: on hand is set by
// the test.
func requireSumsOf(t testing.TB, a *apptest.App) {
	t.Helper()
	for what, sql := range map[string]string{
		"reserved": `SELECT count(*) FROM stock_levels s WHERE reserved <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations r
			WHERE r.variant_id = s.variant_id AND r.location_id = s.location_id AND r.state = 'OPEN')`,
		"waiting": `SELECT count(*) FROM back_orders k WHERE pieces <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations r
			WHERE r.variant_id = k.variant_id AND r.location_id IS NULL AND r.state = 'OPEN')`,
	} {
		var off int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), sql).Scan(&off))
		require.Zero(t, off, what)
	}
}

func TestEditsRacedByAShipment(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	made := d.instruct(t, d.order, apptest.Variables{"lines": []apptest.Variables{{"lineId": d.leashes, "quantity": 2}}})
	require.Empty(t, made.UserErrors)
	var (
		all     sync.WaitGroup
		late    atomic.Int32
		shipped atomic.Bool
	)
	for i := range 8 {
		all.Go(func() {
			switch code := d.edit(t, lines(d.leashes, 1+i%4, d.bowls, 1+i%3)).code(); code {
			case "", "ORDER_LINE_PACKED":
			case "ORDER_STATUS_CONFLICT": // some of it has left
				late.Add(1)
			default:
				t.Errorf("edit %d: %s", i, code)
			}
		})
	}
	all.Go(func() {
		switch code := d.move(t, "shipShipment", apptest.Variables{"shipmentId": made.Shipments[0].ID}).code(); code {
		case "":
			shipped.Store(true)
		case "ORDER_UNPAID": // an edit asked for more first
		default:
			t.Errorf("ship: %s", code)
		}
	})
	all.Wait()
	o := d.look(t, d.order)
	if !shipped.Load() {
		require.Zero(t, late.Load(), "nothing had left")
		require.Zero(t, o.Lines[0].Shipped)
	} else {
		require.Equal(t, 2, o.Lines[0].Shipped)
		require.Equal(t, "ORDER_STATUS_CONFLICT", d.edit(t, lines(d.leashes, 5)).code(), "no more goes with the rest")
	}
	requireAddsUp(t, d.App, o)
	requireSumsOf(t, d.App)
	var held int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(quantity), 0) FROM stock_reservations WHERE state = 'OPEN'`).Scan(&held))
	open := 0
	for _, l := range o.Lines {
		require.LessOrEqual(t, l.Shipped, l.Quantity)
		open += l.Quantity - l.Shipped
	}
	require.Equal(t, open, held, "what has not left is held, piece by piece")
	require.GreaterOrEqual(t, o.Lines[0].Quantity, 2)
}

// unpaidSeen is how a payment stands, and what its customer is told to pay.
type unpaidSeen struct {
	ID, Status   string
	Amount       editedSum
	Instructions struct{ Amount editedSum }
}

func TestAnUnpaidOrderIsPaidAsEdited(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	guest := buyer(t, a, a.AddShipping(t, "parcel", 0), leash, 3)
	order := guest.place(t, "intent-1", "5940").Order.ID
	staff := counter{a, editor}
	line := staff.look(t, order).Lines[0].ID
	got := staff.edit(t, order, lines(line, 2))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"PENDING_PAYMENT", "0", "3960"}, []string{got.Order.Status, got.Refund.Amount, got.Order.Total.Amount})
	asked := func() (p unpaidSeen) {
		var seen struct {
			Order struct{ Payments []unpaidSeen }
		}
		a.DoAs(t, editor, `query($o: ID!) { order(id: $o) { payments { id status amount { amount } instructions { amount { amount } } } } }`, apptest.Variables{"o": order}).Into(t, &seen)
		require.Len(t, seen.Order.Payments, 1)
		return seen.Order.Payments[0]
	}
	p := asked()
	require.Equal(t, []string{"PENDING", "3960", "3960"}, []string{p.Status, p.Amount.Amount, p.Instructions.Amount.Amount})
	var mailed []string
	openMails(t, a)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(args->'message'->'content'->>'amount' ORDER BY id) FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' = 'bank_transfer'`).Scan(&mailed))
	require.Equal(t, []string{"5940", "3960"}, mailed, "the customer is told what to transfer now")
	record := func(amount string) (outcome string) {
		var done struct {
			RecordBankTransfer struct {
				Outcome    *string
				UserErrors []userError
			}
		}
		a.DoAs(t, editor, `mutation($p: ID!, $a: Decimal!) { recordBankTransfer(input: {`+aKey()+` paymentId: $p, amount: $a, receivedAt: "2026-01-05T00:00:00Z"}) { outcome userErrors { code field message } } }`,
			apptest.Variables{"p": p.ID, "a": amount}).Into(t, &done)
		require.Empty(t, done.RecordBankTransfer.UserErrors)
		return *done.RecordBankTransfer.Outcome
	}
	require.Equal(t, "SHORT", record("1000"))
	require.Equal(t, "EXACT", record("2960"))
	require.Equal(t, "CAPTURED", asked().Status)
	o := staff.look(t, order)
	require.Equal(t, "CONFIRMED", o.Status)
	require.True(t, o.Paid)
	staff.ship(t, order)
}

func TestTaxOnTopFollowsAnEdit(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	exec(t, d.App, `UPDATE orders SET tax_inclusive = false`)
	got := d.counter.edit(t, d.order, lines(d.leashes, 1))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"286", "3146"}, []string{got.Order.Tax.Amount, got.Order.Total.Amount})
	requireAddsUp(t, d.App, *got.Order)
}

func TestTheMailOfAnEditNamesTheNewAddress(t *testing.T) {
	t.Parallel()
	d := newEditDesk(t)
	told := func() (address []string) {
		openMails(t, d.App)
		require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT ARRAY(SELECT jsonb_array_elements_text(coalesce(args->'message'->'content'->'address', '[]')))
			FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = 'order_changed' ORDER BY id DESC LIMIT 1`).Scan(&address))
		return address
	}
	require.Empty(t, d.edit(t, lines(d.leashes, 2)).UserErrors)
	require.Empty(t, told(), "it goes where it went")
	moved := newAddress("山田 次郎")
	moved["prefecture"], moved["city"], moved["postalCode"] = "OSAKA", "大阪市北区", "530-0001"
	require.Empty(t, d.edit(t, apptest.Variables{"shippingAddress": moved}).UserErrors)
	require.Contains(t, strings.Join(told(), " "), "大阪府大阪市北区神宮前1-2-3")
	require.Contains(t, strings.Join(told(), " "), "山田 次郎")
}
