package order

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/shipping"
)

// Parcel is one parcel of a shipment, by the number at its carrier (お問い合わせ番号).
type Parcel struct {
	ID             uuid.UUID
	ShipmentID     uuid.UUID
	TrackingNumber string
	Followed       string // the tracking URL of its carrier, with {number}; empty if there is none
	Events         []TrackingEvent
	CreatedAt      time.Time
}

// TrackingStatus is where a parcel is on its way (配送状況).
type TrackingStatus string

// The way of a parcel.
const (
	TrackAccepted  TrackingStatus = "ACCEPTED"
	TrackInTransit TrackingStatus = "IN_TRANSIT"
	TrackArriving  TrackingStatus = "OUT_FOR_DELIVERY" // 持出中
	TrackAbsent    TrackingStatus = "ABSENT"           // 不在
	TrackDelivered TrackingStatus = "DELIVERED"
	TrackReturned  TrackingStatus = "RETURNED" // to the sender
)

// TrackingEvent is what a carrier has said of a parcel.
type TrackingEvent struct {
	Status TrackingStatus `json:"status"`
	At     time.Time      `json:"at"`
	Place  string         `json:"place"`
}

// Status is where the parcel is: what its carrier said of the latest moment, in whatever
// order it said so; nil if it has said nothing. What has ended has ended.
func (p Parcel) Status() *TrackingStatus {
	var last *TrackingEvent
	for i, e := range p.Events {
		if last == nil || e.Status.Ends() || (!last.Status.Ends() && !e.At.Before(last.At)) {
			last = &p.Events[i]
		}
	}
	if last == nil {
		return nil
	}
	return &last.Status
}

// Ends reports whether a parcel comes no further.
func (s TrackingStatus) Ends() bool { return s == TrackDelivered || s == TrackReturned }

// TrackingURL is where the parcel can be followed; empty if nowhere.
func (p Parcel) TrackingURL() string {
	return shipping.Carrier{TrackingURL: p.Followed}.Track(p.TrackingNumber)
}

// ParcelKey is a tracking number without what people put between its symbols: two with
// the same key are the same.
func ParcelKey(number string) string {
	return strings.Map(func(r rune) rune {
		if (r >= '0' && r <= '9') || (r >= 'A' && r <= 'Z') {
			return r
		}
		return -1
	}, strings.ToUpper(norm.NFKC.String(number)))
}

// Parcels are those of shipments that were read through this service.
func (s *Service) Parcels(ctx context.Context, shipmentIDs []uuid.UUID) ([]Parcel, error) {
	return s.store.Parcels(ctx, shipmentIDs)
}

// AddParcelInput names a further parcel of a shipment that has left.
type AddParcelInput struct {
	ShipmentID     uuid.UUID
	TrackingNumber string
}

// AddParcel notes that a shipment has left in one more parcel (複数口), for staff. One
// that is noted is not noted again.
func (s *Service) AddParcel(ctx context.Context, in AddParcelInput) (Moved, error) {
	if err := short("trackingNumber", in.TrackingNumber, maxParcel); err != nil {
		return Moved{}, err
	}
	if ParcelKey(in.TrackingNumber) == "" {
		return Moved{}, fault.ErrRequired.At("trackingNumber")
	}
	return s.move(ctx, in.ShipmentID, "order.parcel_added", func(ctx context.Context, m *moving) error {
		if !m.shipment.Status.Left() {
			return ErrShipmentStatus.With(m.shipment.Status)
		}
		added := *m.shipment
		added.TrackingNumber = in.TrackingNumber
		taken, err := s.store.TrackedElsewhere(ctx, added)
		if err != nil {
			return err
		}
		if taken {
			return ErrTrackingNumber.At("trackingNumber")
		}
		m.said.Carrier, m.said.TrackingNumber = added.Carrier, in.TrackingNumber
		return s.store.AddParcel(ctx, added, s.now())
	})
}

// Tell mails the order's customer what content says, once for each occasion: for noren
// itself.
func (s *Service) Tell(ctx context.Context, orderID uuid.UUID, occasion string, content func(Order) messaging.Content) error {
	orders, err := s.ByIDs(ctx, []uuid.UUID{orderID})
	if err != nil || len(orders) == 0 {
		return err
	}
	return s.mail(ctx, orders[0], occasion, content(orders[0]))
}
