package seed

import (
	"context"
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/storage/postgres"
)

// agreement is what the sample staff have agreed with wholesalers, and the campaigns
// that they run in the first brand's shop.
type agreement struct {
	brand     Brand
	terms     *pricing.Conditions
	lists     *pricing.Lists
	shelves   *postgres.Catalog
	campaigns *promotion.Service
	supply    *inventory.Supply
	lots      *inventory.Lots
	now       time.Time
}

// WriteTerms lets the sample staff keep terms and run campaigns, through the core and
// in one transaction. A shop that has rates already is left alone.
func WriteTerms(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	t.at = now
	clock := func() time.Time { return now }
	jobs, err := postgres.NewJobs(db)
	if err != nil {
		return err
	}
	events, prices := postgres.NewEvents(db), postgres.NewPricing(db)
	s := agreement{brand: Brands()[0], now: now, shelves: postgres.NewCatalog(db),
		terms: pricing.NewConditions(pricing.ConditionParts{Tx: db, Store: prices, Turns: jobs, Events: events, Now: clock}),
		lists: pricing.NewLists(pricing.ListParts{Tx: db, Store: prices, Shelves: postgres.NewCatalog(db), Turns: jobs, Events: events, Now: clock}),
		campaigns: promotion.New(promotion.Parts{
			Tx: db, Store: postgres.NewCampaigns(db), Keys: idempotency.New(db, postgres.NewKeys(db), clock), Turns: jobs,
			Events: events, Outbox: unsent{}, Now: clock,
		}),
	}
	stock := postgres.NewInventory(db)
	keys, shown := idempotency.New(db, postgres.NewKeys(db), clock), inventory.NewShown(stock, events, clock)
	s.lots = inventory.NewLots(inventory.LotParts{Tx: db, Store: stock, Keys: keys, Shown: shown, Outbox: unsent{}, Events: events, Now: clock})
	s.supply = &inventory.Supply{Supplies: stock, Outbox: unsent{}, Keeper: inventory.NewKeeper(inventory.KeeperParts{
		Tx: db, Store: stock, Transfers: stock, Stocktakes: stock, Lots: s.lots, Keys: keys, Shown: shown, Events: events, Now: clock,
	})}
	ctx = t.as(channel.With(ctx, t.channels[s.brand.ID]), Staff()[0])
	return db.InTx(ctx, func(ctx context.Context) error {
		rules, err := prices.Rules(ctx, s.brand.ID)
		if err != nil || len(rules.Rates) > 0 {
			return err
		}
		return errors.Join(s.rates(ctx), s.discounts(ctx), s.ownPrices(ctx), s.run(ctx, t.goods[s.brand.ID]), s.supplied(ctx, t.goods[s.brand.ID]), s.larder(ctx))
	})
}

func percentage(text string) decimal.Decimal { return decimal.RequireFromString(text) }

func (s agreement) shelf(slug string) scope.TargetInput {
	key := s.brand.CategoryID(slug)
	return scope.TargetInput{Kind: scope.Category, ID: &key}
}

func group(code string) scope.AudienceInput {
	key := key("customer group", code)
	return scope.AudienceInput{Kind: scope.Group, ID: &key}
}

// rates: wholesalers buy at rates of their group, of a category and of a maker; no
// price goes below cost and 10 %; direct shipment of food is 12 % dearer.
func (s agreement) rates(ctx context.Context) error {
	maker := s.brand.MakerID(makers[0].slug)
	all := scope.TargetInput{Kind: scope.AllGoods}
	var faults []error
	for _, in := range []pricing.SaveRateInput{
		{Kind: pricing.RateCustomer, Name: i18n.Text{"ja": "卸A掛率", "en": "Wholesale A"}, Audience: group("WHOLESALE-A"), Target: all, Percent: percentage("65")},
		{Kind: pricing.RateCustomer, Name: i18n.Text{"ja": "卸B掛率", "en": "Wholesale B"}, Audience: group("WHOLESALE-B"), Target: all, Percent: percentage("72.5")},
		{Kind: pricing.RateCustomer, Name: i18n.Text{"ja": "卸Aおやつ掛率", "en": "Wholesale A, treats"}, Audience: group("WHOLESALE-A"), Target: s.shelf("dog-treats"), Percent: percentage("58"), RoundTo: 10},
		{Kind: pricing.RateCustomer, Name: i18n.Text{"ja": "メーカー別掛率", "en": "By maker"}, Audience: group("WHOLESALE-B"), Target: scope.TargetInput{Kind: scope.ProductBrand, ID: &maker}, Percent: percentage("70")},
		{Kind: pricing.RateFloor, Name: i18n.Text{"ja": "最低粗利", "en": "Lowest margin"}, Audience: scope.AudienceInput{Kind: scope.Everyone}, Target: all, Percent: percentage("10")},
		{Kind: pricing.RateDirect, Name: i18n.Text{"ja": "フード直送加算", "en": "Direct shipment of food"}, Audience: scope.AudienceInput{Kind: scope.Everyone}, Target: s.shelf("dog-food"), Percent: percentage("12")},
	} {
		in.Rounding, in.RoundTo = money.RoundDown, max(in.RoundTo, 1)
		_, err := s.terms.SaveRate(ctx, in)
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// discounts: a mixed one over all food, and steps of single goods.
func (s agreement) discounts(ctx context.Context) error {
	three, five, eight := percentage("3"), percentage("5"), percentage("8")
	nine, nineteen := 9, 19
	everyone := scope.AudienceInput{Kind: scope.Everyone}
	_, mixed := s.terms.SaveDiscount(ctx, pricing.SaveDiscountInput{
		Name: i18n.Text{"ja": "フード混載割引", "en": "Mixed food"}, Audience: everyone, Target: s.shelf("dog-food"), Mixed: true, Rounding: money.RoundDown, RoundTo: 1,
		Tiers: []pricing.TierInput{{From: 6, UpTo: &nineteen, Percent: &three}, {From: 20, Percent: &eight}},
	})
	_, steps := s.terms.SaveDiscount(ctx, pricing.SaveDiscountInput{
		Name: i18n.Text{"ja": "おもちゃまとめ買い", "en": "Toys by the dozen"}, Audience: everyone, Target: s.shelf("dog-toys"), Rounding: money.RoundDown, RoundTo: 1,
		Tiers: []pricing.TierInput{{From: 3, UpTo: &nine, Percent: &five}, {From: 10, Percent: &eight}},
	})
	return errors.Join(mixed, steps)
}

// ownPrices: the first wholesaler has three prices of its own.
func (s agreement) ownPrices(ctx context.Context) error {
	list, err := s.lists.CustomerList(ctx, scope.Audience{Kind: scope.Company, ID: key("company", wholesalers()[0].Code)})
	if err != nil {
		return err
	}
	var rows []catalog.PriceRow
	for bundle := range s.brand.Products(3) {
		rows = append(rows, catalog.PriceRow{
			VariantID: bundle.Variants[0].ID, MinQuantity: 1, Amount: bundle.Prices[0].Amount * 6 / 10,
			ValidFrom: scope.Beginning, ValidUntil: scope.Forever,
		})
	}
	return s.shelves.SavePrices(ctx, list.ID, rows)
}
