package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/importing"
)

// costs says what the food is bought for.
func costs(t *testing.T, a *apptest.App, cost int) {
	t.Helper()
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE variants SET cost = $1 WHERE sku LIKE 'food-%'`, cost)
	require.NoError(t, err)
}

func withheld(t *testing.T, a *apptest.App, run priceImport, counts priceCounts, least string, lines ...int) {
	t.Helper()
	done := priceImportOf(t, a, run.ID)
	require.Equal(t, "COMMITTED", done.State)
	require.Equal(t, counts, done.Counts, "every row is counted once")
	var rejected []int
	for _, r := range done.Rejections.Nodes {
		rejected = append(rejected, r.Line)
		require.Equal(t, "price", r.Column)
		require.NotEmpty(t, r.Value)
		require.Contains(t, r.Reason, least, "it says how low")
		require.False(t, r.Warning)
	}
	require.Equal(t, lines, rejected)
	for _, c := range done.Changes.Nodes {
		require.NotContains(t, lines, c.Line, "what is rejected changes nothing")
	}
}

// Between preview and commit a cost rises: what has come to lie below the floor stays
// behind as a rejection, and the rest of the file is put in force.
func TestThePriceFloorHoldsWhenAFileIsCommitted(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	a.AddProduct(t, "leash", 1980)
	w := addWholesaler(t, a, "T001")
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	const file = "sku,min_quantity,price\nfood-1,1,830\nleash-1,1,1500\nfood-1,10,820\nfood-1,20,800\nfood-1,30,700\n"
	costs(t, a, 500)
	lists := previewPrices(t, a, pricer, importing.ListPrices, file)
	require.Equal(t, priceCounts{Added: 3, Changed: 2}, lists.Counts)
	special := previewPrices(t, a, pricer, importing.CustomerPrices, "customer,sku,price\nT001,food-1,700\nT001,leash-1,1400\n")
	require.Equal(t, priceCounts{Added: 2}, special.Counts)

	costs(t, a, 680) // and 20 % are 816
	require.Empty(t, commitPrices(t, a, pricer, lists.ID))
	withheld(t, a, lists, priceCounts{Added: 1, Changed: 2, Rejected: 2}, "816", 5, 6)
	unit, _ := pays(t, a, "food")
	require.Equal(t, "830", unit)
	unit, listed := pays(t, a, "leash")
	require.Equal(t, [2]string{"1500", "1500"}, [2]string{unit, listed})
	var event string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT data->'counts'->>'Rejected' FROM events WHERE type = 'prices.imported'`).Scan(&event))
	require.Equal(t, "2", event, "the record of it says so")

	require.Empty(t, commitPrices(t, a, pricer, special.ID))
	withheld(t, a, special, priceCounts{Added: 1, Rejected: 1}, "816", 2)
	require.Equal(t, "830", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, "1400", unitFor(t, a, w.buyer, "leash", ""))
}

// Who may go below the floor may by file too, but neither for somebody else nor
// through somebody else.
func TestOnlyWhoMayGoBelowTheFloorDoesSoByFile(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	for i, p := range []struct {
		sends, commits access.Actor
		taken          bool
	}{{pricer, chief, false}, {chief, pricer, false}, {chief, chief, true}} {
		costs(t, a, 500)
		run := previewPrices(t, a, p.sends, importing.ListPrices, fmt.Sprintf("sku,price\nfood-1,%d\n", 700+i))
		costs(t, a, 680)
		require.Empty(t, commitPrices(t, a, p.commits, run.ID))
		unit, _ := pays(t, a, "food")
		if p.taken {
			require.Equal(t, priceCounts{Changed: 1}, priceImportOf(t, a, run.ID).Counts)
			require.Equal(t, "702", unit)
			continue
		}
		withheld(t, a, run, priceCounts{Rejected: 1}, "816", 2)
		require.Equal(t, "1000", unit)
	}
	const outlet = `priceList { id precedence }`
	require.Empty(t, write(t, a, chief, "savePriceList", "SavePriceListInput", outlet, apptest.Variables{
		"code": "outlet", "name": map[string]any{"ja": "訳あり"}, "currency": "JPY", "belowFloor": true, "audience": apptest.Variables{"kind": "EVERYONE"},
	}, nil))
	done := committed(t, a, pricer, importing.ListPrices, "list,sku,price\noutlet,food-1,10\n")
	require.Equal(t, priceCounts{Added: 1}, done.Counts, "a list that may go below needs nobody who may")
}

// The job that commits a large file has the rights of who committed it, and no more.
func TestThePriceFloorHoldsInTheBackground(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	_, ch := inWeb(t, a, pricer)
	for _, p := range []struct {
		actor access.Actor
		taken bool
	}{{pricer, false}, {chief, true}} {
		costs(t, a, 500)
		var file strings.Builder
		file.WriteString("sku,min_quantity,price\nfood-1,1,900\n")
		for n := range 2500 {
			fmt.Fprintf(&file, "food-1,%d,%d\n", n+2, 700+n%2*200) // every other one
		}
		run := previewPrices(t, a, p.actor, importing.ListPrices, file.String())
		before := run.Counts
		require.Equal(t, 2501, before.Added+before.Changed+before.Unchanged)
		require.Empty(t, commitPrices(t, a, p.actor, run.ID))
		require.Equal(t, "COMMITTING", priceImportOf(t, a, run.ID).State)
		costs(t, a, 680)
		_, key, err := id.Parse(run.ID)
		require.NoError(t, err)
		workPrices(t, a, key, ch)
		done := priceImportOf(t, a, run.ID)
		require.Equal(t, "COMMITTED", done.State)
		var low int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM prices WHERE amount < 816`).Scan(&low))
		if p.taken {
			require.Equal(t, before, done.Counts)
			require.Equal(t, 1250, low)
			continue
		}
		require.Equal(t, priceCounts{Added: 1250, Changed: 1, Rejected: 1250}, done.Counts)
		require.Zero(t, low)
		var kept int
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(DISTINCT line) FROM price_import_rejections WHERE run_id = $1 AND NOT warning`, key).Scan(&kept))
		require.Equal(t, 1250, kept, "each can be read")
	}
}

// Rates that need the permission are put in force by the job for who has it.
func TestTheJobSavesRatesByTheRightOfWhoCommits(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	run := previewPrices(t, a, chief, importing.RatePrices, "audience_kind,target_kind,percent\nEVERYONE,ALL,101\n")
	require.Equal(t, priceCounts{Added: 1}, run.Counts)
	_, key, err := id.Parse(run.ID)
	require.NoError(t, err)
	exec(t, a, `UPDATE price_imports SET state = 'COMMITTING', committed_by = $2 WHERE id = $1`, key, chief.ID) // as a large file waits for its job
	_, ch := inWeb(t, a, chief)
	workPrices(t, a, key, ch)
	require.Equal(t, "COMMITTED", priceImportOf(t, a, run.ID).State)
	require.Equal(t, "1010", unitFor(t, a, access.Guest, "food", ""))
}
