package segment

import (
	"context"
	"encoding/json"
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
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Query asks for the members of a brand that a tree holds for.
type Query struct {
	BrandID  uuid.UUID
	Currency money.Currency // of the amounts
	Where    Condition
	Frozen   *uuid.UUID     // members of this static segment only
	Today    time.Time      // by the brand's calendar; midnight UTC
	Zone     *time.Location // of that calendar; nil: Japan's
	Now      time.Time      // whether a coupon can be used
	Only     bool           // members of these stores only
	Stores   []uuid.UUID    // registering or home
	MemberID *uuid.UUID     // this member alone
	Members  []uuid.UUID    // these members alone, where the store asks of several queries at once
	After    uuid.UUID      // the page stands behind this member
	Limit    int
	Counted  bool // count all of them, too
	Within   time.Duration
}

// Found is one page of a search: members by their ids, and how many there are if it was
// asked for.
type Found struct {
	MemberIDs []uuid.UUID
	Count     int
}

// Store keeps segments and searches members; it joins the transaction of the context.
// A search that takes longer than it may is ErrSlow.
type Store interface {
	// Known are those of the named things that the brand has.
	Known(ctx context.Context, brandID uuid.UUID, named []Named) ([]Named, error)
	Search(ctx context.Context, q Query) (Found, error)
	// All are the ids of all members whom the query finds.
	All(ctx context.Context, q Query) ([]uuid.UUID, error)
	// Freeze keeps whom the query finds as the segment's members, and counts them.
	Freeze(ctx context.Context, segmentID uuid.UUID, q Query) (int, error)
	// Frozen are the segment's members who still are the brand's.
	Frozen(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error)
	// Has reports whether the member is one of those.
	Has(ctx context.Context, segmentID, memberID uuid.UUID) (bool, error)
	// Holders are those of the segments that the brand has in use, with those of the members
	// who are in the static ones.
	Holders(ctx context.Context, brandID uuid.UUID, segmentIDs, memberIDs []uuid.UUID) ([]Holder, error)
	// Hold keeps those of the segments in use that the brand has in use until the transaction
	// ends, and counts them.
	Hold(ctx context.Context, brandID uuid.UUID, segmentIDs []uuid.UUID) (int, error)
	// Fits are the places of the members, where the conditions hold for them: one statement.
	Fits(ctx context.Context, all []Fit, memberIDs []uuid.UUID) ([]Place, error)
	// Follow lets what is the gone member's be the kept one's.
	Follow(ctx context.Context, keptID, goneID uuid.UUID) error

	Insert(ctx context.Context, s Segment) error
	Update(ctx context.Context, s Segment) error
	// Lock is the brand's segment, locked; nil if there is none.
	Lock(ctx context.Context, brandID, segmentID uuid.UUID) (*Segment, error)
	ByID(ctx context.Context, segmentID uuid.UUID) (*Segment, error)
	// Users are the names of what is for the segment's members and open: prizes, draws,
	// campaigns. A few of them are enough.
	Users(ctx context.Context, segmentID uuid.UUID, now time.Time) ([]i18n.Text, error)
	// ByName is the brand's open segment of the name; nil if there is none.
	ByName(ctx context.Context, brandID uuid.UUID, name string) (*Segment, error)
	List(ctx context.Context, q ListQuery) (page.Connection[Segment], error)

	InsertExport(ctx context.Context, e Export) error
	ExportByID(ctx context.Context, exportID uuid.UUID) (*Export, error)
	// Rows are the cells of the members for a file, in the order of the ids.
	Rows(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([][]string, error)
}

// Members shows members as the actor may see them.
type Members interface {
	ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error)
}

// Parts are what the service stands on.
type Parts struct {
	Tx      idempotency.Tx
	Store   Store
	Members Members
	Events  event.Recorder
	Links   *link.Signer
	Now     clock.Clock
}

// Service searches members and keeps segments.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// How long a search may take: while somebody builds it, and when it is kept.
const (
	liveWithin = 5 * time.Second
	keptWithin = time.Minute
)

// SearchInput is a search while it is being built.
type SearchInput struct {
	Where   Condition
	Page    page.Args
	Counted bool // the count is asked for
}

// Search is one page of the channel's brand's members whom the conditions hold for, as
// the actor may see them. Staff of a shop find members of all shops, masked; asking about
// the person (age, gender, birthday, pets), what they bought (goods, amounts, visits,
// responses to mailings) or their points, they find their own alone, or the answer would tell what is
// masked. What was searched for is written down first.
func (s *Service) Search(ctx context.Context, in SearchInput) (page.Connection[member.Member], error) {
	var none page.Connection[member.Member]
	actor := access.From(ctx)
	if !actor.May(access.MemberRead) || actor.Is(access.RolePartner) {
		return none, fault.ErrForbidden
	}
	if err := s.valid(ctx, in.Where); err != nil {
		return none, err
	}
	if len(in.Where.Named()) > 0 && office(ctx, access.MemberRead) != nil {
		return none, fault.ErrForbidden // who is in a segment is for the head office
	}
	q := s.query(ctx, in.Where, liveWithin)
	if actor.Is(access.RoleStoreStaff) && in.Where.Private() {
		q.Only, q.Stores = true, actor.Stores
	}
	return s.page(ctx, q, in.Page, in.Counted, func() error {
		return s.record(ctx, "member.searched", "MemberSearch", id.New(), map[string]any{"conditions": conditions(in.Where), "ownMembers": q.Only})
	})
}

// MembersOf is one page of who is in the segment now, for the head office: of a static one
// those who were kept and still are the brand's. That it was looked at is written down first.
func (s *Service) MembersOf(ctx context.Context, segmentID uuid.UUID, p page.Args, counted bool) (page.Connection[member.Member], error) {
	kept, err := s.ByID(ctx, segmentID)
	if err != nil {
		return page.Connection[member.Member]{}, err
	}
	q := s.query(ctx, kept.Where, liveWithin)
	if q.Currency = kept.Currency; kept.Kind == Static {
		q.Where, q.Frozen = Condition{All: []Condition{}}, &kept.ID
	}
	return s.page(ctx, q, p, counted, func() error {
		return s.record(ctx, "segment.viewed", "Segment", kept.ID, map[string]any{"name": kept.Name, "conditions": conditions(kept.Where)})
	})
}

// page is one page of the members whom the query finds, after it was noted that they are
// asked for.
func (s *Service) page(ctx context.Context, q Query, p page.Args, counted bool, note func() error) (page.Connection[member.Member], error) {
	var none page.Connection[member.Member]
	size, err := p.Size()
	if err != nil {
		return none, err
	}
	behind, err := p.Start(&q.After)
	if err != nil {
		return none, err
	}
	q.Limit, q.Counted = size+1, counted
	if err := note(); err != nil {
		return none, err
	}
	found, err := s.Store.Search(ctx, q)
	if err != nil {
		return none, err
	}
	c := page.Of(found.MemberIDs, size, behind, func(m uuid.UUID) any { return m })
	shown, err := s.show(ctx, c)
	shown.Count = func(ctx context.Context) (int, error) {
		if counted {
			return found.Count, nil
		}
		q.Counted, q.Limit = true, 0
		all, err := s.Store.Search(ctx, q)
		return all.Count, err
	}
	return shown, err
}

// show reads the members of a page.
func (s *Service) show(ctx context.Context, c page.Connection[uuid.UUID]) (page.Connection[member.Member], error) {
	members, err := s.Members.ByIDs(ctx, c.Nodes())
	byID := make(map[uuid.UUID]member.Member, len(members))
	for _, m := range members {
		byID[m.ID] = m
	}
	c.Edges = slices.DeleteFunc(c.Edges, func(e page.Edge[uuid.UUID]) bool { return byID[e.Node].ID == uuid.Nil })
	return page.Map(c, func(m uuid.UUID) member.Member { return byID[m] }), err
}

// valid checks the tree, and that the brand has what it names.
func (s *Service) valid(ctx context.Context, c Condition) error {
	named, err := check("where", c)
	if err != nil || len(named) == 0 {
		return err
	}
	known, err := s.Store.Known(ctx, channel.From(ctx).BrandID, slices.Collect(maps.Keys(named)))
	if err != nil {
		return err
	}
	for _, n := range known {
		delete(named, n)
	}
	var unknown []string
	for _, paths := range named {
		unknown = append(unknown, paths...)
	}
	slices.Sort(unknown)
	var all []error
	for _, path := range unknown {
		all = append(all, ErrUnknown.At(path))
	}
	return errors.Join(all...)
}

func (s *Service) query(ctx context.Context, c Condition, within time.Duration) Query {
	ch := channel.From(ctx)
	return Query{BrandID: ch.BrandID, Currency: money.Currency(ch.Currency), Where: c, Today: s.today(ctx), Zone: ch.Zone(), Now: s.Now(), Within: within}
}

func (s *Service) today(ctx context.Context) time.Time {
	year, month, day := s.Now().In(channel.From(ctx).Zone()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func (s *Service) record(ctx context.Context, kind, subject string, subjectID uuid.UUID, data any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, subject, subjectID, data))
}

// conditions are the tree as it stands in the audit history.
func conditions(c Condition) json.RawMessage {
	text, err := c.Text()
	if err != nil {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}

// Merge lets the gone member's place in static segments be the kept one's.
func (s *Service) Merge(ctx context.Context, keptID, goneID uuid.UUID) error {
	return s.Store.Follow(ctx, keptID, goneID)
}
