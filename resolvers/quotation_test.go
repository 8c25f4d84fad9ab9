package resolvers_test

import (
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
)

// quoter is staff who answer requests for quotations, but not below the lowest prices.
var quoter = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.QuotationRead, access.QuotationWrite, access.OrderRead}}

type quoteLine struct {
	SKU, Note          string
	Quantity           int
	Unit, Cost, Margin *struct{ Amount string }
}

type quoted struct {
	ID, Number, State, RequestedBy, ShippingMode string
	Revision                                     int
	WishedFor                                    *string
	InternalNote                                 string
	Requested                                    []quoteLine
	Offer                                        *struct {
		Revision                          int
		Message                           string
		Subtotal, ShippingFee, Tax, Total struct{ Amount string }
		Lines                             []quoteLine
	}
	Offers  []struct{ Revision int }
	History []struct{ Type, Actor, Message string }
	Order   *struct{ ID string }
}

type quoteAnswer struct {
	Quotation *quoted
	Order     *struct {
		ID, Status, ShippingMode string
		Total                    struct{ Amount string }
		Quotation                *struct{ ID string }
		Lines                    []struct {
			Unit      struct{ Amount string }
			Breakdown []struct{ Rule string }
		}
	}
	UserErrors []userError
}

// fault is the code and the field of the first error.
func (q quoteAnswer) fault() string {
	if len(q.UserErrors) == 0 {
		return ""
	}
	return strings.TrimSpace(q.UserErrors[0].Code + " " + strings.Join(q.UserErrors[0].Field, "."))
}

const quotationFields = `quotation { id number state revision requestedBy shippingMode wishedFor requested { sku quantity note }
	offer { revision message subtotal { amount } shippingFee { amount } tax { amount } total { amount } lines { sku quantity note unit { amount } } }
	history { type actor message } order { id } }`

var quoteInputs = map[string]string{
	"replyToQuotation": "QuotationMessageInput", "declineQuotation": "QuotationMessageInput", "withdrawQuotation": "QuotationMessageInput",
}

// quote runs one mutation of quotations.
func (ask asking) quote(t testing.TB, field string, input apptest.Variables) quoteAnswer {
	t.Helper()
	kind := quoteInputs[field]
	if kind == "" {
		kind = strings.ToUpper(field[:1]) + field[1:] + "Input"
	}
	more := ""
	if field == "acceptQuotation" {
		more = `order { id status shippingMode total { amount } quotation { id } lines { unit { amount } breakdown { rule } } }`
	}
	answer := ask(fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s %s userErrors { code field message } } }`, kind, field, quotationFields, more),
		apptest.Variables{"in": input})
	if code := answer.Code(); code == "FORBIDDEN" {
		return quoteAnswer{UserErrors: []userError{{Code: code}}}
	}
	var got map[string]quoteAnswer
	answer.Into(t, &got)
	return got[field]
}

// as asks as the actor.
func as(t testing.TB, a *apptest.App, actor access.Actor) asking {
	return func(q string, v apptest.Variables) apptest.Answer { return a.DoAs(t, actor, q, v) }
}

// request asks for the variants, the given pieces of each.
func (ask asking) request(t testing.TB, pieces int, variants ...uuid.UUID) quoted {
	t.Helper()
	var lines []apptest.Variables
	for _, v := range variants {
		lines = append(lines, apptest.Variables{"variantId": id.Global("Variant", v), "quantity": pieces})
	}
	got := ask.quote(t, "requestQuotation", apptest.Variables{"idempotencyKey": id.New().String(), "lines": lines})
	require.Empty(t, got.UserErrors)
	return *got.Quotation
}

// offerOf is an offer of so many pieces of the variant at the price, with shipping for 300 yen.
func offerOf(q quoted, variant uuid.UUID, pieces int, unit string) apptest.Variables {
	return apptest.Variables{
		"quotationId": q.ID, "revision": q.Revision, "shippingFee": "300", "validUntil": inDays(7), "message": "お買い得です",
		"lines": []apptest.Variables{{"variantId": id.Global("Variant", variant), "quantity": pieces, "unit": unit}},
	}
}

func inDays(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.RFC3339) }

// acceptance is the word of a buyer who has seen the offer.
func acceptance(q quoted, method uuid.UUID, payment string) apptest.Variables {
	return apptest.Variables{
		"idempotencyKey": id.New().String(), "quotationId": q.ID, "revision": q.Offer.Revision, "expectedTotal": q.Offer.Total.Amount,
		"paymentMethod": payment, "shippingMethodId": id.Global("ShippingMethod", method), "shippingAddress": newAddress("福田 ふく"),
	}
}

// seenBy is the quotation as the caller sees it.
func (ask asking) seenBy(t testing.TB, quotation string) *quoted {
	t.Helper()
	var got struct{ Quotation *quoted }
	ask(`query($id: ID!) { `+strings.Replace(quotationFields, "quotation {", "quotation(id: $id) {", 1)+` }`, apptest.Variables{"id": quotation}).Into(t, &got)
	return got.Quotation
}

func queuedMails(t testing.TB, a *apptest.App, kind string) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->'message'->>'kind' = $1`, kind).Scan(&n))
	return n
}

func TestABuyerOrdersAtTheOfferedPrices(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "1000000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	employ(t, w.App, "answers@example.jp", access.RoleStaff, access.QuotationWrite)
	toy := w.AddProduct(t, "toy", 500).Variants[0]
	exec(t, w.App, `UPDATE variants SET cost = 600 WHERE id = $1`, w.leash)
	runCampaign(t, w.App, "all", apptest.Variables{"benefits": []apptest.Variables{{"kind": "FREE_SHIPPING"}}})

	input := apptest.Variables{
		"idempotencyKey": "request-1", "message": "年末の販売分です", "wishedFor": inDays(10)[:10],
		"lines": []apptest.Variables{{"variantId": id.Global("Variant", w.leash), "quantity": 10, "note": "赤のみ"}},
	}
	asked := kaede.quote(t, "requestQuotation", input)
	require.Empty(t, asked.UserErrors)
	require.Equal(t, asked.Quotation.ID, kaede.quote(t, "requestQuotation", input).Quotation.ID, "the same intent asks once")
	require.Regexp(t, `^Q-[2-9B-Z]{5}-[2-9B-Z]{5}$`, asked.Quotation.Number)
	require.Equal(t, "REQUESTED", asked.Quotation.State)
	require.Equal(t, []quoteLine{{SKU: "leash-1", Note: "赤のみ", Quantity: 10}}, asked.Quotation.Requested)
	require.Equal(t, inDays(10)[:10], *asked.Quotation.WishedFor)
	require.Nil(t, asked.Quotation.Offer)
	require.Equal(t, 1, queuedMails(t, w.App, "quotation_requested"))

	first := staff.quote(t, "answerQuotation", offerOf(*asked.Quotation, w.leash, 10, "800"))
	require.Empty(t, first.UserErrors)
	require.Equal(t, "ANSWERED", first.Quotation.State)
	require.Equal(t, "8300", first.Quotation.Offer.Total.Amount)
	better := offerOf(*first.Quotation, w.leash, 12, "700")
	better["lines"] = append(better["lines"].([]apptest.Variables), apptest.Variables{"variantId": id.Global("Variant", toy), "quantity": 1, "unit": "0", "note": "おまけ"})
	second := staff.quote(t, "answerQuotation", better)
	require.Empty(t, second.UserErrors)
	require.Equal(t, "QUOTATION_SUPERSEDED revision", staff.quote(t, "answerQuotation", better).fault(), "somebody answered meanwhile")
	require.Equal(t, 2, queuedMails(t, w.App, "quotation_answered"))

	seen := kaede.seenBy(t, asked.Quotation.ID)
	require.Equal(t, 2, seen.Offer.Revision)
	require.Equal(t, []string{"8400", "300", "790", "8700"}, []string{seen.Offer.Subtotal.Amount, seen.Offer.ShippingFee.Amount, seen.Offer.Tax.Amount, seen.Offer.Total.Amount})
	require.Len(t, seen.Offer.Lines, 2)
	require.Equal(t, "700", seen.Offer.Lines[0].Unit.Amount)
	require.Len(t, seen.Requested, 1, "what was asked for stays")

	yes := acceptance(*seen, w.method, "ON_ACCOUNT")
	require.Equal(t, "QUOTATION_SUPERSEDED revision", kaede.quote(t, "acceptQuotation", with(yes, "revision", 1)).fault())
	require.Equal(t, "PRICE_CHANGED expectedTotal", kaede.quote(t, "acceptQuotation", with(yes, "expectedTotal", "8300")).fault())
	require.Equal(t, "ANSWERED", kaede.seenBy(t, seen.ID).State, "what was refused changed nothing")
	requireStock(t, w.App, w.leash, 100, 0)
	placed := kaede.quote(t, "acceptQuotation", yes)
	require.Empty(t, placed.UserErrors)
	require.Equal(t, []string{"8700", "CONFIRMED", seen.ID}, []string{placed.Order.Total.Amount, placed.Order.Status, placed.Order.Quotation.ID})
	require.Equal(t, "700", placed.Order.Lines[0].Unit.Amount)
	require.Equal(t, "QUOTATION", placed.Order.Lines[0].Breakdown[1].Rule)
	require.Equal(t, "ACCEPTED", placed.Quotation.State)
	require.Equal(t, placed.Order.ID, placed.Quotation.Order.ID)
	require.Equal(t, 8700, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 12)
	requireStock(t, w.App, toy, 100, 1)

	require.Equal(t, placed.Order.ID, kaede.quote(t, "acceptQuotation", yes).Order.ID, "the same intent orders once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED idempotencyKey", kaede.quote(t, "acceptQuotation", with(yes, "expectedTotal", "1")).fault())
	require.Equal(t, "QUOTATION_STATE_CONFLICT", kaede.quote(t, "acceptQuotation", with(yes, "idempotencyKey", "another-key")).fault())
	require.Equal(t, "QUOTATION_STATE_CONFLICT", staff.quote(t, "answerQuotation", offerOf(*second.Quotation, w.leash, 1, "1")).fault())
	require.Equal(t, 8700, w.owed(t))
}

func TestOnlyStaffSeeCostsNotesAndOldOffers(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	exec(t, w.App, `UPDATE variants SET cost = 600 WHERE id = $1`, w.leash)
	q := kaede.request(t, 10, w.leash)
	q = *staff.quote(t, "answerQuotation", offerOf(q, w.leash, 10, "800")).Quotation
	q = *staff.quote(t, "answerQuotation", offerOf(q, w.leash, 10, "750")).Quotation
	require.Empty(t, staff.quote(t, "noteQuotation", apptest.Variables{"quotationId": q.ID, "note": "大口見込み"}).UserErrors)
	require.Empty(t, kaede.quote(t, "replyToQuotation", apptest.Variables{"quotationId": q.ID, "message": "もう少し"}).UserErrors)
	require.Empty(t, staff.quote(t, "replyToQuotation", apptest.Variables{"quotationId": q.ID, "message": "検討します"}).UserErrors)

	const all = `query($id: ID!) { quotation(id: $id) { internalNote offers { revision } offer { lines { cost { amount } margin { amount } } } history { type message } } }`
	var got struct{ Quotation quoted }
	staff(all, apptest.Variables{"id": q.ID}).Into(t, &got)
	require.Equal(t, "大口見込み", got.Quotation.InternalNote)
	require.Equal(t, []struct{ Revision int }{{2}, {1}}, got.Quotation.Offers)
	require.Equal(t, "600", got.Quotation.Offer.Lines[0].Cost.Amount)
	require.Equal(t, "150", got.Quotation.Offer.Lines[0].Margin.Amount)
	require.Len(t, got.Quotation.History, 6)

	for _, field := range []string{"internalNote", "offers { revision }", "offer { lines { cost { amount } } }", "offer { lines { margin { amount } } }", "history { note }"} {
		require.Equal(t, "FORBIDDEN", kaede(`query($id: ID!) { quotation(id: $id) { `+field+` } }`, apptest.Variables{"id": q.ID}).Code(), field)
	}
	seen := kaede.seenBy(t, q.ID)
	var thread []string
	for _, e := range seen.History {
		thread = append(thread, e.Type+" "+e.Message)
	}
	require.Equal(t, []string{
		"quotation.requested ", "quotation.answered お買い得です", "quotation.answered お買い得です", "quotation.replied もう少し", "quotation.replied 検討します",
	}, thread)
}

func TestAQuotationIsOrderedOnceThoughManyAccept(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "1000000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	q := *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 5, w.leash), w.leash, 5, "900")).Quotation
	var (
		all          sync.WaitGroup
		won, refused atomic.Int32
	)
	for range 8 {
		all.Go(func() {
			switch got := kaede.quote(t, "acceptQuotation", acceptance(q, w.method, "ON_ACCOUNT")); got.fault() {
			case "":
				won.Add(1)
			case "QUOTATION_STATE_CONFLICT":
				refused.Add(1)
			default:
				t.Errorf("unexpected: %s", got.fault())
			}
		})
	}
	all.Wait()
	require.Equal(t, []int32{1, 7}, []int32{won.Load(), refused.Load()})
	require.Equal(t, 1, count(t, w.App, "orders"))
	require.Equal(t, 4800, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 5)
}

func TestQuotationsOfACompanyAreForItsPeople(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "APPROVAL")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", "2000").asking(t)
	peer, books := w.buyer(t, "peer@example.jp", "BUYER", nil).asking(t), w.buyer(t, "books@example.jp", "ACCOUNTANT", nil).asking(t)
	boss, staff := w.buyer(t, "boss@example.jp", "APPROVER", nil).asking(t), as(t, w.App, quoter)
	stranger := asking(func(q string, v apptest.Variables) apptest.Answer {
		return newCustomer(t, w.App, id.New().String()+"@example.jp").do(t, q, v)
	})
	answered := func() quoted {
		return *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 5, w.leash), w.leash, 5, "900")).Quotation
	}
	first, second := answered(), answered()
	yes := acceptance(first, w.method, "ON_ACCOUNT")
	for name, outsider := range map[string]asking{"a peer": peer, "a stranger": stranger} {
		require.Nil(t, outsider.seenBy(t, first.ID), name)
		require.Equal(t, "NOT_FOUND quotationId", outsider.quote(t, "acceptQuotation", yes).fault(), name)
		require.Equal(t, "NOT_FOUND quotationId", outsider.quote(t, "declineQuotation", apptest.Variables{"quotationId": first.ID}).fault(), name)
	}
	require.NotNil(t, books.seenBy(t, first.ID))
	require.Equal(t, "FORBIDDEN", books.quote(t, "acceptQuotation", yes).fault(), "accountants look")
	require.Equal(t, "NOT_FOUND quotationId", kaede.quote(t, "acceptQuotation", with(yes, "quotationId", id.Global("Quotation", id.New()))).fault())

	// Above the buyer's own limit the order waits, as any does.
	waits := kaede.quote(t, "acceptQuotation", yes)
	require.Empty(t, waits.UserErrors)
	require.Equal(t, "PENDING_APPROVAL", waits.Order.Status)
	require.Zero(t, w.owed(t))
	require.Equal(t, "CONFIRMED", boss.mutate(t, "approveOrder", apptest.Variables{"orderId": waits.Order.ID}).Order.Status)
	require.Equal(t, 4800, w.owed(t))

	accepted := boss.quote(t, "acceptQuotation", acceptance(second, w.method, "ON_ACCOUNT"))
	require.Empty(t, accepted.UserErrors)
	require.Equal(t, "CONFIRMED", accepted.Order.Status, "who approves may accept it at once")
	require.Equal(t, "ACCEPTED", kaede.seenBy(t, second.ID).State)
	var opened struct{ Order *struct{ ID string } }
	kaede(`query($id: ID!) { order(id: $id) { id } }`, apptest.Variables{"id": accepted.Order.ID}).Into(t, &opened)
	require.NotNil(t, opened.Order, "for who asked, whose order it is")

	nodes := func(ask asking, filter apptest.Variables) int {
		var got struct {
			Quotations struct{ Nodes []struct{ ID string } }
		}
		ask(`query($f: QuotationFilter) { quotations(filter: $f) { nodes { id } } }`, apptest.Variables{"f": filter}).Into(t, &got)
		return len(got.Quotations.Nodes)
	}
	companys := apptest.Variables{"companyId": w.company}
	require.Equal(t, []int{2, 2, 0, 0, 0, 2, 2, 0}, []int{
		nodes(kaede, nil), nodes(kaede, companys), nodes(peer, companys), nodes(boss, nil), nodes(stranger, companys), nodes(boss, companys), nodes(books, companys),
		nodes(boss, apptest.Variables{"companyId": id.Global("Company", id.New())}),
	})
}

func TestAnOfferThatIsOverCannotBeOrdered(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	answered := func() quoted {
		return *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 5, w.leash), w.leash, 5, "900")).Quotation
	}
	accept := func(q quoted) string {
		return kaede.quote(t, "acceptQuotation", acceptance(q, w.method, "ON_ACCOUNT")).fault()
	}
	word := func(q quoted) apptest.Variables {
		return apptest.Variables{"quotationId": q.ID, "message": "またの機会に"}
	}

	late, fresh := answered(), answered()
	exec(t, w.App, `UPDATE quotations SET valid_until = now() - interval '1 second' WHERE id = $1`, keyOf(t, late.ID))
	require.Equal(t, "QUOTATION_EXPIRED", accept(late), "even before the job comes by")
	require.NoError(t, w.App.App.Resolvers.Quotations.Expire(t.Context()))
	require.NoError(t, w.App.App.Resolvers.Quotations.Expire(t.Context()))
	require.Equal(t, []string{"EXPIRED", "ANSWERED"}, []string{kaede.seenBy(t, late.ID).State, kaede.seenBy(t, fresh.ID).State})
	history := kaede.seenBy(t, late.ID).History
	require.Equal(t, "quotation.expired SYSTEM", history[len(history)-1].Type+" "+history[len(history)-1].Actor)
	require.Len(t, history, 3)
	require.Equal(t, "QUOTATION_EXPIRED", accept(late))
	again := staff.quote(t, "answerQuotation", offerOf(*kaede.seenBy(t, late.ID), w.leash, 5, "950"))
	require.Empty(t, again.UserErrors)
	require.Empty(t, accept(*again.Quotation), "staff may offer anew")

	require.Equal(t, "QUOTATION_STATE_CONFLICT", kaede.quote(t, "withdrawQuotation", word(fresh)).fault(), "an offer is staff's to take back")
	require.Equal(t, "QUOTATION_STATE_CONFLICT", staff.quote(t, "declineQuotation", word(fresh)).fault())
	require.Equal(t, "WITHDRAWN", staff.quote(t, "withdrawQuotation", word(fresh)).Quotation.State)
	require.Equal(t, "QUOTATION_WITHDRAWN", accept(fresh))
	turned := answered()
	require.Equal(t, "DECLINED", kaede.quote(t, "declineQuotation", word(turned)).Quotation.State)
	require.Equal(t, "QUOTATION_STATE_CONFLICT", accept(turned))
	require.Equal(t, "QUOTATION_STATE_CONFLICT", kaede.quote(t, "replyToQuotation", word(turned)).fault())
	taken, refused := kaede.request(t, 1, w.leash), kaede.request(t, 1, w.leash)
	require.Equal(t, "QUOTATION_STATE_CONFLICT", kaede.quote(t, "declineQuotation", word(taken)).fault())
	require.Equal(t, "WITHDRAWN", kaede.quote(t, "withdrawQuotation", word(taken)).Quotation.State)
	require.Equal(t, "DECLINED", staff.quote(t, "declineQuotation", word(refused)).Quotation.State)
	require.Equal(t, "QUOTATION_STATE_CONFLICT", staff.quote(t, "answerQuotation", offerOf(refused, w.leash, 1, "900")).fault())

	// Stock is asked when it is ordered.
	short := answered()
	w.SetStock(t, w.leash, 7) // five are reserved
	require.Equal(t, "INSUFFICIENT_STOCK lines.0", accept(short))
	require.Equal(t, "ANSWERED", kaede.seenBy(t, short.ID).State)
	requireStock(t, w.App, w.leash, 7, 5)
	require.Equal(t, 1, count(t, w.App, "orders"))
}

func keyOf(t testing.TB, global string) uuid.UUID {
	t.Helper()
	_, key, err := id.Parse(global)
	require.NoError(t, err)
	return key
}

func TestRequestsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t)
	hidden := w.AddProduct(t, "hidden", 100).Variants[0]
	exec(t, w.App, `UPDATE product_listings SET published = false WHERE name_key = 'hidden'`)
	line := func(variant uuid.UUID, quantity any) apptest.Variables {
		return apptest.Variables{"variantId": id.Global("Variant", variant), "quantity": quantity}
	}
	good := line(w.leash, 1)
	many := make([]apptest.Variables, 201)
	for i := range many {
		many[i] = good
	}
	for want, input := range map[string]apptest.Variables{
		"QUOTATION_EMPTY lines":                  {"lines": []apptest.Variables{}},
		"QUOTATION_EMPTY fromCart":               {"fromCart": true},
		"INVALID lines":                          {"fromCart": true, "lines": []apptest.Variables{good}},
		"QUANTITY_INVALID lines.0.quantity":      {"lines": []apptest.Variables{line(w.leash, 0)}},
		"QUANTITY_INVALID lines.1.quantity":      {"lines": []apptest.Variables{good, line(w.AddProduct(t, "toy", 1).Variants[0], 100_000)}},
		"DUPLICATE lines.1.variantId":            {"lines": []apptest.Variables{good, good}},
		"TOO_MANY lines":                         {"lines": many},
		"VARIANT_UNAVAILABLE lines.0.variantId":  {"lines": []apptest.Variables{line(id.New(), 1)}},
		"VARIANT_UNAVAILABLE lines.1.variantId":  {"lines": []apptest.Variables{good, line(hidden, 1)}},
		"TOO_LONG lines.0.note":                  {"lines": []apptest.Variables{with(good, "note", strings.Repeat("あ", 201))}},
		"TOO_LONG message":                       {"lines": []apptest.Variables{good}, "message": strings.Repeat("あ", 2001)},
		"QUOTATION_DATE_INVALID wishedFor":       {"lines": []apptest.Variables{good}, "wishedFor": inDays(-2)[:10]},
		"IDEMPOTENCY_KEY_INVALID idempotencyKey": {"lines": []apptest.Variables{good}, "idempotencyKey": "x"},
	} {
		if input["idempotencyKey"] == nil {
			input["idempotencyKey"] = id.New().String()
		}
		require.Equal(t, want, kaede.quote(t, "requestQuotation", input).fault())
	}
	far := kaede(`mutation($in: RequestQuotationInput!) { requestQuotation(input: $in) { userErrors { code } } }`,
		apptest.Variables{"in": apptest.Variables{"idempotencyKey": "far-too-many", "lines": []apptest.Variables{line(w.leash, 1<<31)}}})
	require.NotEmpty(t, far.Errors, "that many is no Int")
	require.Zero(t, count(t, w.App, "quotations"))
	guest := w.Do(t, `mutation($in: RequestQuotationInput!) { requestQuotation(input: $in) { userErrors { code } } }`,
		apptest.Variables{"in": apptest.Variables{"idempotencyKey": "a-guest-asks", "lines": []apptest.Variables{good}}})
	require.NotEmpty(t, guest.Errors)

	require.Empty(t, w.staff.mutate(t, "setFunctionRule", apptest.Variables{"companyId": w.company, "function": "QUOTE", "allowed": false}).UserErrors)
	denied := kaede.quote(t, "requestQuotation", apptest.Variables{"idempotencyKey": "denied-1", "lines": []apptest.Variables{good}})
	require.Equal(t, "FUNCTION_DENIED", denied.fault())
	require.Contains(t, denied.UserErrors[0].Message, "得意先の設定")
	require.Zero(t, queuedMails(t, w.App, "quotation_requested"))
}

func TestGoodsWithoutAShownPriceAreQuotedFor(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	secret := w.AddProduct(t, "secret", 500).Variants[0]
	rule(t, w.App, apptest.Variables{"target": target("VARIANT", "Variant", w.leash), "purchasable": "DENY", "priceShown": "DENY"})
	rule(t, w.App, apptest.Variables{"target": target("PRODUCT", "Product", productOf(t, w.App, secret)), "visible": "DENY"})
	refused := kaede.quote(t, "requestQuotation", apptest.Variables{
		"idempotencyKey": "what-nobody-sees", "lines": []apptest.Variables{{"variantId": id.Global("Variant", secret), "quantity": 1}},
	})
	require.Equal(t, "VARIANT_UNAVAILABLE lines.0.variantId", refused.fault(), "what is hidden is not there")

	q := *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 2, w.leash), w.leash, 2, "900")).Quotation
	placed := kaede.quote(t, "acceptQuotation", acceptance(q, w.method, "ON_ACCOUNT"))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "2100", placed.Order.Total.Amount)
	require.Len(t, placed.Order.Lines[0].Breakdown, 1, "the hidden price is told by no step")
}

func productOf(t testing.TB, a *apptest.App, variant uuid.UUID) (product uuid.UUID) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT product_id FROM variants WHERE id = $1`, variant).Scan(&product))
	return product
}

func TestOffersThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	q := kaede.request(t, 5, w.leash)
	good := offerOf(q, w.leash, 5, "900")
	lines := func(quantity any, unit string) []apptest.Variables {
		return []apptest.Variables{{"variantId": id.Global("Variant", w.leash), "quantity": quantity, "unit": unit}}
	}
	for _, c := range []struct {
		want, field string
		value       any
	}{
		{"NOT_FOUND quotationId", "quotationId", id.Global("Quotation", id.New())},
		{"QUOTATION_SUPERSEDED revision", "revision", 1},
		{"QUOTATION_EMPTY lines", "lines", []apptest.Variables{}},
		{"QUANTITY_INVALID lines.0.quantity", "lines", lines(0, "900")},
		{"QUANTITY_INVALID lines.0.quantity", "lines", lines(-1, "900")},
		{"AMOUNT_INVALID lines.0.unit", "lines", lines(5, "-1")},
		{"AMOUNT_TOO_FINE lines.0.unit", "lines", lines(5, "0.5")},
		{"AMOUNT_TOO_LARGE lines.0.unit", "lines", lines(5, "1e30")},
		{"AMOUNT_TOO_LARGE", "lines", lines(99_999, "9000000000000")},
		{"AMOUNT_INVALID shippingFee", "shippingFee", "-1"},
		{"QUOTATION_DATE_INVALID validUntil", "validUntil", inDays(-1)},
		{"QUOTATION_DATE_INVALID validUntil", "validUntil", inDays(366 * 6)},
		{"TOO_LONG message", "message", strings.Repeat("あ", 2001)},
	} {
		require.Equal(t, c.want, staff.quote(t, "answerQuotation", with(good, c.field, c.value)).fault())
	}
	require.Equal(t, "FORBIDDEN", as(t, w.App, seller).quote(t, "answerQuotation", good).fault())
	reader := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.QuotationRead}}
	require.NotNil(t, as(t, w.App, reader).seenBy(t, q.ID))
	require.Equal(t, "FORBIDDEN", as(t, w.App, reader).quote(t, "replyToQuotation", apptest.Variables{"quotationId": q.ID, "message": "x"}).fault())

	// Nobody goes below cost and margin without permission: 600 yen and 20 %.
	exec(t, w.App, `UPDATE variants SET cost = 600 WHERE id = $1`, w.leash)
	require.Empty(t, saveRate(t, w.App, chief, apptest.Variables{"kind": "FLOOR", "name": apptest.Variables{"ja": "最低粗利"}, "percent": "20"}, nil))
	below := staff.quote(t, "answerQuotation", with(good, "lines", lines(5, "719")))
	require.Equal(t, "PRICE_BELOW_FLOOR lines.0.unit", below.fault())
	require.Contains(t, below.UserErrors[0].Message, "720")
	require.Equal(t, "REQUESTED", kaede.seenBy(t, q.ID).State)
	require.Zero(t, count(t, w.App, "quotation_offers"))
	require.Empty(t, staff.quote(t, "answerQuotation", with(good, "lines", lines(5, "720"))).UserErrors)
	bold := quoter
	bold.Permissions = append([]access.Permission{access.PricingBelow}, quoter.Permissions...)
	require.Empty(t, as(t, w.App, bold).quote(t, "answerQuotation", with(with(good, "revision", 1), "lines", lines(5, "100"))).UserErrors)
	seen := kaede.seenBy(t, q.ID)
	yes := acceptance(*seen, w.method, "BANK_TRANSFER")
	require.Equal(t, "800", seen.Offer.Total.Amount)
	require.Equal(t, "SHIPPING_METHOD_UNAVAILABLE shippingMethodId", kaede.quote(t, "acceptQuotation", with(yes, "shippingMethodId", id.Global("ShippingMethod", id.New()))).fault())
	require.Equal(t, "POSTAL_CODE_INVALID shippingAddress.postalCode", kaede.quote(t, "acceptQuotation", with(yes, "shippingAddress", with(newAddress("x"), "postalCode", "1"))).fault())
	require.Equal(t, "800", kaede.quote(t, "acceptQuotation", yes).Order.Total.Amount)
}

func TestQuotationsComeInPagesAndByFilter(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	lone := newCustomer(t, w.App, "lone@example.jp")
	toy := w.AddProduct(t, "toy", 500).Variants[0]
	var mine []string
	for range 3 {
		mine = append([]string{kaede.request(t, 1, w.leash).ID}, mine...)
	}
	other := asking(func(q string, v apptest.Variables) apptest.Answer { return lone.do(t, q, v) }).request(t, 1, toy)
	staff.quote(t, "answerQuotation", offerOf(other, toy, 1, "400"))

	type list struct {
		Quotations struct {
			TotalCount int
			Nodes      []struct{ ID string }
			PageInfo   struct {
				EndCursor   string
				HasNextPage bool
			}
		}
	}
	read := func(ask asking, variables apptest.Variables) (got list) {
		ask(`query($first: Int, $after: String, $f: QuotationFilter) { quotations(first: $first, after: $after, filter: $f) { totalCount nodes { id } pageInfo { endCursor hasNextPage } } }`, variables).Into(t, &got)
		return got
	}
	first := read(staff, apptest.Variables{"first": 2})
	require.Equal(t, 4, first.Quotations.TotalCount)
	require.Equal(t, []struct{ ID string }{{other.ID}, {mine[0]}}, first.Quotations.Nodes, "newest first")
	second := read(staff, apptest.Variables{"first": 2, "after": first.Quotations.PageInfo.EndCursor})
	require.Equal(t, []struct{ ID string }{{mine[1]}, {mine[2]}}, second.Quotations.Nodes)
	require.False(t, second.Quotations.PageInfo.HasNextPage)
	require.Equal(t, 3, read(kaede, nil).Quotations.TotalCount)

	for name, c := range map[string]struct {
		filter apptest.Variables
		want   int
	}{
		"state":    {apptest.Variables{"state": []string{"ANSWERED"}}, 1},
		"states":   {apptest.Variables{"state": []string{"ANSWERED", "REQUESTED"}}, 4},
		"company":  {apptest.Variables{"companyId": w.company}, 3},
		"number":   {apptest.Variables{"text": strings.ToLower(other.Number)}, 1},
		"address":  {apptest.Variables{"text": "LONE@example.jp"}, 1},
		"sealed":   {apptest.Variables{"text": "lone@"}, 0}, // a part of what is sealed finds nothing
		"customer": {apptest.Variables{"text": "フクフク"}, 3},
		"goods":    {apptest.Variables{"text": "toy-1"}, 1},
		"wildcard": {apptest.Variables{"text": "%"}, 0},
		"from":     {apptest.Variables{"from": inDays(-1)}, 4},
		"to":       {apptest.Variables{"to": inDays(-1)}, 0},
		"both":     {apptest.Variables{"from": inDays(-1), "to": inDays(1), "state": []string{"REQUESTED"}}, 3},
	} {
		require.Equal(t, c.want, read(staff, apptest.Variables{"f": c.filter}).Quotations.TotalCount, name)
	}
	window := staff(`query($f: QuotationFilter) { quotations(filter: $f) { nodes { id } } }`, apptest.Variables{"f": apptest.Variables{"from": inDays(1), "to": inDays(-1)}})
	require.Equal(t, "WINDOW_INVALID", window.Code())
	require.Equal(t, "FORBIDDEN", as(t, w.App, shipper)(`{ quotations { nodes { id } } }`, nil).Code())
}

func TestACartIsShippedDirectForTenPercentMore(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t)
	type cart struct {
		ShippingMode string
		Total        struct{ Amount string }
		Lines        []struct {
			Price struct{ Breakdown []struct{ Rule string } }
		}
	}
	choose := func(mode string) (*cart, string) {
		var got struct {
			UpdateCart struct {
				Cart       *cart
				UserErrors []userError
			}
		}
		kaede(`mutation($m: ShippingMode) { updateCart(input: {shippingMode: $m}) { cart { shippingMode total { amount } lines { price { breakdown { rule } } } } userErrors { code field message } } }`,
			apptest.Variables{"m": mode}).Into(t, &got)
		return got.UpdateCart.Cart, quoteAnswer{UserErrors: got.UpdateCart.UserErrors}.fault()
	}
	kaede(`mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 2}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", w.leash)})
	kaede(`mutation($m: ID!, $a: AddressInput!) { updateCart(input: {email: "buyer@example.jp", shippingMethodId: $m, shippingAddress: $a}) { userErrors { code } } }`,
		apptest.Variables{"m": id.Global("ShippingMethod", w.method), "a": newAddress("届け先")})
	chosen, fault := choose("DIRECT")
	require.Empty(t, fault)
	require.Equal(t, []string{"DIRECT", "2200"}, []string{chosen.ShippingMode, chosen.Total.Amount})
	require.Equal(t, "DIRECT_SURCHARGE", chosen.Lines[0].Price.Breakdown[1].Rule)
	var kept struct{ Cart cart }
	kaede(`{ cart { shippingMode total { amount } } }`, nil).Into(t, &kept)
	require.Equal(t, []string{"DIRECT", "2200"}, []string{kept.Cart.ShippingMode, kept.Cart.Total.Amount}, "the choice stays")

	problem := func(allowed bool) *struct{ Code string } {
		traits := []apptest.Variables{{"variantId": id.Global("Variant", w.leash), "directAllowed": allowed}}
		require.Empty(t, write(t, w.App, forwarder, "setShippingTraits", "SetShippingTraitsInput", `traits { variantId }`, apptest.Variables{"variants": traits}, nil))
		var got struct {
			Cart struct {
				Lines []struct{ Problem *struct{ Code string } }
			}
		}
		kaede(`{ cart { lines { problem { code } } } }`, nil).Into(t, &got)
		return got.Cart.Lines[0].Problem
	}
	require.Equal(t, "DIRECT_NOT_ELIGIBLE", problem(false).Code)
	require.Nil(t, problem(true))

	asked := kaede.quote(t, "requestQuotation", apptest.Variables{"idempotencyKey": "from-the-cart", "fromCart": true})
	require.Empty(t, asked.UserErrors)
	require.Equal(t, "DIRECT", asked.Quotation.ShippingMode)
	require.Equal(t, 2, asked.Quotation.Requested[0].Quantity)

	deny := func(allowed any) {
		require.Empty(t, w.staff.mutate(t, "setFunctionRule", apptest.Variables{"companyId": w.company, "function": "DIRECT_SHIPPING", "allowed": allowed}).UserErrors)
	}
	place := apptest.Variables{"idempotencyKey": "direct-order", "expectedTotal": "2200", "paymentMethod": "ON_ACCOUNT"}
	deny(false)
	_, fault = choose("DIRECT")
	require.Equal(t, "FUNCTION_DENIED shippingMode", fault)
	require.Equal(t, "FUNCTION_DENIED shippingMode", kaede.mutate(t, "placeOrder", place).fault(), "the cart still says so")
	direct := apptest.Variables{"idempotencyKey": "direct-quote", "shippingMode": "DIRECT", "lines": []apptest.Variables{{"variantId": id.Global("Variant", w.leash), "quantity": 1}}}
	require.Equal(t, "FUNCTION_DENIED shippingMode", kaede.quote(t, "requestQuotation", direct).fault())
	q := *as(t, w.App, quoter).quote(t, "answerQuotation", offerOf(*asked.Quotation, w.leash, 2, "900")).Quotation
	yes := acceptance(q, w.method, "ON_ACCOUNT")
	require.Equal(t, "FUNCTION_DENIED shippingMode", kaede.quote(t, "acceptQuotation", yes).fault())
	deny(nil)

	var got struct {
		PlaceOrder struct {
			Order struct {
				ShippingMode string
				Total        struct{ Amount string }
				Lines        []struct{ Breakdown []struct{ Rule string } }
			}
		}
	}
	kaede(`mutation($in: PlaceOrderInput!) { placeOrder(input: $in) { order { shippingMode total { amount } lines { breakdown { rule } } } userErrors { code } } }`, apptest.Variables{"in": place}).Into(t, &got)
	require.Equal(t, []string{"DIRECT", "2200"}, []string{got.PlaceOrder.Order.ShippingMode, got.PlaceOrder.Order.Total.Amount})
	require.Equal(t, "DIRECT_SURCHARGE", got.PlaceOrder.Order.Lines[0].Breakdown[1].Rule)
	ordered := kaede.quote(t, "acceptQuotation", yes)
	require.Equal(t, []string{"DIRECT", "2100"}, []string{ordered.Order.ShippingMode, ordered.Order.Total.Amount}, "what was agreed on has no surcharge")
}

func TestWhoMayNotSeeStockIsNotTold(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, lone := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), newCustomer(t, w.App, "lone@example.jp")
	w.SetStock(t, w.leash, 3)
	backOrders(t, w.App, nil, 5)
	alone := asking(func(q string, v apptest.Variables) apptest.Answer { return lone.do(t, q, v) })
	type stock struct {
		Availability string
		Promise      *string
		BackOrdered  int
	}
	shown := func(ask asking) string {
		var got struct{ Product struct{ Variants []stock } }
		ask(`{ product(slug: "leash") { variants { availability promise } } }`, nil).Into(t, &got)
		return got.Product.Variants[0].Availability
	}
	rule := func(who apptest.Variables, allowed any) {
		t.Helper()
		who["function"], who["allowed"] = "SEE_STOCK", allowed
		require.Empty(t, w.staff.mutate(t, "setFunctionRule", who).UserErrors)
	}
	add := func(ask asking, pieces int) (lines []stock, message string) {
		var got struct {
			AddCartLine struct {
				Cart       struct{ Lines []stock }
				UserErrors []userError
			}
		}
		ask(`mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { cart { lines { availability promise backOrdered } } userErrors { code message } } }`,
			apptest.Variables{"v": id.Global("Variant", w.leash), "q": pieces}).Into(t, &got)
		if len(got.AddCartLine.UserErrors) > 0 {
			return nil, got.AddCartLine.UserErrors[0].Code + got.AddCartLine.UserErrors[0].Message
		}
		return got.AddCartLine.Cart.Lines, ""
	}
	require.Equal(t, "LOW_STOCK", shown(kaede))
	rule(apptest.Variables{"companyId": w.company}, false)
	require.Equal(t, []string{"NOT_TOLD", "LOW_STOCK"}, []string{shown(kaede), shown(alone)}, "from the next answer on")
	lines, _ := add(kaede, 5)
	require.Equal(t, []stock{{Availability: "NOT_TOLD"}}, lines, "nor by what is missing")
	_, message := add(kaede, 4)
	require.Equal(t, "INSUFFICIENT_STOCK在庫が不足しています", message, "nor how many are left")
	lines, _ = add(alone, 5)
	require.Equal(t, 2, lines[0].BackOrdered)

	rule(apptest.Variables{"companyId": w.company}, nil)
	require.Equal(t, "LOW_STOCK", shown(kaede))
	group := w.staff.mutate(t, "createCustomerGroup", apptest.Variables{"code": "G", "name": apptest.Variables{"ja": "卸"}}).Group.ID
	require.Empty(t, w.staff.mutate(t, "addToCustomerGroup", apptest.Variables{"groupId": group, "companyIds": []string{w.company}, "memberIds": []string{lone.id}}).UserErrors)
	rule(apptest.Variables{"groupId": group}, false)
	rule(apptest.Variables{"memberId": lone.id}, true)
	require.Equal(t, []string{"NOT_TOLD", "LOW_STOCK"}, []string{shown(kaede), shown(alone)}, "the member's own rule comes first")
}
