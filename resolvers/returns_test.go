package resolvers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

const returnFields = `return { id number status outcome note lines { id line { id } reason asked approved received exchangeVariantId refund { amount } }
	receipts { nth locationId carriedOver { amount } refund { amount } fee { amount } shippingFee { amount } exchangeOrder { id number status paid total { amount } } } refund { amount } fee { amount } }
	userErrors { code field message }`

type returnSeen struct {
	ID, Number, Status, Outcome, Note string
	Lines                             []struct {
		ID, Reason                string
		Line                      struct{ ID string }
		Asked, Approved, Received int
		ExchangeVariantID         *string
		Refund                    struct{ Amount string }
	}
	Receipts []struct {
		Nth                      int
		LocationID               string
		Refund, Fee, ShippingFee struct{ Amount string }
		CarriedOver              struct{ Amount string }
		ExchangeOrder            *struct {
			ID, Number, Status string
			Paid               bool
			Total              struct{ Amount string }
		}
	}
	Refund, Fee struct{ Amount string }
}

type returnAnswer struct {
	Return     *returnSeen
	UserErrors []userError
}

func (r returnAnswer) code() string {
	if len(r.UserErrors) == 0 {
		return ""
	}
	return r.UserErrors[0].Code + " " + strings.Join(r.UserErrors[0].Field, ".")
}

func returnMutation(field string) string {
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input"
	return fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s } }`, kind, field, returnFields)
}

// back does something to a return, as staff.
func (c counter) back(t testing.TB, field string, in apptest.Variables) returnAnswer {
	t.Helper()
	var got map[string]returnAnswer
	c.DoAs(t, c.actor, returnMutation(field), apptest.Variables{"in": in}).Into(t, &got)
	return got[field]
}

// back does the same as the guest.
func (s *shopper) back(t testing.TB, field string, in apptest.Variables) returnAnswer {
	t.Helper()
	var got map[string]returnAnswer
	s.Do(t, returnMutation(field), apptest.Variables{"in": in}, "X-Cart-Token", s.token).Into(t, &got)
	return got[field]
}

// delivered is a guest who has received three leashes at 1,001 yen and a bed at 2,003,
// for 5,507 yen with the parcel.
type delivered struct {
	*shopper
	order, leashes, beds string
	leash, bed           uuid.UUID
	staff                counter
}

func newDelivered(t testing.TB, a *apptest.App, more ...string) delivered {
	t.Helper()
	name := strings.Join(more, "")
	d := delivered{shopper: &shopper{App: a}, staff: counter{a, packer}}
	method := a.AddShipping(t, "parcel"+name, 501)
	d.leash, d.bed = a.AddProduct(t, "leash"+name, 1001, 1001, 1500).Variants[0], a.AddProduct(t, "bed"+name, 2003).Variants[0]
	require.Empty(t, d.add(t, d.leash, 3).UserErrors)
	require.Empty(t, d.add(t, d.bed, 1).UserErrors)
	require.Empty(t, d.fillIn(t, method).UserErrors)
	placed := d.place(t, "intent-1", "5507")
	require.Empty(t, placed.UserErrors)
	d.order = placed.Order.ID
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	a.DoAs(t, packer, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": d.order}).Into(t, &lines)
	d.leashes, d.beds = lines.Order.Lines[0].ID, lines.Order.Lines[1].ID
	d.staff.receive(t, d.order, "5507")
	return d
}

func (d delivered) arrive(t testing.TB) delivered {
	t.Helper()
	for _, h := range d.staff.ship(t, d.order) {
		require.Empty(t, d.staff.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	return d
}

func piecesOf(line string, quantity int, reason string, more apptest.Variables) apptest.Variables {
	in := apptest.Variables{"lineId": line, "quantity": quantity, "reason": reason}
	maps.Copy(in, more)
	return in
}

func (d delivered) wish(outcome string, lines ...apptest.Variables) apptest.Variables {
	return apptest.Variables{"idempotencyKey": id.New().String(), "orderId": d.order, "outcome": outcome, "lines": lines}
}

// approved is a return that may come.
func (d delivered) approved(t testing.TB, outcome string, lines ...apptest.Variables) returnSeen {
	t.Helper()
	asked := d.back(t, "requestReturn", d.wish(outcome, lines...))
	require.Empty(t, asked.UserErrors)
	may := d.staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID})
	require.Empty(t, may.UserErrors)
	return *may.Return
}

// came takes pieces of each of the return's lines in, in the warehouse.
func (d delivered) came(r returnSeen, what string, counts ...int) apptest.Variables {
	var lines []apptest.Variables
	for i, n := range counts {
		if n > 0 {
			lines = append(lines, apptest.Variables{"lineId": r.Lines[i].ID, what: n})
		}
	}
	return apptest.Variables{"idempotencyKey": id.New().String(), "returnId": r.ID, "locationId": id.Global("Location", d.WarehouseID), "lines": lines}
}

// refunded is what the order got back; the levels must come to their movements.
func (d delivered) refunded(t testing.TB) (minor int64) {
	t.Helper()
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT sum(refunded)::bigint FROM payments WHERE order_id = $1`, keyOf(t, d.order)).Scan(&minor))
	var off int
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM stock_levels s WHERE on_hand <> (SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`).Scan(&off))
	require.Zero(t, off, "levels are the sum of their movements")
	return minor
}

func filterOf(t testing.TB, text string) (filter map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &filter))
	return filter
}

type returnableSeen struct {
	Order struct {
		Lines []struct {
			Returned   int
			Returnable struct {
				Quantity int
				Until    *string
				Problems []struct{ Code string }
			}
		}
		Returns []struct{ Number, Status string }
		History []struct{ Type, Reason, ReturnNumber string }
	}
}

func (d delivered) look(t testing.TB) (got returnableSeen) {
	t.Helper()
	d.Do(t, `query($o: ID!) { order(id: $o) { lines { returned returnable { quantity until problems { code } } } returns { number status } history { type reason returnNumber } } }`,
		apptest.Variables{"o": d.order}, "X-Cart-Token", d.token).Into(t, &got)
	return got
}

func TestGoodsComeBackBitByBitAndTheMoneyWithThem(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	d := newDelivered(t, a)
	require.Equal(t, "RETURN_NOT_SHIPPED", d.look(t).Order.Lines[0].Returnable.Problems[0].Code)
	require.Equal(t, "RETURN_NOT_SHIPPED lines.0", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.leashes, 1, "CHANGED_MIND", nil))).code())
	d.arrive(t)
	require.Equal(t, 3, d.look(t).Order.Lines[0].Returnable.Quantity)
	require.NotNil(t, d.look(t).Order.Lines[0].Returnable.Until)

	wish := d.wish("REFUND", piecesOf(d.leashes, 2, "DEFECTIVE", apptest.Variables{"opened": true}), piecesOf(d.beds, 1, "DAMAGED", nil))
	asked := d.back(t, "requestReturn", wish)
	require.Empty(t, asked.UserErrors)
	require.Equal(t, "REQUESTED", asked.Return.Status)
	require.Equal(t, asked.Return.ID, d.back(t, "requestReturn", wish).Return.ID, "the same intent is the same return")
	require.Equal(t, 1, d.look(t).Order.Lines[0].Returnable.Quantity)
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0.quantity", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.leashes, 2, "DEFECTIVE", nil))).code())
	mailed(t, a, "お申し込みを承りました")

	require.Equal(t, "RETURN_STATUS_CONFLICT ", d.staff.back(t, "receiveReturn", d.came(*asked.Return, "restock", 1, 0)).code())
	may := d.staff.back(t, "approveReturn", apptest.Variables{"returnId": asked.Return.ID, "note": "元箱でお送りください"})
	require.Empty(t, may.UserErrors)
	mailed(t, a, "着払いでお送りください")
	require.Equal(t, "RETURN_STATUS_CONFLICT ", d.staff.back(t, "rejectReturn", apptest.Variables{"returnId": asked.Return.ID, "note": "x"}).code())
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0", d.staff.back(t, "receiveReturn", d.came(*may.Return, "scrap", 3, 0)).code())

	// One leash is sold again, and 1,001 of 5,006 yen of goods go back.
	receipt := d.came(*may.Return, "restock", 1, 0)
	first := d.staff.back(t, "receiveReturn", receipt)
	require.Empty(t, first.UserErrors)
	require.Equal(t, "PARTLY_RECEIVED", first.Return.Status)
	require.Equal(t, "1001", first.Return.Refund.Amount)
	require.Equal(t, first.Return.Receipts, d.staff.back(t, "receiveReturn", receipt).Return.Receipts, "asked again, it is the same receipt")
	require.Equal(t, int64(1001), d.refunded(t))
	requireStock(t, a, d.leash, 98, 0)
	mailed(t, a, "返金額：")

	// The other is thrown away, the bed is mended: neither is on the shelves.
	rest := d.came(*may.Return, "scrap", 1, 0)
	rest["lines"] = append(rest["lines"].([]apptest.Variables), apptest.Variables{"lineId": may.Return.Lines[1].ID, "repair": 1})
	second := d.staff.back(t, "receiveReturn", rest)
	require.Empty(t, second.UserErrors)
	require.Equal(t, "COMPLETED", second.Return.Status)
	requireStock(t, a, d.leash, 98, 0)
	requireStock(t, a, d.bed, 99, 0)
	require.Equal(t, int64(1001+1001+2003), d.refunded(t))
	require.Equal(t, "RETURN_STATUS_CONFLICT ", d.staff.back(t, "receiveReturn", d.came(*may.Return, "scrap", 1, 0)).code())

	// The last piece takes the shipping fee with it: everything has come back.
	last := d.approved(t, "REFUND", piecesOf(d.leashes, 1, "WRONG_ITEM", nil))
	all := d.staff.back(t, "receiveReturn", d.came(last, "restock", 1))
	require.Empty(t, all.UserErrors)
	require.Equal(t, "501", all.Return.Receipts[0].ShippingFee.Amount)
	require.Equal(t, int64(5507), d.refunded(t))
	seen := d.look(t)
	require.Equal(t, 3, seen.Order.Lines[0].Returned)
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED", seen.Order.Lines[0].Returnable.Problems[0].Code)
	require.Len(t, seen.Order.Returns, 2)
	var types []string
	for _, h := range seen.Order.History {
		if strings.HasPrefix(h.Type, "order.return") {
			require.True(t, strings.HasPrefix(h.ReturnNumber, seen.Order.Returns[0].Number[:8]), h.ReturnNumber)
			types = append(types, h.Type)
		}
	}
	require.Equal(t, []string{
		"order.return_requested", "order.return_approved", "order.return_received", "order.return_received",
		"order.return_requested", "order.return_approved", "order.return_received",
	}, types)
	var moved int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT sum(quantity) FROM stock_movements WHERE kind = 'RETURN' AND variant_id = $1`, d.leash).Scan(&moved))
	require.Equal(t, 2, moved)
	balance := trialBalance(t, a)
	require.Equal(t, "0", balance["BANK"])
	require.Empty(t, strings.TrimLeft(balance["TAXSTANDARD"], "0"), "the tax of the sale is undone")
}

func TestWhatIsAskedForMustBeTrue(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	one := piecesOf(d.leashes, 1, "CHANGED_MIND", nil)
	ask := func(in apptest.Variables, more apptest.Variables) string {
		maps.Copy(in, more)
		return d.back(t, "requestReturn", in).code()
	}
	require.Equal(t, "REQUIRED lines", ask(d.wish("REFUND"), apptest.Variables{"lines": []apptest.Variables{}}))
	require.Equal(t, "INVALID lines.0.quantity", ask(d.wish("REFUND", piecesOf(d.leashes, 0, "OTHER", nil)), nil))
	require.Equal(t, "INVALID lines.1.lineId", ask(d.wish("REFUND", one, one), nil))
	require.Equal(t, "RETURN_LINE_UNKNOWN lines.0.lineId", ask(d.wish("REFUND", piecesOf(id.Global("OrderLine", id.New()), 1, "OTHER", nil)), nil))
	require.Equal(t, "RETURN_OPENED lines.0", ask(d.wish("REFUND", piecesOf(d.leashes, 1, "CHANGED_MIND", apptest.Variables{"opened": true})), nil))
	require.Equal(t, "TOO_LONG text", ask(d.wish("REFUND", one), apptest.Variables{"text": strings.Repeat("あ", 2001)}))
	require.Equal(t, "IDEMPOTENCY_KEY_INVALID idempotencyKey", ask(d.wish("REFUND", one), apptest.Variables{"idempotencyKey": "x"}))
	require.Equal(t, "INVALID lines.0.exchangeVariantId", ask(d.wish("REFUND", piecesOf(d.leashes, 1, "OTHER", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.leash)})), nil))
	exec(t, a, `UPDATE products SET tax_class = 'REDUCED' WHERE slug = 'bed'`)
	require.Equal(t, "EXCHANGE_PRICE_DIFFERS lines", ask(d.wish("EXCHANGE", piecesOf(d.leashes, 1, "OTHER", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.bed)})), nil))
	require.Equal(t, "NOT_FOUND orderId", ask(d.wish("REFUND", one), apptest.Variables{"orderId": id.Global("Order", id.New())}))
	require.Equal(t, "FORBIDDEN ", ask(d.wish("REFUND", one), apptest.Variables{"beyondRules": true}))
	stranger := &shopper{App: a}
	require.Empty(t, stranger.add(t, d.leash, 1).UserErrors)
	require.Equal(t, "NOT_FOUND orderId", stranger.back(t, "requestReturn", d.wish("REFUND", one)).code(), "another's order")

	exec(t, a, `UPDATE shipments SET delivered_at = now() - interval '9 days'`)
	require.Equal(t, "RETURN_PERIOD_OVER lines.0", ask(d.wish("REFUND", one), nil))
	require.Equal(t, "RETURN_PERIOD_OVER", d.look(t).Order.Lines[0].Returnable.Problems[0].Code)
	wish := d.wish("REFUND", one)
	wish["beyondRules"] = true
	beyond := d.staff.back(t, "requestReturn", wish)
	require.Empty(t, beyond.UserErrors, "staff go beyond the rules")
	require.Equal(t, "RETURN_UNKNOWN returnId", stranger.back(t, "withdrawReturn", apptest.Variables{"returnId": beyond.Return.ID}).code())

	returnID := beyond.Return.ID
	require.Equal(t, "RETURN_UNKNOWN returnId", d.staff.back(t, "approveReturn", apptest.Variables{"returnId": id.Global("Return", id.New())}).code())
	line := beyond.Return.Lines[0].ID
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0.quantity", d.staff.back(t, "approveReturn", apptest.Variables{"returnId": returnID, "lines": []apptest.Variables{{"lineId": line, "quantity": 2}}}).code())
	require.Equal(t, "RETURN_LINE_UNKNOWN lines.0.lineId", d.staff.back(t, "approveReturn", apptest.Variables{"returnId": returnID, "lines": []apptest.Variables{{"lineId": d.leashes, "quantity": 1}}}).code())
	require.Equal(t, "INVALID lines", d.staff.back(t, "approveReturn", apptest.Variables{"returnId": returnID, "lines": []apptest.Variables{{"lineId": line, "quantity": 0}}}).code())
	require.Equal(t, "REQUIRED note", d.staff.back(t, "rejectReturn", apptest.Variables{"returnId": returnID, "note": ""}).code())
	require.Equal(t, "REJECTED", d.staff.back(t, "rejectReturn", apptest.Variables{"returnId": returnID, "note": "開封の跡があるため"}).Return.Status)

	exec(t, a, `UPDATE shipments SET delivered_at = now()`)
	mine := d.back(t, "requestReturn", d.wish("REFUND", one)).Return
	require.Equal(t, "WITHDRAWN", d.back(t, "withdrawReturn", apptest.Variables{"returnId": mine.ID}).Return.Status)
	require.Equal(t, 3, d.look(t).Order.Lines[0].Returnable.Quantity, "what is withdrawn may be asked for again")
	may := d.approved(t, "REFUND", one)
	bad := d.came(may, "restock", 1)
	bad["lines"] = []apptest.Variables{{"lineId": may.Lines[0].ID, "restock": -1, "scrap": 2}}
	require.Equal(t, "INVALID lines.0", d.staff.back(t, "receiveReturn", bad).code())
	elsewhere := d.came(may, "restock", 1)
	elsewhere["locationId"] = id.Global("Location", id.New())
	require.Equal(t, "LOCATION_UNKNOWN locationId", d.staff.back(t, "receiveReturn", elsewhere).code())
	require.Equal(t, "WITHDRAWN", d.staff.back(t, "closeReturn", apptest.Variables{"returnId": may.ID}).Return.Status, "nothing came")
	require.Zero(t, d.refunded(t))
}

func TestABrandSetsItsRules(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	save := func(actor access.Actor, in apptest.Variables) string {
		var got struct{ SaveReturnRule returnAnswer }
		a.DoAs(t, actor, `mutation($in: SaveReturnRuleInput!) { saveReturnRule(input: $in) { rule { updatedAt } userErrors { code field message } } }`, apptest.Variables{"in": in}).Into(t, &got)
		return got.SaveReturnRule.code()
	}
	term := func(reason string, days, fee int) apptest.Variables {
		return apptest.Variables{"reason": reason, "days": days, "feePercent": fee, "parcelPaidBy": "CUSTOMER"}
	}
	terms := func(all ...apptest.Variables) apptest.Variables {
		return apptest.Variables{"terms": append([]apptest.Variables{}, all...)}
	}
	require.Equal(t, "INVALID terms", save(packer, terms(term("OTHER", 0, 0))))
	require.Equal(t, "INVALID terms", save(packer, terms(term("OTHER", 8, 101))))
	require.Equal(t, "DUPLICATE terms", save(packer, terms(term("OTHER", 8, 0), term("OTHER", 9, 0))))
	bad := terms(term("OTHER", 8, 0))
	bad["excluded"] = []apptest.Variables{{"kind": "PRODUCT"}}
	require.Equal(t, "TARGET_INVALID excluded", save(packer, bad))
	require.Equal(t, "FORBIDDEN ", save(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: packer.Permissions}, terms()))

	rule := terms(term("CHANGED_MIND", 14, 10))
	rule["excluded"] = []apptest.Variables{{"kind": "VARIANT", "id": id.Global("Variant", d.bed)}}
	rule["instructions"] = apptest.Variables{"ja": "物流センターまで元払いで"}
	require.Empty(t, save(packer, rule))
	seen := d.look(t).Order.Lines
	require.Equal(t, 3, seen[0].Returnable.Quantity)
	require.Equal(t, "RETURN_EXCLUDED", seen[1].Returnable.Problems[0].Code)
	require.Equal(t, "RETURN_EXCLUDED lines.0", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.beds, 1, "CHANGED_MIND", nil))).code())
	require.Equal(t, "RETURN_REASON_REFUSED lines.0", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.leashes, 1, "DEFECTIVE", nil))).code())
	may := d.approved(t, "REFUND", piecesOf(d.leashes, 3, "CHANGED_MIND", nil))
	require.Empty(t, save(packer, terms(term("CHANGED_MIND", 14, 50))), "whoever has asked keeps the terms")
	got := d.staff.back(t, "receiveReturn", d.came(may, "restock", 3)).Return
	require.Equal(t, []string{"2703", "300", "0"}, []string{got.Refund.Amount, got.Fee.Amount, got.Receipts[0].ShippingFee.Amount})
	require.Equal(t, int64(2703), d.refunded(t))
	var told struct {
		ReturnRule struct {
			Terms []struct {
				Reason string
				Days   *int
			}
			Instructions string
		}
	}
	a.Do(t, `{ returnRule { terms { reason days } instructions } }`, nil).Into(t, &told)
	require.Len(t, told.ReturnRule.Terms, 5)
	require.Equal(t, 14, *told.ReturnRule.Terms[0].Days)
	require.Empty(t, told.ReturnRule.Instructions, "the rule replaces the one before")
}

func TestAnyShopTakesReturnsIn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	shop, other := id.New(), id.New()
	for i, place := range []uuid.UUID{shop, other} {
		exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind, ships, priority) SELECT $1, brand_id, $2, '{"ja":"店"}', 'SHOP', false, 99 FROM locations LIMIT 1`, place, fmt.Sprint("shop-", i))
	}
	clerk := counter{a, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}}
	may := d.approved(t, "REFUND", piecesOf(d.leashes, 2, "DEFECTIVE", nil))
	in := d.came(may, "restock", 2)
	require.Equal(t, "FORBIDDEN ", clerk.back(t, "receiveReturn", in).code(), "the warehouse is not theirs")
	in["locationId"] = id.Global("Location", other)
	require.Equal(t, "FORBIDDEN ", clerk.back(t, "receiveReturn", in).code())
	in["locationId"] = id.Global("Location", shop)
	got := clerk.back(t, "receiveReturn", in)
	require.Empty(t, got.UserErrors)
	require.Equal(t, "COMPLETED", got.Return.Status)
	var there int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT on_hand FROM stock_levels WHERE variant_id = $1 AND location_id = $2`, d.leash, shop).Scan(&there))
	require.Equal(t, 2, there)
	require.Equal(t, int64(2002), d.refunded(t))

	var list struct {
		Returns struct {
			TotalCount int
			Nodes      []struct{ ID string }
			PageInfo   struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	query := `query($f: ReturnFilter, $n: Int, $a: String) { returns(filter: $f, first: $n, after: $a) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } }`
	open := d.approved(t, "REFUND", piecesOf(d.beds, 1, "DAMAGED", nil))
	for filter, want := range map[string]string{
		`{"status":["COMPLETED"]}`: may.ID, `{"reason":"DAMAGED"}`: open.ID, `{"locationId":"` + id.Global("Location", shop) + `"}`: may.ID,
	} {
		a.DoAs(t, packer, query, apptest.Variables{"f": filterOf(t, filter)}).Into(t, &list)
		require.Len(t, list.Returns.Nodes, 1, filter)
		require.Equal(t, want, list.Returns.Nodes[0].ID, filter)
	}
	a.DoAs(t, packer, query, apptest.Variables{"n": 1}).Into(t, &list)
	require.Equal(t, 2, list.Returns.TotalCount)
	require.True(t, list.Returns.PageInfo.HasNextPage)
	require.Equal(t, may.ID, list.Returns.Nodes[0].ID)
	a.DoAs(t, packer, query, apptest.Variables{"n": 1, "a": list.Returns.PageInfo.EndCursor}).Into(t, &list)
	require.Equal(t, open.ID, list.Returns.Nodes[0].ID)
	listed := func(actor access.Actor, filter string) []string {
		a.DoAs(t, actor, query, apptest.Variables{"f": filterOf(t, filter)}).Into(t, &list)
		var ids []string
		for _, n := range list.Returns.Nodes {
			ids = append(ids, n.ID)
		}
		return ids
	}
	require.Equal(t, []string{may.ID}, listed(clerk.actor, `{}`), "a shop lists what came back to it")
	elsewhere := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{other}, Permissions: clerk.actor.Permissions}
	require.Empty(t, listed(elsewhere, `{}`))
	number := may.Number[:strings.LastIndex(may.Number, "-R")] // an order's number may have "-R" in it, too
	require.Equal(t, []string{may.ID, open.ID}, listed(elsewhere, `{"orderNumber":"`+number+`"}`), "goods come back anywhere: by the number it is told")
	require.NotEmpty(t, d.Do(t, `{ returns { nodes { id } } }`, nil, "X-Cart-Token", d.token).Errors)
	node := d.Do(t, `query($id: ID!) { node(id: $id) { ... on Return { number } } return(id: $id) { number } }`, apptest.Variables{"id": may.ID}, "X-Cart-Token", d.token)
	require.Contains(t, string(node.Data), may.Number)
	require.NotContains(t, string(a.Do(t, `query($id: ID!) { node(id: $id) { id } return(id: $id) { number } }`, apptest.Variables{"id": may.ID}).Data), may.Number)
}

// A return may be under way when the parcel is refused at the door after all: its goods
// and its money have come back then, and do not once more.
func TestWhatWasRefusedIsNotReturnedToo(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	may := d.approved(t, "REFUND", piecesOf(d.leashes, 2, "DEFECTIVE", nil))
	asked := d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.beds, 1, "DAMAGED", nil))).Return.ID
	exec(t, a, `UPDATE shipments SET status = 'REFUSED'`)
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0", d.staff.back(t, "receiveReturn", d.came(may, "restock", 2)).code())
	exec(t, a, `UPDATE shipments SET status = 'SHIPPED'`)
	exec(t, a, `UPDATE orders SET status = 'CANCELLED'`)
	require.Equal(t, "ORDER_STATUS_CONFLICT returnId", d.staff.back(t, "receiveReturn", d.came(may, "restock", 2)).code())
	require.Equal(t, "ORDER_STATUS_CONFLICT returnId", d.staff.back(t, "approveReturn", apptest.Variables{"returnId": asked}).code())
	require.Empty(t, d.staff.back(t, "rejectReturn", apptest.Variables{"returnId": asked, "note": "受取拒否のため"}).UserErrors)
	require.Zero(t, d.refunded(t))
}

func TestGoodsAreExchanged(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	var red uuid.UUID
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT id FROM variants WHERE sku = 'leash-2'`).Scan(&red))
	other := apptest.Variables{"exchangeVariantId": id.Global("Variant", red)}
	may := d.approved(t, "EXCHANGE", piecesOf(d.leashes, 2, "CHANGED_MIND", other))
	require.Equal(t, id.Global("Variant", red), *may.Lines[0].ExchangeVariantID)

	a.SetStock(t, red, 1)
	in := d.came(may, "restock", 2)
	require.Equal(t, "EXCHANGE_OUT_OF_STOCK ", d.staff.back(t, "receiveReturn", in).code())
	requireStock(t, a, d.leash, 97, 0)
	a.SetStock(t, red, 5)
	got := d.staff.back(t, "receiveReturn", in)
	require.Empty(t, got.UserErrors)
	require.Equal(t, "COMPLETED", got.Return.Status)
	order := got.Return.Receipts[0].ExchangeOrder
	require.Equal(t, []any{"CONFIRMED", true, "0"}, []any{order.Status, order.Paid, order.Total.Amount})
	requireStock(t, a, red, 5, 2)
	requireStock(t, a, d.leash, 99, 0)
	require.Zero(t, d.refunded(t))

	var refused struct{ CancelOrder orderAnswer }
	d.Do(t, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": order.ID}, "X-Cart-Token", d.token).Into(t, &refused)
	require.Equal(t, "ORDER_REPLACES_RETURN", refused.CancelOrder.code())
	d.staff.ship(t, order.ID)
	requireStock(t, a, red, 3, 0)
	var linked struct {
		Order struct {
			Status   string
			Lines    []struct{ SKU string }
			Replaces struct{ ID string }
		}
	}
	d.Do(t, `query($o: ID!) { order(id: $o) { status lines { sku } replaces { id } } }`, apptest.Variables{"o": order.ID}, "X-Cart-Token", d.token).Into(t, &linked)
	require.Equal(t, "SHIPPED", linked.Order.Status)
	require.Equal(t, "leash-2", linked.Order.Lines[0].SKU)
	require.Equal(t, may.ID, linked.Order.Replaces.ID)
	require.Equal(t, 1, d.look(t).Order.Lines[0].Returnable.Quantity)
}

func TestASetComesBackWhole(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := delivered{shopper: &shopper{App: a}, staff: counter{a, packer}}
	method := a.AddShipping(t, "parcel", 0)
	d.leash, d.bed = a.AddProduct(t, "leash", 1000).Variants[0], a.AddProduct(t, "bed", 2000).Variants[0]
	set := a.AddProduct(t, "set", 3001).Variants[0]
	require.Empty(t, write(t, a, clerk, "saveSet", "SaveSetInput", `set { kind }`, apptest.Variables{
		"variantId": id.Global("Variant", set), "parts": []apptest.Variables{part(d.leash, 2), part(d.bed, 1)},
	}, nil))
	require.Empty(t, d.add(t, set, 2).UserErrors)
	require.Empty(t, d.fillIn(t, method).UserErrors)
	placed := d.place(t, "intent-1", "6002")
	require.Empty(t, placed.UserErrors)
	d.order = placed.Order.ID
	d.staff.receive(t, d.order, "6002")
	d.arrive(t)
	line := d.staff.linesOf(t, d.order)[0]
	other := apptest.Variables{"exchangeVariantId": id.Global("Variant", d.bed)}
	require.Equal(t, "EXCHANGE_SET lines.0", d.back(t, "requestReturn", d.wish("EXCHANGE", piecesOf(line, 1, "DEFECTIVE", other))).code())
	require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0.quantity", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(line, 3, "DEFECTIVE", nil))).code())
	requireStock(t, a, d.leash, 96, 0)
	may := d.approved(t, "REFUND", piecesOf(line, 1, "CHANGED_MIND", nil))
	got := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, got.UserErrors)
	require.Equal(t, "3001", got.Return.Refund.Amount)
	requireStock(t, a, d.leash, 98, 0)
	requireStock(t, a, d.bed, 99, 0)
	require.Equal(t, int64(3001), d.refunded(t))

	// The other one is replaced by the same again, whatever the set holds by now.
	exec(t, a, `UPDATE set_parts SET quantity = 1 WHERE variant_id = $1`, d.leash)
	again := d.approved(t, "EXCHANGE", piecesOf(line, 1, "DEFECTIVE", nil))
	replaced := d.staff.back(t, "receiveReturn", d.came(again, "scrap", 1))
	require.Empty(t, replaced.UserErrors)
	require.Equal(t, "0", replaced.Return.Refund.Amount)
	requireStock(t, a, d.leash, 98, 2)
	requireStock(t, a, d.bed, 99, 1)
	d.staff.ship(t, replaced.Return.Receipts[0].ExchangeOrder.ID)
	requireStock(t, a, d.leash, 96, 0)

	exec(t, a, `UPDATE order_lines SET sold_as = 'MADE_TO_ORDER'`)
	require.Equal(t, "RETURN_MADE_TO_ORDER lines.0", d.back(t, "requestReturn", d.wish("REFUND", piecesOf(line, 1, "CHANGED_MIND", nil))).code())
}

func TestWhatACompanyReturnsItDoesNotOwe(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "20000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	order := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order.ID
	staff := counter{w.App, packer}
	staff.ship(t, order)
	require.Equal(t, 3000, w.owed(t))
	var line string
	var lines struct {
		Order struct{ Lines []struct{ ID string } }
	}
	w.DoAs(t, packer, `query($o: ID!) { order(id: $o) { lines { id } } }`, apptest.Variables{"o": order}).Into(t, &lines)
	line = lines.Order.Lines[0].ID
	for i, want := range []int{1000, 0} {
		var asked struct{ RequestReturn returnAnswer }
		kaede.do(t, returnMutation("requestReturn"), apptest.Variables{"in": apptest.Variables{
			"idempotencyKey": fmt.Sprint("company-return-", i), "orderId": order, "outcome": "REFUND", "lines": []apptest.Variables{piecesOf(line, 2-i, "DEFECTIVE", nil)},
		}}).Into(t, &asked)
		require.Empty(t, asked.RequestReturn.UserErrors)
		r := asked.RequestReturn.Return
		require.Empty(t, staff.back(t, "approveReturn", apptest.Variables{"returnId": r.ID}).UserErrors)
		require.Empty(t, staff.back(t, "receiveReturn", apptest.Variables{
			"idempotencyKey": fmt.Sprint("company-receipt-", i), "returnId": r.ID, "locationId": id.Global("Location", w.WarehouseID),
			"lines": []apptest.Variables{{"lineId": r.Lines[0].ID, "restock": 2 - i}},
		}).UserErrors)
		require.Equal(t, want, w.owed(t))
		require.Equal(t, fmt.Sprint(want), trialBalance(t, w.App)["RECEIVABLE"])
	}
}

func TestManyWhoAskAndReceiveAtOnceTakeNothingTwice(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	at := func(n int, f func(i int)) {
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { f(i) })
		}
		all.Wait()
	}
	asked := make([]returnAnswer, 16)
	at(16, func(i int) {
		asked[i] = d.back(t, "requestReturn", d.wish("REFUND", piecesOf(d.leashes, 1, "DEFECTIVE", nil)))
	})
	var made []returnSeen
	for _, r := range asked {
		if r.Return == nil {
			require.Equal(t, "RETURN_QUANTITY_EXCEEDED lines.0.quantity", r.code())
			continue
		}
		made = append(made, *r.Return)
	}
	require.Len(t, made, 3, "three leashes were shipped")
	may := d.approved(t, "REFUND", piecesOf(d.beds, 1, "DAMAGED", nil))
	came := make([]returnAnswer, 16)
	at(16, func(i int) { came[i] = d.staff.back(t, "receiveReturn", d.came(may, "restock", 1)) })
	done := 0
	for _, r := range came {
		if r.Return != nil {
			done++
			continue
		}
		require.Contains(t, []string{"RETURN_STATUS_CONFLICT ", "RETURN_QUANTITY_EXCEEDED lines.0"}, r.code())
	}
	require.Equal(t, 1, done)
	require.Equal(t, int64(2003), d.refunded(t))
	requireStock(t, a, d.bed, 100, 0)
}

func TestCheaperGoodsGiveTheDifferenceBack(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a).arrive(t)
	may := d.approved(t, "EXCHANGE", piecesOf(d.beds, 1, "CHANGED_MIND", apptest.Variables{"exchangeVariantId": id.Global("Variant", d.leash)}))
	exec(t, a, `UPDATE prices SET amount = 500`) // what was asked for holds
	got := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, got.UserErrors)
	require.Equal(t, []string{"1002", "0"}, []string{got.Return.Refund.Amount, got.Return.Receipts[0].ExchangeOrder.Total.Amount})
	require.Equal(t, int64(1002), d.refunded(t))
	requireStock(t, a, d.leash, 97, 1)
	requireStock(t, a, d.bed, 100, 0)
	require.Equal(t, "1002", got.Return.Lines[0].Refund.Amount)
	rest := d.approved(t, "REFUND", piecesOf(d.leashes, 3, "CHANGED_MIND", nil))
	require.Equal(t, "3003", d.staff.back(t, "receiveReturn", d.came(rest, "restock", 3)).Return.Refund.Amount, "the others are worth what they were")
	require.Equal(t, int64(4005), d.refunded(t))
}

func TestAReturnBearsFlatFees(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	d := newDelivered(t, a)
	save := func(change apptest.Variables) []writeError {
		term := apptest.Variables{"reason": "CHANGED_MIND", "days": 8, "feePercent": 10, "flatFeeMinor": 300, "parcelFeeMinor": 500, "parcelPaidBy": "CUSTOMER"}
		for k, v := range change {
			term[k] = v
		}
		return write(t, a, packer, "saveReturnRule", "SaveReturnRuleInput", `rule { terms { flatFeeMinor parcelFeeMinor } }`, apptest.Variables{"terms": []apptest.Variables{term}}, nil)
	}
	require.Equal(t, "INVALID", save(apptest.Variables{"flatFeeMinor": -1})[0].Code)
	require.Equal(t, "INVALID", save(apptest.Variables{"parcelPaidBy": "SHOP"})[0].Code)
	require.Empty(t, save(nil))
	d.arrive(t)
	may := d.approved(t, "REFUND", piecesOf(d.leashes, 2, "CHANGED_MIND", nil))
	first := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, first.UserErrors)
	require.Equal(t, []string{"101", "900"}, []string{first.Return.Refund.Amount, first.Return.Fee.Amount}, "1,001 yen less ten per cent, 300 and 500")
	second := d.staff.back(t, "receiveReturn", d.came(may, "restock", 1))
	require.Empty(t, second.UserErrors)
	require.Equal(t, []string{"901", "100"}, []string{second.Return.Receipts[1].Refund.Amount, second.Return.Receipts[1].Fee.Amount}, "once for each return")
	require.Equal(t, int64(1002), d.refunded(t))
}
