package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/shipping"
)

// Delivery is what an order's customer is told and has chosen of its delivery. Days are
// midnights UTC.
type Delivery struct {
	PromisedOn *time.Time     // the day on which it is there (お届け予定日); nil if no day was told, or it was taken back
	ShipBy     *time.Time     // the day by which it is to leave for that; what was told stays when the promise is taken back
	DeliverOn  *time.Time     // the day that the customer wishes for (配達希望日); nil: the earliest
	Band       *shipping.Band // the part of the day, as it was offered; nil: any
}

// DeliveryBand is the code of the part of the day; empty: any.
func (d Delivery) DeliveryBand() string { return codeOf(d.Band) }

func codeOf(b *shipping.Band) string {
	if b == nil {
		return ""
	}
	return b.Code
}

// Routes know how long the brand's ways to ship take.
type Routes interface {
	// MethodByID is the brand's method, closed or not; nil if there is none.
	MethodByID(ctx context.Context, brandID, methodID uuid.UUID) (*shipping.Method, error)
}

// deliverable is what stands against delivering the cart as its customer wishes; nil if
// nothing does.
func deliverable(p *cart.Priced) error {
	if p.Arrival == nil || p.Arrival.Problem == nil || p.ShippingAddress == nil { // which is told already
		return nil
	}
	return p.Arrival.Problem
}

// told is what the customer of a new order is told. While money or an approval is waited
// for, no day is: it is told when they are there.
func told(p *cart.Priced, o Order) Delivery {
	d := Delivery{DeliverOn: p.DeliverOn}
	if p.Arrival == nil {
		return d
	}
	d.Band = p.Arrival.Band
	if !o.waits() {
		d.promise(p.Arrival.Promise)
	}
	return d
}

// waits reports whether it is not known when the order may leave: it needs an approval, or
// money that comes on another day.
func (o Order) waits() bool {
	later := []payment.Method{payment.MethodBankTransfer, payment.MethodConvenienceStore}
	return o.Status == PendingApproval || o.Status == PendingPayment && slices.Contains(later, o.PaymentMethod)
}

func (d *Delivery) promise(p *shipping.Promise) {
	d.PromisedOn, d.ShipBy = nil, nil
	if p != nil {
		d.PromisedOn, d.ShipBy = &p.ArrivesOn, &p.ShipsOn
	}
}

// tell adds to the confirmation when the goods come.
func (o Order) tell(c *messaging.OrderConfirmation) {
	c.PromisedOn, c.DeliverOn = o.PromisedOn, o.DeliverOn
	if o.Band != nil {
		c.Band = o.Band.Name.In(o.Language)
	}
}

// told is what the customer of an order that was paid is told of the delivery.
func (o Order) told() payment.Told {
	var c messaging.OrderConfirmation
	o.tell(&c)
	return payment.Told{PromisedOn: c.PromisedOn, DeliverOn: c.DeliverOn, Band: c.Band}
}

// released promises a day to the customer of an order that waited and may leave now. A
// day that was wished for and cannot be met any more is forgotten.
func (s *Service) released(ctx context.Context, o *Order) error {
	way, err := s.way(ctx, *o)
	if err != nil || way == nil {
		return err
	}
	o.promiseBy(*way, o.DeliverOn)
	return s.store.SaveDelivery(ctx, *o)
}

// promiseBy promises the day that is wished for, or a day that is not before the one named.
// If no day can be worked out any more, the promise is taken back: the wish stays, and the
// day by which the order was to leave, since it is late from then on.
func (o *Order) promiseBy(way way, on *time.Time) {
	window, leaves := way.window(), o.ShipBy
	if o.DeliverOn != nil && window.Promise != nil && !window.Meets(*o.DeliverOn) {
		o.DeliverOn = nil
	}
	if o.DeliverOn != nil {
		on = o.DeliverOn
	}
	if o.promise(way.agreed(on)); o.PromisedOn == nil {
		o.ShipBy = leaves
	}
}

// promiseAgain promises a day to the customer of an order whose goods are more, or leave
// from elsewhere: never a day sooner than the one told before. Another day is mailed. Who
// was not told a day is not.
func (s *Service) promiseAgain(ctx context.Context, o *Order, c *Change) error {
	before := o.Delivery
	if o.waits() || o.PickedUp() {
		return nil
	}
	way, err := s.way(ctx, *o)
	if err != nil || way == nil {
		return err
	}
	o.promiseBy(*way, before.PromisedOn)
	told := sameDay(before.PromisedOn, o.PromisedOn) && sameDay(before.DeliverOn, o.DeliverOn)
	if told && sameDay(before.ShipBy, o.ShipBy) {
		return nil
	}
	if err := s.store.SaveDelivery(ctx, *o); err != nil || told {
		return err
	}
	c.Promise = &Repromise{before.PromisedOn, o.PromisedOn, o.DeliverOn, o.DeliveryBand()}
	if before.PromisedOn == nil && before.ShipBy == nil {
		return nil
	}
	return s.tellRescheduled(ctx, *o, before, c.Reason)
}

// tellRescheduled mails another day of delivery.
func (s *Service) tellRescheduled(ctx context.Context, o Order, before Delivery, reason string) error {
	if o.Email == "" { // who bought at a counter may have none
		return nil
	}
	notice := messaging.OrderRescheduled{Name: o.ShippingAddress.Name, OrderNumber: o.Number, Reason: reason, Before: before.PromisedOn, On: o.PromisedOn}
	if o.Band != nil {
		notice.Band = o.Band.Name.In(o.Language)
	}
	return s.mail(ctx, o, o.ID.String()+" "+s.now().String(), notice)
}

// way is what of an order is still to go, from where, and how.
type way struct {
	method shipping.Method
	parcel shipping.Parcel
}

func (w way) window() shipping.Window { return w.method.Window(w.parcel) }

func (w way) agreed(on *time.Time) *shipping.Promise {
	return w.method.Agreed(w.parcel, shipping.Choice{On: on})
}

// way reads the way of a locked order; nil if nobody knows when its method delivers.
func (s *Service) way(ctx context.Context, o Order) (*way, error) {
	if s.routes == nil {
		return nil, nil
	}
	method, err := s.routes.MethodByID(ctx, o.BrandID, o.ShippingMethod.ID)
	if err != nil || method == nil || !method.Schedule.Told() {
		return nil, err
	}
	w := way{*method, shipping.Parcel{To: shipping.To(&o.ShippingAddress), Mode: o.ShippingMode, At: s.today(ctx)}}
	w.parcel.Sources, err = s.sources(ctx, o.ID)
	return &w, err
}

// today is the moment by the clock of the shop.
func (s *Service) today(ctx context.Context) time.Time { return s.now().In(channel.From(ctx).Zone()) }

// sources are where the goods of a locked order lie that have not left, each place once,
// and when those come that it waits for: of what should have come before today, nobody knows.
func (s *Service) sources(ctx context.Context, orderID uuid.UUID) ([]shipping.Source, error) {
	held, err := s.store.Held(ctx, orderID, s.now())
	if err != nil {
		return nil, err
	}
	zone, today := channel.From(ctx).Zone(), shipping.DayOf(s.today(ctx))
	var all []shipping.Source
	var released *time.Time // the last day on which some of what is waited for may not leave
	waits := false
	for _, h := range held {
		source := shipping.Source{LocationID: h.LocationID, DueOn: h.before(zone)}
		if h.Waits() {
			waits, released = true, later(released, source.DueOn)
		} else if !slices.Contains(all, source) {
			all = append(all, source)
		}
	}
	if !waits {
		return all, nil
	}
	lines, err := s.store.Lines(ctx, []uuid.UUID{orderID})
	there := len(all)
	for _, l := range lines {
		if l.BackOrdered > 0 {
			all = append(all, shipping.Source{DueOn: later(l.DueOn, released), Unknown: l.DueOn == nil || l.DueOn.Before(today)})
		}
	}
	if len(all) == there { // no line says what is waited for
		all = append(all, shipping.Source{Unknown: true})
	}
	return all, err
}

// before is the last day on which goods that are sold in advance may not leave; nil if they
// may.
func (h Held) before(zone *time.Location) *time.Time {
	if h.ReleaseAt == nil {
		return nil
	}
	day := shipping.DayOf(h.ReleaseAt.In(zone)).AddDate(0, 0, -1)
	return &day
}

func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}
