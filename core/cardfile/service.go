package cardfile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/payment"
)

// Store keeps what noren knows of cards.
type Store interface {
	Insert(ctx context.Context, c Card) error
	Update(ctx context.Context, c Card) error
	// Locked is the card, locked; nil if there is none.
	Locked(ctx context.Context, cardID uuid.UUID) (*Card, error)
	// Cards are the cards with the ids.
	Cards(ctx context.Context, ids []uuid.UUID) ([]Card, error)
	// Of are the member's kept cards of the brand, newest first.
	Of(ctx context.Context, brandID, memberID uuid.UUID) ([]Card, error)
	// Count locks the member and counts the cards that are kept or about to be.
	Count(ctx context.Context, brandID, memberID uuid.UUID) (int, error)
	// Customer is the gateway's word for the member; empty before the first card.
	Customer(ctx context.Context, gateway string, memberID uuid.UUID) (string, error)
	// PaysFor is the number of a recurring order that goes on and is charged to the card.
	PaysFor(ctx context.Context, cardID uuid.UUID) (string, error)
	// Forgettable are removed cards that the gateway still keeps.
	Forgettable(ctx context.Context, most int) ([]Card, error)
	// Unfinished are cards whose keeping was begun before the moment and not finished.
	Unfinished(ctx context.Context, before time.Time, most int) ([]Card, error)
	// Delete deletes a card that is not kept.
	Delete(ctx context.Context, cardID uuid.UUID) error
}

// Gateways finds the one that keeps cards.
type Gateways interface {
	Keeper() (payment.Keeper, error)
}

// Parts is what a Service is made of.
type Parts struct {
	Tx       payment.Tx
	Store    Store
	Keys     *idempotency.Keys
	Gateways Gateways
	Events   event.Recorder
	Now      clock.Clock
}

// Service keeps members' cards.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// SaveInput keeps a card.
type SaveInput struct {
	IdempotencyKey string
	Token          string // the gateway's (Stripe: pm_…)
	ReturnURL      string
}

// Saved is a card and what the client has to do next.
type Saved struct {
	Card         Card
	ClientSecret string // to confirm with the gateway's own client library; never stored
	NeedsAction  bool
}

// Save keeps a card of the actor's, once for each key. A declined card is
// payment.ErrCardDeclined; one that needs 3-D Secure is PENDING until Confirm.
func (s *Service) Save(ctx context.Context, in SaveInput) (Saved, error) {
	if !payment.IsToken(in.Token) {
		return Saved{}, payment.ErrToken.At("cardToken")
	}
	if err := payment.CheckReturn(in.ReturnURL); err != nil {
		return Saved{}, err
	}
	keeper, err := s.Gateways.Keeper()
	if err != nil {
		return Saved{}, err
	}
	cardID, err := idempotency.Once(ctx, s.Keys, "saveCard", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.begin(ctx, keeper.Name())
	})
	if err != nil {
		return Saved{}, err
	}
	c, err := s.own(ctx, cardID)
	if err != nil || c.State == Kept {
		return Saved{Card: c}, err
	}
	k, err := keeper.Keep(context.WithoutCancel(ctx), payment.KeepRequest{Key: c.ID, MemberID: c.MemberID, Customer: c.Customer, Token: in.Token, ReturnURL: in.ReturnURL})
	return s.told(ctx, c.ID, k, err)
}

// begin writes a card down before the gateway is asked.
func (s *Service) begin(ctx context.Context, gateway string) (uuid.UUID, error) {
	member, brand, now := access.From(ctx).ID, channel.From(ctx).BrandID, s.Now()
	there, err := s.Store.Count(ctx, brand, member)
	if err == nil && there >= Most {
		err = ErrTooMany.With(Most)
	}
	if err != nil {
		return uuid.Nil, err
	}
	customer, err := s.Store.Customer(ctx, gateway, member)
	if err != nil {
		return uuid.Nil, err
	}
	c := Card{ID: id.New(), BrandID: brand, MemberID: member, Gateway: gateway, Customer: customer, State: Pending, CreatedAt: now, UpdatedAt: now}
	return c.ID, s.Store.Insert(ctx, c)
}

// NameInput names a card.
type NameInput struct{ CardID uuid.UUID }

// Confirm looks whether the customer has confirmed a card with 3-D Secure.
func (s *Service) Confirm(ctx context.Context, in NameInput) (Saved, error) {
	c, err := s.own(ctx, in.CardID)
	switch {
	case err != nil || c.State == Kept:
		return Saved{Card: c}, err
	case c.Setup == "": // the gateway has not answered: save it again with the same key
		return Saved{Card: c}, payment.ErrUnconfirmed
	}
	keeper, err := s.Gateways.Keeper()
	if err != nil {
		return Saved{}, err
	}
	k, err := keeper.Keeping(ctx, payment.KeepingRequest{Key: c.ID, Setup: c.Setup, Since: c.CreatedAt})
	return s.told(ctx, c.ID, k, err)
}

// told writes down what the gateway said of a card.
func (s *Service) told(ctx context.Context, cardID uuid.UUID, k payment.Keeping, callErr error) (Saved, error) {
	refused := payment.ErrCardDeclined.At("cardToken")
	switch {
	case errors.Is(callErr, payment.ErrUnanswered):
		return Saved{}, errors.Join(payment.ErrUnconfirmed, callErr)
	case callErr != nil:
		slog.WarnContext(ctx, "a gateway refuses to keep a card", "card", cardID, "error", callErr)
		k.Decline, refused = &payment.Decline{Code: "refused"}, payment.ErrPaymentRefused.At("cardToken")
	}
	saved := Saved{ClientSecret: k.ClientSecret, NeedsAction: k.NeedsAction}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.Store.Locked(ctx, cardID)
		if err != nil || c == nil {
			return errors.Join(err, fault.ErrNotFound)
		}
		saved.Card = *c
		switch {
		case c.State == Removed && k.Card != "": // given up while the gateway was asked, which is to forget it
			c.Customer, c.Reference = k.Customer, k.Card
			return s.Store.Update(ctx, *c)
		case c.State != Pending: // somebody else was quicker
			return nil
		}
		c.Setup, c.Customer, c.UpdatedAt = k.Setup, k.Customer, s.Now()
		switch {
		case k.Decline != nil:
			c.State = Declined
		case k.Card != "":
			c.State, c.Reference, c.Network, c.Last4, c.ExpiryYear, c.ExpiryMonth = Kept, k.Card, k.Network, k.Last4, k.ExpiryYear, k.ExpiryMonth
		}
		saved.Card = *c
		if err := s.Store.Update(ctx, *c); err != nil || c.State != Kept {
			return err
		}
		return s.record(ctx, *c, "card.saved")
	})
	if err == nil && saved.Card.State == Declined {
		err = refused
	}
	return saved, err
}

// own is a card of the actor's; else fault.CodeNotFound.
func (s *Service) own(ctx context.Context, cardID uuid.UUID) (Card, error) {
	all, err := s.Store.Cards(ctx, []uuid.UUID{cardID})
	switch {
	case err != nil:
		return Card{}, err
	case len(all) == 0 || all[0].MemberID != access.From(ctx).ID || all[0].State == Removed:
		return Card{}, fault.ErrNotFound.At("savedCardId")
	case all[0].State == Declined:
		return all[0], payment.ErrCardDeclined.At("cardToken")
	}
	return all[0], nil
}

// Mine are the actor's kept cards, newest first.
func (s *Service) Mine(ctx context.Context) ([]Card, error) {
	return s.Store.Of(ctx, channel.From(ctx).BrandID, access.From(ctx).ID)
}

// Hold is the card, locked so that it is not given up before the transaction is over; nil
// if there is none.
func (s *Service) Hold(ctx context.Context, cardID uuid.UUID) (*Card, error) {
	return s.Store.Locked(ctx, cardID)
}

// Cards are cards that were named by what the actor may see.
func (s *Service) Cards(ctx context.Context, ids []uuid.UUID) ([]Card, error) {
	return s.Store.Cards(ctx, ids)
}

// Remove gives a card of the actor's up; one that pays for what comes again is ErrInUse.
// The gateway forgets it soon after.
func (s *Service) Remove(ctx context.Context, in NameInput) (*Card, error) {
	var removed *Card
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.Store.Locked(ctx, in.CardID)
		if err == nil && (c == nil || c.MemberID != access.From(ctx).ID || c.State == Removed) {
			err = fault.ErrNotFound.At("savedCardId")
		}
		if err != nil {
			return err
		}
		number, err := s.Store.PaysFor(ctx, in.CardID)
		if err == nil && number != "" {
			err = ErrInUse.With(number).At("savedCardId")
		}
		if err != nil {
			return err
		}
		c.State, c.UpdatedAt, removed = Removed, s.Now(), c
		return errors.Join(s.Store.Update(ctx, *c), s.record(ctx, *c, "card.removed"))
	})
	return removed, err
}

func (s *Service) record(ctx context.Context, c Card, what string) error {
	e := event.New(ctx, s.Now(), what, "SavedCard", c.ID, map[string]any{"memberId": c.MemberID, "gateway": c.Gateway})
	e.BrandID = c.BrandID
	return s.Events.Record(ctx, e)
}

// ForgetJob is the regular job that lets gateways forget removed cards.
type ForgetJob struct{}

// Kind is the job's name in the queue.
func (ForgetJob) Kind() string { return "cards_forget" }

// unfinishedAfter is when nobody is expected to confirm a card any more, or to ask again
// after a lost answer.
const unfinishedAfter = 24 * time.Hour

// finish finds out what became of a card whose keeping was begun: one that the gateway
// keeps is the member's, any other is dropped on both sides.
func (s *Service) finish(ctx context.Context, keeper payment.Keeper, c Card) error {
	if c.State == Declined || c.Gateway != keeper.Name() {
		return s.Store.Delete(ctx, c.ID)
	}
	k, err := keeper.Keeping(ctx, payment.KeepingRequest{Key: c.ID, Setup: c.Setup, Since: c.CreatedAt})
	switch {
	case errors.Is(err, payment.ErrNeverArrived):
		return s.Store.Delete(ctx, c.ID)
	case err != nil:
		return err
	case k.Card == "" && k.Decline == nil:
		if err := keeper.Abandon(ctx, k.Setup); err != nil {
			return err
		}
		return s.Store.Delete(ctx, c.ID)
	}
	if _, err = s.told(ctx, c.ID, k, nil); errors.Is(err, payment.ErrCardDeclined) {
		return nil
	}
	return err
}

// atOnce is how many cards one round forgets.
const atOnce = 100

// Forget lets the gateway forget what was removed, and noren what it knows of it. What
// fails is tried in the next round.
func (s *Service) Forget(ctx context.Context) error {
	begun, err := s.Store.Unfinished(ctx, s.Now().Add(-unfinishedAfter), atOnce)
	if err != nil {
		return err
	}
	gone, err := s.Store.Forgettable(ctx, atOnce)
	if err != nil || len(gone)+len(begun) == 0 {
		return err
	}
	keeper, err := s.Gateways.Keeper()
	if err != nil {
		return err
	}
	var all []error
	for _, c := range begun {
		all = append(all, s.finish(ctx, keeper, c))
	}
	for _, c := range gone {
		if c.Gateway != keeper.Name() {
			slog.WarnContext(ctx, "a removed card cannot be forgotten: its gateway is switched off", "card", c.ID, "gateway", c.Gateway)
			continue
		}
		if err := keeper.Forget(ctx, c.Reference); err != nil {
			all = append(all, err)
			continue
		}
		c.Reference, c.Setup, c.Network, c.Last4, c.ExpiryYear, c.ExpiryMonth = "", "", "", "", 0, 0
		all = append(all, s.Store.Update(ctx, c))
	}
	return errors.Join(all...)
}
