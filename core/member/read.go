package member

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// ByIDs are the members of the ids as the actor may see them. Each view of another is
// written down, once for each read.
func (s *Service) ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error) {
	members, err := readOf(ctx, memberIDs, s.Store.Members)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	return s.show(ctx, members, "id")
}

// Legible are members of whom a regular job works many at once, for noren itself. Who has a
// sealed value that cannot be opened is left out and logged: one such row must not hold up all
// the others.
func (s *Service) Legible(ctx context.Context, memberIDs []uuid.UUID) ([]Member, error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, fault.ErrForbidden
	}
	members, sealed, err := s.Store.Legible(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	for key, why := range sealed {
		slog.ErrorContext(ctx, "a member's sealed values cannot be opened", "member", key, "error", why)
	}
	return s.show(ctx, members, "id")
}

// ByID is a member as the actor may see them, or ErrNotFound.
func (s *Service) ByID(ctx context.Context, memberID uuid.UUID) (*Member, error) {
	members, err := s.ByIDs(ctx, []uuid.UUID{memberID})
	if err != nil || len(members) == 0 {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	return &members[0], nil
}

// Viewed fails with fault.ErrForbidden unless the actor may read the member's personal data,
// and writes down that they looked at what else there is of the member.
func (s *Service) Viewed(ctx context.Context, memberID uuid.UUID, by string) error {
	actor, m := access.From(ctx), Member{ID: memberID} // who has an account and has not joined is no shop's
	found, err := s.Store.Members(ctx, []uuid.UUID{memberID})
	if err != nil {
		return err
	}
	if len(found) > 0 {
		m = found[0]
	}
	if !reads(actor, m) {
		return fault.ErrForbidden.At("memberId")
	}
	return s.Events.Record(ctx, event.New(ctx, s.Now(), "member.viewed", "Member", memberID, map[string]any{"by": by}))
}

// Mine is the actor's own membership; nil if they have not joined.
func (s *Service) Mine(ctx context.Context) (*Member, error) {
	actor := access.From(ctx)
	if !own(actor, actor.ID) {
		return nil, nil
	}
	members, err := s.ByIDs(ctx, []uuid.UUID{actor.ID})
	if err != nil || len(members) == 0 {
		return nil, err
	}
	return &members[0], nil
}

// show hides what the actor may not see, and writes down who saw whom: in one statement
// for them all, without what was seen.
func (s *Service) show(ctx context.Context, members []Member, how string) ([]Member, error) {
	actor, now := access.From(ctx), s.Now()
	var views []event.Event
	for i := range members {
		members[i].At = now
		members[i] = seen(actor, members[i])
		if !own(actor, members[i].ID) && !actor.Is(access.RoleSystem) {
			views = append(views, event.New(ctx, now, "member.viewed", "Member", members[i].ID, map[string]any{"by": how, "masked": members[i].Masked}))
		}
	}
	if len(views) == 0 {
		return members, nil
	}
	return members, s.Events.Record(ctx, views...)
}

// visible narrows ids to members of whom the actor may read more than that they exist.
func visible(ctx context.Context, memberIDs []uuid.UUID) []uuid.UUID {
	actor := access.From(ctx)
	if actor.May(access.MemberRead) {
		return memberIDs
	}
	return slices.DeleteFunc(slices.Clone(memberIDs), func(m uuid.UUID) bool { return !own(actor, m) })
}

// readOf reads of those of the members of whom the actor may read.
func readOf[T any](ctx context.Context, memberIDs []uuid.UUID, read func(context.Context, []uuid.UUID) ([]T, error)) ([]T, error) {
	allowed := visible(ctx, memberIDs)
	if len(allowed) == 0 {
		return nil, nil
	}
	return read(ctx, allowed)
}

// Memberships are what the members are to each brand. They say nothing of the person,
// so every shop may read them, but for what was spent: that is its own members' alone.
func (s *Service) Memberships(ctx context.Context, memberIDs []uuid.UUID) ([]Membership, error) {
	joined, err := readOf(ctx, memberIDs, s.Store.Memberships)
	hidden := closed(access.From(ctx), joined)
	for i, m := range joined {
		joined[i].Hidden = hidden(m.MemberID)
	}
	return joined, err
}

// closed tells of members, by their memberships, whether they are masked for the actor.
func closed(actor access.Actor, joined []Membership) func(memberID uuid.UUID) bool {
	stores := map[uuid.UUID][]uuid.UUID{}
	for _, m := range joined {
		for _, store := range []*uuid.UUID{m.RegisteredStoreID, m.HomeStoreID} {
			if store != nil && m.EndedAt == nil {
				stores[m.MemberID] = append(stores[m.MemberID], *store)
			}
		}
	}
	return func(memberID uuid.UUID) bool { return !reads(actor, Member{ID: memberID, Stores: stores[memberID]}) }
}

// hidden tells of the members whether they are masked for the actor. Only for those who see
// some masked are memberships asked for, once for them all.
func (s *Service) hidden(ctx context.Context, memberIDs []uuid.UUID) (func(memberID uuid.UUID) bool, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleStoreStaff, access.RolePartner) {
		return func(uuid.UUID) bool { return false }, nil
	}
	joined, err := s.Store.Memberships(ctx, memberIDs)
	return closed(actor, joined), err
}

// readOpen reads of those of the members whom the actor sees unmasked.
func readOpen[T any](ctx context.Context, s *Service, memberIDs []uuid.UUID, read func(context.Context, []uuid.UUID) ([]T, error)) ([]T, error) {
	hidden, err := s.hidden(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	return readOf(ctx, slices.DeleteFunc(slices.Clone(memberIDs), hidden), read)
}

// Cards are the members' cards, the latest first. A number is as good as the card: of
// masked members it shows its last digits alone.
func (s *Service) Cards(ctx context.Context, memberIDs []uuid.UUID) ([]Card, error) {
	cards, err := readOf(ctx, memberIDs, s.Store.Cards)
	if err != nil || len(cards) == 0 {
		return nil, err
	}
	hidden, err := s.hidden(ctx, memberIDs)
	for i, c := range cards {
		if hidden(c.MemberID) {
			cards[i].Number = MaskNumber(c.Number)
		}
	}
	return cards, err
}

// Consents are the record of consents of members who are not masked, the latest first.
func (s *Service) Consents(ctx context.Context, memberIDs []uuid.UUID) ([]Consent, error) {
	return readOpen(ctx, s, memberIDs, s.Store.Consents)
}

// Settings are what holds of the consents of members who are not masked.
func (s *Service) Settings(ctx context.Context, memberIDs []uuid.UUID) ([]Setting, error) {
	return readOpen(ctx, s, memberIDs, s.Store.Settings)
}

// Household are the members of the households, as the actor may see them. Only staff
// ask: who lives with whom is not for a member to look up.
func (s *Service) Household(ctx context.Context, householdIDs []uuid.UUID) ([]Member, error) {
	if !access.From(ctx).May(access.MemberRead) {
		return nil, nil
	}
	members, err := s.Store.Household(ctx, householdIDs)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, members, "household")
}

// Pets are the pets of those of the members whose personal data the actor may read.
func (s *Service) Pets(ctx context.Context, memberIDs []uuid.UUID) ([]customer.Pet, error) {
	members, err := s.Store.Members(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	var open []uuid.UUID
	for _, m := range members {
		if reads(access.From(ctx), m) {
			open = append(open, m.ID)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	return s.Customers.Pets(access.With(ctx, access.System), open)
}
