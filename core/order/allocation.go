package order

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/inventory"
)

// Job is goods that are looked for, and where they go.
type Job struct {
	Wants []cart.Want
	To    customer.Prefecture // empty: not known
}

// Site is a location as a rule sees it.
type Site struct {
	ID         uuid.UUID
	Kind       inventory.LocationKind
	Prefecture customer.Prefecture
	Free       map[uuid.UUID]int // pieces by variant
}

// Rule says how much rather goods are taken from one location than from another.
type Rule interface {
	// Rank ranks a site for a job: the lower, the sooner goods are looked for there.
	Rank(s Site, j Job) float64
}

// rules are those that channels can prefer.
var rules = map[channel.Preference]Rule{
	channel.Nearest:      nearest{},
	channel.SingleParcel: singleParcel{},
	channel.ShopsLast:    shopsLast{},
}

// nearest prefers sites whose prefecture's capital is nearer to the goods' own.
type nearest struct{}

// Rank is the distance in kilometres.
func (nearest) Rank(s Site, j Job) float64 {
	from, stands := s.Prefecture.Capital()
	to, goes := j.To.Capital()
	if !stands || !goes {
		return math.Inf(1)
	}
	return from.Kilometres(to)
}

// singleParcel prefers sites that lack fewer pieces of what is wanted.
type singleParcel struct{}

// Rank is the number of pieces that the site lacks.
func (singleParcel) Rank(s Site, j Job) float64 {
	lacks := 0
	for _, w := range j.Wants {
		lacks += max(w.Quantity-max(s.Free[w.VariantID], 0), 0)
	}
	return float64(lacks)
}

// shopsLast prefers what is no shop and no stand at an event.
type shopsLast struct{}

// Rank is 1 for shops and stands.
func (shopsLast) Rank(s Site, _ Job) float64 {
	if s.Kind == inventory.Warehouse {
		return 0
	}
	return 1
}

// ranked are the levels with the sites first that the preferences put first, the most
// important preference first; sites that are equal stay in the brand's order.
func ranked(levels []cart.Level, j Job, preferences []channel.Preference) []cart.Level {
	if len(preferences) == 0 {
		return levels
	}
	places := sites(levels)
	ranks := make(map[uuid.UUID][]float64, len(places))
	for key, s := range places {
		for _, p := range preferences {
			if rule := rules[p]; rule != nil {
				ranks[key] = append(ranks[key], rule.Rank(s, j))
			}
		}
	}
	sorted := slices.Clone(levels)
	slices.SortStableFunc(sorted, func(a, b cart.Level) int {
		return slices.CompareFunc(ranks[a.LocationID], ranks[b.LocationID], cmp.Compare[float64])
	})
	return sorted
}

func sites(levels []cart.Level) map[uuid.UUID]Site {
	all := map[uuid.UUID]Site{}
	for _, l := range levels {
		s, known := all[l.LocationID]
		if !known {
			s = Site{ID: l.LocationID, Kind: l.Kind, Prefecture: l.Prefecture, Free: map[uuid.UUID]int{}}
			all[l.LocationID] = s
		}
		s.Free[l.VariantID] += l.Free
	}
	return all
}

// SetAllocationInput says what counts when goods are looked for.
type SetAllocationInput struct{ Preferences []channel.Preference }

// ErrAllocation says that a preference is named twice.
var ErrAllocation = fault.Invalid("ALLOCATION_INVALID", "同じ優先条件が2回指定されています", "A preference is named twice")

// SetAllocation says what counts when the goods of the channel's orders are looked for, for
// staff who keep stock, not for those of a shop. Every process acts by it within ten seconds.
func (s *Service) SetAllocation(ctx context.Context, in SetAllocationInput) ([]channel.Preference, error) {
	if err := access.RequireEverywhere(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	for i, p := range in.Preferences {
		if slices.Contains(in.Preferences[:i], p) {
			return nil, ErrAllocation.At("preferences")
		}
	}
	c := channel.From(ctx)
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(s.store.SaveAllocation(ctx, c.ID, in.Preferences), s.events.Record(ctx, event.New(ctx, s.now(), "channel.allocation_set", "Channel", c.ID, map[string]any{
			"before": c.Allocation, "after": in.Preferences,
		})))
	})
	return in.Preferences, err
}
