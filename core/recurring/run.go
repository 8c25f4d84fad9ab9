package recurring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
)

// The rules of placing: how many days ahead a member is told, how much the total may
// rise, how often what could not be placed is tried, and how long lies between.
const (
	daysAhead  = 5
	mostRise   = 10 // per cent above what the member knows of
	mostTries  = 4
	retryAfter = 24 * time.Hour
	atOnce     = 100
)

// RunJob is the regular job that tells members ahead and places what is due.
type RunJob struct{}

// Kind is the job's name in the queue.
func (RunJob) Kind() string { return "recurring_orders" }

// Run tells members of the channel of the context ahead, and places what is due. What
// fails by noren's own trouble is tried in the next round.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	today, here := s.today(ctx), channel.From(ctx).ID
	ahead := inTurn(ctx, func(after Place) ([]Order, error) {
		return s.Store.Ahead(ctx, here, today, today.AddDate(0, 0, daysAhead), after, atOnce)
	}, s.announce)
	due := inTurn(ctx, func(after Place) ([]Order, error) { return s.Store.Due(ctx, here, today, s.Now(), after, atOnce) }, s.place)
	return errors.Join(ahead, due)
}

// inTurn does to all that are read what is to be done. One that fails holds up no other; it
// answers the last failure.
func inTurn(ctx context.Context, read func(after Place) ([]Order, error), do func(ctx context.Context, o Order) error) error {
	var failed error
	for after := (Place{}); ; {
		some, err := read(after)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, o := range some {
			after = Place{o.NextOn, o.ID}
			if err := do(ctx, o); err != nil {
				slog.WarnContext(ctx, "a recurring order waits for the next round", "number", o.Number, "error", err)
				failed = err
			}
		}
		if len(some) < atOnce {
			return failed
		}
	}
}

// announce mails what will be ordered, once for each due day.
func (s *Service) announce(ctx context.Context, seen Order) error {
	if left, err := s.left(ctx, seen); err != nil || left {
		return err
	}
	priced, err := s.price(ctx, seen)
	if err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.Store.Lock(ctx, seen.ID)
		if err != nil || o.State != Active || !o.NextOn.Equal(seen.NextOn) || o.Revision != seen.Revision || o.AnnouncedOn != nil {
			return err
		}
		o.AnnouncedOn = &o.NextOn
		if err := s.Store.Save(ctx, *o); err != nil {
			return err
		}
		return s.mail(ctx, *o, o.occasion("ahead"), messaging.RecurringOrder{
			Event: "AHEAD", Day: o.NextOn, Lines: contents(priced.Lines, o.Language), Total: priced.Quote.Total.Minor,
		})
	})
}

// left reports whether the member is one no more, and ends what would come for them.
func (s *Service) left(ctx context.Context, seen Order) (bool, error) {
	known, err := s.Members.Member(ctx, seen.BrandID, seen.MemberID)
	if err != nil || known != nil {
		return false, err
	}
	return true, s.Tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.Store.Lock(ctx, seen.ID)
		if err != nil || o == nil || o.State == Cancelled {
			return err
		}
		said := Change{Before: o.State, Reason: "the member has left"}
		o.State, o.RetryAt = Cancelled, nil
		return s.record(ctx, o, "recurring_order.cancelled", said)
	})
}

// place orders what is due, once for each due day, or notes why it cannot be.
func (s *Service) place(ctx context.Context, o Order) error {
	if left, err := s.left(ctx, o); err != nil || left {
		return err
	}
	priced, err := s.price(ctx, o)
	if err == nil {
		err = s.risen(o, priced.Quote.Total)
	}
	if err == nil {
		err = s.order(ctx, o, priced)
	}
	var f *fault.Error
	switch {
	case err == nil || errors.Is(err, errMoved):
		return nil
	case errors.As(err, &f) && f.Kind != fault.KindUnavailable:
		return s.failed(ctx, o, f)
	}
	return err
}

// errMoved says that somebody else has seen to the due day.
var errMoved = errors.New("the due day has been seen to")

// risen fails where the total is much more than the member knows of.
func (s *Service) risen(o Order, total money.Money) error {
	if total.Minor*100 > o.AcceptedMinor*(100+mostRise) {
		return ErrRise.With(o.Accepted(), total)
	}
	return nil
}

func (s *Service) order(ctx context.Context, seen Order, priced *cart.Priced) error {
	var o *Order
	noren, fresh := access.From(ctx), false
	_, err := s.Orders.PlaceFrom(seen.Buyer().In(ctx), order.PlaceInput{
		IdempotencyKey: fmt.Sprintf("recurring %s %s", seen.ID, seen.NextOn.Format(time.DateOnly)), ExpectedTotal: priced.Quote.Total.Amount(),
		PaymentMethod: seen.PaymentMethod, Store: seen.ConvenienceStore, CardID: seen.CardID,
	}, order.Source{
		Operation: "placeRecurringOrder", Intent: seen.NextOn, By: &noren, PayWithin: payWithin(seen),
		Lock: func(ctx context.Context, lookup cart.Lookup) (_ *cart.Basket, err error) {
			if o, err = s.Store.Lock(ctx, seen.ID); err != nil {
				return nil, err
			}
			if o.State != Active || !o.NextOn.Equal(seen.NextOn) || o.Revision != seen.Revision {
				return nil, errMoved
			}
			return s.Store.Basket(ctx, lookup, *o)
		},
		Ordered: func(ctx context.Context, orderID uuid.UUID) error {
			ctx, fresh = access.With(ctx, noren), true
			said := Change{Before: o.State, DueOn: o.NextOn.Format(time.DateOnly), OrderID: &orderID}
			done := Occurrence{RecurringID: o.ID, DueOn: o.NextOn, Result: Placed, OrderID: &orderID, Attempts: o.Attempts + 1, UpdatedAt: s.Now()}
			o.advance(s.today(ctx))
			o.AcceptedMinor = priced.Quote.Total.Minor
			return errors.Join(s.Store.Note(ctx, done), s.record(ctx, o, "recurring_order.placed", said))
		},
	})
	if err != nil || fresh {
		return err
	}
	// The day was ordered before.
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.Store.Lock(ctx, seen.ID)
		if err != nil || o.State != Active || !o.NextOn.Equal(seen.NextOn) {
			return err
		}
		o.advance(s.today(ctx))
		return s.Store.Save(ctx, *o)
	})
}

// cardWithin is how long an order waits whose card was declined, for its member to pay it
// another way.
const cardWithin = 3 * 24 * time.Hour

// payWithin is how long the order waits for its money; 0: as the method says.
func payWithin(o Order) time.Duration {
	if o.PaymentMethod == payment.MethodCard {
		return cardWithin
	}
	return 0
}

// failed notes why a due day could not be ordered, tells member and staff, and sets the
// next try; after the last the day is left out.
func (s *Service) failed(ctx context.Context, seen Order, why *fault.Error) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.Store.Lock(ctx, seen.ID)
		if err != nil || o.State != Active || !o.NextOn.Equal(seen.NextOn) || o.Revision != seen.Revision {
			return err
		}
		day := o.NextOn
		said := Change{Before: o.State, DueOn: day.Format(time.DateOnly), Problem: why.Code}
		what := Occurrence{RecurringID: o.ID, DueOn: day, Result: Problem, ProblemCode: string(why.Code), ProblemText: why.Message(o.Language), Attempts: o.Attempts + 1, UpdatedAt: s.Now()}
		content := messaging.RecurringOrder{Event: "PROBLEM", Day: day, Problem: what.ProblemText}
		o.Attempts++
		if o.Attempts >= mostTries {
			what.Result, content.Event = GivenUp, "SKIPPED"
			o.advance(s.today(ctx))
		} else {
			again := s.Now().Add(retryAfter)
			o.RetryAt, content.RetryAt = &again, &again
		}
		if err := errors.Join(s.Store.Note(ctx, what), s.record(ctx, o, "recurring_order.failed", said)); err != nil {
			return err
		}
		occasion := fmt.Sprintf("%s %s %d", seen.ID, day.Format(time.DateOnly), what.Attempts)
		if err := s.mail(ctx, *o, occasion, content); err != nil || what.Attempts > 1 && what.Result == Problem {
			return err // staff hear of the first and of the last
		}
		return s.tellStaff(ctx, *o, occasion, content)
	})
}

func (o Order) occasion(what string) string {
	return fmt.Sprintf("%s %s %s", o.ID, what, o.NextOn.Format(time.DateOnly))
}

// mail writes to the member.
func (s *Service) mail(ctx context.Context, o Order, occasion string, content messaging.RecurringOrder) error {
	content.Name, content.Number, content.Currency = o.Name, o.Number, o.Currency
	content.URL = s.ShopURL + "/recurring/" + url.PathEscape(o.GlobalID())
	return s.send(i18n.WithLanguage(ctx, o.Language), o, messaging.Address{Name: o.Name, Email: o.Email}, occasion, content)
}

func (s *Service) tellStaff(ctx context.Context, o Order, occasion string, content messaging.RecurringOrder) error {
	staff, err := s.Store.Attendants(ctx)
	if err != nil {
		return err
	}
	content.Number, content.Currency, content.URL = o.Number, o.Currency, s.ShopURL
	for _, to := range staff {
		content.Name = to.Name
		if err := s.send(i18n.WithLanguage(ctx, i18n.Default), o, to, occasion+" "+to.Email, content); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) send(ctx context.Context, o Order, to messaging.Address, occasion string, content messaging.RecurringOrder) error {
	m, err := messaging.New(ctx, to, occasion, content)
	if err != nil {
		return err
	}
	m.BrandID = o.BrandID
	return s.Outbox.Enqueue(ctx, m)
}

func contents(lines []cart.Line, language string) []messaging.OrderLine {
	all := make([]messaging.OrderLine, len(lines))
	for i, l := range lines {
		all[i] = messaging.OrderLine{Name: l.Name.In(language), Option: strings.Join(l.Options, " / "), Quantity: l.Quantity}
		if l.Price != nil {
			all[i].Total = l.Price.Total.Minor
		}
	}
	return all
}
