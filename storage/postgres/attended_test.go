package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/worklist"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// What staff should look at is found among many payments by what is so, listed as it is
// counted; the database keeps how much an order has too much, whoever moves money.
func TestPaymentsThatNeedStaffAreCountedAsTheyAreListed(t *testing.T) {
	t.Parallel()
	db, err := postgres.Open(t.Context(), pgtest.URL(t), postgres.WithMaxConns(2))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	shop := pgtest.FillShop(t, db)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := db.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	exec(`
		INSERT INTO orders (id, number, brand_id, channel_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, shipping_mode, payment_method, paid, placed_at, updated_at)
		SELECT gen_random_uuid(), 'N' || i, $1, $2, 'a@example.jp', 'ja', 'DELIVERED', 'JPY', true, 1000, 0, 0, 1000, '[]', '[]', '{}', '{}', 'NORMAL', 'BANK_TRANSFER', true, now(), now()
		FROM generate_series(1, 2000) i`, shop.BrandID, shop.ChannelID)
	exec(`INSERT INTO payments (id, brand_id, order_id, method, gateway, status, currency, amount, authorised, captured, refunded, reference, failure_code, created_at, updated_at)
		SELECT gen_random_uuid(), brand_id, id, 'BANK_TRANSFER', 'bank', 'CAPTURED', 'JPY', 1000, 0, 1000, 0, number, '', now(), now() FROM orders`)
	exec(`ANALYZE orders, payments`)
	most := 100
	attended := func() int {
		t.Helper()
		listed, err := postgres.NewPayments(db).List(t.Context(), payment.Query{BrandID: shop.BrandID, Attention: true, Page: page.Args{First: &most}})
		require.NoError(t, err)
		all, err := listed.Count(t.Context())
		require.NoError(t, err)
		require.Len(t, listed.Nodes(), all)
		counted, err := postgres.NewWorklists(db).Count(t.Context(), worklist.Query{BrandID: shop.BrandID, Orders: true, At: time.Now(), Today: time.Now(), Late: time.Now()})
		require.NoError(t, err)
		require.Equal(t, all, *counted.Payments)
		return all
	}
	overpaid := func(number string) (minor int64) {
		t.Helper()
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT overpaid FROM orders WHERE number = $1`, number).Scan(&minor))
		return minor
	}
	require.Zero(t, attended())

	exec(`UPDATE payments SET captured = 1500 WHERE reference = 'N1'`)
	require.Equal(t, []int64{1, 500}, []int64{int64(attended()), overpaid("N1")}, "too much came in")
	exec(`UPDATE orders SET status = 'CANCELLED' WHERE number = 'N2'`)
	require.Equal(t, []int64{2, 1000}, []int64{int64(attended()), overpaid("N2")}, "of what was given up, all")
	exec(`UPDATE orders SET total = 700 WHERE number = 'N3'`)
	require.Equal(t, []int64{3, 300}, []int64{int64(attended()), overpaid("N3")}, "it comes to less")
	exec(`UPDATE orders SET refused = 100 WHERE number = 'N4'`)
	require.Equal(t, []int64{4, 100}, []int64{int64(attended()), overpaid("N4")}, "a parcel was refused")
	exec(`UPDATE payments SET status = 'PENDING', captured = 400 WHERE reference = 'N5'`)
	require.Equal(t, []int64{5, 0}, []int64{int64(attended()), overpaid("N5")}, "paid short")
	exec(`UPDATE orders SET status = 'PENDING_PAYMENT', paid = false WHERE number = 'N6'`)
	require.Equal(t, 6, attended(), "its money is there, and it waits")
	exec(`UPDATE payments SET status = 'CANCELLED', captured = 0 WHERE reference = 'N7'`)
	exec(`UPDATE orders SET paid = false WHERE number = 'N7'`)
	require.Equal(t, 7, attended(), "a hold that lapsed")
	exec(`INSERT INTO payment_operations (id, payment_id, kind, status, amount, client_key, reason, detail, created_at)
		SELECT gen_random_uuid(), id, 'REFUND', 'REFUSED', 1, '', '', '', now() FROM payments WHERE reference IN ('N1', 'N8')`)
	require.Equal(t, 8, attended(), "what a gateway refused; a payment stands there once")

	exec(`UPDATE payments SET refunded = 1000, status = 'REFUNDED' WHERE reference = 'N2'`)
	require.Equal(t, []int64{7, 0}, []int64{int64(attended()), overpaid("N2")}, "it is sent back")
	other := uuid.New()
	listed, err := postgres.NewPayments(db).List(t.Context(), payment.Query{BrandID: other, Attention: true, Page: page.Args{First: &most}})
	require.NoError(t, err)
	require.Empty(t, listed.Nodes())

	stranded, err := postgres.NewOrders(db).Stranded(t.Context(), uuid.Nil, 10)
	require.NoError(t, err)
	require.Empty(t, stranded)
}
