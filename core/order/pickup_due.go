package order

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
)

// PickUpJob is the regular job that reminds of orders which lie ready, and gives up those
// that nobody fetched.
type PickUpJob struct{}

// Kind is the job's name in the queue.
func (PickUpJob) Kind() string { return "pick_up_due" }

const (
	dueAtOnce = 200            // how many are seen to in one round
	remindAt  = 24 * time.Hour // before the end
)

// notFetched is what the customer reads in the mail.
func notFetched(language string) string {
	return i18n.Text{"ja": "受取期限までに受け取りがなかったため", "en": "It was not picked up in time"}.In(language)
}

// SeeToPickUps gives up the orders that nobody fetched in time, and reminds of those
// whose last day it is. One that fails does not stop the others.
func (s *Service) SeeToPickUps(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	now := s.now()
	over, err := s.store.DuePickUps(ctx, now, 0, dueAtOnce)
	for _, orderID := range over {
		err = errors.Join(err, s.giveUpPickUp(ctx, orderID))
	}
	soon, failed := s.store.DuePickUps(ctx, now, remindAt, dueAtOnce)
	err = errors.Join(err, failed)
	for _, orderID := range soon {
		err = errors.Join(err, s.remind(ctx, orderID))
	}
	return err
}

// giveUpPickUp gives up an order that was not fetched: its stock returns, and what was
// paid goes back.
func (s *Service) giveUpPickUp(ctx context.Context, orderID uuid.UUID) error {
	_, err := s.change(ctx, orderID, "order.cancelled", func(ctx context.Context, o *Order, c *Change) error {
		p, err := s.store.LockPickUp(ctx, o.ID)
		if err != nil {
			return err
		}
		if p.State != PickUpReady || !p.expired(s.now()) || !o.Status.cancellable() {
			return errStands
		}
		if err := s.notReplacing(ctx, *o); err != nil {
			if errors.Is(err, ErrReplacement) {
				return errStands
			}
			return err
		}
		c.Reason = notFetched(o.Language)
		if err := s.cancel(ctx, o, c.Reason); err != nil {
			return err
		}
		p.State, p.UpdatedAt = PickUpExpired, s.now()
		return s.store.SavePickUp(ctx, *p)
	})
	if errors.Is(err, errStands) {
		return nil
	}
	return err
}

func (s *Service) remind(ctx context.Context, orderID uuid.UUID) error {
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil || o == nil {
			return err
		}
		p, err := s.store.LockPickUp(ctx, orderID)
		if err != nil || p.State != PickUpReady || p.RemindedAt != nil || p.expired(s.now()) {
			return err
		}
		now := s.now()
		p.RemindedAt, p.UpdatedAt = &now, now
		return errors.Join(s.store.SavePickUp(ctx, *p), s.tellReady(ctx, *o, *p, true))
	})
}

// tellReady mails the code of an order that lies ready.
func (s *Service) tellReady(ctx context.Context, o Order, p PickUp, again bool) error {
	if o.Email == "" {
		return nil
	}
	name, err := s.store.ShopName(ctx, p.ShopID)
	if err != nil {
		return err
	}
	lines, err := s.store.Lines(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return err
	}
	shop := o.ShippingAddress
	content := messaging.PickUpReady{
		Name: shop.Name, OrderNumber: o.Number, Shop: name.In(o.Language), Phone: shop.Phone, Code: s.codes.Code(p), Until: p.ExpiresAt.Add(-time.Second), Again: again, Currency: o.Currency,
	}
	shop.Name, shop.Company = "", ""
	content.Address = strings.TrimSpace(strings.TrimSuffix(strings.Join(shop.Lines(), " "), " 様"))
	if o.PaymentMethod == payment.MethodAtShop && !o.Paid {
		content.Payable = true
	}
	for _, l := range mailed(Draft{Order: o, Lines: lines}) {
		content.Lines = append(content.Lines, messaging.OrderPart{Name: l.Name, Option: l.Option, Quantity: l.Quantity})
	}
	occasion := o.ID.String() + " ready"
	if again {
		occasion += " again"
	}
	return s.mail(ctx, o, occasion, content)
}

// CodeOf is the code of a pick-up as its customer reads it, and what its square code says;
// empty for anybody else, and unless the order lies ready.
func (s *Service) CodeOf(ctx context.Context, p PickUp) (code, token string) {
	if access.From(ctx).May(access.OrderRead) {
		return "", ""
	}
	return s.codes.Code(p), s.codes.Token(p)
}
