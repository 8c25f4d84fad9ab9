package segment

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
)

// Bounds of segments that name other segments.
const (
	MaxNested   = 5  // so many stand one within the other
	maxExpanded = 20 // segments that one search comes to, those within others too
)

// Named are the segments that the tree names, those within others not.
func (c Condition) Named() []uuid.UUID {
	ids := append([]uuid.UUID{}, c.SegmentIDs...)
	for _, below := range c.below() {
		ids = append(ids, below.Named()...)
	}
	return ids
}

// Expand is the tree with the conditions of dynamic segments in the place of their ids.
// Static ones stay named: they have members of their own. A closed one, which the known are
// not among, has nobody. A segment that comes to stand within itself is ErrCycle, one too deep
// within others ErrNested.
func (c Condition) Expand(known map[uuid.UUID]Segment) (Condition, error) {
	x := &expansion{known: known}
	return x.tree(c, nil)
}

type expansion struct {
	known map[uuid.UUID]Segment
	n     int
}

func (x *expansion) tree(c Condition, within []uuid.UUID) (Condition, error) {
	if c.SegmentIDs != nil {
		return x.segments(c.SegmentIDs, within)
	}
	var err error
	if c.All, err = x.group(c.All, within); err != nil {
		return c, err
	}
	if c.Any, err = x.group(c.Any, within); err != nil || c.Not == nil {
		return c, err
	}
	not, err := x.tree(*c.Not, within)
	c.Not = &not
	return c, err
}

func (x *expansion) group(all []Condition, within []uuid.UUID) ([]Condition, error) {
	if all == nil {
		return nil, nil
	}
	expanded := make([]Condition, len(all))
	for i, c := range all {
		var err error
		if expanded[i], err = x.tree(c, within); err != nil {
			return nil, err
		}
	}
	return expanded, nil
}

// segments holds where one of them has the member.
func (x *expansion) segments(ids, within []uuid.UUID) (Condition, error) {
	either := Condition{Any: []Condition{{SegmentIDs: []uuid.UUID{}}}}
	for _, key := range ids {
		s, ok := x.known[key]
		switch {
		case !ok:
			continue
		case s.Kind == Static:
			either.Any[0].SegmentIDs = append(either.Any[0].SegmentIDs, key)
			continue
		}
		if err := x.enter(s, within); err != nil {
			return either, err
		}
		tree, err := x.tree(s.Where, append(within[:len(within):len(within)], key))
		if err != nil {
			return either, err
		}
		either.Any = append(either.Any, Condition{All: []Condition{tree}, Of: &s})
	}
	return either, nil
}

// enter fails if the segment must not stand there.
func (x *expansion) enter(s Segment, within []uuid.UUID) error {
	for _, above := range within {
		if above == s.ID {
			return ErrCycle.With(s.Name).At("where")
		}
	}
	if x.n++; len(within) >= MaxNested || x.n > maxExpanded {
		return ErrNested.With(MaxNested, maxExpanded).At("where")
	}
	return nil
}

// In is the currency of the amounts below the node, where the tree around it has the other.
func (c Condition) In(around money.Currency) money.Currency {
	if c.Of != nil {
		return c.Of.Currency
	}
	return around
}

// Moments are the first moment of the period and the one behind it, where it has them, by the
// calendar of the query's brand.
func (q Query) Moments(p *Period) (from, behind *time.Time) {
	first, last := p.Between(q.Today)
	zone := q.Zone
	if zone == nil {
		zone = time.FixedZone("JST", 9*60*60)
	}
	midnight := func(day time.Time, add int) *time.Time {
		at := time.Date(day.Year(), day.Month(), day.Day()+add, 0, 0, 0, 0, zone)
		return &at
	}
	if first != nil {
		from = midnight(*first, 0)
	}
	if last != nil {
		behind = midnight(*last, 1)
	}
	return from, behind
}
