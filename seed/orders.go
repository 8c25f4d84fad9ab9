package seed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/storage/postgres"
)

// fate is how far a sample order comes.
type fate struct {
	age  time.Duration // how long before now it was placed
	ends order.Status
}

const day = 24 * time.Hour

// fates are those of the sample orders, oldest first: what is older than a week has
// arrived or was given up, what is younger stands everywhere between.
func fates() []fate {
	var all []fate
	for i := range 30 {
		ends := order.Delivered
		if i%6 == 4 {
			ends = order.Cancelled
		}
		all = append(all, fate{42*day - time.Duration(i)*27*time.Hour, ends})
	}
	for _, group := range []struct {
		age, gap time.Duration
		n        int
		ends     order.Status
	}{
		{7 * day, 7 * time.Hour, 4, order.Shipped}, {6 * day, 7 * time.Hour, 3, order.Picking},
		{4 * day, 5 * time.Hour, 4, order.Confirmed}, {3 * day, 13 * time.Hour, 6, order.PendingPayment},
	} {
		for i := range group.n {
			all = append(all, fate{group.age - time.Duration(i)*group.gap, group.ends})
		}
	}
	return all
}

// jst is where the sample retailer works.
var jst = time.FixedZone("JST", 9*60*60)

// atWork is the first moment from t on at which somebody is in the office.
func atWork(t time.Time) time.Time {
	local := t.In(jst)
	switch {
	case local.Hour() < 9:
		local = time.Date(local.Year(), local.Month(), local.Day(), 9, local.Minute(), 0, 0, jst)
	case local.Hour() >= 18:
		local = time.Date(local.Year(), local.Month(), local.Day()+1, 9, local.Minute(), 0, 0, jst)
	}
	return local.UTC()
}

// awake is t, or an hour of the evening before where t is in the night.
func awake(t time.Time) time.Time {
	if t.In(jst).Hour() < 7 {
		return t.Add(-9 * time.Hour)
	}
	return t
}

// WriteOrders lets the sample members order in the weeks before now, and the sample
// staff work on it, all through the core and in one transaction. A retailer who has
// orders already is left alone. Nobody is mailed.
func WriteOrders(ctx context.Context, db *postgres.DB, now time.Time) error {
	buyers, err := buyers(ctx, db)
	if err != nil || len(buyers) == 0 {
		return err
	}
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	return db.InTx(ctx, func(ctx context.Context) error {
		for i, f := range fates() {
			if err := t.trade(ctx, i, buyers[i*7%len(buyers)], f, now); err != nil {
				return fmt.Errorf("sample order %d: %w", i, err)
			}
		}
		if err := t.atShops(ctx, buyers, now); err != nil {
			return fmt.Errorf("sample orders at shops: %w", err)
		}
		return nil
	})
}

// trade lets one member order, and staff bring the order to its fate.
func (t *trade) trade(ctx context.Context, n int, buyer Account, f fate, now time.Time) error {
	chance := rand.New(rand.NewPCG(uint64(n), 3)) //nolint:gosec // samples need no secrecy
	t.at = awake(now.Add(-f.age)).Truncate(time.Second).Add(-time.Duration(chance.IntN(3600)) * time.Second)
	placed, err := t.place(ctx, n, buyer, chance)
	if err != nil || placed == nil || f.ends == order.PendingPayment {
		return err
	}
	if f.ends == order.Cancelled {
		t.at = t.at.Add(time.Duration(5+chance.IntN(40)) * time.Hour)
		_, err := t.orders.Cancel(t.as(ctx, buyer), order.CancelInput{IdempotencyKey: "sample " + placed.ID.String(), OrderID: placed.ID, Reason: reasons[n%len(reasons)]})
		return err
	}
	return t.advance(t.as(t.as(ctx, buyer), t.clerk), n, *placed, buyer, f.ends)
}

// advance records the money and takes the order step by step to where it ends.
func (t *trade) advance(ctx context.Context, n int, placed order.Order, buyer Account, ends order.Status) error {
	t.at = atWork(t.at.Add(20 * time.Hour))
	payments, err := t.payments.OfOrders(ctx, []uuid.UUID{placed.ID})
	if err != nil {
		return err
	}
	for _, p := range payments {
		if p.Method != payment.MethodBankTransfer {
			continue
		}
		if _, err := t.payments.RecordTransfer(ctx, payment.TransferInput{
			PaymentID: p.ID, Amount: placed.Total().Amount(), PayerName: buyer.Kana, ReceivedAt: t.at, IdempotencyKey: fmt.Sprintf("noren-sample-%02d", n),
		}); err != nil {
			return err
		}
	}
	if n%8 == 3 {
		if _, err := t.orders.Note(ctx, order.NoteInput{OrderID: placed.ID, Note: notes[n/8%len(notes)]}); err != nil {
			return err
		}
	}
	if ends == order.Confirmed {
		return nil
	}
	if err := t.dispatch(ctx, n, placed.ID, fmt.Sprintf("noren-sample-%02d", n), ends); err != nil || ends != order.Delivered {
		return err
	}
	if err := t.collected(ctx, placed); err != nil {
		return err
	}
	return t.comeBack(ctx, n, placed, buyer)
}

// dispatch sends an order, as far as it is to come.
func (t *trade) dispatch(ctx context.Context, n int, orderID uuid.UUID, key string, ends order.Status) error {
	t.at = atWork(t.at.Add(16 * time.Hour))
	instructed, err := t.orders.Instruct(ctx, order.InstructInput{OrderID: orderID, IdempotencyKey: key})
	if err != nil || ends == order.Picking {
		return err
	}
	t.at = atWork(t.at.Add(3 * time.Hour))
	var numbers []string
	for i, h := range instructed.Shipments {
		numbers = append(numbers, fmt.Sprintf("9900-%04d-%04d", n*137%10000, (n*7919+i)%10000))
		if _, err := t.orders.Ship(ctx, order.ShipInput{IdempotencyKey: "sample " + h.ID.String(), ShipmentID: h.ID, TrackingNumber: numbers[i]}); err != nil {
			return err
		}
	}
	return t.travel(ctx, n, numbers, ends)
}

// travel lets the carrier say where parcels are, as far as they are to come; now and then
// nobody is at home at first.
func (t *trade) travel(ctx context.Context, n int, numbers []string, ends order.Status) error {
	ctx = access.With(ctx, access.System)
	way := []order.TrackingStatus{order.TrackAccepted, order.TrackInTransit}
	if ends == order.Delivered {
		if way = append(way, order.TrackArriving); n%7 == 2 {
			way = append(way, order.TrackAbsent)
		}
		way = append(way, order.TrackDelivered)
	}
	for _, status := range way {
		t.at = t.at.Add(6 * time.Hour)
		for _, number := range numbers {
			if err := t.tracking.Take(ctx, "kamome", tracking.Report{TrackingNumber: number, Status: status, At: t.at, Place: "見本営業所"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// atTheDoor reports whether the sample order is paid on delivery.
func atTheDoor(n int) bool { return n%13 == 8 }

// collected lets the carrier report the money of an order that was paid at the door.
func (t *trade) collected(ctx context.Context, placed order.Order) error {
	if !placed.OnDelivery() {
		return nil
	}
	_, err := t.payments.Collect(ctx, payment.Collected{
		BrandID: placed.BrandID, Carrier: "見本運輸", Reference: placed.Number, Minor: placed.TotalMinor, Currency: placed.Currency, On: t.at, Finger: "noren-sample-" + placed.Number,
	})
	return err
}

var (
	reasons = []string{"注文内容を間違えたため", "ほかの店で購入したため", "届く日に家を空けるため"}
	notes   = []string{"ラッピングご希望（水色）。", "お電話でお届け日の確認あり。平日午前ご希望。", "前回の配送で箱つぶれのご連絡あり。二重梱包で。"}
)

// place fills the member's cart and orders it; nil if nothing of it can be had.
func (t *trade) place(ctx context.Context, n int, buyer Account, chance *rand.Rand) (*order.Order, error) {
	ctx = t.as(ctx, buyer)
	goods := t.goods[*buyer.BrandID]
	filled := false
	for range 1 + chance.IntN(3) {
		v := goods[chance.IntN(len(goods))]
		_, err := t.carts.AddLine(ctx, cart.AddLineInput{VariantID: v, Quantity: 1 + chance.IntN(2)})
		if err == nil {
			filled = true
		} else if !refused(err) {
			return nil, err
		}
	}
	if !filled {
		return nil, nil
	}
	methods, err := t.methods.Methods(ctx)
	if err != nil || len(methods) == 0 {
		return nil, err
	}
	in := cart.UpdateInput{Email: &buyer.Email, ShippingAddress: &buyer.Addresses[0], ShippingMethodID: &methods[n%min(len(methods), 2)].ID}
	method := payment.MethodBankTransfer
	if atTheDoor(n) {
		method, in.ShippingMethodID = payment.MethodCashOnDelivery, &methods[0].ID
	}
	in.PaymentMethod = &method
	if n%9 == 5 {
		in.BillingAddress = employer(buyer)
	}
	priced, err := t.carts.Update(ctx, in)
	if refused(err) { // what a letter box does not take goes by parcel
		in.ShippingMethodID = &methods[0].ID
		priced, err = t.carts.Update(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	return t.orders.Place(ctx, order.PlaceInput{
		IdempotencyKey: fmt.Sprintf("noren-sample-%02d", n), ExpectedTotal: priced.Total().Amount(), PaymentMethod: method,
	})
}

// employer is where a member has bills sent that somebody else pays.
func employer(buyer Account) *customer.Address {
	a := buyer.Addresses[0]
	a.Company, a.PostalCode, a.Prefecture, a.City, a.Line1, a.Line2 = "株式会社みほん商事", "1000001", "TOKYO", "千代田区", "千代田9-9-9", ""
	return &a
}

// wellStocked are the brand's variants of which the warehouse has plenty.
func (b Brand) wellStocked() []uuid.UUID {
	var all []uuid.UUID
	for bundle := range b.Products(0) {
		for _, s := range bundle.Stock {
			if s.LocationID == b.Shops[0].ID && s.OnHand >= 50 && cheap(bundle, s.VariantID) {
				all = append(all, s.VariantID)
			}
		}
	}
	return all
}

// cheap keeps a household's basket believable.
func cheap(bundle catalog.Bundle, variantID uuid.UUID) bool {
	for _, p := range bundle.Prices {
		if p.VariantID == variantID {
			return p.Amount <= 8000
		}
	}
	return false
}
