package resolvers

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/draft"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/graph/model"
)

func draftPayload(ctx context.Context, d *draft.Draft, err error) (model.DraftOrderPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.DraftOrderPayload{DraftOrder: unless(errors, d), UserErrors: errors}, err
}

// placedDraft shows the draft beside the order that was placed from it.
func (r *Resolver) placedDraft(ctx context.Context, draftID uuid.UUID, o *order.Order, err error) (model.PlaceDraftOrderPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.PlaceDraftOrderPayload{Order: o, UserErrors: errors}
	if err != nil || o == nil {
		return p, err
	}
	p.DraftOrder, err = orNil(r.Drafts.ByID(ctx, draftID))
	return p, err
}

// draftList turns the arguments of a list of drafts into the core's input.
func draftList(first *int, after *string, filter *model.DraftOrderFilter) (draft.ListInput, error) {
	in := draft.ListInput{Page: page.Args{First: first, After: after}}
	if filter == nil {
		return in, nil
	}
	in.States, in.Text = filter.State, value(filter.Text)
	if filter.MemberID != nil {
		_, key, err := id.Parse(*filter.MemberID)
		if err != nil {
			return in, err
		}
		in.MemberID = &key
	}
	return in, nil
}

// draftsAhead fetches what the operation asks of drafts.
func draftsAhead(ctx context.Context, rows []draft.Draft, paths ...string) error {
	l, ids := load(ctx), keys(rows, func(d draft.Draft) uuid.UUID { return d.ID })
	asks := func(fields ...string) bool { return asksAny(ctx, paths, fields) }
	return errors.Join(
		aheadIf(ctx, asks("lines"), l.DraftLines, ids),
		aheadIf(ctx, asks("order"), l.Order, named(rows, func(d draft.Draft) *uuid.UUID { return d.OrderID })),
	)
}
