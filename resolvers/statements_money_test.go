package resolvers_test

import (
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// moneyOperations are those of people who work on payments and on the books.
var moneyOperations = map[string]clientOperation{
	"admin/CapturePayment": {9, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "paymentId": w.held(t)}
	})},
	"admin/VoidPayment": {14, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "paymentId": w.held(t)}
	})},
	"admin/RecordTillPayment": {18, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, w.filled(t), "CARD"), "method": "CASH"}
	})},
	"admin/Journal": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.posted(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/TrialBalance": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		w.posted(t)
		return nil
	})},
	"admin/PostJournalEntry": {8, input(func(_ *testing.T, w *world) apptest.Variables { return w.fee() })},
	"admin/ReverseJournalEntry": {12, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "entryId": w.posted(t), "reason": "二重"}
	})},
	"admin/WriteOffAccount": {12, inTrade(func(t *testing.T, w *world) apptest.Variables {
		exec(t, w.App, `UPDATE company_credit SET used = 1000`)
		return in(apptest.Variables{"idempotencyKey": w.key(), "companyId": w.trade.company, "amount": "1", "reason": "倒産"})
	})},
}

// held is a payment by card whose money is held and not taken.
func (w *world) held(t *testing.T) string {
	order, payment := w.paid(t)
	exec(t, w.App, `UPDATE payments SET status = 'AUTHORISED', authorised = amount, captured = 0 WHERE id = $1`, keyOf(t, payment))
	exec(t, w.App, `UPDATE orders SET paid = true WHERE id = $1`, keyOf(t, order))
	return payment
}

func (w *world) fee() apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "kind": "FEE", "memo": "振込手数料", "lines": []apptest.Variables{
		{"account": "FEES", "debit": "330"}, {"account": "BANK", "credit": "330"},
	}}
}

func (w *world) posted(t *testing.T) string { return w.made(t, "postJournalEntry", "entry", w.fee()) }
