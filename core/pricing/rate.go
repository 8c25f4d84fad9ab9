package pricing

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// RateKind is what a rate is taken of.
type RateKind string

// The kinds of rate.
const (
	RateCustomer RateKind = "CUSTOMER" // 掛率: percent of the channel's price
	RateDirect   RateKind = "DIRECT"   // 直送加算: percent on top when goods go to the buyer's customer
	RateFloor    RateKind = "FLOOR"    // 最低粗利: percent on top of cost that no price goes below
)

const rateKinds = 3

// directPercent is added to direct shipments where no rate says otherwise.
var directPercent = decimal.NewFromInt(10)

func rateIndex(k RateKind) int {
	switch k {
	case RateDirect:
		return 1
	case RateFloor:
		return 2
	}
	return 0
}

// rule is the kind's name in a price's explanation.
func (k RateKind) rule() Rule {
	switch k {
	case RateDirect:
		return RuleDirect
	case RateFloor:
		return RuleFloor
	}
	return RuleRate
}

// Failures of rates.
var (
	ErrPercent     = fault.Invalid("PERCENT_INVALID", "率は0以上1000以下、小数第4位までで指定してください", "The percentage is 0 to 1000 with at most 4 decimals")
	ErrRateAbove   = fault.Forbidden("RATE_ABOVE_100", "100%を超える掛率には権限が必要です", "A rate above 100% needs a permission")
	ErrBelowFloor  = fault.Forbidden("PRICE_BELOW_FLOOR", "最低価格を下回る価格には権限が必要です", "A price below the lowest allowed needs a permission")
	ErrBelowLowest = fault.Forbidden("PRICE_BELOW_FLOOR", "最低価格は%sです。これを下回る価格には権限が必要です", "The lowest allowed price is %s; a price below it needs a permission")
	ErrFloorKept   = fault.Forbidden("PRICE_BELOW_FLOOR", "最低粗利の変更には権限が必要です", "Changing the least margin needs a permission")
	ErrRoundTo     = fault.Invalid("ROUNDING_INVALID", "端数処理の単位は1・10・100・1000円のいずれかです", "Prices are rounded to 1, 10, 100 or 1000 yen")
	ErrRateInvalid = fault.Invalid(fault.CodeInvalid, "率の種類が正しくありません", "This is not a kind of rate")
)

// Rate is a percentage for an audience, for goods, for a time.
type Rate struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Kind    RateKind
	Name    i18n.Text // what it is called in a price's explanation; empty: 掛率65%
	scope.Audience
	scope.Target
	scope.Window
	Percent    decimal.Decimal
	Rounding   money.Rounding
	RoundTo    int64 // 1, 10, 100, 1000 minor units
	BelowFloor bool  // may go below the lowest allowed price
	CreatedAt  time.Time
	ClosedAt   *time.Time

	ready int64 // millionths + 1, worked out once by the rulebook; 0: not yet
}

// GlobalID is the rate's id in the schema.
func (r Rate) GlobalID() string { return id.Global("Rate", r.ID) }

// RoundsTo is the unit that the rate rounds to, in minor units.
func (r Rate) RoundsTo() int { return int(r.RoundTo) }

// millionths is the rate as a number of millionths, which hold four decimals of a percent.
func (r *Rate) millionths() int64 {
	if r.ready > 0 {
		return r.ready - 1
	}
	return r.Percent.Shift(4).IntPart()
}

// prepare works out, once for all quotes, what each of them asks of the rate.
func (r *Rate) prepare() { r.ready, r.Name = r.millionths()+1, r.Label() }

// of is the rate's part of an amount, rounded as the rate says.
func (r *Rate) of(amount int64) (int64, error) {
	return r.Rounding.Portion(amount, r.millionths(), 1_000_000, max(r.RoundTo, 1))
}

// Label is what a price's explanation calls the rate.
func (r Rate) Label() i18n.Text {
	if len(r.Name) > 0 {
		return r.Name
	}
	percent := r.Percent.String()
	switch r.Kind {
	case RateDirect:
		return i18n.Text{"ja": "直送加算 +" + percent + "%", "en": "Direct shipment +" + percent + "%"}
	case RateFloor:
		return i18n.Text{"ja": "最低粗利 " + percent + "%", "en": "Margin of at least " + percent + "%"}
	}
	return i18n.Text{"ja": "掛率 " + percent + "%", "en": "Rate " + percent + "%"}
}

// Validate checks what can be checked without the brand's rows.
func (r Rate) Validate() error {
	all := []error{r.Audience.Validate(), r.Target.Validate(), r.Window.Validate(), validPercent(r.Percent), validRounding(r.Rounding, r.RoundTo)}
	switch r.Kind {
	case RateCustomer, RateDirect, RateFloor:
	default:
		all = append(all, ErrRateInvalid.At("kind"))
	}
	return errors.Join(all...)
}

func validPercent(p decimal.Decimal) error {
	if p.IsNegative() || p.GreaterThan(decimal.NewFromInt(1000)) || !p.Shift(4).IsInteger() {
		return ErrPercent.At("percent")
	}
	return nil
}

func validRounding(r money.Rounding, to int64) error {
	if to != 1 && to != 10 && to != 100 && to != 1000 {
		return ErrRoundTo.At("roundTo")
	}
	switch r {
	case money.RoundDown, money.RoundHalfUp, money.RoundUp:
		return nil
	}
	return ErrRoundTo.At("rounding")
}

// floor raises prices that went below the lowest allowed one: cost and margin, but
// never above the channel's own price, which staff have set with open eyes.
func floor(d *Draft) error {
	for i := range d.Quote.Lines {
		if err := d.floor(&d.Quote.Lines[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Draft) floor(line *Line) error {
	if line.Err != nil || line.belowFloor || line.sheet == nil || line.sheet.Cost == nil {
		return nil
	}
	rate := d.rate(line, RateFloor)
	if rate == nil {
		return nil
	}
	lowest, err := rate.above(*line.sheet.Cost)
	if err != nil {
		return err
	}
	lowest = min(lowest, line.standard)
	reason := ReasonNoGain
	if lowest > line.Unit.Minor {
		reason = ReasonApplied
		d.move(line, lowest, RuleFloor, labelFloor, rate.ID)
	}
	d.noteRate(line, rate, lowest, reason)
	line.floor = lowest
	return nil
}

// above is a cost with the margin of a floor on top.
func (r *Rate) above(cost int64) (int64, error) {
	margin, err := money.RoundUp.Portion(cost, r.millionths(), 1_000_000, 1)
	return cost + margin, err
}

// direct adds the surcharge of goods that go to the buyer's own customer.
func direct(d *Draft) error {
	if d.In.Terms.Mode != ShipDirect {
		return nil
	}
	for i := range d.Quote.Lines {
		line := &d.Quote.Lines[i]
		if line.Err != nil || line.source == RuleQuotation {
			continue
		}
		rate := d.surcharge(line)
		more, err := rate.of(line.Unit.Minor)
		if err != nil {
			return err
		}
		reason := ReasonNoGain
		if more > 0 {
			reason = ReasonApplied
			d.move(line, line.Unit.Minor+more, RuleDirect, rate.Label(), rate.ID)
		}
		d.noteRate(line, rate, line.Unit.Minor, reason)
	}
	return nil
}

// noteRate adds the rate that has the say to the trace, with what a piece costs by it.
func (d *Draft) noteRate(line *Line, rate *Rate, unit int64, reason Reason) {
	if !d.In.Terms.Trace {
		return
	}
	piece := money.Of(unit, line.Unit.Currency)
	d.Note(line, Candidate{rate.Kind.rule(), rate.ID, rate.Label(), &piece, outcomeOf(reason), reason})
}

func (d *Draft) surcharge(line *Line) *Rate {
	if rate := d.rate(line, RateDirect); rate != nil {
		return rate
	}
	return &Rate{Kind: RateDirect, Percent: directPercent, Rounding: money.RoundDown, RoundTo: 1}
}

// Surcharged is what a piece of the line would cost after the surcharge of direct
// shipment, if it cost unit before.
func (d *Draft) Surcharged(line *Line, unit int64) (int64, error) {
	if d.In.Terms.Mode != ShipDirect || line.Err != nil || line.source == RuleQuotation {
		return unit, nil
	}
	trace := d.In.Terms.Trace
	d.In.Terms.Trace = false // the stage itself notes what it looks at
	more, err := d.surcharge(line).of(unit)
	d.In.Terms.Trace = trace
	return unit + max(more, 0), err
}
