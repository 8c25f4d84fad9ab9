package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
)

type recurred struct {
	ID, Number, State, Unit string
	Revision, Every         int
	NextOn                  *string
	Upcoming                []string
	Accepted                struct{ Amount string }
	Attempts                int
	Lines                   []struct {
		SKU      string
		Quantity int
	}
	Occurrences []struct {
		DueOn, Result, ProblemCode, ProblemText string
		Order                                   *struct {
			ID, Status string
			Total      struct{ Amount string }
		}
	}
}

type recurringAnswer struct {
	RecurringOrder *recurred
	UserErrors     []userError
}

func (r recurringAnswer) fault() string {
	if len(r.UserErrors) == 0 {
		return ""
	}
	return strings.TrimSpace(r.UserErrors[0].Code + " " + strings.Join(r.UserErrors[0].Field, "."))
}

const recurringFields = `id number state unit revision every nextOn upcoming accepted { amount } attempts lines { sku quantity }
	occurrences { dueOn result problemCode problemText order { id status total { amount } } }`

var recurringInputs = map[string]string{"skipRecurringOrder": "RecurringOrderInput", "pauseRecurringOrder": "RecurringOrderInput", "cancelRecurringOrder": "RecurringOrderInput"}

// recur runs one mutation of recurring orders.
func (ask asking) recur(t testing.TB, field string, input apptest.Variables) recurringAnswer {
	t.Helper()
	kind := recurringInputs[field]
	if kind == "" {
		kind = strings.ToUpper(field[:1]) + field[1:] + "Input"
	}
	answer := ask(fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { recurringOrder { %s } userErrors { code field message } } }`, kind, field, recurringFields), apptest.Variables{"in": input})
	if code := answer.Code(); code == "FORBIDDEN" {
		return recurringAnswer{UserErrors: []userError{{Code: code}}}
	}
	var got map[string]recurringAnswer
	answer.Into(t, &got)
	return got[field]
}

func (ask asking) recurringOrder(t testing.TB, key string) *recurred {
	t.Helper()
	var got struct{ RecurringOrder *recurred }
	ask(`query($id: ID!) { recurringOrder(id: $id) { `+recurringFields+` } }`, apptest.Variables{"id": key}).Into(t, &got)
	return got.RecurringOrder
}

var jst = time.FixedZone("JST", 9*60*60)

// jstDay is the day so many days from today in Tokyo.
func jstDay(days int) string { return time.Now().In(jst).AddDate(0, 0, days).Format(time.DateOnly) }

// regular is a member who is to get goods again and again.
type regular struct {
	*apptest.App
	customer
	method, litter uuid.UUID
	ask            asking
}

func newRegular(t *testing.T) regular {
	t.Helper()
	a := apptest.Start(t)
	r := regular{App: a, method: a.AddShipping(t, "parcel", 500), litter: a.AddProduct(t, "litter", 1000).Variants[0], customer: newCustomer(t, a, "hanako@example.jp")}
	r.ask = func(q string, v apptest.Variables) apptest.Answer { return r.do(t, q, v) }
	return r
}

// wish is two bags of litter every month from tomorrow.
func (r regular) wish() apptest.Variables {
	return apptest.Variables{
		"idempotencyKey": id.New().String(), "unit": "MONTH", "every": 1, "firstOn": jstDay(1), "shippingMethodId": id.Global("ShippingMethod", r.method),
		"paymentMethod": "BANK_TRANSFER", "shippingAddress": newAddress("山田 花子"), "lines": []apptest.Variables{wantedLine(r.litter, 2, nil)},
	}
}

// run sees to the recurring orders, as the regular job does.
func (r regular) run(t *testing.T) {
	t.Helper()
	ctx := access.With(t.Context(), access.System)
	all, err := r.App.App.Channels.All(ctx)
	require.NoError(t, err)
	require.NoError(t, r.App.App.Resolvers.Recurring.Run(channel.With(ctx, all[0])))
}

// due makes the next order fall due today.
func (r regular) due(t *testing.T) {
	t.Helper()
	exec(t, r.App, `UPDATE recurring_orders SET next_on = $1, retry_at = NULL`, time.Now().In(jst))
}

func (r regular) orders(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, r.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&n))
	return n
}

func TestARecurringOrderComesOnceForEachDay(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	wish := r.wish()
	made := r.ask.recur(t, "subscribeRecurringOrder", wish)
	require.Empty(t, made.UserErrors)
	o := *made.RecurringOrder
	require.Equal(t, []string{"ACTIVE", "2500", jstDay(1)}, []string{o.State, o.Accepted.Amount, *o.NextOn})
	require.Len(t, o.Upcoming, 3)
	require.Equal(t, o.ID, r.ask.recur(t, "subscribeRecurringOrder", wish).RecurringOrder.ID, "the same intent subscribes once")

	r.run(t)
	r.run(t)
	require.Equal(t, 1, queuedMails(t, r.App, "recurring_order"), "the member is told ahead, once")
	require.Zero(t, r.orders(t), "and nothing is ordered before its day")
	r.due(t)
	r.run(t)
	r.run(t)
	require.Equal(t, 1, r.orders(t))
	requireStock(t, r.App, r.litter, 100, 2)
	now := r.ask.recurringOrder(t, o.ID)
	require.Greater(t, *now.NextOn, jstDay(0))
	require.Len(t, now.Occurrences, 1)
	require.Equal(t, []string{jstDay(0), "PLACED", "PENDING_PAYMENT", "2500"}, []string{now.Occurrences[0].DueOn, now.Occurrences[0].Result, now.Occurrences[0].Order.Status, now.Occurrences[0].Order.Total.Amount})

	// Should a day come round again, it orders nothing, and is passed over.
	r.due(t)
	r.run(t)
	require.Equal(t, 1, r.orders(t))
	require.Greater(t, *r.ask.recurringOrder(t, o.ID).NextOn, jstDay(0))
	stranger := newCustomer(t, r.App, "taro@example.jp")
	require.Nil(t, asking(func(q string, v apptest.Variables) apptest.Answer { return stranger.do(t, q, v) }).recurringOrder(t, o.ID))
}

// More fall due than are read at once; one of them cannot be placed, and holds up no other.
func TestAllThatFallsDueIsPlacedInOneRound(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	exec(t, r.App, `UPDATE stock_levels SET on_hand = 1000`)
	require.Empty(t, r.ask.recur(t, "subscribeRecurringOrder", r.wish()).UserErrors)
	exec(t, r.App, `
		WITH made AS (
			INSERT INTO recurring_orders SELECT (json_populate_record(o, json_build_object('id', gen_random_uuid(), 'number', 'R' || i, 'email', 'hanako@example.jp', 'name', '山田 花子',
				'shipping_address', $1::json, 'billing_address', null, 'key_id', null))).*
			FROM recurring_orders o CROSS JOIN generate_series(1, 204) i RETURNING id
		)
		INSERT INTO recurring_order_lines SELECT (json_populate_record(l, json_build_object('id', gen_random_uuid(), 'recurring_id', m.id))).* FROM recurring_order_lines l CROSS JOIN made m`,
		with(with(newAddress("山田 花子"), "postalCode", "1500001"), "phone", "0312345678"))
	r.run(t)
	require.Equal(t, 205, queuedMails(t, r.App, "recurring_order"), "each member is told ahead")
	r.due(t)
	r.run(t)
	require.Equal(t, 205, r.orders(t))
}

func TestARecurringOrderIsSkippedPausedAndChanged(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	o := *r.ask.recur(t, "subscribeRecurringOrder", with(r.wish(), "unit", "WEEK")).RecurringOrder
	name := apptest.Variables{"recurringOrderId": o.ID}
	skipped := *r.ask.recur(t, "skipRecurringOrder", name).RecurringOrder
	require.Equal(t, jstDay(8), *skipped.NextOn)
	require.Equal(t, "SKIPPED", skipped.Occurrences[0].Result)

	paused := r.ask.recur(t, "pauseRecurringOrder", name)
	require.Nil(t, paused.RecurringOrder.NextOn)
	r.due(t)
	r.run(t)
	require.Zero(t, r.orders(t), "nothing comes in a pause")
	require.Equal(t, "RECURRING_ORDER_STATE_CONFLICT", r.ask.recur(t, "skipRecurringOrder", name).fault())
	resumed := r.ask.recur(t, "resumeRecurringOrder", name).RecurringOrder
	require.Greater(t, *resumed.NextOn, jstDay(0), "what went by is not made up for")

	terms := apptest.Variables{"nextOn": jstDay(20), "every": 2, "lines": []apptest.Variables{wantedLine(r.litter, 3, nil)}}
	change := apptest.Variables{"recurringOrderId": o.ID, "revision": resumed.Revision, "terms": terms}
	changed := r.ask.recur(t, "changeRecurringOrder", change)
	require.Empty(t, changed.UserErrors)
	require.Equal(t, []string{jstDay(20), jstDay(34), jstDay(48)}, changed.RecurringOrder.Upcoming)
	require.Equal(t, "3500", changed.RecurringOrder.Accepted.Amount)
	require.Equal(t, "RECURRING_ORDER_CHANGED revision", r.ask.recur(t, "changeRecurringOrder", change).fault())
	require.Equal(t, "CANCELLED", r.ask.recur(t, "cancelRecurringOrder", name).RecurringOrder.State)
	require.Equal(t, "RECURRING_ORDER_STATE_CONFLICT", r.ask.recur(t, "resumeRecurringOrder", name).fault())
}

// What cannot be placed is told, listed and tried again; after the last try the day is
// left out, and nothing is lost.
func TestWhatCannotBePlacedIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	employ(t, r.App, "desk@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite)
	staff := as(t, r.App, phoneDesk)
	o := *r.ask.recur(t, "subscribeRecurringOrder", r.wish()).RecurringOrder
	exec(t, r.App, `UPDATE recurring_orders SET announced_on = next_on`)
	r.SetStock(t, r.litter, 1)
	r.due(t)
	r.run(t)
	r.run(t)
	require.Zero(t, r.orders(t))
	seen := r.ask.recurringOrder(t, o.ID)
	require.Equal(t, []string{"PROBLEM", "INSUFFICIENT_STOCK"}, []string{seen.Occurrences[0].Result, seen.Occurrences[0].ProblemCode})
	require.Equal(t, 1, seen.Attempts, "it is tried again the day after")
	require.Equal(t, 2, queuedMails(t, r.App, "recurring_order"), "member and staff are told")
	var list struct{ RecurringOrders struct{ Nodes []recurred } }
	staff(`{ recurringOrders(filter: {problem: true}) { nodes { id } } }`, nil).Into(t, &list)
	require.Len(t, list.RecurringOrders.Nodes, 1)

	// Stock arrives, but the price has risen by more than 10 %.
	r.SetStock(t, r.litter, 100)
	exec(t, r.App, `UPDATE prices SET amount = 1200`)
	retry := apptest.Variables{"recurringOrderId": o.ID}
	require.Empty(t, r.ask.recur(t, "retryRecurringOrder", retry).UserErrors)
	r.run(t)
	seen = r.ask.recurringOrder(t, o.ID)
	require.Equal(t, "RECURRING_ORDER_PRICE_ROSE", seen.Occurrences[0].ProblemCode)
	require.Contains(t, seen.Occurrences[0].ProblemText, "2900")
	require.Zero(t, r.orders(t))
	require.Equal(t, "2900", staff.recur(t, "retryRecurringOrder", with(retry, "acceptPrice", true)).RecurringOrder.Accepted.Amount)
	r.run(t)
	require.Equal(t, 1, r.orders(t))
	seen = r.ask.recurringOrder(t, o.ID)
	require.Equal(t, []string{"PLACED", ""}, []string{seen.Occurrences[0].Result, seen.Occurrences[0].ProblemCode})
	require.Zero(t, seen.Attempts)
	require.Equal(t, "RECURRING_ORDER_STATE_CONFLICT", r.ask.recur(t, "retryRecurringOrder", retry).fault(), "nothing is to be tried")

	// The next time it is gone for good: four tries, and the day is left out.
	exec(t, r.App, `UPDATE variants SET active = false WHERE id = $1`, r.litter)
	for range 4 {
		exec(t, r.App, `UPDATE recurring_orders SET next_on = $1, retry_at = NULL`, time.Now().In(jst).AddDate(0, 0, -1))
		r.run(t)
	}
	seen = r.ask.recurringOrder(t, o.ID)
	require.Len(t, seen.Occurrences, 2)
	require.Equal(t, []string{"GIVEN_UP", "VARIANT_UNAVAILABLE"}, []string{seen.Occurrences[1].Result, seen.Occurrences[1].ProblemCode})
	require.Greater(t, *seen.NextOn, jstDay(0))
	require.Equal(t, 1, r.orders(t))
}

func TestWhatARecurringOrderRefuses(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	refused := func(field string, value any) string {
		return r.ask.recur(t, "subscribeRecurringOrder", with(r.wish(), field, value)).fault()
	}
	require.Equal(t, "SAVED_CARD_UNKNOWN savedCardId", refused("paymentMethod", "CARD"))
	require.Equal(t, "RECURRING_ORDER_PAYMENT_INVALID paymentMethod", refused("paymentMethod", "AT_SHOP"))
	require.Equal(t, "REQUIRED convenienceStore", refused("paymentMethod", "CONVENIENCE_STORE"))
	require.Equal(t, "RECURRING_ORDER_SCHEDULE_INVALID every", refused("every", 13))
	require.Equal(t, "RECURRING_ORDER_SCHEDULE_INVALID firstOn", refused("firstOn", jstDay(0)))
	require.Equal(t, "RECURRING_ORDER_SCHEDULE_INVALID firstOn", refused("firstOn", jstDay(400)))
	require.Equal(t, "RECURRING_ORDER_EMPTY lines", refused("lines", []apptest.Variables{}))
	require.Equal(t, "VARIANT_UNAVAILABLE lines.0.variantId", refused("lines", []apptest.Variables{wantedLine(id.New(), 1, nil)}))
	require.Equal(t, "QUANTITY_INVALID lines.0.quantity", refused("lines", []apptest.Variables{wantedLine(r.litter, 0, nil)}))
	require.Equal(t, "SHIPPING_METHOD_UNAVAILABLE shippingMethodId", refused("shippingMethodId", id.Global("ShippingMethod", id.New())))
	require.Equal(t, "FORBIDDEN", refused("memberId", id.Global("Account", id.New())), "for oneself only")
	clerk := asking(func(q string, v apptest.Variables) apptest.Answer {
		return r.DoAs(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{uuid.New()}, Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}, q, v)
	})
	require.Equal(t, "FORBIDDEN", clerk.recur(t, "subscribeRecurringOrder", with(r.wish(), "memberId", r.customer.id)).fault(), "recurring orders are no shop's")
	var n int
	require.NoError(t, r.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM recurring_orders`).Scan(&n))
	require.Zero(t, n)
}

func TestReasonsAreShort(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	made := r.ask.recur(t, "subscribeRecurringOrder", r.wish())
	require.Empty(t, made.UserErrors)
	for _, field := range []string{"skipRecurringOrder", "pauseRecurringOrder", "cancelRecurringOrder"} {
		require.Equal(t, "TOO_LONG reason", r.ask.recur(t, field, apptest.Variables{"recurringOrderId": made.RecurringOrder.ID, "reason": strings.Repeat("あ", 501)}).fault(), field)
	}
	require.Empty(t, r.ask.recur(t, "skipRecurringOrder", apptest.Variables{"recurringOrderId": made.RecurringOrder.ID, "reason": strings.Repeat("あ", 500)}).UserErrors)
}

func TestNothingComesForWhoHasLeft(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	first, second := r.ask.recur(t, "subscribeRecurringOrder", r.wish()), r.ask.recur(t, "subscribeRecurringOrder", r.wish())
	require.Empty(t, append(first.UserErrors, second.UserErrors...))
	r.due(t)
	require.Empty(t, r.ask.recur(t, "pauseRecurringOrder", apptest.Variables{"recurringOrderId": second.RecurringOrder.ID}).UserErrors)
	require.Empty(t, done(t, r.App, r.bearer, fmt.Sprintf(`closeAccount(input: {password: %q})`, goodPassword)))
	states := func(state string) int {
		var n int
		require.NoError(t, r.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM recurring_orders WHERE state = $1`, state).Scan(&n))
		return n
	}
	require.Equal(t, 2, states("CANCELLED"), "it ends with the account")
	r.run(t)
	require.Zero(t, r.orders(t))

	// One that nobody ended ends when it falls due.
	exec(t, r.App, `UPDATE recurring_orders SET state = 'ACTIVE'`)
	r.run(t)
	require.Zero(t, r.orders(t))
	require.Equal(t, 2, states("CANCELLED"))
	var said int
	require.NoError(t, r.App.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'recurring_order.cancelled'`).Scan(&said))
	require.Equal(t, 2, said)
}
