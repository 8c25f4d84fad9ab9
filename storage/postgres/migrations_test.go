package postgres_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// large are tables that have a row for each member, order or coupon: an index that is built on
// one under a lock stops the shop for minutes.
var large = []string{
	"accounts", "campaign_uses", "carts", "cart_lines", "coupons", "mailing_recipients", "member_cards", "member_rank_changes", "members", "memberships", "order_lines", "orders", "payments", "pets",
	"point_accounts", "point_lots", "profiles", "saved_addresses", "vouchers",
}

func TestIndexesOnLargeTablesAreBuiltWhileOthersWrite(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	require.NoError(t, err)
	index := regexp.MustCompile(`CREATE (?:UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?(\w+) ON (\w+)`)
	seen := 0
	for _, file := range files {
		if filepath.Base(file) < "00440" { // older ones have run everywhere
			continue
		}
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, m := range index.FindAllStringSubmatch(string(raw), -1) {
			if slices.Contains(large, m[3]) {
				seen++
				require.NotEmpty(t, m[1], "%s builds %s under a lock", file, m[2])
			}
		}
		if strings.Contains(string(raw), "INDEX CONCURRENTLY") {
			require.True(t, strings.HasPrefix(string(raw), "-- +goose NO TRANSACTION"), file)
		}
	}
	require.GreaterOrEqual(t, seen, 10)
	db := pgtest.New(t)
	there, err := postgres.One[int](t.Context(), db, `
		SELECT count(*)::int FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE i.indisvalid AND c.relname = ANY($1)`,
		[]string{"saved_addresses_prefecture", "memberships_joined", "coupons_batch", "coupons_used", "profiles_birth_month", "memberships_anniversary", "member_rank_changes_due",
			"pets_birth_month", "coupons_held", "campaign_uses_coupon"})
	require.NoError(t, err)
	require.Equal(t, 10, there)
}
