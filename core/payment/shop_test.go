package payment_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/banktransfer"
	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/adapters/konbini/sandbox"
	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/adapters/till"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var (
	customer = access.Actor{Role: access.RoleMember, ID: id.New()}
	other    = access.Actor{Role: access.RoleMember, ID: id.New()}
	clerk    = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderWrite}}
)

// shop is the service over a real PostgreSQL and a Stripe with a memory; only
// the orders are played by the test.
type shop struct {
	*payment.Service
	db     *postgres.DB
	store  *postgres.Payments
	stripe *stripetest.Server
	stores *sandbox.Provider
	orders *orders
	jobs   *jobs
	outbox *outbox
	time   *hands
}

func open(t *testing.T, options ...func(*stripe.Config)) *shop {
	t.Helper()
	p := pgtest.NewShop(t)
	server := stripetest.New(t)
	config := stripe.Config{SecretKey: stripetest.Key, WebhookSecret: stripetest.WebhookSecret, BaseURL: server.URL, Retries: -1}
	for _, o := range options {
		o(&config)
	}
	s := &shop{
		db: p.DB, store: postgres.NewPayments(p.DB), stripe: server, jobs: &jobs{}, outbox: &outbox{}, time: &hands{now: clock.System()},
		orders: &orders{db: p.DB, brand: p.BrandID, rows: map[uuid.UUID]*orderRow{}},
	}
	s.stores = &sandbox.Provider{Key: "key", Secret: "secret", Shop: "noren", Now: s.time.read}
	provider := httptest.NewServer(s.stores)
	t.Cleanup(provider.Close)
	s.Service = payment.New(payment.Needs{
		Tx: p.DB, Store: s.store, Keys: idempotency.New(p.DB, postgres.NewKeys(p.DB), s.time.read), Jobs: s.jobs, Outbox: s.outbox, Events: postgres.NewEvents(p.DB), Now: s.time.read,
		Tills: till.Both(), Books: ledger.NewBooks(postgres.NewJournal(p.DB), s.time.read),
		Terms: payment.DefaultTerms(), Log: slog.New(slog.DiscardHandler),
		Gateways: []payment.Gateway{stripe.New(config), banktransfer.New(banktransfer.Account{
			BankName: "のれん銀行", BranchName: "本店", Type: "普通", Number: "1234567", Holder: "ﾉﾚﾝﾍﾟｯﾄ(ｶ",
		}), konbini.New(konbini.Config{BaseURL: provider.URL, Key: "key", Shop: "noren", WebhookSecret: "secret", Most: 5000, Now: s.time.read})},
	})
	s.Tell(s.orders)
	s.orders.payments = s.Service
	return s
}

// place makes an order of 1,980 yen that is to be paid by the method.
func (s *shop) place(t *testing.T, m payment.Method) uuid.UUID {
	t.Helper()
	return s.placeAt(t, m, payment.ChainLawson)
}

// placeAt makes the same order, to be paid at stores of the chain.
func (s *shop) placeAt(t *testing.T, m payment.Method, chain payment.Chain) uuid.UUID {
	t.Helper()
	row := &orderRow{due: payment.Due{
		OrderID: id.New(), BrandID: s.orders.brand, Number: "A-1001", Amount: 1980, Currency: "JPY", Payable: true,
		Name: "山田 花子", Email: "hanako@example.jp", Language: "ja",
	}}
	s.orders.put(row)
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error {
		d, err := s.Draft(ctx, payment.OpenInput{
			OrderID: row.due.OrderID, BrandID: row.due.BrandID, OrderNumber: row.due.Number, Method: m,
			Amount: row.due.Amount, Currency: row.due.Currency, Name: row.due.Name, Email: row.due.Email, Chain: chain,
		})
		return errors.Join(err, s.store.Insert(ctx, d.Payment), s.outbox.Enqueue(ctx, d.Messages...), s.Opened(ctx, d))
	}))
	return row.due.OrderID
}

// pay pays by card as the customer.
func (s *shop) pay(t *testing.T, order uuid.UUID, card, key string) (payment.PayResult, error) {
	t.Helper()
	return s.Pay(as(t, customer), payment.PayInput{OrderID: order, Token: card, IdempotencyKey: "key-0000-" + key})
}

func (s *shop) payments(t *testing.T, order uuid.UUID) []payment.Payment {
	t.Helper()
	all, err := s.OfOrders(t.Context(), []uuid.UUID{order})
	require.NoError(t, err)
	return all
}

func (s *shop) only(t *testing.T, order uuid.UUID) payment.Payment {
	t.Helper()
	all := s.payments(t, order)
	require.Len(t, all, 1)
	return all[0]
}

// cancel cancels an order as its service would.
func (s *shop) cancel(t *testing.T, order uuid.UUID) {
	t.Helper()
	require.NoError(t, s.db.InTx(t.Context(), func(ctx context.Context) error { return s.orders.PaymentExpired(ctx, order) }))
}

// work runs the queued operations, as the worker would.
func (s *shop) work(t *testing.T) error {
	t.Helper()
	var all []error
	for _, operation := range s.jobs.take() {
		all = append(all, s.Execute(t.Context(), operation))
	}
	return errors.Join(all...)
}

func (s *shop) events(t *testing.T, order uuid.UUID) []string {
	t.Helper()
	rows, err := s.db.Pool().Query(t.Context(), `SELECT type FROM events WHERE data->>'orderId' = $1 ORDER BY position`, order.String())
	require.NoError(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var kind string
		require.NoError(t, rows.Scan(&kind))
		all = append(all, kind)
	}
	return all
}

func as(t *testing.T, a access.Actor) context.Context { return access.With(t.Context(), a) }

// hands are a clock that the test turns.
type hands struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hands) read() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hands) turn(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

type jobs struct {
	mu     sync.Mutex
	queued []uuid.UUID
}

func (j *jobs) Operate(_ context.Context, operation uuid.UUID) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.queued = append(j.queued, operation)
	return nil
}

func (j *jobs) take() []uuid.UUID {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := j.queued
	j.queued = nil
	return all
}

type outbox struct {
	mu   sync.Mutex
	sent []messaging.Message
}

func (o *outbox) Enqueue(_ context.Context, messages ...messaging.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sent = append(o.sent, messages...)
	return nil
}

func (o *outbox) kinds() []messaging.Kind {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]messaging.Kind, len(o.sent))
	for i, m := range o.sent {
		all[i] = m.Kind
	}
	return all
}

// orders plays the orders: rows in memory. Their payments' rows are locked in
// place of the order's own.
type orders struct {
	db       *postgres.DB
	brand    uuid.UUID
	payments *payment.Service
	mu       sync.Mutex
	rows     map[uuid.UUID]*orderRow
}

type orderRow struct {
	due    payment.Due
	totals payment.Totals
}

func (o *orders) put(row *orderRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[row.due.OrderID] = row
}

func (o *orders) row(order uuid.UUID) orderRow {
	o.mu.Lock()
	defer o.mu.Unlock()
	return *o.rows[order]
}

func (o *orders) PaymentDue(ctx context.Context, order uuid.UUID) (payment.Due, error) {
	o.mu.Lock()
	row, ok := o.rows[order]
	o.mu.Unlock()
	if actor := access.From(ctx); !ok || (actor.ID != customer.ID && !actor.May(access.OrderWrite)) {
		return payment.Due{}, fault.ErrNotFound
	}
	if _, err := postgres.NewPayments(o.db).LockedOf(ctx, order); err != nil {
		return payment.Due{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return row.due, nil
}

func (o *orders) MaySee(ctx context.Context, _ uuid.UUID) (bool, error) {
	actor := access.From(ctx)
	return actor.ID == customer.ID || actor.May(access.OrderRead), nil
}

func (o *orders) Unmasked(_ context.Context, orderIDs []uuid.UUID) ([]uuid.UUID, error) {
	return orderIDs, nil
}

func (o *orders) PaymentChanged(_ context.Context, order uuid.UUID, t payment.Totals) (payment.Told, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	row := o.rows[order]
	row.totals = t
	row.due.Payable = !row.due.Cancelled && t.Secured() < row.due.Amount
	return payment.Told{Waits: row.due.Payable}, nil
}

func (o *orders) PaymentExpired(ctx context.Context, order uuid.UUID) error {
	o.mu.Lock()
	row := o.rows[order]
	row.due.Cancelled, row.due.Payable = true, false
	o.mu.Unlock()
	_, err := o.payments.Release(ctx, order, "EXPIRED")
	return err
}
