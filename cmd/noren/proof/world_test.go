// Package proof_test tries to break noren's books: many people who do many things at
// once, and a process that is killed in between.
package proof_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/adapters/konbini/sandbox"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/resolvers"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// scoped is a test whose things end with one run of a property.
type scoped struct {
	testing.TB
	rt *rapid.T
}

func (s scoped) Cleanup(f func()) { s.rt.Cleanup(f) }

// world is a brand with two warehouses and a shop, five goods, gift cards, vouchers, points, campaigns, members
// with cards and recurring orders, and a company, in which people act at once, and the gateways that it talks to.
type world struct {
	*resolvers.Resolver
	app       *app.App
	shop      *pgtest.Shop
	cards     *stripetest.Server
	stores    *sandbox.Provider
	staff     context.Context
	buyer     context.Context
	company   uuid.UUID
	variants  []uuid.UUID
	lotted    uuid.UUID // of the variants: kept by lots with a best-before day
	locations []uuid.UUID
	counter   uuid.UUID // the shop's
	members   []context.Context
	programme uuid.UUID
	method    uuid.UUID
	codes     []string // of gift cards
	vouchers  []string // codes
	campaigns []promotion.SaveInput
	saved     []uuid.UUID  // cards, one of each member's
	shift     atomic.Int64 // how far the clock is ahead
	serial    atomic.Int64

	mutex  sync.Mutex
	orders []placed
	said   []string // what happened, for who looks for the cause
	done   map[string]int
	failed []string
}

// placed is an order and its customer.
type placed struct {
	id       uuid.UUID
	customer context.Context
}

const pieces = 60 // of each of the goods, in each warehouse

func newWorld(t testing.TB) *world {
	db, err := postgres.Open(t.Context(), pgtest.URL(t), postgres.WithMaxConns(12))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	w := &world{shop: pgtest.FillShop(t, db), cards: stripetest.New(t), done: map[string]int{}}
	w.stores = &sandbox.Provider{Key: "key", Secret: "secret", Shop: "noren", Now: time.Now}
	konbini := httptest.NewServer(w.stores)
	t.Cleanup(konbini.Close)
	config := app.Config{Secret: app.DevSecret, Dev: true, AssetConfig: app.AssetConfig{AssetsDir: t.TempDir()}}
	config.StripeSecretKey, config.StripeAPIBase, config.StripeWebhookSecret, config.CardHold = stripetest.Key, w.cards.URL, stripetest.WebhookSecret, true
	config.KonbiniAPIBase, config.KonbiniKey, config.KonbiniShop, config.KonbiniWebhookSecret = konbini.URL, "key", "noren", "secret"
	w.app, err = app.New(config, db, w.now)
	require.NoError(t, err)
	w.Resolver = w.app.Resolvers
	ch, err := w.app.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	w.staff = access.With(channel.With(context.WithoutCancel(t.Context()), ch), access.Actor{Role: access.RoleAdmin, ID: id.New()})
	w.furnish(t)
	return w
}

func (w *world) now() time.Time {
	return time.Now().UTC().Truncate(time.Microsecond).Add(time.Duration(w.shift.Load()))
}

// furnish puts goods on the shelves, and says on what terms the shop trades.
func (w *world) furnish(t testing.TB) {
	w.method = w.shop.AddShipping(t, "parcel", 660)
	second, err := w.Stock.SaveLocation(w.staff, inventory.SaveLocationInput{Code: "west", Name: i18n.JA("西日本倉庫"), Kind: inventory.Warehouse, Priority: 1, Ships: true, Active: true})
	require.NoError(t, err)
	w.locations = []uuid.UUID{w.shop.WarehouseID, second.ID}
	for i, price := range []int64{1980, 498, 12_340, 777} {
		v := w.shop.AddProduct(t, fmt.Sprint("goods-", i), price).Variants[0]
		w.shop.SetStock(t, v, pieces)
		_, err = w.Stock.Receive(w.staff, inventory.StockInput{IdempotencyKey: w.key(), VariantID: v, LocationID: second.ID, Quantity: pieces})
		require.NoError(t, err)
		w.variants = append(w.variants, v)
	}
	// The last may be ordered beyond its stock.
	_, err = w.shop.DB.Pool().Exec(w.staff, `INSERT INTO sold_out_policies (id, brand_id, target_kind, target_id, policy, back_order_limit, promise, created_at, updated_at)
		SELECT @id, p.brand_id, 'PRODUCT', p.id, 'BACK_ORDER', 40, '{"ja":"2週間後"}', now(), now() FROM products p JOIN variants v ON v.product_id = p.id WHERE v.id = @variant`,
		pgx.NamedArgs{"id": id.New(), "variant": w.variants[3]})
	require.NoError(t, err)
	_, err = w.shop.DB.Pool().Exec(w.staff, `UPDATE product_listings SET sold_out = sold_out_policy(product_id), sold_out_rule = sold_out_rule(product_id)`)
	require.NoError(t, err)
	_, err = w.Invoices.SaveIssuer(w.staff, invoice.SaveIssuerInput{RegistrationNumber: "T9000000000000", Name: "株式会社わんこ堂", PostalCode: "1500001", Address: "東京都渋谷区神宮前9-9-9"})
	require.NoError(t, err)
	upTo := decimal.NewFromInt(10_000)
	_, err = w.Payments.SaveDeliveryTerms(w.staff, payment.DeliveryInput{Active: true, Most: decimal.NewFromInt(300_000), TaxClass: money.TaxStandard, Bands: []payment.BandInput{
		{UpTo: &upTo, Fee: decimal.NewFromInt(330)}, {Fee: decimal.NewFromInt(440)},
	}})
	require.NoError(t, err)
	w.openCounter(t)
	w.keepLots(t)
	w.issueCards(t, 12)
	w.issueVouchers(t, 12)
	w.enrol(t, 3)
	w.award(t)
	w.trade(t)
}

func (w *world) issueCards(t testing.TB, count int) {
	issued, err := w.GiftCards.Issue(w.staff, giftcard.IssueInput{IdempotencyKey: w.key(), Amount: decimal.NewFromInt(3000), Count: count, PaidBy: giftcard.PaidCash})
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(issued.CSV)).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		w.codes = append(w.codes, row[0])
	}
}

func (w *world) issueVouchers(t testing.TB, count int) {
	amount := decimal.NewFromInt(1500)
	b, err := w.Vouchers.Issue(w.staff, voucher.IssueInput{IdempotencyKey: w.key(), Name: "金券", Amount: &amount, Count: count})
	require.NoError(t, err)
	require.NoError(t, w.Vouchers.Make(w.staff, b.ID))
	link, err := w.Vouchers.Export(w.staff, b.ID)
	require.NoError(t, err)
	to, err := url.Parse(link.URL)
	require.NoError(t, err)
	write, err := w.Vouchers.Take(w.staff, b.ID.String(), to.Query().Get("expires"), to.Query().Get("signature"))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, write(&text))
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		w.vouchers = append(w.vouchers, row[0])
	}
}

// trade opens a company's account and gives it a buyer.
func (w *world) trade(t testing.TB) {
	c, err := w.Companies.Create(w.staff, company.CreateInput{Code: "C001", Name: "フクフク商店", CreditLimit: decimal.NewFromInt(200_000), CreditPolicy: company.PolicyApproval})
	require.NoError(t, err)
	account := id.New()
	_, err = w.shop.DB.Pool().Exec(w.staff, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'COMPANY_BUYER', 'kaede@example.jp', '福田 ふく', now(), now())`, account)
	require.NoError(t, err)
	_, err = w.shop.DB.Pool().Exec(w.staff, `INSERT INTO company_buyers (company_id, account_id, role, created_at) VALUES ($1, $2, 'BUYER', now())`, c.ID, account)
	require.NoError(t, err)
	w.company, w.buyer = c.ID, access.With(w.staff, access.Actor{Role: access.RoleCompanyBuyer, ID: account})
}

func (w *world) key() string { return fmt.Sprintf("intent-%06d", w.serial.Add(1)) }

// ask reads one row, or leaves the values as they are.
func (w *world) ask(into []any, sql string, args ...any) error {
	err := w.shop.DB.Pool().QueryRow(w.staff, sql, args...).Scan(into...)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	return err
}

// heard notes how an act ended. A refusal that says why is as good as a success;
// whatever else fails is a defect.
func (w *world) heard(act string, err error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all := fault.All(err)
	word := "done"
	switch {
	case err == nil:
	case len(all) > 0 && all[0].Kind != fault.KindUnavailable:
		word = string(all[0].Code)
	default:
		word = err.Error()
		w.failed = append(w.failed, act+": "+word)
	}
	w.said = append(w.said, act+": "+word)
	w.done[strings.Fields(act)[0]+" "+word]++
}

// behind is what lies behind the orders whose numbers stand in the text: their ids, payments,
// entries of the journal, and what happened to them.
func (w *world) behind(text string) string {
	rows, err := w.shop.DB.Pool().Query(w.staff, `
		SELECT format('%s is %s: %s, total %s, refused %s', o.number, o.id, o.status, o.total, o.refused) FROM orders o WHERE position(o.number in $1) > 0
		UNION ALL SELECT format('payment %s (%s): %s of %s, back %s, as points %s, %s', p.id, p.method, p.captured, p.amount, p.refunded, p.as_points, p.status)
			FROM payments p JOIN orders o ON o.id = p.order_id WHERE position(o.number in $1) > 0
		UNION ALL (SELECT format('%s %s %s: %s', e.at, e.kind, e.source, string_agg(format('%s %s %s', l.account, l.debit, l.credit), ', ')) FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id
			JOIN orders o ON o.id = e.order_id WHERE position(o.number in $1) > 0 GROUP BY e.id, e.at, e.kind, e.source ORDER BY e.at)
		UNION ALL (SELECT format('%s %s %s', v.at, v.type, v.data) FROM events v JOIN orders o ON v.subject_id = o.id WHERE position(o.number in $1) > 0 ORDER BY v.position)`, text)
	if err != nil {
		return "\n" + err.Error()
	}
	lines, _ := pgx.CollectRows(rows, pgx.RowTo[string])
	return "\n" + strings.Join(lines, "\n")
}

// check fails unless the books agree.
func (w *world) check(rt *rapid.T, more ...[]books.Rule) {
	broken, err := books.Broken(w.staff, w.shop.DB.Pool(), append(more, books.Always())...)
	if err != nil {
		rt.Fatalf("ask the books: %v", err)
	}
	if broken = append(w.failed, broken...); len(broken) > 0 {
		all := strings.Join(broken, "\n")
		all += w.behind(all)
		rt.Fatalf("%s\n\nof these was said\n%s\n\nand at last\n%s", all, strings.Join(w.saidOf(all), "\n"), strings.Join(w.said[max(0, len(w.said)-60):], "\n"))
	}
}

// names are what acts and rules call orders, payments and the like.
var names = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9A-Z]{5}-[0-9A-Z]{5}\b`)

// saidOf is what was said of anything that the text names.
func (w *world) saidOf(text string) (all []string) {
	named := names.FindAllString(text, -1)
	for _, s := range w.said {
		if slices.ContainsFunc(named, func(n string) bool { return strings.Contains(s, n) }) {
			all = append(all, s)
		}
	}
	return all
}
