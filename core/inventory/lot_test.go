package inventory_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// post keeps the mail that is sent.
type post struct {
	mutex sync.Mutex
	mails []messaging.Message
}

func (p *post) Enqueue(_ context.Context, mails ...messaging.Message) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.mails = append(p.mails, mails...)
	return nil
}

// larder is a shop that sells pet food.
type larder struct {
	*pgtest.Shop
	*inventory.Keeper
	lots   *inventory.Lots
	orders *postgres.Orders
	ctx    context.Context
	food   uuid.UUID
	now    time.Time
	post   *post
}

func newLarder(t *testing.T, mode inventory.TrackMode) *larder {
	t.Helper()
	shop := pgtest.NewShop(t)
	l := &larder{Shop: shop, orders: postgres.NewOrders(shop.DB), food: shop.AddProduct(t, "food", 1980).Variants[0], now: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), post: &post{}}
	l.SetStock(t, l.food, 0)
	clock := func() time.Time { return l.now }
	stock, events, keys := postgres.NewInventory(shop.DB), postgres.NewEvents(shop.DB), idempotency.New(shop.DB, postgres.NewKeys(shop.DB), clock)
	shown := inventory.NewShown(stock, events, clock)
	l.lots = inventory.NewLots(inventory.LotParts{Tx: shop.DB, Store: stock, Keys: keys, Shown: shown, Outbox: l.post, Events: events, Now: clock})
	l.Keeper = inventory.NewKeeper(inventory.KeeperParts{Tx: shop.DB, Store: stock, Transfers: stock, Stocktakes: stock, Lots: l.lots, Keys: keys, Shown: shown, Events: events, Now: clock})
	ctx := channel.With(t.Context(), channel.Channel{ID: l.ChannelID, BrandID: l.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"})
	l.ctx = access.With(ctx, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.InventoryRead, access.InventoryWrite, access.OrderRead}})
	if mode != inventory.Untracked {
		_, err := l.lots.SetTracking(l.ctx, inventory.TrackingInput{VariantID: l.food, Mode: mode, Expires: true, MinDays: 7, AlertDays: 30})
		require.NoError(t, err)
	}
	return l
}

func day(text string) *time.Time {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return &d
}

func (l *larder) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := l.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func (l *larder) number(t testing.TB, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, l.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func (l *larder) input(pieces int, lots ...inventory.LotPieces) inventory.StockInput {
	return inventory.StockInput{IdempotencyKey: id.New().String(), VariantID: l.food, LocationID: l.WarehouseID, Quantity: pieces, Lots: lots}
}

func (l *larder) receive(t testing.TB, number, expires string, pieces int) {
	t.Helper()
	_, err := l.Receive(l.ctx, l.input(pieces, inventory.LotPieces{Number: number, ExpiresOn: day(expires), Quantity: pieces}))
	require.NoError(t, err)
}

// sold is an order that holds pieces, with a shipment that is packed.
func (l *larder) sold(t testing.TB, pieces int) order.Shipment {
	t.Helper()
	h := order.Shipment{ID: id.New(), OrderID: id.New(), BrandID: l.BrandID, LocationID: l.WarehouseID, Nth: 1, Status: order.ShipmentInstructed, Currency: "JPY", InstructedAt: l.now}
	line := id.New()
	h.Lines = []order.Packed{{OrderID: h.OrderID, LineID: line, VariantID: l.food, Quantity: pieces}}
	l.exec(t, `INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown, shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1::uuid, $1::uuid::text, $2, $3, 'neko@example.com', 'ja', 'PAID', 'JPY', true, 0, 0, 0, 0, '[]', '[]', '{"name":"山田 花子","phone":"03-0000-0000"}', '{}', 'BANK_TRANSFER', $4, $4)`, h.OrderID, l.BrandID, l.ChannelID, l.now)
	l.exec(t, `INSERT INTO order_lines (id, order_id, position, variant_id, product_id, sku, name, options, quantity, unit, total, tax_class, breakdown)
		VALUES ($1, $2, 0, $3, $3, 'food-1', '{}', '[]', $4, 0, 0, 'STANDARD', '[]')`, line, h.OrderID, l.food, pieces)
	l.exec(t, `INSERT INTO stock_reservations (order_id, variant_id, location_id, quantity) VALUES ($1, $2, $3, $4)`, h.OrderID, l.food, l.WarehouseID, pieces)
	l.exec(t, `UPDATE stock_levels SET reserved = reserved + $1 WHERE variant_id = $2 AND location_id = $3`, pieces, l.food, l.WarehouseID)
	require.NoError(t, l.DB.InTx(l.ctx, func(ctx context.Context) error { return l.orders.InsertShipments(ctx, []order.Shipment{h}) }))
	return h
}

// ship lets a shipment leave as orders do: stock first, then lots, in one transaction.
func (l *larder) ship(h order.Shipment, chosen ...inventory.ChosenLot) error {
	return l.DB.InTx(l.ctx, func(ctx context.Context) error {
		tracked, err := l.orders.ShipStock(ctx, h, l.now)
		if err != nil || len(tracked) == 0 {
			return err
		}
		return l.lots.Ship(ctx, inventory.Leaving{ShipmentID: h.ID, OrderID: h.OrderID, LocationID: h.LocationID, At: l.now, Chosen: chosen,
			Lines: []inventory.LeavingLine{{LineID: h.Lines[0].LineID, VariantID: l.food, Quantity: h.Lines[0].Quantity}}})
	})
}

func (l *larder) chosen(h order.Shipment, number string, pieces int) inventory.ChosenLot {
	return inventory.ChosenLot{LineID: h.Lines[0].LineID, Number: number, Quantity: pieces}
}

// requireSums fails unless every sum holds.
func (l *larder) requireSums(t testing.TB) {
	t.Helper()
	for what, sql := range map[string]string{
		"levels are the sum of their movements": `SELECT count(*) FROM stock_levels s WHERE on_hand <> (
			SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`,
		"lots are the sum of their movements": `SELECT count(*) FROM stock_lot_levels k CROSS JOIN LATERAL (
			SELECT coalesce(sum(m.available), 0) AS a, coalesce(sum(m.quarantined), 0) AS q FROM stock_lot_movements m WHERE m.lot_id = k.lot_id AND m.location_id = k.location_id) m
			WHERE available <> a OR quarantined <> q`,
		"levels are the sum of their lots": `SELECT count(*) FROM stock_levels s CROSS JOIN LATERAL (
			SELECT coalesce(sum(available + quarantined), 0) AS p, coalesce(sum(quarantined), 0) AS q FROM stock_lot_levels k WHERE k.variant_id = s.variant_id AND k.location_id = s.location_id) k
			WHERE tracked AND (on_hand <> p OR withheld <> q)`,
		"what was shipped is named": `SELECT count(*) FROM shipment_lines p JOIN stock_reservations r ON r.variant_id = p.variant_id AND r.state = 'SHIPPED'
			JOIN shipments h ON h.id = p.shipment_id AND h.order_id = r.order_id WHERE p.quantity <> (
			SELECT coalesce(-sum(available + quarantined), 0) FROM stock_lot_movements m WHERE m.shipment_id = p.shipment_id AND m.line_id = p.line_id)`,
	} {
		require.Zero(t, l.number(t, sql), what)
	}
}

func (l *larder) lies(t testing.TB, number string) (available, apart int) {
	t.Helper()
	require.NoError(t, l.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(available), 0)::int, coalesce(sum(quarantined), 0)::int
		FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id WHERE t.number = $1 AND k.location_id = $2`, number, l.WarehouseID).Scan(&available, &apart))
	return available, apart
}

func requireCode(t testing.TB, want *fault.Error, err error) {
	t.Helper()
	require.ErrorIs(t, err, want)
}

func TestManyShipmentsAtOnceNeverTakeOneLotTwice(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	l.receive(t, "A", "2027-01-10", 30)
	l.receive(t, "B", "2027-02-10", 30)
	l.receive(t, "C", "2027-03-10", 40)
	shipments := make([]order.Shipment, 64)
	for i := range shipments {
		shipments[i] = l.sold(t, 1)
	}
	failures := make([]error, len(shipments))
	var all sync.WaitGroup
	for i, h := range shipments {
		all.Go(func() { failures[i] = l.ship(h) })
	}
	all.Wait()
	for _, err := range failures {
		require.NoError(t, err)
	}
	l.requireSums(t)
	for number, want := range map[string]int{"A": 0, "B": 0, "C": 36} {
		available, _ := l.lies(t, number)
		require.Equal(t, want, available, number)
	}
	require.Equal(t, 64, l.number(t, `SELECT count(DISTINCT shipment_id) FROM stock_lot_movements WHERE kind = 'SHIPMENT'`))
}

func TestReceiptsSayWhichLotsAndUntrackedOnesDoNot(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	a := inventory.LotPieces{Number: "A", ExpiresOn: day("2027-01-10"), Quantity: 3}
	for name, c := range map[string]struct {
		in   inventory.StockInput
		want *fault.Error
	}{
		"none":        {l.input(3), inventory.ErrLotsNeeded},
		"another sum": {l.input(4, a), inventory.ErrLotsSum},
		"no day":      {l.input(3, inventory.LotPieces{Number: "A", Quantity: 3}), inventory.ErrLotExpiry},
	} {
		_, err := l.Receive(l.ctx, c.in)
		require.ErrorIs(t, err, c.want, name)
	}
	_, err := l.Receive(l.ctx, l.input(3, a))
	require.NoError(t, err)
	_, err = l.Receive(l.ctx, l.input(2, inventory.LotPieces{Number: "A", Quantity: 2}))
	require.NoError(t, err, "the day of a known lot may be left out")
	_, err = l.Receive(l.ctx, l.input(1, inventory.LotPieces{Number: "A", ExpiresOn: day("2027-01-11"), Quantity: 1}))
	requireCode(t, inventory.ErrLotOtherDay, err)
	available, _ := l.lies(t, "A")
	require.Equal(t, 5, available)

	_, err = l.Adjust(l.ctx, l.input(-6, inventory.LotPieces{Number: "A", Quantity: 6}))
	requireCode(t, inventory.ErrBelowZero, err)
	_, err = l.Adjust(l.ctx, l.input(-1, inventory.LotPieces{Number: "B", Quantity: 1}))
	requireCode(t, inventory.ErrLotUnknown, err)
	_, err = l.Adjust(l.ctx, l.input(-1))
	requireCode(t, inventory.ErrLotsNeeded, err)
	_, err = l.Adjust(l.ctx, l.input(-1, inventory.LotPieces{Number: "A", Quantity: 1}))
	require.NoError(t, err)
	_, err = l.Count(l.ctx, l.input(6, inventory.LotPieces{Number: "A", Quantity: 2}, inventory.LotPieces{Number: "N", ExpiresOn: day("2027-04-01"), Quantity: 4}))
	require.NoError(t, err)
	available, _ = l.lies(t, "N")
	require.Equal(t, 4, available)
	l.requireSums(t)

	toy := l.AddProduct(t, "toy", 100).Variants[0]
	_, err = l.Receive(l.ctx, inventory.StockInput{IdempotencyKey: id.New().String(), VariantID: toy, LocationID: l.WarehouseID, Quantity: 3, Lots: []inventory.LotPieces{a}})
	requireCode(t, inventory.ErrUntracked, err)
}

func TestStaffChooseLotsThatMayLeave(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	l.receive(t, "A", "2027-01-10", 2)
	l.receive(t, "B", "2027-02-10", 5)
	l.receive(t, "OLD", "2026-11-01", 5)
	l.receive(t, "SOON", "2026-12-04", 5) // six days are left, of seven
	_, apart := l.lies(t, "OLD")
	require.Equal(t, 5, apart, "it may not leave from the first")
	require.Equal(t, 7, l.number(t, `SELECT free FROM stock_levels WHERE variant_id = $1`, l.food))

	h := l.sold(t, 3)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "OLD", 1)), inventory.ErrLotUnfit)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "SOON", 1)), inventory.ErrLotUnfit)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "X", 1)), inventory.ErrLotUnknown)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "A", 3)), inventory.ErrLotShort)
	require.ErrorIs(t, l.ship(h, l.chosen(h, "B", 4)), inventory.ErrLotsSum)
	require.ErrorIs(t, l.ship(h, inventory.ChosenLot{LineID: id.New(), Number: "A", Quantity: 1}), fault.ErrNotFound)
	l.requireSums(t)
	require.NoError(t, l.ship(h, l.chosen(h, "B", 2)))
	a, _ := l.lies(t, "A")
	b, _ := l.lies(t, "B")
	require.Equal(t, [2]int{1, 3}, [2]int{a, b}, "two as chosen, the third of what expires first")

	shipped, err := l.lots.Shipped(l.ctx, []uuid.UUID{h.ID})
	require.NoError(t, err)
	require.Len(t, shipped, 2)
	require.Equal(t, "A", shipped[0].Number)
	require.Equal(t, 2, shipped[1].Quantity)
	l.requireSums(t)
}

func TestWhatExpiresIsSetApartAndNobodyIsPromisedIt(t *testing.T) {
	t.Parallel()
	l := newLarder(t, inventory.ByLot)
	l.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'ADMIN', 'boss@example.com', '倉庫長', now(), now())`, id.New())
	l.receive(t, "A", "2027-01-10", 6)
	l.receive(t, "B", "2027-06-10", 4)
	h := l.sold(t, 7)
	require.NoError(t, l.lots.Expire(l.ctx))
	require.Empty(t, l.post.mails, "there are 43 days left")
	l.now = l.now.AddDate(0, 0, 10)
	require.NoError(t, l.lots.Expire(l.ctx))
	require.NoError(t, l.lots.Expire(l.ctx))
	require.Len(t, l.post.mails, 1, "once")
	require.Equal(t, messaging.KindLotsExpiring, l.post.mails[0].Kind)
	soon, err := l.lots.List(l.ctx, inventory.LotFilter{ExpiringSoon: true}, pageOf(10))
	require.NoError(t, err)
	require.Len(t, soon.Edges, 1)
	require.Equal(t, 3, l.number(t, `SELECT free FROM stock_levels WHERE variant_id = $1`, l.food))

	l.now = time.Date(2027, 1, 3, 14, 59, 0, 0, time.UTC) // 23:59 on the last day, in Tokyo
	require.NoError(t, l.lots.Expire(l.ctx))
	_, apart := l.lies(t, "A")
	require.Zero(t, apart)
	l.now = l.now.Add(time.Minute)
	require.NoError(t, l.lots.Expire(l.ctx))
	_, apart = l.lies(t, "A")
	require.Equal(t, 6, apart)
	l.requireSums(t)
	require.Equal(t, 0, l.number(t, `SELECT free FROM stock_levels WHERE variant_id = $1`, l.food))
	short, err := l.lots.Shortfalls(l.ctx, pageOf(10))
	require.NoError(t, err)
	require.Len(t, short.Edges, 1)
	require.Equal(t, 3, short.Nodes()[0].Missing())
	require.ErrorIs(t, l.ship(h), inventory.ErrNoFitLots)

	l.receive(t, "C", "2027-09-10", 5) // other goods come
	require.Equal(t, 2, l.number(t, `SELECT free FROM stock_levels WHERE variant_id = $1`, l.food), "three of them are for the order")
	require.NoError(t, l.ship(h))
	_, err = l.Adjust(l.ctx, l.input(-6, inventory.LotPieces{Number: "A", Quantity: 6}))
	require.NoError(t, err, "what expired is thrown away")
	l.requireSums(t)
}
