package resolvers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/scalar"
)

type pages[T any] = graph.Loader[page.First, page.Connection[T]]

// firstOr is a page of an owner's list: the first is read together with those of the
// other owners, one behind a cursor by itself.
func firstOr[T any](ctx context.Context, l *pages[T], of page.First, args page.Args, behind func(page.Args) (page.Connection[T], error)) (page.Connection[T], error) {
	size, err := args.Size()
	if err != nil {
		return page.Connection[T]{}, err
	}
	if value(args.After) != "" {
		return behind(args)
	}
	of.Size = size
	return l.Load(ctx, of)
}

// counted is a page whose whole list is counted together with those of other owners.
func counted[T any](c page.Connection[T], l *graph.Loader[page.First, int], of page.First) page.Connection[T] {
	c.Count = func(ctx context.Context) (int, error) { return l.Load(ctx, of) }
	return c
}

// companyOrders is a page of a company's orders. Those of a first page have been asked
// for what the operation wants of them where the companies were listed.
func (r *Resolver) companyOrders(ctx context.Context, companyID uuid.UUID, status []order.Status, args page.Args) (page.Connection[order.Order], error) {
	of := page.First{OwnerID: companyID, Only: words(status)}
	orders, err := firstOr(ctx, load(ctx).CompanyOrders, of, args, func(args page.Args) (page.Connection[order.Order], error) {
		orders, err := r.Orders.List(ctx, order.ListInput{CompanyID: &companyID, Statuses: status, Page: args})
		if err != nil {
			return orders, err
		}
		return orders, ordersAhead(ctx, orders.Nodes(), "edges.node", "nodes")
	})
	return counted(orders, load(ctx).OrderCounts, of), err
}

// groupCompanies is a page of a group's companies, likewise.
func (r *Resolver) groupCompanies(ctx context.Context, groupID uuid.UUID, args page.Args) (page.Connection[company.Company], error) {
	of := page.First{OwnerID: groupID}
	companies, err := firstOr(ctx, load(ctx).GroupCompanies, of, args, func(args page.Args) (page.Connection[company.Company], error) {
		companies, err := r.Companies.List(ctx, company.Filter{GroupID: groupID}, args)
		if err != nil {
			return companies, err
		}
		return companies, companiesAhead(ctx, companies.Nodes(), "edges.node", "nodes")
	})
	return counted(companies, load(ctx).CompanyCounts, of), err
}

// words are the statuses as one word narrows a list to them.
func words[S ~string](statuses []S) string {
	all := make([]string, len(statuses))
	for i, s := range statuses {
		all[i] = string(s)
	}
	return strings.Join(all, ",")
}

// asksPages are the first pages of the owners' lists that the operation asks for under
// the paths. What it says wrongly is found where the field is resolved.
func asksPages(ctx context.Context, owners []uuid.UUID, paths []string) (wanted []page.First) {
	for _, path := range paths {
		for _, arguments := range graph.Arguments(ctx, path) {
			if after, ok := arguments["after"].(string); ok && after != "" {
				continue
			}
			size := page.DefaultSize
			if first, err := scalar.UnmarshalInt(arguments["first"]); err == nil {
				size = first
			}
			var only []string
			for _, narrowing := range []string{"status", "filter"} {
				if arguments[narrowing] != nil {
					for _, s := range graphql.CoerceList(arguments[narrowing]) {
						only = append(only, fmt.Sprint(s))
					}
				}
			}
			for _, owner := range owners {
				wanted = append(wanted, page.First{OwnerID: owner, Size: min(max(size, 0), page.MaxSize), Only: words(only)})
			}
		}
	}
	return wanted
}

// pagesAhead fetches the first pages of the owners' lists that are under the paths,
// and answers their rows.
func pagesAhead[T any](ctx context.Context, l *pages[T], owners []uuid.UUID, paths []string) (rows []T, err error) {
	found, err := l.Ahead(ctx, asksPages(ctx, owners, paths))
	for _, p := range found {
		rows = append(rows, p.Nodes()...)
	}
	return rows, err
}

// countsAhead counts the owners' lists, where the operation asks for it.
func countsAhead(ctx context.Context, l *graph.Loader[page.First, int], owners []uuid.UUID, paths []string) error {
	var counting []string
	for _, path := range paths {
		if graph.Asks(ctx, path+".totalCount") {
			counting = append(counting, path)
		}
	}
	wanted := asksPages(ctx, owners, counting)
	for i := range wanted {
		wanted[i].Size = 0
	}
	_, err := l.Ahead(ctx, wanted)
	return err
}

// below are the paths of what lies under each of the paths.
func below(paths []string, fields ...string) (all []string) {
	for _, path := range paths {
		for _, field := range fields {
			all = append(all, path+"."+field)
		}
	}
	return all
}

// companyPagesAhead fetches the pages that the operation asks of companies. Those who
// may not read one get their error where they asked, not here.
func companyPagesAhead(ctx context.Context, ids []uuid.UUID, paths ...string) error {
	l := load(ctx)
	_, err := pagesAhead(ctx, l.CreditEntries, ids, below(paths, "creditEntries"))
	if err == nil {
		_, err = pagesAhead(ctx, l.CompanyHistory, ids, below(paths, "history"))
	}
	if err != nil || !access.From(ctx).May(access.OrderRead) {
		return err
	}
	paths = below(paths, "orders")
	orders, err := pagesAhead(ctx, l.CompanyOrders, ids, paths)
	if err != nil {
		return err
	}
	return errors.Join(
		countsAhead(ctx, l.OrderCounts, ids, paths),
		ordersAhead(ctx, orders, below(paths, "edges.node", "nodes")...),
	)
}

// groupPagesAhead does the same for customer groups.
func groupPagesAhead(ctx context.Context, ids []uuid.UUID, paths ...string) error {
	l := load(ctx)
	if access.From(ctx).May(access.MemberRead) {
		if _, err := pagesAhead(ctx, l.GroupMembers, ids, below(paths, "members")); err != nil {
			return err
		}
	}
	paths = below(paths, "companies")
	companies, err := pagesAhead(ctx, l.GroupCompanies, ids, paths)
	if err != nil {
		return err
	}
	return errors.Join(
		countsAhead(ctx, l.CompanyCounts, ids, paths),
		companiesAhead(ctx, companies, below(paths, "edges.node", "nodes")...),
	)
}
