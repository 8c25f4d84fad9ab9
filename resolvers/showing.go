package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/graph/model"
)

// standing is how the caller finds a variant of a product, or the product as a
// whole. Where no rule could refuse anything it costs nothing.
func (r *Resolver) standing(ctx context.Context, productID, variantID uuid.UUID) (display.Standing, error) {
	view, err := r.Rules.View(ctx)
	if err != nil || view.Plain() {
		return display.Standing{Visible: true}, err
	}
	facts, view, err := r.facts(ctx, productID)
	if err != nil || view.Plain() {
		return display.Standing{Visible: true}, err
	}
	return view.Standing(facts, variantID), nil
}

// productOf is the product of a variant, fetched with its siblings'; nil while it is not
// shown to the caller.
func (r *Resolver) productOf(ctx context.Context, v catalog.Variant) (*catalog.Product, error) {
	p, err := load(ctx).Products.Load(ctx, v.ProductID)
	if err != nil || p.ID == uuid.Nil {
		return nil, err
	}
	standing, err := r.standing(ctx, p.ID, uuid.Nil)
	if err != nil || !standing.Visible {
		return nil, err
	}
	return &p, nil
}

// facts are what rules and badges ask of a product, and the view that asks it. The
// rules may have moved while the facts were read: the view is taken after them.
func (r *Resolver) facts(ctx context.Context, productID uuid.UUID) (display.Facts, *display.View, error) {
	view, err := r.Rules.View(ctx)
	if err != nil || view.Unasked() {
		return display.Facts{ProductID: productID}, view, err
	}
	facts, err := load(ctx).Facts.Load(ctx, productID)
	if err != nil {
		return facts, nil, err
	}
	view, err = r.Rules.View(ctx)
	return facts, view, err
}

// badges are those that a product wears for the caller.
func (r *Resolver) badges(ctx context.Context, productID uuid.UUID) ([]display.Worn, error) {
	facts, view, err := r.facts(ctx, productID)
	if err != nil {
		return nil, err
	}
	reduced, err := r.reduced(ctx, productID, facts, view)
	return view.Badges(facts, reduced), err
}

// reduced reports whether a crossed-out price shows beside one of a variant's.
func (r *Resolver) reduced(ctx context.Context, productID uuid.UUID, facts display.Facts, view *display.View) (bool, error) {
	variants, err := load(ctx).Variants.Load(ctx, productID)
	if err != nil {
		return false, err
	}
	desk, err := load(ctx).Desk()
	if err != nil {
		return false, err
	}
	for _, v := range variants {
		if !view.Plain() && view.Standing(facts, v.ID).PriceHidden != nil {
			continue
		}
		sheet, err := load(ctx).Prices.Load(ctx, v.ID)
		if err != nil {
			return false, err
		}
		line, err := desk.Piece(sheet, pricing.Item{VariantID: v.ID, Quantity: 1})
		if err != nil {
			return false, err
		}
		if line != nil && line.CompareAt != nil {
			return true, nil
		}
	}
	return false, nil
}

// priced are the variants whose price the caller is told.
func (r *Resolver) priced(ctx context.Context, productID uuid.UUID, variants []catalog.Variant) ([]catalog.Variant, error) {
	var told []catalog.Variant
	for _, v := range variants {
		standing, err := r.standing(ctx, productID, v.ID)
		if err != nil {
			return nil, err
		}
		if standing.PriceHidden == nil {
			told = append(told, v)
		}
	}
	return told, nil
}

// refusal is why something is refused, in the caller's language; nil if it is not.
func refusal(ctx context.Context, f *fault.Error) *model.UserError {
	if f == nil {
		return nil
	}
	e := userError(ctx, f)
	return &e
}

// saleTerms are the terms that variants are sold under.
func (r *Resolver) saleTerms(ctx context.Context, variantIDs []uuid.UUID) ([]*sale.Terms, error) {
	terms, err := r.Sales.Terms(ctx, variantIDs)
	found := make([]*sale.Terms, len(terms))
	for i := range terms {
		found[i] = &terms[i]
	}
	return found, err
}

// sets are those of the variants that are sets.
func (r *Resolver) sets(ctx context.Context, variantIDs []uuid.UUID) ([]*sale.Set, error) {
	sets, err := r.Sales.Sets(ctx, variantIDs)
	found := make([]*sale.Set, len(sets))
	for i := range sets {
		found[i] = &sets[i]
	}
	return found, err
}
