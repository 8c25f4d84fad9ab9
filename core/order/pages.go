package order

import (
	"context"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/page"
)

// FirstOfCompanies are the first pages of companies' orders, as far as the actor may
// see them; Only is the statuses that the orders stand at.
func (s *Service) FirstOfCompanies(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Order], error) {
	q, seen, err := s.ofCompanies(ctx, wanted)
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	return s.store.FirstOfCompanies(ctx, q, seen)
}

// CountOfCompanies are how many orders those lists have as a whole.
func (s *Service) CountOfCompanies(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	q, seen, err := s.ofCompanies(ctx, wanted)
	if err != nil || len(seen) == 0 {
		return nil, err
	}
	return s.store.CountOfCompanies(ctx, q, seen)
}

// ofCompanies are those of the wanted that the actor may see, and what of them: staff
// all the brand's, a buyer the own company's, and of these their own unless their
// place there sees all.
func (s *Service) ofCompanies(ctx context.Context, wanted []page.First) (Query, []page.First, error) {
	q := Query{BrandID: channel.From(ctx).BrandID}
	actor := access.From(ctx)
	if actor.May(access.OrderRead) {
		return q, wanted, nil
	}
	owner := cart.OwnerOf(actor)
	if owner.Nobody() {
		return q, nil, nil
	}
	seat, err := s.trade.MySeat(ctx)
	if err != nil || seat == nil {
		return q, nil, err
	}
	q.Seat = seat.CompanyID
	if !seat.Role.SeesAll() {
		q.Owner = &owner
	}
	var seen []page.First
	for _, w := range wanted {
		if w.OwnerID == seat.CompanyID {
			seen = append(seen, w)
		}
	}
	return q, seen, nil
}
