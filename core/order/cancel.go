package order

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sale"
)

// CancelInput gives an order up.
type CancelInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	Reason         string
}

// Cancel gives an order up, once for each key: its stock returns, and its money or credit
// is given back. Its customer may until it is being picked, staff until it is shipped. Of a company's
// order, the customer is who placed it, and those who approve for the company.
func (s *Service) Cancel(ctx context.Context, in CancelInput) (*Order, error) {
	if err := short("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	return s.once(ctx, "cancelOrder", in.IdempotencyKey, in, in.OrderID, "order.cancelled", func(ctx context.Context, o *Order, c *Change) error {
		staff := access.From(ctx).May(access.OrderWrite)
		switch {
		case !o.Status.cancellable(), o.Status == Picking && !staff:
			return ErrTransition.With(o.Status)
		case access.From(ctx).May(access.OrderRead) && !staff:
			return fault.ErrForbidden
		case !staff && o.Status == Confirmed:
			if err := s.revocable(ctx, o.ID); err != nil {
				return err
			}
		}
		if err := s.mayGiveUp(ctx, *o, staff); err != nil {
			return err
		}
		if !staff {
			if err := s.notReplacing(ctx, *o); err != nil {
				return err
			}
		}
		c.Reason = in.Reason
		return s.cancel(ctx, o, in.Reason)
	})
}

// revocable fails if something of a confirmed order is being made for it.
func (s *Service) revocable(ctx context.Context, orderID uuid.UUID) error {
	lines, err := s.store.Lines(ctx, []uuid.UUID{orderID})
	for _, l := range lines {
		made := slices.ContainsFunc(l.Parts, func(p Part) bool { return p.SoldAs == sale.MadeToOrder })
		if made || l.SoldAs == sale.MadeToOrder {
			return ErrMadeToOrder
		}
	}
	return err
}

func (s *Service) cancel(ctx context.Context, o *Order, reason string) error {
	refund, err := s.giveUpMoney(ctx, o, reason)
	if err != nil {
		return err
	}
	return s.giveUpGoods(ctx, o, reason, refund)
}

// giveUpMoney gives back what an order that is given up has paid and used, and answers
// what goes back to its customer. It comes before the stock, as in placing: no two wait
// in a ring.
func (s *Service) giveUpMoney(ctx context.Context, o *Order, reason string) (refund int64, err error) {
	o.Status = Cancelled
	if refund, err = s.payments.Release(ctx, o.ID, reason); err != nil {
		return 0, err
	}
	if o.CompanyID != nil && o.OnAccount() {
		if err := s.returnCredit(ctx, *o); err != nil {
			return 0, err
		}
	}
	if s.campaigns != nil {
		if err := s.campaigns.Return(ctx, o.ID); err != nil {
			return 0, err
		}
	}
	if o.CarriedMinor > 0 {
		back, err := s.exchanges.GivenUp(ctx, o.ID)
		if err != nil {
			return 0, err
		}
		refund += back
	}
	if o.QuotationID != nil {
		return refund, s.offers.Reopen(ctx, *o.QuotationID)
	}
	return refund, nil
}

// giveUpGoods returns the stock of an order that is given up, and tells its customer.
func (s *Service) giveUpGoods(ctx context.Context, o *Order, reason string, refund int64) error {
	if err := s.store.CancelShipments(ctx, o.ID, s.now()); err != nil {
		return err
	}
	flipped, err := s.store.Release(ctx, o.ID, s.now())
	if err != nil {
		return err
	}
	if err := s.stockFlipped(ctx, flipped); err != nil {
		return err
	}
	if err := s.credited(ctx, *o, reason); err != nil {
		return err
	}
	return s.mail(ctx, *o, o.ID.String(), messaging.OrderCancelled{
		Name: o.ShippingAddress.Name, OrderNumber: o.Number, Reason: reason, Refund: refund, Currency: o.Currency,
	})
}

// returnCredit gives back what the order took of its company's credit, once; for parcels
// that were refused it has been given back.
func (s *Service) returnCredit(ctx context.Context, o Order) error {
	switch {
	case o.RefusedMinor == 0:
		return s.trade.Return(ctx, *o.CompanyID, o.ID)
	case o.Owed() == 0:
		return nil
	}
	_, err := s.trade.Adjust(ctx, *o.CompanyID, o.ID, -o.Owed())
	return err
}

// NoteInput is what staff tell each other about an order.
type NoteInput struct {
	OrderID uuid.UUID
	Note    string
}

// How long texts about an order may be, in characters.
const (
	maxNote   = 4000
	maxReason = 500
	maxParcel = 100
)

// short fails if the text of the input's field is longer than that.
func short(field, text string, longest int) error {
	if utf8.RuneCountInString(text) <= longest {
		return nil
	}
	return fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "This has at most %d characters").With(longest).At(field)
}

// Note replaces the internal note of an order, for staff.
func (s *Service) Note(ctx context.Context, in NoteInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := short("note", in.Note, maxNote); err != nil {
		return nil, err
	}
	return s.change(ctx, in.OrderID, noted, func(_ context.Context, o *Order, c *Change) error {
		o.InternalNote, c.Note = in.Note, in.Note
		return nil
	})
}
