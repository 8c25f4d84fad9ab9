package resolvers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/importing"
)

func TestUploadedFileIsImportedByTheWorker(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	clerk := access.Actor{Role: access.RoleStaff, Permissions: []access.Permission{access.CatalogWrite}}
	ctx := channel.With(access.With(t.Context(), clerk), ch)
	file := "slug,name.ja,sku,price\nleash,リード,L-1,1980\nbad,だめ,B-1,abc\n" + strings.Repeat("\n", 2<<20)

	_, err = a.App.Resolvers.Imports.Upload(access.With(ctx, access.Guest), importing.UploadInput{FileName: "f.csv", File: strings.NewReader(file)})
	require.ErrorIs(t, err, fault.ErrForbidden)

	run, err := a.App.Resolvers.Imports.Upload(ctx, importing.UploadInput{FileName: "f.csv", File: strings.NewReader(file)})
	require.NoError(t, err)
	var got struct {
		ImportRun struct {
			Status            string
			Created, Rejected int
			Rejections        struct {
				Nodes []struct {
					Line                  int
					Column, Value, Reason string
				}
			}
		}
	}
	require.Eventually(t, func() bool {
		a.DoAs(t, clerk, `query($id: ID!) { importRun(id: $id) { status created rejected rejections { nodes { line column value reason } } } }`,
			apptest.Variables{"id": run.GlobalID()}).Into(t, &got)
		return got.ImportRun.Status == "DONE"
	}, 3*time.Minute, 50*time.Millisecond)
	require.Equal(t, 1, got.ImportRun.Created)
	require.Equal(t, 1, got.ImportRun.Rejected)
	require.Equal(t, 3, got.ImportRun.Rejections.Nodes[0].Line)
	require.Equal(t, "price", got.ImportRun.Rejections.Nodes[0].Column)
	require.Equal(t, "0以上の金額ではありません", got.ImportRun.Rejections.Nodes[0].Reason)
	var left int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM import_chunks`).Scan(&left))
	require.Zero(t, left, "the file is gone once it is imported")
	a.Do(t, `{ product(slug: "leash") { name priceRange { min { amount } } } }`, nil).Into(t, &struct{}{})
}
