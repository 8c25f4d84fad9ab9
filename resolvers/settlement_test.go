package resolvers_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/ledger"
)

func matchAll(brandID uuid.UUID) banking.MatchJob { return banking.MatchJob{BrandID: brandID} }

func TestSettlementFileHasEveryLine(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for i := range 3 {
		require.Empty(t, newDesk0(a).work(t, "postJournalEntry", `idempotencyKey: "settle-key-`+string(rune('0'+i))+`", kind: FEE, memo: "=手数料 ①鮭🐟", lines: [{account: FEES, debit: "100"}, {account: BANK, credit: "100"}]`))
	}
	exec(t, a, `INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency) SELECT gen_random_uuid(), id, now() - n * interval '1 minute', now(), 'FEE', 'test:' || n, 'JPY' FROM brands, generate_series(1, 1200) n WHERE id = (SELECT brand_id FROM channels WHERE code = 'web')`)
	exec(t, a, `INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, p, CASE p WHEN 0 THEN 'FEES' ELSE 'BANK' END, 1 - p, p FROM journal_entries, generate_series(0, 1) p WHERE source LIKE 'test:%'`)
	from, to := time.Now().AddDate(0, 0, -3), time.Now().AddDate(0, 0, 1)

	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx := channel.With(access.With(t.Context(), bookkeeper), ch)
	var whole, sjis bytes.Buffer
	n, err := a.App.Resolvers.Ledger.Export(ctx, ledger.Days{From: from, To: to}, ledger.UTF8, &whole)
	require.NoError(t, err)
	require.Equal(t, 2406, n)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(whole.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2407)
	require.Equal(t, "勘定科目", rows[0][4])
	require.Equal(t, []string{"FEES", "支払手数料", "", "100", ""}, rows[2401][3:8])
	require.Equal(t, "'=手数料 ①鮭🐟", rows[2401][12], "no formula")

	_, err = a.App.Resolvers.Ledger.Export(ctx, ledger.Days{From: from, To: to}, ledger.CP932, &sjis)
	require.NoError(t, err)
	back, err := japanese.ShiftJIS.NewDecoder().Bytes(sjis.Bytes())
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(strings.TrimPrefix(whole.String(), "\ufeff"), "🐟", "〓"), string(back))

	var parts strings.Builder
	after, fetched := "", 0
	for {
		var got struct{ SettlementFile struct{ Text, Next string } }
		a.DoAs(t, bookkeeper, `query($f: Date!, $t: Date!, $a: String!) { settlementFile(from: $f, to: $t, after: $a) { text next } }`,
			apptest.Variables{"f": from.Format(time.DateOnly), "t": to.Format(time.DateOnly), "a": after}).Into(t, &got)
		parts.WriteString(got.SettlementFile.Text)
		fetched++
		if after = got.SettlementFile.Next; after == "" {
			break
		}
	}
	require.Equal(t, 2, fetched)
	require.Equal(t, strings.TrimPrefix(whole.String(), "\ufeff"), parts.String(), "the parts are the whole")
	for _, bad := range []string{`from: "2026-02-01", to: "2026-01-01"`, `from: "2026-01-01", to: "2026-02-01", after: "x"`} {
		require.NotEmpty(t, a.DoAs(t, bookkeeper, `{ settlementFile(`+bad+`) { text } }`, nil).Errors)
	}
	_, err = a.App.Resolvers.Ledger.Export(channel.With(access.With(t.Context(), cashier), ch), ledger.Days{From: from, To: to}, ledger.UTF8, &whole)
	require.Error(t, err)
}

// newDesk0 is an accountant's desk to which no files are sent.
func newDesk0(a *apptest.App) desk { return desk{App: a} }

func TestGatewaysReportIsComparedWithTheJournal(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	d := newDesk(t, s.App)
	today := time.Now()
	type reconciliation struct {
		Rows, Agreed int
		Gross, Fees  struct{ Amount string }
		Differences  []struct {
			Kind, Reference string
			Journal, Report struct{ Amount string }
		}
		BadRows    []struct{ Line int }
		FeeEntryID *string
	}
	reconcile := func(text string, book bool) (reconciliation, []userError) {
		t.Helper()
		var got struct {
			ReconcileGateway struct {
				Reconciliation *reconciliation
				UserErrors     []userError
			}
		}
		d.Upload(t, `mutation($input: ReconcileGatewayInput!) { reconcileGateway(input: $input) { reconciliation {
			rows agreed gross { amount } fees { amount } differences { kind reference journal { amount } report { amount } } badRows { line } feeEntryId } userErrors { code } } }`,
			in(apptest.Variables{"file": nil, "gateway": "stripe", "from": today.AddDate(0, 0, -2).Format(time.DateOnly), "to": today.AddDate(0, 0, 2).Format(time.DateOnly), "bookFees": book}),
			"input.file", apptest.File{Name: "report.csv", ContentType: "text/csv", Content: []byte(text)}, d.headers...).Into(t, &got)
		if got.ReconcileGateway.Reconciliation == nil {
			return reconciliation{}, got.ReconcileGateway.UserErrors
		}
		return *got.ReconcileGateway.Reconciliation, nil
	}
	const report = "payment_intent_id,reporting_category,gross,fee\npi_1,charge,2640,95\n,payout,-2545,0\n"
	agreed, _ := reconcile(report, true)
	require.Equal(t, 1, agreed.Agreed)
	require.Empty(t, agreed.Differences)
	require.NotNil(t, agreed.FeeEntryID)
	again, _ := reconcile(report, true)
	require.Equal(t, agreed.FeeEntryID, again.FeeEntryID, "the fees of a file are booked once")
	require.Equal(t, "95", trialBalance(t, s.App)["FEES"])
	require.Equal(t, "2545", trialBalance(t, s.App)["CLEARINGstripe"])

	found, _ := reconcile("決済番号,金額\npi_1,2600\npi_9,100\npi_8,x\n", false)
	require.Equal(t, "OTHER_AMOUNT", found.Differences[0].Kind)
	require.Equal(t, "2640", found.Differences[0].Journal.Amount)
	require.Equal(t, "ONLY_IN_REPORT", found.Differences[1].Kind)
	require.Equal(t, 4, found.BadRows[0].Line)
	missing, _ := reconcile("決済番号,金額\npi_9,100\n", false)
	require.Equal(t, "ONLY_IN_JOURNAL", missing.Differences[0].Kind)
	_, errors := reconcile("a,b\n", false)
	require.Equal(t, "FILE_UNREADABLE", errors[0].Code)
}
