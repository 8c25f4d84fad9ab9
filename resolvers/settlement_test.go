package resolvers_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/banking"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/sheet"
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
	n, err := a.App.Resolvers.Ledger.Export(ctx, ledger.Days{From: from, To: to}, sheet.UTF8, &whole)
	require.NoError(t, err)
	require.Equal(t, 2406, n)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(whole.String(), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2407)
	require.Equal(t, "勘定科目", rows[0][4])
	require.Equal(t, []string{"FEES", "支払手数料", "", "100", ""}, rows[2401][3:8])
	require.Equal(t, "'=手数料 ①鮭🐟", rows[2401][12], "no formula")

	_, err = a.App.Resolvers.Ledger.Export(ctx, ledger.Days{From: from, To: to}, sheet.CP932, &sjis)
	require.NoError(t, err)
	back, err := japanese.ShiftJIS.NewDecoder().Bytes(sjis.Bytes())
	require.NoError(t, err)
	require.Equal(t, strings.ReplaceAll(strings.TrimPrefix(whole.String(), "\ufeff"), "🐟", "〓"), string(back))

	empty, errors := settle(t, a, from, to)
	require.Empty(t, errors)
	require.Zero(t, empty.Lines, "what was written down just now may not be committed yet")
	exec(t, a, `ALTER TABLE journal_entries DISABLE TRIGGER journal_entries_kept`)
	exec(t, a, `UPDATE journal_entries SET posted_at = posted_at - interval '6 minutes'`)
	exec(t, a, `ALTER TABLE journal_entries ENABLE TRIGGER journal_entries_kept`)
	const post = `WITH e AS (
			INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency)
			SELECT gen_random_uuid(), id, now() - interval '1 hour', now() + $1::interval, 'FEE', $1, 'JPY' FROM brands WHERE id = (SELECT brand_id FROM channels WHERE code = 'web') RETURNING id
		) INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, p, CASE p WHEN 0 THEN 'FEES' ELSE 'BANK' END, 1 - p, p FROM e, generate_series(0, 1) p`
	flight, err := a.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = flight.Exec(t.Context(), post, "0 seconds")
	require.NoError(t, err)
	file, errors := settle(t, a, from, to)
	require.Empty(t, errors)
	require.Equal(t, []any{2406, "1500", false}, []any{file.Lines, file.Total.Amount, file.Daily})
	require.Equal(t, whole.String(), fetch(t, a, file.UTF8))
	require.Equal(t, sjis.String(), fetch(t, a, file.CP932))
	require.NoError(t, flight.Commit(t.Context()))
	exec(t, a, post, "1 hour")
	require.Equal(t, whole.String(), fetch(t, a, file.UTF8), "what is written down later, or was in flight, is not in it")

	_, errors = settle(t, a, to, from)
	require.Equal(t, "INVALID", errors[0].Code)
	for _, bad := range []string{strings.Replace(file.UTF8, "signature=", "signature=x", 1), strings.Replace(file.UTF8, "expires=", "expires=9", 1)} {
		r, err := http.Get(a.URL + bad[strings.Index(bad, ledger.LinkPath):]) //nolint:noctx // a test's own server
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, http.StatusForbidden, r.StatusCode)
	}
	_, err = a.App.Resolvers.Ledger.Export(channel.With(access.With(t.Context(), cashier), ch), ledger.Days{From: from, To: to}, sheet.UTF8, &whole)
	require.Error(t, err)
}

type settled struct {
	ID, From, To, UTF8, CP932 string
	Daily                     bool
	Lines                     int
	Total                     struct{ Amount string }
}

const settledFields = `id from to daily lines total { amount } utf8: url cp932: url(encoding: CP932)`

func settle(t *testing.T, a *apptest.App, from, to time.Time) (*settled, []userError) {
	t.Helper()
	var got struct {
		MakeSettlementFile struct {
			File       *settled
			UserErrors []userError
		}
	}
	a.DoAs(t, bookkeeper, `mutation($input: MakeSettlementFileInput!) { makeSettlementFile(input: $input) { file { `+settledFields+` } userErrors { code } } }`,
		in(apptest.Variables{"from": from.Format(time.DateOnly), "to": to.Format(time.DateOnly)})).Into(t, &got)
	return got.MakeSettlementFile.File, got.MakeSettlementFile.UserErrors
}

func fetch(t *testing.T, a *apptest.App, link string) string {
	t.Helper()
	r, err := http.Get(a.URL + link[strings.Index(link, ledger.LinkPath):]) //nolint:noctx // a test's own server
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	require.Equal(t, http.StatusOK, r.StatusCode)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(text)
}

func TestEachDayHasItsSettlementFile(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx := channel.With(access.With(t.Context(), access.System), ch)
	post := func(source, moved, written string) {
		exec(t, a, `WITH e AS (INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency) VALUES (gen_random_uuid(), $1, $3, $4, 'FEE', $2, 'JPY') RETURNING id)
			INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, p, CASE p WHEN 0 THEN 'FEES' ELSE 'BANK' END, 100 * (1 - p), 100 * p FROM e, generate_series(0, 1) p`, ch.BrandID, source, moved, written)
	}
	post("in-time", "2026-03-10T10:00:00+09:00", "2026-03-10T10:00:00+09:00")
	post("late", "2026-03-09T10:00:00+09:00", "2026-03-11T23:59:59+09:00")
	run := func(now string) {
		t.Helper()
		at, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		require.NoError(t, app.NewLedger(a.DB, nil, nil, func() time.Time { return at }).Settle(ctx))
	}
	files := func() []settled {
		t.Helper()
		var got struct{ SettlementFiles struct{ Nodes []settled } }
		a.DoAs(t, bookkeeper, `{ settlementFiles(daily: true) { nodes { `+settledFields+` } } }`, nil).Into(t, &got)
		return got.SettlementFiles.Nodes
	}
	run("2026-03-11T01:30:00+09:00")
	run("2026-03-11T02:30:00+09:00") // nothing to do
	require.Len(t, files(), 1)
	run("2026-03-13T00:30:00+09:00") // the 12th is not closed yet
	all := files()
	require.Len(t, all, 2)
	require.Equal(t, []any{"2026-03-11", "2026-03-11", 2, "100"}, []any{all[0].From, all[0].To, all[0].Lines, all[0].Total.Amount}, "what was written down late is in the file of the day of that")
	require.Equal(t, []any{"2026-03-10", 2}, []any{all[1].From, all[1].Lines})
	require.Contains(t, fetch(t, a, all[0].UTF8), "2026-03-09,", "on the day on which it moved")
	settled, _ := settle(t, a, time.Now(), time.Now())
	require.Len(t, files(), 2, "those that were asked for are not those of days")
	require.NotNil(t, settled)
	require.NotEmpty(t, a.DoAs(t, cashier, `{ settlementFiles { nodes { id } } }`, nil).Errors)
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
		ID                            string
		Rows, Agreed, Differing, Open int
		Gross, Fees                   struct{ Amount string }
		BadRows                       []struct{ Line int }
		FeeEntryID                    *string
	}
	const fields = `id rows agreed differing open gross { amount } fees { amount } badRows { line } feeEntryId`
	reconcile := func(text string, book bool) (reconciliation, []userError) {
		t.Helper()
		var got struct {
			ReconcileGateway struct {
				Reconciliation *reconciliation
				UserErrors     []userError
			}
		}
		d.Upload(t, `mutation($input: ReconcileGatewayInput!) { reconcileGateway(input: $input) { reconciliation { `+fields+` } userErrors { code field message } } }`,
			in(apptest.Variables{"file": nil, "gateway": "stripe", "from": today.AddDate(0, 0, -2).Format(time.DateOnly), "to": today.AddDate(0, 0, 2).Format(time.DateOnly), "bookFees": book}),
			"input.file", apptest.File{Name: "report.csv", ContentType: "text/csv", Content: []byte(text)}, d.headers...).Into(t, &got)
		if got.ReconcileGateway.Reconciliation == nil {
			return reconciliation{}, got.ReconcileGateway.UserErrors
		}
		return *got.ReconcileGateway.Reconciliation, nil
	}
	type difference struct {
		ID, Kind, Reference, Note string
		Journal, Report           struct{ Amount string }
		ResolvedBy                *string
	}
	differences := func(filter string) []difference {
		t.Helper()
		var got struct {
			GatewayDifferences struct{ Nodes []difference }
		}
		s.DoAs(t, bookkeeper, `{ gatewayDifferences(filter: {`+filter+`}) { nodes { id kind reference note journal { amount } report { amount } resolvedBy } } }`, nil).Into(t, &got)
		return got.GatewayDifferences.Nodes
	}

	const report = "payment_intent_id,reporting_category,gross,fee\npi_1,charge,2640,95\n,payout,-2545,0\n"
	agreed, _ := reconcile(report, false)
	require.Equal(t, []int{1, 1, 0}, []int{agreed.Rows, agreed.Agreed, agreed.Differing})
	require.Nil(t, agreed.FeeEntryID)
	_, known := reconcile(report, false)
	require.Equal(t, []string{"GATEWAY_REPORT_KNOWN", "file"}, []string{known[0].Code, strings.Join(known[0].Field, ".")})
	require.Contains(t, known[0].Message, today.Format("2006-"), "it says when")
	booked, _ := reconcile(report, true)
	require.Equal(t, agreed.ID, booked.ID, "its fees may be booked later")
	require.NotNil(t, booked.FeeEntryID)
	_, known = reconcile(report, true)
	require.Equal(t, "GATEWAY_REPORT_KNOWN", known[0].Code, "once")
	require.Equal(t, "95", trialBalance(t, s.App)["FEES"])
	require.Equal(t, "2545", trialBalance(t, s.App)["CLEARINGstripe"])
	require.Empty(t, differences(``))

	found, _ := reconcile("決済番号,金額\npi_1,2600\npi_9,100\npi_8,x\n", false)
	require.Equal(t, []int{2, 2}, []int{found.Differing, found.Open})
	require.Equal(t, 4, found.BadRows[0].Line)
	kept := map[string]difference{}
	for _, d := range differences(`reconciliationId: "` + found.ID + `", open: true, gateway: "stripe"`) {
		kept[d.Reference] = d
	}
	require.Equal(t, []string{"OTHER_AMOUNT", "2640", "2600"}, []string{kept["pi_1"].Kind, kept["pi_1"].Journal.Amount, kept["pi_1"].Report.Amount})
	require.Equal(t, "ONLY_IN_REPORT", kept["pi_9"].Kind, "a payment that nobody knows")
	missing, _ := reconcile("決済番号,金額\npi_9,100\n", false)
	of := map[string]string{}
	for _, d := range differences(`reconciliationId: "` + missing.ID + `"`) {
		of[d.Reference] = d.Kind
	}
	require.Equal(t, map[string]string{"pi_1": "ONLY_IN_JOURNAL", "pi_9": "ONLY_IN_REPORT"}, of)
	_, errors := reconcile("a,b\n", false)
	require.Equal(t, "FILE_UNREADABLE", errors[0].Code)

	resolve := func(id, note string) []writeError {
		t.Helper()
		return write(t, s.App, bookkeeper, "resolveGatewayDifference", "ResolveGatewayDifferenceInput", "difference { id note }", apptest.Variables{"differenceId": id, "note": note}, nil)
	}
	for code, input := range map[string][2]string{
		"REQUIRED": {kept["pi_9"].ID, ""}, "TOO_LONG": {kept["pi_9"].ID, strings.Repeat("長", 501)}, "NOT_FOUND": {globalID("GatewayDifference", uuid.New()), "確認済み"},
	} {
		require.Equal(t, code, resolve(input[0], input[1])[0].Code)
	}
	require.Empty(t, resolve(kept["pi_9"].ID, "他店の決済。先方へ連絡済み"))
	require.Equal(t, "GATEWAY_DIFFERENCE_RESOLVED", resolve(kept["pi_9"].ID, "もう一度")[0].Code)
	require.Len(t, differences(`reconciliationId: "`+found.ID+`", open: true`), 1)
	done := differences(`open: false`)
	require.Equal(t, []string{"pi_9", "他店の決済。先方へ連絡済み", globalID("Account", bookkeeper.ID)}, []string{done[0].Reference, done[0].Note, *done[0].ResolvedBy})
	var listed struct {
		GatewayReconciliations struct{ Nodes []reconciliation }
	}
	s.DoAs(t, bookkeeper, `{ gatewayReconciliations(gateway: "stripe") { nodes { `+fields+` } } }`, nil).Into(t, &listed)
	require.Equal(t, []string{missing.ID, found.ID, agreed.ID}, []string{listed.GatewayReconciliations.Nodes[0].ID, listed.GatewayReconciliations.Nodes[1].ID, listed.GatewayReconciliations.Nodes[2].ID})
	require.Equal(t, []int{2, 1}, []int{listed.GatewayReconciliations.Nodes[1].Differing, listed.GatewayReconciliations.Nodes[1].Open})
	require.NotEmpty(t, s.DoAs(t, cashier, `{ gatewayDifferences { nodes { id } } }`, nil).Errors)
}

func TestFeesAreBookedOnceForEachDay(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	d := newDesk(t, s.App)
	book := func(gateway, from, to, text string, fees bool) (entry string, code string) {
		t.Helper()
		var got struct {
			ReconcileGateway struct {
				Reconciliation *struct{ FeeEntryID *string }
				UserErrors     []userError
			}
		}
		d.Upload(t, `mutation($input: ReconcileGatewayInput!) { reconcileGateway(input: $input) { reconciliation { feeEntryId } userErrors { code field message } } }`,
			in(apptest.Variables{"file": nil, "gateway": gateway, "from": from, "to": to, "bookFees": fees}),
			"input.file", apptest.File{Name: "report.csv", ContentType: "text/csv", Content: []byte("reference,gross,fee\n" + text)}, d.headers...).Into(t, &got)
		if errors := got.ReconcileGateway.UserErrors; len(errors) > 0 {
			return "", errors[0].Code + " " + strings.Join(errors[0].Field, ".")
		}
		if made := got.ReconcileGateway.Reconciliation.FeeEntryID; made != nil {
			entry = *made
		}
		return entry, ""
	}
	for _, unknown := range []string{"strype", "bank_transfer"} {
		_, code := book(unknown, "2026-01-01", "2026-01-31", "pi_1,100,3\n", true)
		require.Equal(t, "GATEWAY_UNKNOWN gateway", code)
	}
	_, code := book("stripe", "2026-01-01", "2026-01-31", "pi_1,100,3\npi_2,x,4\n", true)
	require.Equal(t, "GATEWAY_REPORT_BAD_ROWS bookFees", code)
	_, code = book("stripe", "2026-01-01", "2026-01-31", "pi_1,100,3\npi_2,x,4\n", false)
	require.Empty(t, code, "to see which")
	entry, code := book("stripe", "2026-01-01", "2026-01-31", "pi_1,100,3\npi_2,100,4\n", true)
	require.Empty(t, code)
	require.Equal(t, "7", trialBalance(t, s.App)["FEES"])

	for _, days := range [][2]string{{"2026-01-01", "2026-01-31"}, {"2026-01-31", "2026-02-28"}} {
		_, code = book("stripe", days[0], days[1], "pi_1,100,3\npi_2,100,5\n"+days[0]+",0,0\n", true)
		require.Equal(t, "GATEWAY_FEES_BOOKED bookFees", code, days)
	}
	_, code = book("card_terminal", "2026-01-01", "2026-01-31", "pi_1,100,1\n", true)
	require.Empty(t, code, "another gateway")
	_, code = book("stripe", "2026-02-01", "2026-02-28", "pi_3,100,2\n", true)
	require.Empty(t, code, "other days")
	require.Equal(t, "10", trialBalance(t, s.App)["FEES"])

	require.Empty(t, d.work(t, "reverseJournalEntry", `idempotencyKey: "reverse-1", entryId: "`+entry+`", reason: "訂正"`))
	_, code = book("stripe", "2026-01-01", "2026-01-31", "pi_1,100,3\npi_2,100,5\n", true)
	require.Empty(t, code, "what was reversed may be corrected")
	require.Equal(t, "11", trialBalance(t, s.App)["FEES"])
}
