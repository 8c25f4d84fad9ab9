package draw

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
)

// DescribeInput is what a draw is called and described as, as a whole.
type DescribeInput struct {
	DrawID      uuid.UUID
	Name        i18n.Text
	Description i18n.Text
}

// Describe changes the texts of a draw and nothing else of it (staff with PRIZE_WRITE). Once
// its list is published, or it was called off, it is ErrState: what people read then stays.
func (s *Service) Describe(ctx context.Context, in DescribeInput) (*Draw, error) {
	err := errors.Join(access.RequireEverywhere(ctx, access.PrizeWrite), in.Name.Check("name", maxName, true), in.Description.Check("description", maxText, false))
	if err != nil {
		return nil, err
	}
	var kept *Draw
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		d, err := s.Store.Lock(ctx, in.DrawID)
		switch {
		case err != nil || d == nil || d.BrandID != channel.From(ctx).BrandID:
			return orErr(err, ErrUnknown.At("drawId"))
		case d.State != Open:
			return ErrState.With(d.State).At("drawId")
		}
		d.Name, d.Description, d.UpdatedAt = in.Name, in.Description.OrNone(), s.Now()
		kept = d
		if err := s.Store.Describe(ctx, *d); err != nil {
			return err
		}
		return s.record(ctx, "draw.described", *d, map[string]any{"name": d.Name, "description": d.Description})
	})
	if err != nil {
		return nil, err
	}
	return kept, nil
}
