package resolvers_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

const shipmentFields = `id nth status locationId carrier trackingNumber trackingUrl total { amount } lines { sku name quantity line { id shipped } }`

type shipmentSeen struct {
	ID, Status, LocationID, Carrier, TrackingNumber, TrackingURL string
	Nth                                                          int
	Total                                                        struct{ Amount string }
	Lines                                                        []struct {
		SKU, Name string
		Quantity  int
		Line      struct {
			ID      string
			Shipped int
		}
	}
}

type shipmentsAnswer struct {
	Shipments  []shipmentSeen
	Shipment   *shipmentSeen
	Order      *struct{ ID, Status string }
	UserErrors []userError
}

func (s shipmentsAnswer) code() string {
	if len(s.UserErrors) == 0 {
		return ""
	}
	return s.UserErrors[0].Code
}

// instruct tells the locations to send what the order holds.
func (c counter) instruct(t testing.TB, order string, more apptest.Variables) shipmentsAnswer {
	t.Helper()
	in := apptest.Variables{"idempotencyKey": id.New().String(), "orderId": order}
	maps.Copy(in, more)
	var got struct{ InstructShipments shipmentsAnswer }
	c.DoAs(t, c.actor, `mutation($in: InstructShipmentsInput!) { instructShipments(input: $in) {
		shipments { `+shipmentFields+` } order { id status } userErrors { code field message } } }`, apptest.Variables{"in": in}).Into(t, &got)
	return got.InstructShipments
}

// move does something to one shipment.
func (c counter) move(t testing.TB, field string, in apptest.Variables) shipmentsAnswer {
	t.Helper()
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input"
	var got map[string]shipmentsAnswer
	c.DoAs(t, c.actor, fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { shipment { %s } order { id status } userErrors { code field message } } }`, kind, field, shipmentFields),
		apptest.Variables{"in": keyed(field, in)}).Into(t, &got)
	return got[field]
}

// ship sends all of an order.
func (c counter) ship(t testing.TB, order string) []shipmentSeen {
	t.Helper()
	made := c.instruct(t, order, nil)
	require.Empty(t, made.UserErrors)
	for _, h := range made.Shipments {
		require.Empty(t, c.move(t, "shipShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	return made.Shipments
}

// instructed is a shipment that waits to leave.
func (w *world) instructed(t *testing.T) string {
	t.Helper()
	order, _ := w.paid(t)
	made := counter{w.App, shipper}.instruct(t, order, nil)
	require.Empty(t, made.UserErrors)
	return made.Shipments[0].ID
}

// packer is staff who send goods and keep the books.
var packer = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.AccountingRead, access.InventoryRead, access.InventoryWrite}}

// split is an order of three leashes at 1,001 yen, two of which lie in the warehouse,
// one in a second one, and of a bed of which two more are waited for.
func split(t *testing.T, a *apptest.App) (order string, leash, bed uuid.UUID, second uuid.UUID) {
	t.Helper()
	method := a.AddShipping(t, "parcel", 501)
	leash, product := a.AddProduct(t, "leash", 1001).Variants[0], a.AddProduct(t, "bed", 2003)
	bed = product.Variants[0]
	a.SetStock(t, leash, 2)
	a.SetStock(t, bed, 0)
	backOrders(t, a, target("PRODUCT", "Product", product.ID), 5)
	second = id.New()
	exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind, ships, priority) SELECT $1, brand_id, 'second', '{"ja":"第二倉庫"}', 'WAREHOUSE', true, 99 FROM locations LIMIT 1`, second)
	exec(t, a, `INSERT INTO stock_levels (variant_id, location_id, on_hand) VALUES ($1, $2, 2)`, leash, second)
	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, leash, 3).UserErrors)
	require.Empty(t, guest.add(t, bed, 2).UserErrors)
	require.Empty(t, guest.fillIn(t, method).UserErrors)
	placed := guest.place(t, "intent-1", "7510")
	require.Empty(t, placed.UserErrors)
	counter{a, cashier}.receive(t, placed.Order.ID, "7510")
	return placed.Order.ID, leash, bed, second
}

func TestAnOrderLeavesInParts(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	order, leash, bed, second := split(t, a)
	staff := counter{a, packer}

	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, order, nil).code(), "nothing is left behind unasked")
	made := staff.instruct(t, order, apptest.Variables{"partial": true})
	require.Empty(t, made.UserErrors)
	require.Len(t, made.Shipments, 2)
	require.Equal(t, "PICKING", made.Order.Status)
	require.Equal(t, []int{1, 2}, []int{made.Shipments[0].Nth, made.Shipments[1].Nth})
	require.Equal(t, 2, made.Shipments[0].Lines[0].Quantity)
	require.Equal(t, 1, made.Shipments[1].Lines[0].Quantity)
	require.Equal(t, id.Global("Location", second), made.Shipments[1].LocationID)
	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, order, apptest.Variables{"partial": true}).code())

	// The second is called off; its piece can be sent again.
	called := staff.move(t, "cancelShipment", apptest.Variables{"shipmentId": made.Shipments[1].ID, "reason": "箱がない"})
	require.Empty(t, called.UserErrors)
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": made.Shipments[1].ID}).code())

	first := staff.move(t, "shipShipment", apptest.Variables{"shipmentId": made.Shipments[0].ID, "carrier": "見本運輸", "trackingNumber": "1111-2222"})
	require.Empty(t, first.UserErrors)
	require.Equal(t, "PARTIALLY_SHIPPED", first.Order.Status)
	require.Equal(t, 2, first.Shipment.Lines[0].Line.Shipped)
	// 2,002 of 7,009 yen of goods; 7,510 yen in all.
	require.Equal(t, "2145", first.Shipment.Total.Amount)
	require.Equal(t, "ORDER_STATUS_CONFLICT", staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).code())
	mailed(t, a, "残りの商品は別便")

	again := staff.instruct(t, order, apptest.Variables{"locationId": id.Global("Location", second)})
	require.Empty(t, again.UserErrors)
	require.Equal(t, 3, again.Shipments[0].Nth)
	require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": again.Shipments[0].ID}).UserErrors)
	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, order, apptest.Variables{"locationId": id.Global("Location", second)}).code())

	receive(t, a, bed, 2)
	last := staff.ship(t, order)
	require.Len(t, last, 1)
	var whole struct {
		Order struct {
			Status    string
			Shipments []shipmentSeen
		}
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { status shipments { `+shipmentFields+` } } }`, apptest.Variables{"o": order}).Into(t, &whole)
	require.Equal(t, "SHIPPED", whole.Order.Status)
	sum := 0
	for _, h := range whole.Order.Shipments {
		var yen int
		_, _ = fmt.Sscan(h.Total.Amount, &yen)
		sum += yen
	}
	require.Equal(t, 7510, sum, "the shipments come to the order's total")
	sales := journal(t, a, "kinds: [SALE]")
	require.Len(t, sales, 3, "each shipment that left is a sale")
	requireStock(t, a, leash, 0, 0)
	requireStock(t, a, bed, 0, 0)

	for _, h := range whole.Order.Shipments {
		if h.Status == "SHIPPED" {
			require.Empty(t, staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
		}
	}
	var held int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM stock_reservations WHERE state = 'OPEN'`).Scan(&held))
	require.Zero(t, held)
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { status } }`, apptest.Variables{"o": order}).Into(t, &whole)
	require.Equal(t, "DELIVERED", whole.Order.Status)
}

func TestOnlyWhatIsAllocatedLeaves(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	order, _, _, second := split(t, a)
	staff := counter{a, packer}
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &lines)
	leashes, beds := lines.Order.Lines[0].ID, lines.Order.Lines[1].ID
	of := func(line string, quantity int, more apptest.Variables) apptest.Variables {
		in := apptest.Variables{"lines": []apptest.Variables{{"lineId": line, "quantity": quantity}}}
		maps.Copy(in, more)
		return in
	}
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", staff.instruct(t, order, of(leashes, 4, nil)).code())
	require.Equal(t, "ORDER_BACK_ORDERED", staff.instruct(t, order, of(beds, 1, nil)).code())
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", staff.instruct(t, order, of(leashes, 2, apptest.Variables{"locationId": id.Global("Location", second)})).code())
	require.Equal(t, "ORDER_LINE_UNKNOWN", staff.instruct(t, order, of(id.Global("OrderLine", id.New()), 1, nil)).code())
	require.Equal(t, "INVALID", staff.instruct(t, order, of(leashes, 0, nil)).code())
	require.Equal(t, "INVALID", staff.instruct(t, order, apptest.Variables{"lines": []apptest.Variables{{"lineId": leashes, "quantity": 1}, {"lineId": leashes, "quantity": 1}}}).code())

	key := apptest.Variables{"idempotencyKey": "instruct-once"}
	made := staff.instruct(t, order, of(leashes, 1, key))
	require.Empty(t, made.UserErrors)
	require.Equal(t, 1, made.Shipments[0].Lines[0].Quantity)
	require.Equal(t, made.Shipments[0].ID, staff.instruct(t, order, of(leashes, 1, key)).Shipments[0].ID, "asked again, it is the same shipment")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", staff.instruct(t, order, of(leashes, 2, key)).code())
	require.Equal(t, "SHIPMENT_NOT_ALLOCATED", staff.instruct(t, order, of(leashes, 3, nil)).code(), "one of them is packed")

	ship := apptest.Variables{"shipmentId": made.Shipments[0].ID, "carrier": "見本運輸", "trackingNumber": "9000-0001"}
	require.Equal(t, "CARRIER_UNKNOWN", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": made.Shipments[0].ID, "carrierId": id.Global("ShippingCarrier", id.New())}).code())
	require.Empty(t, staff.move(t, "shipShipment", ship).UserErrors)
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.move(t, "shipShipment", ship).code())
	require.Equal(t, "SHIPMENT_UNKNOWN", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": id.Global("Shipment", id.New())}).code())

	// Another order's parcel cannot have the number.
	_, other := ordered(t, a, a.AddProduct(t, "bowl", 1980).Variants[0], a.AddShipping(t, "letter", 0))
	counter{a, cashier}.receive(t, other.Order.ID, "1980")
	theirs := staff.instruct(t, other.Order.ID, nil).Shipments[0].ID
	require.Equal(t, "TRACKING_NUMBER_TAKEN", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": theirs, "carrier": "見本運輸", "trackingNumber": "9000-0001"}).code())
}

func TestThoseOfAShopShipFromTheirOwn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	order, _, _, second := split(t, a)
	shop := counter{a, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{second}, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}}
	made := counter{a, packer}.instruct(t, order, apptest.Variables{"partial": true}).Shipments

	var list struct {
		Shipments struct {
			TotalCount int
			Nodes      []struct{ ID string }
		}
	}
	const query = `query($f: ShipmentFilter) { shipments(filter: $f) { totalCount nodes { id } } }`
	a.DoAs(t, shop.actor, query, nil).Into(t, &list)
	require.Equal(t, 1, list.Shipments.TotalCount)
	require.Equal(t, made[1].ID, list.Shipments.Nodes[0].ID)
	a.DoAs(t, shop.actor, query, apptest.Variables{"f": apptest.Variables{"locationId": made[0].LocationID}}).Into(t, &list)
	require.Empty(t, list.Shipments.Nodes)
	require.Equal(t, "SHIPMENT_UNKNOWN", shop.move(t, "shipShipment", apptest.Variables{"shipmentId": made[0].ID}).code())
	require.Empty(t, shop.move(t, "shipShipment", apptest.Variables{"shipmentId": made[1].ID}).UserErrors)
	require.Equal(t, "FORBIDDEN", shop.instruct(t, order, apptest.Variables{"partial": true}).code(), "from all locations is for those who work at all")

	a.DoAs(t, packer, query, apptest.Variables{"f": apptest.Variables{"status": []string{"INSTRUCTED"}}}).Into(t, &list)
	require.Len(t, list.Shipments.Nodes, 1)

	// They list the orders of their shop, and find any other by its number; what they
	// send they see with the shipment.
	var theirs struct {
		Shipments struct {
			Nodes []struct{ Order *struct{ ID string } }
		}
	}
	a.DoAs(t, shop.actor, `{ shipments { nodes { order { id } } } }`, nil).Into(t, &theirs)
	require.Equal(t, order, theirs.Shipments.Nodes[0].Order.ID)
	_, other := ordered(t, a, a.AddProduct(t, "bowl", 1980).Variants[0], a.AddShipping(t, "letter", 0))
	seen := func(actor access.Actor, filter apptest.Variables) (found []string) {
		var orders struct {
			Orders struct{ Nodes []struct{ ID string } }
		}
		a.DoAs(t, actor, `query($f: OrderFilter) { orders(filter: $f) { nodes { id } } }`, apptest.Variables{"f": filter}).Into(t, &orders)
		for _, o := range orders.Orders.Nodes {
			found = append(found, o.ID)
		}
		return found
	}
	require.Empty(t, seen(shop.actor, nil))
	exec(t, a, `UPDATE orders SET shop_id = $1 WHERE id = $2`, second, keyOf(t, order))
	require.Equal(t, []string{order}, seen(shop.actor, nil))
	require.Equal(t, []string{other.Order.ID, order}, seen(packer, nil))
	require.Equal(t, []string{other.Order.ID}, seen(shop.actor, apptest.Variables{"number": other.Order.Number}))
	nowhere := shop.actor
	nowhere.Stores = nil
	require.Empty(t, seen(nowhere, nil))
}
