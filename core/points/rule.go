package points

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Occasion is for what a rule gives points.
type Occasion string

// The occasions. A purchase is an order or a receipt of a shop; a birthday, an anniversary of the registration and a
// rank that is reached are what noren sees by itself; the others are told by whoever sees them.
const (
	Purchased   Occasion = "PURCHASE"
	Reviewed    Occasion = "REVIEW"
	CheckedIn   Occasion = "CHECK_IN"
	Joined      Occasion = "SIGN_UP"
	Birthday    Occasion = "BIRTHDAY"
	Anniversary Occasion = "ANNIVERSARY"
	RankedUp    Occasion = "RANK_UP"
)

// seen reports whether noren sees by itself when the occasion is there.
func (o Occasion) seen() bool { return o == Birthday || o == Anniversary || o == RankedUp }

// Rule gives points (付与ルール). It never changes: who changes it ends it and makes
// another, so that an order's points can be reckoned again by the rules that it was
// placed under.
type Rule struct {
	ID          uuid.UUID
	ProgrammeID uuid.UUID
	Name        i18n.Text
	Terms       Terms
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    *time.Time
}

// GlobalID is the rule's id in the schema.
func (r Rule) GlobalID() string { return id.Global("PointRule", r.ID) }

// Terms are what a rule gives, and when. What is left out asks for nothing.
type Terms struct {
	Occasion    Occasion         `json:"occasion"`
	PerMinor    int64            `json:"per,omitempty"`        // so many points for each of this amount, in minor units
	Points      int64            `json:"points,omitempty"`     // without an amount: once
	Factor      *decimal.Decimal `json:"factor,omitempty"`     // instead: what others give on an amount, times this
	ProductIDs  []uuid.UUID      `json:"products,omitempty"`   // goods that count
	CategoryIDs []uuid.UUID      `json:"categories,omitempty"` // likewise, with what is below them
	ShopIDs     []uuid.UUID      `json:"shops,omitempty"`
	Weekdays    []int            `json:"weekdays,omitempty"` // 0 is Sunday
	MonthDays   []int            `json:"monthDays,omitempty"`
	Ranks       []string         `json:"ranks,omitempty"`
	SegmentIDs  []uuid.UUID      `json:"segments,omitempty"`   // members of one of these segments, as it was when something was bought or done
	First       bool             `json:"first,omitempty"`      // the member's first order or receipt in the brand
	MinMinor    int64            `json:"min,omitempty"`        // of the goods that count
	OncePerDay  bool             `json:"oncePerDay,omitempty"` // of occasions that are told
	LifeDays    *int             `json:"lifeDays,omitempty"`   // how many days what it gives lives from when it can be used; nil: as the programme says
}

// Products are the ids, in the schema, of the products that count.
func (t Terms) Products() []string { return id.Globals("Product", t.ProductIDs) }

// Categories are those of the categories that count.
func (t Terms) Categories() []string { return id.Globals("Category", t.CategoryIDs) }

// Shops are those of the shops.
func (t Terms) Shops() []string { return id.Globals("Location", t.ShopIDs) }

// Segments are those of the segments.
func (t Terms) Segments() []string { return id.Globals("Segment", t.SegmentIDs) }

// validate says what stands against the terms.
func (t Terms) validate() error {
	var all []error
	invalid := func(field, ja, en string) { all = append(all, fault.Invalid(fault.CodeInvalid, ja, en).At(field)) }
	ways := 0
	if t.Factor != nil {
		ways++
		if !t.Factor.GreaterThan(decimal.NewFromInt(1)) || t.Factor.GreaterThan(decimal.NewFromInt(100)) {
			invalid("factor", "倍率は1より大きく100以下で指定してください", "A factor is above 1 and at most 100")
		}
	}
	if t.Points != 0 {
		ways++
	}
	if ways != 1 {
		invalid("points", "付与ポイントか倍率のどちらかを指定してください", "A rule gives either points or a factor")
	}
	if !t.amountsFit() {
		invalid("points", "付与の条件が正しくありません", "The amounts of the rule are not valid")
	}
	if t.Occasion != Purchased && t.asksOfGoods() {
		invalid("occasion", "購入以外のルールに金額や商品の条件は指定できません", "Amounts and goods are for purchases only")
	}
	if t.Occasion.seen() {
		all = append(all, t.celebrated()...)
	}
	if slices.ContainsFunc(t.Weekdays, func(d int) bool { return d < 0 || d > 6 }) {
		invalid("weekdays", "曜日は0〜6で指定してください", "Weekdays are 0 to 6")
	}
	if slices.ContainsFunc(t.MonthDays, func(d int) bool { return d < 1 || d > 31 }) {
		invalid("monthDays", "日は1〜31で指定してください", "Days are 1 to 31")
	}
	if len(t.SegmentIDs) > maxSegments {
		all = append(all, fault.Invalid(fault.CodeTooMany, "セグメントは%d個までです", "A rule is for at most %d segments").With(maxSegments).At("terms.segmentIds"))
	}
	return errors.Join(append(all, lifeDays(t.LifeDays, "terms.lifeDays"))...)
}

// celebrated says what stands against terms for what noren sees by itself.
func (t Terms) celebrated() (all []error) {
	if len(t.ShopIDs) > 0 {
		all = append(all, fault.Invalid(fault.CodeInvalid, "誕生日・入会記念日・ランクアップのルールに店舗は指定できません", "Birthdays, anniversaries and ranks are of no shop").At("shopIds"))
	}
	if t.OncePerDay {
		all = append(all, fault.Invalid(fault.CodeInvalid, "誕生日・入会記念日・ランクアップは1日1回の指定ができません。それぞれ一度だけ付与されます", "Birthdays, anniversaries and ranks are given once each; leave oncePerDay out").At("oncePerDay"))
	}
	return all
}

func (t Terms) amountsFit() bool {
	return t.Points >= 0 && t.Points <= MaxPoints && t.PerMinor >= 0 && t.MinMinor >= 0 && (t.Factor == nil || t.PerMinor == 0)
}

// asksOfGoods reports whether the terms ask what only a purchase has.
func (t Terms) asksOfGoods() bool {
	return t.PerMinor > 0 || t.Factor != nil || len(t.ProductIDs)+len(t.CategoryIDs) > 0 || t.First || t.MinMinor > 0
}

// Purchase is what a member bought, as rules look at it.
type Purchase struct {
	Goods    []Good
	At       time.Time // in the brand's zone
	ShopID   *uuid.UUID
	Rank     string
	First    bool
	Segments []uuid.UUID     // of those that rules name, that the member was in
	Campaign decimal.Decimal // what campaigns multiply by, added up above 1; zero for none
}

// Good is one line of a purchase.
type Good struct {
	ProductID   uuid.UUID
	CategoryIDs []uuid.UUID // with those above them
	Minor       int64       // what was paid for it
}

// Given is what one rule gives.
type Given struct {
	RuleID uuid.UUID
	Points int64
}

// Reckon is what the rules give for a purchase. It is pure. Rules add up; factors add up
// too: twice and three times the points are four times. Each rule rounds down once.
func Reckon(rules []Rule, p Purchase) (total int64, given []Given) {
	var bases, factors []Rule
	for _, r := range rules {
		switch {
		case r.Terms.Occasion != Purchased || !r.fits(p):
		case r.Terms.Factor != nil:
			factors = append(factors, r)
		default:
			bases = append(bases, r)
		}
	}
	add := func(ruleID uuid.UUID, points int64) {
		if points > 0 {
			total, given = total+points, append(given, Given{ruleID, points})
		}
	}
	for _, r := range bases {
		add(r.ID, r.Terms.on(sum(p.Goods, r.Terms.counts)))
	}
	one := decimal.NewFromInt(1)
	for _, f := range factors {
		add(f.ID, times(bases, p.Goods, f.Terms.counts, f.Terms.Factor.Sub(one)))
	}
	if p.Campaign.GreaterThan(one) {
		add(uuid.Nil, times(bases, p.Goods, func(Good) bool { return true }, p.Campaign.Sub(one)))
	}
	return total, given
}

// times is what the rules by amount give for the goods that count, times a factor.
func times(bases []Rule, goods []Good, counts func(Good) bool, factor decimal.Decimal) (points int64) {
	for _, b := range bases {
		if b.Terms.PerMinor > 0 {
			both := sum(goods, func(g Good) bool { return counts(g) && b.Terms.counts(g) })
			points += decimal.NewFromInt(both / b.Terms.PerMinor * b.Terms.Points).Mul(factor).IntPart()
		}
	}
	return points
}

func sum(goods []Good, counts func(Good) bool) (minor int64) {
	for _, g := range goods {
		if counts(g) {
			minor += g.Minor
		}
	}
	return minor
}

// on is what the terms give for an amount.
func (t Terms) on(minor int64) int64 {
	if t.PerMinor > 0 {
		return minor / t.PerMinor * t.Points
	}
	return t.Points
}

// counts reports whether the goods count.
func (t Terms) counts(g Good) bool {
	if len(t.ProductIDs)+len(t.CategoryIDs) == 0 {
		return true
	}
	return slices.Contains(t.ProductIDs, g.ProductID) ||
		slices.ContainsFunc(g.CategoryIDs, func(c uuid.UUID) bool { return slices.Contains(t.CategoryIDs, c) })
}

// fits reports whether the rule looks at such a purchase.
func (r Rule) fits(p Purchase) bool {
	t := r.Terms
	goods := sum(p.Goods, t.counts)
	switch {
	case !r.stands(p.At), !t.sees(p.At, p.ShopID, p.Rank), !t.within(p.Segments), t.First && !p.First, goods < t.MinMinor:
		return false
	}
	return goods > 0
}

// stands reports whether the rule is in force.
func (r Rule) stands(at time.Time) bool {
	return (r.ValidFrom == nil || !at.Before(*r.ValidFrom)) && (r.ValidUntil == nil || at.Before(*r.ValidUntil))
}

// sees reports whether day, shop and rank are those of the rule.
func (t Terms) sees(at time.Time, shop *uuid.UUID, rank string) bool {
	switch {
	case len(t.Weekdays) > 0 && !slices.Contains(t.Weekdays, int(at.Weekday())),
		len(t.MonthDays) > 0 && !slices.Contains(t.MonthDays, at.Day()),
		len(t.ShopIDs) > 0 && (shop == nil || !slices.Contains(t.ShopIDs, *shop)),
		len(t.Ranks) > 0 && !slices.Contains(t.Ranks, rank):
		return false
	}
	return true
}

// within reports whether who is in those segments is a member whom the rule is for.
func (t Terms) within(segments []uuid.UUID) bool {
	return len(t.SegmentIDs) == 0 || slices.ContainsFunc(t.SegmentIDs, func(id uuid.UUID) bool { return slices.Contains(segments, id) })
}

// SaveRuleInput makes a rule; with an ID, instead of that one.
type SaveRuleInput struct {
	ID          *uuid.UUID
	ProgrammeID uuid.UUID
	Name        i18n.Text
	Terms       Terms
	ValidFrom   *time.Time
	ValidUntil  *time.Time
}

// SaveRule makes a rule (staff with POINT_ADMIN).
func (s *Service) SaveRule(ctx context.Context, in SaveRuleInput) (*Rule, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PointAdmin), in.Name.Check("name", maxName, true), in.Terms.validate()); err != nil {
		return nil, err
	}
	if in.ValidFrom != nil && in.ValidUntil != nil && !in.ValidFrom.Before(*in.ValidUntil) {
		return nil, fault.Invalid(fault.CodeInvalid, "終了日時は開始日時より後にしてください", "The end must be after the beginning").At("validUntil")
	}
	programme, err := s.programme(ctx, in.ProgrammeID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	r := Rule{ID: id.New(), ProgrammeID: programme.ID, Name: in.Name, Terms: in.Terms, ValidFrom: in.ValidFrom, ValidUntil: in.ValidUntil, CreatedAt: now, UpdatedAt: now}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.holdSegments(ctx, in.Terms); err != nil {
			return err
		}
		if in.ID != nil {
			if err := s.closeRule(ctx, programme.ID, *in.ID, now); err != nil {
				return err
			}
		}
		if err := s.Store.InsertRule(ctx, r); err != nil {
			return err
		}
		if slices.Contains(byCalendar, r.Terms.Occasion) {
			if err := s.Store.StartRound(ctx, programme.ID, r.Terms.Occasion, programme.Day(now)); err != nil {
				return err
			}
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_rule.saved", "PointProgramme", r.ProgrammeID, r))
	})
	return &r, err
}

// CloseRuleInput names a rule of a programme.
type CloseRuleInput struct {
	ProgrammeID uuid.UUID
	RuleID      uuid.UUID
}

// CloseRule ends a rule (staff with POINT_ADMIN).
func (s *Service) CloseRule(ctx context.Context, in CloseRuleInput) error {
	programmeID, ruleID := in.ProgrammeID, in.RuleID
	if err := access.RequireEverywhere(ctx, access.PointAdmin); err != nil {
		return err
	}
	if _, err := s.programme(ctx, programmeID); err != nil {
		return err
	}
	now := s.Now()
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.closeRule(ctx, programmeID, ruleID, now); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_rule.closed", "PointProgramme", programmeID, map[string]any{"ruleId": ruleID}))
	})
}

func (s *Service) closeRule(ctx context.Context, programmeID, ruleID uuid.UUID, at time.Time) error {
	closed, err := s.Store.CloseRule(ctx, []uuid.UUID{programmeID}, ruleID, at)
	if err == nil && !closed {
		return fault.ErrNotFound.At("id")
	}
	return err
}

// RulesOf are the rules of the programmes that stand.
func (s *Service) RulesOf(ctx context.Context, programmeIDs []uuid.UUID) ([]Rule, error) {
	return s.Store.Rules(ctx, programmeIDs, s.Now())
}
