package sale

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// SetStore keeps what sets are made of; everything joins the transaction of the context.
type SetStore interface {
	// Sets are those of the variants that are sets.
	Sets(ctx context.Context, variantIDs []uuid.UUID) ([]Set, error)
	// LockSets locks those of the variants that the brand has, in one order, so that of
	// two who save sets of the same goods the later sees what the earlier wrote.
	LockSets(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) (known []uuid.UUID, err error)
	// Holding are the sets that hold the variant.
	Holding(ctx context.Context, variantID uuid.UUID) ([]uuid.UUID, error)
	// Given reports whether a campaign whose period is not over gives the variant away.
	Given(ctx context.Context, brandID, variantID uuid.UUID, at time.Time) (bool, error)
	SaveSet(ctx context.Context, s Set) error
	RemoveSet(ctx context.Context, s Set) error
}

// Sets are those of the variants that are sets.
func (s *Service) Sets(ctx context.Context, variantIDs []uuid.UUID) ([]Set, error) {
	return s.SetStore.Sets(ctx, variantIDs)
}

// SaveSet says what a variant is made of, for staff. Sets in sets are ErrSetNested, a
// set in itself is ErrSetCycle.
func (s *Service) SaveSet(ctx context.Context, in SaveSetInput) (*Set, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	set, err := in.set(ctx)
	if err != nil {
		return nil, err
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.lockSet(ctx, set)
		if err != nil {
			return err
		}
		now := s.Now()
		set.CreatedAt, set.UpdatedAt = now, now
		if before != nil {
			set.CreatedAt = before.CreatedAt
		}
		return errors.Join(s.SetStore.SaveSet(ctx, set), s.Shown.Flipped(ctx, []uuid.UUID{set.VariantID}),
			s.Events.Record(ctx, event.New(ctx, now, "set.saved", "Variant", set.VariantID, map[string]any{"before": before, "after": set})))
	})
	if err != nil {
		return nil, err
	}
	return &set, nil
}

// lockSet locks the set with all that it holds, fails unless it may be so, and gives
// what it was before; nil if it was no set.
func (s *Service) lockSet(ctx context.Context, set Set) (*Set, error) {
	held := set.Variants()
	known, err := s.SetStore.LockSets(ctx, set.BrandID, append(held, set.VariantID))
	if err != nil {
		return nil, err
	}
	if err := all(known, set); err != nil {
		return nil, err
	}
	sets, err := s.SetStore.Sets(ctx, append(held, set.VariantID))
	if err != nil {
		return nil, err
	}
	var before *Set
	for i := range sets {
		if sets[i].VariantID == set.VariantID {
			before = &sets[i]
			continue
		}
		for _, v := range sets[i].Variants() {
			if v == set.VariantID {
				return nil, ErrSetCycle.At("parts")
			}
		}
		return nil, ErrSetNested.At("parts")
	}
	holding, err := s.SetStore.Holding(ctx, set.VariantID)
	if err != nil {
		return nil, err
	}
	if len(holding) > 0 {
		return nil, ErrSetNested.At("variantId")
	}
	if err := s.ungiven(ctx, set); err != nil {
		return nil, err
	}
	terms, err := s.Store.Terms(ctx, []uuid.UUID{set.VariantID})
	if err != nil {
		return nil, err
	}
	for _, t := range terms {
		if *t.Kind != Limited {
			return nil, ErrSetTerms.At("variantId")
		}
	}
	return before, nil
}

// ungiven fails if the set has something to choose and a campaign gives it away.
func (s *Service) ungiven(ctx context.Context, set Set) error {
	if set.Kind() == FixedSet {
		return nil
	}
	given, err := s.SetStore.Given(ctx, set.BrandID, set.VariantID, s.Now())
	if err == nil && given {
		err = ErrSetGiven.At("slots")
	}
	return err
}

// all fails unless the set and what it holds are known.
func all(known []uuid.UUID, set Set) error {
	found := make(map[uuid.UUID]bool, len(known))
	for _, v := range known {
		found[v] = true
	}
	if !found[set.VariantID] {
		return fault.ErrNotFound.At("variantId")
	}
	for _, v := range set.Variants() {
		if !found[v] {
			return fault.ErrNotFound.At("parts")
		}
	}
	return nil
}

// RemoveSetInput names a set that shall be a variant like any other.
type RemoveSetInput struct{ VariantID uuid.UUID }

// RemoveSet makes a set a variant like any other again, for staff. Orders keep what they
// were placed with.
func (s *Service) RemoveSet(ctx context.Context, in RemoveSetInput) error {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return err
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		known, err := s.SetStore.LockSets(ctx, channel.From(ctx).BrandID, []uuid.UUID{in.VariantID})
		if err != nil {
			return err
		}
		sets, err := s.SetStore.Sets(ctx, known)
		if err != nil {
			return err
		}
		if len(sets) == 0 {
			return ErrNoSet.At("variantId")
		}
		return errors.Join(s.SetStore.RemoveSet(ctx, sets[0]), s.Shown.Flipped(ctx, []uuid.UUID{in.VariantID}),
			s.Events.Record(ctx, event.New(ctx, s.Now(), "set.removed", "Variant", in.VariantID, map[string]any{"before": sets[0], "after": nil})))
	})
}
