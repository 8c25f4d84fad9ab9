package importing

import (
	"context"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/page"
)

// ListInput asks for one page of runs.
type ListInput struct {
	Statuses []Status // all if empty
	Page     page.Args
}

// List is one page of the brand's runs, newest first, for staff of the catalog.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Run], error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return page.Connection[Run]{}, err
	}
	return s.store.List(ctx, channel.From(ctx).BrandID, in)
}

// FirstRejections are the first pages of the rejections of several runs that were
// read through this service, in one statement.
func (s *Service) FirstRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Rejection], error) {
	return s.store.FirstRejections(ctx, wanted)
}

// RejectionCounts are how many rejections each of the runs has.
func (s *Service) RejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return s.store.RejectionCounts(ctx, wanted)
}
