package pricing

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Draft is a quote being worked out. Each stage of the pipeline reads the input
// and writes its part of the quote.
type Draft struct {
	In    QuoteInput
	Quote Quote

	rates     [rateKinds]scope.View[*Rate]
	discounts scope.View[*QuantityDiscount]
	pooled    map[*QuantityDiscount]int // pieces of all lines that a mixed discount counts
	waived    []Step                    // what campaigns took off the shipping fee
	whole     bool                      // a whole order is priced, not pieces by themselves
	decision  Decision
}

// Offers are the campaigns that may have a say. They are a snapshot: pricing the
// same input with the same offers gives the same quote.
type Offers interface {
	// Decide chooses the campaigns that apply, once the buyer's terms have made the
	// prices of pieces. Which goes with which is one choice for pieces and order.
	Decide(*Draft) (Decision, error)
}

// Decision is the campaigns that apply to one quote.
type Decision interface {
	// Lines changes the prices of pieces.
	Lines(*Draft) error
	// Order takes off what needs more than one line to decide, and adds gifts.
	Order(*Draft) error
}

// Whole reports whether a whole order is priced, not pieces by themselves.
func (d *Draft) Whole() bool { return d.whole }

// stage is one stage of the pipeline.
type stage func(*Draft) error

// Engine prices by its stages, in order.
type Engine struct{ pieces, order []stage }

// NewEngine makes the engine. This is the one place that states the order in
// which a price comes about.
func NewEngine() *Engine {
	return &Engine{
		pieces: []stage{contract, quantity, floor, offersOnLines, direct, subtotals},
		order:  []stage{subtotal, offersOnOrder, shipping, charge, tax},
	}
}

// Quote prices every item for one buyer at one moment. It is pure: the same
// input gives the same quote. An item without a price keeps its line, with the
// reason in Line.Err; amounts beyond money.Max are money.ErrOverflow.
func (e *Engine) Quote(in QuoteInput) (Quote, error) { return e.run(in, true, e.pieces, e.order) }

// Pieces prices each item by itself, as a product page or a list shows it: without
// what only a whole order decides.
func (e *Engine) Pieces(in QuoteInput) (Quote, error) { return e.run(in, false, e.pieces) }

func (e *Engine) run(in QuoteInput, whole bool, parts ...[]stage) (Quote, error) {
	zero := money.Of(0, in.Terms.Currency)
	draft := Draft{In: in, whole: whole, Quote: Quote{
		Lines: make([]Line, len(in.Items)), Subtotal: zero, Discount: zero, Shipping: zero, Charge: zero, Tax: zero, Total: zero,
	}}
	if in.Terms.Rules != nil {
		draft.rates, draft.discounts = in.Terms.Rules.views(in.Terms.Buyer)
	}
	for i, item := range in.Items {
		draft.Quote.Lines[i] = Line{Item: item, Unit: zero, Subtotal: zero, Discount: zero, Total: zero, sheet: in.Book[item.VariantID]}
	}
	for _, run := range slices.Concat(parts...) {
		if err := run(&draft); err != nil {
			return Quote{}, err
		}
	}
	return draft.Quote, nil
}

// Err joins the reasons why lines have no price; nil when every line has one.
func (q Quote) Err() error {
	var all []error
	for _, line := range q.Lines {
		all = append(all, line.Err)
	}
	return errors.Join(all...)
}

// Reprice sets the price of one piece, but not below the line's floor nor above
// the channel's price, and explains it by a step. It reports whether it changed
// anything.
func (d *Draft) Reprice(line *Line, unit int64, rule Rule, label i18n.Text, source uuid.UUID) bool {
	if line.Err != nil || line.source == RuleQuotation {
		return false
	}
	unit = max(unit, line.floor)
	if unit >= line.Unit.Minor {
		return false
	}
	if line.CompareAt == nil {
		before := line.Unit
		line.CompareAt = &before
	}
	d.move(line, unit, rule, label, source)
	return true
}

// move changes the price of one piece and adds the step that says so.
func (d *Draft) move(line *Line, unit int64, rule Rule, label i18n.Text, source uuid.UUID) {
	pieces := int64(line.Quantity)
	change := money.Of((unit-line.Unit.Minor)*pieces, line.Unit.Currency)
	line.Unit.Minor = unit
	line.Breakdown = append(line.Breakdown, Step{Rule: rule, Label: label, Source: source, Change: change, Running: money.Of(unit*pieces, line.Unit.Currency)})
}

// TakeOff takes an amount off the lines, each bearing its share in proportion to
// what it costs, and none going below its floor. It gives what could be taken off.
// The shares add up to it, to the yen.
func (d *Draft) TakeOff(lines []*Line, amount int64, rule Rule, label i18n.Text, source uuid.UUID) int64 {
	weights := make([]int64, len(lines))
	for i, line := range lines {
		weights[i] = line.Room()
	}
	return d.TakeOffBy(lines, weights, amount, rule, label, source)
}

// TakeOffBy is TakeOff where each line bears its share in proportion to its weight,
// and no more than that.
func (d *Draft) TakeOffBy(lines []*Line, weights []int64, amount int64, rule Rule, label i18n.Text, source uuid.UUID) int64 {
	bounded := make([]int64, len(lines))
	for i, line := range lines {
		bounded[i] = min(weights[i], line.Room())
	}
	shares := make([]int64, len(lines))
	taken := Share(bounded, amount, shares, func(i, j int) int {
		return cmp.Or(bytes.Compare(lines[i].VariantID[:], lines[j].VariantID[:]), cmp.Compare(lines[i].Quantity, lines[j].Quantity), cmp.Compare(i, j))
	})
	if taken == 0 {
		return 0
	}
	for i, line := range lines {
		if shares[i] == 0 {
			continue
		}
		line.Discount.Minor += shares[i]
		line.Total.Minor -= shares[i]
		line.Breakdown = append(line.Breakdown, Step{Rule: rule, Label: label, Source: source, Change: money.Of(-shares[i], line.Total.Currency), Running: line.Total})
	}
	d.Quote.Discount.Minor += taken
	d.Quote.Total.Minor -= taken
	d.step(rule, label, source, money.Of(-taken, d.In.Terms.Currency))
	return taken
}

func (d *Draft) step(rule Rule, label i18n.Text, source uuid.UUID, change money.Money) {
	d.Quote.Breakdown = append(d.Quote.Breakdown, Step{Rule: rule, Label: label, Source: source, Change: change, Running: d.Quote.Total})
}
