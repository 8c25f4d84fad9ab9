package points_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

// lives lets the bench's programme go by another way of expiry.
func (b *bench) lives(t testing.TB, way points.Expiry, months int, fiscal *int) {
	t.Helper()
	own, err := b.SaveProgramme(b.as(access.Actor{Role: access.RoleAdmin}), points.SaveProgrammeInput{
		ID: &b.own.ID, Code: b.own.Code, Name: b.own.Name, UnitPoints: 1, UnitMinor: 1, Expiry: way, ExpiryMonths: &months, FiscalMonth: fiscal,
		ConfirmDays: 7, GraceDays: 14, NoticeDays: 7, Transferable: true, GrantLimit: 5000,
	})
	require.NoError(t, err)
	b.own = *own
}

// day is a moment of the day in Japan.
func (b *bench) day(t testing.TB, day string) {
	t.Helper()
	at, err := time.ParseInLocation(time.DateOnly, day, jst)
	require.NoError(t, err)
	b.set(at.Add(12 * time.Hour))
}

// does posts one thing.
func (b *bench) does(t testing.TB, kind points.Kind, m uuid.UUID, key string, n int64, more ...func(*points.Posting)) {
	t.Helper()
	p := b.posting(kind, m, key, n)
	for _, f := range more {
		f(&p)
	}
	_, err := b.one(t.Context(), p)
	require.NoError(t, err)
}

// ends are what is left of the member's lots, by their last days.
func (b *bench) ends(t testing.TB, m uuid.UUID) map[string]int64 {
	t.Helper()
	lots, err := b.store.OpenLots(t.Context(), points.Holder{ProgrammeID: b.own.ID, MemberID: m})
	require.NoError(t, err)
	all := map[string]int64{}
	for _, l := range lots {
		switch {
		case l.Pending:
			all["pending"] += l.Remaining
		case l.ExpiresOn == nil:
			all["never"] += l.Remaining
		default:
			all[l.ExpiresOn.Format(time.DateOnly)] += l.Remaining
		}
	}
	return all
}

func TestPointsLiveToTheEndOfAMonthOrAFiscalYear(t *testing.T) {
	t.Parallel()
	march, august := 3, 8
	for name, c := range map[string]struct {
		way    points.Expiry
		months int
		fiscal *int
		given  string
		last   string
	}{
		"this month":                        {points.ByMonthEnd, 0, nil, "2026-02-10", "2026-02-28"},
		"a leap February":                   {points.ByMonthEnd, 12, nil, "2027-02-10", "2028-02-29"},
		"from the last of a long month":     {points.ByMonthEnd, 1, nil, "2026-01-31", "2026-02-28"},
		"over the year's end":               {points.ByMonthEnd, 2, nil, "2026-11-15", "2027-01-31"},
		"this fiscal year":                  {points.ByFiscalYear, 0, &march, "2026-04-01", "2027-03-31"},
		"on the fiscal year's last day":     {points.ByFiscalYear, 0, &march, "2026-03-31", "2026-03-31"},
		"the next fiscal year":              {points.ByFiscalYear, 12, &march, "2026-03-31", "2027-03-31"},
		"the fiscal year of a month ahead":  {points.ByFiscalYear, 1, &march, "2026-03-31", "2027-03-31"},
		"a fiscal year that ends in August": {points.ByFiscalYear, 6, &august, "2026-05-20", "2027-08-31"},
		"months from the day":               {points.ByMovement, 12, nil, "2026-05-20", "2027-05-20"},
		"from a day that is not there":      {points.ByMovement, 1, nil, "2026-01-31", "2026-02-28"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, 1)
			b.lives(t, c.way, c.months, c.fiscal)
			b.day(t, c.given)
			b.does(t, points.Earn, b.members[0], "earned-1", 100)
			require.Equal(t, map[string]int64{c.last: 100}, b.ends(t, b.members[0]))
			last, err := time.ParseInLocation(time.DateOnly, c.last, jst)
			require.NoError(t, err)
			b.set(last.Add(24*time.Hour - time.Second))
			require.NoError(t, b.Expire(t.Context()))
			require.EqualValues(t, 100, b.usable(t, b.members[0]), "the last day is in time")
			b.pass(time.Second)
			require.NoError(t, b.Expire(t.Context()))
			require.Zero(t, b.usable(t, b.members[0]))
			b.audit(t)
		})
	}
}

// What was given before a programme changed keeps its last day; a movement prolongs it.
func TestAnotherWayOfExpiryHoldsForWhatIsGivenThen(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.does(t, points.Grant, m, "before-1", 10)
	b.lives(t, points.ByMonthEnd, 1, nil)
	b.does(t, points.Grant, m, "after-01", 20)
	require.Equal(t, map[string]int64{"2026-03-31": 10, "2026-04-30": 20}, b.ends(t, m))
	b.lives(t, points.ByMovement, 3, nil)
	b.does(t, points.Use, m, "used-001", 5)
	require.Equal(t, map[string]int64{"2026-06-01": 25}, b.ends(t, m))
}

func TestEachMovementLetsAllPointsLive(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, order := b.members[0], id.New()
	b.lives(t, points.ByMovement, 12, nil)
	b.day(t, "2026-03-01")
	b.does(t, points.Earn, m, "earned-1", 100)
	b.day(t, "2026-06-01")
	b.does(t, points.Earn, m, "earned-2", 50)
	require.Equal(t, map[string]int64{"2027-06-01": 150}, b.ends(t, m), "what is earned lets the rest live")
	b.day(t, "2026-07-01")
	b.does(t, points.Grant, m, "granted-1", 7)
	require.Equal(t, map[string]int64{"2027-06-01": 150, "2027-07-01": 7}, b.ends(t, m), "what staff give lets nothing else live")
	b.does(t, points.Earn, m, "birthday", 3, func(p *points.Posting) { p.Still = true })
	require.Equal(t, map[string]int64{"2027-06-01": 150, "2027-07-01": 10}, b.ends(t, m), "nor does what comes by the calendar")
	b.day(t, "2026-08-01")
	b.does(t, points.Use, m, "used-001", 120)
	require.Equal(t, map[string]int64{"2027-08-01": 40}, b.ends(t, m), "the first to end were used, and the rest live")
	b.day(t, "2026-09-01")
	b.does(t, points.Earn, m, "promised", 60, func(p *points.Posting) { p.Pending, p.OrderID = true, &order })
	require.Equal(t, map[string]int64{"2027-09-01": 40, "pending": 60}, b.ends(t, m), "who buys moves")
	b.day(t, "2026-09-10")
	b.does(t, points.Confirm, m, "confirmed", 0, func(p *points.Posting) { p.OrderID = &order })
	require.Equal(t, map[string]int64{"2027-09-10": 100}, b.ends(t, m))
	b.day(t, "2026-10-01")
	b.does(t, points.TakeBack, m, "taken-01", 60, func(p *points.Posting) { p.OrderID = &order })
	b.does(t, points.Deduct, m, "deduct-1", 1)
	require.Equal(t, map[string]int64{"2027-09-10": 39}, b.ends(t, m), "what is taken is no movement")
	b.day(t, "2027-09-11")
	require.Zero(t, b.usable(t, m), "a year without a movement is over, whether or not the job has run")
	b.does(t, points.Earn, m, "earned-3", 5)
	require.EqualValues(t, 5, b.usable(t, m), "a movement after it wakes nothing")
	require.NoError(t, b.Expire(t.Context()))
	require.Equal(t, map[string]int64{"2028-09-11": 5}, b.ends(t, m))
	b.audit(t)
}

// What an order gives back lives as long as what else the member has; when that is over, for
// the days of grace.
func TestWhatComesBackLivesByTheLastMovement(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.lives(t, points.ByMovement, 12, nil)
	back := func(key, of string, n int64) {
		t.Helper()
		b.does(t, points.Return, m, key, n, func(p *points.Posting) { p.Undoes = of })
	}
	b.day(t, "2026-03-01")
	b.does(t, points.Earn, m, "earned-1", 100)
	b.day(t, "2027-02-20")
	b.does(t, points.Use, m, "used-001", 100)
	b.day(t, "2027-02-25")
	back("back-001", "used-001", 10)
	require.Equal(t, map[string]int64{"2028-02-20": 10}, b.ends(t, m), "into the lot, with the day that the use gave")
	b.day(t, "2027-04-01")
	back("back-002", "used-001", 20)
	require.Equal(t, map[string]int64{"2028-02-20": 30}, b.ends(t, m), "the lot's day had passed, the member's has not")
	b.day(t, "2028-03-01")
	back("back-003", "used-001", 30)
	require.NoError(t, b.Expire(t.Context()))
	require.Equal(t, map[string]int64{"2028-03-15": 30}, b.ends(t, m), "all that the member had is over: the days of grace")
	b.does(t, points.Repay, m, "repaid-1", 40)
	require.Equal(t, map[string]int64{"2028-03-15": 30, "2029-03-01": 40}, b.ends(t, m), "money that goes back as points lets nothing else live")
	b.audit(t)
}

func TestATransferMovesBoth(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	from, to := b.members[0], b.members[1]
	b.lives(t, points.ByMovement, 12, nil)
	b.day(t, "2026-03-01")
	b.does(t, points.Earn, from, "earned-1", 100)
	b.does(t, points.Earn, to, "earned-1", 10)
	b.day(t, "2026-05-01")
	_, err := b.Post(t.Context(), b.posting(points.TransferOut, from, "transfer", 30), b.posting(points.TransferIn, to, "transfer", 30))
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"2027-05-01": 70}, b.ends(t, from))
	require.Equal(t, map[string]int64{"2027-05-01": 40}, b.ends(t, to))
	b.audit(t)
}

func TestWhoMovedLastLetsThePointsOfBothLive(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]bool{"the gone one": true, "the kept one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := open(t, 2)
			kept, gone := b.members[0], b.members[1]
			b.lives(t, points.ByMovement, 12, nil)
			first, second := kept, gone
			if !later {
				first, second = gone, kept
			}
			b.day(t, "2026-03-01")
			b.does(t, points.Earn, first, "earned-1", 100)
			b.day(t, "2026-05-01")
			b.does(t, points.Earn, second, "earned-2", 10)
			b.does(t, points.Use, second, "used-all", 10) // nothing is left to bring along
			b.day(t, "2026-06-01")
			require.NoError(t, b.Merge(t.Context(), kept, gone))
			require.Equal(t, map[string]int64{"2027-05-01": 100}, b.ends(t, kept))
			b.audit(t)
		})
	}
}

// What is told before points end, what is outstanding by month, and what is written off are
// about the same points and days.
func TestNoticesAndLiabilitiesGoByTheDaysThatMovementsGive(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m := b.members[0]
	b.lives(t, points.ByMovement, 1, nil)
	b.day(t, "2026-03-01")
	b.does(t, points.Earn, m, "earned-1", 100)
	report := func() map[string]int64 {
		all, err := b.Liabilities(b.as(access.Actor{Role: access.RoleAdmin}))
		require.NoError(t, err)
		months := map[string]int64{}
		for _, l := range all {
			months[l.Month.Format("2006-01")] = l.Points
		}
		return months
	}
	told := func() (n int) {
		found, err := b.store.Expiring(t.Context(), b.own.ID, b.own.Day(b.clock()), b.own.Day(b.clock()).AddDate(0, 0, 7), b.clock(), 100)
		require.NoError(t, err)
		for _, e := range found {
			require.Equal(t, m, e.MemberID)
			n += int(e.Points)
		}
		return n
	}
	require.Equal(t, map[string]int64{"2026-04": 100}, report())
	b.day(t, "2026-03-28")
	require.Equal(t, 100, told())
	require.Zero(t, told(), "once")
	b.does(t, points.Use, m, "used-001", 10)
	require.Equal(t, map[string]int64{"2026-04": 90}, report())
	require.Equal(t, map[string]int64{"2026-04-28": 90}, b.ends(t, m))
	b.day(t, "2026-04-02")
	require.NoError(t, b.Expire(t.Context()))
	require.EqualValues(t, 90, b.usable(t, m), "the day that was told has been put off")
	b.day(t, "2026-04-21")
	require.Equal(t, 90, told(), "of the new day")
	b.day(t, "2026-04-29")
	require.Empty(t, report())
	require.NoError(t, b.Expire(t.Context()))
	require.Zero(t, b.usable(t, m))
	b.audit(t)
}
