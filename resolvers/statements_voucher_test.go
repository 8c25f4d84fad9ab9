package resolvers_test

import (
	"bytes"
	"encoding/csv"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
)

// voucherOperations are those of codes that points are exchanged for, or that are sold.
var voucherOperations = map[string]clientOperation{
	"app/MyVouchers": {1, loyal(func(t *testing.T, w *world) apptest.Variables {
		prize := w.coded(t)
		for range w.size {
			w.exchanged(t, prize)
		}
		return nil
	})},
	"app/VoucherBalance": {2, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"code": w.codes(t, 1)[0]} })},
	"web/VoucherBalance": {2, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"code": w.codes(t, 1)[0]} })},
	"admin/VoucherBatches": {1, staffed(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.batch(t, 1, false)
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/Vouchers": {2, staffed(func(t *testing.T, w *world) apptest.Variables {
		for _, code := range w.codes(t, w.size) {
			w.made(t, "redeemVoucher", "", apptest.Variables{"idempotencyKey": w.key(), "code": code, "amount": "1", "place": "ONLINE"})
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/IssueVouchers": {8, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "name": "春の金券", "count": 1000 * w.size, "amount": "500"})
	})},
	"admin/ImportVouchers": {8, staffed(func(_ *testing.T, w *world) apptest.Variables {
		lines := make([]string, w.size)
		for i := range lines {
			lines[i] = "GIFT-" + w.key()
		}
		return in(apptest.Variables{"idempotencyKey": w.key(), "name": "他社ギフト", "codes": strings.Join(lines, "\n")})
	})},
	"admin/ExportVouchers": {4, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"batchId": w.batch(t, w.size, false)})
	})},
	"admin/RedeemVoucher": {11, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "code": w.codes(t, 1)[0], "amount": "200", "place": "SHOP", "reference": "R-1"})
	})},
	"partner/RedeemVoucher": {14, pledged(access.VoucherRedeem, func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "code": w.codes(t, 1)[0], "amount": "200", "place": "SHOP", "reference": "R-1"})
	})},
	"admin/StaffVoucherBalance": {2, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"code": w.codes(t, 1)[0]} })},
	"partner/VoucherBalance": {2, pledged(access.VoucherRead, func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"code": w.codes(t, 1)[0]}
	})},
	"admin/VoidVouchers": {11, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "batchId": w.batch(t, w.size, false), "reason": "紛失"})
	})},
}

// batch is the id of a new batch of so many codes of 500 yen, which are made.
func (w *world) batch(t *testing.T, count int, forPrizes bool) string {
	id := w.made(t, "issueVouchers", "batch", apptest.Variables{"idempotencyKey": w.key(), "name": "金券", "count": count, "amount": "500", "forPrizes": forPrizes})
	makeCodes(t, w.App, id)
	return id
}

// codes are the codes of a new batch.
func (w *world) codes(t *testing.T, count int) []string {
	return takeCodes(t, w.App, w.batch(t, count, false))
}

// makeCodes does the job that makes a batch's codes.
func makeCodes(t *testing.T, a *apptest.App, batch string) {
	t.Helper()
	ctx, _ := inWeb(t, a, access.System)
	require.NoError(t, a.App.Resolvers.Vouchers.Make(ctx, keyOf(t, batch)))
}

// takeCodes are the codes of a batch that was made, as its link tells them.
func takeCodes(t *testing.T, a *apptest.App, batch string) (codes []string) {
	t.Helper()
	key, vouchers := keyOf(t, batch), a.App.Resolvers.Vouchers
	ctx, _ := inWeb(t, a, pointAdmin)
	link, err := vouchers.Export(ctx, key)
	require.NoError(t, err)
	to, err := url.Parse(link.URL)
	require.NoError(t, err)
	write, err := vouchers.Take(ctx, key.String(), to.Query().Get("expires"), to.Query().Get("signature"))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, write(&text))
	rows, err := csv.NewReader(&text).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		codes = append(codes, row[0])
	}
	return codes
}

// coded is the id of a new prize of as many codes as the world is wide.
func (w *world) coded(t *testing.T) string {
	return w.made(t, "savePrize", "prize", with(with(with(w.newPrize(), "kind", "VOUCHER"), "batchId", w.batch(t, w.size, true)), "stock", w.size))
}
