package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

func TestVouchersAreCountedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	batch := s.tells(t, pointAdmin, "issueVouchers", "batch { id }", apptest.Variables{"idempotencyKey": s.key(), "name": "金券", "count": 7, "amount": "500"}).Batch.ID
	s.tells(t, pointAdmin, "issueVouchers", "batch { id }", apptest.Variables{"idempotencyKey": s.key(), "name": "ほかの金券", "count": 3, "amount": "500"})
	exec(t, s.App, `DELETE FROM vouchers`)
	exec(t, s.App, `INSERT INTO vouchers (id, batch_id, brand_id, serial, code_hash, ending, state, balance, expires_at, created_at, updated_at)
		SELECT gen_random_uuid(), $1, (SELECT id FROM brands), x.n, decode(md5(x.n::text), 'hex'), 'ABCD', x.state, 500, now() + x.lasts::interval, now(), now()
		FROM (VALUES (1, 'ISSUED', '1 day'), (2, 'ISSUED', '-1 day'), (3, 'ASSIGNED', NULL), (4, 'PART_REDEEMED', '-1 hour'), (5, 'REDEEMED', '-1 day'), (6, 'REDEEMED', NULL), (7, 'VOID', '-1 day')) x (n, state, lasts)`, keyOf(t, batch))
	for state, want := range map[string]int{"ISSUED": 1, "ASSIGNED": 1, "PART_REDEEMED": 0, "REDEEMED": 2, "VOID": 1, "EXPIRED": 2} {
		var got struct {
			Vouchers struct {
				TotalCount int
				Nodes      []struct{ State string }
			}
		}
		s.DoAs(t, pointAdmin, `query($f: VoucherFilter) { vouchers(filter: $f) { totalCount nodes { state } } }`, apptest.Variables{"f": apptest.Variables{"batchId": batch, "state": state}}).Into(t, &got)
		require.Equal(t, want, got.Vouchers.TotalCount, state)
		for _, v := range got.Vouchers.Nodes {
			require.Equal(t, state, v.State)
		}
	}
}
