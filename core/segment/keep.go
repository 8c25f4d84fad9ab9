package segment

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// office requires the permission of the head office: segments are of all stores' members.
func office(ctx context.Context, p access.Permission) error {
	actor := access.From(ctx)
	if !actor.May(p) || actor.Is(access.RoleStoreStaff, access.RolePartner) {
		return fault.ErrForbidden
	}
	return nil
}

// SaveInput is a search to keep.
type SaveInput struct {
	Name  string
	Kind  Kind
	Where Condition
}

// Save keeps a search of the channel's brand under a name. Of a static one the members
// are kept as they are now.
func (s *Service) Save(ctx context.Context, in SaveInput) (*Segment, error) {
	if err := office(ctx, access.SegmentWrite); err != nil {
		return nil, err
	}
	name, err := named(in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.valid(ctx, in.Where); err != nil {
		return nil, err
	}
	now, ch := s.Now(), channel.From(ctx)
	kept := Segment{ID: id.New(), BrandID: ch.BrandID, Name: name, Kind: in.Kind, Currency: money.Currency(ch.Currency), Where: in.Where, CountedAt: now, CreatedAt: now, UpdatedAt: now}
	if actor := access.From(ctx); actor.ID != uuid.Nil {
		kept.ActorID = &actor.ID
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if has, err := s.Hold(ctx, in.Where.Named()); err != nil || !has {
			return orUnknown(err)
		}
		if err := s.Store.Insert(ctx, kept); err != nil {
			return err
		}
		if err := s.count(ctx, &kept, true); err != nil {
			return err
		}
		return s.record(ctx, "segment.saved", "Segment", kept.ID, map[string]any{"name": name, "kind": in.Kind, "conditions": conditions(in.Where), "members": kept.Members})
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

// orUnknown is the error, or that a segment was closed a moment ago.
func orUnknown(err error) error {
	if err != nil {
		return err
	}
	return ErrUnknown.At("where")
}

// count works out who the members are.
func (s *Service) count(ctx context.Context, kept *Segment, freeze bool) (err error) {
	q := s.query(ctx, kept.Where, keptWithin)
	q.Currency = kept.Currency
	if freeze && kept.Kind == Static {
		kept.Members, err = s.Store.Freeze(ctx, kept.ID, q)
	} else {
		q.Counted = true
		var found Found
		found, err = s.Store.Search(ctx, q)
		kept.Members = found.Count
	}
	if err != nil {
		return err
	}
	kept.CountedAt = s.Now()
	return s.Store.Update(ctx, *kept)
}

const maxName = 100

func named(name string) (string, error) {
	if name = strings.TrimSpace(name); name == "" {
		return "", fault.ErrRequired.At("name")
	}
	return name, i18n.CheckString("name", name, maxName)
}

// RenameInput is another name for a segment.
type RenameInput struct {
	SegmentID uuid.UUID
	Name      string
}

// Rename gives a segment another name.
func (s *Service) Rename(ctx context.Context, in RenameInput) (*Segment, error) {
	name, err := named(in.Name)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, in.SegmentID, func(ctx context.Context, kept *Segment, _ time.Time) error {
		before := kept.Name
		kept.Name = name
		if err := s.Store.Update(ctx, *kept); err != nil {
			return err
		}
		return s.record(ctx, "segment.renamed", "Segment", kept.ID, map[string]any{"before": before, "after": name})
	})
}

// ByIDInput names a segment.
type ByIDInput struct{ SegmentID uuid.UUID }

// Refresh counts the members of a dynamic segment again.
func (s *Service) Refresh(ctx context.Context, in ByIDInput) (*Segment, error) {
	return s.change(ctx, in.SegmentID, func(ctx context.Context, kept *Segment, _ time.Time) error {
		if kept.Kind == Static {
			return ErrStatic
		}
		if err := s.count(ctx, kept, false); err != nil {
			return err
		}
		return s.record(ctx, "segment.refreshed", "Segment", kept.ID, map[string]any{"conditions": conditions(kept.Where), "members": kept.Members})
	})
}

// Close takes a segment out of use; its name may be given again. While a prize, a draw or a
// campaign is for its members it stays: a closed segment has none, and nobody could have the
// one, enter the other or get the third.
func (s *Service) Close(ctx context.Context, in ByIDInput) (*Segment, error) {
	return s.change(ctx, in.SegmentID, func(ctx context.Context, kept *Segment, now time.Time) error {
		users, err := s.Store.Users(ctx, kept.ID, now)
		if err != nil {
			return err
		}
		if len(users) > 0 {
			return inUse(users).At("segmentId")
		}
		kept.ClosedAt = &now
		if err := s.Store.Update(ctx, *kept); err != nil {
			return err
		}
		return s.record(ctx, "segment.closed", "Segment", kept.ID, map[string]any{"name": kept.Name})
	})
}

// inUse says by what a segment is used.
func inUse(users []i18n.Text) *fault.Error {
	ja, en := make([]string, len(users)), make([]string, len(users))
	for i, u := range users {
		ja[i], en[i] = u.In("ja"), u.In("en")
	}
	return ErrInUse.With(strings.Join(ja, "」「"), strings.Join(en, ", "))
}

func (s *Service) change(ctx context.Context, segmentID uuid.UUID, act func(ctx context.Context, kept *Segment, now time.Time) error) (*Segment, error) {
	if err := office(ctx, access.SegmentWrite); err != nil {
		return nil, err
	}
	var kept *Segment
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if kept, err = s.Store.Lock(ctx, channel.From(ctx).BrandID, segmentID); err != nil {
			return err
		}
		switch {
		case kept == nil:
			return fault.ErrNotFound.At("segmentId")
		case kept.ClosedAt != nil:
			return ErrClosed.At("segmentId")
		}
		now := s.Now()
		kept.UpdatedAt = now
		return act(ctx, kept, now)
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}

// ListQuery asks for one page of a brand's segments, newest first.
type ListQuery struct {
	BrandID uuid.UUID
	Closed  bool // those that were closed instead
	Page    page.Args
}

// ByID is a segment of the channel's brand, in use or closed, for the head office. Fails with
// ErrNotFound if there is none.
func (s *Service) ByID(ctx context.Context, segmentID uuid.UUID) (*Segment, error) {
	if err := office(ctx, access.MemberRead); err != nil {
		return nil, err
	}
	kept, err := s.Store.ByID(ctx, segmentID)
	if err == nil && (kept == nil || kept.BrandID != channel.From(ctx).BrandID) {
		return nil, fault.ErrNotFound.At("segmentId")
	}
	return kept, err
}

// List is one page of the segments of the channel's brand, for the head office.
func (s *Service) List(ctx context.Context, closed bool, p page.Args) (page.Connection[Segment], error) {
	if err := office(ctx, access.MemberRead); err != nil {
		return page.Connection[Segment]{}, err
	}
	return s.Store.List(ctx, ListQuery{BrandID: channel.From(ctx).BrandID, Closed: closed, Page: p})
}
