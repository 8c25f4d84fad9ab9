package pricing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of quantity discounts.
var (
	ErrNoTiers      = fault.Invalid("TIERS_MISSING", "数量割引には段階を1つ以上指定してください", "A quantity discount needs at least one tier")
	ErrTierOverlap  = fault.Invalid("TIERS_OVERLAP", "数量の段階が重なっています（%d個）", "The tiers overlap at %d pieces")
	ErrTierGap      = fault.Invalid("TIERS_GAP", "数量の段階に隙間があります（%d個の次が%d個）", "There is a gap between tiers: after %d pieces comes %d")
	ErrTierKind     = fault.Invalid("TIER_INVALID", "段階には率・値引額・価格のうち同じ1種類を指定してください", "Every tier says one of percent, amount or price, the same for all")
	ErrTierWorse    = fault.Invalid("TIER_WORSE", "数量が増えると高くなる段階があります（%d個以上）", "A larger quantity would cost more by the piece, from %d pieces on")
	ErrTierQuantity = fault.Invalid("QUANTITY_INVALID", "数量は1〜99999の整数で指定してください", "The quantity must be a whole number from 1 to 99,999")
)

// Tier is what a quantity discount gives from a number of pieces on: one of a
// percentage off, an amount off each piece, or a price of a piece.
type Tier struct {
	From    int              `json:"from"`
	UpTo    *int             `json:"upTo,omitempty"` // as staff wrote it; the next tier decides
	Percent *decimal.Decimal `json:"percent,omitempty"`
	Amount  *int64           `json:"amount,omitempty"` // minor units
	Price   *int64           `json:"price,omitempty"`  // minor units
}

// QuantityDiscount makes pieces cheaper the more of them are bought (数量割引).
type QuantityDiscount struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Name    i18n.Text
	scope.Audience
	scope.Target
	scope.Window
	// Mixed counts the pieces of all lines that the target covers (混載); otherwise
	// each line counts its own.
	Mixed bool
	// OnCustomerPrice lets it go on top of the buyer's own prices.
	OnCustomerPrice bool
	Rounding        money.Rounding
	RoundTo         int64
	Tiers           []Tier
	CreatedAt       time.Time
	ClosedAt        *time.Time

	ready []preparedTier // of each tier, worked out once by the rulebook
}

// preparedTier is what quotes ask of a tier that takes work to tell.
type preparedTier struct {
	label i18n.Text
	keep  int64 // millionths of the price that remain
}

// prepare works out, once for all quotes, what each of them asks of the tiers.
func (q *QuantityDiscount) prepare() {
	ready := make([]preparedTier, len(q.Tiers))
	for i := range q.Tiers {
		t := &q.Tiers[i]
		ready[i].label = q.label(t)
		if t.Percent != nil {
			ready[i].keep = t.keep()
		}
	}
	q.ready = ready
}

// prepared is what was worked out of the tier; nil if nothing was.
func (q *QuantityDiscount) prepared(t *Tier) *preparedTier {
	for i := range q.ready {
		if &q.Tiers[i] == t {
			return &q.ready[i]
		}
	}
	return nil
}

// keep is how many millionths of a price remain.
func (t *Tier) keep() int64 { return 1_000_000 - t.Percent.Shift(4).IntPart() }

// GlobalID is the discount's id in the schema.
func (q QuantityDiscount) GlobalID() string { return id.Global("QuantityDiscount", q.ID) }

// RoundsTo is the unit that the discount rounds to, in minor units.
func (q QuantityDiscount) RoundsTo() int { return int(q.RoundTo) }

// Label is the discount's name.
func (q QuantityDiscount) Label() i18n.Text {
	if len(q.Name) > 0 {
		return q.Name
	}
	return i18n.Text{"ja": "数量割引", "en": "Quantity discount"}
}

// AmountOff is what the tier takes off each piece; nil if it says something else.
func (t Tier) AmountOff(ctx context.Context) *money.Money { return inChannel(ctx, t.Amount) }

// PieceAt is what a piece costs by the tier; nil if it says something else.
func (t Tier) PieceAt(ctx context.Context) *money.Money { return inChannel(ctx, t.Price) }

func inChannel(ctx context.Context, minor *int64) *money.Money {
	if minor == nil {
		return nil
	}
	m := money.Of(*minor, money.Currency(channel.From(ctx).Currency))
	return &m
}

// Validate checks what can be checked without the brand's rows.
func (q QuantityDiscount) Validate() error {
	return errors.Join(q.Audience.Validate(), q.Target.Validate(), q.Window.Validate(),
		validRounding(q.Rounding, q.RoundTo), validTiers(q.Tiers))
}

// validTiers wants tiers in ascending order without gap or overlap, of one kind,
// each better than the one before.
func validTiers(tiers []Tier) error {
	if len(tiers) == 0 {
		return ErrNoTiers.At("tiers")
	}
	var all []error
	for i, t := range tiers {
		field := fmt.Sprintf("tiers.%d", i)
		all = append(all, t.validate(field))
		if i == 0 {
			continue
		}
		before := tiers[i-1]
		switch {
		case t.From <= before.From || before.UpTo != nil && t.From <= *before.UpTo:
			all = append(all, ErrTierOverlap.With(t.From).At(field+".from"))
		case before.UpTo != nil && t.From > *before.UpTo+1:
			all = append(all, ErrTierGap.With(*before.UpTo, t.From).At(field+".from"))
		}
		if t.kind() != before.kind() {
			all = append(all, ErrTierKind.At(field))
		} else if t.worse(before) {
			all = append(all, ErrTierWorse.With(t.From).At(field))
		}
	}
	return errors.Join(all...)
}

func (t Tier) validate(field string) error {
	var all []error
	if t.From < 1 || t.From > MaxQuantity || t.UpTo != nil && (*t.UpTo < t.From || *t.UpTo > MaxQuantity) {
		all = append(all, ErrTierQuantity.At(field+".from"))
	}
	said := 0
	if t.Percent != nil {
		said++
		if t.Percent.IsNegative() || t.Percent.GreaterThan(decimal.NewFromInt(100)) || !t.Percent.Shift(4).IsInteger() {
			all = append(all, ErrPercent.At(field+".percent"))
		}
	}
	for _, amount := range []*int64{t.Amount, t.Price} {
		if amount != nil {
			said++
			if *amount < 0 || *amount > money.Max {
				all = append(all, money.ErrOverflow.At(field))
			}
		}
	}
	if said != 1 {
		all = append(all, ErrTierKind.At(field))
	}
	return errors.Join(all...)
}

func (t Tier) kind() int {
	switch {
	case t.Percent != nil:
		return 1
	case t.Amount != nil:
		return 2
	}
	return 3
}

func (t Tier) worse(before Tier) bool {
	switch {
	case t.Percent != nil && before.Percent != nil:
		return t.Percent.LessThan(*before.Percent)
	case t.Amount != nil && before.Amount != nil:
		return *t.Amount < *before.Amount
	case t.Price != nil && before.Price != nil:
		return *t.Price > *before.Price
	}
	return false
}

// reached is the tier that a number of pieces reaches; nil if none.
func (q *QuantityDiscount) reached(pieces int) *Tier {
	i, exact := slices.BinarySearchFunc(q.Tiers, pieces, func(t Tier, n int) int { return t.From - n })
	if exact {
		return &q.Tiers[i]
	}
	if i == 0 {
		return nil
	}
	return &q.Tiers[i-1]
}

// unit is the price of one piece under the tier.
func (q *QuantityDiscount) unit(t *Tier, unit int64) (int64, error) {
	switch {
	case t.Price != nil:
		return min(unit, *t.Price), nil
	case t.Amount != nil:
		return max(unit-*t.Amount, 0), nil
	}
	keep := int64(0)
	if p := q.prepared(t); p != nil {
		keep = p.keep
	} else {
		keep = t.keep()
	}
	rounded, err := q.Rounding.Portion(unit, keep, 1_000_000, max(q.RoundTo, 1))
	return min(unit, rounded), err
}

// label is what a price's explanation calls the discount at the tier.
func (q *QuantityDiscount) label(t *Tier) i18n.Text {
	if p := q.prepared(t); p != nil {
		return p.label
	}
	name := func(language, otherwise string) string {
		if own := q.Name.In(language); own != "" {
			return own
		}
		return otherwise
	}
	return i18n.Text{
		"ja": fmt.Sprintf("%s（%d個以上）", name("ja", "数量割引"), t.From),
		"en": fmt.Sprintf("%s (from %d pieces)", name("en", "Quantity discount"), t.From),
	}
}

// quantity applies, to each line, the most specific quantity discount that holds.
// A more specific one that is not reached yet still stands before a wider one:
// otherwise one piece more could make all of them dearer.
func quantity(d *Draft) error {
	if len(d.discounts) == 0 {
		return nil
	}
	d.pool()
	for i := range d.Quote.Lines {
		if err := d.discount(&d.Quote.Lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// pool counts the pieces of all lines for the discounts that mix lines.
func (d *Draft) pool() {
	for i := range d.Quote.Lines {
		line := &d.Quote.Lines[i]
		if line.sheet == nil || line.Err != nil || line.source == RuleQuotation {
			continue
		}
		for q := range d.discounts.Of(line.sheet.Goods) {
			if q.Mixed {
				if d.pooled == nil {
					d.pooled = map[*QuantityDiscount]int{}
				}
				d.pooled[q] += line.Quantity
			}
		}
	}
}

func (d *Draft) discount(line *Line) error {
	if line.sheet == nil || line.Err != nil || line.Kept != nil {
		return nil
	}
	decided := false
	for q := range d.discounts.Of(line.sheet.Goods) {
		reason, tier := d.fits(q, line)
		if decided && (reason == "" || reason == ReasonQuantity) {
			reason = ReasonOutranked
		}
		label := q.Name
		if tier != nil {
			label = q.label(tier)
		}
		if reason == "" {
			var err error
			if reason, err = d.take(q, tier, line, label); err != nil {
				return err
			}
		}
		decided = decided || reason.decides()
		if decided && !d.In.Terms.Trace {
			return nil
		}
		d.Note(line, Candidate{RuleQuantityDiscount, q.ID, label, nil, outcomeOf(reason), reason})
	}
	return nil
}

// take gives the line the tier's price, if that is lower.
func (d *Draft) take(q *QuantityDiscount, tier *Tier, line *Line, label i18n.Text) (Reason, error) {
	unit, err := q.unit(tier, line.Unit.Minor)
	if err != nil || unit >= line.Unit.Minor {
		return ReasonNoGain, err
	}
	d.move(line, unit, RuleQuantityDiscount, label, q.ID)
	return ReasonApplied, nil
}

// decides reports whether a discount for which this is said keeps wider ones out.
func (r Reason) decides() bool {
	return r == ReasonApplied || r == ReasonQuantity || r == ReasonNoGain
}

// fits is why a discount does not apply to the line (empty if it does), and the
// tier that is reached.
func (d *Draft) fits(q *QuantityDiscount, line *Line) (Reason, *Tier) {
	at, pieces := d.In.Terms.At, line.Quantity
	if q.Mixed {
		pieces = d.pooled[q]
	}
	own := line.source == RuleCustomerPrice && !q.OnCustomerPrice || line.source == RuleQuotation
	switch {
	case q.From.After(at):
		return ReasonNotYet, nil
	case !q.Until.After(at):
		return ReasonOver, nil
	case own:
		return ReasonNotCombinable, nil
	}
	tier := q.reached(pieces)
	if tier == nil {
		return ReasonQuantity, nil
	}
	return "", tier
}
