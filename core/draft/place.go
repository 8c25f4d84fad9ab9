package draft

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prepaid"
)

// linkLasts is how long a mailed link to pay by card waits.
const linkLasts = 3 * 24 * time.Hour

// PlaceInput is the word that orders a draft, at what it comes to.
type PlaceInput struct {
	IdempotencyKey string
	DraftID        uuid.UUID
	Revision       int // that was seen
	ExpectedTotal  decimal.Decimal
	Points         []points.UseInput // of the draft's member, that pay first
	prepaid.Codes                    // that pay next
}

// Place orders a draft for its buyer, once for the draft and for each key: staff at any
// time, the buyer when it was sent. It is judged as the buyer's own order: stock, limits,
// credit and approval. An order by card that staff place is paid by a mailed link.
func (s *Service) Place(ctx context.Context, in PlaceInput) (*order.Order, error) {
	d, err := s.ByID(ctx, in.DraftID)
	if err != nil {
		return nil, err
	}
	actor := access.From(ctx)
	var by *access.Actor
	buyer := ctx
	if actor.May(access.OrderRead) {
		if err := access.Require(ctx, access.OrderWrite); err != nil {
			return nil, err
		}
		by, buyer = &actor, s.asBuyer(ctx, d)
	}
	if o, err := s.placedBefore(ctx, *d, in); o != nil || err != nil {
		return o, err
	}
	if d.PaymentMethod == nil {
		return nil, fault.ErrRequired.At("paymentMethod")
	}
	if err := s.Orders.CodesTried(ctx, in.Codes); err != nil {
		return nil, err
	}
	o, err := s.order(buyer, *d, in, by)
	if err == nil {
		return o, nil
	}
	// Somebody with the same key may have been faster.
	if again, found := s.ByID(ctx, in.DraftID); found == nil {
		if o, replayed := s.placedBefore(ctx, *again, in); o != nil {
			return o, replayed
		}
	}
	return nil, err
}

// asBuyer is the context of the draft's buyer; a guest has a new key to the order.
func (s *Service) asBuyer(ctx context.Context, d *Draft) context.Context {
	buyer := d.Buyer()
	if d.MemberID == nil {
		buyer.Token = cart.NewToken()
	}
	return buyer.In(ctx)
}

// placedBefore is the order that the same word has placed; nil if there is none.
func (s *Service) placedBefore(ctx context.Context, d Draft, in PlaceInput) (*order.Order, error) {
	if d.State != Placed || d.OrderID == nil || d.PlacedKey != in.IdempotencyKey {
		return nil, nil
	}
	o, err := s.Orders.ByID(ctx, *d.OrderID)
	if err == nil && !o.Total().Amount().Equal(in.ExpectedTotal) {
		return nil, idempotency.ErrReused.At("idempotencyKey")
	}
	return o, err
}

func (s *Service) order(ctx context.Context, seen Draft, in PlaceInput, by *access.Actor) (*order.Order, error) {
	var d *Draft
	from := order.Source{
		Operation: "placeDraftOrder", Intent: in, By: by,
		Lock: func(ctx context.Context, lookup cart.Lookup) (_ *cart.Basket, err error) {
			if d, err = s.placeable(ctx, seen, in, by == nil); err != nil {
				return nil, err
			}
			return s.Store.Basket(ctx, lookup, *d)
		},
		Ordered: func(ctx context.Context, orderID uuid.UUID) error { return s.ordered(ctx, d, orderID, in, by) },
	}
	if by != nil && *seen.PaymentMethod == payment.MethodCard {
		from.PayWithin = linkLasts
		from.Drafted = func(ctx context.Context, o order.Order) error {
			if o.PaymentMethod != payment.MethodCard { // points and codes pay all
				return nil
			}
			return s.sendPayLink(ctx, *d, o.ID, access.From(ctx).CartToken)
		}
	}
	return s.Orders.PlaceFrom(ctx, order.PlaceInput{
		IdempotencyKey: in.IdempotencyKey, ExpectedTotal: in.ExpectedTotal, PaymentMethod: *seen.PaymentMethod, Store: seen.ConvenienceStore,
		Points: in.Points, Codes: in.Codes,
	}, from)
}

// placeable locks the draft, if it can be ordered as it was seen.
func (s *Service) placeable(ctx context.Context, seen Draft, in PlaceInput, byBuyer bool) (*Draft, error) {
	d, err := s.Store.Lock(ctx, seen.ID)
	if err != nil {
		return nil, err
	}
	if err := d.open(s.Now()); err != nil {
		return nil, err
	}
	switch {
	case byBuyer && d.State != Sent:
		return nil, ErrState.With(d.State)
	case d.Revision != in.Revision || d.Revision != seen.Revision:
		return nil, ErrChanged.With(d.Revision).At("revision")
	}
	return d, nil
}

// ordered notes in the order's transaction what became of the draft.
func (s *Service) ordered(ctx context.Context, d *Draft, orderID uuid.UUID, in PlaceInput, by *access.Actor) error {
	buyer := access.From(ctx)
	said := Change{Before: d.State, OrderID: &orderID}
	d.State, d.OrderID, d.PlacedKey = Placed, &orderID, in.IdempotencyKey
	if by != nil {
		d.PlacedBy = &by.ID
		ctx = access.With(ctx, *by)
	} else if buyer.ID != uuid.Nil {
		d.PlacedBy = &buyer.ID
	}
	return s.record(ctx, d, "draft_order.placed", said)
}

// SendInput asks the customer to confirm a draft.
type SendInput struct {
	DraftID  uuid.UUID
	Revision int
	Message  string
}

// Send mails the draft to the customer, who confirms it as it is or not at all, for staff.
func (s *Service) Send(ctx context.Context, in SendInput) (*Draft, error) {
	if err := errors.Join(access.Require(ctx, access.OrderWrite), short("message", in.Message, maxText)); err != nil {
		return nil, err
	}
	return s.change(ctx, in.DraftID, "draft_order.sent", func(ctx context.Context, d *Draft, _ *Change) error {
		if err := d.open(s.Now()); err != nil {
			return err
		}
		switch {
		case d.Revision != in.Revision:
			return ErrChanged.With(d.Revision).At("revision")
		case d.Email == "":
			return fault.ErrRequired.At("email")
		case d.PaymentMethod == nil:
			return fault.ErrRequired.At("paymentMethod")
		}
		priced, err := s.price(ctx, *d)
		if err != nil {
			return err
		}
		if err := order.Orderable(priced); err != nil {
			return err
		}
		token := ""
		if d.MemberID == nil {
			token = cart.NewToken()
			d.TokenHash = cart.HashToken(token)
		}
		d.State, d.Message, d.TotalMinor = Sent, in.Message, priced.Quote.Total.Minor
		return s.sendToConfirm(ctx, *d, priced, token)
	})
}

// CancelInput gives a draft up.
type CancelInput struct {
	DraftID uuid.UUID
	Reason  string
}

// Cancel gives a draft up that is not ordered: staff any, the customer one that was sent.
func (s *Service) Cancel(ctx context.Context, in CancelInput) (*Draft, error) {
	if err := short("reason", in.Reason, 500); err != nil {
		return nil, err
	}
	if actor := access.From(ctx); actor.May(access.OrderRead) && !actor.May(access.OrderWrite) {
		return nil, fault.ErrForbidden
	}
	return s.change(ctx, in.DraftID, "draft_order.cancelled", func(_ context.Context, d *Draft, c *Change) error {
		if d.State != Open && d.State != Sent {
			return ErrState.With(d.State)
		}
		d.State, c.Reason = Cancelled, in.Reason
		return nil
	})
}

// ExpireJob is the regular job that ends drafts whose time is over.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "draft_order_expire" }

// expireAtOnce bounds one round of Expire.
const expireAtOnce = 500

// Expire ends drafts whose time is over.
func (s *Service) Expire(ctx context.Context) error {
	for {
		var ended []Draft
		err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			if ended, err = s.Store.Expire(ctx, s.Now(), expireAtOnce); err != nil {
				return err
			}
			events := make([]event.Event, len(ended))
			for i, d := range ended {
				events[i] = event.New(ctx, d.UpdatedAt, "draft_order.expired", "DraftOrder", d.ID, Change{After: Expired})
				events[i].BrandID = d.BrandID
			}
			return s.Events.Record(ctx, events...)
		})
		if err != nil || len(ended) < expireAtOnce {
			return err
		}
	}
}
