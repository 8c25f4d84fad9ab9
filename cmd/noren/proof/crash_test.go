package proof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/smtp/smtptest"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// How often the process is killed, and how long at most it is waited for that.
const (
	kills     = 15
	killsTake = 25 * time.Second
	clients   = 4
	// How long an answer is waited for: a job whose worker was killed again and again waits
	// longer each time.
	patience = 4 * time.Minute
)

// TestAKilledProcessLosesAndDoublesNothing kills noren, as a machine that fails does,
// while clients order and pay and staff ship and refund, each asking again under the same
// key until there is an answer. At the end each intent has happened once, no gateway
// waits, and the books agree.
func TestAKilledProcessLosesAndDoublesNothing(t *testing.T) {
	h := newHouse(t)
	var all sync.WaitGroup
	stop := make(chan struct{})
	for n := range clients {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					d := rand.New(rand.NewPCG(uint64(n), uint64(h.serial.Add(1))))
					h.grant(d, h.members[n])
					h.move(d, n)
					h.come(d, n)
					h.buy(d, h.members[n])
				}
			}
		})
	}
	over := make(chan struct{})
	var hurrying sync.WaitGroup
	hurrying.Go(func() { h.hurry(over) })
	killed := h.kill(kills*longer(), time.Now().Add(killsTake*time.Duration(longer())))
	close(stop)
	all.Wait()
	h.quiet()
	close(over)
	hurrying.Wait()
	broken, err := books.Broken(t.Context(), h.shop.DB.Pool(), books.Always(), books.Settled())
	require.NoError(t, err)
	require.Empty(t, broken)
	h.agreesWithStripe()
	h.expiredOnce()
	h.cameOnce()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	require.Empty(t, h.failed)
	for what, want := range h.intents {
		require.Equal(t, want, h.count(what), what)
	}
	require.GreaterOrEqual(t, killed, kills*longer()/5, "too few kills to prove anything")
	t.Logf("killed %d times; %d orders, %d given up, %d sent, %d refunds; points given %d times, turned %d, sent away %d, %d prizes, come in %d, for nobody %d", killed,
		h.intents[countOrders], h.intents[countGivenUp], h.intents[countSent], h.intents[countRefunds],
		h.intents[countGifts], h.intents[countTurned], h.intents[countAway], h.intents[countPrizes], h.intents[countCome], h.intents[countNobody])
}

// house is a noren of two processes, which may be killed, and those around it.
type house struct {
	t       *testing.T
	shop    *pgtest.Shop
	binary  string
	address string
	env     []string
	stripe  *stripetest.Server
	goods   []string
	members []member // one for each client
	points  string   // the programme
	desk    desk     // where else points go
	ally    ally     // from where they come
	method  string
	jobs    *river.Client[pgx.Tx]
	staff   atomic.Pointer[string]
	serial  atomic.Int64

	serve, work *exec.Cmd

	mutex   sync.Mutex
	intents map[string]int // by the SQL that counts what became of them
	failed  []string
}

const (
	countOrders  = `SELECT count(*) FROM orders`
	countRefunds = `SELECT count(*) FROM payment_operations WHERE client_key <> '' AND kind = 'REFUND' AND status = 'DONE'`
	countSent    = `SELECT count(*) FROM shipments WHERE status = 'SHIPPED'`
	countGivenUp = `SELECT count(*) FROM orders WHERE status = 'CANCELLED'`
	countGrants  = `SELECT count(*) FROM point_entries WHERE kind = 'GRANT'`
	countUses    = `SELECT count(*) FROM point_entries WHERE kind = 'USE'`
	countGifts   = `SELECT count(*) FROM point_entries WHERE kind = 'TRANSFER_IN'`
	countTurned  = `SELECT count(*) FROM point_entries WHERE kind = 'EXCHANGE_IN'`
	countAway    = `SELECT count(*) FROM point_transfers WHERE outgoing`
	countPrizes  = `SELECT count(*) FROM prize_exchanges`
	countCome    = `SELECT count(*) FROM point_entries WHERE kind = 'RECEIVE'`
	countNobody  = `SELECT count(*) FROM point_arrivals WHERE state = 'OPEN'`
)

func newHouse(t *testing.T) *house {
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	h := &house{t: t, shop: pgtest.FillShop(t, db), stripe: stripetest.New(t), intents: map[string]int{}}
	for i, price := range []int64{1980, 498, 12_340} {
		v := h.shop.AddProduct(t, fmt.Sprint("goods-", i), price).Variants[0]
		h.shop.SetStock(t, v, 100_000)
		h.goods = append(h.goods, id.Global("Variant", v))
	}
	h.method = id.Global("ShippingMethod", h.shop.AddShipping(t, "parcel", 660))
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) //nolint:gosec // any will do
		recorded := httptest.NewRecorder()
		h.stripe.ServeHTTP(recorded, r.Clone(context.WithoutCancel(r.Context())))
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) //nolint:gosec // any will do
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	}))
	t.Cleanup(slow.Close)
	h.jobs, err = river.NewClient(riverpgxv5.New(db.Pool()), &river.Config{})
	require.NoError(t, err)
	h.binary = build(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	h.address = listener.Addr().String()
	require.NoError(t, listener.Close())
	h.env = append(os.Environ(), "DATABASE_URL="+url, "REDIS_URL=", "NOREN_ADDR="+h.address, "NOREN_PUBLIC_URL=http://"+h.address,
		"NOREN_SECRET=a secret of more than thirty-two characters", "NOREN_CORS_ORIGINS=https://shop.example.jp", "NOREN_ASSETS_DIR="+t.TempDir(),
		"STRIPE_SECRET_KEY="+stripetest.Key, "STRIPE_WEBHOOK_SECRET="+stripetest.WebhookSecret, "STRIPE_API_BASE="+slow.URL, "NOREN_CARD_HOLD=true",
		"SMTP_URL=smtp://"+smtptest.New(t).Address+"?tls=none", "MAIL_FROM=shop@example.jp", "NOREN_LOG_LEVEL=error")
	h.serve, h.work = h.start("serve"), h.start("worker")
	t.Cleanup(func() { h.end(h.serve); h.end(h.work) })
	h.employ()
	h.enrol()
	h.befriend()
	return h
}

// build is the path of a noren of this source.
func build(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "noren")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/noren-commerce/noren/cmd/noren").CombinedOutput() //nolint:gosec // the path is the test's
	require.NoError(t, err, string(built))
	return binary
}

func (h *house) start(what string) *exec.Cmd {
	c := exec.CommandContext(context.WithoutCancel(h.t.Context()), h.binary, what) //nolint:gosec // it was built above
	c.Env, c.Stderr = h.env, os.Stderr
	require.NoError(h.t, c.Start())
	return c
}

// end kills a process (SIGKILL): it does not hear of it.
func (h *house) end(c *exec.Cmd) {
	_ = c.Process.Kill()
	_ = c.Wait()
}

// kill kills one process or the other, up to so many times, each time they answer again.
func (h *house) kill(most int, until time.Time) (killed int) {
	for ; killed < most && time.Now().Before(until); killed++ {
		h.ready()
		time.Sleep(time.Duration(50+rand.IntN(600)) * time.Millisecond) //nolint:gosec // any will do
		which := rand.IntN(4)                                           //nolint:gosec // any will do
		if which < 3 {
			h.end(h.serve)
		}
		if which > 1 {
			h.end(h.work)
			h.work = h.start("worker")
		}
		if which < 3 {
			h.serve = h.start("serve")
		}
	}
	h.ready()
	return killed
}

func (h *house) ready() {
	require.Eventually(h.t, func() bool {
		request, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, "http://"+h.address+"/readyz", http.NoBody)
		if err != nil {
			return false
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		_ = response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, time.Minute, 20*time.Millisecond)
}

// lost is when no call of this test is under way any more.
const lost = "8 seconds"

// hurry lets the minutes pass, every second, after which an unanswered call counts as
// lost, and what a killed worker was at is taken up.
func (h *house) hurry(over <-chan struct{}) {
	pool, ctx := h.shop.DB.Pool(), context.WithoutCancel(h.t.Context())
	for {
		_, calls := pool.Exec(ctx, `UPDATE payment_operations SET created_at = created_at - interval '3 minutes', last_call_at = last_call_at - interval '3 minutes'
			WHERE status = 'OUTSTANDING' AND greatest(created_at, last_call_at) BETWEEN now() - interval '2 minutes' AND now() - interval '`+lost+`'`)
		_, again := pool.Exec(ctx, `UPDATE payment_operations SET look_at = NULL WHERE status = 'OUTSTANDING' AND look_at IS NOT NULL`)
		_, left := pool.Exec(ctx, `UPDATE river_job SET attempted_at = attempted_at - interval '5 minutes'
			WHERE state = 'running' AND attempted_at BETWEEN now() - interval '2 minutes' AND now() - interval '`+lost+`'`)
		_, asked := h.jobs.Insert(ctx, payment.ReconcileJob{}, nil)
		if err := errors.Join(calls, again, left, asked, h.age(ctx)); err != nil {
			h.fail("hurry: %v", err)
		}
		select {
		case <-over:
			return
		case <-time.After(time.Second):
		}
	}
}

// quiet waits until nothing is under way.
func (h *house) quiet() {
	require.Eventually(h.t, func() bool {
		return h.count(`SELECT count(*) FROM payment_operations WHERE status = 'OUTSTANDING'`) == 0
	}, 2*time.Minute, 200*time.Millisecond, "calls to gateways that were cut off are never looked up")
	if longer() > 1 { // the queue looks for what was left every half minute
		require.Eventually(h.t, func() bool {
			return h.count(`SELECT count(*) FROM river_job WHERE state IN ('running', 'retryable', 'available') AND kind <> 'payment_reconcile' AND created_at < now() - interval '5 seconds'`) == 0
		}, 3*time.Minute, time.Second)
	}
}

func (h *house) count(sql string) (n int) {
	require.NoError(h.t, h.shop.DB.Pool().QueryRow(context.WithoutCancel(h.t.Context()), sql).Scan(&n))
	return n
}

// agreesWithStripe fails unless Stripe has just what the books say, for orders that there
// are, and was asked for nothing twice.
func (h *house) agreesWithStripe() {
	require.Equal(h.t, int64(h.count(`SELECT coalesce(sum(captured - refunded), 0)::bigint FROM payments WHERE gateway = 'stripe'`)), h.stripe.Taken())
	require.Equal(h.t, int64(h.count(`SELECT coalesce(sum(authorised), 0)::bigint FROM payments`)), h.stripe.Held())
	require.Equal(h.t, h.count(`SELECT count(*) FROM payment_operations o JOIN payments p ON p.id = o.payment_id WHERE o.kind = 'REFUND' AND o.status = 'DONE' AND p.gateway = 'stripe'`), h.stripe.Refunds())
}

// employ gives staff an account that logs in.
func (h *house) employ() {
	h.ready()
	h.insist("", `mutation { register(input: {email: "staff@example.jp", password: "correct horse battery"}) { userErrors { code } } }`, nil)
	_, err := h.shop.DB.Pool().Exec(h.t.Context(), `UPDATE accounts SET role = 'ADMIN', email_verified_at = now()`)
	require.NoError(h.t, err)
	h.login()
}

func (h *house) login() {
	var got struct {
		Login struct{ Tokens struct{ AccessToken string } }
	}
	require.NoError(h.t, json.Unmarshal(h.insist("", `mutation { login(input: {email: "staff@example.jp", password: "correct horse battery"}) { tokens { accessToken } userErrors { code } } }`, nil), &got))
	bearer := "Bearer " + got.Login.Tokens.AccessToken
	h.staff.Store(&bearer)
}

type vars map[string]any

// errAway says that there was no answer: nobody knows what became of the question.
var errAway = errors.New("no answer")

// ask asks once. The token is a guest's cart, a member's ("Bearer …"), or "staff". Partners
// name a registered operation instead of a query.
func (h *house) ask(token, query string, variables vars) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), 10*time.Second)
	defer cancel()
	what := "query"
	if token == h.ally.token && token != "" {
		what = "documentId"
	}
	body, err := json.Marshal(map[string]any{what: query, "variables": variables})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.address+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if token == "staff" {
		request.Header.Set("Authorization", *h.staff.Load())
	} else if strings.HasPrefix(token, "Bearer ") {
		request.Header.Set("Authorization", token)
	} else if token != "" {
		request.Header.Set("X-Cart-Token", token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, errAway
	}
	defer response.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, errAway
	}
	if len(answer.Errors) > 0 || response.StatusCode >= 500 {
		return nil, fmt.Errorf("%w: %v", errAway, answer.Errors)
	}
	return answer.Data, nil
}

// insist asks until there is an answer.
func (h *house) insist(token, query string, variables vars) json.RawMessage {
	var last error
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(30 * time.Millisecond) {
		data, err := h.ask(token, query, variables)
		if err == nil {
			return data
		}
		last = err
	}
	h.fail("no answer within %v: %v to %s", patience, last, query)
	return json.RawMessage(`{}`)
}

func (h *house) fail(format string, args ...any) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.failed = append(h.failed, fmt.Sprintf(format, args...))
}

func (h *house) did(what string) { h.didAll(what, 1) }

func (h *house) didAll(what string, times int) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.intents[what] += times
}

// said is what mutations answer here.
type said struct {
	Order     struct{ ID, Number, Status string }
	Payment   struct{ Status string }
	Shipments []struct{ ID string }
	Cart      struct {
		Total struct{ Amount string }
	}
	CartToken  string
	UserErrors []struct{ Code string }
}

func (s said) code() string {
	if len(s.UserErrors) == 0 {
		return ""
	}
	return s.UserErrors[0].Code
}

// do runs a mutation until there is an answer that is not only for now.
func (h *house) do(token, field, kind, fields string, input vars) (s said) {
	query := fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s userErrors { code } } }`, kind, field, fields)
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
		var got map[string]said
		if err := json.Unmarshal(h.insist(token, query, input.as("in")), &got); err != nil {
			h.fail("%s: %v", field, err)
			return s
		}
		if s = got[field]; !slices.Contains([]string{"PAYMENT_IN_PROGRESS", "PAYMENT_UNCONFIRMED", "UNAVAILABLE"}, s.code()) {
			return s
		}
	}
	h.fail("%s: still %s after %v", field, s.code(), patience)
	return s
}

func (v vars) as(name string) vars { return vars{name: v} }

// buy is one customer's order from the cart to the door, and what staff do of it.
// A guest pays by card, a member a part of it with points.
func (h *house) buy(d *rand.Rand, m member) {
	key := func(what string) string { return fmt.Sprintf("%s-%016x", what, d.Uint64()) }
	token := ""
	if d.IntN(2) == 0 {
		token = m.token
	}
	cart := h.do(token, "addCartLine", "AddCartLineInput", "cartToken", vars{"variantId": h.goods[d.IntN(len(h.goods))], "quantity": 1 + d.IntN(3)})
	if token == "" {
		token = cart.CartToken
	}
	filled := h.do(token, "updateCart", "UpdateCartInput", "cart { total { amount } }", vars{"email": "hanako@example.jp", "shippingMethodId": h.method, "shippingAddress": vars{
		"name": "山田 花子", "postalCode": "150-0001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前1-2-3", "phone": "03-1234-5678",
	}})
	place := vars{"idempotencyKey": key("place"), "expectedTotal": filled.Cart.Total.Amount, "paymentMethod": "CARD"}
	if token == m.token {
		place["points"] = []vars{{"programmeId": h.points, "points": 100 + d.IntN(200)}}
	}
	o := h.do(token, "placeOrder", "PlaceOrderInput", "order { id number }", place).Order
	if o.ID == "" || h.do(token, "placeOrder", "PlaceOrderInput", "order { id }", place).Order.ID != o.ID {
		h.fail("an intent to order ended in %q and in another", o.ID)
		return
	}
	h.did(countOrders)
	if token == m.token {
		h.did(countUses)
	}
	paid := said{}
	for range 5 { // what never arrived is tried again under another key
		paid = h.do(token, "payOrder", "PayOrderInput", "payment { status }", vars{"idempotencyKey": key("pay"), "orderId": o.ID, "paymentMethod": "CARD", "cardToken": stripetest.CardVisa})
		if paid.code() != "PAYMENT_ABANDONED" {
			break
		}
	}
	if code := paid.code(); code != "" && code != "ALREADY_PAID" {
		h.fail("%s: paying ended in %s", o.Number, code)
		return
	}
	if d.IntN(4) == 0 {
		if code := h.do("staff", "cancelOrder", "CancelOrderInput", "order { status }", vars{"idempotencyKey": key("giveup"), "orderId": o.ID, "reason": "不要"}).code(); code != "" {
			h.fail("%s: giving it up ended in %s", o.Number, code)
		}
		h.did(countGivenUp)
		return
	}
	h.send(d, o.ID, key)
}

func (h *house) send(d *rand.Rand, orderID string, key func(string) string) {
	made := h.do("staff", "instructShipments", "InstructShipmentsInput", "shipments { id }", vars{"idempotencyKey": key("send"), "orderId": orderID})
	if len(made.Shipments) != 1 {
		h.fail("%s: %d shipments, %s", orderID, len(made.Shipments), made.code())
		return
	}
	ship := vars{"idempotencyKey": key("ship"), "shipmentId": made.Shipments[0].ID, "carrier": "ヤマト運輸", "trackingNumber": key("parcel")}
	if code := h.do("staff", "shipShipment", "ShipShipmentInput", "order { status }", ship).code(); code != "" {
		h.fail("%s: shipping ended in %s", orderID, code)
		return
	}
	h.did(countSent)
	if d.IntN(2) == 0 {
		return
	}
	paymentID := h.captured(orderID)
	if paymentID == "" {
		h.fail("%s: its money was never taken", orderID)
		return
	}
	amount := strconv.Itoa(1 + d.IntN(400))
	back := vars{"idempotencyKey": key("back"), "paymentId": paymentID, "amount": amount, "reason": "お詫び"}
	if code := h.do("staff", "refundPayment", "RefundPaymentInput", "payment { status }", back).code(); code != "" {
		h.fail("%s: the refund ended in %s", orderID, code)
		return
	}
	h.did(countRefunds)
}

// captured waits until the worker has taken the order's money, and answers its payment.
func (h *house) captured(orderID string) string {
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		var got struct {
			Order struct {
				Payments []struct{ ID, Method, Status string }
			}
		}
		if err := json.Unmarshal(h.insist("staff", `query($o: ID!) { order(id: $o) { payments { id method status } } }`, vars{"o": orderID}), &got); err != nil {
			return ""
		}
		for _, p := range got.Order.Payments {
			if p.Method == "CARD" && p.Status == "CAPTURED" {
				return p.ID
			}
		}
	}
	return ""
}
