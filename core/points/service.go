package points

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	cards "github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// Want is an account that shall be locked, and what of its past is needed.
type Want struct {
	Holder
	Lots   bool     // those with something left
	Keys   []string // of postings, with what undoes them
	Undone []string // keys of postings whose lots are wanted as well, if nothing is left of them
}

// Ledger keeps accounts, entries and lots; it joins the transaction of the context.
type Ledger interface {
	// Lock locks the accounts, in one order whoever asks, and opens those that there are
	// not yet. A member whom nobody knows is ErrMember.
	Lock(ctx context.Context, wants []Want) ([]Locked, error)
	// Write writes what a book holds. It need not have happened before the next call
	// that answers something.
	Write(ctx context.Context, c Changes) error
	// Balances are the members' accounts, with what of them can be used at the moment.
	Balances(ctx context.Context, memberIDs []uuid.UUID, at time.Time) ([]Balance, error)
	// Statement is one page of an account's entries, and of those that were merged into it,
	// the newest first.
	Statement(ctx context.Context, h Holder, p page.Args) (page.Connection[Entry], error)
	// Posted are the points that postings of these kinds and keys have moved, by their places.
	Posted(ctx context.Context, all []Posting) (map[int]int64, error)
	// OpenLots are the member's lots with something left, by when they expire.
	OpenLots(ctx context.Context, h Holder) ([]Lot, error)
}

// Store keeps all that there is of points.
type Store interface {
	Ledger
	Setup
	Orders
	Desk
	Partners
	Receipts
	Reckonings
	Places
	Merging
	Codes
	Occasions
	Prospects
	Batches
}

// MaxPoints bounds what one posting moves.
const MaxPoints = 1_000_000_000

// Parts are what the service stands on.
type Parts struct {
	Tx       idempotency.Tx
	Store    Store
	Keys     *idempotency.Keys
	Events   event.Recorder
	Books    Books
	Jobs     Jobs
	Outbox   messaging.Outbox
	Links    map[string]Link // to other point systems, by the partner's code
	Limiter  limit.Limiter   // nil: nobody counts tries
	Segments Segments        // nil: nobody is in any
	Members  Members         // nil: who has a card alone is written to nowhere, and shops read nobody's points
	Counter  Counter         // who stands at the counter of a shop
	Cards    Cards           // whose cards are
	Now      clock.Clock
}

// Members know who has a card.
type Members interface {
	ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]cards.Member, error)
	// Legible are the same, but for those whose sealed values cannot be opened.
	Legible(ctx context.Context, memberIDs []uuid.UUID) ([]cards.Member, error)
}

// Cards know the member whose card has a number.
type Cards interface {
	Card(ctx context.Context, number string, shopID *uuid.UUID) (access.Actor, error)
}

// Books are where it is written down what points are worth in money.
type Books interface {
	PointsGiven(ctx context.Context, g ledger.GivenPoints) error
}

// Service keeps points.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// programmes are all of them, by id.
func (s *Service) programmes(ctx context.Context) (map[uuid.UUID]Programme, error) {
	all, err := s.Store.Programmes(ctx)
	found := make(map[uuid.UUID]Programme, len(all))
	for _, p := range all {
		found[p.ID] = p
	}
	return found, err
}

// here reports whether the programme is used in the brand of the context's channel.
func (p Programme) here(ctx context.Context) bool {
	return p.Shared || p.BrandID == channel.From(ctx).BrandID
}

// inBrand are the programmes of the context's brand that are open, the brand's own first.
func (s *Service) inBrand(ctx context.Context) ([]Programme, error) {
	all, err := s.programmes(ctx)
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(slices.Collect(maps.Values(all)), func(p Programme) bool { return p.ClosedAt != nil || !p.here(ctx) })
	slices.SortFunc(mine, func(a, b Programme) int {
		if a.Shared != b.Shared {
			if a.Shared {
				return 1
			}
			return -1
		}
		return slices.Compare(a.ID[:], b.ID[:])
	})
	return mine, nil
}

// programme is one of the context's brand; ErrProgramme if it is not.
func (s *Service) programme(ctx context.Context, programmeID uuid.UUID) (Programme, error) {
	p, err := s.Store.Programme(ctx, programmeID)
	switch {
	case err != nil:
		return Programme{}, err
	case p == nil, !p.here(ctx):
		return Programme{}, ErrProgramme.At("programmeId")
	case p.ClosedAt != nil:
		return *p, ErrClosed.At("programmeId")
	}
	return *p, nil
}

// Post writes the postings down in the transaction of the context, or in one of its own:
// all of them, or none. Each happens once for its key.
func (s *Service) Post(ctx context.Context, all ...Posting) ([]Result, error) {
	var results []Result
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		book, err := s.open(ctx, all)
		if err != nil {
			return err
		}
		results = results[:0]
		for _, p := range all {
			if now := s.Now(); undoes[p.Kind] != "" && p.At.Before(now) {
				p.At = now // midnight may have passed, and the lot been written off, while this waited for its turn
			}
			if p.Kind == TransferIn && len(results) > 0 { // they keep their last days
				p.Portions = results[len(results)-1].Portions
			}
			r, err := book.Post(p)
			switch {
			case err != nil:
				return err
			case p.Kind == TransferIn && len(results) > 0 && r.Replayed != results[len(results)-1].Replayed:
				return errHalf // one side of another transfer had the key
			}
			results = append(results, r)
		}
		return s.write(ctx, book)
	})
	return results, err
}

// Posted are the points that the postings moved where they were made before, by their places.
func (s *Service) Posted(ctx context.Context, all []Posting) (map[int]int64, error) {
	return s.Store.Posted(ctx, all)
}

// errHalf says that of two postings that belong together only one was made before.
var errHalf = idempotency.ErrReused.At("idempotencyKey")

// open locks the accounts of the postings.
func (s *Service) open(ctx context.Context, all []Posting) (*Book, error) {
	var wants []Want
	places := map[Holder]int{}
	for _, p := range all {
		i, ok := places[p.Holder]
		if !ok {
			i, places[p.Holder] = len(wants), len(wants)
			wants = append(wants, Want{Holder: p.Holder})
		}
		w := &wants[i]
		w.Lots = w.Lots || !p.Kind.gives()
		if w.Keys = append(w.Keys, p.Key); p.Undoes != "" {
			w.Keys = append(w.Keys, p.Undoes)
		}
		if undoes[p.Kind] != "" {
			w.Undone = append(w.Undone, p.Undoes)
		}
	}
	locked, err := s.Store.Lock(ctx, wants)
	if err != nil {
		return nil, err
	}
	return NewBook(locked), nil
}

// write writes the book down, and tells of each posting.
func (s *Service) write(ctx context.Context, b *Book) error {
	c := b.Changes()
	if len(c.Entries) == 0 && len(c.Lots) == 0 && len(c.Merged) == 0 {
		return nil
	}
	if err := s.Store.Write(ctx, c); err != nil {
		return err
	}
	return s.Events.Record(ctx, s.told(ctx, b, c.Entries)...)
}

// moved is what an event says of points. The words of staff stand in the ledger alone.
type moved struct {
	MemberID    uuid.UUID `json:"memberId"`
	ProgrammeID uuid.UUID `json:"programmeId"`
	Key         string    `json:"key"`
	Kind        Kind      `json:"kind"`
	Points      int64     `json:"points"`
	Available   int64     `json:"available"`
	Pending     int64     `json:"pending"`
}

func (s *Service) told(ctx context.Context, b *Book, entries []Entry) []event.Event {
	members := map[uuid.UUID]uuid.UUID{}
	for h, a := range b.accounts {
		members[a.ID] = h.MemberID
	}
	all := make([]event.Event, len(entries))
	for i, e := range entries {
		all[i] = event.New(ctx, e.At, "points.moved", "PointAccount", e.AccountID, moved{
			members[e.AccountID], e.ProgrammeID, e.Key, e.Kind, e.Points, e.Available, e.Pending,
		})
		all[i].BrandID = b.programmes[e.ProgrammeID].BrandID
		if e.ActorID != nil {
			all[i].ActorID = *e.ActorID
		}
	}
	return all
}

// actorID is who acts; nil for noren itself.
func actorID(ctx context.Context) *uuid.UUID {
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		return &actor
	}
	return nil
}

// member is the member that the context's actor is.
func member(ctx context.Context) (uuid.UUID, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) || actor.ID == uuid.Nil {
		return uuid.Nil, ErrGuest
	}
	return actor.ID, nil
}

// amount fails unless it is a number of points that can be moved.
func amount(points int64) error {
	if points < 1 || points > MaxPoints {
		return ErrAmount.With(MaxPoints).At("points")
	}
	return nil
}

// office fails for staff of a shop: what is settled with other systems is the head office's
// and the systems' own. Who could do both would take back what those have.
func office(ctx context.Context) error {
	if access.From(ctx).Is(access.RoleStoreStaff) {
		return fault.ErrForbidden
	}
	return nil
}

func orErr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// first is the only result, or why there is none.
func first(results []Result, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	if len(results) == 0 {
		return Result{}, errors.New("a posting has no result")
	}
	return results[0], nil
}
