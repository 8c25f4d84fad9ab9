package pricing

import (
	"errors"
	"fmt"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Draft is a quote being worked out. Each stage of the pipeline reads the input
// and writes its part of the quote.
type Draft struct {
	In    QuoteInput
	Quote Quote
}

// Stage is one stage of the pipeline.
type Stage interface {
	Apply(*Draft) error
}

// Engine prices by its stages, in order.
type Engine struct{ stages []Stage }

// NewEngine makes the engine. This is the one place that states the order in
// which a price comes about.
func NewEngine() *Engine {
	return &Engine{stages: []Stage{listPrice{}, subtotal{}, shipping{}, tax{}}}
}

// Quote prices every item for one buyer at one moment. It is pure: the same
// input gives the same quote. An item without a price keeps its line, with the
// reason in Line.Err; amounts beyond money.Max are money.ErrOverflow.
func (e *Engine) Quote(in QuoteInput) (Quote, error) {
	zero := money.Of(0, in.Terms.Currency)
	draft := Draft{In: in, Quote: Quote{
		Lines: make([]Line, len(in.Items)), Subtotal: zero, Shipping: zero, Tax: zero, Total: zero,
	}}
	for i, item := range in.Items {
		draft.Quote.Lines[i] = Line{Item: item, Unit: zero, Total: zero}
	}
	for _, stage := range e.stages {
		if err := stage.Apply(&draft); err != nil {
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

// listPrice prices each line by the price list: the base price of a piece, and
// then the price from the line's quantity on.
type listPrice struct{}

func (listPrice) Apply(d *Draft) error {
	for i := range d.Quote.Lines {
		if err := d.priceLine(&d.Quote.Lines[i]); err != nil {
			return err
		}
	}
	return nil
}

func (d *Draft) priceLine(line *Line) error {
	base, best := d.candidates(line.Item)
	if best == nil {
		line.Err = ErrNoPrice
		return nil
	}
	currency := d.In.Terms.Currency
	line.Unit = money.Of(best.Amount, currency)
	if best.CompareAt != nil && *best.CompareAt > best.Amount {
		compare := money.Of(*best.CompareAt, currency)
		line.CompareAt = &compare
	}
	var err error
	if line.Total, err = line.Unit.Times(line.Quantity); err != nil {
		return err
	}
	if base == nil {
		base = best
	}
	start, err := money.Of(base.Amount, currency).Times(line.Quantity)
	if err != nil {
		return err
	}
	line.Breakdown = append(make([]Step, 0, 2), Step{RuleBasePrice, labelBase, base.ID, start, start})
	if best != base {
		change := money.Of(line.Total.Minor-start.Minor, currency)
		line.Breakdown = append(line.Breakdown, Step{RuleQuantityPrice, quantityLabel(best.MinQuantity), best.ID, change, line.Total})
	}
	return nil
}

// candidates are the price of a single piece and the price that applies to the
// quantity. Among rows of one quantity the later window wins: a special price
// for a week covers the standing one.
func (d *Draft) candidates(item Item) (base, best *Price) {
	rows := d.In.Book[item.VariantID]
	for i := range rows {
		row := &rows[i]
		if row.MinQuantity > item.Quantity || row.ValidFrom.After(d.In.Terms.At) || !row.ValidUntil.After(d.In.Terms.At) {
			continue
		}
		if row.MinQuantity <= 1 && covers(row, base) {
			base = row
		}
		if covers(row, best) {
			best = row
		}
	}
	return base, best
}

func covers(row, other *Price) bool {
	if other == nil || row.MinQuantity != other.MinQuantity {
		return other == nil || row.MinQuantity > other.MinQuantity
	}
	if !row.ValidFrom.Equal(other.ValidFrom) {
		return row.ValidFrom.After(other.ValidFrom)
	}
	return row.ID.String() > other.ID.String()
}

// subtotal adds the lines up.
type subtotal struct{}

func (subtotal) Apply(d *Draft) (err error) {
	for _, line := range d.Quote.Lines {
		if d.Quote.Subtotal, err = d.Quote.Subtotal.Add(line.Total); err != nil {
			return err
		}
	}
	d.Quote.Total = d.Quote.Subtotal
	d.step(RuleSubtotal, labelSubtotal, Fee{}, d.Quote.Subtotal)
	return nil
}

// shipping adds the fee of the shipping method.
type shipping struct{}

func (shipping) Apply(d *Draft) (err error) {
	fee := d.In.Shipping
	if fee == nil {
		return nil
	}
	d.Quote.Shipping = money.Of(fee.Amount, d.In.Terms.Currency)
	if d.Quote.Total, err = d.Quote.Total.Add(d.Quote.Shipping); err != nil {
		return err
	}
	d.step(RuleShipping, fee.Label, *fee, d.Quote.Shipping)
	return nil
}

// tax works out consumption tax over everything of one rate, rounding once.
type tax struct{}

func (tax) Apply(d *Draft) error {
	sums := map[money.TaxClass]int64{}
	for _, line := range d.Quote.Lines {
		sums[line.TaxClass] += line.Total.Minor
	}
	if d.In.Shipping != nil {
		sums[d.In.Shipping.TaxClass] += d.In.Shipping.Amount
	}
	terms := d.In.Terms
	for _, class := range money.TaxClasses {
		sum, there := sums[class]
		if !there {
			continue
		}
		taxed := money.TaxOf(class, money.Of(sum, terms.Currency), terms.TaxInclusive, terms.Rounding)
		d.Quote.Taxes = append(d.Quote.Taxes, taxed)
		d.Quote.Tax.Minor += taxed.Tax.Minor
		if !terms.TaxInclusive && taxed.Tax.Minor != 0 {
			d.Quote.Total.Minor += taxed.Tax.Minor
			d.step(RuleTax, taxLabel(class), Fee{}, taxed.Tax)
		}
	}
	return nil
}

func (d *Draft) step(rule Rule, label i18n.Text, source Fee, change money.Money) {
	d.Quote.Breakdown = append(d.Quote.Breakdown, Step{rule, label, source.Source, change, d.Quote.Total})
}

var (
	labelBase     = i18n.Text{"ja": "通常価格", "en": "List price"}
	labelSubtotal = i18n.Text{"ja": "商品小計", "en": "Subtotal"}
)

func quantityLabel(from int) i18n.Text {
	return i18n.Text{"ja": fmt.Sprintf("%d個以上の価格", from), "en": fmt.Sprintf("Price from %d pieces", from)}
}

func taxLabel(class money.TaxClass) i18n.Text {
	return i18n.Text{"ja": fmt.Sprintf("消費税（%d%%）", class.Percent()), "en": fmt.Sprintf("Consumption tax (%d%%)", class.Percent())}
}
