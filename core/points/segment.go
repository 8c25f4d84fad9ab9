package points

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
)

// Segments know who is in saved segments.
type Segments interface {
	// Among are, by member, those of the segments that the member is in now.
	Among(ctx context.Context, memberIDs, segmentIDs []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error)
	// Hold reports whether the context's brand has all of the segments in use, and keeps
	// them so until the transaction ends.
	Hold(ctx context.Context, segmentIDs []uuid.UUID) (bool, error)
	// MemberIDs are those of all who are in the segment now.
	MemberIDs(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error)
}

// Places remember who was in which segment when something was bought: what it earns is
// reckoned again when goods come back, and has to come to the same.
type Places interface {
	// NotePlaces notes it of orders or receipts, each once.
	NotePlaces(ctx context.Context, places map[uuid.UUID][]uuid.UUID) error
}

// maxSegments is how many segments one rule names.
const maxSegments = 10

// ErrSegment says that a rule names a segment that the brand does not have, or not any more.
var ErrSegment = fault.NotFound("SEGMENT_UNKNOWN", "指定されたセグメントがないか、終了しています", "There is no such segment, or it is closed")

// holdSegments fails unless the brand has the segments of the terms in use.
func (s *Service) holdSegments(ctx context.Context, t Terms) error {
	if len(t.SegmentIDs) == 0 {
		return nil
	}
	if s.Segments == nil {
		return ErrSegment.At("terms.segmentIds")
	}
	has, err := s.Segments.Hold(ctx, t.SegmentIDs)
	if err == nil && !has {
		err = ErrSegment.At("terms.segmentIds")
	}
	return err
}

// named are the segments that the rules for the occasion name, each once.
func named(rules []Rule, o Occasion) (ids []uuid.UUID) {
	for _, r := range rules {
		if r.Terms.Occasion == o {
			ids = append(ids, r.Terms.SegmentIDs...)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids)
}

// among asks who of the members is in the segments; without any it asks nothing.
func (s *Service) among(ctx context.Context, memberIDs, segmentIDs []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	if s.Segments == nil || len(segmentIDs) == 0 || len(memberIDs) == 0 {
		return nil, nil
	}
	return s.Segments.Among(ctx, memberIDs, segmentIDs)
}

// place says which segments of the rules the order's member is in, unless that was noted.
func (s *Service) place(ctx context.Context, o *Bought, rules []Rule, note bool) error {
	ids := named(rules, Purchased)
	if o.Segments != nil || len(ids) == 0 {
		return nil
	}
	in, err := s.among(channel.With(ctx, channel.Channel{BrandID: o.BrandID, TimeZone: o.Zone}), []uuid.UUID{o.MemberID}, ids)
	if err != nil {
		return err
	}
	if o.Segments = append([]uuid.UUID{}, in[o.MemberID]...); !note {
		return nil
	}
	return s.Store.NotePlaces(ctx, map[uuid.UUID][]uuid.UUID{o.ID: o.Segments})
}

// placeReceipts says it of receipts: for each brand at once, however many receipts there are.
func (s *Service) placeReceipts(ctx context.Context, all []Receipt, rules []Rule) error {
	ids := named(rules, Purchased)
	if len(ids) == 0 {
		return nil
	}
	members := map[uuid.UUID][]uuid.UUID{}
	for _, r := range all {
		if r.MemberID != nil && r.Segments == nil {
			members[r.BrandID] = append(members[r.BrandID], *r.MemberID)
		}
	}
	places := map[uuid.UUID][]uuid.UUID{}
	for brand, theirs := range members {
		in, err := s.among(channel.With(ctx, channel.Channel{BrandID: brand}), theirs, ids)
		if err != nil {
			return err
		}
		for i := range all {
			if r := &all[i]; r.BrandID == brand && r.MemberID != nil && r.Segments == nil {
				r.Segments = append([]uuid.UUID{}, in[*r.MemberID]...)
				places[r.ID] = r.Segments
			}
		}
	}
	if len(places) == 0 {
		return nil
	}
	return s.Store.NotePlaces(ctx, places)
}
