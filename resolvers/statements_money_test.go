package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// moneyOperations are those of people who work on payments and on the books.
var moneyOperations = map[string]clientOperation{
	"admin/CapturePayment": {10, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "paymentId": w.held(t)}
	})},
	"admin/VoidPayment": {17, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "paymentId": w.held(t)}
	})},
	"admin/RecordTillPayment": {19, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, w.filled(t), "CARD"), "method": "CASH"}
	})},
	"admin/StrayPayments": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.strayed(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/SettleStrayPayment": {8, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "id": w.strayed(t), "state": "IGNORED", "reason": "他店の入金"}
	})},
	"admin/CashOnDelivery":     {1, inOffice(nil)},
	"admin/SaveCashOnDelivery": {5, input(func(_ *testing.T, _ *world) apptest.Variables { return onDelivery() })},
	"admin/RecordCollection": {8, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "reference": w.key(), "amount": "100", "collectedOn": "2026-01-05"}
	})},
	"admin/UploadCollections": {6, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"file": attached("集金日,注文番号,代引金額\n2026/01/05," + w.key() + ",100\n")}
	})},
	"admin/RecordRefusedDelivery": {29, input(func(t *testing.T, w *world) apptest.Variables {
		w.office(t)
		w.made(t, "saveCashOnDelivery", "", onDelivery())
		order := w.place(t, w.filled(t), "CASH_ON_DELIVERY")
		exec(t, w.App, `UPDATE orders SET status = 'SHIPPED' WHERE id = $1`, keyOf(t, order))
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "reason": "受取拒否"}
	})},
	"admin/RecordRefusedShipment": {47, input(func(t *testing.T, w *world) apptest.Variables {
		shipment := w.instructed(t)
		require.Empty(t, counter{w.App, shipper}.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment}).UserErrors)
		return apptest.Variables{"idempotencyKey": w.key(), "shipmentId": shipment, "reason": "受取拒否"}
	})},
	"admin/GiftCards": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.giftCard(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/IssueGiftCards": {8, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "amount": "1000", "count": w.size, "paidBy": "BANK"}
	})},
	"admin/VoidGiftCards": {9, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "ids": []string{w.giftCard(t)}, "reason": "紛失"}
	})},
	"app/GiftCardBalance": {1, asked(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"code": "2222-2222-2222-2222-2222-2222"}
	})},
	"web/GiftCardBalance": {1, asked(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"code": "2222-2222-2222-2222-2222-2222"}
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

// bookOperations are those of matching deposits and closing accounts.
var bookOperations = map[string]clientOperation{
	"admin/UploadBankStatement": {10, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"file": attached("日付,摘要,入金額\n2026/01/20," + w.key() + ",100\n")}
	})},
	"admin/BankStatements": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		w.deposit(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/BankLines": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.deposit(t)
		return apptest.Variables{"first": w.size}
	})},
	"admin/BankLineSuggestions": {2, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"lineId": w.deposit(t)} })},
	"admin/BankProfiles":        {1, inOffice(nil)},
	"admin/RematchBankLines":    {3, inOffice(nil)},
	"admin/AllocateBankLine": {20, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "lineId": w.deposit(t), "parts": []apptest.Variables{{"companyId": w.trade.company, "amount": "60"}}})
	})},
	"admin/SettleBankLine": {7, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "lineId": w.deposit(t), "state": "IGNORED", "reason": "利息"}
	})},
	"admin/SaveBankProfile": {4, input(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"code": w.key()} })},

	"admin/AccountStatements": {4, inTrade(func(t *testing.T, w *world) apptest.Variables {
		w.closed(t)
		return apptest.Variables{"first": w.size}
	})},
	"app/MyAccountStatements": {4, byBoss(func(t *testing.T, w *world) apptest.Variables {
		w.closed(t)
		return nil
	})},
	"admin/OverdueAccounts":        {1, inOffice(nil)},
	"admin/SettlementFiles":        {1, asked(func(t *testing.T, w *world) apptest.Variables { return w.reconciled(t) })},
	"admin/MakeSettlementFile":     {5, newly(apptest.Variables{"from": "2026-01-01", "to": "2026-01-31"})},
	"admin/GatewayReconciliations": {1, asked(func(t *testing.T, w *world) apptest.Variables { return w.reconciled(t) })},
	"admin/GatewayDifferences":     {1, asked(func(t *testing.T, w *world) apptest.Variables { return w.reconciled(t) })},
	"admin/ResolveGatewayDifference": {5, input(func(t *testing.T, w *world) apptest.Variables {
		w.reconciled(t)
		var open uuid.UUID
		require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM gateway_differences WHERE resolved_at IS NULL LIMIT 1`).Scan(&open))
		return apptest.Variables{"differenceId": id.Global("GatewayDifference", open), "note": "翌日分に計上"}
	})},
	"admin/CloseAccounts": {2, inTrade(func(t *testing.T, w *world) apptest.Variables {
		exec(t, w.App, `TRUNCATE account_statements CASCADE`)
		w.closed(t)
		exec(t, w.App, `UPDATE account_statements SET closes_on = date_trunc('month', now()) - interval '1 month 1 day'`) // nothing is owed, and nothing came since: nothing is to be closed
		return in(apptest.Variables{"companyId": w.trade.company})
	})},
	"admin/HoldDunning": {5, inTrade(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"companyId": w.trade.company, "until": "2026-01-31"})
	})},
	"admin/ReconcileGateway": {7, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"file": attached("reference,amount,fee\npi_" + w.key() + ",100,1\n"), "gateway": "stripe", "from": "2026-01-01", "to": "2026-01-31"}
	})},
}

// deposit is a deposit that nobody has dealt with.
func (w *world) deposit(t *testing.T) string {
	key := w.key()
	exec(t, w.App, `INSERT INTO bank_statements (id, brand_id, file_name, digest, profile, deposits, others, errors, created_at)
		SELECT gen_random_uuid(), brand_id, 'a.csv', $1, '', 1, 0, '[]', now() FROM channels WHERE code = 'web'`, key)
	exec(t, w.App, `INSERT INTO bank_lines (id, brand_id, statement_id, row, "on", amount, currency, payer, payer_key, text, state, updated_at)
		SELECT gen_random_uuid(), brand_id, id, 2, '2026-01-20', 100, 'JPY', $1, $1, $1, 'OPEN', now() FROM bank_statements WHERE digest = $1`, key)
	var line uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM bank_lines WHERE text = $1`, key).Scan(&line))
	return id.Global("BankLine", line)
}

// closed lets the company have one more statement, with a payment on it.
func (w *world) closed(t *testing.T) {
	w.pins++
	exec(t, w.App, `INSERT INTO account_statements (id, brand_id, company_id, closes_on, due_on, currency, opening, sales, payments, other, closing, issued_at)
		SELECT gen_random_uuid(), brand_id, id, date '2015-01-31' + $2::int, date '2100-01-31', 'JPY', 0, 0, 0, 0, 0, now() FROM companies WHERE id = $1`, keyOf(t, w.trade.company), w.pins)
}

// held is a payment by card whose money is held and not taken.
func (w *world) held(t *testing.T) string {
	order, payment := w.paid(t)
	exec(t, w.App, `UPDATE payments SET status = 'AUTHORISED', authorised = amount, captured = 0 WHERE id = $1`, keyOf(t, payment))
	exec(t, w.App, `UPDATE orders SET paid = true WHERE id = $1`, keyOf(t, order))
	return payment
}

// strayed is money that no payment expects, reported for one.
func (w *world) strayed(t *testing.T) string {
	_, paid := w.paid(t)
	stray := id.New()
	exec(t, w.App, `INSERT INTO stray_payments (id, brand_id, gateway, reference, payment_id, amount, currency, cause, state, reported_at)
		SELECT $1, brand_id, 'konbini', $2, id, 100, 'JPY', 'AMOUNT', 'OPEN', now() FROM payments WHERE id = $3`, stray, w.key(), keyOf(t, paid))
	return id.Global("StrayPayment", stray)
}

// giftCard is a gift card with a thousand yen on it.
func (w *world) giftCard(t *testing.T) string {
	w.made(t, "issueGiftCards", "", apptest.Variables{"idempotencyKey": w.key(), "amount": "1000", "paidBy": "CASH"})
	var card uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM gift_cards ORDER BY id DESC LIMIT 1`).Scan(&card))
	return id.Global("GiftCard", card)
}

// onDelivery are terms of cash on delivery that cost nothing.
func onDelivery() apptest.Variables {
	return apptest.Variables{"most": "1000000", "bands": []apptest.Variables{{"fee": "0"}}}
}

func (w *world) fee() apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "kind": "FEE", "memo": "振込手数料", "lines": []apptest.Variables{
		{"account": "FEES", "debit": "330"}, {"account": "BANK", "credit": "330"},
	}}
}

func (w *world) posted(t *testing.T) string { return w.made(t, "postJournalEntry", "entry", w.fee()) }

// reconciled makes as many settlement files, compared reports and differences as lists are
// long.
func (w *world) reconciled(t *testing.T) apptest.Variables {
	t.Helper()
	exec(t, w.App, `INSERT INTO settlement_files (id, brand_id, from_on, to_on, zone, daily, lines, total, currency, made_at, written_by)
		SELECT gen_random_uuid(), (SELECT brand_id FROM channels WHERE code = 'web'), '2026-01-01', '2026-01-31', 'Asia/Tokyo', false, 2, 100, 'JPY', now(), now() FROM generate_series(1, $1)`, w.size)
	exec(t, w.App, `WITH compared AS (
			INSERT INTO gateway_reconciliations (id, brand_id, gateway, from_on, to_on, digest, made_at, rows, agreed, differing, currency, gross, fees, bad_rows)
			SELECT gen_random_uuid(), (SELECT brand_id FROM channels WHERE code = 'web'), 'stripe', '2026-01-01', '2026-01-31', gen_random_uuid()::text, now(), 1, 0, 1, 'JPY', 100, 0, '[]' FROM generate_series(1, $1)
			RETURNING id, brand_id
		)
		INSERT INTO gateway_differences (id, brand_id, reconciliation_id, gateway, made_at, kind, reference, currency, journal, report)
		SELECT gen_random_uuid(), brand_id, id, 'stripe', now(), 'ONLY_IN_REPORT', 'pi_1', 'JPY', 0, 100 FROM compared`, w.size)
	return nil
}
