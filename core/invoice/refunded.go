package invoice

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// Refunded issues the credit note of money that went back for an order that is invoiced,
// in its transaction, once for each source: of each tax class in proportion to what is
// left of the invoice. What accountants have credited by hand before is not credited
// again.
func (s *Service) Refunded(ctx context.Context, r payment.Refunded) error {
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{r.OrderID})
	if err != nil || slices.ContainsFunc(there, func(d Document) bool { return d.Source == r.Source }) {
		return err
	}
	of := find(there, KindInvoice)
	if of == nil {
		return nil
	}
	locked, err := s.Store.Lock(ctx, r.BrandID, of.ID)
	if err != nil || locked == nil {
		return err
	}
	earlier, err := s.Store.Credits(ctx, of.ID)
	if err != nil {
		return err
	}
	taken := left(*locked, earlier).share(r.Minor)
	if len(taken) == 0 {
		return nil
	}
	_, err = s.credit(ctx, *locked, r.Source, Taken{Amounts: taken}, "ご返金")
	return err
}

// share is an amount with tax, or what is left if that is less, by tax class.
func (r rest) share(minor int64) []TakenAmount {
	inclusive := r.of.Content.Inclusive
	weights, given := make([]int64, len(r.of.Taxes)), make([]int64, len(r.of.Taxes))
	for i, t := range r.of.Taxes {
		weights[i] = t.Gross.Minor - r.base[t.Class]
		if !inclusive {
			weights[i] -= r.tax[t.Class]
		}
	}
	pricing.Share(weights, minor, given, cmp.Compare)
	var taken []TakenAmount
	for i, t := range r.of.Taxes {
		shown := given[i]
		switch {
		case inclusive:
		case given[i] == weights[i]:
			shown = base(t, false) - r.base[t.Class]
		default:
			shown = money.TaxOf(t.Class, money.Of(shown, r.of.Currency), true, money.RoundUp).Net.Minor
		}
		if shown > 0 {
			taken = append(taken, TakenAmount{Text: "ご返金", Class: t.Class, Amount: money.Of(shown, r.of.Currency).Amount()})
		}
	}
	return taken
}

// Reduced issues the credit note of pieces that do not leave any more, of an order of
// which others have, in the transaction that takes them away.
func (s *Service) Reduced(ctx context.Context, before, after order.Order, reason string) error {
	var taken []TakenAmount
	for _, t := range before.Taxes {
		less := base(t, before.TaxInclusive)
		for _, now := range after.Taxes {
			if now.Class == t.Class {
				less -= base(now, before.TaxInclusive)
			}
		}
		if less > 0 {
			taken = append(taken, TakenAmount{Text: "ご注文の一部取消", Class: t.Class, Amount: money.Of(less, before.Currency).Amount()})
		}
	}
	if len(taken) == 0 {
		return nil
	}
	word := "reduced:"
	if after.TotalMinor < before.TotalMinor {
		word = editedSource
	}
	_, err := s.Credit(ctx, CreditInput{BrandID: after.BrandID, OrderID: after.ID, Source: word + id.New().String(), Taken: Taken{Amounts: taken}, Reason: reason})
	if errors.Is(err, ErrCredit) {
		return nil // accountants have credited it by hand
	}
	return err
}
