package customer

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// Store keeps what is known of members.
type Store interface {
	// Lock holds the member against other changes until the transaction ends; false
	// if there is no such open account.
	Lock(ctx context.Context, memberID uuid.UUID) (bool, error)

	// Profiles are the open accounts' profiles; the newsletter is the brand's.
	Profiles(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([]*Profile, error)
	SaveProfile(ctx context.Context, brandID uuid.UUID, p Profile, renamed bool, told Told) error

	// Addresses are the members' address books without what was removed, the
	// default first, then by age.
	Addresses(ctx context.Context, memberIDs []uuid.UUID) ([]SavedAddress, error)
	// SaveAddresses keeps the addresses in the given order, new or changed.
	SaveAddresses(ctx context.Context, addresses ...SavedAddress) error

	// Forget removes all that is known of the member; that a newsletter was agreed to
	// stays on record, withdrawn at the moment.
	Forget(ctx context.Context, memberID uuid.UUID, at time.Time) error

	// Pets are the members' pets without what was removed, by age of the entry.
	Pets(ctx context.Context, memberIDs []uuid.UUID) ([]Pet, error)
	// SavePet keeps the pet, new or changed.
	SavePet(ctx context.Context, p Pet) error
	// Weights are the pets' weights, the latest day first.
	Weights(ctx context.Context, petIDs []uuid.UUID) ([]Weight, error)
	// SaveWeight keeps the weight of a day, or takes the day out if it is 0.
	SaveWeight(ctx context.Context, w Weight, at time.Time) error
}

// Members are those whom staff act for: with an account, or with a shop's card alone.
type Members interface {
	// Hold holds the member against other changes until the transaction ends, or fails if
	// the actor may not change them.
	Hold(ctx context.Context, memberID uuid.UUID) error
}

// Tx runs f in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Service keeps members' profiles, address books and pets.
type Service struct {
	tx      Tx
	store   Store
	events  event.Recorder
	now     clock.Clock
	members Members
}

// New makes the customers' service.
func New(tx Tx, store Store, events event.Recorder, now clock.Clock) *Service {
	return &Service{tx: tx, store: store, events: events, now: now}
}

// ActFor says who tells which members staff may act for; until then they act for nobody.
func (s *Service) ActFor(members Members) { s.members = members }

// Profiles are the profiles among those asked for that the actor may read.
func (s *Service) Profiles(ctx context.Context, memberIDs []uuid.UUID) ([]*Profile, error) {
	return visible(ctx, s, memberIDs, func(ctx context.Context, ids []uuid.UUID) ([]*Profile, error) {
		return s.store.Profiles(ctx, brandOf(ctx), ids)
	})
}

// Addresses are the address books among those asked for that the actor may read.
func (s *Service) Addresses(ctx context.Context, memberIDs []uuid.UUID) ([]SavedAddress, error) {
	return visible(ctx, s, memberIDs, s.store.Addresses)
}

// Pets are the pets of those asked for whom the actor may read.
func (s *Service) Pets(ctx context.Context, memberIDs []uuid.UUID) ([]Pet, error) {
	return visible(ctx, s, memberIDs, s.store.Pets)
}

// Forget removes all that is known of a member whose account is closed. Whoever
// closes the account has asked whether the actor may.
func (s *Service) Forget(ctx context.Context, memberID uuid.UUID) error {
	return s.store.Forget(ctx, memberID, s.now())
}

// visible reads what the members own whose data the actor may see, and asks the
// store nothing when there is no such member. Each view of another is written down, once
// for each read.
func visible[T any](ctx context.Context, s *Service, memberIDs []uuid.UUID, read func(context.Context, []uuid.UUID) ([]T, error)) ([]T, error) {
	actor := access.From(ctx)
	allowed := slices.DeleteFunc(slices.Clone(memberIDs), func(id uuid.UUID) bool { return !mayRead(actor, id) })
	if len(allowed) == 0 {
		return nil, nil
	}
	all, err := read(ctx, allowed)
	if err != nil {
		return nil, err
	}
	return all, s.viewed(ctx, allowed)
}

// viewed writes down whose data somebody else read.
func (s *Service) viewed(ctx context.Context, memberIDs []uuid.UUID) error {
	actor := access.From(ctx)
	if actor.Is(access.RoleSystem) {
		return nil
	}
	var views []event.Event
	for _, m := range memberIDs {
		if m != actor.ID {
			views = append(views, event.New(ctx, s.now(), "member.viewed", "Member", m, map[string]any{"by": "account", "masked": false}))
		}
	}
	if len(views) == 0 {
		return nil
	}
	return s.events.Record(ctx, views...)
}

// mayRead says whose personal data an actor sees: a member their own, head office
// staff with MEMBER_READ everybody's. A shop's staff and partners see nobody's, since
// nothing here says whose members are the shop's.
func mayRead(actor access.Actor, memberID uuid.UUID) bool {
	own := actor.ID == memberID && memberID != uuid.Nil && !actor.Is(access.RolePartner)
	return own || (!actor.Is(access.RoleStoreStaff, access.RolePartner) && actor.May(access.MemberRead))
}

// change runs f in a transaction that holds the actor's own account, and records
// what happened to the subject that f names.
func (s *Service) change(ctx context.Context, f func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error)) error {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		if actor.Is("", access.RoleGuest) {
			return fault.ErrUnauthenticated
		}
		return fault.ErrForbidden
	}
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		open, err := s.store.Lock(ctx, actor.ID)
		if err != nil {
			return err
		}
		if !open {
			return fault.ErrUnauthenticated
		}
		return s.recorded(ctx, actor.ID, f)
	})
}

// changeOf runs f as change does, on the actor's own account or for staff on a member.
func (s *Service) changeOf(ctx context.Context, whose *uuid.UUID, f func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error)) error {
	switch {
	case whose == nil:
		return s.change(ctx, f)
	case s.members == nil:
		return fault.ErrForbidden
	}
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.members.Hold(ctx, *whose); err != nil {
			return err
		}
		return s.recorded(ctx, *whose, f)
	})
}

func (s *Service) recorded(ctx context.Context, memberID uuid.UUID, f func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error)) error {
	now := s.now()
	what, err := f(ctx, memberID, now)
	if err != nil || what.kind == "" {
		return err
	}
	return s.events.Record(ctx, event.New(ctx, now, what.kind, what.subject, what.id, what.data))
}

// subject is what an event of the actor's own data is about, or of a member's that staff
// changed.
func subject(whose *uuid.UUID) string {
	if whose == nil {
		return "Account"
	}
	return "Member"
}

// happened is the event of a change; an empty kind says that nothing changed.
// Events are kept for ever and leave the house, so their data says which fields
// changed and never a member's personal data.
type happened struct {
	kind    string
	subject string
	id      uuid.UUID
	data    any
}
