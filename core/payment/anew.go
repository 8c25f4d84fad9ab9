package payment

import (
	"context"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// waitAnew lets an order that has lost money which was held wait for it as long as for a slip
// that is paid at a convenience store, and tells its customer. Unless a part of the money is
// there or held, the order is given up after that.
func (s *Service) waitAnew(ctx context.Context, due Due, all []Payment, lost Payment) error {
	missing := messaging.PaymentLapsed{
		Name: due.Name, OrderNumber: due.Number, Amount: due.Amount - TotalsOf(all).Secured(), Currency: due.Currency,
		URL: s.ShopURL + "/orders/" + id.Global("Order", due.OrderID),
	}
	if besidesOwn(all) <= 0 {
		until := s.endOf(s.Now().In(s.Terms.Zone).Add(s.Terms.StoreWithin))
		missing.Until, lost.DueAt = &until, &until
		if err := s.Store.Update(ctx, lost); err != nil {
			return err
		}
		for i := range all {
			if all[i].ID == lost.ID {
				all[i] = lost
			}
		}
	}
	if due.Email == "" {
		return nil
	}
	return s.mail(ctx, due, "lapsed:"+lost.ID.String(), missing)
}
