package migration_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/migration"
)

// The files that the documentation shows do what it says.
func TestTheSampleFilesAreTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for n, code := range []string{"shibuya", "umeda"} {
		d.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind, priority) VALUES ($1, $2, $3, '{}', 'SHOP', $4)`, id.New(), d.shop.BrandID, code, 20+n)
	}
	bring := func(kind migration.Kind, mapping, name string) *migration.Run {
		t.Helper()
		read := func(name string) string {
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", "samples", "migration", name))
			require.NoError(t, err)
			return string(text)
		}
		run := d.bring(t, kind, read(mapping), read(name), false)
		require.Equal(t, migration.Committed, run.State, run.Failure)
		return run
	}
	people := bring(migration.Members, "members.yaml", "members.csv")
	require.Equal(t, migration.Counts{Rows: 4, Accepted: 3, Rejected: 1, Proposals: 1, Remarks: 2}, people.Counts, d.report(t, people))
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM duplicate_members WHERE likenesses = '{EMAIL,KANA_BIRTHDAY_AND_POSTAL_CODE}'`))
	require.Equal(t, 3, d.count(t, `SELECT count(*) FROM pets`))
	balances := bring(migration.Points, "points.yaml", "points.csv")
	require.Equal(t, []int{2, 2}, []int{balances.Accepted, balances.Rejected}, d.report(t, balances))
	receipts := bring(migration.Purchases, "purchases.yaml", "purchases.tsv")
	require.Equal(t, []int{3, 0}, []int{receipts.Accepted, receipts.Rejected}, d.report(t, receipts))
}
