package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// InstructInput tells locations to send goods of an order.
type InstructInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	LocationID     *uuid.UUID  // only what lies there; nil: from wherever it lies
	Lines          []AskedLine // empty: all that is left
	Partial        bool        // also if something must stay behind
}

const maxLines = 1000

func (in InstructInput) validate() error {
	if len(in.Lines) > maxLines {
		return fault.Invalid(fault.CodeTooLong, "明細は%d件以内で指定してください", "This has at most %d lines").With(maxLines).At("lines")
	}
	for i, l := range in.Lines {
		if l.Quantity < 1 {
			return fault.Invalid(fault.CodeInvalid, "数量は1以上で指定してください", "The quantity is at least 1").At("lines")
		}
		if slices.ContainsFunc(in.Lines[:i], func(m AskedLine) bool { return m.LineID == l.LineID }) {
			return fault.Invalid(fault.CodeInvalid, "同じ明細が2回指定されています", "A line is named twice").At("lines")
		}
	}
	return nil
}

// Instructed is the order with the shipments that were made.
type Instructed struct {
	Order     *Order
	Shipments []Shipment
}

// Instruct makes a shipment for each location that holds goods of the order, for staff:
// the work of the warehouse (出荷指示). Unless it is partial, nothing is made while
// something that is asked for cannot leave.
func (s *Service) Instruct(ctx context.Context, in InstructInput) (Instructed, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return Instructed{}, err
	}
	if err := in.validate(); err != nil {
		return Instructed{}, err
	}
	made, err := idempotency.Once(ctx, s.keys, "instructShipments", in.IdempotencyKey, in, func(ctx context.Context) ([]uuid.UUID, error) {
		var made []uuid.UUID
		_, err := s.change(ctx, in.OrderID, "order.instructed", func(ctx context.Context, o *Order, c *Change) error {
			all, err := s.instruct(ctx, o, in)
			for _, h := range all {
				made, c.Shipments = append(made, h.ID), append(c.Shipments, h.Nth)
			}
			return err
		})
		return made, err
	})
	if err != nil {
		return Instructed{}, err
	}
	o, err := s.ByID(ctx, in.OrderID)
	if err != nil {
		return Instructed{}, err
	}
	all, err := s.store.Shipments(ctx, []uuid.UUID{in.OrderID})
	return Instructed{o, slices.DeleteFunc(all, func(h Shipment) bool { return !slices.Contains(made, h.ID) })}, err
}

func (s *Service) instruct(ctx context.Context, o *Order, in InstructInput) ([]Shipment, error) {
	if o.PickedUp() {
		return nil, ErrPickUp
	}
	if err := o.shippable(); err != nil {
		return nil, err
	}
	p, err := s.packing(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	for _, l := range in.Lines {
		if !slices.ContainsFunc(p.lines, func(m Line) bool { return m.ID == l.LineID }) {
			return nil, ErrUnknownLine.At("lines")
		}
	}
	if p.only = value(in.LocationID); !access.WorksAt(ctx, p.only) {
		return nil, fault.ErrForbidden
	}
	packed, places, short := p.pack(in.Lines)
	partial := in.Partial || (in.LocationID != nil && len(in.Lines) == 0)
	switch {
	case short != nil && (!partial || len(places) == 0):
		return nil, short
	case len(places) == 0:
		return nil, ErrNothingToShip
	}
	all := make([]Shipment, 0, len(places))
	for _, place := range places {
		all = append(all, Shipment{
			ID: id.New(), OrderID: o.ID, BrandID: o.BrandID, LocationID: place, Nth: len(p.shipments) + len(all) + 1, Status: ShipmentInstructed,
			Currency: o.Currency, Lines: packed[place], ShipBy: o.ShipBy, DeliverOn: o.DeliverOn, Band: o.Band, InstructedAt: s.now(), UpdatedAt: s.now(),
		})
	}
	o.Status = standing(append(p.shipments, all...), p.held)
	return all, s.store.InsertShipments(ctx, all)
}

// packing reads what is left of a locked order, and what has been packed.
func (s *Service) packing(ctx context.Context, orderID uuid.UUID) (p packing, err error) {
	ids := []uuid.UUID{orderID}
	if p.lines, err = s.store.Lines(ctx, ids); err != nil {
		return p, err
	}
	if p.shipments, err = s.store.Shipments(ctx, ids); err != nil {
		return p, err
	}
	p.held, err = s.store.Held(ctx, orderID, s.now())
	return p, err
}

// shippable fails unless the order stands and its money is there or promised.
func (o Order) shippable() error {
	switch {
	case !slices.Contains([]Status{Confirmed, Picking, PartiallyShipped}, o.Status):
		if o.Status == PendingPayment {
			return ErrUnpaid
		}
		return ErrTransition.With(o.Status)
	case o.Held != "":
		return ErrHeld
	case !o.Paid && !o.ShipsUnpaid(): // paid before, a hold may have lapsed since
		return ErrUnpaid
	}
	return nil
}

// standing is where an order stands whose goods are so far: held is what it holds and
// waits for.
func standing(shipments []Shipment, held []Held) Status {
	var moving, out, arrived, refused int
	for _, h := range shipments {
		switch h.Status {
		case ShipmentInstructed:
			moving++
		case ShipmentDelivered:
			arrived++
			out++
		case ShipmentShipped:
			out++
		case ShipmentRefused:
			refused++
		}
	}
	switch {
	case out > 0 && len(held) > 0:
		return PartiallyShipped
	case out > 0 && arrived == out:
		return Delivered
	case out > 0:
		return Shipped
	case refused > 0 && len(held) == 0:
		return Cancelled
	case moving > 0:
		return Picking
	}
	return Confirmed
}

// CancelShipmentInput calls a shipment off.
type CancelShipmentInput struct {
	IdempotencyKey string
	ShipmentID     uuid.UUID
	Reason         string
}

// CancelShipment calls a shipment off before it leaves, for staff, once for each key: the
// order keeps the goods, and they can be shipped otherwise.
func (s *Service) CancelShipment(ctx context.Context, in CancelShipmentInput) (Moved, error) {
	if err := short("reason", in.Reason, maxReason); err != nil {
		return Moved{}, err
	}
	return s.moveOnce(ctx, "cancelShipment", in.IdempotencyKey, in, in.ShipmentID, "order.shipment_cancelled", func(_ context.Context, m *moving) error {
		if m.shipment.Status != ShipmentInstructed {
			return ErrShipmentStatus.With(m.shipment.Status)
		}
		if m.order.PickedUp() {
			return ErrPickUp
		}
		m.shipment.Status, m.said.Reason = ShipmentCancelled, in.Reason
		return nil
	})
}

// Moved is a shipment after a change, with its order.
type Moved struct {
	Order    *Order
	Shipment *Shipment
}

// moving is a shipment that is about to change, with its locked order.
type moving struct {
	packing
	order    *Order
	shipment *Shipment // one of the packing's
	said     *Change
}

// moveOnce is move, once for each key of the operation.
func (s *Service) moveOnce(ctx context.Context, operation, key string, in any, shipmentID uuid.UUID, eventType string, f func(ctx context.Context, m *moving) error) (Moved, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return Moved{}, err
	}
	return idempotency.OnceRead(ctx, s.keys, operation, key, in,
		func(ctx context.Context) (Moved, error) { return s.move(ctx, shipmentID, eventType, f) },
		func(ctx context.Context) (Moved, error) { return s.moved(ctx, shipmentID) })
}

// moved is a shipment that has been moved before.
func (s *Service) moved(ctx context.Context, shipmentID uuid.UUID) (Moved, error) {
	h, err := s.store.Shipment(ctx, shipmentID)
	if err != nil || h == nil {
		return Moved{}, errors.Join(err, ErrShipment.At("shipmentId"))
	}
	o, err := s.ByID(ctx, h.OrderID)
	return Moved{o, h}, err
}

// move lets f act on a shipment of an order that the actor may see and work on, in one
// transaction; where the order stands follows.
func (s *Service) move(ctx context.Context, shipmentID uuid.UUID, eventType string, f func(ctx context.Context, m *moving) error) (Moved, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return Moved{}, err
	}
	found, err := s.store.Shipment(ctx, shipmentID)
	if err != nil || found == nil {
		return Moved{}, errors.Join(err, ErrShipment.At("shipmentId"))
	}
	if !access.WorksAt(ctx, found.LocationID) {
		return Moved{}, ErrShipment.At("shipmentId")
	}
	var after Shipment
	o, err := s.change(ctx, found.OrderID, eventType, func(ctx context.Context, o *Order, c *Change) error {
		p, err := s.packing(ctx, o.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(p.shipments, func(h Shipment) bool { return h.ID == shipmentID })
		m := moving{p, o, &p.shipments[i], c}
		c.Shipments = []int{m.shipment.Nth}
		if err := f(ctx, &m); err != nil {
			return err
		}
		if o.Status != Cancelled { // what parcels do does not revive it
			o.Status = standing(m.shipments, m.held)
		}
		m.shipment.UpdatedAt = s.now()
		after = *m.shipment
		return s.store.SaveShipment(ctx, after)
	})
	return Moved{o, &after}, err
}
