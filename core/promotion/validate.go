package promotion

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of writing a campaign.
var (
	ErrCode       = fault.Invalid(fault.CodeInvalid, "コードは半角英小文字で始まる50文字以内の英小文字・数字・ハイフン・アンダースコアにしてください", "A code begins with a letter and has at most 50 lower-case letters, digits, hyphens and underscores")
	ErrCodeTaken  = fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is already taken")
	ErrRecurrence = fault.Invalid("RECURRENCE_INVALID", "曜日・日・時間帯の指定が正しくありません", "The weekdays, days or hours are not valid")
	ErrRegion     = fault.Invalid("REGION_INVALID", "都道府県の指定が正しくありません", "There is no such prefecture")
	ErrCondition  = fault.Invalid("CONDITION_INVALID", "適用条件の指定が正しくありません", "The condition is not valid")
	ErrBenefit    = fault.Invalid("BENEFIT_INVALID", "特典の指定が正しくありません", "The benefit is not valid")
	// ErrGiftChoice says that a gift is a set to choose from: nobody chooses when it is given.
	ErrGiftChoice  = fault.Invalid("GIFT_NEEDS_CHOICE", "選択式セットはプレゼントにできません。内容が決まった商品を指定してください", "A set that the customer fills cannot be a gift: name goods that need no choice")
	ErrNoBenefit   = fault.Invalid("BENEFIT_MISSING", "特典を1つ以上指定してください", "A campaign gives at least one benefit")
	ErrBenefits    = fault.Invalid("BENEFITS_CONFLICT", "商品の値引きは1つのキャンペーンに1種類だけ指定できます", "Only one benefit of a campaign takes something off the goods")
	ErrCombination = fault.Invalid("COMBINATION_MISSING", "セットの特典には組み合わせの条件が必要です", "A benefit for sets needs a combination")
	ErrStacking    = fault.Invalid(fault.CodeInvalid, "併用の指定が正しくありません", "The stacking is not valid")
	ErrLimit       = fault.Invalid("LIMIT_INVALID", "上限は1以上で指定してください", "A limit is at least 1")
	ErrShare       = fault.Invalid("SHARE_INVALID", "配信割合は0〜100の範囲で指定してください", "Shares are percentages from 0 to 100, the start before the end")
)

const (
	maxName     = 100
	maxSegments = 10 // of one campaign: each is asked about at every quote
	maxBadge    = 20
	maxParts    = 5
	maxScope    = 500 // audiences, goods, exceptions of one campaign
	maxGifts    = 99
)

var codes = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)

// Validate checks what can be checked without the brand's rows.
func (c Campaign) Validate() error {
	all := []error{
		c.Name.Check("name", maxName, true), c.Badge.Check("badge", maxBadge, false),
		c.Window.Validate(), c.Recurrence.validate(), c.validScope(), c.Conditions.validate(), c.validBenefits(), c.Limits.validate(),
	}
	if !codes.MatchString(c.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if c.Stacking != Combinable && c.Stacking != ByPriority && c.Stacking != Exclusive || len(c.Group) > 50 {
		all = append(all, ErrStacking.At("stacking"))
	}
	if e := c.Experiment; e.From < 0 || e.UpTo < 0 || e.UpTo > 100 || e.UpTo != 0 && e.From >= e.UpTo || e.From > 99 || e.HoldOut < 0 || e.HoldOut > 99 || len(e.Name) > 50 {
		all = append(all, ErrShare.At("experiment"))
	}
	return errors.Join(all...)
}

func (r Recurrence) validate() error {
	bad := !validHours(r.From, r.Until)
	for _, w := range r.Weekdays {
		bad = bad || w < 0 || w > 6
	}
	for _, d := range r.Days {
		bad = bad || d < -1 || d == 0 || d > 31
	}
	if bad {
		return ErrRecurrence.At("recurrence")
	}
	return nil
}

// validHours wants both ends of the hours, in minutes of a day, or neither.
func validHours(from, until *int) bool {
	if from == nil || until == nil {
		return from == until
	}
	const day = 24 * 60
	return *from >= 0 && *from <= day && *until >= 0 && *until <= day && *from != *until
}

func (c Campaign) validScope() error {
	var all []error
	if len(c.Audiences) == 0 || len(c.Audiences) > maxScope {
		all = append(all, scope.ErrAudience.At("audiences"))
	}
	for i, a := range c.Audiences {
		if a.Kind == scope.Segment && a.ID != uuid.Nil {
			continue
		}
		if a.Validate() != nil {
			all = append(all, scope.ErrAudience.At(fmt.Sprintf("audiences.%d", i)))
		}
	}
	if len(c.SegmentIDs()) > maxSegments {
		all = append(all, fault.Invalid(fault.CodeTooMany, "セグメントは%d個までです", "A campaign is for at most %d segments").With(maxSegments).At("audiences"))
	}
	all = append(all, validTargets("goods", c.Goods), validTargets("except", c.Except))
	for i, r := range c.Regions {
		if customer.Prefecture(r).Code() == 0 {
			all = append(all, ErrRegion.At(fmt.Sprintf("regions.%d", i)))
		}
	}
	return errors.Join(all...)
}

func validTargets(field string, targets []scope.Target) error {
	var all []error
	if len(targets) > maxScope {
		all = append(all, scope.ErrTarget.At(field))
	}
	for i, t := range targets {
		if t.Validate() != nil {
			all = append(all, scope.ErrTarget.At(fmt.Sprintf("%s.%d", field, i)))
		}
	}
	return errors.Join(all...)
}

func (c Conditions) validate() error {
	var all []error
	if c.MinAmount < 0 || c.MinAmount > money.Max || c.MinQuantity < 0 || c.MinQuantity > pricing.MaxQuantity || c.MaxSets < 0 {
		all = append(all, ErrCondition.At("conditions"))
	}
	if len(c.Combination) > maxParts {
		all = append(all, fault.Invalid(fault.CodeTooMany, "組み合わせは%d種類までです", "A combination has at most %d parts").With(maxParts).At("conditions.combination"))
	}
	for i, p := range c.Combination {
		field := fmt.Sprintf("conditions.combination.%d", i)
		if p.Quantity < 1 || p.Quantity > pricing.MaxQuantity {
			all = append(all, ErrCondition.At(field+".quantity"))
		}
		all = append(all, validTargets(field+".goods", p.Goods))
	}
	return errors.Join(all...)
}

func (l Limits) validate() error {
	if l.Budget != nil && (*l.Budget < 1 || *l.Budget > money.Max) || l.Uses != nil && *l.Uses < 1 || l.PerMember != nil && *l.PerMember < 1 {
		return ErrLimit.At("limits")
	}
	return nil
}

func (c Campaign) validBenefits() error {
	if len(c.Benefits) == 0 {
		return ErrNoBenefit.At("benefits")
	}
	var all []error
	off := 0
	kinds := map[BenefitKind]bool{}
	for i, b := range c.Benefits {
		field := fmt.Sprintf("benefits.%d", i)
		if b.Kind.onGoods() {
			off++
		}
		if kinds[b.Kind] && b.Kind != FreeGift {
			all = append(all, ErrBenefits.At(field))
		}
		kinds[b.Kind] = true
		if b.Kind.onSets() && len(c.Conditions.Combination) == 0 {
			all = append(all, ErrCombination.At(field))
		}
		if !b.valid(c.Conditions) {
			all = append(all, ErrBenefit.At(field))
		}
	}
	if off > 1 {
		all = append(all, ErrBenefits.At("benefits"))
	}
	return errors.Join(all...)
}

var hundred = decimal.NewFromInt(100)

// valid reports whether the benefit says what its kind needs, within bounds.
func (b Benefit) valid(c Conditions) bool {
	if !b.bounded() {
		return false
	}
	switch b.Kind {
	case LinePercent, SetPercent, OrderPercent:
		return b.percentValid()
	case LineAmount, SetAmount, OrderAmount:
		return b.amountValid() && *b.Amount > 0
	case FixedPrice, SetPrice:
		return b.amountValid()
	case Cheapest:
		return b.percentValid() && len(c.Combination) == 1 && b.Pieces >= 1 && b.Pieces <= c.Combination[0].Quantity
	case FreeShipping:
		return true
	case FreeGift:
		return b.giftValid(c)
	case Points:
		return b.factorValid()
	case IssueCoupon:
		return b.Issues != uuid.Nil
	}
	return false
}

// bounded reports whether rounding and cap, where they are said, can be.
func (b Benefit) bounded() bool {
	known := slices.Contains([]money.Rounding{"", money.RoundDown, money.RoundHalfUp, money.RoundUp}, b.Rounding)
	return known && (b.UpTo == nil || *b.UpTo >= 1 && *b.UpTo <= money.Max)
}

func (b Benefit) percentValid() bool {
	return b.Percent != nil && b.Percent.IsPositive() && !b.Percent.GreaterThan(hundred) && b.Percent.Shift(4).IsInteger()
}

func (b Benefit) factorValid() bool {
	return b.Factor != nil && b.Factor.GreaterThan(decimal.NewFromInt(1)) && !b.Factor.GreaterThan(hundred)
}

func (b Benefit) amountValid() bool {
	return b.Amount != nil && *b.Amount >= 0 && *b.Amount <= money.Max
}

func (b Benefit) giftValid(c Conditions) bool {
	return b.Variant != uuid.Nil && (b.Allotment == nil || *b.Allotment > 0) &&
		b.Pieces >= 1 && b.Pieces <= maxGifts && (!b.PerSet || len(c.Combination) > 0)
}
