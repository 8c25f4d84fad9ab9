package proof_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// openCounter opens a shop where goods are sold and orders are picked up.
func (w *world) openCounter(t testing.TB) {
	at, err := w.Stock.SaveLocation(w.staff, inventory.SaveLocationInput{Code: "aoyama", Name: i18n.JA("青山店"), Kind: inventory.ShopFloor, Priority: 2, Active: true})
	require.NoError(t, err)
	w.counter = at.ID
	_, err = w.Shops.Set(w.staff, inventory.SetShopInput{ShopID: at.ID, PickUp: true, PickUpDays: 3, StockShown: inventory.ShowPieces, Address: &customer.Address{
		Name: "青山店", PostalCode: "1070062", Prefecture: "TOKYO", City: "港区", Line1: "南青山1-2-3", Phone: "0312345678",
	}})
	require.NoError(t, err)
	for _, v := range w.variants {
		_, err = w.Stock.Receive(w.staff, inventory.StockInput{IdempotencyKey: w.key(), VariantID: v, LocationID: at.ID, Quantity: pieces / 2})
		require.NoError(t, err)
	}
}

// fetched is how a cart is picked up at the shop, and maybe paid there.
func (w *world) fetched(d dice, in *cart.UpdateInput) payment.Method {
	mode, who, method := pricing.ShipPickUp, "山田 花子", payment.MethodAtShop
	if d.once(3) {
		method = payment.MethodCard
	}
	in.ShippingMethodID, in.ShippingAddress = nil, nil
	in.ShippingMode, in.ShopID, in.Recipient, in.PaymentMethod = &mode, &w.counter, &who, &method
	return method
}

func (w *world) pickUpIn(d dice, state order.PickUpState) (key uuid.UUID, err error) {
	err = w.ask([]any{&key}, `SELECT order_id FROM pick_ups WHERE state = $1 ORDER BY md5(order_id::text || $2) LIMIT 1`, state, fmt.Sprint(d.of(1000)))
	if err == nil && key == uuid.Nil {
		err = errNothing
	}
	return key, err
}

func (w *world) ready(d dice) (string, error) {
	key, err := w.pickUpIn(d, order.PickUpRequested)
	if err != nil {
		return "", err
	}
	_, err = w.Orders.Ready(w.staff, order.ReadyInput{OrderID: key})
	return key.String(), err
}

func (w *world) handOver(d dice) (string, error) {
	key, err := w.pickUpIn(d, order.PickUpReady)
	if err != nil {
		return "", err
	}
	found, err := w.Orders.PickUps(w.staff, []uuid.UUID{key})
	if err != nil {
		return "", err
	}
	code, _ := w.Orders.CodeOf(access.With(w.staff, access.Guest), found[0])
	in := order.HandOverInput{IdempotencyKey: w.key(), OrderID: &key, Code: code}
	if d.once(20) {
		in.Code = "00000000"
	}
	if !d.once(3) {
		in.Payment = &order.Tendered{Method: payment.MethodCash}
	}
	_, err = w.Orders.HandOver(w.staff, in)
	if again := d.once(3); err == nil && again {
		_, err = w.Orders.HandOver(w.staff, in)
	}
	return key.String(), err
}

// lapse lets nobody come for what lies ready: days pass.
func (w *world) lapse(d dice) (string, error) {
	if d.once(2) {
		if _, err := w.shop.DB.Pool().Exec(w.staff, `UPDATE pick_ups SET expires_at = $1 WHERE order_id = (
			SELECT order_id FROM pick_ups WHERE state = 'READY' ORDER BY md5(order_id::text || $2) LIMIT 1)`, w.now(), fmt.Sprint(d.of(1000))); err != nil {
			return "", err
		}
	}
	return "", w.Orders.SeeToPickUps(access.With(w.staff, access.System))
}

// sell sells over the counter, to a member or to anybody.
func (w *world) sell(d dice) (string, error) {
	in := order.SellInput{ShopID: w.counter, Lines: []order.SoldLine{{VariantID: w.variants[d.of(len(w.variants))], Quantity: 1 + d.of(2)}}}
	if m := d.of(2 * len(w.members)); m < len(w.members) {
		code, err := w.MemberCodes.Issue(w.members[m])
		if err != nil {
			return "", err
		}
		in.MemberCode = code.Text
	}
	in.DryRun = true
	quoted, err := w.Orders.Sell(w.staff, in)
	if err != nil {
		return "", err
	}
	total := quoted.Quote.Quote.Total.Amount()
	in.DryRun, in.IdempotencyKey, in.ExpectedTotal = false, w.key(), &total
	in.Tenders = []order.ShopTender{{Method: payment.MethodCash}}
	if d.once(3) {
		part := decimal.NewFromInt(100)
		in.Tenders = []order.ShopTender{{Method: payment.MethodCash, Amount: &part}, {Method: payment.MethodCardTerminal, Reference: "0001"}}
	}
	sold, err := w.Orders.Sell(w.staff, in)
	if err != nil {
		return "", err
	}
	again, err := w.Orders.Sell(w.staff, in)
	if err != nil || again.Order.ID != sold.Order.ID {
		return "", fmt.Errorf("the same key sold %v and %v: %w", sold.Order.ID, again, err)
	}
	w.remember(placed{sold.Order.ID, w.staff})
	return sold.Order.ID.String(), nil
}

// reallocate finds that a location cannot send what an order holds there.
func (w *world) reallocate(d dice) (string, error) {
	key, err := w.orderIn(d, `o.status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED') AND $1 <> ''`)
	if err != nil {
		return "", err
	}
	_, moved, err := w.Orders.Reallocate(w.staff, order.ReallocateInput{IdempotencyKey: w.key(), OrderID: key, LocationID: w.locations[d.of(2)], Missing: d.once(3), Reason: "欠品"})
	return fmt.Sprint(key, " ", len(moved)), err
}

// supplyShop brings the shop what it has sold.
func (w *world) supplyShop(d dice) (string, error) {
	in := w.byLot(d, inventory.StockInput{IdempotencyKey: w.key(), VariantID: w.variants[d.of(len(w.variants))], LocationID: w.counter, Quantity: 1 + d.of(10)})
	_, err := w.Stock.Receive(w.staff, in)
	return in.VariantID.String(), err
}

func (w *world) remember(o placed) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.orders = append(w.orders, o)
}

// enrol makes members of the shop.
func (w *world) enrol(t testing.TB, count int) {
	for i := range count {
		account := id.New()
		_, err := w.shop.DB.Pool().Exec(w.staff, `INSERT INTO accounts (id, role, email, name, brand_id, created_at, updated_at) VALUES ($1, 'MEMBER', $2, '会員', $3, now(), now())`, account, fmt.Sprintf("member-%d@example.jp", i), w.shop.BrandID)
		require.NoError(t, err)
		w.members = append(w.members, access.With(w.staff, access.Actor{Role: access.RoleMember, ID: account}))
	}
}
