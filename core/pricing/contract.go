package pricing

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// contract finds the price of one piece that the buyer's terms give: the price of
// an accepted quotation, else the buyer's own price, else a rate on the channel's
// price, else a price list for the buyer's group or for everyone, else the
// channel's price.
func contract(d *Draft) error {
	for i := range d.Quote.Lines {
		line := &d.Quote.Lines[i]
		if line.Kept != nil {
			if err := line.keep(); err != nil {
				return err
			}
			continue
		}
		done, err := d.assemble(line)
		if err == nil && !done {
			err = d.contract(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// offer is one price that stands for a line.
type offer struct {
	rule       Rule
	label      i18n.Text
	source     uuid.UUID
	base, best *Price // of a list: the price of a piece, and from the line's quantity on
	unit       int64
	list       *List
	belowFloor bool
}

func (d *Draft) contract(line *Line) error {
	standard := d.standing(line)
	chosen, err := d.choose(line, standard)
	if err != nil {
		return err
	}
	if chosen == nil {
		line.Err = ErrNoPrice
		return nil
	}
	line.source, line.belowFloor = chosen.rule, chosen.belowFloor
	line.Breakdown = make([]Step, 0, 4)
	start := chosen
	if standard != nil {
		start = standard
	}
	line.Unit.Minor, line.standard = start.first(), start.first()
	if standard == nil {
		line.standard = money.Max // nobody has set a price below the floor with open eyes
	}
	whole, err := line.Unit.Times(line.Quantity)
	if err != nil {
		return err
	}
	line.Breakdown = append(line.Breakdown, Step{Rule: RuleBasePrice, Label: labelBase, Source: start.firstSource(), Change: whole, Running: whole})
	if chosen.rule != RuleBasePrice && (chosen != start || chosen.first() != line.Unit.Minor) {
		d.move(line, chosen.first(), chosen.rule, chosen.label, chosen.firstSource())
	}
	if chosen.best != nil && chosen.best.Amount != line.Unit.Minor {
		d.move(line, chosen.best.Amount, RuleQuantityPrice, quantityLabel(chosen.best.MinQuantity), chosen.best.ID)
	}
	if row := chosen.best; row != nil && row.CompareAt != nil && *row.CompareAt > line.Unit.Minor {
		compare := money.Of(*row.CompareAt, line.Unit.Currency)
		line.CompareAt = &compare
	}
	_, err = line.Unit.Times(line.Quantity)
	return err
}

// first is the offer's price before quantities count.
func (o *offer) first() int64 {
	if o.base != nil {
		return o.base.Amount
	}
	return o.unit
}

func (o *offer) firstSource() uuid.UUID {
	if o.base != nil {
		return o.base.ID
	}
	return o.source
}

// standing is the channel's price; nil if it has none.
func (d *Draft) standing(line *Line) *offer {
	lists := d.In.Terms.Lists
	if len(lists) == 0 {
		return nil
	}
	return d.listed(line, &lists[len(lists)-1], RuleBasePrice, labelBase)
}

// choose goes through what may make the price, the highest precedence first.
func (d *Draft) choose(line *Line, standard *offer) (*offer, error) {
	var won *offer
	consider := func(o *offer) {
		switch {
		case o == nil:
		case won == nil:
			won = o
			d.noteOffer(line, o, Won, ReasonApplied)
		default:
			d.noteOffer(line, o, Lost, ReasonOutranked)
		}
	}
	if a := line.Agreed; a != nil {
		label := labelAgreed
		if a.Label != nil {
			label = a.Label
		}
		consider(&offer{rule: RuleQuotation, label: label, source: a.Source, unit: a.Amount, belowFloor: true})
	}
	lists := d.In.Terms.Lists
	own := 0
	for ; own < len(lists)-1 && lists[own].Personal(); own++ {
		consider(d.listed(line, &lists[own], RuleCustomerPrice, lists[own].Name))
	}
	if won == nil || d.In.Terms.Trace {
		rated, err := d.rated(line, standard)
		if err != nil {
			return nil, err
		}
		consider(rated)
	}
	for i := own; i < len(lists)-1; i++ {
		consider(d.listed(line, &lists[i], RulePriceList, lists[i].Name))
	}
	consider(standard)
	return won, nil
}

// listed is what a price list says of the line: the price of a single piece and the
// one that applies to the quantity. Among rows of one quantity the later window
// wins: a special price for a week covers the standing one. nil if it says nothing.
func (d *Draft) listed(line *Line, list *List, rule Rule, label i18n.Text) *offer {
	if line.sheet == nil {
		return nil
	}
	o := &offer{rule: rule, label: label, list: list, source: list.ID, belowFloor: list.BelowFloor}
	for i := range line.sheet.Prices {
		row := &line.sheet.Prices[i]
		if row.ListID != list.ID {
			continue
		}
		if reason := d.unfit(row, line.Quantity); reason != "" {
			d.noteRow(line, rule, label, row, reason)
			continue
		}
		if row.MinQuantity <= 1 && covers(row, o.base) {
			o.base = row
		}
		if covers(row, o.best) {
			o.best = row
		}
	}
	if o.best == nil {
		return nil
	}
	if o.base == nil {
		o.base = o.best
	}
	o.unit = o.best.Amount
	return o
}

// unfit is why a row does not apply; empty if it does.
func (d *Draft) unfit(row *Price, quantity int) Reason {
	at := d.In.Terms.At
	switch {
	case row.ValidFrom.After(at):
		return ReasonNotYet
	case !row.ValidUntil.After(at):
		return ReasonOver
	case row.MinQuantity > quantity:
		return ReasonQuantity
	}
	return ""
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

// rated is the channel's price of one piece at the most specific rate that holds.
func (d *Draft) rated(line *Line, standard *offer) (*offer, error) {
	rate := d.rate(line, RateCustomer)
	switch {
	case rate == nil:
		return nil, nil
	case standard == nil:
		d.Note(line, Candidate{RuleRate, rate.ID, rate.Label(), nil, NotApplied, ReasonNoBasePrice})
		return nil, nil
	}
	unit, err := rate.of(standard.first())
	return &offer{rule: RuleRate, label: rate.Label(), source: rate.ID, unit: unit, belowFloor: rate.BelowFloor}, err
}

// rate is the most specific rate of the kind that holds now; the others are noted.
func (d *Draft) rate(line *Line, kind RateKind) (found *Rate) {
	if line.sheet == nil {
		return nil
	}
	for rate := range d.rates[rateIndex(kind)].Of(line.sheet.Goods) {
		reason := ReasonOutranked
		switch at := d.In.Terms.At; {
		case rate.From.After(at):
			reason = ReasonNotYet
		case !rate.Until.After(at):
			reason = ReasonOver
		case found == nil:
			found = rate
			if !d.In.Terms.Trace {
				return found
			}
			continue
		}
		d.Note(line, Candidate{kind.rule(), rate.ID, rate.Label(), nil, outcomeOf(reason), reason})
	}
	return found
}

func outcomeOf(r Reason) Outcome {
	switch r {
	case ReasonApplied:
		return Won
	case ReasonOutranked:
		return Lost
	}
	return NotApplied
}

func (d *Draft) noteOffer(line *Line, o *offer, outcome Outcome, reason Reason) {
	if !d.In.Terms.Trace {
		return
	}
	unit := money.Of(o.unit, line.Unit.Currency)
	source := o.source
	if o.best != nil {
		source = o.best.ID
	}
	d.Note(line, Candidate{o.rule, source, o.label, &unit, outcome, reason})
}

func (d *Draft) noteRow(line *Line, rule Rule, label i18n.Text, row *Price, reason Reason) {
	if !d.In.Terms.Trace {
		return
	}
	unit := money.Of(row.Amount, line.Unit.Currency)
	d.Note(line, Candidate{rule, row.ID, label, &unit, NotApplied, reason})
}
