package resolvers_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var bookkeeper = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.AccountingRead, access.AccountingWrite}}

type journalEntry struct {
	ID, Kind, Reference, Memo string
	OrderID                   *string
	Lines                     []struct {
		Account, Name, Sub string
		Debit, Credit      struct{ Amount string }
	}
}

// lines are the entry's as "+" debits and "-" credits.
func (e journalEntry) lines() map[string]string {
	all := map[string]string{}
	for _, l := range e.Lines {
		if all[l.Account+l.Sub] = "+" + l.Debit.Amount; l.Credit.Amount != "0" {
			all[l.Account+l.Sub] = "-" + l.Credit.Amount
		}
	}
	return all
}

func journal(t *testing.T, a *apptest.App, filter string) []journalEntry {
	t.Helper()
	var got struct {
		Journal struct{ Nodes []journalEntry }
	}
	a.DoAs(t, bookkeeper, `{ journal(first: 100, filter: {`+filter+`}) { nodes { id kind reference memo orderId lines { account name sub debit { amount } credit { amount } } } } }`, nil).Into(t, &got)
	return got.Journal.Nodes
}

// trialBalance is what each account comes to; the whole must come to nothing.
func trialBalance(t *testing.T, a *apptest.App) map[string]string {
	t.Helper()
	var got struct {
		TrialBalance []struct {
			Account, Sub  string
			Debit, Credit struct{ Amount string }
			Balance       struct{ Amount string }
		}
	}
	a.DoAs(t, bookkeeper, `{ trialBalance { account sub debit { amount } credit { amount } balance { amount } } }`, nil).Into(t, &got)
	all, sum := map[string]string{}, int64(0)
	for _, b := range got.TrialBalance {
		all[b.Account+b.Sub] = b.Balance.Amount
		sum += whole(t, b.Balance.Amount)
	}
	require.Zero(t, sum, "debits are credits: %v", all)
	return all
}

// whole reads an amount of yen.
func whole(t *testing.T, amount string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(amount, 10, 64)
	require.NoError(t, err)
	return n
}

func TestBooksFollowAnOrder(t *testing.T) {
	t.Parallel()
	s := newTill(t, "CARD")
	s.Work(t)
	require.Empty(t, journal(t, s.App, ""), "an order is no entry")
	require.Empty(t, s.pay(t, "attempt-1", stripetest.CardVisa).UserErrors)
	paid := journal(t, s.App, "")
	require.Len(t, paid, 1)
	require.Equal(t, "PAYMENT", paid[0].Kind)
	require.Equal(t, s.order, *paid[0].OrderID)
	require.Equal(t, map[string]string{"CLEARINGstripe": "+2640", "DEPOSITS": "-2640"}, paid[0].lines())
	require.Equal(t, "未収入金（決済代行）", paid[0].Lines[0].Name)

	counter{s.App, cashier}.ship(t, s.order)
	require.Equal(t, "SHIPPED", s.status(t))
	sold := journal(t, s.App, "kinds: [SALE]")
	require.Len(t, sold, 1)
	require.Equal(t, map[string]string{"DEPOSITS": "+2640", "SALES": "-1800", "SHIPPING": "-600", "TAXSTANDARD": "-240"}, sold[0].lines())

	p := s.payment(t)
	var refunded struct {
		RefundPayment struct{ UserErrors []userError }
	}
	s.DoAs(t, cashier, `mutation($p: ID!) { refundPayment(input: {idempotencyKey: "refund-0001", paymentId: $p, amount: "1100"}) { userErrors { code } } }`, apptest.Variables{"p": p.ID}).Into(t, &refunded)
	require.Empty(t, refunded.RefundPayment.UserErrors)
	require.Eventually(t, func() bool { return s.payment(t).Refunded.Amount == "1100" }, 3*time.Minute, 20*time.Millisecond)
	require.Equal(t, map[string]string{"RETURNS": "+1000", "TAXSTANDARD": "+100", "CLEARINGstripe": "-1100"}, journal(t, s.App, "kinds: [REFUND]")[0].lines())
	require.Equal(t, "1540", trialBalance(t, s.App)["CLEARINGstripe"])
	require.Len(t, journal(t, s.App, `account: TAX`), 2)
	require.Len(t, journal(t, s.App, `orderId: "`+s.order+`"`), 3)
	require.Empty(t, journal(t, s.App, `until: "2020-01-01T00:00:00Z"`))

	for _, denied := range []string{`{ journal { totalCount } }`, `{ trialBalance { account } }`} {
		require.NotEmpty(t, s.DoAs(t, cashier, denied, nil).Errors, "who works on orders does not read the books")
		require.NotEmpty(t, s.Do(t, denied, nil, "X-Cart-Token", s.token).Errors)
	}
}

func TestAccountantsWriteByHand(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	post := func(key, kind, lines string) (journalEntry, string) {
		t.Helper()
		var got struct {
			PostJournalEntry struct {
				Entry      *journalEntry
				UserErrors []userError
			}
		}
		a.DoAs(t, bookkeeper, `mutation { postJournalEntry(input: {idempotencyKey: "`+key+`", kind: `+kind+`, memo: "Stripe 11月分", lines: [`+lines+`]}) {
			entry { id kind memo lines { account sub debit { amount } credit { amount } } } userErrors { code field message } } }`, nil).Into(t, &got)
		if len(got.PostJournalEntry.UserErrors) > 0 {
			return journalEntry{}, got.PostJournalEntry.UserErrors[0].Code
		}
		return *got.PostJournalEntry.Entry, ""
	}
	const payout = `{account: BANK, debit: "9640"}, {account: FEES, debit: "360"}, {account: CLEARING, sub: "stripe", credit: "10000"}`
	for code, bad := range map[string][2]string{
		"JOURNAL_UNBALANCED":     {"PAYOUT", `{account: BANK, debit: "9641"}, {account: CLEARING, credit: "9640"}`},
		"JOURNAL_LINE_INVALID":   {"PAYOUT", `{account: BANK, debit: "1", credit: "1"}, {account: CLEARING, credit: "1"}`},
		"JOURNAL_ACCOUNT_CLOSED": {"CORRECTION", `{account: BANK, debit: "1"}, {account: RECEIVABLE, credit: "1"}`},
		"JOURNAL_KIND_INVALID":   {"SALE", payout},
		"INVALID":                {"FEE", `{account: BANK, debit: "1"}`},
		"AMOUNT_TOO_FINE":        {"FEE", `{account: BANK, debit: "0.5"}, {account: FEES, credit: "0.5"}`},
	} {
		_, got := post("bad-key-1", bad[0], bad[1])
		require.Equal(t, code, got)
	}
	entry, code := post("payout-key-1", "PAYOUT", payout)
	require.Empty(t, code)
	require.Equal(t, map[string]string{"BANK": "+9640", "FEES": "+360", "CLEARINGstripe": "-10000"}, entry.lines())
	again, _ := post("payout-key-1", "PAYOUT", payout)
	require.Equal(t, entry.ID, again.ID)
	_, code = post("payout-key-1", "FEE", payout)
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", code)

	reverse := func(key string) string {
		var got struct {
			ReverseJournalEntry struct{ UserErrors []userError }
		}
		a.DoAs(t, bookkeeper, `mutation($e: ID!) { reverseJournalEntry(input: {idempotencyKey: "`+key+`", entryId: $e, reason: "二重"}) { userErrors { code } } }`, apptest.Variables{"e": entry.ID}).Into(t, &got)
		if len(got.ReverseJournalEntry.UserErrors) > 0 {
			return got.ReverseJournalEntry.UserErrors[0].Code
		}
		return ""
	}
	require.Empty(t, reverse("reverse-1"))
	require.Empty(t, reverse("reverse-1"))
	require.Equal(t, "JOURNAL_REVERSED", reverse("reverse-2"))
	require.Equal(t, "0", trialBalance(t, a)["BANK"])
	require.Len(t, journal(t, a, ""), 2)

	reader := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.AccountingRead}}
	require.NotEmpty(t, a.DoAs(t, reader, `mutation { postJournalEntry(input: {idempotencyKey: "reader-001", kind: FEE, memo: "x", lines: []}) { userErrors { code } } }`, nil).Errors)
}
