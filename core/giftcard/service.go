package giftcard

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Store keeps cards; everything joins the transaction of the context.
type Store interface {
	// Insert writes cards with their first entries.
	Insert(ctx context.Context, cards []NewCard, entries []Entry) error
	// ByHash are the brand's cards with the hashes.
	ByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]NewCard, error)
	// LockByHash are the same, locked in one order whoever asks.
	LockByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]NewCard, error)
	// Lock are the brand's cards with the ids, locked likewise.
	Lock(ctx context.Context, brandID uuid.UUID, cardIDs []uuid.UUID) ([]Card, error)
	// LockExpired are cards of any brand that expired before and have a balance, locked;
	// those that somebody works on are left out.
	LockExpired(ctx context.Context, before time.Time, most int) ([]Card, error)
	// Change adds entries, and their amounts to the balances; no balance falls below zero.
	Change(ctx context.Context, entries []Entry) error
	// MarkVoid takes cards out of use.
	MarkVoid(ctx context.Context, cardIDs []uuid.UUID, at time.Time) error
	// Extend lets a card live at least until.
	Extend(ctx context.Context, cardID uuid.UUID, until time.Time) error

	List(ctx context.Context, q Query) (page.Connection[Card], error)
	EntriesOf(ctx context.Context, cardIDs []uuid.UUID) ([]Entry, error)
}

// NewCard is a card with what is kept of its code.
type NewCard struct {
	Card
	Hash []byte `db:"code_hash"`
}

// Books are where it is written down what the money of cards did.
type Books interface {
	CardsIssued(ctx context.Context, c ledger.Cards) error
	CardsForfeited(ctx context.Context, c ledger.Cards) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx      idempotency.Tx
	Store   Store
	Keys    *idempotency.Keys
	Books   Books
	Events  event.Recorder
	Limiter limit.Limiter // nil: nobody counts tries
	Key     []byte        // that codes are hashed with
	Now     clock.Clock
}

// Service issues gift cards and lets them pay.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// guesses is how often codes may be tried.
var guesses = limit.Guesses{
	Kind: "giftcard", PerBuyer: limit.Rate{Allowed: 20, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 100, Per: 10 * time.Minute},
}

// Kind is prepaid.GiftCards.
func (s *Service) Kind() *prepaid.Kind { return prepaid.GiftCards }

// Tried fails with ErrTries when the actor of the context has tried too many codes.
func (s *Service) Tried(ctx context.Context, _ []string) error {
	if seconds := guesses.Wait(ctx, s.Limiter); seconds > 0 {
		return ErrTries.With(seconds)
	}
	return nil
}

// Look is the card with the code that a person has typed, whatever its state: whoever
// has the code may see what is on it.
func (s *Service) Look(ctx context.Context, typed string) (*Card, error) {
	normal, err := prepaid.GiftCards.Read(typed)
	if err != nil { // which tells nothing of which codes there are
		return nil, prepaid.GiftCards.Mistyped.At("code")
	}
	if err := s.Tried(ctx, []string{normal}); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	found, err := s.Store.ByHash(ctx, brandID, [][]byte{s.hash(brandID, normal)})
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, prepaid.GiftCards.Unknown.At("code")
	}
	c := found[0].Card
	c.At = s.Now()
	return &c, nil
}

// Query asks for one page of cards, newest first. Zero fields do not filter.
type Query struct {
	BrandID uuid.UUID
	Ending  string
	BatchID *uuid.UUID
	State   State
	Now     time.Time
	Page    page.Args
}

// List is one page of the brand's cards, for staff.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Card], error) {
	if err := access.Require(ctx, access.GiftCardRead); err != nil {
		return page.Connection[Card]{}, err
	}
	q.BrandID, q.Now = channel.From(ctx).BrandID, s.Now()
	cards, err := s.Store.List(ctx, q)
	for i := range cards.Edges {
		cards.Edges[i].Node.At = q.Now
	}
	return cards, err
}

// EntriesOf are the changes of the cards' balances, oldest first, for staff.
func (s *Service) EntriesOf(ctx context.Context, cardIDs []uuid.UUID) ([]Entry, error) {
	if err := access.Require(ctx, access.GiftCardRead); err != nil {
		return nil, err
	}
	return s.Store.EntriesOf(ctx, cardIDs)
}

// entry is a change of a card's balance by the context's actor.
func (s *Service) entry(ctx context.Context, c Card, kind EntryKind, minor int64) Entry {
	e := Entry{ID: id.New(), CardID: c.ID, Kind: kind, AmountMinor: minor, Currency: c.Currency, At: s.Now()}
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		e.ActorID = &actor
	}
	return e
}

// VoidInput takes cards out of use.
type VoidInput struct {
	IdempotencyKey string
	IDs            []uuid.UUID
	Reason         string
}

// maxVoid is how many cards are taken out of use at once.
const maxVoid = 500

// Void takes cards out of use, and writes off what is on them (staff with
// GIFT_CARD_WRITE), once for each key. A card that was void already and got something back
// is emptied.
func (s *Service) Void(ctx context.Context, in VoidInput) ([]Card, error) {
	if err := access.RequireEverywhere(ctx, access.GiftCardWrite); err != nil {
		return nil, err
	}
	if err := checkReason(in.Reason); err != nil {
		return nil, err
	}
	if len(in.IDs) == 0 || len(in.IDs) > maxVoid {
		return nil, errIDs.With(maxVoid).At("ids")
	}
	read := func(ctx context.Context) ([]Card, error) {
		cards, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, in.IDs)
		for i := range cards {
			cards[i].At = s.Now()
		}
		return cards, err
	}
	return idempotency.OnceRead(ctx, s.Keys, "voidGiftCards", in.IdempotencyKey, in, func(ctx context.Context) ([]Card, error) {
		cards, err := read(ctx)
		switch {
		case err != nil:
			return nil, err
		case len(cards) < distinct(in.IDs):
			return nil, fault.ErrNotFound.At("ids")
		}
		voided, err := s.forfeit(ctx, cards, EntryVoid, in.Reason)
		if err != nil {
			return nil, err
		}
		ids := make([]uuid.UUID, len(cards))
		for i, c := range cards {
			ids[i], voided[i].Voided = c.ID, true
		}
		return voided, s.Store.MarkVoid(ctx, ids, s.Now())
	}, read)
}

// expireAtOnce bounds how many cards one transaction of Expire empties.
const expireAtOnce = 500

// Expire writes off what is on cards whose time is over (失効).
func (s *Service) Expire(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	for {
		emptied := 0
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			cards, err := s.Store.LockExpired(ctx, s.Now(), expireAtOnce)
			emptied = len(cards)
			if err != nil || emptied == 0 {
				return err
			}
			_, err = s.forfeit(ctx, cards, EntryExpire, "")
			return err
		})
		if err != nil || emptied < expireAtOnce {
			return err
		}
	}
}

// forfeit empties cards that are locked, and writes it down brand by brand.
func (s *Service) forfeit(ctx context.Context, cards []Card, kind EntryKind, reason string) ([]Card, error) {
	var entries []Entry
	sums := map[uuid.UUID]ledger.Cards{}
	for i := range cards {
		c := &cards[i]
		if c.At = s.Now(); c.BalanceMinor == 0 {
			continue
		}
		e := s.entry(ctx, *c, kind, -c.BalanceMinor)
		e.Reason = reason
		entries = append(entries, e)
		sum := sums[c.BrandID]
		sums[c.BrandID] = ledger.Cards{BrandID: c.BrandID, CauseID: e.ID, Currency: c.Currency, Minor: sum.Minor + c.BalanceMinor, Memo: reason}
		c.BalanceMinor = 0
	}
	if len(entries) == 0 {
		return cards, nil
	}
	if err := s.Store.Change(ctx, entries); err != nil {
		return nil, err
	}
	for brandID, sum := range sums {
		if err := s.Books.CardsForfeited(ctx, sum); err != nil {
			return nil, err
		}
		e := event.New(ctx, s.Now(), "gift_cards."+eventName(kind), "GiftCardBatch", sum.CauseID, map[string]any{"amount": sum.Minor, "cards": len(entries), "reason": reason})
		e.BrandID = brandID
		if err := s.Events.Record(ctx, e); err != nil {
			return nil, err
		}
	}
	return cards, nil
}

func eventName(kind EntryKind) string {
	if kind == EntryVoid {
		return "voided"
	}
	return "expired"
}

func distinct(ids []uuid.UUID) int {
	seen := map[uuid.UUID]bool{}
	for _, key := range ids {
		seen[key] = true
	}
	return len(seen)
}
