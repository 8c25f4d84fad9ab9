package resolvers_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// allOf is staff of a shop with every permission.
func allOf(shop uuid.UUID) access.Actor {
	return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: access.Permissions}
}

// reach is two shops, their staff, and what the staff try.
type reach struct {
	*apptest.App
	leash         uuid.UUID
	own, other    uuid.UUID
	clerk, beyond access.Actor
}

func newReach(t *testing.T) reach {
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	own, other := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 20}), openShop(t, a, "sakae", "AICHI", map[uuid.UUID]int{leash: 20})
	return reach{a, leash, own, other, allOf(own), allOf(other)}
}

// try runs a mutation as the actor; it answers the global id of the object, and the error
// code.
func (r reach) try(t *testing.T, actor access.Actor, mutation, inputType, object string, in apptest.Variables) (key, code string) {
	t.Helper()
	fields := object
	switch object {
	case "", "allocation":
	case "level":
		fields = `level { onHand }`
	default:
		fields = object + ` { id }`
	}
	in = maps.Clone(in)
	delete(in, "idempotencyKey")
	answer := r.DoAs(t, actor, fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s userErrors { code } } }`, inputType, mutation, fields), apptest.Variables{"in": keyed(mutation, in)})
	var got map[string]map[string]any
	answer.Into(t, &got)
	var errs struct{ UserErrors []userError }
	remarshal(t, got[mutation], &errs)
	if len(errs.UserErrors) > 0 {
		return "", errs.UserErrors[0].Code
	}
	if made, ok := got[mutation][object].(map[string]any); ok && made["id"] != nil {
		key = made["id"].(string)
	}
	return key, ""
}

func TestStaffOfAShopMoveStockAtTheirs(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	variant, own, other := id.Global("Variant", r.leash), id.Global("Location", r.own), id.Global("Location", r.other)
	stock := func(pieces int) apptest.Variables {
		return apptest.Variables{"idempotencyKey": "x", "variantId": variant, "locationId": own, "quantity": pieces}
	}
	lines := []apptest.Variables{{"variantId": variant, "quantity": 3}}
	arrived := func(n int) []apptest.Variables { return []apptest.Variables{{"variantId": variant, "arrived": n}} }
	made := map[string]string{} // the ids of what was made, by name
	steps := []struct {
		mutation, input, object string
		in                      func() apptest.Variables
		by, never               access.Actor // who may, and who may not: those of the shop, those of another
		keep                    string
	}{
		{mutation: "receiveStock", input: "StockInput", object: "level", in: func() apptest.Variables { return stock(5) }},
		{mutation: "adjustStock", input: "StockInput", object: "level", in: func() apptest.Variables { return stock(-1) }},
		{mutation: "countStock", input: "StockInput", object: "level", in: func() apptest.Variables { return stock(20) }},
		{mutation: "setStockRules", input: "SetStockRulesInput", object: "level", in: func() apptest.Variables {
			return apptest.Variables{"variantId": variant, "locationId": own, "safety": 1}
		}},
		{mutation: "sendStock", input: "SendStockInput", object: "transfer", keep: "sent", in: func() apptest.Variables {
			return apptest.Variables{"idempotencyKey": "x", "fromId": own, "toId": other, "lines": lines}
		}},
		{mutation: "receiveStockTransfer", input: "ReceiveStockTransferInput", object: "transfer", by: r.beyond, never: r.clerk, in: func() apptest.Variables {
			return apptest.Variables{"transferId": made["sent"], "lines": arrived(1)}
		}},
		{mutation: "closeStockTransfer", input: "CloseStockTransferInput", object: "transfer", in: func() apptest.Variables {
			return apptest.Variables{"transferId": made["sent"], "returned": true}
		}},
		{mutation: "startStocktake", input: "StartStocktakeInput", object: "stocktake", keep: "count", in: func() apptest.Variables { return apptest.Variables{"locationId": own} }},
		{mutation: "countStocktake", input: "CountStocktakeInput", object: "stocktake", in: func() apptest.Variables {
			return apptest.Variables{"stocktakeId": made["count"], "lines": []apptest.Variables{{"variantId": variant, "counted": 18}}}
		}},
		{mutation: "bookStocktake", input: "BookStocktakeInput", object: "stocktake", in: func() apptest.Variables { return apptest.Variables{"stocktakeId": made["count"]} }},
		{mutation: "startStocktake", input: "StartStocktakeInput", object: "stocktake", keep: "count", in: func() apptest.Variables { return apptest.Variables{"locationId": own} }},
		{mutation: "dropStocktake", input: "DropStocktakeInput", object: "stocktake", in: func() apptest.Variables { return apptest.Variables{"stocktakeId": made["count"]} }},
		{mutation: "announceStockDelivery", input: "AnnounceStockDeliveryInput", object: "delivery", keep: "delivery", in: func() apptest.Variables {
			return apptest.Variables{"idempotencyKey": "x", "locationId": own, "lines": lines}
		}},
		{mutation: "receiveStockDelivery", input: "ReceiveStockDeliveryInput", object: "delivery", in: func() apptest.Variables {
			return apptest.Variables{"deliveryId": made["delivery"], "lines": arrived(2)}
		}},
		{mutation: "rescheduleStockDelivery", input: "RescheduleStockDeliveryInput", object: "delivery", in: func() apptest.Variables {
			return apptest.Variables{"deliveryId": made["delivery"], "expectedOn": "2030-04-01"}
		}},
		{mutation: "closeStockDelivery", input: "CloseStockDeliveryInput", object: "delivery", in: func() apptest.Variables { return apptest.Variables{"deliveryId": made["delivery"]} }},
	}
	for _, s := range steps {
		if s.by.Role == "" {
			s.by, s.never = r.clerk, r.beyond
		}
		_, code := r.try(t, s.never, s.mutation, s.input, s.object, s.in())
		require.Equal(t, "FORBIDDEN", code, s.mutation)
		key, code := r.try(t, s.by, s.mutation, s.input, s.object, s.in())
		require.Empty(t, code, s.mutation)
		if s.keep != "" {
			made[s.keep] = key
		}
	}
	for list, count := range map[string]int{"stockTransfers": 1, "stocktakes": 2, "stockDeliveries": 1} {
		require.Equal(t, count, r.total(t, r.clerk, list), list)
		require.Equal(t, map[string]int{"stockTransfers": 1}[list], r.total(t, r.beyond, list), list)
		require.Equal(t, 0, r.total(t, allOf(id.New()), list), list)
	}
}

// What holds for the whole brand, staff of no shop change.
func TestStaffOfAShopLeaveTheBrandAlone(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	variant := id.Global("Variant", r.leash)
	for mutation, m := range map[string]struct {
		input, object string
		in            apptest.Variables
	}{
		"setAllocation":    {"SetAllocationInput", "allocation", apptest.Variables{"preferences": []string{"NEAREST"}}},
		"saveLocation":     {"SaveLocationInput", "location", apptest.Variables{"code": "annex", "name": apptest.Variables{"ja": "別館"}, "kind": "SHOP"}},
		"setStockTracking": {"SetStockTrackingInput", "", apptest.Variables{"variantId": variant, "mode": "LOT", "keepStock": true}},
	} {
		_, code := r.try(t, r.clerk, mutation, m.input, m.object, m.in)
		require.Equal(t, "FORBIDDEN", code, mutation)
		_, code = r.try(t, packer, mutation, m.input, m.object, m.in)
		require.Empty(t, code, mutation)
	}
	for _, books := range []string{
		`journal { nodes { id } }`, `trialBalance { account }`, `settlementFiles { nodes { id } }`, `gatewayDifferences { nodes { id } }`, `documents { nodes { id } }`,
		`accountStatements { nodes { id } }`, `overdueAccounts { level }`, `bankStatements { nodes { id } }`, `bankLines { nodes { id } }`, `bankProfiles { name }`,
	} {
		require.Equal(t, "FORBIDDEN", r.DoAs(t, r.clerk, `{ `+books+` }`, nil).Code(), "the books are the brand's: "+books)
		require.Empty(t, r.DoAs(t, bookkeeper, `{ `+books+` }`, nil).Errors, books)
	}
	var lot uuid.UUID
	require.NoError(t, r.DB.Pool().QueryRow(t.Context(), `SELECT id FROM stock_lots WHERE variant_id = $1`, r.leash).Scan(&lot))
	apart := apptest.Variables{"idempotencyKey": "x", "lotId": id.Global("StockLot", lot), "locationId": id.Global("Location", r.own), "quantity": 1}
	_, code := r.try(t, r.beyond, "setStockLotApart", "SetStockLotApartInput", "lot", apart)
	require.Equal(t, "FORBIDDEN", code)
	_, code = r.try(t, r.clerk, "setStockLotApart", "SetStockLotApartInput", "lot", apart)
	require.Empty(t, code)
	recall := apptest.Variables{"lotId": id.Global("StockLot", lot), "reason": "異物混入"}
	_, code = r.try(t, r.clerk, "recallStockLot", "RecallStockLotInput", "lot", recall)
	require.Equal(t, "FORBIDDEN", code, "it lies at other shops too")
	_, code = r.try(t, packer, "recallStockLot", "RecallStockLotInput", "lot", recall)
	require.Empty(t, code)
}

// How the brand ships, and what it asks for it, is the same for all shops.
func TestStaffOfAShopLeaveTheBrandsShippingAlone(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	shipper := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.ShippingWrite}}
	method := id.Global("ShippingMethod", r.AddShipping(t, "parcel", 660))
	name := apptest.Variables{"ja": "便"}
	for mutation, m := range map[string]struct {
		input string
		in    apptest.Variables
	}{
		"saveShippingMethod":   {"SaveShippingMethodInput", apptest.Variables{"code": "cool", "name": name, "fee": "880"}},
		"saveShippingCarrier":  {"SaveShippingCarrierInput", apptest.Variables{"code": "wanko", "name": name}},
		"saveShippingZone":     {"SaveShippingZoneInput", apptest.Variables{"code": "north", "name": name, "prefectures": []string{"HOKKAIDO"}}},
		"setShippingTariff":    {"SetShippingTariffInput", apptest.Variables{"methodId": method}},
		"setShippingLimits":    {"SetShippingLimitsInput", apptest.Variables{"methodId": method}},
		"setShippingTraits":    {"SetShippingTraitsInput", apptest.Variables{"variants": []apptest.Variables{{"variantId": id.Global("Variant", r.leash)}}}},
		"saveBusinessCalendar": {"SaveBusinessCalendarInput", apptest.Variables{"code": "week", "name": name}},
		"setShippingSchedule":  {"SetShippingScheduleInput", apptest.Variables{"methodId": method}},
		"setCarrierCalendars":  {"SetCarrierCalendarsInput", apptest.Variables{"carrierId": id.Global("ShippingCarrier", id.New())}},
		"saveCashOnDelivery":   {"CashOnDeliveryInput", apptest.Variables{"most": "100000", "bands": []apptest.Variables{{"fee": "330"}}}},
		"saveCarrierSender":    {"SaveCarrierSenderInput", apptest.Variables{"profile": "nobody", "address": apptest.Variables{"name": "のれん", "postalCode": "1500001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前1-2-3", "phone": "0312345678"}}},
	} {
		_, code := r.try(t, r.clerk, mutation, m.input, "", m.in)
		require.Equal(t, "FORBIDDEN", code, mutation)
		_, code = r.try(t, shipper, mutation, m.input, "", m.in)
		require.NotEqual(t, "FORBIDDEN", code, mutation)
	}
	_, code := r.try(t, r.clerk, "closeShippingMethod", "CloseShippingMethodInput", "", apptest.Variables{"id": method})
	require.Equal(t, "FORBIDDEN", code)
	dispatch := apptest.Variables{"locationId": id.Global("Location", r.own), "cutOff": "14:00"}
	_, code = r.try(t, r.beyond, "setLocationDispatch", "SetLocationDispatchInput", "", dispatch)
	require.Equal(t, "FORBIDDEN", code)
	_, code = r.try(t, r.clerk, "setLocationDispatch", "SetLocationDispatchInput", "", dispatch)
	require.NotEqual(t, "FORBIDDEN", code, "how theirs packs is theirs")
}

func TestStaffOfAShopChangeOrdersOfTheirs(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	order := picks(t, r.App, r.own, r.leash, 2).order(t, "3960", "BANK_TRANSFER").Order.ID
	payment := r.payment(t, order)
	money := func(amount string) apptest.Variables {
		return apptest.Variables{"idempotencyKey": "x", "paymentId": payment, "amount": amount}
	}
	transfer := money("3960")
	transfer["receivedAt"] = time.Now().Format(time.RFC3339)
	line := counter{r.App, cashier}.linesOf(t, order)[0]
	steps := []struct {
		mutation, input, object string
		in                      apptest.Variables
		code                    string // for those of the shop
	}{
		{"noteOrder", "NoteOrderInput", "order", apptest.Variables{"note": "親切に"}, ""},
		{"tagOrder", "TagOrderInput", "order", apptest.Variables{"tags": []string{"贈答"}}, ""},
		{"remarkOrder", "RemarkOrderInput", "order", apptest.Variables{"text": "電話した"}, ""},
		{"holdOrder", "HoldOrderInput", "order", apptest.Variables{"reason": "OTHER", "note": "確認中"}, ""},
		{"releaseOrder", "ReleaseOrderInput", "order", apptest.Variables{}, ""},
		{"recordBankTransfer", "RecordBankTransferInput", "payment", transfer, ""},
		{"editOrder", "EditOrderInput", "order", apptest.Variables{"idempotencyKey": "x", "lines": []apptest.Variables{{"lineId": line, "quantity": 1}}, "reason": "1つに"}, ""},
		{"rescheduleOrder", "RescheduleOrderInput", "order", apptest.Variables{"anyDelivery": true, "reason": "都合"}, "PROMISE_UNKNOWN"},
		{"refundPayment", "RefundPaymentInput", "payment", money("100"), ""},
		{"capturePayment", "CapturePaymentInput", "payment", money("100"), "PAYMENT_NOT_HELD"},
		{"voidPayment", "VoidPaymentInput", "payment", apptest.Variables{"idempotencyKey": "x", "paymentId": payment}, "PAYMENT_CAPTURED"},
		{"cancelOrder", "CancelOrderInput", "order", apptest.Variables{"reason": "取りやめ"}, ""},
	}
	for _, s := range steps {
		if s.in["paymentId"] == nil {
			s.in["orderId"] = order
		}
		_, code := r.try(t, r.beyond, s.mutation, s.input, s.object, s.in)
		require.Equal(t, "FORBIDDEN", code, s.mutation)
		_, code = r.try(t, r.clerk, s.mutation, s.input, s.object, s.in)
		require.Equal(t, s.code, code, s.mutation)
	}
	for _, list := range []string{"payments", "orders"} {
		require.Equal(t, []int{1, 0, 0, 1}, []int{r.total(t, r.clerk, list), r.total(t, r.beyond, list), r.total(t, allOf(id.New()), list), r.total(t, packer, list)}, list)
	}
}

func TestStaffOfAnotherShopReadOrdersMasked(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	order := picks(t, r.App, r.own, r.leash, 1).order(t, "1980", "BANK_TRANSFER").Order.ID
	exec(t, r.App, `UPDATE orders SET email = 'hanako@example.jp', shipping_address = '{"name":"見本花子","kana":"ミホンハナコ","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-2-3","line2":"見本ビル","phone":"09012345678"}', billing_address = NULL`)
	type shown struct {
		Number          string
		Masked          bool
		Email           string
		ShippingAddress struct{ Name, PostalCode, Prefecture, City, Line1, Line2, Phone string }
	}
	read := func(actor access.Actor) (found, listed shown) {
		const fields = ` { number masked email shippingAddress { name postalCode prefecture city line1 line2 phone } billingAddress { line1 } }`
		var one struct{ Order shown }
		r.DoAs(t, actor, `query($id: ID!) { order(id: $id)`+fields+` }`, apptest.Variables{"id": order}).Into(t, &one)
		var many struct{ Orders struct{ Nodes []shown } }
		r.DoAs(t, actor, `query($n: String) { orders(filter: { number: $n }) { nodes`+fields+` } }`, apptest.Variables{"n": one.Order.Number}).Into(t, &many)
		require.Len(t, many.Orders.Nodes, 1)
		return one.Order, many.Orders.Nodes[0]
	}
	for _, actor := range []access.Actor{r.clerk, packer} {
		found, listed := read(actor)
		require.Equal(t, found, listed)
		require.False(t, found.Masked)
		require.Equal(t, "hanako@example.jp", found.Email)
		require.Equal(t, "神宮前1-2-3", found.ShippingAddress.Line1)
	}
	found, listed := read(r.beyond)
	require.Equal(t, found, listed)
	require.True(t, found.Masked)
	require.Equal(t, "h***@***", found.Email)
	require.Equal(t, struct{ Name, PostalCode, Prefecture, City, Line1, Line2, Phone string }{"見＊＊＊", "", "TOKYO", "渋谷区", "＊＊＊", "", "090-****-**78"}, found.ShippingAddress)
	_, code := r.try(t, r.beyond, "duplicateOrder", "DuplicateOrderInput", "", apptest.Variables{"orderId": order})
	require.Equal(t, "FORBIDDEN", code, "a copy would have what is masked")
	exec(t, r.App, `INSERT INTO shipments (id, order_id, brand_id, nth, location_id, status, currency, instructed_at, updated_at) SELECT gen_random_uuid(), id, brand_id, 1, $1, 'INSTRUCTED', 'JPY', now(), now() FROM orders`, r.other)
	found, _ = read(r.beyond)
	require.False(t, found.Masked, "what leaves theirs has an address")

	exec(t, r.App, `DELETE FROM shipments`)
	papers := func(actor access.Actor) (documents int, payer, note string) {
		var got struct {
			Order struct {
				Documents []struct{ Addressee string }
				Payments  []struct {
					Transfers []struct{ PayerName, Note string }
				}
			}
		}
		r.DoAs(t, actor, `query($id: ID!) { order(id: $id) { documents { addressee } payments { transfers { payerName note } } } }`, apptest.Variables{"id": order}).Into(t, &got)
		require.Len(t, got.Order.Payments[0].Transfers, 1)
		transfer := got.Order.Payments[0].Transfers[0]
		return len(got.Order.Documents), transfer.PayerName, transfer.Note
	}
	issueAs(t, r.App)
	_, code = r.try(t, r.clerk, "recordBankTransfer", "RecordBankTransferInput", "payment", apptest.Variables{
		"idempotencyKey": "x", "paymentId": r.payment(t, order), "amount": "1980", "payerName": "ミホンハナコ", "note": "振込 ミホンハナコ", "receivedAt": time.Now().Format(time.RFC3339),
	})
	require.Empty(t, code)
	receipt := apptest.Variables{"orderId": order, "addressee": "見本花子", "proviso": "首輪代"}
	_, code = r.try(t, r.beyond, "issueReceipt", "IssueReceiptInput", "document", receipt)
	require.Equal(t, "FORBIDDEN", code, "a receipt says what is masked")
	_, code = r.try(t, r.clerk, "issueReceipt", "IssueReceiptInput", "document", receipt)
	require.Empty(t, code)
	for _, actor := range []access.Actor{r.clerk, packer} {
		documents, payer, note := papers(actor)
		require.Equal(t, "1 ミホンハナコ 振込 ミホンハナコ", fmt.Sprint(documents, " ", payer, " ", note))
	}
	documents, payer, note := papers(r.beyond)
	require.Equal(t, "0 ミ＊＊＊ ＊＊＊", fmt.Sprint(documents, " ", payer, " ", note))
}

// An order that was bought elsewhere is a shop's as far as goods of it leave from there.
func TestStaffOfAShopChangeOrdersThatLeaveFromTheirs(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	method := r.AddShipping(t, "parcel", 0)
	r.SetStock(t, r.leash, 0)
	exec(t, r.App, `UPDATE locations SET ships = true WHERE id = $1`, r.own)
	guest := &shopper{App: r.App}
	require.Empty(t, guest.add(t, r.leash, 2).UserErrors)
	require.Empty(t, guest.fillIn(t, method).UserErrors)
	order := guest.place(t, "intent-1", "3960").Order.ID
	in := apptest.Variables{"orderId": order, "note": "包む"}
	_, code := r.try(t, r.beyond, "noteOrder", "NoteOrderInput", "order", in)
	require.Equal(t, "FORBIDDEN", code)
	_, code = r.try(t, r.clerk, "noteOrder", "NoteOrderInput", "order", in)
	require.Empty(t, code)
	require.Equal(t, []int{1, 0}, []int{r.total(t, r.clerk, "payments"), r.total(t, r.beyond, "payments")})

	// What it waits for is on the list of the shop from which the rest leaves.
	exec(t, r.App, `INSERT INTO stock_reservations (order_id, variant_id, location_id, quantity) SELECT order_id, variant_id, NULL, 1 FROM stock_reservations`)
	require.Equal(t, []int{1, 0, 1}, []int{r.total(t, r.clerk, "backOrders"), r.total(t, r.beyond, "backOrders"), r.total(t, packer, "backOrders")})
}

// total is how many there are on a list.
func (r reach) total(t *testing.T, actor access.Actor, list string) int {
	t.Helper()
	var got map[string]struct{ TotalCount int }
	r.DoAs(t, actor, fmt.Sprintf(`{ %s(first: 20) { totalCount } }`, list), nil).Into(t, &got)
	return got[list].TotalCount
}

// payment is the only payment of an order.
func (r reach) payment(t *testing.T, order string) string {
	t.Helper()
	var got struct {
		Order struct{ Payments []struct{ ID string } }
	}
	r.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { payments { id } } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Len(t, got.Order.Payments, 1)
	return got.Order.Payments[0].ID
}
