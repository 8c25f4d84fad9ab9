package pricing

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

var (
	labelParts  = i18n.Text{"ja": "セット構成商品の合計", "en": "The parts of the set"}
	labelSample = i18n.Text{"ja": "サンプル", "en": "Sample"}
	labelSet    = i18n.Text{"ja": "セット割引", "en": "Set discount"}
)

// assemble prices a set, and reports whether that is done. The price of one that follows
// its parts is what they cost the buyer (terms and quantities, without campaigns), less
// the set's percentage, rounded down to the minor unit, or amount; no part goes below its
// floor. The parts of any set are also what its total is shared by.
func (d *Draft) assemble(line *Line) (done bool, err error) {
	if d.sample(line) {
		return true, nil
	}
	set := d.set(line)
	follows := set != nil && set.PriceRule == sale.PartsPrice && line.Agreed == nil
	if !follows && len(line.Parts) == 0 {
		return false, nil
	}
	parts := line.Parts
	if len(parts) == 0 {
		if parts, err = d.cheapest(line, set); err != nil {
			return true, err
		}
	}
	priced, err := d.priceParts(line, parts)
	if err != nil {
		return follows, err
	}
	if !follows {
		err := line.weigh(priced)
		return line.Err != nil, err
	}
	return true, d.add(line, set, priced)
}

// sample gives a sample its price: nothing.
func (d *Draft) sample(line *Line) bool {
	if d.In.Terms.Rules == nil || d.In.Terms.Rules.samples[line.VariantID] == nil || line.Agreed != nil {
		return false
	}
	line.source, line.belowFloor = RuleSample, true
	line.Breakdown = []Step{{Rule: RuleSample, Label: labelSample, Source: line.VariantID, Change: line.Unit, Running: line.Unit}}
	return true
}

// set is what the line's variant is made of; nil if it is no set.
func (d *Draft) set(line *Line) *sale.Set {
	if d.In.Terms.Rules == nil {
		return nil
	}
	return d.In.Terms.Rules.sets[line.VariantID]
}

// priceParts prices the parts of all pieces of the line together, by the buyer's terms.
func (d *Draft) priceParts(line *Line, parts []Part) ([]Line, error) {
	own := Draft{In: d.In, rates: d.rates, discounts: d.discounts, Quote: Quote{Lines: make([]Line, len(parts))}}
	own.In.Terms.Trace = false
	zero := money.Of(0, d.In.Terms.Currency)
	for i, p := range parts {
		pieces := min(p.Quantity*line.Quantity, MaxQuantity)
		own.Quote.Lines[i] = Line{Item: Item{VariantID: p.VariantID, Quantity: pieces, TaxClass: p.TaxClass}, Unit: zero, sheet: line.held(p.VariantID)}
	}
	for _, run := range []stage{contract, quantity, floor} {
		if err := run(&own); err != nil {
			return nil, err
		}
	}
	for i, p := range parts { // from here on, of one set
		own.Quote.Lines[i].Quantity = p.Quantity
	}
	return own.Quote.Lines, nil
}

func (l *Line) held(variant uuid.UUID) *Sheet {
	if l.sheet == nil {
		return nil
	}
	return l.sheet.Parts[variant]
}

// add makes the price of one set out of those of its parts.
func (d *Draft) add(line *Line, set *sale.Set, priced []Line) error {
	sum, lowest, standard := money.Of(0, d.In.Terms.Currency), int64(0), int64(0)
	for i := range priced {
		p := &priced[i]
		if p.Err != nil {
			line.Err = ErrNoPrice
			return nil
		}
		whole, err := p.Unit.Times(p.Quantity)
		if err != nil {
			return err
		}
		if sum, err = sum.Add(whole); err != nil {
			return err
		}
		lowest += p.floor * int64(p.Quantity)
		standard = min(standard+min(p.standard, money.Max/int64(p.Quantity))*int64(p.Quantity), money.Max)
	}
	off, err := discounted(set, sum.Minor)
	if err != nil {
		return err
	}
	line.Unit, line.floor, line.standard = sum, lowest, standard
	line.source, line.belowFloor = RuleSetParts, true
	whole, err := sum.Times(line.Quantity)
	if err != nil {
		return err
	}
	line.Breakdown = append(make([]Step, 0, 4), Step{Rule: RuleSetParts, Label: labelParts, Source: set.VariantID, Change: whole, Running: whole})
	if unit := max(off, min(lowest, sum.Minor)); unit != sum.Minor {
		d.move(line, unit, RuleSetDiscount, setLabel(set), set.VariantID)
	}
	return line.weigh(priced)
}

// discounted is a sum less what the set takes off it.
func discounted(set *sale.Set, sum int64) (int64, error) {
	switch {
	case set.Percent != nil:
		keep := decimal.NewFromInt(100).Sub(*set.Percent).Shift(4).IntPart()
		return money.RoundDown.Portion(sum, keep, 1_000_000, 1)
	case set.Amount != nil:
		return max(sum-*set.Amount, 0), nil
	}
	return sum, nil
}

func setLabel(set *sale.Set) i18n.Text {
	if set.Percent == nil {
		return labelSet
	}
	return i18n.Text{"ja": labelSet["ja"] + " " + set.Percent.String() + "%", "en": labelSet["en"] + " " + set.Percent.String() + "%"}
}

// cheapest are the parts of a set of which nothing is chosen yet: what is always in it,
// and the choices that cost least.
func (d *Draft) cheapest(line *Line, set *sale.Set) ([]Part, error) {
	var parts []Part
	for _, p := range set.Parts {
		parts = append(parts, Part{VariantID: p.VariantID, Quantity: p.Quantity})
	}
	for _, slot := range set.Slots {
		choices := make([]Part, len(slot.Choices))
		for i, v := range slot.Choices {
			choices[i] = Part{VariantID: v, Quantity: slot.Pick}
		}
		priced, err := d.priceParts(line, choices)
		if err != nil {
			return nil, err
		}
		least := 0
		for i := range priced {
			if priced[i].Err == nil && (priced[least].Err != nil || priced[i].Unit.Minor < priced[least].Unit.Minor) {
				least = i
			}
		}
		parts = append(parts, choices[least])
	}
	return parts, nil
}

// weigh keeps what each part is worth. A set whose parts are taxed at several rates has no
// price unless each part has one: nobody could say how much of it bears which.
func (l *Line) weigh(priced []Line) error {
	worth, all := make([]int64, len(priced)), int64(0)
	for i := range priced {
		p := &priced[i]
		if p.Err != nil {
			if slices.ContainsFunc(l.Parts, func(o Part) bool { return o.TaxClass != l.Parts[0].TaxClass }) {
				l.Err = ErrNoPrice
			}
			all = 0
			break
		}
		whole, err := p.Unit.Times(p.Quantity)
		if err != nil {
			return err
		}
		worth[i], all = whole.Minor, all+whole.Minor
	}
	if all == 0 { // nothing to go by but the pieces
		for i := range priced {
			worth[i] = int64(priced[i].Quantity)
		}
	}
	l.worth = worth
	return nil
}

// share divides the line's total among the parts of the set in proportion to what they
// are worth, to the minor unit. What the total exceeds that is shared by the same measure.
func (l *Line) share() {
	if len(l.Parts) == 0 {
		return
	}
	l.Shares = make([]money.Money, len(l.Parts))
	shares := make([]int64, len(l.Parts))
	if l.Err == nil {
		Apportion(l.worth, l.Total.Minor, shares, func(i, j int) int {
			return cmp.Or(bytes.Compare(l.Parts[i].VariantID[:], l.Parts[j].VariantID[:]), cmp.Compare(i, j))
		})
	}
	for i, s := range shares {
		l.Shares[i] = money.Of(s, l.Total.Currency)
	}
}

// Split is the line's total shared out among the parts of the set.
func (l *Line) Split() []money.Money {
	l.share()
	return l.Shares
}

// Apportion is Share without a bound: the parts of an amount may exceed their weights.
func Apportion(weights []int64, amount int64, shares []int64, compare func(i, j int) int) {
	var all int64
	for _, w := range weights {
		all += w
	}
	if all == 0 {
		return
	}
	Share(weights, amount%all, shares, compare)
	for i, w := range weights {
		shares[i] += amount / all * w
	}
}

// withParts are the variants and what those of them that are sets may hold.
func (b *Rulebook) withParts(variants []uuid.UUID) []uuid.UUID {
	if len(b.sets) == 0 {
		return variants
	}
	all := slices.Clone(variants)
	for _, v := range variants {
		if set := b.sets[v]; set != nil {
			all = append(all, set.Variants()...)
		}
	}
	return all
}

// open gives every set a sheet, though it has no price of its own.
func (b *Rulebook) open(book Book, variants []uuid.UUID) {
	for _, v := range variants {
		if b.sets[v] != nil && book[v] == nil {
			book[v] = &Sheet{Goods: scope.Goods{VariantID: v}}
		}
	}
}

// fill adds to the sheets of sets those of what they may hold.
func (b *Rulebook) fill(book Book) {
	if len(b.sets) == 0 {
		return
	}
	for variant, sheet := range book {
		set := b.sets[variant]
		if set == nil {
			continue
		}
		sheet.Parts = Book{}
		for _, part := range set.Variants() {
			sheet.Parts[part] = book[part]
		}
	}
}

// only leaves in the book what was asked for.
func (b *Rulebook) only(book Book, variants []uuid.UUID) {
	if len(b.sets) == 0 {
		return
	}
	asked := make(map[uuid.UUID]bool, len(variants))
	for _, v := range variants {
		asked[v] = true
	}
	maps.DeleteFunc(book, func(v uuid.UUID, _ *Sheet) bool { return !asked[v] })
}
