package seed

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/adapters/banktransfer"
	"github.com/noren-commerce/noren/adapters/till"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/storage/postgres"
)

// SampleBank is the account that customers of the sample shop are told.
var SampleBank = banktransfer.Account{BankName: "見本銀行", BranchName: "見本支店", Type: "普通", Number: "0000000", Holder: "ﾐﾎﾝ ﾌﾘｺﾐｷﾝｼ"}

// trade is the core's services as the sample orders need them: under a clock that
// is set, and without mail.
type trade struct {
	at         time.Time // what the clock shows
	carts      *cart.Service
	orders     *order.Service
	payments   *payment.Service
	methods    *shipping.Service
	companies  *company.Service
	quotations *quotation.Service
	documents  *invoice.Service
	returns    *returns.Service
	tracking   *tracking.Service
	channels   map[uuid.UUID]channel.Channel // by brand
	goods      map[uuid.UUID][]uuid.UUID     // variants to buy, by brand
	clerk      Account                       // who works on the orders
}

// unsent drops mails: sample customers are not written to.
type unsent struct{}

func (unsent) Enqueue(context.Context, ...messaging.Message) error { return nil }

func newTrade(ctx context.Context, db *postgres.DB) (*trade, error) {
	t := &trade{channels: map[uuid.UUID]channel.Channel{}, goods: map[uuid.UUID][]uuid.UUID{}, clerk: Staff()[1]}
	now := func() time.Time { return t.at }
	jobs, err := postgres.NewJobs(db)
	if err != nil {
		return nil, err
	}
	codes, err := order.NewCodes("sample") // the code itself is not kept
	if err != nil {
		return nil, err
	}
	events, stock := postgres.NewEvents(db), postgres.NewInventory(db)
	keys := idempotency.New(db, postgres.NewKeys(db), now)
	books := ledger.NewBooks(postgres.NewJournal(db), now)
	t.companies = company.New(company.Parts{Tx: db, Store: postgres.NewCompanies(db), Keys: keys, Events: events, Books: books, Now: now})
	rules := display.New(postgres.NewDisplay(db), t.companies, now)
	prices := pricing.New(postgres.NewPricing(db), t.companies, nil, now)
	t.carts = cart.New(postgres.NewCarts(db), prices, rules, nil, t.companies, now)
	t.methods = shipping.New(postgres.NewShipping(db))
	t.payments = payment.New(payment.Needs{
		Tx: db, Store: postgres.NewPayments(db), Keys: keys, Jobs: jobs, Outbox: unsent{}, Events: events,
		Gateways: []payment.Gateway{banktransfer.New(SampleBank), till.Delivery()}, Tills: till.Both(), Books: books, Terms: payment.DefaultTerms(), Now: now, Log: slog.Default(),
	})
	lots := inventory.NewLots(inventory.LotParts{Tx: db, Store: stock, Keys: keys, Shown: inventory.NewShown(stock, events, now), Outbox: unsent{}, Events: events, Now: now})
	t.orders = order.New(order.Parts{
		Tx: db, Store: postgres.NewOrders(db), Carts: t.carts, Keys: keys,
		Outbox: unsent{}, Events: events, Flips: inventory.NewShown(stock, events, now), Trade: t.companies, Books: books, Carriers: postgres.NewShipping(db), Lots: lots, Routes: postgres.NewShipping(db), Codes: codes, Now: now,
	})
	t.orders.PayBy(t.payments)
	t.payments.Tell(t.orders)
	t.documents = invoice.New(invoice.Parts{
		Tx: db, Store: postgres.NewDocuments(db), Orders: t.orders, Payments: t.payments, Statements: postgres.NewBilling(db), Keys: keys, Events: events, Now: now,
	})
	t.orders.InvoiceBy(t.documents)
	t.returns = returns.New(returns.Parts{
		Tx: db, Store: postgres.NewReturns(db), Keys: keys, Orders: t.orders, Payments: t.payments, Companies: t.companies, Documents: t.documents,
		Prices: prices, Flips: inventory.NewShown(stock, events, now), Lots: lots, Outbox: unsent{}, Events: events, Now: now,
	})
	t.orders.ExchangeBy(t.returns)
	t.quotations = quotation.New(quotation.Parts{
		Tx: db, Store: postgres.NewQuotations(db), Keys: keys, Companies: t.companies, Orders: t.orders, Prices: prices, Rules: rules,
		Carts: t.carts, Outbox: unsent{}, Events: events, Now: now,
	})
	t.orders.QuoteBy(t.quotations)
	reports := postgres.NewTracking(db)
	t.tracking = tracking.New(tracking.Parts{
		Tx: db, Store: reports, Orders: t.orders, Issues: tracking.NewIssues(db, reports, events, now), Events: events, Now: now,
		Channels: func(context.Context) ([]channel.Channel, error) { return slices.Collect(maps.Values(t.channels)), nil },
	})
	channels := channel.New(postgres.NewChannels(db), now)
	for _, b := range Brands() {
		if t.channels[b.ID], err = channels.Resolve(ctx, b.Code, ""); err != nil {
			return nil, err
		}
		t.goods[b.ID] = b.wellStocked()
	}
	return t, nil
}

// as lets the account act: a member in the shop of its brand, staff in the brand
// of the context.
func (t *trade) as(ctx context.Context, a Account) context.Context {
	actor := access.Actor{Role: a.Role, ID: a.ID}
	for _, g := range groups {
		if g.name == a.Group {
			actor.Permissions = g.permissions
		}
	}
	if a.BrandID != nil {
		ctx = channel.With(ctx, t.channels[*a.BrandID])
	}
	return i18n.WithLanguage(access.With(ctx, actor), i18n.Default)
}

// refused reports whether the core said no, rather than failed.
func refused(err error) bool { return len(fault.All(err)) > 0 }

// buyers are the sample members who registered as such and are filling no cart of
// their own; nobody, where the sample retailer has orders already.
func buyers(ctx context.Context, db *postgres.DB) ([]Account, error) {
	all, brands := Members(), Brands()
	ids, brandIDs := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(brands))
	for i, a := range all {
		ids[i] = a.ID
	}
	for i, b := range brands {
		brandIDs[i] = b.ID
	}
	rows, err := db.Pool().Query(ctx, `
		SELECT a.id FROM accounts a
		WHERE a.id = ANY($1) AND a.role = 'MEMBER' AND a.closed_at IS NULL
		  AND NOT EXISTS (SELECT FROM carts c WHERE c.member_id = a.id AND NOT c.closed)
		  AND NOT EXISTS (SELECT FROM orders WHERE brand_id = ANY($2))`, ids, brandIDs)
	if err != nil {
		return nil, err
	}
	free, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	return slices.DeleteFunc(all, func(a Account) bool { return !slices.Contains(free, a.ID) }), err
}
