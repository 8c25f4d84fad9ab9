package order

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/shipping"
)

// RepromiseJob works out anew when orders are there.
type RepromiseJob struct {
	BrandID    uuid.UUID   `json:"brandId"`
	VariantIDs []uuid.UUID `json:"variantIds,omitempty"` // of the orders that wait for these, which come otherwise than was announced
	OrderIDs   []uuid.UUID `json:"orderIds,omitempty"`   // of these, which goods have come for, if they are late or were told no day
}

// Kind is the job's name in the queue.
func (RepromiseJob) Kind() string { return "order_repromise" }

// Repromises queues the working out of promises, in the transaction that gives cause for it.
type Repromises interface {
	Repromise(ctx context.Context, jobs ...RepromiseJob) error
}

// Why a promise is made anew, as the customer reads it.
var (
	becauseAnnounced = i18n.Text{"ja": "商品の入荷予定が変わったため", "en": "The goods come in on another day than was announced"}
	becauseCame      = i18n.Text{"ja": "商品が入荷したため", "en": "The goods have come in"}
	becauseHeld      = i18n.Text{"ja": "ご注文内容の確認に日数を要したため", "en": "It took us some days to check the order"}
)

// anewAtOnce is how many orders are read at once, or stand in one job.
const anewAtOnce = 500

// goodsCame queues the orders that stock was found for: some may have been promised a day
// that cannot be met any more, or none.
func (s *Service) goodsCame(ctx context.Context, found []Allocation) error {
	if s.anew == nil {
		return nil
	}
	var orderIDs []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, a := range found {
		if !seen[a.OrderID] {
			seen[a.OrderID], orderIDs = true, append(orderIDs, a.OrderID)
		}
	}
	var jobs []RepromiseJob
	for some := range slices.Chunk(orderIDs, anewAtOnce) {
		jobs = append(jobs, RepromiseJob{OrderIDs: some})
	}
	return s.anew.Repromise(ctx, jobs...)
}

// Repromise works out anew when orders are there, for noren itself. Each order is a
// transaction; one that was worked out before stays as it is, so the job may be done again.
// One that fails does not stop the others.
func (s *Service) Repromise(ctx context.Context, j RepromiseJob) error {
	ctx = access.With(ctx, access.System)
	var failed error
	for _, orderID := range j.OrderIDs {
		failed = errors.Join(failed, s.repromiseOne(ctx, orderID, becauseCame, true))
	}
	for after := uuid.Nil; len(j.VariantIDs) > 0; {
		waiting, err := s.store.WaitingFor(ctx, j.BrandID, j.VariantIDs, after, anewAtOnce)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, orderID := range waiting {
			failed = errors.Join(failed, s.repromiseOne(ctx, orderID, becauseAnnounced, false))
		}
		if len(waiting) < anewAtOnce {
			break
		}
		after = waiting[len(waiting)-1]
	}
	return failed
}

// repromiseOne works out anew when an order is there; if only a broken promise counts, one
// that still can be kept stays as it is.
func (s *Service) repromiseOne(ctx context.Context, orderID uuid.UUID, why i18n.Text, broken bool) error {
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil || o == nil || !o.toLeave() {
			return err
		}
		if ctx, err = s.inChannel(ctx, *o); err != nil {
			return err
		}
		if broken && o.PromisedOn != nil && !o.broken(shipping.DayOf(s.today(ctx))) {
			return nil
		}
		return s.promiseAnew(ctx, o, why)
	})
}

// toLeave reports whether the order stands, and some of it is to be sent.
func (o Order) toLeave() bool {
	return slices.Contains([]Status{Confirmed, Picking, PartiallyShipped}, o.Status) && !o.PickedUp()
}

// broken reports whether an order that is to leave should have left before the day, or
// what was promised was taken back.
func (o Order) broken(today time.Time) bool {
	return o.toLeave() && o.ShipBy != nil && (o.ShipBy.Before(today) || o.PromisedOn == nil)
}

// promiseAnew promises the customer of a locked order the earliest day that can be met now,
// or the one that is wished for, be it later or sooner than the one told before. If no day
// can be worked out, the promise is taken back. Another day is noted and mailed; the same
// is not. What was taken back while the order is held is not promised before it is released.
func (s *Service) promiseAnew(ctx context.Context, o *Order, why i18n.Text) error {
	before := o.Delivery
	if o.Held != "" && o.PromisedOn == nil {
		return nil
	}
	way, err := s.way(ctx, *o)
	if err != nil || way == nil {
		return err
	}
	o.promiseBy(*way, nil)
	told := sameDay(before.PromisedOn, o.PromisedOn) && sameDay(before.DeliverOn, o.DeliverOn)
	switch {
	case told && sameDay(before.ShipBy, o.ShipBy):
		return nil
	case told:
		return s.store.SaveDelivery(ctx, *o)
	}
	return s.toldAnew(ctx, o, "order.rescheduled", before, why)
}

// toldAnew writes down what an order's customer is told now, and mails it.
func (s *Service) toldAnew(ctx context.Context, o *Order, what string, before Delivery, why i18n.Text) error {
	c := Change{Before: o.Status, After: o.Status, Reason: why.In(o.Language), Promise: &Repromise{before.PromisedOn, o.PromisedOn, o.DeliverOn, o.DeliveryBand()}}
	o.UpdatedAt = s.now()
	return errors.Join(
		s.store.SaveDelivery(ctx, *o), s.store.Update(ctx, *o),
		s.events.Record(ctx, event.New(ctx, o.UpdatedAt, what, "Order", o.ID, c)),
		s.tellRescheduled(ctx, *o, before, c.Reason),
	)
}
