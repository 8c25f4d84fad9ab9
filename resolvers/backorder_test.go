package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/storage/postgres"
)

var shipper = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{
	access.OrderRead, access.OrderWrite, access.InventoryRead, access.InventoryWrite,
}}

// backOrders lets goods be ordered beyond their stock.
func backOrders(t *testing.T, a *apptest.App, target apptest.Variables, limit int) {
	t.Helper()
	require.Empty(t, write(t, a, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy backOrderLimit promise }`, apptest.Variables{
		"target": target, "policy": "BACK_ORDER", "backOrderLimit": limit, "promise": apptest.Variables{"ja": "約2週間でお届け", "en": "In about two weeks"},
	}, nil))
}

// buyer is a guest whose cart wants nothing but the goods.
func buyer(t *testing.T, a *apptest.App, method, variant uuid.UUID, quantity int) *shopper {
	t.Helper()
	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, variant, quantity).UserErrors)
	guest.fillIn(t, method)
	return guest
}

func receive(t *testing.T, a *apptest.App, variant uuid.UUID, quantity int) {
	t.Helper()
	require.Empty(t, write(t, a, shipper, "receiveStock", "StockInput", `level { onHand }`, apptest.Variables{
		"idempotencyKey": id.New().String(), "variantId": id.Global("Variant", variant), "locationId": id.Global("Location", a.WarehouseID), "quantity": quantity,
	}, nil))
}

type waitingLine struct {
	BackOrdered int
	Promise     *string
	DueOn       *string
}

func (s *shopper) waits(t *testing.T, order string) waitingLine {
	t.Helper()
	var got struct{ Order struct{ Lines []waitingLine } }
	s.Do(t, `query($id: ID!) { order(id: $id) { lines { backOrdered promise dueOn } } }`, apptest.Variables{"id": order}, "X-Cart-Token", s.token).Into(t, &got)
	return got.Order.Lines[0]
}

// requireSums holds the counters to the sums that they stand for.
func requireSums(t *testing.T, a *apptest.App) {
	t.Helper()
	for what, sql := range map[string]string{
		"back_orders": `SELECT count(*) FROM back_orders k WHERE pieces <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations r
			WHERE r.variant_id = k.variant_id AND r.location_id IS NULL AND r.state = 'OPEN')`,
		"incoming": `SELECT count(*) FROM stock_levels s WHERE incoming <>
			(SELECT coalesce(sum(greatest(l.quantity - l.arrived, 0)), 0) FROM stock_delivery_lines l JOIN stock_deliveries d ON d.id = l.delivery_id
				WHERE d.state = 'AWAITED' AND d.location_id = s.location_id AND l.variant_id = s.variant_id) +
			(SELECT coalesce(sum(l.quantity - l.arrived), 0) FROM stock_transfer_lines l JOIN stock_transfers t ON t.id = l.transfer_id
				WHERE t.state = 'IN_TRANSIT' AND t.to_id = s.location_id AND l.variant_id = s.variant_id)`,
		"on hand": `SELECT count(*) FROM stock_levels s WHERE on_hand <> (SELECT coalesce(sum(quantity), 0) FROM stock_movements m
			WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`,
		"reserved": `SELECT count(*) FROM stock_levels s WHERE reserved <> (SELECT coalesce(sum(quantity), 0) FROM stock_reservations r
			WHERE r.variant_id = s.variant_id AND r.location_id = s.location_id AND r.state = 'OPEN')`,
	} {
		var off int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), sql).Scan(&off))
		require.Zero(t, off, what)
	}
}

func TestSoldOutGoodsAreBackOrdered(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	product := a.AddProduct(t, "bed", 100)
	bed := product.Variants[0]
	a.SetStock(t, bed, 3)
	backOrders(t, a, nil, 50)
	backOrders(t, a, target("PRODUCT", "Product", product.ID), 5)

	first := &shopper{App: a}
	var cart struct {
		AddCartLine struct {
			Cart struct {
				Lines []struct {
					Availability string
					waitingLine
				}
			}
			CartToken string
		}
	}
	first.Do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 6}) { cartToken cart { lines { availability backOrdered promise } } } }`,
		apptest.Variables{"v": id.Global("Variant", bed)}).Into(t, &cart)
	first.token = cart.AddCartLine.CartToken
	require.Equal(t, 3, cart.AddCartLine.Cart.Lines[0].BackOrdered)
	require.Equal(t, "約2週間でお届け", *cart.AddCartLine.Cart.Lines[0].Promise)
	require.Equal(t, "LOW_STOCK", cart.AddCartLine.Cart.Lines[0].Availability)
	first.fillIn(t, method)
	placed := first.place(t, "intent-1", "600")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, 3, first.waits(t, placed.Order.ID).BackOrdered)
	require.Equal(t, "約2週間でお届け", *first.waits(t, placed.Order.ID).Promise)
	requireStock(t, a, bed, 3, 3)

	var shown struct {
		Product struct {
			Variants []struct {
				Availability string
				Promise      *string
			}
		}
	}
	a.Do(t, `{ product(slug: "bed") { variants { availability promise } } }`, nil, "Accept-Language", "en").Into(t, &shown)
	require.Equal(t, "BACK_ORDER", shown.Product.Variants[0].Availability)
	require.Equal(t, "In about two weeks", *shown.Product.Variants[0].Promise)

	// The limit leaves two more.
	second := &shopper{App: a}
	refused := second.add(t, bed, 3)
	require.Equal(t, "INSUFFICIENT_STOCK", refused.code())
	require.Contains(t, refused.UserErrors[0].Message, "2")
	second = buyer(t, a, method, bed, 2)
	later := second.place(t, "intent-2", "200")
	require.Empty(t, later.UserErrors)
	a.Do(t, `{ product(slug: "bed") { variants { availability promise } } }`, nil).Into(t, &shown)
	require.Equal(t, "OUT_OF_STOCK", shown.Product.Variants[0].Availability)
	require.Nil(t, shown.Product.Variants[0].Promise)

	var list struct {
		BackOrders struct {
			TotalCount int
			Nodes      []struct {
				Quantity int
				Order    struct{ Number string }
				Variant  struct{ SKU string }
			}
			PageInfo struct{ EndCursor string }
		}
	}
	const query = `query($v: ID, $after: String) { backOrders(variantId: $v, first: 1, after: $after) { totalCount nodes { quantity order { number } variant { sku } } pageInfo { endCursor } } }`
	a.DoAs(t, shipper, query, apptest.Variables{"v": id.Global("Variant", bed)}).Into(t, &list)
	require.Equal(t, 2, list.BackOrders.TotalCount)
	require.Equal(t, 3, list.BackOrders.Nodes[0].Quantity, "the longest waiting first")
	require.Equal(t, placed.Order.Number, list.BackOrders.Nodes[0].Order.Number)
	a.DoAs(t, shipper, query, apptest.Variables{"after": list.BackOrders.PageInfo.EndCursor}).Into(t, &list)
	require.Equal(t, later.Order.Number, list.BackOrders.Nodes[0].Order.Number)
	require.Equal(t, "FORBIDDEN", a.DoAs(t, merchandiser, query, nil).Code())

	// What arrives goes to who waits longest, piece by piece; nothing ships before.
	exec(t, a, `UPDATE orders SET status = 'CONFIRMED', paid = true WHERE id = (SELECT order_id FROM stock_reservations WHERE location_id IS NOT NULL)`)
	require.Equal(t, "ORDER_BACK_ORDERED", counter{a, shipper}.instruct(t, placed.Order.ID, nil).code())
	receive(t, a, bed, 2)
	require.Equal(t, 1, first.waits(t, placed.Order.ID).BackOrdered)
	require.Equal(t, 2, second.waits(t, later.Order.ID).BackOrdered)
	receive(t, a, bed, 2)
	require.Zero(t, first.waits(t, placed.Order.ID).BackOrdered)
	require.Equal(t, 1, second.waits(t, later.Order.ID).BackOrdered)
	require.NotNil(t, first.waits(t, placed.Order.ID).Promise, "what the buyer was told stays")
	requireStock(t, a, bed, 7, 7)
	requireSums(t, a)

	// Who gives up makes room, in stock and in line.
	require.Empty(t, write(t, a, shipper, "cancelOrder", "CancelOrderInput", `order { status }`, apptest.Variables{"orderId": placed.Order.ID}, nil))
	require.Zero(t, second.waits(t, later.Order.ID).BackOrdered, "what was given back went to who waited")
	require.Empty(t, write(t, a, shipper, "cancelOrder", "CancelOrderInput", `order { status }`, apptest.Variables{"orderId": later.Order.ID}, nil))
	requireStock(t, a, bed, 7, 0)
	requireSums(t, a)
}

// blocked waits until a statement about these rows waits for a lock in the test's database.
func blocked(t *testing.T, a *apptest.App, rows string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return countOf(t, a, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`, rows) > 0
	}, time.Minute, 5*time.Millisecond)
}

// What an order waits for comes while staff take it out of the order: they hear nothing of it.
func TestAnEditIsOvertakenByWhatComes(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	bed := a.AddProduct(t, "bed", 100).Variants[0]
	a.SetStock(t, bed, 1)
	backOrders(t, a, nil, 20)
	placed := buyer(t, a, method, bed, 3).place(t, "intent-1", "300")
	require.Empty(t, placed.UserErrors)
	desk, orders, edited := counter{a, editor}, postgres.NewOrders(a.DB), make(chan editAnswer)
	line := desk.look(t, placed.Order.ID).Lines[0].ID
	exec(t, a, `UPDATE stock_levels SET on_hand = 3 WHERE variant_id = $1`, bed)
	exec(t, a, `INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference) VALUES (gen_random_uuid(), now(), $1, $2, 'RECEIPT', 2, '')`, bed, a.WarehouseID)
	require.NoError(t, a.DB.InTx(t.Context(), func(ctx context.Context) error {
		waiting, _, err := orders.Waiting(ctx, []uuid.UUID{bed})
		require.NoError(t, err)
		require.Len(t, waiting, 1)
		go func() { edited <- desk.edit(t, placed.Order.ID, lines(line, 1)) }()
		blocked(t, a, "stock_reservations")
		return orders.Allocate(ctx, []order.Allocation{{OrderID: waiting[0].OrderID, Reservation: order.Reservation{VariantID: bed, LocationID: a.WarehouseID, Quantity: 2}}}, time.Now())
	}))
	got := <-edited
	require.Empty(t, got.UserErrors)
	require.Equal(t, "100", got.Order.Total.Amount)
	requireStock(t, a, bed, 3, 1)
	requireSums(t, a)
}

// A payment that does not come in time is a job's to see, which acts in no channel: what
// follows from it is the brand's all the same.
func TestWhatFollowsFromAJobIsOfTheBrand(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	bed := a.AddProduct(t, "bed", 100).Variants[0]
	a.SetStock(t, bed, 1)
	backOrders(t, a, nil, 20)
	first := buyer(t, a, method, bed, 1).place(t, "intent-1", "100")
	require.Empty(t, first.UserErrors)
	require.Empty(t, buyer(t, a, method, bed, 1).place(t, "intent-2", "100").UserErrors)
	require.NoError(t, a.App.Resolvers.Orders.PaymentExpired(t.Context(), keyOf(t, first.Order.ID)))
	for _, what := range []string{"order.cancelled", "order.allocated", "stock.availability_changed"} {
		require.Positive(t, countOf(t, a, `SELECT count(*) FROM events WHERE type = $1 AND brand_id = $2`, what, a.BrandID), what)
		require.Zero(t, countOf(t, a, `SELECT count(*) FROM events WHERE type = $1 AND brand_id IS NULL`, what), what)
	}
}

func TestBackOrdersNeverPassTheirLimit(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method := a.AddShipping(t, "parcel", 0)
	bed := a.AddProduct(t, "bed", 100).Variants[0]
	a.SetStock(t, bed, 10)
	backOrders(t, a, nil, 20)
	buyers := make([]*shopper, 64)
	for i := range buyers {
		buyers[i] = buyer(t, a, method, bed, 1)
	}
	var placed atomic.Int32
	var all sync.WaitGroup
	for i, b := range buyers {
		all.Go(func() {
			got := b.place(t, fmt.Sprintf("intent-%d", i), "100")
			switch got.code() {
			case "":
				placed.Add(1)
			case "INSUFFICIENT_STOCK":
			default:
				t.Errorf("buyer %d: %s", i, got.code())
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 30, placed.Load())
	requireStock(t, a, bed, 10, 10)
	requireSums(t, a)
	var waiting int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT pieces FROM back_orders WHERE variant_id = $1`, bed).Scan(&waiting))
	require.Equal(t, 20, waiting)
	var listed bool
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT in_stock FROM product_listings`).Scan(&listed))
	require.False(t, listed, "lists know that nothing is left to order")
}

func TestBackOrderPoliciesThatCannotBe(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	text := apptest.Variables{"ja": "来月"}
	for name, c := range map[string]struct {
		input apptest.Variables
		field string
		code  string
	}{
		"no limit":          {apptest.Variables{"policy": "BACK_ORDER", "promise": text}, "backOrderLimit", "BACK_ORDER_LIMIT_INVALID"},
		"nothing":           {apptest.Variables{"policy": "BACK_ORDER", "promise": text, "backOrderLimit": 0}, "backOrderLimit", "BACK_ORDER_LIMIT_INVALID"},
		"too much":          {apptest.Variables{"policy": "BACK_ORDER", "promise": text, "backOrderLimit": 1_000_001}, "backOrderLimit", "BACK_ORDER_LIMIT_INVALID"},
		"no promise":        {apptest.Variables{"policy": "BACK_ORDER", "backOrderLimit": 5}, "promise", "REQUIRED"},
		"long promise":      {apptest.Variables{"policy": "BACK_ORDER", "backOrderLimit": 5, "promise": apptest.Variables{"ja": strings.Repeat("長", 101)}}, "promise", "TOO_LONG"},
		"a limit of hiding": {apptest.Variables{"policy": "HIDE", "backOrderLimit": 5}, "backOrderLimit", "BACK_ORDER_LIMIT_INVALID"},
		"a promise of none": {apptest.Variables{"promise": text}, "promise", "BACK_ORDER_LIMIT_INVALID"},
	} {
		errors := write(t, a, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { id }`, c.input, nil)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
		require.Equal(t, []string{c.field}, errors[0].Field, name)
	}
	require.Zero(t, count(t, a, "sold_out_policies"))
}
