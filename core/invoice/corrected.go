package invoice

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
)

// editedSource is how the sources of credit notes begin that say what an edit took off: it is
// off the order too, and so not once more off later receipts.
const editedSource = "edited:"

// Edited issues the credit note of a receipt whose order comes to less of a tax class since
// it was edited, in the transaction of the edit. None of the order has left, so there is no
// invoice: that will say what the order is then.
func (s *Service) Edited(ctx context.Context, after order.Order, reason string) error {
	rest, err := s.receipted(ctx, after.BrandID, after.ID)
	if err != nil || rest == nil {
		return err
	}
	inclusive := rest.of.Content.Inclusive
	var taken []TakenAmount
	for _, t := range rest.of.Taxes {
		less := base(t, inclusive) - rest.base[t.Class]
		for _, now := range after.Taxes {
			if now.Class == t.Class {
				less -= base(now, inclusive)
			}
		}
		if less > 0 {
			taken = append(taken, TakenAmount{Text: "ご注文内容の変更", Class: t.Class, Amount: money.Of(less, after.Currency).Amount()})
		}
	}
	if len(taken) == 0 {
		return nil
	}
	_, err = s.credit(ctx, rest.of, editedSource+id.New().String(), Taken{Amounts: taken}, reason)
	return err
}

// Repaid issues the credit note of a receipt for more than what was received since money went
// back, in its transaction. Once the order is invoiced, Refunded sees to that.
func (s *Service) Repaid(ctx context.Context, r payment.Repaid) error {
	rest, err := s.receipted(ctx, r.BrandID, r.OrderID)
	if err != nil || rest == nil {
		return err
	}
	over := rest.of.TotalMinor - r.LeftMinor
	for _, c := range rest.credits {
		over -= c.TotalMinor
	}
	if over <= 0 {
		return nil
	}
	taken := rest.share(over)
	if len(taken) == 0 {
		return nil
	}
	_, err = s.credit(ctx, rest.of, "repaid:"+id.New().String(), Taken{Amounts: taken}, "ご返金")
	return err
}

// receipted is what is left of the last receipt of an order that has no invoice, locked; nil
// if it has none, or has an invoice.
func (s *Service) receipted(ctx context.Context, brandID, orderID uuid.UUID) (*receipted, error) {
	there, err := s.Store.OfOrders(ctx, []uuid.UUID{orderID})
	if err != nil {
		return nil, err
	}
	of := correctable(there)
	if of == nil || of.Kind != KindReceipt {
		return nil, nil
	}
	locked, err := s.Store.Lock(ctx, brandID, of.ID)
	if err != nil || locked == nil {
		return nil, err
	}
	credits, err := s.Store.Credits(ctx, of.ID)
	return &receipted{left(*locked, credits), credits}, err
}

// receipted is a receipt and what its credit notes have left of it.
type receipted struct {
	rest
	credits []Document
}
