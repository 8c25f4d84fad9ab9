package resolvers

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/model"
)

func companyPayload(ctx context.Context, c *company.Company, err error) (model.CompanyPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.CompanyPayload{Company: c, UserErrors: errors}, err
}

func companyAddressPayload(ctx context.Context, a *company.Address, err error) (model.CompanyAddressPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.CompanyAddressPayload{Address: a, UserErrors: errors}, err
}

func companyBuyerPayload(ctx context.Context, s *company.Seat, err error) (model.CompanyBuyerPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.CompanyBuyerPayload{Buyer: s, UserErrors: errors}, err
}

func customerGroupPayload(ctx context.Context, g *company.Group, err error) (model.CustomerGroupPayload, error) {
	errors, err := userErrors(ctx, err)
	return model.CustomerGroupPayload{Group: g, UserErrors: errors}, err
}

func accountPaymentPayload(ctx context.Context, r *company.Received, err error) (model.AccountPaymentPayload, error) {
	errors, err := userErrors(ctx, err)
	p := model.AccountPaymentPayload{UserErrors: errors}
	if r != nil {
		p.Entry, p.Company = &r.Entry, &r.Company
	}
	return p, err
}

// aheads are the loaders whose rows an operation may ask of companies or groups under
// a path, by field.
type aheads map[string]func(context.Context, []uuid.UUID) error

// fetch asks each of the loaders once for all the ids, if its field is asked for.
func (a aheads) fetch(ctx context.Context, ids []uuid.UUID, paths ...string) error {
	for field, ahead := range a {
		if slices.ContainsFunc(paths, func(path string) bool { return graph.Asks(ctx, path+"."+field) }) {
			if err := ahead(ctx, ids); err != nil {
				return err
			}
		}
	}
	return nil
}

// ahead is a loader's fetching ahead without its rows.
func ahead[V any](l *graph.Loader[uuid.UUID, V]) func(context.Context, []uuid.UUID) error {
	return func(ctx context.Context, ids []uuid.UUID) error {
		_, err := l.Ahead(ctx, ids)
		return err
	}
}

// companiesAhead fetches what the operation asks of the companies under the paths,
// one statement a kind.
func companiesAhead(ctx context.Context, companies []company.Company, paths ...string) error {
	l := load(ctx)
	ids := keys(companies, func(c company.Company) uuid.UUID { return c.ID })
	err := aheads{
		"addresses": ahead(l.CompanyAddresses), "buyers": ahead(l.CompanyBuyers), "groups": ahead(l.CompanyGroups),
		"functionRules": ahead(l.FunctionRules),
	}.fetch(ctx, ids, paths...)
	if err != nil {
		return err
	}
	return companyPagesAhead(ctx, ids, paths...)
}

// employersAhead fetches the companies that orders were placed for.
func employersAhead(ctx context.Context, orders []order.Order) error {
	_, err := load(ctx).Companies.Ahead(ctx, named(orders, func(o order.Order) *uuid.UUID { return o.CompanyID }))
	return err
}

// named are the keys that rows name, each once.
func named[T any](rows []T, key func(T) *uuid.UUID) []uuid.UUID {
	var ids []uuid.UUID
	for _, row := range rows {
		if k := key(row); k != nil && !slices.Contains(ids, *k) {
			ids = append(ids, *k)
		}
	}
	return ids
}

// groupsAhead does the same for customer groups.
func groupsAhead(ctx context.Context, groups []company.Group, paths ...string) error {
	l := load(ctx)
	ids := keys(groups, func(g company.Group) uuid.UUID { return g.ID })
	err := aheads{"size": ahead(l.GroupSizes), "functionRules": ahead(l.FunctionRules)}.fetch(ctx, ids, paths...)
	if err != nil {
		return err
	}
	return groupPagesAhead(ctx, ids, paths...)
}
