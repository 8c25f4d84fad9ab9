package resolvers

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/graph/model"
)

func quotationPayload(ctx context.Context, q *quotation.Quotation, err error) (model.QuotationPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.QuotationPayload{Quotation: unless(errors, q), UserErrors: errors}, err
}

// acceptPayload shows the order beside the quotation that it was placed by.
func (r *Resolver) acceptPayload(ctx context.Context, quotationID uuid.UUID, o *order.Order, err error) (model.AcceptQuotationPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.AcceptQuotationPayload{Order: o, UserErrors: errors}
	if err != nil || o == nil {
		return p, err
	}
	p.Quotation, err = orNil(r.Quotations.ByID(ctx, quotationID))
	return p, err
}

// quotationList turns the arguments of a list of quotations into the core's input.
func quotationList(first *int, after *string, filter *model.QuotationFilter) (quotation.ListInput, error) {
	in := quotation.ListInput{Page: page.Args{First: first, After: after}}
	if filter == nil {
		return in, nil
	}
	in.States, in.Text, in.From, in.To = filter.State, value(filter.Text), filter.From, filter.To
	if filter.CompanyID != nil {
		_, key, err := id.Parse(*filter.CompanyID)
		if err != nil {
			return in, err
		}
		in.CompanyID = &key
	}
	return in, nil
}

// quotationLines are those of one revision.
func quotationLines(ctx context.Context, quotationID uuid.UUID, revision int) ([]quotation.Line, error) {
	all, err := load(ctx).QuotationLines.Load(ctx, quotationID)
	return orNone(slices.DeleteFunc(slices.Clone(all), func(l quotation.Line) bool { return l.Revision != revision })), err
}

// quotationsAhead fetches what the operation asks of quotations.
func quotationsAhead(ctx context.Context, rows []quotation.Quotation, paths ...string) error {
	l, ids := load(ctx), keys(rows, func(q quotation.Quotation) uuid.UUID { return q.ID })
	asks := func(fields ...string) bool { return asksAny(ctx, paths, fields) }
	return errors.Join(
		aheadIf(ctx, asks("requested", "offer.lines", "offers.lines"), l.QuotationLines, ids),
		aheadIf(ctx, asks("offer", "offers"), l.QuotationOffers, ids),
		aheadIf(ctx, asks("history"), l.QuotationHistory, ids),
		aheadIf(ctx, asks("company"), l.Companies, named(rows, func(q quotation.Quotation) *uuid.UUID { return q.CompanyID })),
		aheadIf(ctx, asks("order"), l.Order, named(rows, func(q quotation.Quotation) *uuid.UUID { return q.OrderID })),
	)
}
