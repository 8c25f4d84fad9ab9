package shipping

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
)

// Traits are what is known of the brand's variants among those, for staff.
func (e *Editor) Traits(ctx context.Context, variantIDs []uuid.UUID) ([]Traits, error) {
	if err := access.Require(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	if len(variantIDs) > maxTraits {
		return nil, ErrTooLong.With(maxTraits).At("variantIds")
	}
	return e.store.Traits(ctx, channel.From(ctx).BrandID, variantIDs)
}

// SetTraits replaces the traits of variants, all or none.
func (e *Editor) SetTraits(ctx context.Context, in SetTraitsInput) ([]Traits, error) {
	if err := e.allowed(ctx, in); err != nil {
		return nil, err
	}
	all, keys := make([]Traits, len(in.Variants)), make([]uuid.UUID, len(in.Variants))
	for i, v := range in.Variants {
		keys[i] = v.VariantID
		all[i] = Traits{v.VariantID, v.Length, v.Width, v.Height, v.Temperature, v.Oversize, !v.DirectAllowed}
	}
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		before, err := e.store.LockTraits(ctx, brandID, keys)
		if err != nil {
			return err
		}
		was := make(map[uuid.UUID]Traits, len(before))
		for _, t := range before {
			was[t.VariantID] = t
		}
		events := make([]event.Event, len(all))
		for i, t := range all {
			b, there := was[t.VariantID]
			if !there {
				return fault.ErrNotFound.At(fmt.Sprintf("variants.%d.variantId", i))
			}
			events[i] = event.New(ctx, e.now(), "shipping_traits.set", "Variant", t.VariantID, map[string]any{"before": b, "after": t})
		}
		if err := e.store.SaveTraits(ctx, all); err != nil {
			return err
		}
		return e.events.Record(ctx, events...)
	})
	return all, err
}
