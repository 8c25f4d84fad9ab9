package proof_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// dice are the choices of one act. They come from a seed of the run and the act's place
// in it, so that the same seed chooses the same, as far as it finds the same.
type dice struct{ *rand.Rand }

// of is a choice among n.
func (d dice) of(n int) int { return d.IntN(n) }

// once is a chance of one in n.
func (d dice) once(n int) bool { return d.of(n) == 0 }

// errNothing says that there was nothing to act on.
var errNothing = errors.New("nothing to do")

// acts are what people do, each with how often it is done.
var acts = []struct {
	name  string
	often int
	do    func(*world, dice) (string, error)
}{
	{"place", 14, (*world).place},
	{"pay", 10, (*world).pay},
	{"transfer", 6, (*world).transfer},
	{"slip", 4, (*world).slip},
	{"till", 1, (*world).till},
	{"collect", 3, (*world).collect},
	{"operate", 10, (*world).operate},
	{"expire", 1, (*world).expire},
	{"instruct", 10, (*world).instruct},
	{"ship", 12, (*world).ship},
	{"deliver", 4, (*world).deliver},
	{"call-off", 2, (*world).callOff},
	{"cancel", 3, (*world).cancel},
	{"refuse", 1, (*world).refuse},
	{"edit", 5, (*world).edit},
	{"hold", 2, (*world).hold},
	{"approve", 2, (*world).approve},
	{"refund", 3, (*world).refund},
	{"void", 1, (*world).void},
	{"capture", 1, (*world).capture},
	{"settle", 1, (*world).payAccount},
	{"ask", 5, (*world).askReturn},
	{"decide", 4, (*world).decideReturn},
	{"receive", 6, (*world).receiveReturn},
	{"receipt", 2, (*world).receipt},
	{"count", 2, (*world).count},
	{"restock", 3, (*world).restock},
	{"send", 2, (*world).send},
	{"arrive", 2, (*world).arrive},
	{"announce", 1, (*world).announce},
	{"supply", 1, (*world).supply},
	{"ready", 6, (*world).ready},
	{"hand-over", 6, (*world).handOver},
	{"lapse", 1, (*world).lapse},
	{"sell", 4, (*world).sell},
	{"reallocate", 2, (*world).reallocate},
	{"supply-shop", 2, (*world).supplyShop},
	{"follow", 6, (*world).follow},
	{"tend", 2, (*world).tend},
	{"grant", 2, (*world).grant},
	{"give", 1, (*world).give},
	{"favoured", 6, (*world).favoured},
	{"campaign", 2, (*world).campaign},
	{"recur", 5, (*world).recur},
	{"steer", 3, (*world).steer},
	{"charge", 4, (*world).charge},
}

// act does what the dice say, and notes how it ended.
func (w *world) act(d dice) {
	sum := 0
	for _, a := range acts {
		sum += a.often
	}
	n := d.of(sum)
	for _, a := range acts {
		if n -= a.often; n >= 0 {
			continue
		}
		on, err := a.do(w, d)
		if errors.Is(err, errNothing) { // the shop has yet to fill
			a.name = "place"
			on, err = w.place(d)
		}
		w.heard(a.name+" "+on, err)
		return
	}
}

// someone's order; the younger ones are chosen more often.
func (w *world) order(d dice) (placed, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	n := len(w.orders)
	if n == 0 {
		return placed{}, errNothing
	}
	if d.once(3) {
		return w.orders[d.of(n)], nil
	}
	return w.orders[n-1-d.of(min(n, 25))], nil
}

// orderIn is one of the orders of which the condition holds.
func (w *world) orderIn(d dice, where string) (key uuid.UUID, err error) {
	err = w.ask([]any{&key}, `SELECT o.id FROM orders o WHERE `+where+` ORDER BY md5(o.id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, err
}

var methods = []payment.Method{
	payment.MethodCard, payment.MethodCard, payment.MethodBankTransfer, payment.MethodBankTransfer, payment.MethodConvenienceStore,
	payment.MethodCashOnDelivery, payment.MethodOnAccount, payment.MethodOnAccount, payment.MethodGiftCard, payment.MethodVoucher,
}

// customer is who orders by the method: a company's buyer, a member or a guest.
func (w *world) customer(d dice, method payment.Method) context.Context {
	switch {
	case method == payment.MethodOnAccount:
		return w.buyer
	case d.once(2):
		return w.members[d.of(len(w.members))]
	}
	return access.With(w.staff, access.Guest)
}

// fill puts some of the goods into the customer's cart, and says how they are to be had and paid.
func (w *world) fill(ctx context.Context, d dice, goods []uuid.UUID, method payment.Method) (context.Context, *cart.Priced, payment.Method, error) {
	for range 1 + d.of(2) {
		priced, err := w.Carts.AddLine(ctx, cart.AddLineInput{VariantID: goods[d.of(len(goods))], Quantity: 1 + d.of(4)})
		if err != nil {
			return ctx, nil, method, err
		}
		if priced.Token != "" {
			ctx = access.With(ctx, access.Actor{Role: access.RoleGuest, CartToken: priced.Token})
		}
	}
	email, mode := "hanako@example.jp", pricing.ShipNormal
	change := cart.UpdateInput{Email: &email, ShippingMethodID: &w.method, ShippingMode: &mode, PaymentMethod: &method, ShippingAddress: &customer.Address{
		Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678",
	}}
	if method != payment.MethodOnAccount && d.once(3) {
		method = w.fetched(d, &change)
	}
	filled, err := w.Carts.Update(ctx, change)
	return ctx, filled, method, err
}

// tenders says what besides the method pays for the order.
func (w *world) tenders(ctx context.Context, d dice, in *order.PlaceInput, total int64) (err error) {
	if in.PaymentMethod == payment.MethodConvenienceStore {
		in.Store = payment.ChainLawson
	}
	if in.PaymentMethod == payment.MethodGiftCard || (in.PaymentMethod != payment.MethodOnAccount && d.once(4)) {
		for range 1 + d.of(3) {
			in.GiftCards = append(in.GiftCards, w.codes[d.of(len(w.codes))])
		}
	}
	if in.PaymentMethod == payment.MethodVoucher || (in.PaymentMethod != payment.MethodOnAccount && d.once(6)) {
		for range 1 + d.of(3) {
			in.Vouchers = append(in.Vouchers, w.vouchers[d.of(len(w.vouchers))])
		}
	}
	if access.From(ctx).Is(access.RoleMember) {
		in.Points, err = w.uses(ctx, d, total)
	}
	return err
}

func (w *world) place(d dice) (string, error) { return w.placeOf(d, w.variants) }

// placeOf orders some of the goods.
func (w *world) placeOf(d dice, goods []uuid.UUID) (string, error) {
	method := methods[d.of(len(methods))]
	ctx, filled, method, err := w.fill(w.customer(d, method), d, goods, method)
	if err != nil {
		return "", err
	}
	in := order.PlaceInput{IdempotencyKey: w.key(), ExpectedTotal: filled.Total().Amount(), PaymentMethod: method}
	if err := w.tenders(ctx, d, &in, filled.Total().Minor); err != nil {
		return "", err
	}
	// A client that had no answer asks again, under the same key.
	var impatient sync.WaitGroup
	defer impatient.Wait()
	if d.once(4) {
		impatient.Go(func() { _, _ = w.Orders.Place(ctx, in) })
	}
	o, err := w.Orders.Place(ctx, in)
	if err != nil {
		return string(method), err
	}
	again, err := w.Orders.Place(ctx, in)
	if err != nil || again.ID != o.ID {
		return string(method), fmt.Errorf("the same key placed %v and %v: %w", o.ID, again, err)
	}
	w.remember(placed{o.ID, ctx})
	return fmt.Sprint(method, " ", o.Number, " ", o.TotalMinor), nil
}

func (w *world) pay(d dice) (string, error) {
	o, err := w.order(d)
	if err != nil {
		return "", err
	}
	in := payment.PayInput{OrderID: o.id, IdempotencyKey: w.key()}
	switch d.of(8) {
	case 0:
		in.Method = payment.MethodBankTransfer
	case 1:
		in.Method, in.Chain = payment.MethodConvenienceStore, payment.ChainLawson
	case 2:
		in.Method, in.Token = payment.MethodCard, stripetest.CardDeclined
	case 3:
		amount := decimal.NewFromInt(int64(100 + d.of(2000)))
		in.Method, in.Token, in.Amount = payment.MethodCard, stripetest.CardVisa, &amount
	default:
		in.Method, in.Token = payment.MethodCard, stripetest.CardVisa
	}
	if d.once(12) {
		w.cards.LoseAnswers(1)
	}
	_, err = w.Payments.Pay(o.customer, in)
	if again := d.once(3); err == nil && again {
		_, err = w.Payments.Pay(o.customer, in)
	}
	return fmt.Sprint(in.Method, " ", o.id), err
}

// pending is a payment by the method that may come in.
func (w *world) pending(d dice, method payment.Method) (key uuid.UUID, amount int64, err error) {
	err = w.ask([]any{&key, &amount}, `SELECT id, amount FROM payments WHERE method = $1 AND (status IN ('PENDING', 'CANCELLED') OR $2 = 0) ORDER BY md5(id::text || $3) LIMIT 1`,
		method, d.of(8), fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, amount, err
}

func (w *world) transfer(d dice) (string, error) {
	key, amount, err := w.pending(d, payment.MethodBankTransfer)
	if err != nil {
		return "", err
	}
	switch d.of(6) {
	case 0:
		amount = max(1, amount/2)
	case 1:
		amount += int64(1 + d.of(500))
	}
	r, err := w.Payments.RecordTransfer(w.staff, payment.TransferInput{PaymentID: key, Amount: decimal.NewFromInt(amount), PayerName: "ﾔﾏﾀﾞ ﾊﾅｺ", ReceivedAt: w.now(), IdempotencyKey: w.key()})
	return fmt.Sprint(key, " ", amount, " ", r.Outcome), err
}

func (w *world) slip(d dice) (string, error) {
	key, _, err := w.pending(d, payment.MethodConvenienceStore)
	if err != nil {
		return "", err
	}
	if w.stores.Slip(key.String()).ID == "" || w.stores.Slip(key.String()).Status == "cancelled" {
		return "", errNothing
	}
	body, signature := w.stores.Signed(w.stores.Pay(key.String()))
	outcome, err := w.Payments.HandleNotice(w.staff, "konbini", body, signature)
	return fmt.Sprint(key, " ", outcome), err
}

func (w *world) till(d dice) (string, error) {
	o, err := w.order(d)
	if err != nil {
		return "", err
	}
	in := payment.TillInput{OrderID: o.id, Method: payment.MethodCash, IdempotencyKey: w.key()}
	if d.once(2) {
		amount := decimal.NewFromInt(int64(100 + d.of(1500)))
		in.Amount = &amount
	}
	_, err = w.Payments.RecordTill(w.staff, in)
	return o.id.String(), err
}

func (w *world) collect(d dice) (string, error) {
	key, err := w.orderIn(d, `o.payment_method = 'CASH_ON_DELIVERY' AND (o.status IN ('SHIPPED', 'DELIVERED', 'CANCELLED') OR $1 < '3')`)
	if err != nil {
		return "", err
	}
	var number string
	var amount int64
	if err := w.ask([]any{&number, &amount}, `SELECT o.number, p.amount FROM orders o JOIN payments p ON p.order_id = o.id AND p.method = 'CASH_ON_DELIVERY' WHERE o.id = $1`, key); err != nil || number == "" {
		return "", errors.Join(err, errNothing)
	}
	if d.once(6) {
		amount++
	}
	outcome, err := w.Payments.Collect(w.staff, payment.Collected{
		BrandID: w.shop.BrandID, Carrier: "ヤマト運輸", Reference: number, Minor: amount, Currency: money.JPY, On: w.now(), Finger: w.key(),
	})
	return fmt.Sprint(number, " ", outcome), err
}

// operate lets a job ask a gateway, maybe two at once.
func (w *world) operate(d dice) (string, error) {
	var key uuid.UUID
	err := w.ask([]any{&key}, `SELECT id FROM payment_operations WHERE status = 'OUTSTANDING' ORDER BY md5(id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err != nil || key == uuid.Nil {
		return "", errors.Join(err, errNothing)
	}
	switch d.of(16) {
	case 0:
		w.cards.LoseAnswers(1)
	case 1:
		w.stores.LoseAnswers(1)
	}
	return key.String(), patiently(w.Payments.Execute(w.staff, key))
}

// patiently takes no answer from a gateway for one: the job runs again.
func patiently(err error) error {
	if errors.Is(err, payment.ErrUnanswered) || errors.Is(err, payment.ErrUnconfirmed) {
		return nil
	}
	return err
}

// expire lets hours pass, and gives up what was not paid in time.
func (w *world) expire(d dice) (string, error) {
	w.shift.Add(int64(time.Duration(d.of(600)) * time.Minute))
	return "", patiently(w.Payments.Expire(w.staff))
}

func (w *world) approve(d dice) (string, error) {
	key, err := w.orderIn(d, `o.status = 'PENDING_APPROVAL' AND $1 <> ''`)
	if err != nil {
		return "", err
	}
	if d.once(3) {
		_, err = w.Orders.Reject(w.staff, order.RejectInput{IdempotencyKey: w.key(), OrderID: key, Reason: "予算超過"})
		return "no " + key.String(), err
	}
	_, err = w.Orders.Approve(w.staff, order.ApproveInput{IdempotencyKey: w.key(), OrderID: key})
	return key.String(), err
}

// received is a payment that money came in for.
func (w *world) received(d dice) (key uuid.UUID, left int64, err error) {
	err = w.ask([]any{&key, &left}, `SELECT id, captured - refunded FROM payments WHERE captured > refunded ORDER BY md5(id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, left, err
}

func (w *world) refund(d dice) (string, error) {
	key, left, err := w.received(d)
	if err != nil {
		return "", err
	}
	amount := left
	switch d.of(4) {
	case 0:
		amount = left + 1
	case 1, 2:
		amount = 1 + int64(d.of(int(left)))
	}
	in := payment.RefundInput{PaymentID: key, Amount: decimal.NewFromInt(amount), Reason: "お詫び", AsPoints: d.once(5), IdempotencyKey: w.key()}
	_, err = w.Payments.Refund(w.staff, in)
	if err == nil && d.once(3) {
		_, err = w.Payments.Refund(w.staff, in)
	}
	return fmt.Sprint(key, " ", amount), err
}

func (w *world) authorised(d dice) (key uuid.UUID, held int64, err error) {
	err = w.ask([]any{&key, &held}, `SELECT id, authorised FROM payments WHERE status = 'AUTHORISED' ORDER BY md5(id::text || $1) LIMIT 1`, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, held, err
}

func (w *world) void(d dice) (string, error) {
	key, _, err := w.authorised(d)
	if err != nil {
		return "", err
	}
	_, err = w.Payments.Void(w.staff, payment.VoidInput{PaymentID: key, Reason: "確認", IdempotencyKey: w.key()})
	return key.String(), err
}

func (w *world) capture(d dice) (string, error) {
	key, held, err := w.authorised(d)
	if err != nil {
		return "", err
	}
	in := payment.CaptureInput{PaymentID: key, Reason: "先に", IdempotencyKey: w.key()}
	if d.once(3) {
		amount := decimal.NewFromInt(1 + int64(d.of(int(held))))
		in.Amount = &amount
	}
	_, err = w.Payments.Capture(w.staff, in)
	return key.String(), err
}

func (w *world) payAccount(d dice) (string, error) {
	amount := int64(1000 + d.of(30_000))
	_, err := w.Companies.Receive(w.staff, company.ReceiveInput{IdempotencyKey: w.key(), CompanyID: w.company, Amount: decimal.NewFromInt(amount), ReceivedAt: w.now()})
	return fmt.Sprint(amount), err
}
