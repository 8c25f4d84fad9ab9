package segment

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
)

// Place is a member's place in a segment.
type Place struct {
	SegmentID uuid.UUID
	MemberID  uuid.UUID
}

// Holder is a segment as it is asked about members: of a static one those of them who are
// in it.
type Holder struct {
	Segment
	Has []uuid.UUID
}

// Fit asks which members a dynamic segment's conditions hold for.
type Fit struct {
	SegmentID uuid.UUID
	Query     Query
}

// Hold reports whether the context's brand has all of the segments in use, and keeps them so
// until the transaction ends: who closes one waits, and hears by what it is used.
func (s *Service) Hold(ctx context.Context, segmentIDs []uuid.UUID) (bool, error) {
	distinct := map[uuid.UUID]bool{}
	for _, key := range segmentIDs {
		distinct[key] = true
	}
	if len(distinct) == 0 {
		return true, nil
	}
	n, err := s.Store.Hold(ctx, channel.From(ctx).BrandID, segmentIDs)
	return n == len(distinct), err
}

// Among are, by member, those of the segments that the member is in now, of segments of the
// context's brand that are in use. It takes a statement, and one more where a segment is
// dynamic, however many members and segments there are. Who asks for somebody else has been
// asked whether they may.
func (s *Service) Among(ctx context.Context, memberIDs, segmentIDs []uuid.UUID) (map[uuid.UUID][]uuid.UUID, error) {
	in := map[uuid.UUID][]uuid.UUID{}
	if len(memberIDs) == 0 || len(segmentIDs) == 0 {
		return in, nil
	}
	holders, err := s.Store.Holders(ctx, channel.From(ctx).BrandID, segmentIDs, memberIDs)
	if err != nil {
		return nil, err
	}
	var fits []Fit
	for _, h := range holders {
		for _, m := range h.Has {
			in[m] = append(in[m], h.ID)
		}
		if h.Kind == Dynamic {
			q := s.query(ctx, h.Where, liveWithin)
			q.Currency = h.Currency
			fits = append(fits, Fit{h.ID, q})
		}
	}
	if len(fits) == 0 {
		return in, nil
	}
	places, err := s.Store.Fits(ctx, fits, memberIDs)
	for _, p := range places {
		in[p.MemberID] = append(in[p.MemberID], p.SegmentID)
	}
	return in, err
}
