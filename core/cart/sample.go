package cart

import (
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// beyondShare is the failure of a customer who wants more of goods than limits leave.
func beyondShare(kind *sale.Kind) *fault.Error {
	if kind != nil && *kind == sale.Sample {
		return sale.ErrSampleLimit
	}
	return ErrShare
}

// lacks tells, of an item, what the basket lacks for it if it is a sample. What counts is
// the goods that can be ordered beside it, at what they come to after all discounts.
func (l Lookup) lacks(b Basket, q *pricing.Quote) func(Item) *fault.Error {
	var goods []scope.Goods
	amount := q.Subtotal
	amount.Minor -= q.Discount.Minor
	for i, item := range b.Items {
		if l.desk.Sample(item.VariantID) == nil && q.Lines[i].Err == nil {
			goods = append(goods, q.Lines[i].Goods())
		}
	}
	return func(item Item) *fault.Error {
		sample := l.desk.Sample(item.VariantID)
		if sample == nil {
			return nil
		}
		return sample.Lacks(goods, amount)
	}
}
