package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/clock"
)

// desk is an accountant's: files go up under a login.
type desk struct {
	*apptest.App
	headers []string
}

func newDesk(t *testing.T, a *apptest.App) desk {
	t.Helper()
	bearer := employ(t, a, "books@example.jp", access.RoleStaff, access.AccountingRead, access.AccountingWrite).bearer()
	return desk{a, []string{"Authorization", bearer, "X-Noren-CSRF", "1"}}
}

type bankUpload struct {
	Statement *struct {
		ID                      string
		Deposits, Known, Others int
		Errors                  []struct {
			Line                  int
			Column, Value, Reason string
		}
	}
	UserErrors []userError
}

func (d desk) upload(t *testing.T, text string) bankUpload {
	t.Helper()
	var got struct{ UploadBankStatement bankUpload }
	d.Upload(t, `mutation($input: UploadBankStatementInput!) { uploadBankStatement(input: $input) {
		statement { id deposits known others errors { line column value reason } } userErrors { code field message } } }`,
		in(apptest.Variables{"file": nil}), "input.file", apptest.File{Name: "meisai.csv", ContentType: "text/csv", Content: []byte(text)}, d.headers...).Into(t, &got)
	return got.UploadBankStatement
}

type bankLine struct {
	ID, Payer, State, Reason string
	Amount, Matched          struct{ Amount string }
	Allocations              []struct {
		PaymentID, CompanyID *string
		Amount               struct{ Amount string }
		How                  string
	}
}

// lines are the deposits, by the payer's name.
func (d desk) lines(t *testing.T) map[string]bankLine {
	t.Helper()
	var got struct{ BankLines struct{ Nodes []bankLine } }
	d.DoAs(t, bookkeeper, `{ bankLines(first: 100) { nodes { id payer state reason amount { amount } matched { amount } allocations { paymentId companyId amount { amount } how } } } }`, nil).Into(t, &got)
	all := map[string]bankLine{}
	for _, l := range got.BankLines.Nodes {
		all[l.Payer] = l
	}
	return all
}

func (d desk) work(t *testing.T, mutation, input string) string {
	t.Helper()
	if takesKey()[mutation] && !strings.Contains(input, "idempotencyKey") {
		input = aKey() + ", " + input
	}
	var got map[string]struct{ UserErrors []userError }
	d.DoAs(t, bookkeeper, `mutation { `+mutation+`(input: {`+input+`}) { userErrors { code field message } } }`, nil).Into(t, &got)
	if errors := got[mutation].UserErrors; len(errors) > 0 {
		return errors[0].Code + " " + strings.Join(errors[0].Field, ".")
	}
	return ""
}

// match does what the queue would.
func (d desk) match(t *testing.T) {
	t.Helper()
	ch, err := d.App.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	require.NoError(t, d.App.App.Resolvers.Banking.Work(t.Context(), matchAll(ch.BrandID), ch))
}

func TestDepositsFindTheirOrders(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, parcel := a.AddProduct(t, "leash", 1980), a.AddShipping(t, "parcel", 660)
	numbers, orders := []string{}, []string{}
	for i := range 5 {
		s := &shopper{App: a}
		s.add(t, leash.Variants[0], 1)
		s.fillIn(t, parcel)
		placed := s.place(t, fmt.Sprintf("intent-%d", i), "2640")
		require.Empty(t, placed.UserErrors)
		numbers, orders = append(numbers, strings.ReplaceAll(placed.Order.Number, "-", "")), append(orders, placed.Order.ID)
	}
	for i, kana := range []string{"ヤマダ ハナコ", "サトウ イチロウ", "スズキ ジロウ", "スズキ ジロウ", "タナカ サブロウ"} {
		exec(t, a, `UPDATE orders SET shipping_address = '`+inClear+`' || jsonb_build_object('kana', $2::text) WHERE id = $1`, keyOf(t, orders[i]), kana)
	}
	d := newDesk(t, a)
	file := "日付,摘要,入金額\n" +
		"2026/01/20," + numbers[0] + " ﾔﾏﾀﾞ,2640\n" + // by the reference
		"2026/01/20,ｻﾄｳ ｲﾁﾛｳ,2640\n" + // by name and amount
		"2026/01/20,ｽｽﾞｷ ｼﾞﾛｳ,2640\n" + // two could be meant
		"2026/01/20," + numbers[4] + " ﾀﾅｶ,2000\n" + // short
		"2026/01/21,ﾅｿﾞﾉ ﾋﾄ,999\n" + // nobody knows
		"2026/01/21,ｻﾄｳ,abc\n"
	up := d.upload(t, file)
	require.Empty(t, up.UserErrors)
	require.Equal(t, 5, up.Statement.Deposits)
	require.Len(t, up.Statement.Errors, 1)
	require.Equal(t, 7, up.Statement.Errors[0].Line)
	require.Equal(t, "入金額", up.Statement.Errors[0].Column)
	require.Equal(t, up.Statement.ID, d.upload(t, file).Statement.ID, "the same file counts once")
	more := d.upload(t, file+"2026/01/22,ﾔﾏﾀﾞ ﾊﾅｺ,10\n")
	require.Equal(t, 5, more.Statement.Known, "and the same row in another file")
	d.match(t)
	d.match(t)

	lines := d.lines(t)
	require.Len(t, lines, 6)
	require.Equal(t, "REFERENCE", lines[numbers[0]+" ﾔﾏﾀﾞ"].Allocations[0].How)
	require.Equal(t, "NAME", lines["ｻﾄｳ ｲﾁﾛｳ"].Allocations[0].How)
	for _, open := range []string{"ｽｽﾞｷ ｼﾞﾛｳ", "ﾅｿﾞﾉ ﾋﾄ", "ﾔﾏﾀﾞ ﾊﾅｺ"} {
		require.Equal(t, "OPEN", lines[open].State, open)
	}
	status := func(i int) string {
		var got struct{ Order struct{ Status string } }
		a.DoAs(t, cashier, `query($o: ID!) { order(id: $o) { status } }`, apptest.Variables{"o": orders[i]}).Into(t, &got)
		return got.Order.Status
	}
	require.Equal(t, []string{"CONFIRMED", "CONFIRMED", "PENDING_PAYMENT", "PENDING_PAYMENT", "PENDING_PAYMENT"}, []string{status(0), status(1), status(2), status(3), status(4)})
	require.Equal(t, "7280", trialBalance(t, a)["BANK"], "recorded as transfers are")

	suzuki, unknown := lines["ｽｽﾞｷ ｼﾞﾛｳ"].ID, lines["ﾅｿﾞﾉ ﾋﾄ"].ID
	var hints struct{ BankLineSuggestions []struct{ PaymentID *string } }
	a.DoAs(t, bookkeeper, `query($l: ID!) { bankLineSuggestions(lineId: $l) { paymentId } }`, apptest.Variables{"l": suzuki}).Into(t, &hints)
	require.Len(t, hints.BankLineSuggestions, 2)
	first, second := *hints.BankLineSuggestions[0].PaymentID, *hints.BankLineSuggestions[1].PaymentID
	parts := func(a, b string) string {
		return fmt.Sprintf(`idempotencyKey: "split-key-%s-%s", lineId: "%s", parts: [{paymentId: "%s", amount: "%s"}, {paymentId: "%s", amount: "%s"}]`, a, b, suzuki, first, a, second, b)
	}
	require.Equal(t, "BANK_LINE_EXCEEDED parts", d.work(t, "allocateBankLine", parts("2640", "1")))
	require.Equal(t, "AMOUNT_INVALID parts.1.amount", d.work(t, "allocateBankLine", parts("2640", "0")))
	require.Equal(t, "BANK_LINE_TARGET parts.0", d.work(t, "allocateBankLine", `idempotencyKey: "split-key-0", lineId: "`+suzuki+`", parts: [{amount: "1"}]`))
	require.Empty(t, d.work(t, "allocateBankLine", parts("2600", "40")))
	require.Empty(t, d.work(t, "allocateBankLine", parts("2600", "40")), "the same key pays once")
	require.Equal(t, "BANK_LINE_SETTLED lineId", d.work(t, "allocateBankLine", parts("1", "1")))
	require.Equal(t, "MATCHED", d.lines(t)["ｽｽﾞｷ ｼﾞﾛｳ"].State)
	require.Equal(t, "9920", trialBalance(t, a)["BANK"])

	require.Equal(t, "REQUIRED reason", d.work(t, "settleBankLine", `lineId: "`+unknown+`", state: RETURNED`))
	require.Equal(t, "INVALID state", d.work(t, "settleBankLine", `lineId: "`+unknown+`", state: MATCHED, reason: "x"`))
	require.Empty(t, d.work(t, "settleBankLine", `lineId: "`+unknown+`", state: RETURNED, reason: "誤振込のため組戻し"`))
	require.Equal(t, "BANK_LINE_SETTLED lineId", d.work(t, "settleBankLine", `lineId: "`+suzuki+`", state: IGNORED, reason: "x"`))
	require.Equal(t, "誤振込のため組戻し", d.lines(t)["ﾅｿﾞﾉ ﾋﾄ"].Reason)
	require.Equal(t, "FILE_UNREADABLE", d.upload(t, "a,b\n1,2\n").UserErrors[0].Code)
	require.NotEmpty(t, a.DoAs(t, cashier, `{ bankLines { totalCount } }`, nil).Errors)
}

func TestAccountsAreClosedByTheMonth(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "20000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	books := w.buyer(t, "keiri@example.jp", "ACCOUNTANT", nil)
	d, staff := newDesk(t, w.App), counter{w.App, seller}
	shipped := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order
	staff.ship(t, shipped.ID)
	require.Empty(t, kaede.order(t, "intent-2", "ON_ACCOUNT", 4).UserErrors) // not shipped: not on the statement, but it takes credit
	require.Equal(t, "3000", trialBalance(t, w.App)["RECEIVABLE"])
	require.Equal(t, 7000, w.owed(t))

	at := func(now clock.Clock) *billing.Service {
		parts := w.App.App.Resolvers.Billing.Parts
		parts.Now = now
		return billing.New(parts)
	}
	after := func(days int) *billing.Service {
		return at(func() time.Time { return time.Now().AddDate(0, 0, days) })
	}
	type statement struct {
		ClosesOn, DueOn                                     string
		Opening, Sales, Payments, Other, Closing, Remaining struct{ Amount string }
		Lines                                               []struct{ Kind string }
	}
	const fields = `nodes { closesOn dueOn opening { amount } sales { amount } payments { amount } other { amount } closing { amount } remaining { amount } lines { kind } }`
	statements := func() []statement {
		var got struct{ AccountStatements struct{ Nodes []statement } }
		w.DoAs(t, bookkeeper, `{ accountStatements { `+fields+` } }`, nil).Into(t, &got)
		return got.AccountStatements.Nodes
	}
	require.Empty(t, d.work(t, "closeAccounts", ""))
	require.Empty(t, statements(), "the month is not over")
	require.NoError(t, at(nextMonth).Run(t.Context()))
	require.NoError(t, at(nextMonth).Run(t.Context()), "again: what is closed stays")
	made := statements()
	require.Len(t, made, 1)
	require.Equal(t, []string{"0", "3000", "0", "0", "3000", "3000"}, amounts(made[0].Opening.Amount, made[0].Sales.Amount, made[0].Payments.Amount, made[0].Other.Amount, made[0].Closing.Amount, made[0].Remaining.Amount))
	require.Len(t, made[0].Lines, 1)
	var mine struct{ MyAccountStatements struct{ Nodes []statement } }
	books.do(t, `{ myAccountStatements { `+fields+` } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyAccountStatements.Nodes, 1)
	kaede.do(t, `{ myAccountStatements { `+fields+` } }`, nil).Into(t, &mine)
	require.Empty(t, mine.MyAccountStatements.Nodes, "who only orders does not see what is owed")

	// Half of it comes in by bank, matched by the company's code; what is left is late.
	require.Empty(t, d.upload(t, "日付,摘要,入金額\n2026/01/20,C001 ﾌｸﾌｸ,1000\n").UserErrors)
	d.match(t)
	require.Equal(t, "MATCHED", d.lines(t)["C001 ﾌｸﾌｸ"].State)
	require.Equal(t, 6000, w.owed(t))
	require.Equal(t, "2000", statements()[0].Remaining.Amount)

	w.Work(t)
	reminders := func() (n int) {
		for _, mail := range w.App.App.Mailbox.To("keiri@example.jp") {
			if strings.Contains(mail.Subject, "お支払期日を過ぎた") {
				n++
			}
		}
		return n
	}
	overdue := func(days int) []billing.Overdue {
		all, err := after(days).Store.Overdue(t.Context(), nil, time.Now().AddDate(0, 0, days))
		require.NoError(t, err)
		return all
	}
	due, err := time.Parse(time.DateOnly, made[0].DueOn)
	require.NoError(t, err)
	toDue := int(time.Until(due).Hours() / 24)
	require.NoError(t, after(toDue+9).Run(t.Context()))
	require.NoError(t, after(toDue+9).Run(t.Context()))
	require.Eventually(t, func() bool { return reminders() == 1 }, 3*time.Minute, 20*time.Millisecond, "once for each level")
	late := overdue(toDue + 9)
	require.Len(t, late, 1)
	require.Equal(t, int64(2000), late[0].AmountMinor)
	require.Equal(t, 1, late[0].Level)
	require.Empty(t, d.work(t, "holdDunning", `companyId: "`+w.company+`", until: "2099-01-01", note: "分割払いの相談中"`))
	require.NoError(t, after(toDue+16).Run(t.Context()))
	require.Equal(t, 1, overdue(toDue + 16)[0].Level, "nobody is reminded while it is held")
	require.Empty(t, d.work(t, "holdDunning", `companyId: "`+w.company+`"`))
	require.NoError(t, after(toDue+16).Run(t.Context()))
	require.Equal(t, 2, overdue(toDue + 16)[0].Level)

	require.Equal(t, "WRITE_OFF_EXCEEDS_DEBT amount", d.work(t, "writeOffAccount", `idempotencyKey: "write-off-0", companyId: "`+w.company+`", amount: "6001", reason: "倒産"`))
	require.Empty(t, d.work(t, "writeOffAccount", `idempotencyKey: "write-off-1", companyId: "`+w.company+`", amount: "2000", reason: "倒産"`))
	require.Equal(t, 4000, w.owed(t))
	require.Empty(t, overdue(toDue+16), "nothing is late any more")
	balance := trialBalance(t, w.App)
	require.Equal(t, []string{"0", "2000", "1000"}, amounts(balance["RECEIVABLE"], balance["BAD_DEBTS"], balance["BANK"]))
	require.NotEmpty(t, w.DoAs(t, seller, `{ accountStatements { totalCount } }`, nil).Errors)
}

func amounts(all ...string) []string { return all }

// nextMonth is its second day in Japan: one month is over then, never two.
func nextMonth() time.Time {
	japan := time.FixedZone("JST", 9*60*60)
	now := time.Now().In(japan)
	return time.Date(now.Year(), now.Month()+1, 2, 0, 0, 0, 0, japan)
}

func TestClosingTwiceAtOnceMakesOneStatement(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "20000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil), counter{w.App, seller}
	shipped := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order
	staff.ship(t, shipped.ID)
	parts := w.App.App.Resolvers.Billing.Parts
	parts.Now = nextMonth
	later := billing.New(parts)
	failures := make(chan error, 8)
	for range cap(failures) {
		go func() { failures <- later.Run(t.Context()) }()
	}
	for range cap(failures) {
		require.NoError(t, <-failures)
	}
	var n, lines int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM account_statements), (SELECT count(*) FROM account_statement_entries)`).Scan(&n, &lines))
	require.Equal(t, []int{1, 1}, []int{n, lines})
}

// A bank that gives both directions in one column, as it writes its files.
func TestWithdrawalsAreNotBookedAsDeposits(t *testing.T) {
	t.Parallel()
	d := newDesk(t, apptest.Start(t))
	file := "データ区分,勘定日,入払区分,取引金額,振込依頼人名\r\n1,,,,\r\n" +
		"2,080120,1,2640,ﾔﾏﾀﾞ ﾊﾅｺ\r\n2,080120,2,330,振込手数料\r\n2,080121,支払,9000,家賃\r\n2,080121,他,500,ｽｽﾞｷ\r\n8,,,,\r\n9,,,,\r\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(file)
	require.NoError(t, err)
	up := d.upload(t, sjis)
	require.Empty(t, up.UserErrors)
	require.Equal(t, []int{1, 5, 1}, []int{up.Statement.Deposits, up.Statement.Others, len(up.Statement.Errors)})
	require.Equal(t, []string{"入払区分", "他"}, []string{up.Statement.Errors[0].Column, up.Statement.Errors[0].Value})
	all := d.lines(t)
	require.Len(t, all, 1)
	require.Equal(t, "2640", all["ﾔﾏﾀﾞ ﾊﾅｺ"].Amount.Amount)

	require.Empty(t, d.work(t, "saveBankProfile", `code: "kita", heading: false, date: "1", deposit: "3", payer: "4", direction: "2"`))
	var kept struct {
		BankProfiles []struct{ Code, Direction string }
	}
	d.DoAs(t, bookkeeper, `{ bankProfiles { code direction } }`, nil).Into(t, &kept)
	require.Equal(t, "2", kept.BankProfiles[0].Direction)
	require.Equal(t, "INVALID direction", d.work(t, "saveBankProfile", `code: "kita", heading: false, date: "1", deposit: "3", payer: "4", direction: "入払区分"`))
}

func TestANoticeOfFixedLengthPaysItsOrders(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, parcel := a.AddProduct(t, "leash", 1980), a.AddShipping(t, "parcel", 660)
	s := &shopper{App: a}
	s.add(t, leash.Variants[0], 1)
	s.fillIn(t, parcel)
	placed := s.place(t, "intent-1", "2640")
	require.Empty(t, placed.UserErrors)
	d := newDesk(t, a)
	transfer := func(amount, payer, remark string) string {
		return fmt.Sprintf("2000001081124081124%s0000000000%010d%-48s%-30s0%-20s%52s", amount, 0, payer, "", remark, "")
	}
	file := strings.Join([]string{
		fmt.Sprintf("%-200s", "1010081124081124081124"),
		transfer("0000002640", "YAMADA HANAKO", strings.ReplaceAll(placed.Order.Number, "-", "")),
		transfer("00000XXXXX", "SATO", ""),
		fmt.Sprintf("%-200s", "8000002000000002640000000000000000000"),
		fmt.Sprintf("%-200s", "9"),
	}, "\r\n")
	up := d.upload(t, file)
	require.Empty(t, up.UserErrors)
	require.Equal(t, 1, up.Statement.Deposits)
	require.Equal(t, []any{3, "金額", "00000XXXXX"}, []any{up.Statement.Errors[0].Line, up.Statement.Errors[0].Column, up.Statement.Errors[0].Value})
	d.match(t)
	require.Equal(t, "MATCHED", d.lines(t)["YAMADA HANAKO"].State)
	refused := d.upload(t, fmt.Sprintf("%-120s", "1210123456789"))
	require.Equal(t, "FILE_UNREADABLE", refused.UserErrors[0].Code)
}
