package returns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// Documents correct what an order was invoiced.
type Documents interface {
	// Credit issues a credit note, once for each source; nil where there is nothing to
	// correct.
	Credit(ctx context.Context, in invoice.CreditInput) (*invoice.Document, error)
}

// credit issues the credit note of what a receipt gives back (適格返還請求書, 消費税法
// 第57条の4第3項): the sale is less by what went back, not by what the shop kept. Where
// staff have credited the goods by hand before, nothing is left to correct.
func (s *Service) credit(ctx context.Context, c changing, receipt Receipt) error {
	if s.Documents == nil || receipt.RefundMinor == 0 {
		return nil
	}
	_, err := s.Documents.Credit(ctx, invoice.CreditInput{
		BrandID: c.r.BrandID, OrderID: c.Order.ID, Source: "return:" + receipt.ID.String(),
		Taken: invoice.Taken{Amounts: c.credited(receipt)}, Reason: "返品 " + c.r.Number(),
	})
	if errors.Is(err, invoice.ErrCredit) {
		return nil
	}
	return err
}

// share is part of what goes back, with its tax.
type share struct {
	text  string
	class money.TaxClass
	minor int64
}

// credited is what goes back by goods and tax class: together, what the customer gets.
func (c changing) credited(receipt Receipt) []invoice.TakenAmount {
	var all []share
	for _, p := range receipt.Lines {
		l := c.Lines[slices.IndexFunc(c.Lines, func(l order.Line) bool { return l.ID == p.LineID })]
		all = append(all, byClass(c.Order, l, fmt.Sprintf("%s × %d", name(l), p.Pieces()), p.RefundMinor)...)
	}
	all = append(all, feesByClass(c.Order, receipt.ShippingMinor)...)
	weights, given := make([]int64, len(all)), make([]int64, len(all))
	for i, one := range all {
		weights[i] = one.minor
	}
	// Less goes back than is due where staff have refunded some before.
	pricing.Share(weights, receipt.RefundMinor, given, cmp.Compare)
	var taken []invoice.TakenAmount
	for i, one := range all {
		shown := given[i]
		if !c.Order.TaxInclusive {
			shown = money.TaxOf(one.class, money.Of(shown, c.Order.Currency), true, money.RoundUp).Net.Minor
		}
		if shown > 0 {
			taken = append(taken, invoice.TakenAmount{Text: one.text, Class: one.class, Amount: money.Of(shown, c.Order.Currency).Amount()})
		}
	}
	return taken
}

// feesByClass shares what goes back of the shipping fee and of the charge of the way to pay out
// by tax class.
func feesByClass(o order.Order, minor int64) []share {
	shipping, charge := withTax(o, o.ShippingMinor, 0), withTax(o, 0, o.ChargeMinor)
	switch {
	case minor == 0:
		return nil
	case charge == 0 || o.ShippingClass() == o.ChargeClass():
		return []share{{"送料・手数料", o.ShippingClass(), minor}}
	}
	given := make([]int64, 2)
	pricing.Apportion([]int64{shipping, charge}, minor, given, cmp.Compare)
	return []share{{"送料", o.ShippingClass(), given[0]}, {"手数料", o.ChargeClass(), given[1]}}
}

// byClass shares what goes back for pieces of a line out by tax class: a set's by its
// parts.
func byClass(o order.Order, l order.Line, text string, minor int64) []share {
	if len(l.Parts) == 0 {
		return []share{{text, l.TaxClass, minor}}
	}
	var classes []money.TaxClass
	var weights []int64
	for _, p := range l.Parts {
		i := slices.Index(classes, p.TaxClass)
		if i < 0 {
			i, classes, weights = len(classes), append(classes, p.TaxClass), append(weights, 0)
		}
		weights[i] += weight(order.Line{TotalMinor: p.Amount.Minor, TaxClass: p.TaxClass}, o.TaxInclusive)
	}
	given := make([]int64, len(weights))
	pricing.Apportion(weights, minor, given, cmp.Compare)
	all := make([]share, len(classes))
	for i, class := range classes {
		all[i] = share{text, class, given[i]}
	}
	return all
}

// nameOnNote bounds how much of a name a note's line has, in characters.
const nameOnNote = 80

// name is what the line is called on a Japanese document.
func name(l order.Line) string {
	text := []rune(l.Name.In(i18n.Default))
	return string(text[:min(len(text), nameOnNote)])
}
