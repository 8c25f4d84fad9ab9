package tracking

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
)

// Report is what a carrier says of one parcel at one moment.
type Report struct {
	TrackingNumber string
	Status         order.TrackingStatus
	At             time.Time
	Place          string
}

// Tracker is a carrier that is asked where parcels are.
type Tracker interface {
	Carrier() string // its code
	Batch() int      // how many numbers it is asked for at once
	Track(ctx context.Context, numbers []string) ([]Report, error)
}

// Followed is a parcel that is on its way, or was.
type Followed struct {
	ParcelID   uuid.UUID
	ShipmentID uuid.UUID
	OrderID    uuid.UUID
	BrandID    uuid.UUID
	Nth        int // of the shipment
	Status     order.ShipmentStatus
	Carrier    string // as the customer reads it
	Number     string
	Told       bool // by its carrier, where it is: it is one of the brand's, and has the number
	PromisedOn *time.Time
	MovedAt    time.Time // when it last moved
}

// Store keeps what carriers report.
type Store interface {
	// Followed locks and reads the parcels with the number's key that left the house with
	// the carrier with the code.
	Followed(ctx context.Context, carrier, key string) ([]Followed, error)
	// Note keeps an event of a parcel, once, and reports whether it is new.
	Note(ctx context.Context, parcelID uuid.UUID, e order.TrackingEvent, at time.Time) (bool, error)
	// OnTheWay are parcels of the carrier that have not come to an end and that it was not
	// asked for since; those that it was never asked for first.
	OnTheWay(ctx context.Context, carrier string, since time.Time, limit int) ([]Followed, error)
	Asked(ctx context.Context, parcelIDs []uuid.UUID, at time.Time) error
	// Late are the first parcels of the brand's shipments that have not arrived, were
	// promised before today or have not moved since, and are on no work list for it. What
	// no carrier says anything of does not move: it was promised before today.
	Late(ctx context.Context, brandID uuid.UUID, today, since time.Time, limit int) ([]Followed, error)
	// Arrived takes a shipment off the list of the late ones.
	Arrived(ctx context.Context, shipmentID uuid.UUID, at time.Time) error
}

// Orders are what parcels belong to.
type Orders interface {
	Parcels(ctx context.Context, shipmentIDs []uuid.UUID) ([]order.Parcel, error)
	Deliver(ctx context.Context, in order.DeliverInput) (order.Moved, error)
	Refuse(ctx context.Context, in order.RefuseInput) (*order.Order, error)
	// Refusable locks the order and reports whether Refuse would give it up.
	Refusable(ctx context.Context, orderID uuid.UUID) (bool, error)
	// Tell mails the order's customer, once for each occasion.
	Tell(ctx context.Context, orderID uuid.UUID, occasion string, content func(order.Order) messaging.Content) error
}

// Parts are what the follower of parcels stands on.
type Parts struct {
	Tx       idempotency.Tx
	Store    Store
	Orders   Orders
	Issues   *Issues
	Channels func(ctx context.Context) ([]channel.Channel, error)
	Trackers []Tracker
	Events   event.Recorder
	Still    time.Duration // without a word of the carrier, and a shipment is late
	Now      clock.Clock
}

// Service follows parcels.
type Service struct{ Parts }

// New makes the follower of parcels.
func New(p Parts) *Service { return &Service{p} }

// Take takes in what the carrier with the code says of a parcel, for noren itself: the
// same word counts once, in whatever order words come. A parcel that nobody knows is on
// the work list.
func (s *Service) Take(ctx context.Context, carrier string, r Report) error {
	if !access.From(ctx).Is(access.RoleSystem) {
		return fault.ErrForbidden
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		found, err := s.Store.Followed(ctx, carrier, order.ParcelKey(r.TrackingNumber))
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return s.Issues.Report(ctx, Issue{
				Kind: IssueUnknownParcel, Carrier: carrier, TrackingNumber: r.TrackingNumber,
				Detail: i18n.Text{"ja": "どの出荷にもない送り状番号の配送状況が届きました", "en": "The carrier reports of a parcel that no shipment has"},
			})
		}
		for _, f := range found {
			ctx, err := s.within(ctx, f.BrandID)
			if err != nil {
				return err
			}
			fresh, err := s.Store.Note(ctx, f.ParcelID, order.TrackingEvent{Status: r.Status, At: r.At, Place: r.Place}, s.Now())
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			if err := s.moved(ctx, f, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// within is the context in a channel of the brand.
func (s *Service) within(ctx context.Context, brandID uuid.UUID) (context.Context, error) {
	all, err := s.Channels(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		if c.BrandID == brandID {
			return channel.With(ctx, c), nil
		}
	}
	return nil, fault.ErrNotFound
}

// moved does what follows from where a parcel is, if that is the latest of it.
func (s *Service) moved(ctx context.Context, f Followed, r Report) error {
	if err := s.Events.Record(ctx, event.New(ctx, s.Now(), "order.tracked", "Order", f.OrderID, order.Change{
		Shipments: []int{f.Nth}, Carrier: f.Carrier, TrackingNumber: f.Number, Tracking: r.Status,
	})); err != nil {
		return err
	}
	parcels, err := s.Orders.Parcels(ctx, []uuid.UUID{f.ShipmentID})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(parcels, func(p order.Parcel) bool { return p.ID == f.ParcelID })
	if i < 0 {
		return nil
	}
	if status := parcels[i].Status(); status == nil || *status != r.Status {
		return nil // older than what is known
	}
	switch r.Status {
	case order.TrackDelivered:
		return s.arrived(ctx, f, parcels, r)
	case order.TrackReturned:
		return s.returned(ctx, f)
	case order.TrackArriving, order.TrackAbsent:
		return s.tell(ctx, f, parcels[i], r)
	}
	return nil
}

// arrived moves the shipment on once all of its parcels are there.
func (s *Service) arrived(ctx context.Context, f Followed, parcels []order.Parcel, r Report) error {
	for _, p := range parcels {
		if status := p.Status(); status == nil || *status != order.TrackDelivered {
			return nil
		}
	}
	if err := s.Store.Arrived(ctx, f.ShipmentID, s.Now()); err != nil {
		return err
	}
	if f.Status != order.ShipmentShipped {
		return nil
	}
	if _, err := s.Orders.Deliver(ctx, order.DeliverInput{ShipmentID: f.ShipmentID, ArrivedAt: r.At}); err != nil {
		return err
	}
	i := slices.IndexFunc(parcels, func(p order.Parcel) bool { return p.ID == f.ParcelID })
	return s.tell(ctx, f, parcels[i], r)
}

// returned gives up an order that its customer was to pay at the door; any other is for
// people to ask about. In both cases somebody has to receive the goods.
func (s *Service) returned(ctx context.Context, f Followed) error {
	detail := i18n.Text{"ja": "荷物が返送されます。お客様に確認し、届いたら入庫してください", "en": "The parcel comes back: ask the customer, and receive the goods"}
	given, err := s.Orders.Refusable(ctx, f.OrderID)
	if err != nil {
		return err
	}
	if given {
		detail = i18n.Text{"ja": "代金引換の受取拒否により注文を取り消しました。届いたら入庫してください", "en": "Not accepted at the door: the order was given up. Receive the goods"}
		in := order.RefuseInput{IdempotencyKey: "returned:" + f.ShipmentID.String(), OrderID: f.OrderID, Reason: "受取拒否（運送会社からの報告）"}
		if _, err := s.Orders.Refuse(ctx, in); err != nil {
			return err
		}
	}
	return s.Issues.Report(ctx, Issue{BrandID: &f.BrandID, ShipmentID: &f.ShipmentID, Kind: IssueReturned, Carrier: f.Carrier, TrackingNumber: f.Number, Detail: detail})
}

// news is how old a word of a carrier may be for customers to be mailed of it.
const news = 36 * time.Hour

// tell mails the customer, once for each status and day of a shipment.
func (s *Service) tell(ctx context.Context, f Followed, p order.Parcel, r Report) error {
	if s.Now().Sub(r.At) > news {
		return nil
	}
	occasion := f.ShipmentID.String() + "/" + string(r.Status)
	if !r.Status.Ends() {
		occasion += "/" + r.At.In(channel.From(ctx).Zone()).Format(time.DateOnly)
	}
	return s.Orders.Tell(ctx, f.OrderID, occasion, func(o order.Order) messaging.Content {
		return messaging.ParcelNotice{
			Name: o.ShippingAddress.Name, OrderNumber: o.Number, Event: string(r.Status), Carrier: f.Carrier,
			TrackingNumber: p.TrackingNumber, TrackingURL: p.TrackingURL(),
		}
	})
}
