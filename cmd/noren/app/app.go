// Package app puts noren together: stores into services, services into
// resolvers, resolvers into a server. It is the one place that knows everything.
package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/assets"
	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/adapters/pdf"
	"github.com/noren-commerce/noren/core/audit"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/operation"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/partner"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/photo"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/core/worklist"
	"github.com/noren-commerce/noren/graph/graphiql"
	"github.com/noren-commerce/noren/graph/server"
	"github.com/noren-commerce/noren/resolvers"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/redis"
	"github.com/noren-commerce/noren/telemetry"
)

// App is a noren put together.
type App struct {
	Config     Config
	DB         *postgres.DB
	Channels   *channel.Service
	Resolvers  *resolvers.Resolver
	Edge       *server.Server // the GraphQL endpoint
	Operations *operation.Registry
	Partners   *partner.Service
	Accounts   *identity.Service
	SSO        *identity.SSO
	Payments   *payment.Service
	Sender     *messaging.Sender
	Personal   *postgres.Personal // seals personal data anew
	Messages   *postgres.Messages // what was sent
	Assets     *assets.Files      // keeps uploaded files
	Mailbox    *mailbox.Mailbox   // keeps the mails; nil if a mail server is set
	Ground                        // what all of it stands on and is watched by
	Tracking   *tracking.Service
	printer    *pdf.Printer
	proxies    proxies
	now        clock.Clock
}

// New puts noren together over an open, migrated database.
func New(cfg Config, db *postgres.DB, now clock.Clock, options ...Option) (*App, error) {
	ground, err := newGround(cfg, db, options)
	if err != nil {
		return nil, err
	}
	jobs, badJobs := postgres.NewJobs(db)
	sealed, badKeys := newSealing(cfg, db, now)
	if err := errors.Join(badJobs, badKeys); err != nil {
		return nil, err
	}
	sender, box, err := newSender(cfg.MailConfig, db, sealed, now)
	if err != nil {
		return nil, err
	}
	keys := idempotency.New(db, postgres.NewKeys(db), now)
	books := ledger.NewBooks(postgres.NewJournal(db), now)
	companies := newCompanies(db, ground, keys, books, now)
	loyalty, err := newPoints(cfg, db, sealed, jobs, keys, books, ground.Limiter, now)
	if err != nil {
		return nil, err
	}
	vouchers, cards, err := newPrepaid(cfg, db, sealed, jobs, keys, books, ground.Limiter, now)
	if err != nil {
		return nil, err
	}
	payments := newPayments(cfg, db, jobs, keys, ground.Metrics, books, vouchers, cards, loyalty, now)
	buyers := shoppers{companies}
	campaigns := newCampaigns(cfg, db, sealed, jobs, ground.Limiter, now)
	prices := pricing.New(postgres.NewPricing(db), buyers, campaigns, now)
	rules := display.New(postgres.NewDisplay(db), buyers, now)
	restock := newRestock(cfg, db, rules, jobs, ground.Limiter, now)
	carts := cart.New(postgres.NewCarts(db), prices, rules, campaigns, companies, now)
	carts.ShipBy(shipping.New(postgres.NewShipping(db)))
	stock, events := postgres.NewInventory(db), postgres.NewEvents(db)
	followed := points.Following{Recorder: events, Jobs: jobs}
	shown := inventory.NewShown(stock, events, now)
	shown.Then(restock.Flipped)
	customers := customer.New(db, postgres.NewCustomers(db, sealed), postgres.NewEvents(db), now)
	accounts, err := newAccounts(cfg, db, jobs, carts, customers, ground.Limiter, now)
	if err != nil {
		return nil, err
	}
	companies.RecruitBy(accounts)
	codes, badCodes := order.NewCodes(cfg.Secret)
	memberCodes, badMemberCodes := membercode.New(postgres.NewMemberCodes(db), cfg.Secret, ground.Limiter, now)
	returnLinks, badLinks := returns.NewLinks(cfg.Secret, cfg.PublicURL, now)
	trusted, badProxies := newProxies(cfg.TrustedProxy)
	printer, badPrinter := cfg.printer()
	settlements, badSettlements := ledger.NewLinks(cfg.Secret, cfg.PublicURL, now)
	if err := errors.Join(badCodes, badMemberCodes, badLinks, badSettlements, badProxies, badPrinter); err != nil {
		return nil, err
	}
	lots := inventory.NewLots(inventory.LotParts{Tx: db, Store: stock, Keys: keys, Shown: shown, Outbox: jobs, Limiter: ground.Limiter, Events: events, Now: now})
	orders := order.New(order.Parts{
		Tx: db, Store: postgres.NewOrders(db).WithMails(sealed), Carts: carts, Keys: keys,
		Outbox: jobs, Events: followed, Flips: shown, Campaigns: campaigns, Trade: companies, Books: books, Purse: payments.Purse, Points: loyalty, Carriers: postgres.NewShipping(db), Routes: postgres.NewShipping(db), Lots: lots, Channels: channel.New(postgres.NewChannels(db), now).All, Codes: codes, Members: memberCodes, Anew: jobs, Now: now,
	})
	shown.First(orders.Allocate)
	members, err := newMembers(cfg, db, sealed, jobs, keys, accounts, customers, ground.Limiter, memberCodes, now)
	if err != nil {
		return nil, err
	}
	desk := newCounter(db, memberCodes, members, ground.Limiter)
	loyalty.Members, vouchers.Members, loyalty.Counter, loyalty.Cards = members, members, desk, memberCodes
	around, err := newCrowd(cfg, crowdParts{db, sealed, keys, jobs, campaigns, vouchers, loyalty, members, desk, customers, sender, printer, ground.Limiter, now})
	if err != nil {
		return nil, err
	}
	sso, err := newSSO(cfg, db, accounts)
	if err != nil {
		return nil, err
	}
	orders.PayBy(payments)
	orders.WatchBy(accounts)
	payments.Tell(orders)
	documents, err := newDocuments(cfg, db, keys, orders, payments, now)
	if err != nil {
		return nil, err
	}
	orders.InvoiceBy(documents)
	payments.CreditBy(documents)
	partners := newPartners(db, now)
	saved := cardfile.New(cardfile.Parts{Tx: db, Store: postgres.NewCardFile(db), Keys: keys, Gateways: payments, Events: events, Now: now})
	lists := newLists(db, jobs, prices, events, now)
	files, err := cfg.open(cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	keeper := inventory.NewKeeper(inventory.KeeperParts{Tx: db, Store: stock, Transfers: stock, Stocktakes: stock, Lots: lots, Claims: orders, Waiters: jobs, Keys: keys, Shown: shown, Events: events, Now: now})
	back := returns.New(returns.Parts{
		Tx: db, Store: postgres.NewReturns(db), Keys: keys, Orders: orders, Payments: payments, Companies: companies, Campaigns: campaigns, Documents: documents,
		Prices: prices, Flips: shown, Lots: lots, Outbox: jobs, Events: followed, Now: now,
		Photos: postgres.NewReturns(db), Pictures: photo.NewReader(), Links: returnLinks,
	})
	orders.ExchangeBy(back)
	shipments, err := newCarriers(cfg, db, keys, orders, postgres.NewPrizes(db, sealed), around.prizes, jobs, now)
	if err != nil {
		return nil, err
	}
	a := &App{
		Config:   cfg,
		Assets:   files,
		DB:       db,
		Channels: channel.New(postgres.NewChannels(db), now),
		Resolvers: &resolvers.Resolver{
			Audit:       audit.NewLog(postgres.NewEvents(db)),
			Catalog:     catalog.New(redis.NewCatalog(postgres.NewCatalog(db), ground.Redis, ground.Generations, postgres.Joined), rules, buyers, search.NewAnalyzer(), now),
			Rules:       rules,
			Campaigns:   campaigns,
			Simulator:   newSimulator(db, campaigns, prices, jobs),
			Shoppers:    buyers,
			Display:     display.NewEditor(display.EditorParts{Tx: db, Store: postgres.NewDisplay(db), Buyers: companies, Events: events, Now: now}),
			Restock:     restock,
			Pricing:     prices,
			Lists:       lists,
			Terms:       newConditions(db, jobs, events, now),
			Editor:      newEditor(db, events, files, lists, now),
			Inventory:   inventory.New(stock, buyers),
			Shops:       inventory.NewShops(inventory.ShopParts{Tx: db, Store: stock, Buyers: buyers, Events: events, Now: now}),
			MemberCodes: memberCodes,
			Counter:     desk,
			Sales:       sale.New(sale.Parts{Tx: db, Store: postgres.NewSales(db), SetStore: postgres.NewSales(db), Shown: shown, Events: events, Now: now}),
			Stock:       keeper,
			Lots:        lots,
			Supply:      &inventory.Supply{Keeper: keeper, Supplies: stock, Outbox: jobs},
			Carts:       carts,
			Shipping:    shipping.New(postgres.NewShipping(db)),
			Methods:     shipping.NewEditor(db, postgres.NewShipping(db), events, now),
			Orders:      orders,
			Returns:     back,
			Dispatch:    shipments.files,
			Papers:      shipments.papers,
			Results:     shipments.results,
			Issues:      shipments.issues,
			Quotations: newQuotations(db, quotation.Parts{
				Keys: keys, Companies: companies, Orders: orders, Prices: prices, Rules: rules, Carts: carts, Outbox: jobs, Limiter: ground.Limiter, Events: events, Now: now,
			}),
			SavedCards: saved,
			Recurring: recurring.New(recurring.Parts{
				Tx: db, Store: postgres.NewRecurring(db), Members: postgres.NewDrafts(db, sealed), Keys: keys, Carts: carts, Orders: orders, Coupons: campaigns, Cards: saved, Outbox: jobs, Events: events,
				ShopURL: cfg.shopPages(), Now: now,
			}),
			Worklists: worklist.New(postgres.NewWorklists(db), accounts, now),
			Drafts: draft.New(draft.Parts{
				Tx: db, Store: postgres.NewDrafts(db, sealed), Carts: carts, Orders: orders, Coupons: campaigns, Prices: prices, Outbox: jobs, Events: events, ShopURL: cfg.shopPages(), Now: now,
			}),
			Imports:    NewImports(db, jobs, now),
			Prices:     newPriceImports(db, jobs, prices, lists, now),
			Signals:    ground.Signals,
			Payments:   payments,
			Accounts:   accounts,
			SSO:        sso,
			Customers:  customers,
			Members:    members,
			Purchases:  newPurchases(db, keys, members, loyalty, around.draws, now),
			Segments:   around.segments,
			Mailings:   around.mailings,
			Statistics: around.statistics, Migrations: around.migrations,
			Companies: companies,
			Ledger:    NewLedger(db, settlements, payments.ClearedBy(), now),
			Banking: banking.New(banking.Parts{
				Tx: db, Store: postgres.NewBanking(db), Keys: keys, Payments: payments, Companies: companies, Jobs: jobs, Events: events, Now: now,
			}),
			GiftCards: cards,
			Points:    loyalty,
			Prizes:    around.prizes,
			Vouchers:  vouchers,
			Draws:     around.draws,
			PublicURL: strings.TrimSuffix(cfg.PublicURL, "/"),
			Invoices:  documents,
			Billing:   billing.New(billing.Parts{Tx: db, Store: postgres.NewBilling(db), Companies: companies, Documents: documents, Outbox: jobs, Events: events, Now: now}),
			Partners:  partners,
		},
		Partners: partners,
		Accounts: accounts,
		SSO:      sso,
		Tracking: shipments.follow,
		printer:  printer,
		proxies:  trusted,
		Payments: payments,
		Personal: postgres.NewPersonal(db, sealed),
		Messages: postgres.NewMessages(db, sealed),
		Sender:   sender,
		Mailbox:  box,
		Ground:   ground,
		now:      now,
	}
	if a.Resolvers.Wishes, err = newWishes(cfg, db, sealed, window{prices, rules, a.Resolvers.Inventory, a.Resolvers.Catalog}, jobs, a.Channels, now); err != nil {
		return nil, err
	}
	orders.QuoteBy(a.Resolvers.Quotations)
	a.watch(jobs)
	a.Edge, err = a.newEdge()
	return a, err
}

// newSealing is what seals personal data. The first key is made before anybody is in a
// transaction.
func newSealing(cfg Config, db *postgres.DB, now clock.Clock) (*sealing.Keys, error) {
	sealed, err := NewSealing(cmp.Or(cfg.PersonalKey, cfg.Secret), db, now)
	if err != nil {
		return nil, err
	}
	db.SealWith(sealed)
	_, err = sealed.Current(context.Background())
	return sealed, err
}

// Handler answers every HTTP request.
func (a *App) Handler() http.Handler {
	r := chi.NewRouter()
	r.Use(a.proxies.unveiled, telemetry.Identified, a.guarded)
	if a.Config.MetricsAddr == "" {
		a.watching(r)
	}
	r.Group(func(r chi.Router) {
		r.Use(a.admitted)
		r.With(a.inScope, a.asPartner).Handle("/graphql", a.Edge)
		r.Post("/oauth/token", a.tokens)
		r.Get("/", graphiql.Handler().ServeHTTP)
		r.Get(graphiql.Prefix+"*", graphiql.Handler().ServeHTTP)
		r.Get("/.well-known/jwks.json", a.keySet)
		r.Get(ssoReturnPath, a.ssoReturn)
		r.Post(ssoReturnPath, a.ssoReturn)
		a.webhooks(r)
		r.Get("/sample/*", seed.Picture)
		r.With(a.inScope).Get(member.ExportPath+"{id}", a.memberExport)
		r.With(a.inScope).Get(voucher.LinkPath+"{id}", a.voucherCodes)
		r.With(a.inScope).Get(draw.ListPath+"{id}", a.drawEntries)
		r.With(a.inScope).Get(segment.LinkPath+"{id}", a.segmentExport)
		r.With(a.inScope).Get(mailing.LinkPath+"{id}", a.mailingFile)
		r.With(a.inScope).Get(ledger.LinkPath+"{id}", a.settlementFile)
		r.With(a.inScope).Get(statistics.LinkPath+"{id}", a.statisticExport)
		r.With(a.inScope).Get(migration.ReportPath+"{id}", a.migrationReport)
		r.Get(assets.Prefix+"*", a.Assets.ServeHTTP)
		r.With(a.inScope).Get(invoice.LinkPath+"{id}", a.document(a.printer))
		r.With(a.inScope).Get(dispatch.LinkPath+"{id}", a.shipmentFile)
		a.papers(r)
		a.mailLinks(r)
		if a.Config.Dev && a.Mailbox != nil {
			r.Method(http.MethodGet, "/dev/mail", a.Mailbox)
		}
		if provider := a.Config.sandbox(a.now); provider != nil {
			r.Mount(konbiniPath, http.StripPrefix(konbiniPath, provider))
		}
	})
	return a.tracing.HTTP(r)
}

// newCompanies puts together whom the shop trades with on terms.
func newCompanies(db *postgres.DB, ground Ground, keys *idempotency.Keys, books *ledger.Books, now clock.Clock) *company.Service {
	store := redis.NewCompanies(postgres.NewCompanies(db), ground.Redis, ground.Generations, postgres.Joined)
	return company.New(company.Parts{Tx: db, Store: store, Keys: keys, Events: postgres.NewEvents(db), Books: books, Now: now})
}

// NewLedger puts together how accountants read the payment journal, and compare it with the
// reports of gateways.
func NewLedger(db *postgres.DB, links *link.Signer, gateways []string, now clock.Clock) *ledger.Service {
	return ledger.New(ledger.Parts{
		Tx: db, Store: postgres.NewJournal(db), Books: ledger.NewBooks(postgres.NewJournal(db), now),
		Keys: idempotency.New(db, postgres.NewKeys(db), now), Events: postgres.NewEvents(db), Links: links, Gateways: gateways,
	})
}

// newQuotations puts together how buyers ask for quotations and get them.
func newQuotations(db *postgres.DB, p quotation.Parts) *quotation.Service {
	p.Tx, p.Store = db, postgres.NewQuotations(db)
	return quotation.New(p)
}

// newEditor puts together how staff write the catalog.
func newEditor(db *postgres.DB, events event.Recorder, files catalog.Assets, lists *pricing.Lists, now clock.Clock) *catalog.Editor {
	store := postgres.NewCatalog(db)
	return catalog.NewEditor(catalog.EditorParts{
		Tx: db, Store: store, Index: catalog.NewIndexer(store, search.NewAnalyzer()), Prices: lists,
		Events: events, Assets: files, Now: now,
	})
}

// newLists puts together how staff keep price lists.
func newLists(db *postgres.DB, jobs *postgres.Jobs, floors pricing.Floors, events event.Recorder, now clock.Clock) *pricing.Lists {
	return pricing.NewLists(pricing.ListParts{
		Tx: db, Store: postgres.NewPricing(db), Shelves: postgres.NewCatalog(db), Floors: floors, Turns: jobs, Events: events, Now: now,
	})
}

// newConditions puts together how staff keep rates and quantity discounts.
func newConditions(db *postgres.DB, jobs *postgres.Jobs, events event.Recorder, now clock.Clock) *pricing.Conditions {
	return pricing.NewConditions(pricing.ConditionParts{Tx: db, Store: postgres.NewPricing(db), Turns: jobs, Events: events, Now: now})
}
