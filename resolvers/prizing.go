package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/graph/model"
)

func prizePayload(ctx context.Context, p *prize.Prize, err error) (model.PrizePayload, error) {
	errors, err := userErrors(ctx, err)
	return model.PrizePayload{Prize: unless(errors, p), UserErrors: errors}, err
}

// prizeExchangePayload tells of an exchange, and of what its member has left.
func (r *Resolver) prizeExchangePayload(ctx context.Context, e *prize.Exchange, err error) (model.PrizeExchangePayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.PrizeExchangePayload{Exchange: unless(errors, e), UserErrors: errors}
	if err != nil || payload.Exchange == nil {
		return payload, err
	}
	payload.Balance, err = r.mine(ctx, e.MemberID, e.ProgrammeID)
	return payload, err
}

// mine is what the caller has of the programme; nil if it is somebody else's.
func (r *Resolver) mine(ctx context.Context, memberID, programmeID uuid.UUID) (*points.Balance, error) {
	if access.From(ctx).ID != memberID {
		return nil, nil
	}
	return r.Points.In(ctx, programmeID)
}

func voucherBatchPayload(ctx context.Context, b *voucher.Batch, err error) (model.VoucherBatchPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.VoucherBatchPayload{Batch: unless(errors, b), UserErrors: errors}, err
}

func drawEntriesPayload(ctx context.Context, all []draw.Entry, err error) (model.DrawEntriesPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.DrawEntriesPayload{Entries: orNone(all), UserErrors: errors}, err
}
