package points

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	cards "github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/signal"
)

// Balance is what a member has of a programme.
type Balance struct {
	Account
	Usable    int64      // Available less what has expired and is not written off yet
	NextDay   *time.Time // the last day of the lot that expires first
	NextCount int64      // how many points that are
	Programme Programme  `db:"-"`
}

// Worth is what the points that can be used pay.
func (b Balance) Worth() money.Money { return b.Programme.Worth(b.Usable) }

// Mine are the balances of the actor of the context in its brand, one for each programme.
func (s *Service) Mine(ctx context.Context) ([]Balance, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	return s.balances(ctx, memberID)
}

func (s *Service) balances(ctx context.Context, memberID uuid.UUID) ([]Balance, error) {
	programmes, err := s.inBrand(ctx)
	if err != nil || len(programmes) == 0 {
		return nil, err
	}
	found, err := s.Store.Balances(ctx, []uuid.UUID{memberID}, s.Now())
	if err != nil {
		return nil, err
	}
	all := make([]Balance, 0, len(programmes))
	for _, p := range programmes {
		b := Balance{Account: Account{ProgrammeID: p.ID, MemberID: memberID}}
		for _, f := range found {
			if f.ProgrammeID == p.ID {
				b = f
			}
		}
		b.Programme = p
		all = append(all, b)
	}
	return all, nil
}

// In is the actor's balance in a programme of the context's brand, an ended one included.
func (s *Service) In(ctx context.Context, programmeID uuid.UUID) (*Balance, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.Store.Programme(ctx, programmeID)
	if err != nil || p == nil {
		return nil, orErr(err, ErrProgramme.At("programmeId"))
	}
	found, err := s.Store.Balances(ctx, []uuid.UUID{memberID}, s.Now())
	b := Balance{Account: Account{ProgrammeID: programmeID, MemberID: memberID}, Programme: *p}
	for _, f := range found {
		if f.ProgrammeID == programmeID {
			f.Programme, b = *p, f
		}
	}
	return &b, err
}

// Usable is the programme, if its points are used in the context's brand now.
func (s *Service) Usable(ctx context.Context, programmeID uuid.UUID) (Programme, error) {
	return s.programme(ctx, programmeID)
}

// Of are a member's balances, for staff with POINT_READ.
func (s *Service) Of(ctx context.Context, memberID uuid.UUID) ([]Balance, error) {
	if err := s.views(ctx, memberID); err != nil {
		return nil, err
	}
	return s.balances(ctx, memberID)
}

// views writes down that staff with POINT_READ look at a member's points: the head office
// at anybody's, a shop's staff at those of members who are the shop's. API clients look at
// none: what comes from their own systems they have in their transfers.
func (s *Service) views(ctx context.Context, memberID uuid.UUID) error {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return err
	}
	if sees, err := s.sees(ctx, memberID); err != nil || !sees {
		return orErr(err, fault.ErrForbidden)
	}
	return s.viewed(ctx, memberID)
}

// sees reports whether staff may look at the member's points.
func (s *Service) sees(ctx context.Context, memberID uuid.UUID) (bool, error) {
	switch actor := access.From(ctx); {
	case actor.Is(access.RolePartner):
		return false, nil
	case actor.Is(access.RoleStoreStaff):
		return s.readable(ctx, memberID)
	}
	return true, nil
}

// viewed writes down that staff looked at a member's points.
func (s *Service) viewed(ctx context.Context, memberID uuid.UUID) error {
	if access.From(ctx).Is(access.RoleSystem) {
		return nil
	}
	return s.Events.Record(ctx, event.New(ctx, s.Now(), "member.viewed", "Member", memberID, map[string]any{"by": "points"}))
}

// readable reports whether the actor of the context may read the member's personal data.
func (s *Service) readable(ctx context.Context, memberID uuid.UUID) (bool, error) {
	if s.Members == nil {
		return false, nil
	}
	known, err := s.Members.ByIDs(access.With(ctx, access.System), []uuid.UUID{memberID})
	return len(known) > 0 && cards.Readable(access.From(ctx), known[0]), err
}

// StatementInput asks for one page of what moved a member's points.
type StatementInput struct {
	ProgrammeID uuid.UUID
	MemberID    *uuid.UUID // for staff; nil: the actor's own
	Page        page.Args
}

// Statement is one page of the entries, the newest first: of the actor's own account, or
// of anybody's for staff.
func (s *Service) Statement(ctx context.Context, in StatementInput) (page.Connection[Entry], error) {
	var none page.Connection[Entry]
	holder, err := s.mayRead(ctx, in.ProgrammeID, in.MemberID)
	if err != nil {
		return none, err
	}
	return s.Store.Statement(ctx, holder, in.Page)
}

// Lots are what a member has, by when it expires.
func (s *Service) Lots(ctx context.Context, programmeID uuid.UUID, memberID *uuid.UUID) ([]Lot, error) {
	holder, err := s.mayRead(ctx, programmeID, memberID)
	if err != nil {
		return nil, err
	}
	return s.Store.OpenLots(ctx, holder)
}

func (s *Service) mayRead(ctx context.Context, programmeID uuid.UUID, memberID *uuid.UUID) (Holder, error) {
	p, err := s.Store.Programme(ctx, programmeID)
	if err != nil || p == nil || !p.here(ctx) {
		return Holder{}, orErr(err, ErrProgramme.At("programmeId"))
	}
	actor := access.From(ctx)
	if memberID != nil && *memberID != actor.ID {
		return Holder{programmeID, *memberID}, s.views(ctx, *memberID)
	}
	mine, err := member(ctx)
	return Holder{programmeID, mine}, err
}

// topic is where changes of a member's points are signalled.
func topic(memberID uuid.UUID) string { return "points:" + memberID.String() }

// Signalled tells whoever watches the members that the events are about. It is called
// when the events are committed.
func Signalled(ctx context.Context, board signal.Board, events []event.Event) {
	seen := map[uuid.UUID]bool{}
	for _, e := range events {
		if e.Subject != "PointAccount" {
			continue
		}
		if m, ok := memberOf(e); ok && !seen[m] {
			seen[m] = true
			board.Publish(ctx, topic(m), nil)
		}
	}
}

// Watch is what the actor of the context has now, and again after each change until ctx
// ends. It listens before it reads, so that nothing is missed between.
func (s *Service) Watch(ctx context.Context, board signal.Board) (<-chan []Balance, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	changed := board.Listen(ctx, topic(memberID))
	now, err := s.Mine(ctx)
	if err != nil {
		return nil, err
	}
	states := make(chan []Balance, 1)
	states <- now
	go func() {
		defer close(states)
		for range changed {
			now, err := s.Mine(ctx)
			if err != nil {
				return // the client asks again, and hears why
			}
			select {
			case states <- now:
			case <-ctx.Done():
				return
			}
		}
	}()
	return states, nil
}

// memberOf is the member that an event of points is about.
func memberOf(e event.Event) (uuid.UUID, bool) {
	var m moved
	err := json.Unmarshal(e.Data, &m)
	return m.MemberID, err == nil && m.MemberID != uuid.Nil
}
