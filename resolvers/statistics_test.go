package resolvers_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

const dailyStatistics = `query($from: Date!, $to: Date!, $by: StatisticsGrouping!, $store: ID, $first: Int, $after: String) {
	dailyStatistics(from: $from, to: $to, by: $by, storeId: $store, first: $first, after: $after) {
		pageInfo { hasNextPage endCursor } nodes { day storeId storeName registrations withdrawals physicalCards digitalCards receipts total { amount } } } }`

type dailyRows struct {
	DailyStatistics struct {
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
		Nodes []struct {
			Day, StoreID, StoreName                    string
			Registrations, PhysicalCards, DigitalCards int
			Withdrawals                                int
			Receipts                                   int
			Total                                      struct{ Amount string }
		}
	}
}

func TestDailyStatisticsAreReadAsWhoAsksMaySeeThem(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")
	gone := registeredAt(t, a, umeda, "鈴木 次郎", "08098765435")
	exec(t, a, `UPDATE memberships SET ended_at = now() WHERE member_id = $1`, keyOf(t, gone))
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.PointRead}}
	require.NoError(t, a.App.Resolvers.Statistics.Count(access.With(t.Context(), access.System)))
	today := time.Now().In(time.FixedZone("JST", 9*60*60))
	days := func(more apptest.Variables) apptest.Variables {
		all := apptest.Variables{"from": today.AddDate(0, 0, -1).Format(time.DateOnly), "to": today.AddDate(0, 0, 1).Format(time.DateOnly), "by": "STORE"}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	var first, second dailyRows
	a.DoAs(t, office, dailyStatistics, days(apptest.Variables{"first": 1})).Into(t, &first)
	require.Len(t, first.DailyStatistics.Nodes, 1)
	require.True(t, first.DailyStatistics.PageInfo.HasNextPage)
	a.DoAs(t, office, dailyStatistics, days(apptest.Variables{"first": 100, "after": first.DailyStatistics.PageInfo.EndCursor})).Into(t, &second)
	byStore, left := map[string]int{}, map[string]int{}
	for _, r := range append(first.DailyStatistics.Nodes, second.DailyStatistics.Nodes...) {
		left[r.StoreID] = r.Withdrawals
		require.NotContains(t, byStore, r.StoreID)
		byStore[r.StoreID] = r.Registrations
	}
	require.Equal(t, 1, byStore[id.Global("Location", shibuya)])
	require.Equal(t, 2, byStore[id.Global("Location", umeda)])
	require.Equal(t, []int{0, 1}, []int{left[id.Global("Location", shibuya)], left[id.Global("Location", umeda)]})

	clerk := registrarOf([]access.Permission{access.OrderRead, access.PointRead}, umeda)
	var own dailyRows
	a.DoAs(t, clerk, dailyStatistics, days(nil)).Into(t, &own)
	require.Len(t, own.DailyStatistics.Nodes, 1)
	require.Equal(t, id.Global("Location", umeda), own.DailyStatistics.Nodes[0].StoreID)
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerk, dailyStatistics, days(apptest.Variables{"store": id.Global("Location", shibuya)})).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerk, `query($d: Date!) { dailyPoints(from: $d, to: $d) { nodes { day } } }`, apptest.Variables{"d": "2026-01-01"}).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerk, `query($d: Date!) { dailyPointLiabilities(from: $d, to: $d) { nodes { day } } }`, apptest.Variables{"d": "2026-01-01"}).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, dailyStatistics, days(nil)).Code())
	require.Equal(t, "INVALID", a.DoAs(t, office, dailyStatistics, days(apptest.Variables{"to": "2099-01-01"})).Code())

	var state struct {
		StatisticsState struct {
			CountedAt, LastDay string
			WaitingDays        int
		}
	}
	a.DoAs(t, office, `{ statisticsState { countedAt lastDay waitingDays } }`, nil).Into(t, &state)
	require.NotEmpty(t, state.StatisticsState.CountedAt)
	require.Zero(t, state.StatisticsState.WaitingDays)
}

type exportDone struct {
	ExportStatistics struct {
		URL        string
		UserErrors []userError
	}
}

const exportStatistics = `mutation($input: ExportStatisticsInput!) { exportStatistics(input: $input) { url userErrors { code field } } }`

func TestStatisticsAreExportedByLink(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")
	require.NoError(t, a.App.Resolvers.Statistics.Count(access.With(t.Context(), access.System)))
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite, access.PointRead}}
	clerk := registrarOf([]access.Permission{access.OrderRead, access.PointRead}, umeda)
	today := time.Now().In(time.FixedZone("JST", 9*60*60))
	ask := func(actor access.Actor, more apptest.Variables) exportDone {
		t.Helper()
		input := apptest.Variables{"sheet": "REGISTRATIONS", "from": today.AddDate(0, 0, -1).Format(time.DateOnly), "to": today.AddDate(0, 0, 1).Format(time.DateOnly), "by": "STORE"}
		for k, v := range more {
			input[k] = v
		}
		var got exportDone
		a.DoAs(t, actor, exportStatistics, in(input)).Into(t, &got)
		return got
	}
	status, body := statisticFile(t, a, ask(office, nil).ExportStatistics.URL)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(body, "\ufeffstore,registrations,withdrawals\r\n"), body)
	require.Equal(t, 3, strings.Count(body, "\r\n"))
	status, body = statisticFile(t, a, ask(clerk, nil).ExportStatistics.URL)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 2, strings.Count(body, "\r\n"), "their own store alone")
	for _, sheet := range []string{"POINTS", "LIABILITIES"} {
		status, body = statisticFile(t, a, ask(office, apptest.Variables{"sheet": sheet, "encoding": "CP932"}).ExportStatistics.URL)
		require.Equal(t, http.StatusOK, status)
		require.True(t, strings.HasPrefix(body, "day,programme,"), body)
		require.Equal(t, "FORBIDDEN", ask(clerk, apptest.Variables{"sheet": sheet}).ExportStatistics.UserErrors[0].Code)
	}
	wrong := ask(office, apptest.Variables{"sheet": "POINTS", "storeId": id.Global("Location", umeda)})
	require.Equal(t, []string{"storeId"}, wrong.ExportStatistics.UserErrors[0].Field)
	status, _ = statisticFile(t, a, ask(office, nil).ExportStatistics.URL+"x")
	require.Equal(t, http.StatusForbidden, status)

	var recount struct {
		RecountStatistics struct {
			State      *struct{ WaitingDays int }
			UserErrors []userError
		}
	}
	const again = `mutation($input: RecountStatisticsInput!) { recountStatistics(input: $input) { state { waitingDays } userErrors { code field } } }`
	a.DoAs(t, office, again, in(apptest.Variables{"from": "2026-01-01", "to": "2026-01-31"})).Into(t, &recount)
	require.Equal(t, 31, recount.RecountStatistics.State.WaitingDays)
	a.DoAs(t, office, again, in(apptest.Variables{"from": "2026-02-01", "to": "2026-01-31"})).Into(t, &recount)
	require.Equal(t, "INVALID", recount.RecountStatistics.UserErrors[0].Code)
	var kept int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type IN ('statistics.export_requested', 'statistics.recount_requested')`).Scan(&kept))
	require.Equal(t, 6, kept)
}

func statisticFile(t *testing.T, a *apptest.App, link string) (status int, body string) {
	t.Helper()
	r, err := http.Get(a.URL + link[strings.Index(link, "/statistic-exports/"):]) //nolint:noctx // a test's own server
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, string(raw)
}

func TestPointsByStoreAreReadAsWhoAsksMaySeeThem(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	shibuya, umeda := shopOf(t, s.App, "shibuya"), shopOf(t, s.App, "umeda")
	for n, store := range []uuid.UUID{shibuya, umeda} {
		member := registeredAt(t, s.App, store, "山田 花子", fmt.Sprintf("0901234560%d", n))
		require.Empty(t, s.by(t, pointDesk, "grantPoints", "balance { usable }", apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "memberId": member, "points": 100 * (n + 1), "reason": "移行"}).UserErrors)
	}
	require.NoError(t, s.App.App.Resolvers.Statistics.Count(access.With(t.Context(), access.System)))
	today := time.Now().In(time.FixedZone("JST", 9*60*60))
	const ask = `query($from: Date!, $to: Date!, $s: ID) { dailyStorePoints(from: $from, to: $to, storeId: $s) { pageInfo { hasNextPage } nodes { programmeCode day storeId storeName exchanges exchanged outstanding } } }`
	days := apptest.Variables{"from": today.AddDate(0, 0, -1).Format(time.DateOnly), "to": today.AddDate(0, 0, 1).Format(time.DateOnly)}
	type rows struct {
		DailyStorePoints struct {
			Nodes []struct {
				ProgrammeCode, StoreID string
				Exchanges, Outstanding int
			}
		}
	}
	var all, own rows
	s.DoAs(t, pointDesk, ask, days).Into(t, &all)
	byStore := map[string]int{}
	for _, r := range all.DailyStorePoints.Nodes {
		byStore[r.StoreID] = r.Outstanding
	}
	require.Equal(t, map[string]int{id.Global("Location", shibuya): 100, id.Global("Location", umeda): 200}, byStore)
	clerk := registrarOf([]access.Permission{access.PointRead}, umeda)
	s.DoAs(t, clerk, ask, days).Into(t, &own)
	require.Len(t, own.DailyStorePoints.Nodes, 1)
	require.Equal(t, 200, own.DailyStorePoints.Nodes[0].Outstanding)
	days["s"] = id.Global("Location", shibuya)
	require.Equal(t, "FORBIDDEN", s.DoAs(t, clerk, ask, days).Code())
	require.Equal(t, "FORBIDDEN", s.DoAs(t, registrarOf([]access.Permission{access.OrderRead}, umeda), ask, days).Code())
	var link exportDone
	s.DoAs(t, clerk, exportStatistics, in(apptest.Variables{"sheet": "STORE_POINTS", "from": days["from"], "to": days["to"]})).Into(t, &link)
	status, body := statisticFile(t, s.App, link.ExportStatistics.URL)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 2, strings.Count(body, "\r\n"), body)
	require.Contains(t, body, ",店,0,0,200\r\n")
}
