package seed

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

func off(kind promotion.BenefitKind, percent string) promotion.BenefitInput {
	p := decimal.RequireFromString(percent)
	return promotion.BenefitInput{Kind: kind, Percent: &p}
}

func yen(kind promotion.BenefitKind, amount int64) promotion.BenefitInput {
	a := decimal.NewFromInt(amount)
	return promotion.BenefitInput{Kind: kind, Amount: &a}
}

func least(amount int64) *promotion.ConditionsInput {
	a := decimal.NewFromInt(amount)
	return &promotion.ConditionsInput{MinAmount: &a}
}

// opened are the campaigns that coupons open: they are there before the others.
func (s agreement) opened() map[string]promotion.SaveInput {
	return map[string]promotion.SaveInput{
		"next-500":  {Name: i18n.Text{"ja": "次回500円引き", "en": "¥500 off the next order"}, Benefits: []promotion.BenefitInput{yen(promotion.OrderAmount, 500)}, NeedsCoupon: true, Conditions: least(3000)},
		"welcome":   {Name: i18n.Text{"ja": "はじめての方クーポン", "en": "Welcome coupon"}, Benefits: []promotion.BenefitInput{off(promotion.OrderPercent, "10")}, NeedsCoupon: true, Conditions: &promotion.ConditionsInput{FirstPurchase: true}},
		"newspaper": {Name: i18n.Text{"ja": "折込チラシ限定クーポン", "en": "Leaflet coupon"}, Benefits: []promotion.BenefitInput{yen(promotion.OrderAmount, 300)}, NeedsCoupon: true, Uses: pointer(1000)},
	}
}

// campaigns are those that run by themselves, by what staff call them.
func (s agreement) running(next, gift uuid.UUID) map[string]promotion.SaveInput {
	five, two := decimal.NewFromInt(5), 2
	treats, toys := s.shelf("dog-treats"), s.shelf("dog-toys")
	all := func(shelves ...scope.TargetInput) []scope.TargetInput { return shelves }
	rank := group("GOLD")
	return map[string]promotion.SaveInput{
		"happy-hour": {Name: i18n.Text{"ja": "ハッピーアワー", "en": "Happy hour"}, Badge: i18n.Text{"ja": "17〜19時", "en": "5–7 pm"}, Benefits: []promotion.BenefitInput{off(promotion.LinePercent, "10")},
			Goods: all(treats), Recurrence: &promotion.Recurrence{From: pointer(17 * 60), Until: pointer(19 * 60)}, Group: "daily"},
		"meat-day": {Name: i18n.Text{"ja": "毎月29日は肉の日", "en": "Meat day, the 29th"}, Badge: i18n.Text{"ja": "肉の日", "en": "Meat day"}, Benefits: []promotion.BenefitInput{off(promotion.LinePercent, "29")},
			Goods: all(treats), Recurrence: &promotion.Recurrence{Days: []int{29}}, Group: "daily"},
		"birthday": {Name: i18n.Text{"ja": "お誕生月の特典", "en": "Your birthday month"}, Benefits: []promotion.BenefitInput{off(promotion.OrderPercent, "5")},
			Audiences: []scope.AudienceInput{{Kind: scope.Members}}, Conditions: &promotion.ConditionsInput{BirthdayMonth: true}, PerMember: pointer(1)},
		"food-and-treat": {Name: i18n.Text{"ja": "フード2つとおやつ1つで300円引き", "en": "2 foods and 1 treat: ¥300 off"}, Benefits: []promotion.BenefitInput{yen(promotion.SetAmount, 300)},
			Goods:      all(s.shelf("dog-food"), treats),
			Conditions: &promotion.ConditionsInput{Combination: []promotion.PartInput{{Goods: all(s.shelf("dog-food")), Quantity: 2}, {Goods: all(treats), Quantity: 1}}}},
		"toys-3-for-2": {Name: i18n.Text{"ja": "おもちゃ3つで一番安い1つが無料", "en": "Toys: the cheapest of 3 is free"}, Goods: all(toys),
			Benefits:   []promotion.BenefitInput{{Kind: promotion.Cheapest, Percent: pointer(decimal.NewFromInt(100)), Pieces: pointer(1)}},
			Conditions: &promotion.ConditionsInput{Combination: []promotion.PartInput{{Quantity: 3}}, MaxSets: &two}},
		"gift": {Name: i18n.Text{"ja": "8,000円以上でプレゼント", "en": "A gift from ¥8,000"}, Conditions: least(8000),
			Benefits: []promotion.BenefitInput{{Kind: promotion.FreeGift, VariantID: &gift, Pieces: pointer(1), Allotment: pointer(50)}}},
		"free-shipping": {Name: i18n.Text{"ja": "5,500円以上で送料無料", "en": "Free shipping from ¥5,500"}, Conditions: least(5500), Benefits: []promotion.BenefitInput{{Kind: promotion.FreeShipping}}},
		"points-5": {Name: i18n.Text{"ja": "ゴールド会員ポイント5倍", "en": "Gold members: 5 times the points"}, Audiences: []scope.AudienceInput{rank},
			Benefits: []promotion.BenefitInput{{Kind: promotion.Points, Factor: &five}}},
		"thanks": {Name: i18n.Text{"ja": "お買い上げで次回クーポン", "en": "A coupon for the next order"}, Conditions: least(4000), Benefits: []promotion.BenefitInput{{Kind: promotion.IssueCoupon, Issues: &next}}},
		"clearance": {Name: i18n.Text{"ja": "犬の服 決算セール（併用不可）", "en": "Dog wear clearance (with nothing else)"}, Goods: all(s.shelf("dog-wear")), Stacking: promotion.Exclusive,
			Benefits: []promotion.BenefitInput{off(promotion.LinePercent, "40")}, Budget: pointer(decimal.NewFromInt(200_000))},
		"walk-10":  {Name: i18n.Text{"ja": "お散歩用品10%引き", "en": "10 % off walking"}, Goods: all(s.shelf("dog-walk")), Group: "walk", Benefits: []promotion.BenefitInput{off(promotion.LinePercent, "10")}},
		"walk-200": {Name: i18n.Text{"ja": "お散歩用品200円引き", "en": "¥200 off walking"}, Goods: all(s.shelf("dog-walk")), Group: "walk", Benefits: []promotion.BenefitInput{yen(promotion.LineAmount, 200)}},
		"beds-test": {Name: i18n.Text{"ja": "ベッド8%引き（効果測定中）", "en": "8 % off beds (being measured)"}, Goods: all(s.shelf("dog-beds")), Audiences: []scope.AudienceInput{{Kind: scope.Members}},
			Benefits: []promotion.BenefitInput{off(promotion.LinePercent, "8")}, Experiment: &promotion.Experiment{HoldOut: 20}},
	}
}

func pointer[T any](v T) *T { return &v }

// run saves the campaigns and lets them run, and issues the sample's coupons: a code
// that many share, and a hundred that one may use each.
func (s agreement) run(ctx context.Context, goods []uuid.UUID) error {
	ids := map[string]uuid.UUID{}
	save := func(all map[string]promotion.SaveInput) error {
		for code, in := range all {
			in.Code = code
			c, err := s.campaigns.Save(ctx, in)
			if err != nil {
				return err
			}
			if _, err := s.campaigns.SetStatus(ctx, promotion.StatusInput{ID: c.ID, Status: promotion.Ready}); err != nil {
				return err
			}
			ids[code] = c.ID
		}
		return nil
	}
	if err := save(s.opened()); err != nil {
		return err
	}
	if err := save(s.running(ids["next-500"], goods[0])); err != nil {
		return err
	}
	_, shared := s.campaigns.Issue(ctx, promotion.IssueInput{IdempotencyKey: "seed-welcome", CampaignID: ids["welcome"], SharedCode: pointer("YOKOSO10")})
	_, many := s.campaigns.Issue(ctx, promotion.IssueInput{IdempotencyKey: "seed-newspaper", CampaignID: ids["newspaper"], Count: pointer(100)})
	return errors.Join(shared, many)
}
