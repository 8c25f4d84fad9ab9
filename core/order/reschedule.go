package order

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/shipping"
)

// RescheduleInput tells an order's customer another day of delivery.
type RescheduleInput struct {
	OrderID uuid.UUID
	// PromisedOn is the day that staff promise; nil: it is worked out anew.
	PromisedOn   *time.Time
	DeliverOn    *time.Time // what the customer wishes for now; nil: as before
	DeliveryBand *string    // the part of the day; nil: as before
	AnyDelivery  bool       // the customer wishes for nothing any more
	Reason       string     // the customer reads it
}

// Failures of promising another day.
var (
	ErrPromiseUnknown = fault.Conflict("PROMISE_UNKNOWN", "お届け予定日を計算できません。日付を指定してください", "No day of delivery can be worked out; give one")
	ErrPromisePast    = fault.Invalid("DELIVERY_DATE_TOO_EARLY", "お届け予定日は本日（%s）以降の日を指定してください", "Promise a day from today (%s) on")
	ErrTwoDays        = fault.Invalid(fault.CodeInvalid, "お届け予定日と配達希望日は同時に指定できません。希望日がお届け予定日になります", "Promise a day or note what the customer wishes for, not both: a wish is promised")
	ErrAnyAndWish     = fault.Invalid(fault.CodeInvalid, "希望日時を指定する場合は「指定なし」を選択できません", "Note a wish or none, not both")
	ErrSameDelivery   = fault.Conflict("DELIVERY_UNCHANGED", "お届け予定日・希望日時に変更がありません", "The delivery is promised like this already")
)

// Validate checks the input by itself.
func (in RescheduleInput) Validate() error {
	switch {
	case strings.TrimSpace(in.Reason) == "":
		return fault.ErrRequired.At("reason")
	case in.PromisedOn != nil && in.DeliverOn != nil:
		return ErrTwoDays.At("promisedOn")
	case in.AnyDelivery && (in.DeliverOn != nil || in.DeliveryBand != nil):
		return ErrAnyAndWish.At("anyDelivery")
	}
	return short("reason", in.Reason, maxReason)
}

// Repromise is what an event says of another day of delivery.
type Repromise struct {
	Before    *time.Time `json:"before,omitempty"`
	After     *time.Time `json:"after,omitempty"`
	DeliverOn *time.Time `json:"deliverOn,omitempty"`
	Band      string     `json:"band,omitempty"`
}

// PromisedBefore is the day that was promised before; nil if none was, or the event is
// about something else.
func (c Change) PromisedBefore() *time.Time {
	if c.Promise == nil {
		return nil
	}
	return c.Promise.Before
}

// PromisedOn is the day that is promised since; nil if none is, or the event is about
// something else.
func (c Change) PromisedOn() *time.Time {
	if c.Promise == nil {
		return nil
	}
	return c.Promise.After
}

// Reschedule tells an order's customer another day of delivery, for staff: the one that
// they promise, or the one that is worked out anew from where the goods are now. What was
// promised before stays in the history; the customer is mailed.
func (s *Service) Reschedule(ctx context.Context, in RescheduleInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	return s.change(ctx, in.OrderID, "order.rescheduled", func(ctx context.Context, o *Order, c *Change) error {
		if !o.Status.cancellable() && o.Status != PartiallyShipped {
			return ErrTransition.With(o.Status)
		}
		before := o.Delivery
		if err := s.repromise(ctx, o, in); err != nil {
			return err
		}
		if sameDay(before.PromisedOn, o.PromisedOn) && sameDay(before.DeliverOn, o.DeliverOn) && before.DeliveryBand() == o.DeliveryBand() {
			return ErrSameDelivery
		}
		c.Reason, c.Promise = in.Reason, &Repromise{before.PromisedOn, o.PromisedOn, o.DeliverOn, o.DeliveryBand()}
		if err := s.store.SaveDelivery(ctx, *o); err != nil {
			return err
		}
		return s.tellRescheduled(ctx, *o, before, in.Reason)
	})
}

func sameDay(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// repromise notes the wish and the promise of the input in the order.
func (s *Service) repromise(ctx context.Context, o *Order, in RescheduleInput) error {
	w, err := s.way(ctx, *o)
	if err != nil {
		return err
	}
	if w == nil {
		w = &way{}
	}
	if err := o.wish(w.window(), in); err != nil {
		return err
	}
	if in.PromisedOn == nil {
		promise := w.agreed(o.DeliverOn)
		if promise == nil {
			return ErrPromiseUnknown.At("promisedOn")
		}
		o.promise(promise)
		return nil
	}
	today := shipping.DayOf(s.today(ctx))
	if in.PromisedOn.Before(today) {
		return ErrPromisePast.With(today.Format(time.DateOnly)).At("promisedOn")
	}
	if o.DeliverOn != nil { // the carrier is told the day that holds
		o.DeliverOn = in.PromisedOn
	}
	o.promise(w.agreed(in.PromisedOn))
	o.PromisedOn = in.PromisedOn
	return nil
}

// wish notes what the customer wishes for now, if it can be met.
func (o *Order) wish(window shipping.Window, in RescheduleInput) error {
	choice := shipping.Choice{On: in.DeliverOn, Band: value(in.DeliveryBand)}
	if err := window.Fits(choice); err != nil {
		return err
	}
	if in.AnyDelivery {
		o.DeliverOn, o.Band = nil, nil
	}
	if in.DeliverOn != nil {
		o.DeliverOn = in.DeliverOn
	} else if in.PromisedOn == nil && window.Fits(shipping.Choice{On: o.DeliverOn}) != nil {
		o.DeliverOn = nil // it cannot be met any more
	}
	if in.DeliveryBand != nil {
		o.Band = window.Band(*in.DeliveryBand)
	}
	return nil
}
