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

const runsQuery = `query($first: Int, $after: String, $status: [ImportStatus!]) {
	importRuns(first: $first, after: $after, status: $status) {
		edges { node { fileName status rejected rejections(first: 2) { nodes { line slug } pageInfo { hasNextPage endCursor } totalCount } } }
		pageInfo { hasNextPage endCursor }
		totalCount
	}
}`

type runsAnswer struct {
	ImportRuns struct {
		Edges []struct {
			Node struct {
				FileName, Status string
				Rejected         int
				Rejections       struct {
					Nodes    []struct{ Slug string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   *string
					}
					TotalCount int
				}
			}
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   *string
		}
		TotalCount int
	}
}

func TestStaffSeeEveryImport(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx := channel.With(access.With(t.Context(), clerk), ch)
	imports := a.App.Resolvers.Imports
	channels := func(context.Context, uuid.UUID) (channel.Channel, error) { return ch, nil }
	for i := range 4 {
		var file strings.Builder
		file.WriteString("slug,name.ja,sku,price\n")
		for n := range i { // the first has no rejection, the last has three
			fmt.Fprintf(&file, "bad-%d-%d,だめ,B-%d-%d,abc\n", i, n, i, n)
		}
		fmt.Fprintf(&file, "good-%d,よい,G-%d,100\n", i, i)
		run, err := imports.Upload(ctx, importing.UploadInput{FileName: fmt.Sprintf("%d.csv", i), File: strings.NewReader(file.String())})
		require.NoError(t, err)
		if i > 0 {
			require.NoError(t, imports.Work(access.With(ctx, access.System), run.ID, channels))
		}
	}

	var all runsAnswer
	answer := a.DoAs(t, clerk, runsQuery, apptest.Variables{"first": 10})
	answer.Into(t, &all)
	require.Equal(t, 4, answer.Statements, "the page, its count, the rejections, their counts")
	require.Equal(t, 4, all.ImportRuns.TotalCount)
	var names []string
	for _, e := range all.ImportRuns.Edges {
		names = append(names, e.Node.FileName)
	}
	require.Equal(t, []string{"3.csv", "2.csv", "1.csv", "0.csv"}, names, "newest first")
	newest, second := all.ImportRuns.Edges[0].Node, all.ImportRuns.Edges[1].Node
	require.Equal(t, "DONE", newest.Status)
	require.Equal(t, 3, newest.Rejections.TotalCount)
	require.Len(t, newest.Rejections.Nodes, 2)
	require.True(t, newest.Rejections.PageInfo.HasNextPage)
	require.Equal(t, "bad-3-0", newest.Rejections.Nodes[0].Slug)
	require.Len(t, second.Rejections.Nodes, 2)
	require.False(t, second.Rejections.PageInfo.HasNextPage)
	require.Equal(t, 4, a.DoAs(t, clerk, runsQuery, apptest.Variables{"first": 1}).Statements, "as many for one as for all")

	var waiting, rest runsAnswer
	a.DoAs(t, clerk, runsQuery, apptest.Variables{"status": []string{"QUEUED", "FAILED"}}).Into(t, &waiting)
	require.Equal(t, 1, waiting.ImportRuns.TotalCount)
	require.Equal(t, "0.csv", waiting.ImportRuns.Edges[0].Node.FileName)
	var two runsAnswer
	a.DoAs(t, clerk, runsQuery, apptest.Variables{"first": 2}).Into(t, &two)
	require.True(t, two.ImportRuns.PageInfo.HasNextPage)
	a.DoAs(t, clerk, runsQuery, apptest.Variables{"first": 2, "after": two.ImportRuns.PageInfo.EndCursor}).Into(t, &rest)
	require.Equal(t, "1.csv", rest.ImportRuns.Edges[0].Node.FileName)
	require.False(t, rest.ImportRuns.PageInfo.HasNextPage)

	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, runsQuery, nil).Code())
	require.NotEmpty(t, a.DoAs(t, clerk, runsQuery, apptest.Variables{"first": 101}).Code())
	require.NotEmpty(t, a.DoAs(t, clerk, runsQuery, apptest.Variables{"after": "nonsense"}).Code())
	theirs := otherBrand(t, a)
	_, err = a.DB.Pool().Exec(t.Context(), `UPDATE import_runs SET brand_id = $1 WHERE file_name = '3.csv'`, theirs.brand)
	require.NoError(t, err)
	var ours runsAnswer
	a.DoAs(t, clerk, runsQuery, nil).Into(t, &ours)
	require.Equal(t, 3, ours.ImportRuns.TotalCount, "another brand's imports are not seen")
}
