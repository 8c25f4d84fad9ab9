package inventory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
)

var today = time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)

// lay is a shelf with lots in the order in which they expire.
func lay(rule Tracking, lots ...LotStock) *shelf {
	for i := range lots {
		lots[i].ID = id.New()
	}
	return &shelf{rule: rule, day: today, lots: lots}
}

func lot(number string, days, available, apart int) LotStock {
	day := today.AddDate(0, 0, days)
	return LotStock{Lot: Lot{Number: number, ExpiresOn: &day}, Available: available, Quarantined: apart}
}

func TestWhatExpiresFirstLeavesFirst(t *testing.T) {
	t.Parallel()
	recalled := lot("R", 5, 9, 0)
	recalled.BlockedAt = &today
	s := lay(Tracking{Mode: ByLot, MinDays: 3}, lot("old", -1, 5, 0), lot("soon", 2, 5, 0), lot("first", 3, 2, 7), recalled, lot("second", 40, 5, 0), LotStock{Lot: Lot{Number: ""}, Available: 1})
	taken, err := s.first(4, false)
	require.NoError(t, err)
	require.Len(t, taken, 2)
	require.Equal(t, []int{-2, -2}, []int{taken[0].Available, taken[1].Available}, "two of the first to expire, two of the next")
	require.Equal(t, s.find("first").ID, taken[0].LotID)
	require.Equal(t, 7, s.find("first").Quarantined, "what is set apart stays")
	_, err = s.first(5, false)
	require.ErrorIs(t, err, ErrNoFitLots, "neither expired, nor too short, nor recalled lots fill up")
}

func TestTheLastDayIsStillGood(t *testing.T) {
	t.Parallel()
	day := today
	l := Lot{ExpiresOn: &day}
	require.True(t, l.Fit(today, 0))
	require.False(t, l.Fit(today.AddDate(0, 0, 1), 0))
	require.False(t, l.Fit(today, 1))
	require.True(t, Lot{}.Fit(today, 3650), "what has no day does not expire")
}

// summed is what entries come to, by lot: pieces that may leave, and those set apart.
func summed(entries []LotEntry) map[string][2]int {
	sums := map[string][2]int{}
	for _, e := range entries {
		sum := sums[e.LotID.String()]
		sums[e.LotID.String()] = [2]int{sum[0] + e.Available, sum[1] + e.Quarantined}
	}
	return sums
}

// could is what lies on the shelf, by lot, and how many pieces of it may leave.
func (s *shelf) could() (before map[string]LotStock, pieces int) {
	before = map[string]LotStock{}
	for _, l := range s.lots {
		before[l.ID.String()] = l
		if s.fit(l.Lot) {
			pieces += l.Available
		}
	}
	return before, pieces
}

// Whatever is taken off a shelf and put there: entries and lots say the same, nothing is
// below nothing, and no customer gets what may not leave.
func TestShelvesAndEntriesSayTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var lots []LotStock
		for i, days := 0, -3; i < rapid.IntRange(0, 6).Draw(t, "lots"); i++ {
			days += rapid.IntRange(0, 4).Draw(t, "days")
			lots = append(lots, lot(string(rune('a'+i)), days, rapid.IntRange(0, 5).Draw(t, "available"), rapid.IntRange(0, 5).Draw(t, "apart")))
		}
		s := lay(Tracking{Mode: ByLot, MinDays: rapid.IntRange(0, 5).Draw(t, "min")}, lots...)
		before, could := s.could()
		var entries []LotEntry
		n := rapid.IntRange(1, 12).Draw(t, "pieces")
		taken, err := s.first(n, false)
		if (err == nil) != (could >= n) {
			t.Fatalf("%d of %d: %v", n, could, err)
		}
		entries = append(entries, taken...)
		for _, l := range s.lots {
			p := LotPieces{Number: l.Number, Quantity: rapid.IntRange(1, 4).Draw(t, "more")}
			if e, err := s.leave(p); err == nil {
				entries = append(entries, e)
			}
			if at, err := s.named(p); err == nil {
				entries = append(entries, s.off(at, p.Quantity))
			}
			entries = append(entries, s.put(l.Lot, p.Quantity), s.putApart(l.Lot, 1))
		}
		sums := summed(entries)
		if err != nil {
			return // what was taken in vain is not booked
		}
		for _, l := range s.lots {
			was, sum := before[l.ID.String()], sums[l.ID.String()]
			if l.Available != was.Available+sum[0] || l.Quarantined != was.Quarantined+sum[1] || l.Available < 0 || l.Quarantined < 0 {
				t.Fatalf("%+v is not %+v and %v", l, was, sum)
			}
		}
		for _, e := range taken {
			if l := before[e.LotID.String()]; !s.fit(l.Lot) || e.Quarantined != 0 {
				t.Fatalf("%+v leaves", l)
			}
		}
	})
}

func TestLotsThatAreNamedWrong(t *testing.T) {
	t.Parallel()
	long := make([]rune, 61)
	for i := range long {
		long[i] = '長'
	}
	for name, c := range map[string]struct {
		mode   TrackMode
		lots   []LotPieces
		pieces int
		want   error
	}{
		"no number":        {ByLot, []LotPieces{{Number: " ", Quantity: 1}}, 1, ErrLotNumber},
		"too long":         {ByLot, []LotPieces{{Number: string(long), Quantity: 1}}, 1, ErrLotNumber},
		"named twice":      {ByLot, []LotPieces{{Number: "A", Quantity: 1}, {Number: " A", Quantity: 1}}, 2, ErrLotNumber},
		"nothing":          {ByLot, []LotPieces{{Number: "A"}}, 0, ErrQuantity},
		"another sum":      {ByLot, []LotPieces{{Number: "A", Quantity: 2}}, 3, ErrLotsSum},
		"a serial of many": {BySerial, []LotPieces{{Number: "A", Quantity: 2}}, 2, ErrSerialOne},
		"right":            {BySerial, []LotPieces{{Number: "A", Quantity: 1}, {Number: "B", Quantity: 1}}, 2, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, checkLots(c.mode, c.lots, c.pieces, 1), c.want)
		})
	}
}
