package resolvers

import (
	"context"

	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/graph/model"
)

func segmentPayload(ctx context.Context, s *segment.Segment, err error) (model.SegmentPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.SegmentPayload{Segment: unless(errors, s), UserErrors: errors}, err
}
