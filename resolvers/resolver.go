// Package resolvers answers the schema's fields: each reads its input, calls the
// core and returns the core's own type.
package resolvers

import (
	"context"
	"sync"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/audit"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/giftcard"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/partner"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/core/returns"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/shipping"
	"github.com/noren-commerce/noren/core/signal"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/core/tracking"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/core/wishlist"
	"github.com/noren-commerce/noren/core/worklist"
	"github.com/noren-commerce/noren/graph"
)

// Resolver holds the core's services.
type Resolver struct {
	Audit       *audit.Log
	Catalog     *catalog.Service
	Editor      *catalog.Editor
	Rules       *display.Service
	Display     *display.Editor
	Restock     *display.Restock
	Wishes      *wishlist.Service
	Stock       *inventory.Keeper
	Supply      *inventory.Supply
	Lots        *inventory.Lots
	Simulator   *promotion.Simulator
	Pricing     *pricing.Service
	Campaigns   *promotion.Service
	Shoppers    pricing.Buyers // whoever asks, as a buyer
	Lists       *pricing.Lists
	Terms       *pricing.Conditions
	Inventory   *inventory.Service
	Shops       *inventory.Shops
	MemberCodes *membercode.Service
	Counter     *counter.Service
	Sales       *sale.Service
	Carts       *cart.Service
	Shipping    *shipping.Service
	Methods     *shipping.Editor
	Orders      *order.Service
	Returns     *returns.Service
	Dispatch    *dispatch.Service
	Papers      *dispatch.Papers
	Results     *dispatch.Results
	Issues      *tracking.Issues
	Quotations  *quotation.Service
	Drafts      *draft.Service
	Recurring   *recurring.Service
	SavedCards  *cardfile.Service
	Worklists   *worklist.Service
	Imports     *importing.Service
	Prices      *importing.Prices
	Payments    *payment.Service
	Accounts    *identity.Service
	Customers   *customer.Service
	Members     *member.Service
	Purchases   *purchase.Service
	Segments    *segment.Service
	Mailings    *mailing.Service
	Statistics  *statistics.Service
	Migrations  *migration.Service
	Companies   *company.Service
	Ledger      *ledger.Service
	Banking     *banking.Service
	Billing     *billing.Service
	Invoices    *invoice.Service
	GiftCards   *giftcard.Service
	Points      *points.Service
	Prizes      *prize.Service
	Vouchers    *voucher.Service
	Draws       *draw.Service
	PublicURL   string // where links to published lists begin
	Partners    *partner.Service
	Signals     signal.Board
	SSO         *identity.SSO
}

// Loaders are the dataloaders of one request.
type Loaders struct {
	Products       *graph.Loader[uuid.UUID, catalog.Product]
	Variants       *graph.Loader[uuid.UUID, []catalog.Variant] // by product
	Prices         *graph.Loader[uuid.UUID, *pricing.Sheet]    // by variant
	Asked          *graph.Loader[askedPrice, pricedSheet]
	Desk           func() (*pricing.Desk, error)
	Free           *graph.Loader[uuid.UUID, inventory.Free] // by variant
	Estimates      *graph.Loader[cart.EstimateAsk, *cart.Estimate]
	Variant        *graph.Loader[uuid.UUID, catalog.Variant]
	Details        *graph.Loader[uuid.UUID, catalog.Detail]           // by product
	Listings       *graph.Loader[uuid.UUID, []catalog.ChannelListing] // by product
	Trees          *graph.Loader[uuid.UUID, []catalog.Category]       // by brand
	Levels         *graph.Loader[uuid.UUID, []inventory.Level]        // by variant
	StockTransfers *graph.Loader[uuid.UUID, []inventory.TransferLine] // by transfer
	Deliveries     *graph.Loader[uuid.UUID, []inventory.DeliveryLine] // by delivery
	CountedLines   *graph.Loader[page.First, page.Connection[inventory.CountedLine]]
	Tallies        *graph.Loader[uuid.UUID, inventory.Tally]        // by stocktake
	Trackings      *graph.Loader[uuid.UUID, inventory.Tracking]     // by variant
	LotLevels      *graph.Loader[uuid.UUID, []inventory.LotStock]   // by lot
	ShipmentLots   *graph.Loader[uuid.UUID, []inventory.ShippedLot] // by shipment
	Facts          *graph.Loader[uuid.UUID, display.Facts]          // by product
	Restock        *graph.Loader[uuid.UUID, bool]                   // by variant

	Sales        *graph.Loader[uuid.UUID, *sale.Terms] // by variant
	Sets         *graph.Loader[uuid.UUID, *sale.Set]   // by variant
	Order        *graph.Loader[uuid.UUID, order.Order]
	OrderLines   *graph.Loader[uuid.UUID, []order.Line]
	OrderHistory *graph.Loader[uuid.UUID, []order.Entry]
	Shipments    *graph.Loader[uuid.UUID, []order.Shipment] // by order
	Shipment     *graph.Loader[uuid.UUID, order.Shipment]
	Parcels      *graph.Loader[uuid.UUID, []order.Parcel] // by shipment
	PickUps      *graph.Loader[uuid.UUID, order.PickUp]   // by order
	Shops        func() ([]inventory.Shop, error)
	ShopStock    *graph.Loader[uuid.UUID, []inventory.ShopStock] // by variant

	Returns      *graph.Loader[uuid.UUID, []returns.Return] // by order
	Exchanges    *graph.Loader[uuid.UUID, replaced]         // by the order that replaces goods
	ReturnRules  *graph.Loader[uuid.UUID, returns.OfOrder]
	ReturnGoods  *graph.Loader[uuid.UUID, scope.Goods]     // by variant
	ReturnPhotos *graph.Loader[uuid.UUID, []returns.Photo] // by return

	Quotation        *graph.Loader[uuid.UUID, quotation.Quotation]
	QuotationOffers  *graph.Loader[uuid.UUID, []quotation.Offer] // the latest first
	QuotationLines   *graph.Loader[uuid.UUID, []quotation.Line]  // of all revisions
	QuotationHistory *graph.Loader[uuid.UUID, []quotation.Entry]

	DraftLines   *graph.Loader[uuid.UUID, []draft.Line] // by draft
	DraftOfOrder *graph.Loader[uuid.UUID, draft.Draft]  // by order

	SavedCard      *graph.Loader[uuid.UUID, cardfile.Card]
	RecurringLines *graph.Loader[uuid.UUID, []recurring.Line]       // by recurring order
	RecurringDays  *graph.Loader[uuid.UUID, []recurring.Occurrence] // by recurring order

	Wishes    *graph.Loader[uuid.UUID, []wishlist.Wish]         // by list
	Profiles  *graph.Loader[uuid.UUID, *customer.Profile]       // by member
	Addresses *graph.Loader[uuid.UUID, []customer.SavedAddress] // by member
	Pets      *graph.Loader[uuid.UUID, []customer.Pet]          // by member
	Weights   *graph.Loader[uuid.UUID, []customer.Weight]       // by pet
	TheirPets *graph.Loader[uuid.UUID, []customer.Pet]          // by member, as members are masked

	Memberships *graph.Loader[uuid.UUID, []member.Membership] // by member
	Cards       *graph.Loader[uuid.UUID, []member.Card]       // by member
	Settings    *graph.Loader[uuid.UUID, []member.Setting]    // by member
	Consents    *graph.Loader[uuid.UUID, []member.Consent]    // by member
	RankChanges *graph.Loader[uuid.UUID, []member.RankChange] // by member
	Households  *graph.Loader[uuid.UUID, []member.Member]     // by household
	Waiting     *graph.Loader[uuid.UUID, []member.Request]    // by member
	Member      *graph.Loader[uuid.UUID, *member.Member]

	PurchaseLines *graph.Loader[uuid.UUID, []purchase.Line] // by purchase
	Purchase      *graph.Loader[uuid.UUID, purchase.Purchase]
	Corrections   *graph.Loader[uuid.UUID, []purchase.Correction] // by purchase
	Logins        *graph.Loader[uuid.UUID, []identity.Link]       // by account

	Sessions      *graph.Loader[uuid.UUID, []identity.Session]     // by account
	Groups        *graph.Loader[uuid.UUID, []identity.Membership]  // by account
	SecondFactors *graph.Loader[uuid.UUID, bool]                   // by account
	PendingEmails *graph.Loader[uuid.UUID, *identity.PendingEmail] // by account

	Payments       *graph.Loader[uuid.UUID, []payment.Payment] // by order
	Payment        *graph.Loader[uuid.UUID, payment.Payment]
	PointRates     *graph.Loader[uuid.UUID, []points.Rate] // by programme that they leave
	PointProgramme *graph.Loader[uuid.UUID, points.Programme]
	PointRules     *graph.Loader[uuid.UUID, []points.Rule]      // by programme
	PointsEarned   *graph.Loader[uuid.UUID, []points.EarnedFor] // by order or purchase
	CardEntries    *graph.Loader[uuid.UUID, []giftcard.Entry]   // by gift card

	ExchangeVouchers *graph.Loader[uuid.UUID, []voucher.Voucher] // by exchange
	PrizeShopStocks  *graph.Loader[uuid.UUID, []prize.ShopStock] // by prize
	VoucherEntries   *graph.Loader[uuid.UUID, []voucher.Entry]   // by voucher
	DrawRanks        *graph.Loader[uuid.UUID, []draw.Rank]       // by draw
	DrawWinners      *graph.Loader[uuid.UUID, []draw.Winner]     // by draw

	Operations *graph.Loader[uuid.UUID, []payment.Operation]
	Transfers  *graph.Loader[uuid.UUID, []payment.Transfer]

	JournalLines *graph.Loader[uuid.UUID, []ledger.Line] // by entry

	BankAllocations *graph.Loader[uuid.UUID, []banking.Allocation] // by line
	StatementLines  *graph.Loader[uuid.UUID, []billing.Line]       // by company's statement

	OrderDocuments     *graph.Loader[uuid.UUID, []invoice.Document] // by order
	StatementDocuments *graph.Loader[uuid.UUID, []invoice.Document] // by company's statement

	PartnerKeys *graph.Loader[uuid.UUID, []partner.Key]

	Rejections      *pages[importing.Rejection] // by import run
	RejectionCounts *graph.Loader[page.First, int]

	PriceChanges         *pages[importing.PriceChange] // by price import
	PriceChangeCounts    *graph.Loader[page.First, int]
	PriceRejections      *pages[importing.Rejection]
	PriceRejectionCounts *graph.Loader[page.First, int]
	BiggestChanges       *graph.Loader[importing.Extreme, *importing.PriceChange]

	Companies        *graph.Loader[uuid.UUID, company.Company]
	Employers        *graph.Loader[uuid.UUID, company.Employer]       // by account
	Desks            *graph.Loader[uuid.UUID, company.Desk]           // by account
	CompanyAddresses *graph.Loader[uuid.UUID, []company.Address]      // by company
	CompanyBuyers    *graph.Loader[uuid.UUID, []company.Seat]         // by company
	CompanyGroups    *graph.Loader[uuid.UUID, []company.Placement]    // by company
	FunctionRules    *graph.Loader[uuid.UUID, []company.FunctionRule] // by company or group
	GroupSizes       *graph.Loader[uuid.UUID, company.Size]           // by group

	CreditEntries  *graph.Loader[page.First, page.Connection[company.Entry]]
	CompanyOrders  *graph.Loader[page.First, page.Connection[order.Order]]
	OrderCounts    *graph.Loader[page.First, int] // by company
	CompanyHistory *graph.Loader[page.First, page.Connection[company.Happened]]
	GroupMembers   *graph.Loader[page.First, page.Connection[identity.Account]]
	GroupCompanies *graph.Loader[page.First, page.Connection[company.Company]]
	CompanyCounts  *graph.Loader[page.First, int] // by group
}

// NewLoaders makes the dataloaders of one request: a line each.
func (r *Resolver) NewLoaders(ctx context.Context) *Loaders {
	desk := sync.OnceValues(func() (*pricing.Desk, error) { return r.Pricing.Desk(ctx, pricing.Ask{}) })
	return &Loaders{
		Desk:           desk,
		Asked:          graph.NewLoader(r.askedPrices),
		Products:       graph.NewLoader(graph.ByKey(r.Catalog.ByIDs, func(p catalog.Product) uuid.UUID { return p.ID })),
		Details:        graph.NewLoader(graph.ByKey(r.Catalog.Details, func(d catalog.Detail) uuid.UUID { return d.ProductID })),
		Listings:       graph.NewLoader(graph.Grouped(r.Catalog.ListingsOf, func(l catalog.ChannelListing) uuid.UUID { return l.ProductID })),
		Trees:          graph.NewLoader(graph.Grouped(r.Catalog.Trees, func(c catalog.Category) uuid.UUID { return c.BrandID })),
		Levels:         graph.NewLoader(graph.Grouped(r.Stock.Levels, func(l inventory.Level) uuid.UUID { return l.VariantID })),
		Deliveries:     graph.NewLoader(graph.Grouped(r.Supply.DeliveryLines, func(l inventory.DeliveryLine) uuid.UUID { return l.DeliveryID })),
		StockTransfers: graph.NewLoader(graph.Grouped(r.Stock.TransferLines, func(l inventory.TransferLine) uuid.UUID { return l.TransferID })),
		Tallies:        graph.NewLoader(graph.ByKey(r.Stock.Tallies, func(t inventory.Tally) uuid.UUID { return t.StocktakeID })),
		CountedLines:   graph.NewLoader(r.Stock.FirstCounted),
		Trackings:      graph.NewLoader(graph.ByKey(r.Lots.Trackings, func(t inventory.Tracking) uuid.UUID { return t.VariantID })),
		LotLevels:      graph.NewLoader(graph.Grouped(r.Lots.Levels, func(l inventory.LotStock) uuid.UUID { return l.ID })),
		ShipmentLots:   graph.NewLoader(graph.Grouped(r.Lots.Shipped, func(l inventory.ShippedLot) uuid.UUID { return l.ShipmentID })),
		Variants:       graph.NewLoader(graph.Grouped(r.Catalog.VariantsOf, func(v catalog.Variant) uuid.UUID { return v.ProductID })),
		Prices:         graph.NewLoader(sheetsAt(desk)),
		Free:           graph.NewLoader(graph.ByKey(r.Inventory.Free, func(f inventory.Free) uuid.UUID { return f.VariantID })),
		Estimates:      graph.NewLoader(r.estimates),
		Variant:        graph.NewLoader(graph.ByKey(r.Catalog.VariantsByID, func(v catalog.Variant) uuid.UUID { return v.ID })),

		Facts:   graph.NewLoader(graph.ByKey(r.Rules.Facts, func(f display.Facts) uuid.UUID { return f.ProductID })),
		Restock: graph.NewLoader(among(r.Restock.Offered)),

		Sales:        graph.NewLoader(graph.ByKey(r.saleTerms, func(t *sale.Terms) uuid.UUID { return t.VariantID })),
		Sets:         graph.NewLoader(graph.ByKey(r.sets, func(s *sale.Set) uuid.UUID { return s.VariantID })),
		Order:        graph.NewLoader(graph.ByKey(r.Orders.ByIDs, func(o order.Order) uuid.UUID { return o.ID })),
		OrderLines:   graph.NewLoader(graph.Grouped(r.Orders.Lines, func(l order.Line) uuid.UUID { return l.OrderID })),
		Shipments:    graph.NewLoader(graph.Grouped(r.Orders.Shipments, func(h order.Shipment) uuid.UUID { return h.OrderID })),
		Shipment:     graph.NewLoader(graph.ByKey(r.Orders.ShipmentsByID, func(h order.Shipment) uuid.UUID { return h.ID })),
		Parcels:      graph.NewLoader(graph.Grouped(r.Orders.Parcels, func(p order.Parcel) uuid.UUID { return p.ShipmentID })),
		PickUps:      graph.NewLoader(graph.ByKey(r.Orders.PickUps, func(p order.PickUp) uuid.UUID { return p.OrderID })),
		Shops:        sync.OnceValues(func() ([]inventory.Shop, error) { return r.Shops.All(ctx) }),
		ShopStock:    graph.NewLoader(graph.Grouped(r.Shops.Stock, func(s inventory.ShopStock) uuid.UUID { return s.VariantID })),
		Returns:      graph.NewLoader(graph.Grouped(r.Returns.OfOrders, func(t returns.Return) uuid.UUID { return t.OrderID })),
		Exchanges:    graph.NewLoader(graph.ByKey(r.exchanges, func(t replaced) uuid.UUID { return t.by })),
		ReturnRules:  graph.NewLoader(graph.ByKey(r.Returns.RulesOfOrders, func(o returns.OfOrder) uuid.UUID { return o.OrderID })),
		ReturnGoods:  graph.NewLoader(graph.ByKey(r.Returns.Goods, func(g scope.Goods) uuid.UUID { return g.VariantID })),
		ReturnPhotos: graph.NewLoader(graph.Grouped(r.Returns.PhotosOf, func(p returns.Photo) uuid.UUID { return p.ReturnID })),
		OrderHistory: graph.NewLoader(graph.Grouped(r.Orders.History, func(e order.Entry) uuid.UUID { return e.SubjectID })),

		Quotation:        graph.NewLoader(graph.ByKey(r.Quotations.ByIDs, func(q quotation.Quotation) uuid.UUID { return q.ID })),
		QuotationOffers:  graph.NewLoader(graph.Grouped(r.Quotations.Offers, func(o quotation.Offer) uuid.UUID { return o.QuotationID })),
		QuotationLines:   graph.NewLoader(graph.Grouped(r.Quotations.Lines, func(l quotation.Line) uuid.UUID { return l.QuotationID })),
		QuotationHistory: graph.NewLoader(graph.Grouped(r.Quotations.History, func(e quotation.Entry) uuid.UUID { return e.SubjectID })),

		DraftLines:   graph.NewLoader(graph.Grouped(r.Drafts.Lines, func(l draft.Line) uuid.UUID { return l.DraftID })),
		DraftOfOrder: graph.NewLoader(graph.ByKey(r.Drafts.OfOrders, func(d draft.Draft) uuid.UUID { return *d.OrderID })),

		SavedCard:      graph.NewLoader(graph.ByKey(r.SavedCards.Cards, func(c cardfile.Card) uuid.UUID { return c.ID })),
		RecurringLines: graph.NewLoader(graph.Grouped(r.Recurring.Lines, func(l recurring.Line) uuid.UUID { return l.RecurringID })),
		RecurringDays:  graph.NewLoader(graph.Grouped(r.Recurring.Occurrences, func(o recurring.Occurrence) uuid.UUID { return o.RecurringID })),

		Wishes:    graph.NewLoader(graph.Grouped(r.Wishes.Wishes, func(w wishlist.Wish) uuid.UUID { return w.ListID })),
		Profiles:  graph.NewLoader(graph.ByKey(r.Customers.Profiles, func(p *customer.Profile) uuid.UUID { return p.MemberID })),
		Addresses: graph.NewLoader(graph.Grouped(r.Customers.Addresses, func(a customer.SavedAddress) uuid.UUID { return a.MemberID })),
		Logins:    graph.NewLoader(graph.Grouped(r.SSO.Links, func(l identity.Link) uuid.UUID { return l.AccountID })),
		Pets:      graph.NewLoader(graph.Grouped(r.Customers.Pets, func(p customer.Pet) uuid.UUID { return p.MemberID })),
		Weights:   graph.NewLoader(graph.Grouped(r.Customers.Weights, func(w customer.Weight) uuid.UUID { return w.PetID })),
		TheirPets: graph.NewLoader(graph.Grouped(r.Members.Pets, func(p customer.Pet) uuid.UUID { return p.MemberID })),

		Memberships:   graph.NewLoader(graph.Grouped(r.Members.Memberships, func(m member.Membership) uuid.UUID { return m.MemberID })),
		Cards:         graph.NewLoader(graph.Grouped(r.Members.Cards, func(c member.Card) uuid.UUID { return c.MemberID })),
		Settings:      graph.NewLoader(graph.Grouped(r.Members.Settings, func(s member.Setting) uuid.UUID { return s.MemberID })),
		Consents:      graph.NewLoader(graph.Grouped(r.Members.Consents, func(c member.Consent) uuid.UUID { return c.MemberID })),
		RankChanges:   graph.NewLoader(graph.Grouped(r.Members.RankChanges, func(c member.RankChange) uuid.UUID { return c.MemberID })),
		PurchaseLines: graph.NewLoader(graph.Grouped(r.Purchases.Lines, func(l purchase.Line) uuid.UUID { return l.PurchaseID })),
		Purchase:      graph.NewLoader(graph.ByKey(r.Purchases.ByIDs, func(p purchase.Purchase) uuid.UUID { return p.ID })),
		Corrections:   graph.NewLoader(graph.Grouped(r.Purchases.Corrections, func(c purchase.Correction) uuid.UUID { return c.PurchaseID })),

		Households: graph.NewLoader(graph.Grouped(r.Members.Household, func(m member.Member) uuid.UUID { return *m.HouseholdID })),
		Waiting:    graph.NewLoader(graph.Grouped(r.Members.Waiting, func(q member.Request) uuid.UUID { return q.MemberID })),
		Member:     graph.NewLoader(graph.ByKey(pointers(r.Members.ByIDs), func(m *member.Member) uuid.UUID { return m.ID })),

		Sessions:      graph.NewLoader(graph.Grouped(r.Accounts.Sessions, func(s identity.Session) uuid.UUID { return s.AccountID })),
		Groups:        graph.NewLoader(graph.Grouped(r.Accounts.GroupsOf, func(m identity.Membership) uuid.UUID { return m.AccountID })),
		SecondFactors: graph.NewLoader(r.Accounts.WithFactor),
		PendingEmails: graph.NewLoader(graph.ByKey(r.Accounts.PendingEmails, func(p *identity.PendingEmail) uuid.UUID { return p.AccountID })),

		Payments:        graph.NewLoader(graph.Grouped(r.Payments.OfOrders, func(p payment.Payment) uuid.UUID { return p.OrderID })),
		BankAllocations: graph.NewLoader(graph.Grouped(r.Banking.AllocationsOf, func(a banking.Allocation) uuid.UUID { return a.LineID })),
		StatementLines:  graph.NewLoader(graph.Grouped(r.Billing.LinesOf, func(l billing.Line) uuid.UUID { return l.StatementID })),

		OrderDocuments:     graph.NewLoader(graph.Grouped(r.Invoices.OfOrders, func(d invoice.Document) uuid.UUID { return *d.OrderID })),
		StatementDocuments: graph.NewLoader(graph.Grouped(r.Invoices.OfStatements, func(d invoice.Document) uuid.UUID { return *d.StatementID })),

		JournalLines: graph.NewLoader(graph.Grouped(r.Ledger.LinesOf, func(l ledger.Line) uuid.UUID { return l.EntryID })),

		PointProgramme:   graph.NewLoader(graph.ByKey(r.Points.ProgrammesByID, func(p points.Programme) uuid.UUID { return p.ID })),
		PointRates:       graph.NewLoader(graph.Grouped(r.Points.Rates, func(x points.Rate) uuid.UUID { return x.FromID })),
		PointRules:       graph.NewLoader(graph.Grouped(r.Points.RulesOf, func(x points.Rule) uuid.UUID { return x.ProgrammeID })),
		PointsEarned:     graph.NewLoader(graph.Grouped(r.Points.EarnedFor, func(x points.EarnedFor) uuid.UUID { return x.SourceID })),
		PrizeShopStocks:  graph.NewLoader(graph.Grouped(r.Prizes.ShopStocks, func(x prize.ShopStock) uuid.UUID { return x.PrizeID })),
		ExchangeVouchers: graph.NewLoader(graph.Grouped(r.Vouchers.OfExchanges, func(v voucher.Voucher) uuid.UUID { return *v.ExchangeID })),
		VoucherEntries:   graph.NewLoader(graph.Grouped(r.Vouchers.EntriesOf, func(e voucher.Entry) uuid.UUID { return e.VoucherID })),
		DrawRanks:        graph.NewLoader(graph.Grouped(r.Draws.Ranks, func(x draw.Rank) uuid.UUID { return x.DrawID })),
		DrawWinners:      graph.NewLoader(graph.Grouped(r.Draws.Winners, func(w draw.Winner) uuid.UUID { return w.DrawID })),
		CardEntries:      graph.NewLoader(graph.Grouped(r.GiftCards.EntriesOf, func(e giftcard.Entry) uuid.UUID { return e.CardID })),
		Payment:          graph.NewLoader(graph.ByKey(r.Payments.ByIDs, func(p payment.Payment) uuid.UUID { return p.ID })),
		Operations:       graph.NewLoader(graph.Grouped(r.Payments.OperationsOf, func(o payment.Operation) uuid.UUID { return o.PaymentID })),
		Transfers:        graph.NewLoader(graph.Grouped(r.Payments.TransfersOf, func(t payment.Transfer) uuid.UUID { return t.PaymentID })),

		PartnerKeys: graph.NewLoader(graph.Grouped(r.Partners.KeysOf, func(k partner.Key) uuid.UUID { return k.PartnerID })),

		Rejections:      graph.NewLoader(r.Imports.FirstRejections),
		RejectionCounts: graph.NewLoader(r.Imports.RejectionCounts),

		PriceChanges:         graph.NewLoader(r.Prices.FirstChanges),
		PriceChangeCounts:    graph.NewLoader(r.Prices.ChangeCounts),
		PriceRejections:      graph.NewLoader(r.Prices.FirstRejections),
		PriceRejectionCounts: graph.NewLoader(r.Prices.RejectionCounts),
		BiggestChanges:       graph.NewLoader(r.Prices.Biggest),

		Companies:        graph.NewLoader(graph.ByKey(r.Companies.ByIDs, func(c company.Company) uuid.UUID { return c.ID })),
		Employers:        graph.NewLoader(graph.ByKey(r.Companies.Employers, func(e company.Employer) uuid.UUID { return e.AccountID })),
		Desks:            graph.NewLoader(graph.ByKey(r.Companies.Desks, func(d company.Desk) uuid.UUID { return d.MemberID })),
		CompanyAddresses: graph.NewLoader(graph.Grouped(r.Companies.Addresses, func(a company.Address) uuid.UUID { return a.CompanyID })),
		CompanyBuyers:    graph.NewLoader(graph.Grouped(r.Companies.Buyers, func(s company.Seat) uuid.UUID { return s.CompanyID })),
		CompanyGroups:    graph.NewLoader(graph.Grouped(r.Companies.GroupsOf, func(p company.Placement) uuid.UUID { return p.CompanyID })),
		FunctionRules:    graph.NewLoader(graph.Grouped(r.Companies.RulesOf, func(f company.FunctionRule) uuid.UUID { return f.AudienceID })),
		GroupSizes:       graph.NewLoader(graph.ByKey(r.Companies.Sizes, func(s company.Size) uuid.UUID { return s.GroupID })),

		CreditEntries:  graph.NewLoader(r.Companies.FirstEntries),
		CompanyOrders:  graph.NewLoader(r.Orders.FirstOfCompanies),
		OrderCounts:    graph.NewLoader(r.Orders.CountOfCompanies),
		CompanyHistory: graph.NewLoader(r.Companies.FirstHistory),
		GroupMembers:   graph.NewLoader(r.Companies.FirstMembers),
		GroupCompanies: graph.NewLoader(r.Companies.FirstCompanies),
		CompanyCounts:  graph.NewLoader(r.Companies.CompanyCounts),
	}
}

type loadersKey struct{}

// WithLoaders gives the request its own dataloaders.
func (r *Resolver) WithLoaders(ctx context.Context) context.Context {
	ctx = display.WithAsker(ctx)
	return context.WithValue(ctx, loadersKey{}, r.NewLoaders(ctx))
}

// load is the dataloaders of the request.
func load(ctx context.Context) *Loaders {
	return ctx.Value(loadersKey{}).(*Loaders)
}

// pointers answers rows by pointer, so that a key without one loads as nil.
func pointers[T any](fetch func(context.Context, []uuid.UUID) ([]T, error)) func(context.Context, []uuid.UUID) ([]*T, error) {
	return func(ctx context.Context, keys []uuid.UUID) ([]*T, error) {
		rows, err := fetch(ctx, keys)
		found := make([]*T, len(rows))
		for i := range rows {
			found[i] = &rows[i]
		}
		return found, err
	}
}

// among answers, for each key, whether it is among those that some picks.
func among(some func(context.Context, []uuid.UUID) ([]uuid.UUID, error)) func(context.Context, []uuid.UUID) (map[uuid.UUID]bool, error) {
	return func(ctx context.Context, keys []uuid.UUID) (map[uuid.UUID]bool, error) {
		picked, err := some(ctx, keys)
		found := make(map[uuid.UUID]bool, len(keys))
		for _, key := range picked {
			found[key] = true
		}
		return found, err
	}
}
