package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/graph/model"
)

// served is what a member who stands at a counter has of a programme; nil if nothing is told.
func (r *Resolver) served(ctx context.Context, memberID, programmeID uuid.UUID) (*points.Balance, error) {
	all, err := r.Points.AtCounter(ctx, memberID)
	for _, b := range all {
		if b.ProgrammeID == programmeID {
			return &b, nil
		}
	}
	return nil, err
}

// exchangeForPayload is what a member was given at a counter, with the codes to print.
func (r *Resolver) exchangeForPayload(ctx context.Context, e *prize.Exchange, err error) (model.ExchangePrizeForPayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.ExchangePrizeForPayload{Exchange: unless(errors, e), Vouchers: orNone[voucher.Voucher](nil), UserErrors: errors}
	if err != nil || payload.Exchange == nil {
		return payload, err
	}
	codes, err := r.Vouchers.Handed(ctx, e.ID)
	if err != nil {
		return payload, err
	}
	payload.Vouchers = orNone(codes)
	payload.Balance, err = r.served(ctx, e.MemberID, e.ProgrammeID)
	return payload, err
}

func (r *Resolver) enterForPayload(ctx context.Context, entered *draw.Entered, err error) (model.EnterDrawForPayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.EnterDrawForPayload{Entries: orNone[draw.Entry](nil), UserErrors: errors}
	if err != nil || entered == nil {
		return payload, err
	}
	payload.Entries = orNone(entered.Entries)
	payload.Balance, err = r.served(ctx, entered.MemberID, entered.ProgrammeID)
	return payload, err
}

func redemptionPayload(ctx context.Context, given *points.Redemption, err error) (model.RedeemPointCodePayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.RedeemPointCodePayload{UserErrors: errors}
	if given != nil {
		payload.Points, payload.Balance = int(given.Points), given.Balance
	}
	return payload, err
}

// shopSalePayload is a sale with what its member has after it.
func (r *Resolver) shopSalePayload(ctx context.Context, sold order.SoldOver, err error) (model.ShopSalePayload, error) {
	errors, err := userErrors(ctx, err)
	payload := model.ShopSalePayload{Order: unless(errors, sold.Order), Quote: sold.Quote, PointBalances: orNone[points.Balance](nil), UserErrors: errors}
	if err != nil || len(errors) > 0 || sold.MemberID == nil {
		return payload, err
	}
	all, err := r.Points.AtCounter(ctx, *sold.MemberID)
	payload.PointBalances = orNone(all)
	return payload, err
}
