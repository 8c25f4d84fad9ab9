package inventory

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery. Only one that is awaited changes.
const (
	DeliveryAwaited DeliveryState = "AWAITED" // 入荷待ち, maybe in part
	DeliveryArrived DeliveryState = "ARRIVED" // 入荷済
	DeliveryClosed  DeliveryState = "CLOSED"  // 打切り: the rest does not come
)

// Delivery is goods that a supplier has announced for a location (入荷予定).
type Delivery struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	LocationID uuid.UUID
	State      DeliveryState
	Supplier   string
	Reference  string     // the supplier's or the purchase's number
	ExpectedOn *time.Time // a day; nil: nobody said
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// GlobalID is the delivery's id in the schema.
func (d Delivery) GlobalID() string { return id.Global("StockDelivery", d.ID) }

// DeliveryLine is the pieces of one variant in a delivery.
type DeliveryLine struct {
	DeliveryID uuid.UUID
	VariantID  uuid.UUID
	Position   int
	Quantity   int // that were announced
	Arrived    int // maybe more than that
}

// Missing is what is still awaited.
func (l DeliveryLine) Missing() int { return max(0, l.Quantity-l.Arrived) }

// Failures of deliveries.
var (
	ErrDeliveryOver    = fault.Conflict("DELIVERY_OVER", "この入荷予定はすでに終了しています", "The delivery is over")
	ErrDeliveryArrived = fault.Invalid("DELIVERY_ARRIVED_INVALID", "入荷数は、記録済みの数以上、%dまでで指定してください", "What has arrived is no less than was booked before, and at most %d")
)

// DeliveryFilter says which deliveries are wanted; what is nil does not count.
type DeliveryFilter struct {
	State      *DeliveryState
	LocationID *uuid.UUID
	Stores     []uuid.UUID // to one of these only; empty: to any
	Late       bool        // awaited although expected before today
	Today      time.Time
}

// AnnounceInput is goods that will come.
type AnnounceInput struct {
	IdempotencyKey string
	LocationID     uuid.UUID
	Supplier       string
	Reference      string
	ExpectedOn     *time.Time
	Lines          []SendLineInput
}

// Validate checks the announcement by itself.
func (in AnnounceInput) Validate() error {
	err := SendStockInput{ToID: in.LocationID, FromID: uuid.Max, Lines: in.Lines, Reference: in.Reference}.check()
	for _, l := range in.Lines {
		if len(l.Lots) > 0 {
			err = errors.Join(err, fault.Invalid(fault.CodeInvalid, "ロットは入荷時に指定してください", "Lots are named when goods arrive").At("lines"))
		}
	}
	if utf8.RuneCountInString(in.Supplier) > 200 {
		err = errors.Join(err, fault.Invalid(fault.CodeTooLong, "200文字以内で入力してください", "At most 200 characters are allowed").At("supplier"))
	}
	return err
}

// Announce notes goods that will come: they are incoming. The same key announces once.
func (s *Supply) Announce(ctx context.Context, in AnnounceInput) (*Delivery, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.LocationID); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	deliveryID, err := idempotency.Once(ctx, s.Keys, "announceStockDelivery", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.announce(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return s.Supplies.Delivery(ctx, channel.From(ctx).BrandID, deliveryID)
}

func (s *Supply) announce(ctx context.Context, in AnnounceInput) (uuid.UUID, error) {
	now := s.Now()
	d := Delivery{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, LocationID: in.LocationID, State: DeliveryAwaited, Supplier: in.Supplier,
		Reference: in.Reference, ExpectedOn: in.ExpectedOn, CreatedAt: now, UpdatedAt: now,
	}
	lines, shifts, variants := make([]DeliveryLine, len(in.Lines)), make([]Shift, len(in.Lines)), make([]uuid.UUID, len(in.Lines))
	for i, l := range in.Lines {
		variants[i] = l.VariantID
		lines[i] = DeliveryLine{DeliveryID: d.ID, VariantID: l.VariantID, Position: i, Quantity: l.Quantity}
		shifts[i] = Shift{Place: Place{l.VariantID, d.LocationID}, Incoming: l.Quantity}
	}
	if _, err := s.knownAll(ctx, variants, map[string]uuid.UUID{"locationId": d.LocationID}); err != nil {
		return uuid.Nil, err
	}
	if err := s.Supplies.InsertDelivery(ctx, d, lines); err != nil {
		return uuid.Nil, err
	}
	return d.ID, errors.Join(s.book(ctx, d, "delivery.announced", lines, shifts), s.comesOtherwise(ctx, Delivery{}, d, lines))
}

// comesOtherwise tells those who wait of goods for which another day is announced than
// before, or that do not come.
func (s *Supply) comesOtherwise(ctx context.Context, before, after Delivery, lines []DeliveryLine) error {
	if after.State != DeliveryClosed && sameDay(before.ExpectedOn, after.ExpectedOn) {
		return nil
	}
	var variants []uuid.UUID
	for _, l := range lines {
		if l.Missing() > 0 {
			variants = append(variants, l.VariantID)
		}
	}
	return s.tellWaiters(ctx, after.BrandID, variants)
}

func sameDay(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// book moves the stock of a delivery, and records why.
func (s *Supply) book(ctx context.Context, d Delivery, what string, lines []DeliveryLine, shifts []Shift) error {
	e := event.New(ctx, s.Now(), what, "StockDelivery", d.ID, map[string]any{"delivery": d, "lines": lines})
	if len(shifts) == 0 {
		return s.Events.Record(ctx, e)
	}
	return s.shift(ctx, Movement{At: s.Now(), Kind: Receipt, Reference: d.GlobalID(), ActorID: actor(ctx)}, shifts, e)
}

// ReceiveDeliveryInput is what has arrived of a delivery. The numbers are sums, so
// that saying the same again changes nothing.
type ReceiveDeliveryInput struct {
	IdempotencyKey string
	DeliveryID     uuid.UUID
	Lines          []ArrivedLineInput
}

// ReceiveDelivery books what arrived, once for each key: more than was announced may
// come. When nothing is missing the delivery has arrived.
func (s *Supply) ReceiveDelivery(ctx context.Context, in ReceiveDeliveryInput) (*Delivery, error) {
	return s.onceDelivery(ctx, intent{"receiveStockDelivery", in.IdempotencyKey, in}, in.DeliveryID, "delivery.received", func(d *Delivery, lines []DeliveryLine) (shifts []Shift, err error) {
		at := map[uuid.UUID]*DeliveryLine{}
		for i := range lines {
			at[lines[i].VariantID] = &lines[i]
		}
		for _, said := range in.Lines {
			l := at[said.VariantID]
			if l == nil {
				return nil, fault.ErrNotFound.At("lines")
			}
			if said.Arrived < l.Arrived || said.Arrived > maxPieces {
				return nil, ErrDeliveryArrived.With(maxPieces).At("lines")
			}
			missing, more := l.Missing(), said.Arrived-l.Arrived
			l.Arrived = said.Arrived
			if more > 0 {
				shifts = append(shifts, Shift{Place{l.VariantID, d.LocationID}, more, l.Missing() - missing, said.Lots})
			}
		}
		d.State = DeliveryArrived
		for _, l := range lines {
			if l.Missing() > 0 {
				d.State = DeliveryAwaited
			}
		}
		return shifts, nil
	})
}

// CloseDeliveryInput names a delivery of which the rest does not come.
type CloseDeliveryInput struct {
	IdempotencyKey string
	DeliveryID     uuid.UUID
}

// CloseDelivery ends a delivery, once for each key: what is missing does not come any more.
func (s *Supply) CloseDelivery(ctx context.Context, in CloseDeliveryInput) (*Delivery, error) {
	return s.onceDelivery(ctx, intent{"closeStockDelivery", in.IdempotencyKey, in}, in.DeliveryID, "delivery.closed", func(d *Delivery, lines []DeliveryLine) (shifts []Shift, err error) {
		d.State = DeliveryClosed
		for _, l := range lines {
			if l.Missing() > 0 {
				shifts = append(shifts, Shift{Place: Place{l.VariantID, d.LocationID}, Incoming: -l.Missing()})
			}
		}
		return shifts, nil
	})
}

// RescheduleDeliveryInput says anew when a delivery comes; nil: nobody knows.
type RescheduleDeliveryInput struct {
	DeliveryID uuid.UUID
	ExpectedOn *time.Time
}

// RescheduleDelivery notes another day: those who wait are promised another, too.
func (s *Supply) RescheduleDelivery(ctx context.Context, in RescheduleDeliveryInput) (*Delivery, error) {
	return s.changeDelivery(ctx, in.DeliveryID, "delivery.rescheduled", func(d *Delivery, _ []DeliveryLine) ([]Shift, error) {
		d.ExpectedOn = in.ExpectedOn
		return nil, nil
	})
}

// onceDelivery is changeDelivery, once for each key.
func (s *Supply) onceDelivery(ctx context.Context, in intent, deliveryID uuid.UUID, what string, f func(d *Delivery, lines []DeliveryLine) ([]Shift, error)) (*Delivery, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	return idempotency.OnceRead(ctx, s.Keys, in.operation, in.key, in.input,
		func(ctx context.Context) (*Delivery, error) { return s.changeDelivery(ctx, deliveryID, what, f) },
		func(ctx context.Context) (*Delivery, error) {
			return s.Supplies.Delivery(ctx, channel.From(ctx).BrandID, deliveryID)
		})
}

// changeDelivery lets f act on a delivery that is awaited, and moves the stock. A step
// without effect leaves no trace.
func (s *Supply) changeDelivery(ctx context.Context, deliveryID uuid.UUID, what string, f func(d *Delivery, lines []DeliveryLine) ([]Shift, error)) (*Delivery, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	var changed *Delivery
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Supplies.LockDelivery(ctx, channel.From(ctx).BrandID, deliveryID)
		switch {
		case err != nil:
			return err
		case d == nil:
			return fault.ErrNotFound.At("deliveryId")
		case !access.WorksAt(ctx, d.LocationID):
			return fault.ErrForbidden
		case d.State != DeliveryAwaited:
			return ErrDeliveryOver.At("deliveryId")
		}
		lines, err := s.Supplies.DeliveryLines(ctx, []uuid.UUID{d.ID})
		if err != nil {
			return err
		}
		before := *d
		changed = d
		shifts, err := f(d, lines)
		if err != nil || len(shifts) == 0 && *d == before {
			return err
		}
		d.UpdatedAt = s.Now()
		if err := s.Supplies.SaveDelivery(ctx, *d, lines); err != nil {
			return err
		}
		return errors.Join(s.book(ctx, *d, what, lines, shifts), s.comesOtherwise(ctx, before, *d, lines))
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// Delivery is a delivery of the brand; nil if there is none.
func (s *Supply) Delivery(ctx context.Context, deliveryID uuid.UUID) (*Delivery, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return s.Supplies.Delivery(ctx, channel.From(ctx).BrandID, deliveryID)
}

// ListDeliveries is one page of the brand's deliveries, the last announced first; staff of
// a shop see those to it.
func (s *Supply) ListDeliveries(ctx context.Context, f DeliveryFilter, args page.Args) (page.Connection[Delivery], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Delivery]{}, err
	}
	var narrowed bool
	if f.Stores, narrowed = access.StoresOf(ctx); narrowed && len(f.Stores) == 0 {
		return page.Connection[Delivery]{}, nil
	}
	f.Today = s.Now()
	return s.Supplies.Deliveries(ctx, channel.From(ctx).BrandID, f, args)
}

// DeliveryLines are what many deliveries carry.
func (s *Supply) DeliveryLines(ctx context.Context, deliveryIDs []uuid.UUID) ([]DeliveryLine, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return s.Supplies.DeliveryLines(ctx, deliveryIDs)
}
