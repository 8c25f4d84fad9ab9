package pricing

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// subtotals works out what each line costs before discounts on the order.
func subtotals(d *Draft) (err error) {
	for i := range d.Quote.Lines {
		line := &d.Quote.Lines[i]
		if line.Subtotal, err = line.Unit.Times(line.Quantity); err != nil {
			return err
		}
		line.Total = line.Subtotal
	}
	return nil
}

// subtotal adds the lines up.
func subtotal(d *Draft) (err error) {
	for _, line := range d.Quote.Lines {
		if d.Quote.Subtotal, err = d.Quote.Subtotal.Add(line.Subtotal); err != nil {
			return err
		}
	}
	d.Quote.Total = d.Quote.Subtotal
	if fee := d.In.Shipping; fee != nil {
		d.Quote.Shipping = money.Of(fee.Amount, d.In.Terms.Currency)
	}
	d.step(RuleSubtotal, labelSubtotal, uuid.Nil, d.Quote.Subtotal)
	return nil
}

func offersOnLines(d *Draft) (err error) {
	if d.In.Terms.Offers == nil {
		return nil
	}
	if d.decision, err = d.In.Terms.Offers.Decide(d); err != nil || d.decision == nil {
		return err
	}
	return d.decision.Lines(d)
}

func offersOnOrder(d *Draft) error {
	if d.decision == nil {
		return nil
	}
	return d.decision.Order(d)
}

// FreeShipping takes up to the amount off the shipping fee. It gives what it took.
func (d *Draft) FreeShipping(amount int64, label i18n.Text, source uuid.UUID) int64 {
	taken := min(amount, d.Quote.Shipping.Minor)
	if taken <= 0 {
		return 0
	}
	d.Quote.Shipping.Minor -= taken
	d.waived = append(d.waived, Step{Rule: RuleFreeShipping, Label: label, Source: source, Change: money.Of(-taken, d.In.Terms.Currency)})
	return taken
}

// shipping adds the fee of the shipping method, and what campaigns took off it.
func shipping(d *Draft) (err error) {
	fee := d.In.Shipping
	if fee == nil {
		return nil
	}
	whole := money.Of(fee.Amount, d.In.Terms.Currency)
	if d.Quote.Total, err = d.Quote.Total.Add(whole); err != nil {
		return err
	}
	d.step(RuleShipping, fee.Label, fee.Source, whole)
	for _, w := range d.waived {
		d.Quote.Total.Minor += w.Change.Minor
		d.step(w.Rule, w.Label, w.Source, w.Change)
	}
	return nil
}

// charge adds what the way to pay costs. Nothing takes it off.
func charge(d *Draft) (err error) {
	fee := d.In.Charge
	if fee == nil {
		return nil
	}
	d.Quote.Charge = money.Of(fee.Amount, d.In.Terms.Currency)
	if d.Quote.Total, err = d.Quote.Total.Add(d.Quote.Charge); err != nil {
		return err
	}
	d.step(RulePaymentCharge, fee.Label, fee.Source, d.Quote.Charge)
	d.Quote.Breakdown[len(d.Quote.Breakdown)-1].TaxClass = fee.TaxClass // an edit of the order taxes it so
	return nil
}

// tax works out consumption tax over everything of one rate, rounding once
// (適格請求書: 消費税法施行令 第70条の10).
func tax(d *Draft) error {
	sums, there := make([]int64, len(money.TaxClasses)), make([]bool, len(money.TaxClasses))
	add := func(class money.TaxClass, amount int64) {
		for i, c := range money.TaxClasses {
			if c == class {
				sums[i], there[i] = sums[i]+amount, true
			}
		}
	}
	for i := range d.Quote.Lines {
		line := &d.Quote.Lines[i]
		if line.share(); len(line.Shares) == 0 {
			add(line.TaxClass, line.Total.Minor)
		}
		for n, share := range line.Shares {
			add(line.Parts[n].TaxClass, share.Minor)
		}
	}
	if d.In.Shipping != nil {
		add(d.In.Shipping.TaxClass, d.Quote.Shipping.Minor)
	}
	if d.In.Charge != nil {
		add(d.In.Charge.TaxClass, d.Quote.Charge.Minor)
	}
	terms := d.In.Terms
	for i, class := range money.TaxClasses {
		if !there[i] {
			continue
		}
		taxed := money.TaxOf(class, money.Of(sums[i], terms.Currency), terms.TaxInclusive, terms.Rounding)
		d.Quote.Taxes = append(d.Quote.Taxes, taxed)
		d.Quote.Tax.Minor += taxed.Tax.Minor
		if !terms.TaxInclusive && taxed.Tax.Minor != 0 {
			d.Quote.Total.Minor += taxed.Tax.Minor
			d.step(RuleTax, taxLabel(class), uuid.Nil, taxed.Tax)
		}
	}
	return nil
}

var (
	labelBase     = i18n.Text{"ja": "通常価格", "en": "List price"}
	labelSubtotal = i18n.Text{"ja": "商品小計", "en": "Subtotal"}
	labelFloor    = i18n.Text{"ja": "最低価格", "en": "Lowest price"}
	labelAgreed   = i18n.Text{"ja": "見積価格", "en": "Quoted price"}
)

func quantityLabel(from int) i18n.Text {
	return i18n.Text{"ja": fmt.Sprintf("%d個以上の価格", from), "en": fmt.Sprintf("Price from %d pieces", from)}
}

func taxLabel(class money.TaxClass) i18n.Text {
	return i18n.Text{"ja": fmt.Sprintf("消費税（%d%%）", class.Percent()), "en": fmt.Sprintf("Consumption tax (%d%%)", class.Percent())}
}
