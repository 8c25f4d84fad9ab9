package sale

import (
	"context"
	"errors"
	"slices"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of samples.
var (
	ErrSampleTerms   = fault.Invalid("SAMPLE_TERMS_INVALID", "サンプルにはお一人様の上限が必要です。最低購入金額や対象商品はサンプルにだけ指定できます", "A sample needs a limit for each customer; only samples ask for an amount or for other goods")
	ErrSampleAlone   = fault.Conflict("SAMPLE_ALONE", "サンプルだけのご注文はできません", "Samples cannot be ordered by themselves")
	ErrSampleWith    = fault.Conflict("SAMPLE_WITH", "このサンプルは対象商品とご一緒の場合にだけご注文いただけます", "This sample comes only with certain goods")
	ErrSampleMinimum = fault.Conflict("SAMPLE_MINIMUM", "このサンプルは商品を%s以上お買い上げの場合にご注文いただけます", "This sample comes with goods of %s or more")
	ErrSampleLimit   = fault.Conflict("SAMPLE_LIMIT", "このサンプルのお一人様の上限を超えています（あと%d点）", "This passes what one customer may have of the sample (%d left)")
)

// MinAmountMoney is the amount of goods that a sample comes with; nil for any.
func (t Terms) MinAmountMoney(ctx context.Context) *money.Money {
	if t.MinAmount == nil {
		return nil
	}
	m := money.Of(*t.MinAmount, money.Currency(channel.From(ctx).Currency))
	return &m
}

// WithProductID is the global id of the product that a sample comes with; nil for any.
func (t Terms) WithProductID() *string { return id.GlobalOrNone("Product", t.WithProduct) }

// WithCategoryID is the global id of the category whose goods a sample comes with.
func (t Terms) WithCategoryID() *string { return id.GlobalOrNone("Category", t.WithCategory) }

// Lacks is what an order lacks for the sample: it has goods, no samples among them, whose
// prices come to so much. nil if it lacks nothing. Categories of goods are those above
// them too.
func (t Terms) Lacks(goods []scope.Goods, amount money.Money) *fault.Error {
	asks := t.MinAmount != nil || t.WithProduct != nil || t.WithCategory != nil
	switch {
	case asks && len(goods) == 0:
		return ErrSampleAlone
	case t.WithProduct != nil && !slices.ContainsFunc(goods, func(g scope.Goods) bool { return g.ProductID == *t.WithProduct }),
		t.WithCategory != nil && !slices.ContainsFunc(goods, func(g scope.Goods) bool { return slices.Contains(g.Categories, *t.WithCategory) }):
		return ErrSampleWith
	case t.MinAmount != nil && amount.Minor < *t.MinAmount:
		return ErrSampleMinimum.With(money.Of(*t.MinAmount, amount.Currency).String())
	}
	return nil
}

// asks fails unless what the input says of samples can be.
func (in SetInput) asks() error {
	sample := in.Kind != nil && *in.Kind == Sample
	if sample && in.PerCustomer == nil {
		return ErrSampleTerms.At("perCustomer")
	}
	if !sample && (in.MinAmount != nil || in.WithProductID != nil || in.WithCategoryID != nil) {
		return ErrSampleTerms.At("kind")
	}
	return nil
}

// minAmount is the amount in minor units of the channel's currency.
func (in SetInput) minAmount(ctx context.Context) (*int64, error) {
	if in.MinAmount == nil {
		return nil, nil
	}
	m, err := money.Parse(*in.MinAmount, money.Currency(channel.From(ctx).Currency))
	var invalid *fault.Error
	switch {
	case errors.As(err, &invalid):
		return nil, invalid.At("minAmount")
	case err == nil && m.Minor <= 0:
		err = ErrSampleTerms.At("minAmount")
	}
	return &m.Minor, err
}
