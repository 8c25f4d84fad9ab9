package statistics

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/page"
)

// Figures are one page of those of the channel's brand, for staff with ORDER_READ; staff
// of stores see their stores', and nothing online.
func (s *Service) Figures(ctx context.Context, q Query, args page.Args) (page.Connection[Figures], error) {
	var none page.Connection[Figures]
	stores, err := reach(ctx, q, access.OrderRead)
	if err != nil {
		return none, err
	}
	if stores != nil && len(stores) == 0 {
		return page.Of([]Figures(nil), 0, false, func(Figures) any { return nil }), nil
	}
	return paged(args, Figures.Key, func(after *FiguresKey, most int) ([]Figures, error) {
		return s.Store.Figures(ctx, channel.From(ctx).BrandID, stores, q, after, most)
	})
}

// reach is which stores the question is about: nil for all of them, and online; none if
// the caller has none.
func reach(ctx context.Context, q Query, needed access.Permission) ([]uuid.UUID, error) {
	if err := access.Require(ctx, needed); err != nil {
		return nil, err
	}
	if err := q.Validate(); err != nil {
		return nil, err
	}
	own, narrowed := access.StoresOf(ctx)
	switch {
	case q.StoreID == nil && narrowed:
		return append([]uuid.UUID{}, own...), nil
	case q.StoreID == nil:
		return nil, nil
	case narrowed && !slices.Contains(own, *q.StoreID):
		return nil, fault.ErrForbidden.At("storeId")
	}
	return []uuid.UUID{*q.StoreID}, nil
}

// Points are one page of those of the brand's programmes, for staff with POINT_READ.
// Points belong to no store: staff of stores do not see them.
func (s *Service) Points(ctx context.Context, from, to time.Time, args page.Args) (page.Connection[Points], error) {
	if err := ofProgrammes(ctx, from, to); err != nil {
		return page.Connection[Points]{}, err
	}
	return paged(args, Points.Key, func(after *PointsKey, most int) ([]Points, error) {
		return s.Store.Points(ctx, channel.From(ctx).BrandID, from, to, after, most)
	})
}

// StorePoints are one page of those of the brand's programmes by home store, for staff with
// POINT_READ; staff of stores see their stores'.
func (s *Service) StorePoints(ctx context.Context, q Query, args page.Args) (page.Connection[StorePoints], error) {
	q.By = ByDayAndStore
	stores, err := reach(ctx, q, access.PointRead)
	if err != nil {
		return page.Connection[StorePoints]{}, err
	}
	return paged(args, StorePoints.Key, func(after *StorePointsKey, most int) ([]StorePoints, error) {
		return s.Store.StorePoints(ctx, channel.From(ctx).BrandID, stores, q, after, most)
	})
}

// Liabilities are one page of what was outstanding at the days' ends by the month in
// which it expires, for staff with POINT_READ, not of stores.
func (s *Service) Liabilities(ctx context.Context, from, to time.Time, args page.Args) (page.Connection[Liability], error) {
	if err := ofProgrammes(ctx, from, to); err != nil {
		return page.Connection[Liability]{}, err
	}
	return paged(args, Liability.Key, func(after *LiabilityKey, most int) ([]Liability, error) {
		return s.Store.Liabilities(ctx, channel.From(ctx).BrandID, from, to, after, most)
	})
}

func ofProgrammes(ctx context.Context, from, to time.Time) error {
	if err := access.RequireEverywhere(ctx, access.PointRead); err != nil {
		return err
	}
	return Query{From: from, To: to, By: ByDay}.Validate()
}

// paged reads a page of what read answers in the order of key.
func paged[T, K any](args page.Args, key func(T) K, read func(after *K, most int) ([]T, error)) (page.Connection[T], error) {
	var none page.Connection[T]
	size, err := args.Size()
	if err != nil {
		return none, err
	}
	var after *K
	var start K
	behind, err := args.Start(&start)
	if err != nil {
		return none, err
	}
	if behind {
		after = &start
	}
	rows, err := read(after, size+1)
	if err != nil {
		return none, err
	}
	return page.Of(rows, size, behind, func(t T) any { return key(t) }), nil
}
