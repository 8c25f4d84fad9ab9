package seed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestWritingTwiceIsOneShop(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	count := func() (products, movements int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM stock_movements)`).Scan(&products, &movements))
		return products, movements
	}
	told := 0
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{Progress: func(int) { told++ }}))
	products, movements := count()
	require.Equal(t, seed.Options{}.Count(), products)
	require.NotZero(t, told)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	again, movementsAgain := count()
	require.Equal(t, [2]int{products, movements}, [2]int{again, movementsAgain})
	var apart int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM stock_levels s WHERE on_hand <> (
			SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`).Scan(&apart))
	require.Zero(t, apart, "every level is the sum of its movements")
}
