package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// counter is staff at work on orders.
type counter struct {
	*apptest.App
	actor access.Actor
}

const clerkFields = `order { id number status paid internalNote history { type actor actorId from to reason carrier trackingNumber note } } userErrors { code field message }`

type counterAnswer struct {
	Order *struct {
		ID, Number, Status, InternalNote string
		Paid                             bool
		History                          []struct {
			Type, Actor, Reason, Carrier, TrackingNumber string
			ActorID, From, To, Note                      *string
		}
	}
	UserErrors []userError
}

func (c counterAnswer) code() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code
}

func (c counter) act(t testing.TB, field string, input apptest.Variables) counterAnswer {
	t.Helper()
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input"
	var got map[string]counterAnswer
	c.DoAs(t, c.actor, fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s } }`, kind, field, clerkFields),
		apptest.Variables{"in": keyed(field, input)}).Into(t, &got)
	return got[field]
}

func (c counter) receive(t testing.TB, order, amount string) {
	t.Helper()
	var bill struct {
		Order struct{ Payments []struct{ ID string } }
	}
	c.DoAs(t, c.actor, `query($o: ID!) { order(id: $o) { payments { id } } }`, apptest.Variables{"o": order}).Into(t, &bill)
	var got struct {
		RecordBankTransfer struct{ UserErrors []userError }
	}
	c.DoAs(t, c.actor, `mutation($p: ID!, $a: Decimal!) { recordBankTransfer(input: {
		idempotencyKey: "receipt-1", paymentId: $p, amount: $a, payerName: "ﾔﾏﾀﾞ ﾊﾅｺ", receivedAt: "2026-11-24T01:00:00Z"
	}) { userErrors { code field message } } }`, apptest.Variables{"p": bill.Order.Payments[0].ID, "a": amount}).Into(t, &got)
	require.Empty(t, got.RecordBankTransfer.UserErrors)
}

// ordered is a guest who has ordered one leash for 1,980 yen.
func ordered(t testing.TB, a *apptest.App, variant, method uuid.UUID) (*shopper, orderAnswer) {
	t.Helper()
	guest := &shopper{App: a}
	require.Empty(t, guest.add(t, variant, 1).UserErrors)
	require.Empty(t, guest.fillIn(t, method).UserErrors)
	placed := guest.place(t, "intent-1", "1980")
	require.Empty(t, placed.UserErrors)
	return guest, placed
}

func TestStaffBringAnOrderToItsCustomer(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	guest, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	order, staff := placed.Order.ID, counter{a, cashier}

	require.Equal(t, "ORDER_UNPAID", staff.instruct(t, order, nil).code())
	staff.receive(t, order, "1980")
	instructed := staff.instruct(t, order, nil)
	require.Empty(t, instructed.UserErrors)
	require.Equal(t, "PICKING", instructed.Order.Status)
	shipment := instructed.Shipments[0].ID
	require.Equal(t, "SHIPMENT_STATUS_CONFLICT", staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": shipment}).code())
	require.Equal(t, "TOO_LONG", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment, "carrier": strings.Repeat("雲", 101)}).code())
	requireStock(t, a, leash, 100, 1)
	shipped := staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment, "carrier": "ヤマト運輸", "trackingNumber": "1234-5678-9012"})
	require.Empty(t, shipped.UserErrors)
	require.Equal(t, "1980", shipped.Shipment.Total.Amount)
	requireStock(t, a, leash, 99, 0)
	require.Equal(t, "ORDER_STATUS_CONFLICT", staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).code(), "what is shipped comes back as a return")
	requireStock(t, a, leash, 99, 0)
	require.Empty(t, staff.act(t, "noteOrder", apptest.Variables{"orderId": order, "note": "玄関先に置かない"}).UserErrors)
	require.Equal(t, "DELIVERED", staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": shipment}).Order.Status)
	delivered := staff.act(t, "noteOrder", apptest.Variables{"orderId": order, "note": "玄関先に置かない"}).Order
	require.Equal(t, "玄関先に置かない", delivered.InternalNote)

	var moved int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT sum(quantity) FROM stock_movements WHERE variant_id = $1`, leash).Scan(&moved))
	require.Equal(t, 99, moved, "the level is the sum of its movements")

	var types []string
	for _, h := range delivered.History {
		types = append(types, h.Type)
	}
	require.Equal(t, []string{"order.placed", "order.payment_changed", "order.instructed", "order.shipped", "order.noted", "order.delivered", "order.noted"}, types)
	require.Equal(t, "GUEST", delivered.History[0].Actor)
	require.Equal(t, "PENDING_PAYMENT", *delivered.History[0].To)
	took := delivered.History[3]
	require.Equal(t, []string{"STAFF", id.Global("Account", cashier.ID), "PICKING", "SHIPPED", "ヤマト運輸", "1234-5678-9012"},
		[]string{took.Actor, *took.ActorID, *took.From, *took.To, took.Carrier, took.TrackingNumber})

	seen := guest.Do(t, `query($o: ID!) { order(id: $o) { history { type carrier } } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token)
	require.Contains(t, string(seen.Data), "ヤマト運輸")
	require.NotContains(t, string(seen.Data), "order.noted", "what staff note is theirs")
	for _, field := range []string{"internalNote", "history { actorId }", "history { note }"} {
		hidden := guest.Do(t, `query($o: ID!) { order(id: $o) { `+field+` } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token)
		require.Equal(t, "UNAUTHENTICATED", hidden.Code(), field)
		require.NotContains(t, string(hidden.Data), "玄関")
	}
}

// found is the id of the order with the number.
func (c counter) found(t testing.TB, number string) string {
	t.Helper()
	var got struct {
		Orders struct{ Nodes []struct{ ID string } }
	}
	c.DoAs(t, c.actor, `query($n: String) { orders(filter: {number: $n}) { nodes { id } } }`, apptest.Variables{"n": number}).Into(t, &got)
	require.Len(t, got.Orders.Nodes, 1)
	return got.Orders.Nodes[0].ID
}

func TestAHeldOrderDoesNotLeave(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	guest, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	order, staff := placed.Order.ID, counter{a, cashier}
	staff.receive(t, order, "1980")
	packed := staff.instruct(t, order, nil).Shipments[0].ID
	require.Equal(t, "TOO_LONG", staff.act(t, "holdOrder", apptest.Variables{"orderId": order, "reason": "ADDRESS", "note": strings.Repeat("番", 501)}).code())
	require.Empty(t, staff.act(t, "holdOrder", apptest.Variables{"orderId": order, "reason": "ADDRESS", "note": "番地なし"}).UserErrors)
	require.Equal(t, "ORDER_HELD", staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed}).code())
	require.Equal(t, "ORDER_HELD", staff.instruct(t, order, nil).code())
	seen := guest.Do(t, `query($o: ID!) { order(id: $o) { history { type } } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token)
	require.NotContains(t, string(seen.Data), "order.held")
	for _, field := range []string{"held", "heldNote", "tags"} {
		require.Equal(t, "UNAUTHENTICATED", guest.Do(t, `query($o: ID!) { order(id: $o) { `+field+` } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token).Code())
	}
	require.Empty(t, staff.act(t, "releaseOrder", apptest.Variables{"orderId": order}).UserErrors)
	require.Empty(t, staff.move(t, "shipShipment", apptest.Variables{"shipmentId": packed}).UserErrors)
	require.Equal(t, "ORDER_STATUS_CONFLICT", staff.act(t, "holdOrder", apptest.Variables{"orderId": order, "reason": "OTHER"}).code())
	require.Equal(t, "TAGS_INVALID", staff.act(t, "tagOrder", apptest.Variables{"orderId": order, "tags": []string{" "}}).code())
	require.Equal(t, "TAGS_INVALID", staff.act(t, "tagOrder", apptest.Variables{"orderId": order, "tags": []string{strings.Repeat("札", 41)}}).code())
}

func TestStaffCancelWithAReason(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	guest, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	order, staff := placed.Order.ID, counter{a, cashier}
	staff.receive(t, order, "1980")
	require.Empty(t, staff.instruct(t, order, nil).UserErrors)

	var refused struct{ CancelOrder orderAnswer }
	guest.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": order}, "X-Cart-Token", guest.token).Into(t, &refused)
	require.Equal(t, "ORDER_STATUS_CONFLICT", refused.CancelOrder.code(), "it is being picked")
	require.Equal(t, "TOO_LONG", staff.act(t, "cancelOrder", apptest.Variables{"orderId": order, "reason": strings.Repeat("欠", 501)}).code())
	requireStock(t, a, leash, 100, 1)

	cancelled := staff.act(t, "cancelOrder", apptest.Variables{"orderId": order, "reason": "欠品のため"})
	require.Equal(t, "CANCELLED", cancelled.Order.Status)
	last := cancelled.Order.History[len(cancelled.Order.History)-1]
	require.Equal(t, []string{"order.cancelled", "欠品のため"}, []string{last.Type, last.Reason})
	requireStock(t, a, leash, 100, 0)
	require.Equal(t, "ORDER_STATUS_CONFLICT", staff.act(t, "cancelOrder", apptest.Variables{"orderId": order}).code())
	requireStock(t, a, leash, 100, 0)
}

func TestOrdersOfOthersAreOutOfReach(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	_, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	order := placed.Order.ID
	member := access.Actor{Role: access.RoleMember, ID: id.New()}
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE orders SET member_id = $1, token_hash = NULL`, member.ID)
	require.NoError(t, err)
	reader := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead}}
	other := counter{a, access.Actor{Role: access.RoleMember, ID: id.New()}}

	sees := func(actor access.Actor) string {
		var got struct {
			Order, Node *struct{ ID string }
			Orders      struct{ Nodes []struct{ ID string } }
		}
		a.DoAs(t, actor, `query($o: ID!) { order(id: $o) { id } node(id: $o) { id } orders { nodes { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
		return fmt.Sprint(got.Order != nil, got.Node != nil, len(got.Orders.Nodes) > 0)
	}
	require.Equal(t, "true true true", sees(member))
	require.Equal(t, "true true true", sees(reader))
	require.Equal(t, "false false false", sees(other.actor))
	require.Equal(t, "false false false", sees(access.Guest))
	require.Equal(t, "NOT_FOUND", other.cancelCode(t, order))
	require.Equal(t, "NOT_FOUND", counter{a, access.Guest}.cancelCode(t, order))

	for _, mutation := range []string{`instructShipments(input: {orderId: $o, idempotencyKey: "instruct-1"})`, `noteOrder(input: {orderId: $o, note: "x"})`} {
		for _, actor := range []access.Actor{member, reader, access.Guest} {
			answer := a.DoAs(t, actor, `mutation($o: ID!) { `+mutation+` { userErrors { code } } }`, apptest.Variables{"o": order})
			require.Contains(t, []string{"FORBIDDEN", "UNAUTHENTICATED"}, answer.Code(), "%s as %s", mutation, actor.Role)
		}
	}
	_, err = a.DB.Pool().Exec(t.Context(), `
		WITH b AS (INSERT INTO brands (id, code, name) VALUES (gen_random_uuid(), 'nyan', '{"ja":"にゃん"}') RETURNING id)
		UPDATE orders SET brand_id = b.id FROM b`)
	require.NoError(t, err)
	require.Equal(t, "false false false", sees(reader), "another brand's orders are for its own staff")
	requireStock(t, a, leash, 100, 1)
}

func (c counter) cancelCode(t testing.TB, order string) string {
	t.Helper()
	var got struct {
		CancelOrder struct{ UserErrors []userError }
	}
	c.DoAs(t, c.actor, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { userErrors { code } } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Len(t, got.CancelOrder.UserErrors, 1)
	return got.CancelOrder.UserErrors[0].Code
}

func TestStaffFindOrders(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	var numbers []string
	for range 5 {
		_, placed := ordered(t, a, leash, method)
		numbers = append(numbers, placed.Order.Number)
	}
	shop, member := id.New(), id.New()
	exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind) SELECT $1, brand_id, 'shop-7', '{"ja":"七号店"}', 'SHOP' FROM locations LIMIT 1`, shop)
	exec(t, a, `UPDATE orders SET status = 'SHIPPED', email = 'taro@example.jp', key_id = NULL, shop_id = $2, member_id = $3, payment_method = 'CASH', placed_at = '2026-04-01T00:00:00Z' WHERE number = $1`, numbers[0], shop, member)
	oldest := counter{a, cashier}.found(t, numbers[0])
	exec(t, a, `UPDATE orders SET status = 'CONFIRMED' WHERE number = $1`, numbers[0])
	require.Empty(t, counter{a, cashier}.act(t, "holdOrder", apptest.Variables{"orderId": oldest, "reason": "FRAUD"}).UserErrors)
	require.Empty(t, counter{a, cashier}.act(t, "tagOrder", apptest.Variables{"orderId": oldest, "tags": []string{"要確認", " ギフト "}}).UserErrors)
	exec(t, a, `UPDATE orders SET status = 'SHIPPED' WHERE number = $1`, numbers[0])
	find := func(first int, after *string, filter apptest.Variables) (found []string, next *string, total int) {
		var got struct {
			Orders struct {
				Nodes      []struct{ Number string }
				PageInfo   struct{ EndCursor *string }
				TotalCount int
			}
		}
		answer := a.DoAs(t, cashier, `query($n: Int, $after: String, $f: OrderFilter) { orders(first: $n, after: $after, filter: $f) {
			nodes { number lines { sku } history { type } } pageInfo { endCursor } totalCount } }`, apptest.Variables{"n": first, "after": after, "f": filter})
		answer.Into(t, &got)
		require.LessOrEqual(t, answer.Statements, 4, "page, count, lines, history, however many orders")
		for _, n := range got.Orders.Nodes {
			found = append(found, n.Number)
		}
		return found, got.Orders.PageInfo.EndCursor, got.Orders.TotalCount
	}
	var paged []string
	var cursor *string
	for range 3 {
		page, next, total := find(2, cursor, nil)
		require.Equal(t, 5, total)
		paged, cursor = append(paged, page...), next
	}
	require.Equal(t, []string{numbers[4], numbers[3], numbers[2], numbers[1], numbers[0]}, paged, "newest first, each once")
	paged, cursor = nil, nil
	for range 3 {
		page, next, total := find(2, cursor, apptest.Variables{"status": []string{"SHIPPED", "PENDING_PAYMENT", "CONFIRMED", "SHIPPED"}})
		require.Equal(t, 5, total)
		paged, cursor = append(paged, page...), next
	}
	require.Equal(t, []string{numbers[4], numbers[3], numbers[2], numbers[1], numbers[0]}, paged, "of several statuses likewise")

	for name, filter := range map[string]apptest.Variables{
		"tag":    {"tag": "ギフト"},
		"held":   {"held": true},
		"method": {"paymentMethod": "CASH"},
		"shop":   {"shopId": id.Global("Location", shop)},
		"member": {"memberId": id.Global("Account", member)},
		"placed": {"placedFrom": "2026-03-31T00:00:00Z", "placedBefore": "2026-04-02T00:00:00Z"},
		"all":    {"tag": "ギフト", "held": true, "paymentMethod": "CASH", "placedBefore": "2026-04-02T00:00:00Z", "status": []string{"SHIPPED"}},
		"status": {"status": []string{"SHIPPED", "DELIVERED"}},
		"e-mail": {"email": " Taro@Example.JP "},
		"number": {"number": strings.ToLower(strings.ReplaceAll(numbers[0], "-", " "))},
	} {
		found, _, _ := find(10, nil, filter)
		require.Equal(t, numbers[:1], found, name)
	}
	var sorted struct {
		Orders struct{ Nodes []struct{ Number string } }
	}
	a.DoAs(t, cashier, `{ orders(sort: OLDEST, first: 1) { nodes { number } } }`, nil).Into(t, &sorted)
	require.Equal(t, numbers[0], sorted.Orders.Nodes[0].Number)
	a.DoAs(t, cashier, `{ orders(sort: OLDEST, first: 2, filter: { status: [CONFIRMED, PENDING_PAYMENT, SHIPPED] }) { nodes { number } } }`, nil).Into(t, &sorted)
	require.Equal(t, []string{numbers[0], numbers[1]}, []string{sorted.Orders.Nodes[0].Number, sorted.Orders.Nodes[1].Number})
	none, _, total := find(10, nil, apptest.Variables{"number": "' OR 1=1 --"})
	require.Empty(t, none)
	require.Zero(t, total)
	refused := a.DoAs(t, cashier, `{ orders(first: 101) { totalCount } }`, nil)
	require.NotEmpty(t, refused.Errors)
	refused = a.DoAs(t, cashier, `{ orders(after: "???") { nodes { id } } }`, nil)
	require.NotEmpty(t, refused.Errors)
}
