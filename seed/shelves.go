package seed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/storage/postgres"
)

// arrangement is how the sample staff arrange the first brand's shop: what is shown to
// whom, what wears a badge, what becomes of sold-out goods, and what is sold in
// another way than from stock.
type arrangement struct {
	brand   Brand
	display *display.Editor
	sales   *sale.Service
	now     time.Time
}

// WriteShelves lets the sample staff arrange the shop, through the core and in one
// transaction. A shop that has sold-out policies already is left alone.
func WriteShelves(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	t.at = now
	clock := func() time.Time { return now }
	events := postgres.NewEvents(db)
	s := arrangement{brand: Brands()[0], now: now, display: display.NewEditor(display.EditorParts{
		Tx: db, Store: postgres.NewDisplay(db), Events: events, Now: clock,
		Buyers: company.New(company.Parts{Tx: db, Store: postgres.NewCompanies(db), Events: events, Now: clock}),
	}), sales: sale.New(sale.Parts{
		Tx: db, Store: postgres.NewSales(db), SetStore: postgres.NewSales(db), Events: events, Now: clock,
		Shown: inventory.NewShown(postgres.NewInventory(db), events, clock),
	})}
	ctx = t.as(channel.With(ctx, t.channels[s.brand.ID]), Staff()[0])
	return db.InTx(ctx, func(ctx context.Context) error {
		if set, err := s.display.Policies(ctx); err != nil || len(set) > 0 {
			return err
		}
		for what, write := range map[string]func(context.Context) error{
			"policies": s.policies, "rules": s.rules, "badges": s.badges, "terms of sale": s.terms, "sets": s.sets,
		} {
			if err := write(ctx); err != nil {
				return fmt.Errorf("write the sample %s: %w", what, err)
			}
		}
		return nil
	})
}

func (s arrangement) shelf(slug string) *scope.TargetInput {
	key := s.brand.CategoryID(slug)
	return &scope.TargetInput{Kind: scope.Category, ID: &key}
}

// policies: beds are fetched from the maker, clothes of the season go, food is
// worth a note, and everything else stands behind what is there.
func (s arrangement) policies(ctx context.Context) error {
	var all []error
	limit := 30
	for _, in := range []display.PolicyInput{
		{Policy: policy(display.SoldOutLast)},
		{Target: s.shelf("dog-wear"), Policy: policy(display.SoldOutHide)},
		{Target: s.shelf("dog-dry"), Policy: policy(display.SoldOutNotifyMe)},
		{Target: s.shelf("dog-beds"), Policy: policy(display.SoldOutBackOrder), BackOrderLimit: &limit,
			Promise: i18n.Text{"ja": "お取り寄せ：約2週間でお届けします", "en": "Back-order: arrives in about two weeks"}},
	} {
		_, err := s.display.SetPolicy(ctx, in)
		all = append(all, err)
	}
	return errors.Join(all...)
}

func policy(p display.SoldOut) *display.SoldOut { return &p }

// rules: dental care is sold to members alone, and clothes rest in summer.
func (s arrangement) rules(ctx context.Context) error {
	deny, allow := display.Deny, display.Allow
	var all []error
	for _, in := range []display.SaveRuleInput{
		{Name: "デンタルケアは会員限定（非会員は購入不可）", Target: s.shelf("dental"), Purchasable: &deny,
			Message: i18n.Text{"ja": "会員登録いただいた方だけがご購入いただけます", "en": "For members only: please sign up"}},
		{Name: "デンタルケアは会員限定（会員は購入可）", Target: s.shelf("dental"), Purchasable: &allow, Audience: &scope.AudienceInput{Kind: scope.Members}},
		{Name: "犬用ウェアの夏休み", Target: s.shelf("dog-wear"), Purchasable: &deny, Season: &display.SeasonInput{From: "07-01", Until: "08-31"},
			Message: i18n.Text{"ja": "秋冬ウェアの販売は9月からです", "en": "Clothes are sold from September"}},
	} {
		_, err := s.display.SaveRule(ctx, in)
		all = append(all, err)
	}
	return errors.Join(all...)
}

// badges are worn, and one product is held at the head of its shelf.
func (s arrangement) badges(ctx context.Context) error {
	days := 60
	var all []error
	for _, in := range []display.SaveBadgeInput{
		{Code: "new", Kind: display.BadgeNew, Label: i18n.Text{"ja": "新着", "en": "New"}, Days: &days, Position: 1},
		{Code: "sale", Kind: display.BadgeSale, Label: i18n.Text{"ja": "セール", "en": "Sale"}, Position: 2},
		{Code: "vet", Kind: display.BadgeCustom, Label: i18n.Text{"ja": "獣医師おすすめ", "en": "Vets recommend"}, Target: s.shelf("dental"), Position: 3},
	} {
		_, err := s.display.SaveBadge(ctx, in)
		all = append(all, err)
	}
	shelf := s.brand.CategoryID("dog-treats")
	_, err := s.display.Pin(ctx, display.PinInput{CategoryID: shelf, ProductID: s.on(shelf, 0).Product.ID, Position: 1})
	return errors.Join(append(all, err)...)
}

// terms: a limited treat, clothes in advance, a collar made to order, and a sample with
// food for 3,000 yen.
func (s arrangement) terms(ctx context.Context) error {
	limited, advance, made, sample := sale.Limited, sale.Advance, sale.MadeToOrder, sale.Sample
	all, each, release := 200, 2, s.now.AddDate(0, 1, 0)
	one, least, food := 1, decimal.NewFromInt(3000), s.brand.CategoryID("dog-dry")
	variant := func(slug string) uuid.UUID { return s.on(s.brand.CategoryID(slug), 1).Variants[0].ID }
	var failed []error
	for _, in := range []sale.SetInput{
		{VariantID: variant("dog-treats"), Kind: &limited, Total: &all, PerCustomer: &each},
		{VariantID: variant("dog-wear"), Kind: &advance, Total: &all, PerCustomer: &each, ReleaseAt: &release,
			Promise: i18n.Text{"ja": release.In(jst).Format("1月2日") + "発売、発売日以降に発送します", "en": "Released on " + release.In(jst).Format("2 January") + ", shipped after"}},
		{VariantID: s.on(s.brand.CategoryID("dog-treats"), 2).Variants[0].ID, Kind: &sample, Total: &all, PerCustomer: &one, MinAmount: &least, WithCategoryID: &food},
		{VariantID: variant("dog-walk"), Kind: &made,
			Promise: i18n.Text{"ja": "受注生産：ご注文確定から約3週間", "en": "Made to order: about three weeks"}},
	} {
		_, err := s.sales.Set(ctx, in)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// sets: a box of treats for the price of its parts less 10 %, and three treats of four at
// a price of their own.
func (s arrangement) sets(ctx context.Context) error {
	shelf, off := s.brand.CategoryID("dog-treats"), decimal.NewFromInt(10)
	variant := func(n int) uuid.UUID { return s.on(shelf, n).Variants[0].ID }
	_, fixed := s.sales.SaveSet(ctx, sale.SaveSetInput{
		VariantID: variant(3), PriceRule: sale.PartsPrice, Percent: &off,
		Parts: []sale.SetPart{{VariantID: variant(5), Quantity: 2}, {VariantID: variant(6), Quantity: 1}},
	})
	_, chosen := s.sales.SaveSet(ctx, sale.SaveSetInput{
		VariantID: variant(4), PriceRule: sale.OwnPrice,
		Slots: []sale.SlotInput{{Name: i18n.Text{"ja": "よりどり3点", "en": "Any three"}, Pick: 3, Choices: []uuid.UUID{variant(5), variant(6), variant(7), variant(8)}}},
	})
	return errors.Join(fixed, chosen)
}

// on is the nth product of a shelf.
func (s arrangement) on(shelf uuid.UUID, n int) catalog.Bundle {
	for bundle := range s.brand.Products(0) {
		if !slices.Contains(bundle.Categories, shelf) {
			continue
		}
		if n == 0 {
			return bundle
		}
		n--
	}
	return catalog.Bundle{}
}
