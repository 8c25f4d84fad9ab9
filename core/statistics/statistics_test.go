package statistics_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sheet"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var today = time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)

// desk is a database with two brands and their stores, where things happen.
type desk struct {
	db        *postgres.DB
	service   *statistics.Service
	brands    []uuid.UUID
	stores    [2][]uuid.UUID
	programme uuid.UUID
	account   uuid.UUID
	members   []uuid.UUID
	entries   int
	chance    *rand.Rand
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	db := pgtest.New(t)
	d := &desk{db: db, service: statistics.New(statistics.Parts{Tx: db, Store: postgres.NewStatistics(db), Events: postgres.NewEvents(db), Jobs: &queue{}, Now: clock.Fixed(today)}), programme: id.New(), account: id.New(), chance: rand.New(rand.NewPCG(1, 2))}
	for b := range 2 {
		d.brands = append(d.brands, id.New())
		d.exec(t, `INSERT INTO brands (id, code, name) VALUES ($1, $2, '{}')`, d.brands[b], fmt.Sprint("b", b))
		for s := range 3 {
			d.stores[b] = append(d.stores[b], id.New())
			d.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind, priority) VALUES ($1, $2, $3, $4, 'SHOP', $5)`, d.stores[b][s], d.brands[b], fmt.Sprint("s", s), map[string]string{"ja": fmt.Sprint("店", s)}, s)
		}
	}
	d.exec(t, `INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
		VALUES ($1, $2, 'p', '{}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', $3, $3)`, d.programme, d.brands[0], today)
	holder := id.New()
	d.exec(t, `INSERT INTO accounts (id, role, email, created_at, updated_at) VALUES ($1, 'MEMBER', 'm@example.jp', $2, $2)`, holder, today)
	d.exec(t, `INSERT INTO point_accounts (id, programme_id, member_id) VALUES ($1, $2, $3)`, d.account, d.programme, holder)
	return d
}

// queue counts the jobs that were asked for.
type queue struct{ jobs int }

func (q *queue) CountStatistics(context.Context) error { q.jobs++; return nil }

// pages reads all pages, two rows at a time.
func pages[T any](t *testing.T, read func(page.Args) (page.Connection[T], error)) []T {
	t.Helper()
	var all []T
	size := 2
	for args := (page.Args{First: &size}); ; {
		c, err := read(args)
		require.NoError(t, err)
		all = append(all, c.Nodes()...)
		if args.After = c.PageInfo.EndCursor; !c.PageInfo.HasNextPage {
			return all
		}
	}
}

func (d *desk) figures(ctx context.Context, t *testing.T, q statistics.Query) []statistics.Figures {
	t.Helper()
	return pages(t, func(args page.Args) (page.Connection[statistics.Figures], error) {
		return d.service.Figures(ctx, q, args)
	})
}

func (d *desk) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := d.db.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
}

// someday is within ninety days, at any hour.
func (d *desk) someday() time.Time {
	return today.Add(-time.Duration(d.chance.IntN(90*24*60)) * time.Minute)
}

// store is one of the brand's, or online.
func (d *desk) store(b int) *uuid.UUID {
	if n := d.chance.IntN(4); n < 3 {
		return &d.stores[b][n]
	}
	return nil
}

// happens lets something happen, some of it long ago.
func (d *desk) happens(t *testing.T) {
	t.Helper()
	b, at := d.chance.IntN(2), d.someday()
	switch d.chance.IntN(10) {
	case 9: // who leaves may join again
		d.exec(t, `UPDATE memberships SET ended_at = CASE WHEN ended_at IS NULL THEN greatest(joined_at, $1) END
			WHERE member_id = (SELECT member_id FROM memberships ORDER BY md5(member_id::text || $2) LIMIT 1)`, at, at.String())
	case 8: // past data of another system
		m := id.New()
		d.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2)`, m, at)
		d.exec(t, `INSERT INTO memberships (member_id, brand_id, registered_store_id, joined_at, imported) VALUES ($1, $2, $3, $4, true)`, m, d.brands[b], d.store(b), at)
		d.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, store_id, issued_at, imported) VALUES ($1, $6, $2, $3, 'PHYSICAL', 'ACTIVE', $4, $5, true)`, id.New(), m, d.brands[b], d.store(b), at, id.New().String())
	case 0:
		m := id.New()
		d.members = append(d.members, m)
		d.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2)`, m, at)
		d.exec(t, `INSERT INTO memberships (member_id, brand_id, registered_store_id, joined_at) VALUES ($1, $2, $3, $4)`, m, d.brands[b], d.store(b), at)
	case 1:
		if len(d.members) > 0 {
			d.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, store_id, issued_at) VALUES ($1, $7, $2, $3, $4, 'ACTIVE', $5, $6)`,
				id.New(), d.members[d.chance.IntN(len(d.members))], d.brands[b], []string{"PHYSICAL", "DIGITAL"}[d.chance.IntN(2)], d.store(b), at, id.New().String())
		}
	case 2:
		d.exec(t, `UPDATE purchases SET member_id = $1 WHERE id = (SELECT id FROM purchases WHERE member_id IS NULL LIMIT 1)`, id.New())
	case 3:
		d.exec(t, `DELETE FROM purchases WHERE id = (SELECT id FROM purchases ORDER BY total LIMIT 1)`)
		d.exec(t, `UPDATE memberships SET joined_at = joined_at - interval '3 days' WHERE member_id = (SELECT member_id FROM memberships ORDER BY joined_at LIMIT 1)`)
	case 4:
		d.entries++
		kind, debit, credit := "EARN", "ISSUED", "PENDING"
		if d.chance.IntN(3) == 0 {
			kind, debit, credit = "USE", "AVAILABLE", "REDEEMED"
		}
		d.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at) VALUES ($1, $2, $3, gen_random_uuid()::text, 0, $4, $5, $6, $7, 0, 0, $8)`,
			d.account, d.entries, d.programme, kind, debit, credit, 1+d.chance.IntN(500), at)
	default:
		total := d.chance.IntN(9000) - 500
		var member *uuid.UUID
		if len(d.members) > 0 && d.chance.IntN(2) == 0 {
			member = &d.members[d.chance.IntN(len(d.members))]
		}
		d.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, items, total, currency, created_at) VALUES ($1, $2::timestamptz AT TIME ZONE 'Asia/Tokyo', $2, $3, $4, 'ONLINE', $5, $6, $7, 'JPY', now())`,
			id.New(), at, d.brands[b], member, d.store(b), 1+d.chance.IntN(5), total)
	}
}

// recounts are what the figures must be, counted from nothing.
const recounts = `
	SELECT format('%s %s %s: %s', brand_id, day, store_id, string_agg(format('%s=%s', what, n), ' ' ORDER BY what)) FROM (
		SELECT brand_id, bought_on AS day, store_id, 'receipts' AS what, count(*) AS n FROM purchases WHERE total >= 0 GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, bought_on, store_id, 'returned', count(*) FROM purchases WHERE total < 0 GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, bought_on, store_id, 'items', sum(items) FROM purchases GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, bought_on, store_id, 'total', sum(total) FROM purchases GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, bought_on, store_id, 'member_total', sum(total) FROM purchases WHERE member_id IS NOT NULL GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, bought_on, store_id, 'member_receipts', count(*) FROM purchases WHERE member_id IS NOT NULL AND total >= 0 GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, (issued_at AT TIME ZONE 'Asia/Tokyo')::date, store_id, kind, count(*) FROM member_cards WHERE NOT imported OR store_id IS NOT NULL GROUP BY 1, 2, 3, 4
		UNION ALL SELECT brand_id, (joined_at AT TIME ZONE 'Asia/Tokyo')::date, registered_store_id, 'registrations', count(*) FROM memberships WHERE NOT imported OR registered_store_id IS NOT NULL GROUP BY 1, 2, 3
		UNION ALL SELECT brand_id, (ended_at AT TIME ZONE 'Asia/Tokyo')::date, registered_store_id, 'withdrawals', count(*) FROM memberships WHERE ended_at IS NOT NULL GROUP BY 1, 2, 3
	) x WHERE n <> 0 GROUP BY brand_id, day, store_id ORDER BY 1`

const kept = `
	SELECT format('%s %s %s: %s', brand_id, day, store_id, string_agg(format('%s=%s', what, n), ' ' ORDER BY what)) FROM (
		SELECT brand_id, day, store_id, k.what, k.n FROM daily_statistics s CROSS JOIN LATERAL (VALUES ('receipts', receipts::bigint), ('returned', returned), ('items', items),
			('total', total), ('member_total', member_total), ('member_receipts', member_receipts), ('PHYSICAL', physical_cards), ('DIGITAL', digital_cards), ('registrations', registrations), ('withdrawals', withdrawals)) k (what, n)
	) x WHERE n <> 0 GROUP BY brand_id, day, store_id ORDER BY 1`

func (d *desk) lines(t *testing.T, sql string) []string {
	t.Helper()
	rows, err := d.db.Pool().Query(t.Context(), sql)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}

func (d *desk) as(t *testing.T, a access.Actor) context.Context {
	t.Helper()
	return access.With(channel.With(t.Context(), channel.Channel{BrandID: d.brands[0], Currency: "JPY", TimeZone: "Asia/Tokyo"}), a)
}

func TestFiguresAreThoseOfANaiveRecountWhateverComesLate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 8 {
		for range 60 {
			d.happens(t)
		}
		require.NoError(t, d.service.Count(d.as(t, access.System)))
		require.Equal(t, d.lines(t, recounts), d.lines(t, kept))
		require.Equal(t, d.lines(t, `
			SELECT format('%s %s', (at AT TIME ZONE 'Asia/Tokyo')::date, sum(CASE WHEN kind = 'EARN' THEN points ELSE -points END)) FROM point_entries GROUP BY (at AT TIME ZONE 'Asia/Tokyo')::date ORDER BY 1`),
			d.lines(t, `SELECT format('%s %s', day, net) FROM daily_points ORDER BY 1`))
		all := pages(t, func(args page.Args) (page.Connection[statistics.Points], error) {
			return d.service.Points(d.as(t, access.System), today.AddDate(0, 0, -91).Truncate(24*time.Hour), today.AddDate(0, 0, 1).Truncate(24*time.Hour), args)
		})
		require.Equal(t, d.lines(t, `SELECT sum(CASE WHEN kind = 'EARN' THEN points ELSE -points END)::text FROM point_entries`), []string{fmt.Sprint(all[len(all)-1].Outstanding)})
	}
	before := d.lines(t, `SELECT s::text || ctid FROM daily_statistics s ORDER BY 1`)
	require.NoError(t, d.service.Count(d.as(t, access.System)))
	require.Equal(t, before, d.lines(t, `SELECT s::text || ctid FROM daily_statistics s ORDER BY 1`), "where nothing happened nothing is written")
}

func TestCountsAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 100 {
		d.happens(t)
	}
	failures := make(chan error, 4)
	for range 4 {
		go func() { failures <- d.service.Count(d.as(t, access.System)) }()
	}
	for range 4 {
		require.NoError(t, <-failures)
	}
	require.Equal(t, d.lines(t, recounts), d.lines(t, kept))
	state, err := d.service.State(d.as(t, access.System))
	require.NoError(t, err)
	require.Zero(t, state.Waiting)
	require.Equal(t, today, state.CountedAt.UTC())
}

func TestStaffOfAStoreSeeTheirStore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 200 {
		d.happens(t)
	}
	require.NoError(t, d.service.Count(d.as(t, access.System)))
	q := statistics.Query{From: today.AddDate(0, 0, -90).Truncate(24 * time.Hour), To: today.Truncate(24 * time.Hour), By: statistics.ByStore}
	office := d.as(t, access.Actor{Role: access.RoleStaff, Permissions: []access.Permission{access.OrderRead}})
	clerk := d.as(t, access.Actor{Role: access.RoleStoreStaff, Permissions: []access.Permission{access.OrderRead, access.PointRead}, Stores: d.stores[0][1:2]})

	all := d.figures(office, t, q)
	require.Len(t, all, 4, "three stores and online")
	require.Nil(t, all[3].StoreID, "online last")
	own := d.figures(clerk, t, q)
	require.Len(t, own, 1)
	require.Equal(t, d.stores[0][1], *own[0].StoreID)
	require.Contains(t, all, own[0])

	q.StoreID = &d.stores[0][0]
	_, err := d.service.Figures(clerk, q, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = d.service.Points(clerk, q.From, q.To, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = d.service.Liabilities(clerk, q.From, q.To, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = d.service.Recount(clerk, statistics.RecountInput{From: q.From, To: q.To})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = d.service.Figures(d.as(t, access.Actor{Role: access.RoleMember}), q, page.Args{})
	require.Error(t, err)
	lonely := d.as(t, access.Actor{Role: access.RoleStoreStaff, Permissions: []access.Permission{access.OrderRead}})
	require.Empty(t, d.figures(lonely, t, statistics.Query{From: q.From, To: q.To, By: statistics.ByDay}))
}

func TestPagesOfDaysAndStoresAreTheWholeOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 300 {
		d.happens(t)
	}
	require.NoError(t, d.service.Count(d.as(t, access.System)))
	office := d.as(t, access.System)
	for _, by := range []statistics.Grouping{statistics.ByDay, statistics.ByStore, statistics.ByDayAndStore} {
		q := statistics.Query{From: today.AddDate(0, 0, -91).Truncate(24 * time.Hour), To: today.AddDate(0, 0, 1).Truncate(24 * time.Hour), By: by}
		var receipts int
		seen := map[string]bool{}
		for _, f := range d.figures(office, t, q) {
			receipts += f.Receipts
			row := fmt.Sprint(f.Key())
			require.False(t, seen[row], row)
			seen[row] = true
		}
		require.Equal(t, d.lines(t, `SELECT count(*)::text FROM purchases WHERE total >= 0 AND brand_id = '`+d.brands[0].String()+`'`), []string{fmt.Sprint(receipts)}, by)
	}
}

func TestDaysAreCountedAnewWhenAsked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 200 {
		d.happens(t)
	}
	system := d.as(t, access.System)
	require.NoError(t, d.service.Count(system))
	right, points := d.lines(t, kept), d.lines(t, `SELECT d::text FROM daily_points d ORDER BY day`)
	d.exec(t, `UPDATE daily_statistics SET receipts = receipts + 7 WHERE brand_id = $1`, d.brands[0])
	d.exec(t, `UPDATE daily_points SET earned = earned + 7`)
	from, to := today.AddDate(0, 0, -390).Truncate(24*time.Hour), today.AddDate(0, 0, 1).Truncate(24*time.Hour)
	state, err := d.service.Recount(system, statistics.RecountInput{From: from, To: to})
	require.NoError(t, err)
	require.Positive(t, state.Waiting)
	require.Equal(t, from.AddDate(0, 0, -1), *state.LastDay)
	require.NoError(t, d.service.Count(system))
	require.Equal(t, right, d.lines(t, kept))
	require.Equal(t, points, d.lines(t, `SELECT d::text FROM daily_points d ORDER BY day`))
	done, err := d.service.State(system)
	require.NoError(t, err)
	require.Zero(t, done.Waiting)
	require.Equal(t, "2026-06-29", done.LastDay.Format(time.DateOnly), "the day before the count")
	_, err = d.service.Recount(system, statistics.RecountInput{From: to, To: from})
	require.ErrorIs(t, err, statistics.ErrDays)
}

func TestColumnsOfPointsAddUpToWhatIsOutstanding(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	entry := func(kind, debit, credit string, points int) {
		d.entries++
		d.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at) VALUES ($1, $2, $3, gen_random_uuid()::text, 0, $4, $5, $6, $7, 0, 0, $8)`,
			d.account, d.entries, d.programme, kind, debit, credit, points, today.AddDate(0, 0, -d.entries%5))
	}
	for _, e := range [][3]string{
		{"EARN", "ISSUED", "PENDING"}, {"CONFIRM", "PENDING", "AVAILABLE"}, {"USE", "AVAILABLE", "REDEEMED"}, {"RETURN", "REDEEMED", "AVAILABLE"}, {"REFUND", "REFUNDED", "AVAILABLE"},
		{"PRIZE", "AVAILABLE", "PRIZES"}, {"PRIZE_BACK", "PRIZES", "AVAILABLE"}, {"TAKE_BACK", "AVAILABLE", "ISSUED"}, {"TAKE_BACK", "OWED", "ISSUED"}, {"SETTLE", "AVAILABLE", "OWED"},
		{"EXPIRE", "AVAILABLE", "EXPIRED"}, {"GRANT", "GRANTED", "AVAILABLE"}, {"DEDUCT", "AVAILABLE", "GRANTED"}, {"OPENING", "OPENING", "AVAILABLE"},
		{"EXCHANGE_OUT", "AVAILABLE", "EXCHANGE"}, {"EXCHANGE_IN", "EXCHANGE", "AVAILABLE"}, {"SEND", "AVAILABLE", "SENDING"}, {"SENT", "SENDING", "EXTERNAL"}, {"SEND_BACK", "SENDING", "AVAILABLE"}, {"RECEIVE", "EXTERNAL", "AVAILABLE"},
	} {
		entry(e[0], e[1], e[2], 1+d.chance.IntN(500))
	}
	entry("REFUND", "REFUNDED", "AVAILABLE", 1000)
	system := d.as(t, access.System)
	require.NoError(t, d.service.Count(system))
	all := pages(t, func(args page.Args) (page.Connection[statistics.Points], error) {
		return d.service.Points(system, today.AddDate(0, 0, -9).Truncate(24*time.Hour), today.Truncate(24*time.Hour), args)
	})
	require.Len(t, all, 5)
	var sum, refunded int64
	exchanges := 0
	for _, p := range all {
		sum += p.Earned + p.Granted + p.Refunded + p.Received - p.Used - p.Expired - p.Exchanged - p.Sent
		require.Equal(t, p.Outstanding, sum, p.Day.Format(time.DateOnly))
		refunded, exchanges = refunded+p.Refunded, exchanges+p.Exchanges
	}
	require.Greater(t, refunded, int64(1000))
	require.Equal(t, 3, exchanges, "a prize is an exchange")
	one := func(sql string) string { return d.lines(t, sql)[0] }
	require.Equal(t, one(`SELECT sum(CASE WHEN kind = 'PRIZE_BACK' THEN -points ELSE points END)::text FROM point_entries WHERE kind IN ('EXCHANGE_OUT', 'PRIZE', 'PRIZE_BACK')`), one(`SELECT sum(exchanged)::text FROM daily_points`))
	var out strings.Builder
	require.NoError(t, d.service.Write(system, statistics.Export{BrandID: d.brands[0], Sheet: statistics.SheetPoints, Encoding: sheet.UTF8, From: today.AddDate(0, 0, -9).Truncate(24 * time.Hour), To: today.Truncate(24 * time.Hour)}, &out))
	require.Contains(t, out.String(), "day,programme,earned,granted,refunded,used,expired,exchanges,exchanged,sent,received,outstanding\r\n")
}

func TestLiabilitiesAreThoseOfTheLots(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	lot := func(points int, pending bool, until any) {
		d.exec(t, `INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES ($1, $2, $3, $4, $5, $5, $6, $7)`,
			id.New(), d.account, d.programme, pending, points, until, today)
	}
	lot(100, false, "2026-07-31")
	lot(20, false, "2026-07-01")
	lot(3, true, "2026-07-01")
	lot(5, false, nil)
	lot(999, false, "2026-06-29") // over
	system, day := d.as(t, access.System), today.Truncate(24*time.Hour)
	require.NoError(t, d.service.Count(system))
	all := pages(t, func(args page.Args) (page.Connection[statistics.Liability], error) {
		return d.service.Liabilities(system, day, day, args)
	})
	require.Len(t, all, 2)
	require.Equal(t, []int64{120, 3}, []int64{all[0].Points, all[0].Pending})
	require.Equal(t, "2026-07-01", all[0].Month.Format(time.DateOnly))
	require.Nil(t, all[1].Month)
	require.Equal(t, int64(5), all[1].Points)

	var out strings.Builder
	require.NoError(t, d.service.Write(system, statistics.Export{BrandID: d.brands[0], Sheet: statistics.SheetLiabilities, Encoding: sheet.UTF8, From: day, To: day}, &out))
	require.Equal(t, "\ufeffday,programme,expires,points,pending\r\n2026-06-30,p,2026-07,120,3\r\n2026-06-30,p,,5,0\r\n", out.String())
}

func TestFilesHaveTheFiguresOfTheStoresThatWereAskedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 200 {
		d.happens(t)
	}
	require.NoError(t, d.service.Count(d.as(t, access.System)))
	e := statistics.Export{BrandID: d.brands[0], From: today.AddDate(0, 0, -90).Truncate(24 * time.Hour), To: today.Truncate(24 * time.Hour), By: statistics.ByStore, Encoding: sheet.UTF8}
	for kind, heading := range map[statistics.Sheet]string{
		statistics.SheetPurchases: "store,receipts,returned,items,total,member_receipts,member_total,currency", statistics.SheetCards: "store,physical_cards,digital_cards,reissued_cards",
		statistics.SheetRegistrations: "store,registrations,withdrawals",
	} {
		e.Sheet, e.Stores = kind, nil
		var all, own strings.Builder
		require.NoError(t, d.service.Write(t.Context(), e, &all))
		require.True(t, strings.HasPrefix(all.String(), "\ufeff"+heading+"\r\n"))
		require.Contains(t, all.String(), "\n店1,")
		require.Contains(t, all.String(), "\nオンライン,")
		e.Stores = d.stores[0][1:2]
		require.NoError(t, d.service.Write(t.Context(), e, &own))
		require.NotContains(t, own.String(), "オンライン")
		require.Equal(t, 2, strings.Count(own.String(), "\n"))
	}
}

func TestPeriodsAreBounded(t *testing.T) {
	t.Parallel()
	day := today.Truncate(24 * time.Hour)
	require.NoError(t, statistics.Query{From: day, To: day, By: statistics.ByDay}.Validate())
	require.NoError(t, statistics.Query{From: day, To: day.AddDate(0, 0, 399), By: statistics.ByDay}.Validate())
	require.ErrorIs(t, statistics.Query{From: day, To: day.AddDate(0, 0, 400), By: statistics.ByDay}.Validate(), statistics.ErrDays)
	require.ErrorIs(t, statistics.Query{From: day, To: day.AddDate(0, 0, -1), By: statistics.ByDay}.Validate(), statistics.ErrDays)
	require.ErrorIs(t, statistics.Query{From: day, To: day, By: "WEEK"}.Validate(), statistics.ErrBy)
}
