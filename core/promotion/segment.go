package promotion

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
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

// segmentsOf are the segments among the audiences.
func segmentsOf(audiences []scope.Audience) (ids []uuid.UUID) {
	for _, a := range audiences {
		if a.Kind == scope.Segment {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// asked are the segments of those campaigns whose period is open at the moment.
func (b *Book) asked(at time.Time) (ids []uuid.UUID) {
	for _, c := range b.segmented {
		if c.Holds(at) && c.SpentAt == nil {
			ids = append(ids, c.SegmentIDs()...)
		}
	}
	return ids
}

// among is who of the members is in which of the segments; without either it asks nothing.
func (s *Service) among(ctx context.Context, memberIDs, segmentIDs []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	if s.Segments == nil || len(memberIDs) == 0 || len(segmentIDs) == 0 {
		return nil, nil
	}
	return s.Segments.Among(ctx, memberIDs, segmentIDs)
}

// placed is the buyer with the segments that campaigns of the book ask about. An order that
// is priced again keeps the campaigns that it has used, whatever the buyer is in since.
func (s *Service) placed(ctx context.Context, book *Book, buyer scope.Buyer, at time.Time, order *pricing.Placed) (scope.Buyer, error) {
	buyer.Segments = nil
	if buyer.MemberID == uuid.Nil {
		return buyer, nil
	}
	in, err := s.among(ctx, []uuid.UUID{buyer.MemberID}, book.asked(at))
	buyer.Segments = slices.Clone(in[buyer.MemberID])
	for _, c := range book.segmented {
		if order.Uses(c.ID) {
			buyer.Segments = append(buyer.Segments, c.SegmentIDs()...)
		}
	}
	slices.SortFunc(buyer.Segments, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	buyer.Segments = slices.Compact(buyer.Segments)
	return buyer, err
}
