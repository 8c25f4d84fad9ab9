// Package display says what of the shop a buyer sees: which products are shown,
// which can be bought, whose price is told (表示制御); what badges they wear, where
// they stand on a category's page, and what becomes of them when they are sold out.
package display

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

// Aspect is one of the questions that display rules answer of a product.
type Aspect string

// The aspects.
const (
	Visible     Aspect = "VISIBLE"     // the product is there at all
	Purchasable Aspect = "PURCHASABLE" // it can be put into a cart and ordered
	PriceShown  Aspect = "PRICE_SHOWN" // its price is told
)

// Aspects lists every aspect.
var Aspects = []Aspect{Visible, Purchasable, PriceShown}

// Effect is what a rule says of an aspect.
type Effect string

// The effects.
const (
	Allow Effect = "ALLOW"
	Deny  Effect = "DENY"
)

// Rule is one display rule: for whom, for which goods and when, and what it says
// of each aspect. What it leaves nil it says nothing of.
type Rule struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Name    string // for staff
	scope.Audience
	scope.Target
	scope.Window
	ChannelID   *uuid.UUID // nil for every channel of the brand
	Channel     *string    // its code
	SeasonFrom  *MonthDay  // both or neither
	SeasonUntil *MonthDay
	Visible     *Effect
	Purchasable *Effect
	PriceShown  *Effect
	Message     i18n.Text // what the buyer reads in place of the price or the button
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    *time.Time
}

// GlobalID is the rule's id in the schema.
func (r Rule) GlobalID() string { return id.Global("DisplayRule", r.ID) }

// Season is when in a year the rule holds; nil for all of it.
func (r Rule) Season() *Season {
	if r.SeasonFrom == nil || r.SeasonUntil == nil {
		return nil
	}
	return &Season{*r.SeasonFrom, *r.SeasonUntil}
}

// Says is what the rule says of the aspect; nil if nothing.
func (r Rule) Says(a Aspect) *Effect {
	switch a {
	case Visible:
		return r.Visible
	case Purchasable:
		return r.Purchasable
	case PriceShown:
		return r.PriceShown
	}
	return nil
}

// Failures of display rules.
var (
	ErrSeason   = fault.Invalid("SEASON_INVALID", "期間は「11-01」のような実在する月日で、開始と終了の両方を指定してください", "A season has a first and a last day, both real days such as 11-01")
	ErrNoEffect = fault.Invalid("EFFECT_MISSING", "表示・購入・価格表示のいずれかを指定してください", "The rule says nothing of visibility, purchase or price")
	// ErrVariantVisible: a product is shown or not as a whole.
	ErrVariantVisible = fault.Invalid("VARIANT_NOT_HIDEABLE", "表示・非表示は商品単位で指定してください。バリエーションは無効にできます", "Products are shown or hidden as a whole; switch a single variant off instead")
	ErrNoChannel      = fault.Invalid("CHANNEL_UNKNOWN", "指定されたチャネルはありません", "There is no such channel")
	ErrNoTarget       = fault.Invalid("TARGET_UNKNOWN", "対象の商品・カテゴリー・ブランドが見つかりません", "There is no such product, category, brand or attribute")
	ErrNoAudience     = fault.Invalid("AUDIENCE_UNKNOWN", "対象のお客様・取引先・グループが見つかりません", "There is no such member, company or group")
	ErrClosed         = fault.Conflict("RULE_CLOSED", "このルールはすでに終了しています", "The rule is closed already")
	ErrMessage        = fault.Invalid(fault.CodeTooLong, "500文字以内で入力してください", "At most 500 characters are allowed")
	ErrOneBuyer       = fault.Invalid(fault.CodeInvalid, "会員と取引先はどちらか一方を指定してください", "Name a member or a company, not both")
	ErrPinTaken       = fault.Conflict("PIN_TAKEN", "この位置（または商品）はすでに固定されています", "The position, or the product, is pinned already in that time")
	ErrPinPosition    = fault.Invalid("PIN_POSITION_INVALID", "固定位置は1〜100で指定してください", "A pinned position is 1 to 100")
	ErrNotOnShelf     = fault.Invalid("PRODUCT_NOT_IN_CATEGORY", "この商品はこのカテゴリーにありません", "The product does not stand in the category")
	ErrNoCategory     = fault.Invalid("CATEGORY_UNKNOWN", "指定されたカテゴリーはありません", "There is no such category")
	ErrDays           = fault.Invalid("BADGE_DAYS_INVALID", "新着バッジには表示日数（1〜365）が必要です。ほかのバッジには指定できません", "A NEW badge shows for 1 to 365 days; other badges have no days")
	ErrBadgeTarget    = fault.Invalid("TARGET_INVALID", "バッジはバリエーションには付けられません", "A badge is for products, not for variants")
	ErrPolicyTarget   = fault.Invalid("TARGET_INVALID", "売り切れ時の扱いは商品・カテゴリー・ブランド・全商品に指定できます", "What becomes of sold-out goods is set for a product, category, product brand or all")
	ErrBackOrderLimit = fault.Invalid("BACK_ORDER_LIMIT_INVALID", "取り寄せには受付数の上限（1〜%d）が必要です", "Back-orders need a limit of 1 to %d pieces")
	ErrBackOrderOnly  = fault.Invalid("BACK_ORDER_LIMIT_INVALID", "受付数の上限と入荷予定は「取り寄せ」にだけ指定できます", "Only the policy BACK_ORDER has a limit and a promise")
	ErrCode           = fault.Invalid(fault.CodeInvalid, "コードは半角英小文字で始まる50文字以内にしてください", "A code begins with a letter and has at most 50 lower-case letters, digits, hyphens and underscores")
	ErrCodeTaken      = fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is already taken")
	ErrSort           = fault.Invalid(fault.CodeInvalid, "並び順は新着・価格・名前から選んでください", "A category's order is by date, price or name")
	ErrName           = fault.Invalid(fault.CodeTooLong, "100文字以内で入力してください", "At most 100 characters are allowed")
)

// Refusals that buyers hear. A rule's own message takes the place of the sentence.
var (
	ErrPriceHidden    = fault.Forbidden("PRICE_HIDDEN", "この商品の価格は表示されません", "The price of this product is not shown")
	ErrNotPurchasable = fault.Forbidden("NOT_PURCHASABLE", "この商品は現在ご購入いただけません", "This product cannot be bought at the moment")
)

// Season is a span of days that comes back each year, both days included; one that
// ends before it begins runs over the new year (11-01 to 02-28).
type Season struct {
	From, Until MonthDay
}

// First is the first day as people write it.
func (s Season) First() string { return s.From.String() }

// Last is the last day as people write it.
func (s Season) Last() string { return s.Until.String() }

// Holds reports whether the day of the moment, in the zone, is in the season.
func (s Season) Holds(at time.Time, zone *time.Location) bool {
	day := MonthDay(int(at.In(zone).Month())*100 + at.In(zone).Day())
	if s.From <= s.Until {
		return s.From <= day && day <= s.Until
	}
	return day >= s.From || day <= s.Until
}

// MonthDay is a day of any year, a hundred times the month plus the day. 02-29 is
// one: in other years a season that begins there begins on 03-01, and one that ends
// there ends on 02-28.
type MonthDay int

// ParseMonthDay reads "11-01".
func ParseMonthDay(s string) (MonthDay, error) {
	day, err := time.Parse(time.DateOnly, "2000-"+s) // a leap year
	if err != nil || len(s) != 5 {
		return 0, ErrSeason
	}
	return MonthDay(int(day.Month())*100 + day.Day()), nil
}

// String writes the day as ParseMonthDay reads it.
func (m MonthDay) String() string {
	return time.Date(2000, time.Month(m/100), int(m%100), 0, 0, 0, 0, time.UTC).Format("01-02")
}

// SeasonInput is a season as staff write it.
type SeasonInput struct {
	From  string // "11-01"
	Until string
}

// parse is the season's days; nil for no season.
func (in *SeasonInput) parse() (from, until *MonthDay, err error) {
	if in == nil {
		return nil, nil, nil
	}
	f, errFrom := ParseMonthDay(in.From)
	u, errUntil := ParseMonthDay(in.Until)
	if errFrom != nil {
		return nil, nil, ErrSeason.At("season.from")
	}
	if errUntil != nil {
		return nil, nil, ErrSeason.At("season.until")
	}
	return &f, &u, nil
}

// validate checks the rule by itself.
func (r Rule) validate() error {
	all := []error{r.Audience.Validate(), r.Target.Validate(), r.Window.Validate()}
	if r.Visible == nil && r.Purchasable == nil && r.PriceShown == nil {
		all = append(all, ErrNoEffect)
	}
	if r.Target.Kind == scope.Variant && r.Visible != nil {
		all = append(all, ErrVariantVisible.At("visible"))
	}
	return errors.Join(all...)
}

// inForce reports whether the rule holds in the channel at the moment.
func (r Rule) inForce(channelID uuid.UUID, at time.Time, zone *time.Location) bool {
	season := r.Season()
	return (r.ChannelID == nil || *r.ChannelID == channelID) && r.Holds(at) && (season == nil || season.Holds(at, zone))
}
