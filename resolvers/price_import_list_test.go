package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/importing"
)

// A preview that broke off goes on where it stopped when its job is run again.
func TestAnInterruptedPreviewGoesOn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	var file strings.Builder
	file.WriteString("sku,min_quantity,price\nnothing-1,1,1\n")
	for n := range 2500 {
		fmt.Fprintf(&file, "food-1,%d,%d\n", n+2, 900-n/10)
	}
	file.WriteString("food-1,2,800\nnothing-2,1,1\nfood-1,9999,950\n")
	ctx, ch := inWeb(t, a, pricer)
	run, err := a.App.Resolvers.Prices.Upload(ctx, importing.PriceUpload{Kind: importing.ListPrices, FileName: "価格.csv", File: strings.NewReader(file.String())})
	require.NoError(t, err)
	work := func(last int) error {
		_, err := a.DB.Pool().Exec(t.Context(), fmt.Sprintf(`ALTER TABLE price_import_rows DROP CONSTRAINT IF EXISTS broken; ALTER TABLE price_import_rows ADD CONSTRAINT broken CHECK (line < %d)`, last))
		require.NoError(t, err)
		return a.App.Resolvers.Prices.Work(access.With(t.Context(), access.System), run.ID, func(context.Context, uuid.UUID) (channel.Channel, error) { return ch, nil })
	}
	for step, last := range []int{1500, 2400} {
		require.Error(t, work(last), "the job is tried again")
		half := priceImportOf(t, a, run.GlobalID())
		require.Equal(t, "READING", half.State)
		require.Equal(t, priceCounts{Added: 999 + step*1000, Rejected: 1}, half.Counts, "what was read stays read")
		require.Equal(t, []writeError{{"CONFLICT", []string{"id"}}}, commitPrices(t, a, pricer, run.GlobalID()), "half a file is not committed")
	}
	require.NoError(t, work(1_000_000))
	done := priceImportOf(t, a, run.GlobalID())
	require.Equal(t, "PREVIEWED", done.State)
	require.Equal(t, priceCounts{Added: 2501, Rejected: 3}, done.Counts)
	var told []string
	for _, r := range done.Rejections.Nodes {
		told = append(told, fmt.Sprint(r.Line, r.Column, map[bool]string{true: " remark"}[r.Warning]))
	}
	require.Equal(t, []string{"2sku", "2503", "2504sku", "2505min_quantity remark"}, told, "each once; a price of the first part is known to the last")
	var chunks, lines int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM price_import_chunks), (SELECT count(DISTINCT line) FROM price_import_rows)`).Scan(&chunks, &lines))
	require.Equal(t, [2]int{0, 2501}, [2]int{chunks, lines}, "the file itself is forgotten")
	require.NoError(t, work(1_000_000), "run once more, the job finds nothing to do")
	require.Equal(t, done, priceImportOf(t, a, run.GlobalID()))
}

const priceRunsQuery = `query($first: Int, $kinds: [PriceFileChangeKind!]) { priceImports(first: $first) {
	totalCount edges { node { fileName
		changes(first: 2) { nodes { line change } pageInfo { hasNextPage endCursor } totalCount }
		chosen: changes(filter: $kinds) { nodes { line change } totalCount }
		closed: changes(filter: [CLOSED], first: 1) { nodes { line } }
		rejections(first: 1) { nodes { line } pageInfo { hasNextPage } totalCount }
		biggestRise { sku difference } biggestFall { sku difference }
	} }
} }`

// What is asked of many files is asked for all of them together.
func TestWhatFilesOfPricesWouldDoIsReadTogether(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	a.AddProduct(t, "leash", 2000)
	a.AddProduct(t, "bowl", 500)
	for i := range 4 {
		file := fmt.Sprintf("sku,price,min_quantity,action\nfood-1,%d,1,\nleash-1,%d,1,\nbowl-1,,1,close\nfood-1,900,%d,\n", 1000+100*i, 2000-100*i, i+2) + strings.Repeat("nothing,1,1,\n", i)
		require.Equal(t, "PREVIEWED", previewPrices(t, a, pricer, importing.ListPrices, file).State)
	}
	type lines struct {
		Nodes []struct {
			Line   int
			Change string
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
		TotalCount int
	}
	type moved struct{ SKU, Difference string }
	var got struct {
		PriceImports struct {
			TotalCount int
			Edges      []struct {
				Node struct {
					Changes, Chosen, Closed, Rejections lines
					BiggestRise, BiggestFall            *moved
				}
			}
		}
	}
	ask := apptest.Variables{"first": 10, "kinds": []string{"CHANGED", "CLOSED"}}
	many := a.DoAs(t, pricer, priceRunsQuery, ask)
	many.Into(t, &got)
	require.Len(t, got.PriceImports.Edges, 4)
	require.Equal(t, 7, many.Statements, "the files, their count, all pages of changes, their counts, the rejections, their counts, the extremes")
	ask["first"] = 1
	require.Equal(t, many.Statements, a.DoAs(t, pricer, priceRunsQuery, ask).Statements, "as many for one as for all")

	newest, oldest := got.PriceImports.Edges[0].Node, got.PriceImports.Edges[3].Node
	require.Equal(t, 4, newest.Changes.TotalCount)
	require.Len(t, newest.Changes.Nodes, 2)
	require.True(t, newest.Changes.PageInfo.HasNextPage)
	require.Equal(t, 3, newest.Chosen.TotalCount)
	require.Len(t, newest.Chosen.Nodes, 3)
	require.Equal(t, 4, newest.Closed.Nodes[0].Line)
	require.Equal(t, 3, newest.Rejections.TotalCount)
	require.True(t, newest.Rejections.PageInfo.HasNextPage)
	require.Equal(t, &moved{"food-1", "30"}, newest.BiggestRise)
	require.Equal(t, &moved{"leash-1", "-15"}, newest.BiggestFall)
	require.Equal(t, 1, oldest.Chosen.TotalCount)
	require.Empty(t, oldest.Rejections.Nodes)
	require.Nil(t, oldest.BiggestRise)
	require.Equal(t, &moved{"food-1", "-10"}, oldest.BiggestFall, "a new tier is held against what so many cost before")

	var rest struct {
		PriceImports struct {
			Nodes []struct {
				ID      string
				Changes lines
			}
		}
	}
	a.DoAs(t, pricer, `query($c: String) { priceImports(first: 1) { nodes { id changes(first: 9, after: $c) { nodes { line } totalCount } } } }`,
		apptest.Variables{"c": newest.Changes.PageInfo.EndCursor}).Into(t, &rest)
	require.Equal(t, 4, rest.PriceImports.Nodes[0].Changes.Nodes[0].Line)
	require.Len(t, rest.PriceImports.Nodes[0].Changes.Nodes, 2)
	require.Equal(t, 4, rest.PriceImports.Nodes[0].Changes.TotalCount)
	require.NotEmpty(t, a.DoAs(t, pricer, `{ priceImports { nodes { changes(first: 101) { nodes { line } } } } }`, nil).Code())
	require.NotEmpty(t, a.DoAs(t, pricer, `query($c: String) { priceImport(id: "`+rest.PriceImports.Nodes[0].ID+`") { changes(after: $c) { nodes { line } } } }`, apptest.Variables{"c": "nonsense"}).Code())
}
