package order

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
)

// HandOverInput is what a customer shows at the counter, and how what is still to be paid
// is paid.
type HandOverInput struct {
	IdempotencyKey string
	OrderID        *uuid.UUID // with the code
	Code           string     // as it was typed
	Token          string     // what the square code says, instead of order and code
	Payment        *Tendered  // what is taken at the till now; nil: nothing
	MemberCode     string     // of the member whose points are used
	Points         []points.UseInput
	prepaid.Codes  // that pay after the points
	Lots           []inventory.ChosenLot
}

// Tendered is money that is taken at a till.
type Tendered struct {
	Method    payment.Method // CASH or CARD_TERMINAL
	Reference string         // the slip's number
}

// Tills take money at shops.
type Tills interface {
	// RecordTill records money that staff took for an order.
	RecordTill(ctx context.Context, in payment.TillInput) (*payment.Payment, error)
	// PayOwn lets points, gift cards and vouchers that staff were shown pay for an order.
	PayOwn(ctx context.Context, in payment.OwnInput) error
}

// Bounds on wrong codes.
const (
	maxTries = 5
	lockFor  = 15 * time.Minute
)

// shown reads what the customer shows.
func (in HandOverInput) shown() (Shown, error) {
	if in.Token != "" {
		s, ok := readToken(in.Token)
		if !ok || (in.OrderID != nil && *in.OrderID != s.OrderID) {
			return Shown{}, ErrPickUpCode.At("token")
		}
		return s, nil
	}
	if in.OrderID == nil {
		return Shown{}, fault.ErrRequired.At("orderId")
	}
	if in.Code == "" {
		return Shown{}, fault.ErrRequired.At("code")
	}
	return Shown{OrderID: *in.OrderID, code: in.Code}, nil
}

// HandOver gives an order to its customer, who shows its code, for staff of its shop:
// what is still to be paid is taken at the till, the goods leave the shelves, and the
// sale is written down, as when a shipment leaves. Wrong codes are counted, and lock the
// order for a while.
func (s *Service) HandOver(ctx context.Context, in HandOverInput) (Fetched, error) {
	shown, err := in.shown()
	if err != nil {
		return Fetched{}, err
	}
	if err := s.pickUpHere(ctx, shown.OrderID); err != nil {
		return Fetched{}, at("orderId", err)
	}
	if err := s.tried(ctx, shown); err != nil {
		return Fetched{}, err
	}
	if err := s.CodesTried(ctx, in.Codes); err != nil {
		return Fetched{}, err
	}
	orderID, err := idempotency.Once(ctx, s.keys, "handOverPickUp", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return shown.OrderID, s.handOver(ctx, shown.OrderID, in)
	})
	if err != nil {
		return Fetched{}, err
	}
	o, err := s.ByID(ctx, orderID)
	if err != nil {
		return Fetched{}, err
	}
	found, err := s.store.PickUps(ctx, []uuid.UUID{orderID})
	if err != nil || len(found) == 0 {
		return Fetched{}, errors.Join(err, ErrPickUpUnknown)
	}
	return Fetched{o, &found[0]}, nil
}

// tried compares what is shown with what the order's customer was told. What is wrong is
// counted at once, whatever becomes of the rest.
func (s *Service) tried(ctx context.Context, shown Shown) error {
	var wrong error
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		wrong = nil
		p, err := s.store.LockPickUp(ctx, shown.OrderID)
		if err != nil {
			return err
		}
		now := s.now()
		switch {
		case p.LockedUntil != nil && now.Before(*p.LockedUntil):
			wrong = ErrPickUpLocked
			return nil
		case p.Nonce == nil:
			wrong = ErrPickUpStatus.With(p.State)
			return nil
		case s.codes.fits(*p, shown):
			return nil
		}
		wrong = ErrPickUpCode.At("code")
		if p.Tries++; p.Tries >= maxTries {
			until := now.Add(lockFor)
			p.Tries, p.LockedUntil = 0, &until
		}
		p.UpdatedAt = now
		return errors.Join(s.store.SavePickUp(ctx, *p), s.events.Record(ctx, event.New(ctx, now, "order.code_wrong", "Order", p.OrderID, Change{})))
	})
	return errors.Join(err, wrong)
}

func (s *Service) handOver(ctx context.Context, orderID uuid.UUID, in HandOverInput) error {
	if err := s.tenderOwn(ctx, orderID, in); err != nil {
		return err
	}
	if in.Payment != nil {
		if err := s.tender(ctx, orderID, in); err != nil {
			return err
		}
	}
	_, err := s.change(ctx, orderID, "order.handed_over", func(ctx context.Context, o *Order, c *Change) error {
		p, err := s.store.LockPickUp(ctx, o.ID)
		if err != nil {
			return err
		}
		if err := s.inTime(ctx, *o, *p); err != nil {
			return err
		}
		switch now := s.now(); {
		case p.State != PickUpReady:
			return ErrPickUpStatus.With(p.State)
		case o.Held != "":
			return ErrHeld
		case !o.Paid && !o.OnAccount():
			return ErrUnpaid.At("payment")
		default:
			p.State, p.HandedOverAt, p.UpdatedAt = PickUpHanded, &now, now
		}
		if err := s.giveOut(ctx, o, c, in.Lots); err != nil {
			return err
		}
		return s.store.SavePickUp(ctx, *p)
	})
	return err
}

// inTime fails if the time of the pick-up is over. Goods that replace returned ones are
// kept until staff give them up: their customer has nothing else.
func (s *Service) inTime(ctx context.Context, o Order, p PickUp) error {
	if !p.expired(s.now()) {
		return nil
	}
	if err := s.notReplacing(ctx, o); p.State == PickUpReady && err != nil {
		if errors.Is(err, ErrReplacement) {
			return nil
		}
		return err
	}
	return ErrPickUpExpired
}

// tenderOwn lets the points and codes that are shown pay what is still to be paid.
func (s *Service) tenderOwn(ctx context.Context, orderID uuid.UUID, in HandOverInput) (err error) {
	if len(in.Points) == 0 && in.NoCodes() {
		return nil
	}
	own := payment.OwnInput{OrderID: orderID, Points: in.Points, Codes: in.Codes, IdempotencyKey: orderID.String() + "/own"}
	if len(in.Points) > 0 {
		if own.Member, err = s.members.Read(ctx, in.MemberCode, true); err != nil {
			return at("memberCode", err)
		}
	}
	return s.tills.PayOwn(ctx, own)
}

// tender takes what is still to be paid at the till of the order's shop.
func (s *Service) tender(ctx context.Context, orderID uuid.UUID, in HandOverInput) error {
	o, err := s.store.Lock(ctx, orderID)
	if err != nil || o == nil {
		return errors.Join(err, ErrPickUpUnknown)
	}
	_, err = s.tills.RecordTill(ctx, payment.TillInput{
		OrderID: orderID, Method: in.Payment.Method, ShopID: o.ShopID, Reference: in.Payment.Reference, IdempotencyKey: in.IdempotencyKey,
	})
	return at("payment", err)
}

// HandedLot is pieces of a lot that a customer is handed.
type HandedLot struct {
	VariantID *uuid.UUID // nil: of the goods that it is said for
	Number    string
	Quantity  int
}

// of is the lot, chosen for the line of the goods that it is said for, or another that
// holds its variant: a gift.
func (h HandedLot) of(lines []Line, variantID uuid.UUID) inventory.ChosenLot {
	chosen := inventory.ChosenLot{VariantID: h.VariantID, Number: h.Number, Quantity: h.Quantity}
	i := slices.IndexFunc(lines, func(l Line) bool { return l.VariantID == variantID && (h.VariantID == nil || l.has(*h.VariantID)) })
	if i < 0 && h.VariantID != nil {
		i = slices.IndexFunc(lines, func(l Line) bool { return l.has(*h.VariantID) })
	}
	if i >= 0 {
		chosen.LineID = lines[i].ID
	}
	return chosen
}

// giveOut lets everything that is packed for the order leave, into its customer's hands:
// the chosen lots.
func (s *Service) giveOut(ctx context.Context, o *Order, c *Change, lots []inventory.ChosenLot) error {
	g, err := s.packing(ctx, o.ID)
	if err != nil {
		return err
	}
	m := moving{packing: g, order: o, said: c}
	for i := range m.shipments {
		h := &m.shipments[i]
		if h.Status != ShipmentInstructed {
			continue
		}
		m.shipment, c.Shipments = h, append(c.Shipments, h.Nth)
		if err := s.leave(ctx, &m, ShipmentDelivered, lots); err != nil {
			return err
		}
		h.DeliveredAt, h.UpdatedAt = h.ShippedAt, s.now()
		if err := s.store.SaveShipment(ctx, *h); err != nil {
			return err
		}
	}
	o.Status = standing(m.shipments, m.held)
	return nil
}
