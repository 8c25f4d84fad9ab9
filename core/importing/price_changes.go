package importing

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/page"
)

// PriceChangesInput asks for one page of what a file would do, in its order.
type PriceChangesInput struct {
	Kinds []PriceChangeKind // all if empty
	Page  page.Args
}

// Extreme asks for the row of a run that rises most in per cent, or falls most.
type Extreme struct {
	RunID uuid.UUID
	Fall  bool
}

// Changes is one page of what a run that was read through this service would do.
func (s *Prices) Changes(ctx context.Context, runID uuid.UUID, in PriceChangesInput) (page.Connection[PriceChange], error) {
	return s.Store.PriceChanges(ctx, runID, in)
}

// FirstChanges are the first pages of what several runs would do.
func (s *Prices) FirstChanges(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[PriceChange], error) {
	return s.Store.FirstChanges(ctx, wanted)
}

// ChangeCounts are how many rows of several runs there are.
func (s *Prices) ChangeCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return s.Store.ChangeCounts(ctx, wanted)
}

// Rejections is one page of the rows of a run that were not taken as they stood.
func (s *Prices) Rejections(ctx context.Context, runID uuid.UUID, args page.Args) (page.Connection[Rejection], error) {
	return s.Store.PriceRejections(ctx, runID, args)
}

// FirstRejections are the first pages of the rejections of several runs.
func (s *Prices) FirstRejections(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[Rejection], error) {
	return s.Store.FirstPriceRejections(ctx, wanted)
}

// RejectionCounts are how many rejections several runs have.
func (s *Prices) RejectionCounts(ctx context.Context, wanted []page.First) (map[page.First]int, error) {
	return s.Store.PriceRejectionCounts(ctx, wanted)
}

// Biggest are the rows that rise or fall most in per cent; none for a run of which no
// row does.
func (s *Prices) Biggest(ctx context.Context, wanted []Extreme) (map[Extreme]*PriceChange, error) {
	return s.Store.Biggest(ctx, wanted)
}
