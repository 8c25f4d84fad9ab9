package segment_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/segment"
)

func TestConditionsOfSegmentsStandInTheirPlace(t *testing.T) {
	t.Parallel()
	women := segment.Condition{Genders: []customer.Gender{"FEMALE"}}
	fixed := segment.Segment{ID: id.New(), Kind: segment.Static, Currency: "JPY", Where: women}
	moving := segment.Segment{ID: id.New(), Kind: segment.Dynamic, Currency: "USD", Where: women}
	known := map[uuid.UUID]segment.Segment{fixed.ID: fixed, moving.ID: moving}
	tree := segment.Condition{Not: &segment.Condition{SegmentIDs: []uuid.UUID{fixed.ID, moving.ID, id.New()}}}
	got, err := tree.Expand(known)
	require.NoError(t, err)
	require.Len(t, got.Not.Any, 2, "a closed one has nobody")
	require.Equal(t, []uuid.UUID{fixed.ID}, got.Not.Any[0].SegmentIDs)
	require.Equal(t, []segment.Condition{women}, got.Not.Any[1].All)
	require.EqualValues(t, "USD", got.Not.Any[1].In("JPY"))
	require.EqualValues(t, "JPY", got.Not.Any[0].In("JPY"))
	require.Len(t, tree.Not.SegmentIDs, 3, "what was asked stays as it was")
	require.Len(t, tree.Named(), 3)
}

func TestSegmentsWithinThemselvesAreFaults(t *testing.T) {
	t.Parallel()
	known, last := map[uuid.UUID]segment.Segment{}, segment.Condition{BirthMonths: []int{1}}
	add := func() uuid.UUID {
		s := segment.Segment{ID: id.New(), Name: "x", Kind: segment.Dynamic, Where: last}
		known[s.ID], last = s, segment.Condition{SegmentIDs: []uuid.UUID{s.ID}}
		return s.ID
	}
	first := add()
	for range segment.MaxNested - 1 {
		add()
	}
	_, err := last.Expand(known)
	require.NoError(t, err)
	deepest := last
	add()
	_, err = last.Expand(known)
	require.ErrorIs(t, err, segment.ErrNested)
	known[first] = segment.Segment{ID: first, Name: "x", Kind: segment.Dynamic, Where: deepest}
	_, err = deepest.Expand(known)
	require.ErrorIs(t, err, segment.ErrCycle)
	var many segment.Condition
	for range 21 {
		s := segment.Segment{ID: id.New(), Kind: segment.Dynamic, Where: segment.Condition{BirthMonths: []int{1}}}
		known[s.ID] = s
		many.SegmentIDs = append(many.SegmentIDs, s.ID)
	}
	_, err = many.Expand(known)
	require.ErrorIs(t, err, segment.ErrNested)
}

func TestDaysBeginAtTheBrandsMidnight(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	from, behind := segment.Query{}.Moments(&segment.Period{From: &day, Until: &day})
	require.Equal(t, "2026-03-30T15:00:00Z 2026-03-31T15:00:00Z", from.UTC().Format(time.RFC3339)+" "+behind.UTC().Format(time.RFC3339))
	seven := 7
	from, behind = segment.Query{Today: day, Zone: time.UTC}.Moments(&segment.Period{LastDays: &seven})
	require.Equal(t, "2026-03-25T00:00:00Z 2026-04-01T00:00:00Z", from.Format(time.RFC3339)+" "+behind.Format(time.RFC3339))
}
