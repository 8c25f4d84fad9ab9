package proof_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// What the model has found, each as short as it can be told.

// cart fills the actor's cart, and answers whose it is.
func (w *world) cart(t testing.TB, ctx context.Context, method payment.Method, pieces ...int) (context.Context, *cart.Priced) { //nolint:revive // as everywhere here
	t.Helper()
	for i, n := range pieces {
		if n == 0 {
			continue
		}
		priced, err := w.Carts.AddLine(ctx, cart.AddLineInput{VariantID: w.variants[i], Quantity: n})
		require.NoError(t, err)
		if priced.Token != "" {
			ctx = access.With(ctx, access.Actor{Role: access.RoleGuest, CartToken: priced.Token})
		}
	}
	email := "hanako@example.jp"
	filled, err := w.Carts.Update(ctx, cart.UpdateInput{Email: &email, ShippingMethodID: &w.method, PaymentMethod: &method, ShippingAddress: &customer.Address{
		Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Phone: "0312345678",
	}})
	require.NoError(t, err)
	return ctx, filled
}

// ordered is a guest's order of so many pieces of each of the goods.
func (w *world) ordered(t testing.TB, method payment.Method, cards []string, pieces ...int) placed {
	t.Helper()
	ctx, filled := w.cart(t, access.With(w.staff, access.Guest), method, pieces...)
	o, err := w.Orders.Place(ctx, order.PlaceInput{IdempotencyKey: w.key(), ExpectedTotal: filled.Total().Amount(), PaymentMethod: method, Codes: prepaid.Codes{GiftCards: cards}})
	require.NoError(t, err)
	return placed{o.ID, ctx}
}

// sent lets everything of the order leave that can, or the named pieces of a line.
func (w *world) sent(t testing.TB, orderID uuid.UUID, lines ...order.AskedLine) {
	t.Helper()
	made, err := w.Orders.Instruct(w.staff, order.InstructInput{IdempotencyKey: w.key(), OrderID: orderID, Lines: lines})
	require.NoError(t, err)
	for _, h := range made.Shipments {
		_, err = w.Orders.Ship(w.staff, order.ShipInput{IdempotencyKey: w.key(), ShipmentID: h.ID, Carrier: "ヤマト運輸", TrackingNumber: w.key()})
		require.NoError(t, err)
	}
}

// cameBack is goods of the order's nth line that came back, and are paid back.
func (w *world) cameBack(t testing.TB, orderID uuid.UUID, nth, pieces int) *returns.Return {
	t.Helper()
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{orderID})
	require.NoError(t, err)
	r, err := w.Returns.Ask(w.staff, returns.AskInput{IdempotencyKey: w.key(), OrderID: orderID, Outcome: returns.Refund, BeyondRules: true, Lines: []returns.AskedLine{
		{LineID: lines[nth].ID, Quantity: pieces, Reason: returns.Defective},
	}})
	require.NoError(t, err)
	_, err = w.Returns.Approve(w.staff, returns.ApproveInput{ReturnID: r.ID})
	require.NoError(t, err)
	r, err = w.Returns.Receive(w.staff, returns.ReceiveInput{IdempotencyKey: w.key(), ReturnID: r.ID, LocationID: w.locations[0], Lines: []returns.InspectedLine{
		{LineID: r.Lines[0].ID, Restock: pieces},
	}})
	require.NoError(t, err)
	return r
}

// agree fails unless the books do.
func (w *world) agree(t testing.TB, more ...[]books.Rule) {
	t.Helper()
	broken, err := books.Broken(w.staff, w.shop.DB.Pool(), append(more, books.Always())...)
	require.NoError(t, err)
	require.Empty(t, broken)
}

func TestACartIsOrderedWhileAnotherDeviceAddsToIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.shop.DB.Pool().Exec(w.staff, `UPDATE company_credit SET credit_limit = 100000000`)
	require.NoError(t, err)
	for range 15 {
		_, filled := w.cart(t, w.buyer, payment.MethodOnAccount, 1)
		var all sync.WaitGroup
		all.Go(func() {
			_, _ = w.Orders.Place(w.buyer, order.PlaceInput{IdempotencyKey: w.key(), ExpectedTotal: filled.Total().Amount(), PaymentMethod: payment.MethodOnAccount})
		})
		for i := range 3 {
			all.Go(func() {
				priced, err := w.Carts.AddLine(w.buyer, cart.AddLineInput{VariantID: w.variants[i], Quantity: 1})
				if err != nil || len(priced.Lines) == 0 {
					t.Error(fmt.Sprint("nothing was added: ", err))
				}
			})
		}
		all.Wait()
		_, err = w.shop.DB.Pool().Exec(w.staff, `UPDATE stock_levels SET on_hand = on_hand + 10 WHERE NOT tracked; INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity)
			SELECT gen_random_uuid(), now(), variant_id, location_id, 'RECEIPT', 10 FROM stock_levels WHERE NOT tracked`)
		require.NoError(t, err)
	}
	w.agree(t)
}

func TestAGiftCardGetsItsMoneyBackForGoodsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.ordered(t, payment.MethodGiftCard, w.codes[:1], 0, 2)
	w.sent(t, o.id)
	r := w.cameBack(t, o.id, 0, 1)
	require.Equal(t, int64(498), r.Refund().Minor)
	card, err := w.GiftCards.Look(w.staff, w.codes[0])
	require.NoError(t, err)
	require.Equal(t, int64(3000-2*498-660+498), card.BalanceMinor)
	w.agree(t, books.Settled())
}

// paidByCard is an order whose money is taken when it leaves.
func (w *world) paidByCard(t testing.TB, pieces ...int) placed {
	t.Helper()
	o := w.ordered(t, payment.MethodCard, nil, pieces...)
	_, err := w.Payments.Pay(o.customer, payment.PayInput{OrderID: o.id, Method: payment.MethodCard, Token: stripetest.CardVisa, IdempotencyKey: w.key()})
	require.NoError(t, err)
	return o
}

// operated lets gateways answer all that is outstanding.
func (w *world) operated(t testing.TB) {
	t.Helper()
	for range 5 {
		var key uuid.UUID
		require.NoError(t, w.ask([]any{&key}, `SELECT id FROM payment_operations WHERE status = 'OUTSTANDING' LIMIT 1`))
		if key == uuid.Nil {
			return
		}
		require.NoError(t, w.Payments.Execute(w.staff, key))
	}
}

// documents are the kinds and totals of what was issued of the order, oldest first.
func (w *world) documents(t testing.TB, orderID uuid.UUID) (all string) {
	t.Helper()
	require.NoError(t, w.ask([]any{&all}, `SELECT coalesce(string_agg(kind || ' ' || total, ', ' ORDER BY issued_at, id), '') FROM documents WHERE order_id = $1 AND kind IN ('INVOICE', 'CREDIT_NOTE')`, orderID))
	return all
}

func (w *world) paymentOf(t testing.TB, orderID uuid.UUID) payment.Payment {
	t.Helper()
	all, err := w.Payments.Store.OfOrders(w.staff, []uuid.UUID{orderID})
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

func TestARefundByHandIssuesItsCreditNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paidByCard(t, 1)
	w.sent(t, o.id)
	w.operated(t)
	require.Equal(t, "INVOICE 2640", w.documents(t, o.id))
	refund := payment.RefundInput{PaymentID: w.paymentOf(t, o.id).ID, Amount: decimal.NewFromInt(300), Reason: "お詫び", IdempotencyKey: w.key()}
	for range 2 {
		_, err := w.Payments.Refund(w.staff, refund)
		require.NoError(t, err)
	}
	require.Equal(t, "INVOICE 2640", w.documents(t, o.id), "the money has not gone back yet")
	w.operated(t)
	require.Equal(t, "INVOICE 2640, CREDIT_NOTE 300", w.documents(t, o.id))
	w.agree(t, books.Settled())

	// Goods that come back are credited once, by their own note.
	w.cameBack(t, o.id, 0, 1)
	w.operated(t)
	require.Equal(t, "INVOICE 2640, CREDIT_NOTE 300, CREDIT_NOTE 2340", w.documents(t, o.id))
	w.agree(t, books.Settled())
}

func TestWhatDoesNotLeaveIsCancelledWhileTheRestHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.paidByCard(t, 2, 3)
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{o.id})
	require.NoError(t, err)
	w.sent(t, o.id, order.AskedLine{LineID: lines[0].ID, Quantity: 1})
	edit := func(more ...order.EditedLine) error {
		_, err := w.Orders.Edit(w.staff, order.EditInput{IdempotencyKey: w.key(), OrderID: o.id, Lines: more, Reason: "欠品のため"})
		return err
	}
	require.ErrorIs(t, edit(order.EditedLine{LineID: lines[1].ID, Quantity: 0}), payment.ErrInProgress, "the money is being taken")
	w.operated(t)
	require.ErrorIs(t, edit(order.EditedLine{LineID: lines[0].ID, Quantity: 0}), order.ErrLinePacked.With(1))
	require.ErrorIs(t, edit(order.EditedLine{LineID: lines[1].ID, Quantity: 4}), order.ErrTransition.With(order.PartiallyShipped))
	_, err = w.Orders.Edit(w.staff, order.EditInput{IdempotencyKey: w.key(), OrderID: o.id, Add: []order.AddedLine{{VariantID: w.variants[0], Quantity: 1}}, Reason: "追加"})
	require.ErrorIs(t, err, order.ErrTransition)

	require.NoError(t, edit(order.EditedLine{LineID: lines[1].ID, Quantity: 1}))
	w.operated(t)
	w.agree(t, books.Settled())
	require.Equal(t, "INVOICE 6114, CREDIT_NOTE 996", w.documents(t, o.id))
	require.NoError(t, edit(order.EditedLine{LineID: lines[0].ID, Quantity: 1}, order.EditedLine{LineID: lines[1].ID, Quantity: 0}))
	w.operated(t)
	now, err := w.Orders.ByID(w.staff, o.id)
	require.NoError(t, err)
	require.Equal(t, order.Shipped, now.Status, "nothing more leaves")
	require.Equal(t, int64(1980+660), now.TotalMinor, "the fee of the shipping stays")
	require.Equal(t, int64(1980+660), w.paymentOf(t, o.id).CapturedMinor-w.paymentOf(t, o.id).RefundedMinor)
	require.Equal(t, "INVOICE 6114, CREDIT_NOTE 996, CREDIT_NOTE 2478", w.documents(t, o.id))
	w.agree(t, books.Settled())
}

func TestWhatCameBackIsPaidBesideWhatNeverLeaves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.ordered(t, payment.MethodGiftCard, w.codes[:1], 1, 0, 0, 0)
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{o.id})
	require.NoError(t, err)
	_, err = w.Orders.Edit(w.staff, order.EditInput{IdempotencyKey: w.key(), OrderID: o.id, Add: []order.AddedLine{{VariantID: w.variants[1], Quantity: 1}}, Reason: "追加"})
	require.NoError(t, err)
	_, err = w.Payments.RecordTill(w.staff, payment.TillInput{OrderID: o.id, Method: payment.MethodCash, IdempotencyKey: w.key()})
	require.NoError(t, err)
	w.sent(t, o.id, order.AskedLine{LineID: lines[0].ID, Quantity: 1})
	w.cameBack(t, o.id, 0, 1) // by a fault of the shop's
	lines, err = w.Orders.Lines(w.staff, []uuid.UUID{o.id})
	require.NoError(t, err)
	done, err := w.Orders.Edit(w.staff, order.EditInput{IdempotencyKey: w.key(), OrderID: o.id, Lines: []order.EditedLine{{LineID: lines[1].ID, Quantity: 0}}, Reason: "欠品のため"})
	require.NoError(t, err)
	require.Equal(t, int64(498), done.Refund.Minor, "what came back was paid back before")
	w.agree(t)
}

// ordering is where carts are kept, and the first line's cart is ordered by another device
// before it is read again; then the rules move.
type ordering struct {
	cart.Store
	order func() error
	tries int
}

func (o *ordering) AddLine(ctx context.Context, in cart.Lookup, line cart.NewLine) (*cart.Basket, bool, error) {
	switch o.tries++; o.tries {
	case 1:
		_, added, err := o.Store.AddLine(ctx, in, line)
		return nil, added, errors.Join(err, o.order())
	case 2:
		return nil, false, nil
	}
	return o.Store.AddLine(ctx, in, line)
}

func (o *ordering) Sellable(ctx context.Context, in cart.Lookup, line cart.NewLine) (cart.Sale, error) {
	if o.tries == 2 {
		return cart.Sale{}, display.ErrMoved
	}
	return o.Store.Sellable(ctx, in, line)
}

func TestALineIsAddedWhileItsCartIsOrderedAndRulesMove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &ordering{Store: postgres.NewCarts(w.shop.DB), order: func() error {
		_, err := w.shop.DB.Pool().Exec(w.staff, `UPDATE carts SET closed = true`)
		return err
	}}
	carts := cart.New(store, w.Pricing, w.Rules, w.Campaigns, w.Companies, w.now)
	priced, err := carts.AddLine(w.members[0], cart.AddLineInput{VariantID: w.variants[0], Quantity: 2})
	require.NoError(t, err)
	require.Len(t, priced.Lines, 1)
	require.Equal(t, 3, store.tries)
}

func TestAGiftTakenOffAPartlySentOrderGoesBackToItsCampaign(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.promote(t)
	ctx, filled := w.cart(t, w.buyer, payment.MethodOnAccount, 2)
	o, err := w.Orders.Place(ctx, order.PlaceInput{IdempotencyKey: w.key(), ExpectedTotal: filled.Total().Amount(), PaymentMethod: payment.MethodOnAccount})
	require.NoError(t, err)
	lines, err := w.Orders.Lines(w.staff, []uuid.UUID{o.ID})
	require.NoError(t, err)
	require.Len(t, lines, 2, "the goods and the gift")
	w.sent(t, o.ID, order.AskedLine{LineID: lines[0].ID, Quantity: 1})
	for _, left := range []int{1, 0} {
		_, err := w.Orders.Edit(w.staff, order.EditInput{IdempotencyKey: w.key(), OrderID: o.ID, Reason: "変更", Lines: []order.EditedLine{{LineID: lines[1].ID, Quantity: left}}})
		require.NoError(t, err)
		var gone int
		require.NoError(t, w.ask([]any{&gone}, `SELECT given FROM campaign_gifts`))
		require.Equal(t, left, gone)
		w.agree(t)
	}
}
