package tracking

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
)

// PollJob asks carriers where parcels are.
type PollJob struct{}

// Kind is the job's name in the queue.
func (PollJob) Kind() string { return "tracking_poll" }

// LateJob looks for shipments that are late.
type LateJob struct{}

// Kind is the job's name in the queue.
func (LateJob) Kind() string { return "tracking_late" }

// How much one round does.
const (
	mostAsked = 2000
	mostLate  = 500
	// Every is how often a parcel is asked for.
	Every = 15 * time.Minute
)

// Poll asks the carriers that can be asked where parcels are that have not arrived, for
// noren itself. A carrier that does not answer does not hold up the others.
func (s *Service) Poll(ctx context.Context) error {
	if !access.From(ctx).Is(access.RoleSystem) {
		return fault.ErrForbidden
	}
	var all []error
	for _, t := range s.Trackers {
		if err := s.poll(ctx, t); err != nil {
			all = append(all, fmt.Errorf("follow the parcels of %s: %w", t.Carrier(), err))
		}
	}
	return errors.Join(all...)
}

// poll asks one carrier. A report that fails is said, and does not keep the others from
// being taken in, nor its parcel ahead of all others.
func (s *Service) poll(ctx context.Context, t Tracker) error {
	due, err := s.Store.OnTheWay(ctx, t.Carrier(), s.Now().Add(-Every+time.Minute), mostAsked)
	if err != nil {
		return err
	}
	var failed []error
	for some := range slices.Chunk(due, t.Batch()) {
		numbers, ids := make([]string, len(some)), make([]uuid.UUID, len(some))
		for i, f := range some {
			numbers[i], ids[i] = f.Number, f.ParcelID
		}
		reports, err := t.Track(ctx, numbers)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		for _, r := range reports {
			if err := s.Take(ctx, t.Carrier(), r); err != nil {
				failed = append(failed, fmt.Errorf("parcel %s: %w", r.TrackingNumber, err))
			}
		}
		if err := s.Store.Asked(ctx, ids, s.Now()); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	return errors.Join(failed...)
}

// Late puts shipments that are late on the work list and, if their carriers say where they
// are, tells their customers, once, for noren itself.
func (s *Service) Late(ctx context.Context) error {
	if !access.From(ctx).Is(access.RoleSystem) {
		return fault.ErrForbidden
	}
	channels, err := s.Channels(ctx)
	if err != nil {
		return err
	}
	var all []error
	seen := map[uuid.UUID]bool{}
	for _, c := range channels {
		if seen[c.BrandID] {
			continue
		}
		seen[c.BrandID] = true
		all = append(all, s.late(channel.With(ctx, c), c))
	}
	return errors.Join(all...)
}

func (s *Service) late(ctx context.Context, c channel.Channel) error {
	now := s.Now()
	local := now.In(c.Zone())
	today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC) // as dates are read
	found, err := s.Store.Late(ctx, c.BrandID, today, now.Add(-s.Still), mostLate)
	if err != nil {
		return err
	}
	var failed []error
	for _, f := range found {
		if err := s.Tx.InTx(ctx, func(ctx context.Context) error { return s.isLate(ctx, f, today) }); err != nil {
			failed = append(failed, fmt.Errorf("shipment %s is late: %w", f.ShipmentID, err))
		}
	}
	return errors.Join(failed...)
}

func (s *Service) isLate(ctx context.Context, f Followed, today time.Time) error {
	detail := i18n.Text{"ja": "最後の動きから日数が経っています（" + f.MovedAt.In(channel.From(ctx).Zone()).Format("1月2日") + "）", "en": "It has not moved since " + f.MovedAt.In(channel.From(ctx).Zone()).Format("2 January")}
	if f.PromisedOn != nil && f.PromisedOn.Before(today) {
		detail = i18n.Text{"ja": "お届け予定日（" + f.PromisedOn.Format("1月2日") + "）を過ぎています", "en": "It was promised by " + f.PromisedOn.Format("2 January")}
	}
	if err := s.Issues.Report(ctx, Issue{BrandID: &f.BrandID, ShipmentID: &f.ShipmentID, Kind: IssueLate, Carrier: f.Carrier, TrackingNumber: f.Number, Detail: detail}); err != nil {
		return err
	}
	if err := s.Events.Record(ctx, event.New(ctx, s.Now(), "order.late", "Order", f.OrderID, order.Change{
		Shipments: []int{f.Nth}, Carrier: f.Carrier, TrackingNumber: f.Number,
	})); err != nil {
		return err
	}
	if !f.Told { // it may have arrived long ago: people look first
		return nil
	}
	parcels, err := s.Orders.Parcels(ctx, []uuid.UUID{f.ShipmentID})
	if err != nil {
		return err
	}
	return s.Orders.Tell(ctx, f.OrderID, f.ShipmentID.String()+"/LATE", func(o order.Order) messaging.Content {
		notice := messaging.ParcelNotice{Name: o.ShippingAddress.Name, OrderNumber: o.Number, Event: "LATE", Carrier: f.Carrier, TrackingNumber: f.Number}
		if len(parcels) > 0 {
			notice.TrackingURL = parcels[0].TrackingURL()
		}
		return notice
	})
}
