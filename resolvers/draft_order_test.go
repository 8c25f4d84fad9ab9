package resolvers_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// phoneDesk is staff who take orders on the phone, and may set prices, but not below the lowest.
var phoneDesk = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.PricingWrite}}

type drafted struct {
	ID, Number, State, Name, Email, Phone string
	Revision                              int
	Total                                 struct{ Amount string }
	CreatedBy                             string
	PlacedBy                              *string
	Lines                                 []struct {
		SKU      string
		Quantity int
		Unit     *struct{ Amount string }
	}
	ShippingAddress *struct{ Name string }
	Order           *struct{ ID string }
}

type draftAnswer struct {
	DraftOrder *drafted
	Order      *struct {
		ID, Status, Email string
		Paid              bool
		Total             struct{ Amount string }
		DraftOrder        *struct{ PlacedBy string }
		History           []struct{ Type, Actor string }
	}
	UserErrors []userError
}

func (d draftAnswer) fault() string {
	if len(d.UserErrors) == 0 {
		return ""
	}
	return strings.TrimSpace(d.UserErrors[0].Code + " " + strings.Join(d.UserErrors[0].Field, "."))
}

const draftFields = `draftOrder { id number state name email phone revision total { amount } lines { sku quantity unit { amount } } shippingAddress { name } order { id } }`

// draft runs one mutation of draft orders.
func (ask asking) draft(t testing.TB, field string, input apptest.Variables) draftAnswer {
	t.Helper()
	more := ""
	if field == "placeDraftOrder" {
		more = `order { id status paid email total { amount } history { type actor } }`
	}
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input"
	answer := ask(fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s %s userErrors { code field message } } }`, kind, field, draftFields, more), apptest.Variables{"in": input})
	if code := answer.Code(); code == "FORBIDDEN" {
		return draftAnswer{UserErrors: []userError{{Code: code}}}
	}
	var got map[string]draftAnswer
	answer.Into(t, &got)
	return got[field]
}

// wantedLine is pieces of a variant, at a price or at the buyer's.
func wantedLine(variant uuid.UUID, pieces int, unit any) apptest.Variables {
	line := apptest.Variables{"variantId": id.Global("Variant", variant), "quantity": pieces}
	if unit != nil {
		line["unit"] = unit
	}
	return line
}

// phoned are the terms of an order on the phone.
func phoned(method uuid.UUID, payment string, lines ...apptest.Variables) apptest.Variables {
	return apptest.Variables{"shippingMethodId": id.Global("ShippingMethod", method), "paymentMethod": payment, "shippingAddress": newAddress("福田 ふく"), "lines": lines}
}

func placing(d drafted) apptest.Variables {
	return apptest.Variables{"idempotencyKey": id.New().String(), "draftOrderId": d.ID, "revision": d.Revision, "expectedTotal": d.Total.Amount}
}

func changing(d drafted, terms apptest.Variables) apptest.Variables {
	return apptest.Variables{"draftOrderId": d.ID, "revision": d.Revision, "terms": terms}
}

func TestStaffOrderOnThePhoneAtTheBuyersPrices(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "1000000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	require.Empty(t, saveRate(t, w.App, pricer, apptest.Variables{"audience": apptest.Variables{"kind": "COMPANY", "id": w.company}, "percent": "80"}, nil))
	staff := as(t, w.App, phoneDesk)

	made := staff.draft(t, "createDraftOrder", apptest.Variables{"memberId": kaede.id, "terms": phoned(w.method, "ON_ACCOUNT", wantedLine(w.leash, 3, nil))})
	require.Empty(t, made.UserErrors)
	d := *made.DraftOrder
	require.Equal(t, []string{"OPEN", "kaede@example.jp", "2400"}, []string{d.State, d.Email, d.Total.Amount}, "at 80 % of 1,000")
	require.Regexp(t, `^D-[2-9B-Z]{5}-[2-9B-Z]{5}$`, d.Number)
	require.Equal(t, "NOT_FOUND draftOrderId", kaede.asking(t).draft(t, "placeDraftOrder", placing(d)).fault(), "it is staff's until it is sent")
	requireStock(t, w.App, w.leash, 100, 0)

	cheaper := staff.draft(t, "updateDraftOrder", changing(d, apptest.Variables{"lines": []apptest.Variables{wantedLine(w.leash, 2, "700"), wantedLine(w.leash, 1, nil)}}))
	require.Empty(t, cheaper.UserErrors)
	require.Equal(t, "2200", cheaper.DraftOrder.Total.Amount, "two at the price that staff set, one at the buyer's")
	require.Equal(t, "DRAFT_ORDER_CHANGED revision", staff.draft(t, "updateDraftOrder", changing(d, apptest.Variables{"note": "x"})).fault())
	require.Equal(t, "DRAFT_ORDER_CHANGED revision", staff.draft(t, "placeDraftOrder", with(placing(d), "expectedTotal", "2200")).fault())
	d = *cheaper.DraftOrder
	require.Equal(t, "PRICE_CHANGED expectedTotal", staff.draft(t, "placeDraftOrder", with(placing(d), "expectedTotal", "2400")).fault())

	word := placing(d)
	placed := staff.draft(t, "placeDraftOrder", word)
	require.Empty(t, placed.UserErrors)
	require.Equal(t, []string{"CONFIRMED", "2200"}, []string{placed.Order.Status, placed.Order.Total.Amount})
	require.Equal(t, "PLACED", placed.DraftOrder.State)
	require.Equal(t, "STAFF", placed.Order.History[0].Actor, "it says who placed it")
	require.Equal(t, 2200, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 3)
	require.Equal(t, placed.Order.ID, staff.draft(t, "placeDraftOrder", word).Order.ID, "the same intent orders once")
	require.Equal(t, "DRAFT_ORDER_STATE_CONFLICT", staff.draft(t, "placeDraftOrder", placing(d)).fault())
	require.Equal(t, "DRAFT_ORDER_STATE_CONFLICT", staff.draft(t, "cancelDraftOrder", apptest.Variables{"draftOrderId": d.ID}).fault())

	var seen struct {
		Order struct{ DraftOrder *drafted }
	}
	staff(`query($id: ID!) { order(id: $id) { draftOrder { createdBy placedBy } } }`, apptest.Variables{"id": placed.Order.ID}).Into(t, &seen)
	require.Equal(t, id.Global("Account", phoneDesk.ID), *seen.Order.DraftOrder.PlacedBy)

	again := staff.draft(t, "duplicateOrder", apptest.Variables{"orderId": placed.Order.ID})
	require.Empty(t, again.UserErrors)
	require.Equal(t, "2400", again.DraftOrder.Total.Amount, "at the buyer's prices of today")
	require.Len(t, again.DraftOrder.Lines, 2)
}

func TestADraftIsOrderedOnce(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "1000000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	staff := as(t, w.App, phoneDesk)
	d := *staff.draft(t, "createDraftOrder", apptest.Variables{"memberId": kaede.id, "terms": phoned(w.method, "ON_ACCOUNT", wantedLine(w.leash, 5, nil))}).DraftOrder
	same := placing(d)
	var wait sync.WaitGroup
	answers := make([]draftAnswer, 8)
	for i := range answers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			word := placing(d)
			if i%2 == 0 {
				word = same
			}
			answers[i] = staff.draft(t, "placeDraftOrder", word)
		}()
	}
	wait.Wait()
	orders := map[string]bool{}
	for _, a := range answers {
		if a.Order != nil {
			orders[a.Order.ID] = true
			continue
		}
		require.Equal(t, "DRAFT_ORDER_STATE_CONFLICT", a.fault())
	}
	require.Len(t, orders, 1)
	requireStock(t, w.App, w.leash, 100, 5)
	require.Equal(t, 5000, w.owed(t))
}

// draftToken is the guest's key in the link of the last mail about a draft.
func draftToken(t testing.TB, a *apptest.App) string {
	t.Helper()
	var link string
	openMails(t, a)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT args->'message'->'content'->>'url' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' = 'draft_order' ORDER BY id DESC LIMIT 1`).Scan(&link))
	found := regexp.MustCompile(`#token=(\w+)$`).FindStringSubmatch(link)
	require.Len(t, found, 2, link)
	return found[1]
}

func TestAGuestConfirmsWhatWasSent(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method, leash := a.AddShipping(t, "parcel", 500), a.AddProduct(t, "leash", 1000).Variants[0]
	staff := as(t, a, phoneDesk)
	d := *staff.draft(t, "createDraftOrder", apptest.Variables{"terms": phoned(method, "BANK_TRANSFER", wantedLine(leash, 2, nil))}).DraftOrder
	require.Equal(t, "2500", d.Total.Amount)
	send := apptest.Variables{"draftOrderId": d.ID, "revision": 1, "message": "お電話ありがとうございました"}
	require.Equal(t, "REQUIRED email", staff.draft(t, "sendDraftOrder", send).fault())
	d = *staff.draft(t, "updateDraftOrder", changing(d, apptest.Variables{"email": "Guest@Example.jp", "name": "福田 ふく"})).DraftOrder
	sent := staff.draft(t, "sendDraftOrder", with(send, "revision", 2))
	require.Empty(t, sent.UserErrors)
	require.Equal(t, "SENT", sent.DraftOrder.State)
	token := draftToken(t, a)

	stranger := asking(func(q string, v apptest.Variables) apptest.Answer {
		return a.Do(t, q, v, "X-Cart-Token", strings.Repeat("A", 26))
	})
	guest := asking(func(q string, v apptest.Variables) apptest.Answer { return a.Do(t, q, v, "X-Cart-Token", token) })
	require.Equal(t, "NOT_FOUND draftOrderId", stranger.draft(t, "placeDraftOrder", placing(d)).fault())
	var seen struct {
		DraftOrder     *drafted
		DraftOrderCart *struct{ Total struct{ Amount string } }
	}
	const look = `query($id: ID!) { draftOrder(id: $id) { state revision total { amount } } draftOrderCart(id: $id) { total { amount } } }`
	stranger(look, apptest.Variables{"id": d.ID}).Into(t, &seen)
	require.Nil(t, seen.DraftOrder)
	guest(look, apptest.Variables{"id": d.ID}).Into(t, &seen)
	require.Equal(t, "2500", seen.DraftOrderCart.Total.Amount)

	placed := guest.draft(t, "placeDraftOrder", placing(d))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, []string{"PENDING_PAYMENT", "guest@example.jp", "GUEST"}, []string{placed.Order.Status, placed.Order.Email, placed.Order.History[0].Actor})
	require.Equal(t, placed.Order.ID, placed.DraftOrder.Order.ID, "the guest sees the order")
	requireStock(t, a, leash, 100, 2)
}

func TestADraftGoesToTheMembersAddress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.change(t, "addAddress", apptest.Variables{"address": newAddress("自宅")}).code())
	terms := phoned(a.AddShipping(t, "parcel", 0), "BANK_TRANSFER", wantedLine(a.AddProduct(t, "bell", 300).Variants[0], 1, nil))
	delete(terms, "shippingAddress")
	made := as(t, a, phoneDesk).draft(t, "createDraftOrder", apptest.Variables{"memberId": hanako.id, "terms": terms})
	require.Empty(t, made.UserErrors)
	require.Equal(t, "自宅", made.DraftOrder.ShippingAddress.Name)
}

func TestAnOrderByCardOnThePhoneIsPaidByALink(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	leash := s.AddProduct(t, "bell", 300).Variants[0]
	method := s.AddShipping(t, "mail", 0)
	staff := as(t, s.App, phoneDesk)
	d := *staff.draft(t, "createDraftOrder", apptest.Variables{"terms": with(phoned(method, "CARD", wantedLine(leash, 1, nil)), "email", "card@example.jp")}).DraftOrder
	word := placing(d)
	placed := staff.draft(t, "placeDraftOrder", word)
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "PENDING_PAYMENT", placed.Order.Status)
	s.token, s.order = draftToken(t, s.App), placed.Order.ID
	var days float64
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT extract(epoch FROM due_at - created_at) / 86400 FROM payments ORDER BY created_at DESC LIMIT 1`).Scan(&days))
	require.InDelta(t, 3, days, 0.01)
	require.Equal(t, placed.Order.ID, staff.draft(t, "placeDraftOrder", word).Order.ID, "the same intent orders once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", staff.draft(t, "placeDraftOrder", with(word, "expectedTotal", "1")).fault())
	paid := s.pay(t, "pay-intent-1", "pm_card_visa")
	require.Empty(t, paid.UserErrors)
	require.True(t, paid.Order.Paid)
}

func TestWhatADraftRefuses(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method, food := a.AddShipping(t, "parcel", 0), a.AddProduct(t, "food", 1000).Variants[0]
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	costs(t, a, 500)
	staff := as(t, a, phoneDesk)
	create := func(terms apptest.Variables) string {
		return staff.draft(t, "createDraftOrder", apptest.Variables{"terms": terms}).fault()
	}
	ok := phoned(method, "BANK_TRANSFER", wantedLine(food, 1, nil))
	below := staff.draft(t, "createDraftOrder", apptest.Variables{"terms": with(ok, "lines", []apptest.Variables{wantedLine(food, 1, "599")})})
	require.Equal(t, "PRICE_BELOW_FLOOR terms.lines.0.unit", below.fault())
	require.Contains(t, below.UserErrors[0].Message, "600")
	require.Equal(t, "AMOUNT_INVALID terms.lines.0.unit", create(with(ok, "lines", []apptest.Variables{wantedLine(food, 1, "-1")})))
	require.Equal(t, "VARIANT_UNAVAILABLE terms.lines.0.variantId", create(with(ok, "lines", []apptest.Variables{wantedLine(id.New(), 1, nil)})))
	require.Equal(t, "QUANTITY_INVALID terms.lines.0.quantity", create(with(ok, "lines", []apptest.Variables{wantedLine(food, 0, nil)})))
	require.Equal(t, "DRAFT_ORDER_PAYMENT_INVALID terms.paymentMethod", create(with(ok, "paymentMethod", "CASH")))
	require.Equal(t, "DRAFT_ORDER_EXPIRY_INVALID terms.expiresAt", create(with(ok, "expiresAt", "2020-01-01T00:00:00Z")))
	require.Equal(t, "EMAIL_INVALID terms.email", create(with(ok, "email", "nobody")))
	require.Equal(t, "SHIPPING_METHOD_UNAVAILABLE terms.shippingMethodId", create(with(ok, "shippingMethodId", id.Global("ShippingMethod", id.New()))))
	require.Equal(t, "NOT_FOUND memberId", staff.draft(t, "createDraftOrder", apptest.Variables{"memberId": id.Global("Account", id.New()), "terms": ok}).fault())
	clerk := as(t, a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite}})
	require.Equal(t, "FORBIDDEN", clerk.draft(t, "createDraftOrder", apptest.Variables{"terms": with(ok, "lines", []apptest.Variables{wantedLine(food, 1, "900")})}).fault())
	var drafts int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM draft_orders`).Scan(&drafts))
	require.Zero(t, drafts, "what is refused leaves nothing behind")

	// Its time is over.
	d := *staff.draft(t, "createDraftOrder", apptest.Variables{"terms": with(ok, "email", "guest@example.jp")}).DraftOrder
	exec(t, a, `UPDATE draft_orders SET expires_at = now() - interval '1 minute'`)
	require.Equal(t, "DRAFT_ORDER_EXPIRED", staff.draft(t, "placeDraftOrder", placing(d)).fault())
	require.NoError(t, a.App.Resolvers.Drafts.Expire(access.With(t.Context(), access.System)))
	d = *staff.draft(t, "updateDraftOrder", changing(d, apptest.Variables{})).DraftOrder
	require.Equal(t, "OPEN", d.State, "staff open it again")
	require.Empty(t, staff.draft(t, "placeDraftOrder", placing(d)).UserErrors)
}

func TestStaffOfAShopSeeTheDraftsOfTheirs(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	method, leash := a.AddShipping(t, "parcel", 0), a.AddProduct(t, "leash", 1000).Variants[0]
	var shops []uuid.UUID
	for _, code := range []string{"ginza", "umeda"} {
		shop := id.New()
		exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind, priority, ships, active) SELECT $1, brand_id, $2, '{"ja": "店"}', 'SHOP', 9, false, true FROM locations LIMIT 1`, shop, code)
		shops = append(shops, shop)
	}
	at := func(shop uuid.UUID) asking {
		return as(t, a, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: phoneDesk.Permissions})
	}
	ginza, umeda := at(shops[0]), at(shops[1])
	terms := phoned(method, "BANK_TRANSFER", wantedLine(leash, 1, nil))
	d := *ginza.draft(t, "createDraftOrder", apptest.Variables{"terms": terms}).DraftOrder
	require.Equal(t, "FORBIDDEN terms.shopId", ginza.draft(t, "createDraftOrder", apptest.Variables{"terms": with(terms, "shopId", id.Global("Location", shops[1]))}).fault())
	require.Equal(t, "NOT_FOUND draftOrderId", umeda.draft(t, "updateDraftOrder", changing(d, apptest.Variables{})).fault())
	for ask, n := range map[*asking]int{&ginza: 1, &umeda: 0} {
		var got struct{ DraftOrders struct{ Nodes []drafted } }
		(*ask)(`{ draftOrders { nodes { id } } }`, nil).Into(t, &got)
		require.Len(t, got.DraftOrders.Nodes, n)
	}
}

func TestADraftTakesNoDataOfAnotherShopsMember(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	ginza, umeda := shopOf(t, a, "ginza"), shopOf(t, a, "umeda")
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.change(t, "addAddress", apptest.Variables{"address": newAddress("見本花子")}).UserErrors)
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	exec(t, a, `UPDATE memberships SET registered_store_id = $1`, ginza)
	views := func(actor access.Actor) int {
		return countOf(t, a, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1 AND actor_id = $2 AND data->>'by' = 'draftOrder'`, keyOf(t, hanako.id), actor.ID)
	}
	clerk := func(shop uuid.UUID) access.Actor { return registrarOf(phoneDesk.Permissions, shop) }
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: phoneDesk.Permissions}
	for name, reader := range map[string]struct {
		actor access.Actor
		may   bool
	}{"the shop": {clerk(ginza), true}, "another shop": {clerk(umeda), false}, "head office": {office, true}} {
		made := as(t, a, reader.actor).draft(t, "createDraftOrder", apptest.Variables{"memberId": hanako.id, "terms": apptest.Variables{}})
		if !reader.may {
			require.Equal(t, "FORBIDDEN memberId", made.fault(), name)
			require.Zero(t, views(reader.actor), name)
			continue
		}
		require.Empty(t, made.UserErrors, name)
		require.Equal(t, "見本花子", made.DraftOrder.ShippingAddress.Name, name)
		require.Equal(t, 1, views(reader.actor), name)
	}
	partner := access.With(t.Context(), access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: phoneDesk.Permissions})
	member := keyOf(t, hanako.id)
	_, err := a.App.Resolvers.Drafts.Create(channel.With(partner, channel.Channel{ID: a.ChannelID, BrandID: a.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), draft.CreateInput{MemberID: &member})
	require.ErrorIs(t, err, fault.ErrForbidden, "a partner learns nobody's address by a draft")
	exec(t, a, `UPDATE memberships SET home_store_id = $1`, umeda)
	require.Empty(t, as(t, a, clerk(umeda)).draft(t, "createDraftOrder", apptest.Variables{"memberId": hanako.id, "terms": apptest.Variables{}}).UserErrors, "the home store's")
}

func TestATimelineTellsEachWhatIsForThem(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	require.Empty(t, s.pay(t, "pay-intent-1", "pm_card_visa").UserErrors)
	staff := as(t, s.App, phoneDesk)
	remark := func(text string, visible bool) []userError {
		var got struct {
			RemarkOrder struct{ UserErrors []userError }
		}
		staff(`mutation($o: ID!, $t: String!, $v: Boolean!) { remarkOrder(input: {orderId: $o, text: $t, visibleToCustomer: $v}) { userErrors { code field } } }`,
			apptest.Variables{"o": s.order, "t": text, "v": visible}).Into(t, &got)
		return got.RemarkOrder.UserErrors
	}
	require.Empty(t, remark("在庫を確認中", false))
	require.Empty(t, remark("明日発送します", true))
	require.Equal(t, "REQUIRED", remark(" ", true)[0].Code)
	exec(t, s.App, `INSERT INTO sent_messages (key, kind, recipient, message_id, sent_at, at) SELECT 'order_confirmation/' || id, 'order_confirmation', 'hanako@example.jp', 'm1', now(), now() FROM orders`)

	type moment struct{ Type, Remark, Detail string }
	type timeline struct {
		OrderTimeline struct {
			Nodes      []moment
			TotalCount int
			PageInfo   struct {
				HasNextPage bool
				EndCursor   string
			}
		}
	}
	const query = `query($o: ID!, $n: Int, $after: String) { orderTimeline(orderId: $o, first: $n, after: $after) { nodes { type remark detail } totalCount pageInfo { hasNextPage endCursor } } }`
	types := func(ms []moment) (all []string) {
		for _, m := range ms {
			all = append(all, m.Type)
		}
		return all
	}
	var theirs, ours timeline
	s.Do(t, query, apptest.Variables{"o": s.order}, "X-Cart-Token", s.token).Into(t, &theirs)
	require.Equal(t, "order.placed", theirs.OrderTimeline.Nodes[0].Type)
	require.Contains(t, types(theirs.OrderTimeline.Nodes), "payment.captured")
	require.Contains(t, theirs.OrderTimeline.Nodes, moment{"mail.sent", "", "order_confirmation"})
	require.Contains(t, theirs.OrderTimeline.Nodes, moment{"order.remarked", "明日発送します", ""})
	require.NotContains(t, theirs.OrderTimeline.Nodes, moment{"order.remarked", "在庫を確認中", ""})
	staff(query, apptest.Variables{"o": s.order}).Into(t, &ours)
	require.Contains(t, ours.OrderTimeline.Nodes, moment{"order.remarked", "在庫を確認中", ""})
	require.Len(t, ours.OrderTimeline.Nodes, ours.OrderTimeline.TotalCount)

	// Page by page it is the same.
	var paged []moment
	after := ""
	for more := true; more; {
		var page timeline
		staff(query, apptest.Variables{"o": s.order, "n": 1, "after": after}).Into(t, &page)
		paged, after, more = append(paged, page.OrderTimeline.Nodes...), page.OrderTimeline.PageInfo.EndCursor, page.OrderTimeline.PageInfo.HasNextPage
	}
	require.Equal(t, ours.OrderTimeline.Nodes, paged)
	stranger := s.Do(t, query, apptest.Variables{"o": s.order}, "X-Cart-Token", strings.Repeat("A", 26))
	require.Equal(t, "NOT_FOUND", stranger.Code())
}
