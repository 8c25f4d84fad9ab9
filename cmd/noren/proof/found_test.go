package proof_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/returns"
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
	o, err := w.Orders.Place(ctx, order.PlaceInput{IdempotencyKey: w.key(), ExpectedTotal: filled.Total().Amount(), PaymentMethod: method, GiftCards: cards})
	require.NoError(t, err)
	return placed{o.ID, ctx}
}

// sent lets everything of the order leave that can, or the named pieces of a line.
func (w *world) sent(t testing.TB, orderID uuid.UUID, lines ...order.AskedLine) {
	t.Helper()
	made, err := w.Orders.Instruct(w.staff, order.InstructInput{IdempotencyKey: w.key(), OrderID: orderID, Lines: lines})
	require.NoError(t, err)
	for _, h := range made.Shipments {
		_, err = w.Orders.Ship(w.staff, order.ShipInput{ShipmentID: h.ID, Carrier: "ヤマト運輸", TrackingNumber: w.key()})
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
		_, err = w.shop.DB.Pool().Exec(w.staff, `UPDATE stock_levels SET on_hand = on_hand + 10; INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity)
			SELECT gen_random_uuid(), now(), variant_id, location_id, 'RECEIPT', 10 FROM stock_levels`)
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
