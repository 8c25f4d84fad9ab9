package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
)

// companyOrders are the orders that a company has among those of the query.
func companyOrders(q order.Query) (ownedList, pgx.NamedArgs) {
	where, args := orderFilter(q)
	where += ` AND o.company_id = wanted.owner AND (wanted.narrow = '' OR o.status = ANY(string_to_array(wanted.narrow, ',')))`
	return ownedList{orderColumns, ` FROM orders o`, where, `o.placed_at DESC, o.id DESC`}, args
}

// FirstOfCompanies are the first pages of companies' orders, newest first.
func (s *Orders) FirstOfCompanies(ctx context.Context, q order.Query, wanted []page.First) (map[page.First]page.Connection[order.Order], error) {
	type row struct {
		place
		order.Order
	}
	list, args := companyOrders(q)
	return firstPages(ctx, s.db, wanted, list, args,
		func(r row) (place, order.Order) { return r.place, r.Order },
		func(o order.Order) any { return placedKey{o.PlacedAt, o.ID} })
}

// CountOfCompanies are how many orders companies have.
func (s *Orders) CountOfCompanies(ctx context.Context, q order.Query, wanted []page.First) (map[page.First]int, error) {
	list, args := companyOrders(q)
	return counts(ctx, s.db, wanted, list, args)
}
