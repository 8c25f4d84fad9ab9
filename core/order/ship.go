package order

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/shipping"
)

// ShipInput hands a shipment to its carrier.
type ShipInput struct {
	IdempotencyKey string
	ShipmentID     uuid.UUID
	CarrierID      *uuid.UUID // one of the brand's; nil: that of the order's shipping method
	Carrier        string     // any other, by name
	TrackingNumber string
	HandedAt       time.Time             // when the carrier got it; zero: now
	Lots           []inventory.ChosenLot // which lots leave, where staff took others than those that expire first
}

// Lots say which lots leave with a shipment.
type Lots interface {
	Ship(ctx context.Context, l inventory.Leaving) error
	// Return lays what came back into the lots that it left.
	Return(ctx context.Context, r inventory.CameBack) error
}

// Carriers are who carries the brand's parcels.
type Carriers interface {
	// CarrierOf is the carrier, or if none is named that of the shipping method; nil if
	// there is none.
	CarrierOf(ctx context.Context, brandID uuid.UUID, carrierID *uuid.UUID, methodID uuid.UUID) (*shipping.Carrier, error)
}

// Ship hands a shipment to its carrier, for staff, once for each key: its goods leave the
// shelves, its sale is written down, the first takes the money that is held, and the
// customer is mailed.
func (s *Service) Ship(ctx context.Context, in ShipInput) (Moved, error) {
	if err := errors.Join(short("carrier", in.Carrier, maxParcel), short("trackingNumber", in.TrackingNumber, maxParcel)); err != nil {
		return Moved{}, err
	}
	return s.moveOnce(ctx, "shipShipment", in.IdempotencyKey, in, in.ShipmentID, "order.shipped", func(ctx context.Context, m *moving) error {
		if m.shipment.Status != ShipmentInstructed {
			return ErrShipmentStatus.With(m.shipment.Status)
		}
		if m.order.PickedUp() {
			return ErrPickUp
		}
		if err := m.order.shippable(); err != nil {
			return err
		}
		if err := s.address(ctx, m, in); err != nil {
			return err
		}
		if err := s.leave(ctx, m, ShipmentShipped, in.Lots); err != nil {
			return err
		}
		if err := m.handed(ctx, in.HandedAt); err != nil {
			return err
		}
		return s.mail(ctx, *m.order, m.shipment.ID.String(), onItsWay(m))
	})
}

// handed notes when the carrier got the shipment, which leaves now: a day no earlier than
// that on which the order was placed.
func (m *moving) handed(ctx context.Context, at time.Time) error {
	if at.IsZero() || !at.Before(*m.shipment.ShippedAt) {
		return nil
	}
	placed := m.order.PlacedAt.In(channel.From(ctx).Zone())
	if at.Before(time.Date(placed.Year(), placed.Month(), placed.Day(), 0, 0, 0, 0, placed.Location())) {
		return fault.Invalid(fault.CodeInvalid, "注文日（%s）より前の日付です", "The order was placed later than that, on %s").With(placed.Format(time.DateOnly)).At("handedAt")
	}
	m.shipment.ShippedAt = &at
	return nil
}

// address writes down who carries the shipment, under what number.
func (s *Service) address(ctx context.Context, m *moving, in ShipInput) error {
	h := m.shipment
	h.TrackingNumber, h.Carrier = in.TrackingNumber, in.Carrier
	if in.CarrierID != nil || in.Carrier == "" {
		carrier, err := s.carriers.CarrierOf(ctx, m.order.BrandID, in.CarrierID, m.order.ShippingMethod.ID)
		if err != nil {
			return err
		}
		if carrier == nil && in.CarrierID != nil {
			return shipping.ErrCarrier.At("carrierId")
		}
		if carrier != nil {
			h.CarrierID, h.Carrier, h.TrackingURL = &carrier.ID, carrier.Name.In(m.order.Language), carrier.Track(in.TrackingNumber)
		}
	}
	m.said.Carrier, m.said.TrackingNumber = h.Carrier, h.TrackingNumber
	if in.TrackingNumber == "" {
		return nil
	}
	taken, err := s.store.TrackedElsewhere(ctx, *h)
	if err == nil && taken {
		return ErrTrackingNumber.At("trackingNumber")
	}
	return err
}

// leave takes the shipment's goods off the shelves and writes down its sale.
func (s *Service) leave(ctx context.Context, m *moving, as ShipmentStatus, lots []inventory.ChosenLot) error {
	for _, packed := range m.shipment.Lines {
		for _, h := range m.held {
			if h.VariantID == packed.VariantID && h.LocationID == m.shipment.LocationID && h.Early {
				return ErrNotReleased
			}
		}
	}
	now := s.now()
	m.shipment.Status, m.shipment.ShippedAt = as, &now
	tracked, err := s.store.ShipStock(ctx, *m.shipment, now)
	if err != nil {
		return err
	}
	if err := s.takeLots(ctx, *m.shipment, tracked, lots); err != nil {
		return err
	}
	m.held = without(m.held, *m.shipment)
	if err := s.sold(ctx, m); err != nil {
		return err
	}
	if s.campaigns != nil && len(m.held) == 0 {
		return s.campaigns.Shipped(ctx, m.order.BrandID, m.order.ID)
	}
	return nil
}

// takeLots says which lots of tracked variants the shipment takes.
func (s *Service) takeLots(ctx context.Context, h Shipment, tracked []uuid.UUID, chosen []inventory.ChosenLot) error {
	if len(tracked) == 0 {
		if len(chosen) > 0 {
			return inventory.ErrUntracked.At("lots")
		}
		return nil
	}
	l := inventory.Leaving{ShipmentID: h.ID, OrderID: h.OrderID, LocationID: h.LocationID, At: *h.ShippedAt, Chosen: chosen, InHand: h.Status == ShipmentDelivered}
	for _, p := range h.Lines {
		if slices.Contains(tracked, p.VariantID) {
			l.Lines = append(l.Lines, inventory.LeavingLine{LineID: p.LineID, VariantID: p.VariantID, Quantity: p.Quantity})
		}
	}
	return s.lots.Ship(ctx, l)
}

// without is what the order still holds when the shipment has left.
func without(held []Held, left Shipment) []Held {
	var rest []Held
	for _, h := range held {
		if h.LocationID == left.LocationID {
			for _, p := range left.Lines {
				if p.VariantID == h.VariantID {
					h.Quantity -= p.Quantity
				}
			}
		}
		if h.Quantity > 0 {
			rest = append(rest, h)
		}
	}
	return rest
}

// onItsWay is what the customer is mailed of a shipment that leaves.
func onItsWay(m *moving) messaging.OrderShipped {
	o, h := m.order, m.shipment
	content := messaging.OrderShipped{
		Name: o.ShippingAddress.Name, OrderNumber: o.Number, Carrier: h.Carrier, TrackingNumber: h.TrackingNumber, TrackingURL: h.TrackingURL,
		Partial: len(m.held) > 0,
	}
	for _, l := range m.lines {
		for _, p := range h.Lines {
			if p.LineID == l.ID {
				content.Lines = append(content.Lines, messaging.OrderPart{
					Name: l.NameOf(p.VariantID).In(o.Language), Option: strings.Join(l.optionsOf(p.VariantID), " / "), Quantity: p.Quantity,
				})
			}
		}
	}
	return content
}

// DeliverInput says that a shipment has arrived.
type DeliverInput struct {
	ShipmentID uuid.UUID
	ArrivedAt  time.Time // as the carrier says: neither before it left nor to come counts; zero: now
}

// Deliver notes that a shipment has arrived, for staff.
func (s *Service) Deliver(ctx context.Context, in DeliverInput) (Moved, error) {
	return s.move(ctx, in.ShipmentID, "order.delivered", func(_ context.Context, m *moving) error {
		if m.shipment.Status != ShipmentShipped {
			return ErrShipmentStatus.With(m.shipment.Status)
		}
		at := s.now()
		if !in.ArrivedAt.IsZero() && in.ArrivedAt.Before(at) {
			at = in.ArrivedAt
			if left := m.shipment.ShippedAt; left != nil && at.Before(*left) {
				at = *left
			}
		}
		m.shipment.Status, m.shipment.DeliveredAt = ShipmentDelivered, &at
		return nil
	})
}
