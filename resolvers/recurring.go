package resolvers

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/recurring"
	"github.com/noren-commerce/noren/graph/model"
)

func recurringPayload(ctx context.Context, o *recurring.Order, err error) (model.RecurringOrderPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.RecurringOrderPayload{RecurringOrder: unless(errors, o), UserErrors: errors}, err
}

// recurringList turns the arguments of a list of recurring orders into the core's input.
func recurringList(first *int, after *string, filter *model.RecurringOrderFilter) (recurring.ListInput, error) {
	in := recurring.ListInput{Page: page.Args{First: first, After: after}}
	if filter == nil {
		return in, nil
	}
	in.States, in.Problem = filter.State, filter.Problem
	if filter.MemberID != nil {
		_, key, err := id.Parse(*filter.MemberID)
		if err != nil {
			return in, err
		}
		in.MemberID = &key
	}
	return in, nil
}

// recurringAhead fetches what the operation asks of recurring orders.
func recurringAhead(ctx context.Context, rows []recurring.Order, paths ...string) error {
	l, ids := load(ctx), keys(rows, func(o recurring.Order) uuid.UUID { return o.ID })
	asks := func(fields ...string) bool { return asksAny(ctx, paths, fields) }
	if err := errors.Join(
		aheadIf(ctx, asks("lines"), l.RecurringLines, ids),
		aheadIf(ctx, asks("occurrences"), l.RecurringDays, ids),
		aheadIf(ctx, asks("savedCard"), l.SavedCard, named(rows, func(o recurring.Order) *uuid.UUID { return o.CardID })),
	); err != nil || !asks("occurrences.order") {
		return err
	}
	days, err := l.RecurringDays.Ahead(ctx, ids)
	if err != nil {
		return err
	}
	var placed []uuid.UUID
	for _, all := range days {
		placed = append(placed, named(all, func(o recurring.Occurrence) *uuid.UUID { return o.OrderID })...)
	}
	_, err = l.Order.Ahead(ctx, placed)
	return err
}
