package statistics_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sheet"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/storage/postgres"
)

// collects is a member of the first brand with points, whose home store it is.
func (d *desk) collects(t *testing.T, home *uuid.UUID, points int) uuid.UUID {
	t.Helper()
	m, account := id.New(), id.New()
	d.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2)`, m, today)
	d.exec(t, `INSERT INTO memberships (member_id, brand_id, home_store_id, joined_at) VALUES ($1, $2, $3, $4)`, m, d.brands[0], home, today)
	d.exec(t, `INSERT INTO point_accounts (id, programme_id, member_id, available, pending) VALUES ($1, $2, $3, $4, 5)`, account, d.programme, m, points)
	return account
}

// exchanges lets points of the account leave, or come back.
func (d *desk) exchanges(t *testing.T, account uuid.UUID, kind, debit, credit string, points int, at time.Time) {
	t.Helper()
	d.entries++
	d.exec(t, `INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, at) VALUES ($1, $2, $3, gen_random_uuid()::text, 0, $4, $5, $6, $7, 0, 0, $8)`,
		account, d.entries, d.programme, kind, debit, credit, points, at)
}

func TestPointsAreCountedByHomeStore(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	home, away := &d.stores[0][1], &d.stores[0][0]
	first, second, none := d.collects(t, home, 100), d.collects(t, home, 40), d.collects(t, nil, 7)
	moved := d.collects(t, away, 30)
	d.exchanges(t, first, "PRIZE", "AVAILABLE", "PRIZES", 30, today)
	d.exchanges(t, first, "PRIZE_BACK", "PRIZES", "AVAILABLE", 10, today)
	d.exchanges(t, second, "SEND", "AVAILABLE", "SENDING", 50, today)
	d.exchanges(t, second, "USE", "AVAILABLE", "REDEEMED", 99, today)
	d.exchanges(t, none, "EXCHANGE_OUT", "AVAILABLE", "EXCHANGE", 3, today.AddDate(0, 0, -40))
	system := d.as(t, access.System)
	require.NoError(t, d.service.Count(system))
	from, to := today.AddDate(0, 0, -60).Truncate(24*time.Hour), today.AddDate(0, 0, 1).Truncate(24*time.Hour)
	rows := func(ctx context.Context, q statistics.Query) (all []string) {
		q.From, q.To = from, to
		for _, p := range pages(t, func(args page.Args) (page.Connection[statistics.StorePoints], error) {
			return d.service.StorePoints(ctx, q, args)
		}) {
			outstanding := int64(-1)
			if p.Outstanding != nil {
				outstanding = *p.Outstanding
			}
			all = append(all, strings.Join([]string{p.Day.Format(time.DateOnly), p.StoreName["ja"], strconv.Itoa(p.Exchanges), strconv.FormatInt(p.Exchanged, 10), strconv.FormatInt(outstanding, 10)}, " "))
		}
		return all
	}
	require.Equal(t, []string{
		"2026-05-21  1 3 -1",
		"2026-06-30 店0 0 0 35",
		"2026-06-30 店1 2 70 150",
		"2026-06-30  0 0 12",
	}, rows(system, statistics.Query{}), "by day, stores in their order and none last; promised points too")
	require.Equal(t, []string{"2026-06-30 店1 2 70 150"}, rows(system, statistics.Query{StoreID: home}))

	// Staff of a store see theirs; a count writes nothing where nothing happened.
	clerk := d.as(t, access.Actor{Role: access.RoleStoreStaff, Permissions: []access.Permission{access.PointRead}, Stores: d.stores[0][1:2]})
	require.Equal(t, []string{"2026-06-30 店1 2 70 150"}, rows(clerk, statistics.Query{}))
	_, err := d.service.StorePoints(clerk, statistics.Query{From: from, To: to, StoreID: away}, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = d.service.StorePoints(d.as(t, access.Actor{Role: access.RoleStaff, Permissions: []access.Permission{access.OrderRead}}), statistics.Query{From: from, To: to}, page.Args{})
	require.ErrorIs(t, err, fault.ErrForbidden)
	require.Empty(t, rows(d.as(t, access.Actor{Role: access.RoleStoreStaff, Permissions: []access.Permission{access.PointRead}}), statistics.Query{}))
	before := d.lines(t, `SELECT s::text || ctid FROM daily_store_outstanding s ORDER BY 1`)
	require.NoError(t, d.service.Count(system))
	require.Equal(t, before, d.lines(t, `SELECT s::text || ctid FROM daily_store_outstanding s ORDER BY 1`))

	// What comes late counts for its day, and a member who moves takes what they have along.
	d.exchanges(t, moved, "PRIZE", "AVAILABLE", "PRIZES", 11, today.AddDate(0, 0, -40))
	d.exec(t, `UPDATE memberships SET home_store_id = $1 WHERE home_store_id = $2`, d.stores[0][2], away)
	d.exchanges(t, first, "PRIZE", "AVAILABLE", "PRIZES", 1, today)
	require.NoError(t, d.service.Count(system))
	require.Equal(t, []string{
		"2026-05-21 店2 1 11 -1", "2026-05-21  1 3 -1", "2026-06-30 店1 3 71 150", "2026-06-30 店2 0 0 35", "2026-06-30  0 0 12",
	}, rows(system, statistics.Query{}))

	var text strings.Builder
	require.NoError(t, d.service.Write(system, statistics.Export{BrandID: d.brands[0], Sheet: statistics.SheetStorePoints, Encoding: sheet.UTF8, From: from, To: to, Stores: []uuid.UUID{*home}}, &text))
	require.Equal(t, "\ufeffday,programme,store,exchanges,exchanged,outstanding\r\n2026-06-30,p,店1,3,71,150\r\n", text.String())
}

// faltering breaks off when it has counted so many months.
type faltering struct {
	statistics.Store
	months int
}

var errBroken = errors.New("the connection broke")

func (f *faltering) CountDays(ctx context.Context) (int, error) {
	if f.months == 0 {
		return 0, errBroken
	}
	f.months--
	return f.Store.CountDays(ctx)
}

func TestACountThatBreaksOffBetweenMonthsGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 300 {
		d.happens(t)
	}
	system := d.as(t, access.System)
	months := d.lines(t, `SELECT DISTINCT date_trunc('month', day)::date::text FROM statistic_marks ORDER BY 1`)
	require.Greater(t, len(months), 2)
	broken := statistics.New(statistics.Parts{Tx: d.db, Store: &faltering{postgres.NewStatistics(d.db), 1}, Events: postgres.NewEvents(d.db), Jobs: &queue{}, Now: clock.Fixed(today)})
	require.ErrorIs(t, broken.Count(system), errBroken)
	require.Equal(t, months[:1], d.lines(t, `SELECT DISTINCT date_trunc('month', day)::date::text FROM daily_statistics ORDER BY 1`), "the month that was counted stays")
	require.Equal(t, months[1:], d.lines(t, `SELECT DISTINCT date_trunc('month', day)::date::text FROM statistic_marks ORDER BY 1`), "and the others are marked still")
	state, err := d.service.State(system)
	require.NoError(t, err)
	require.Nil(t, state.CountedAt, "it did not finish")
	require.Positive(t, state.Waiting)
	require.NoError(t, d.service.Count(system))
	require.Equal(t, d.lines(t, recounts), d.lines(t, kept))
}
