// Package ledger is the payment journal (仕訳帳): what money did, by double entry.
// Orders are claims, payments settle them. Entries are added in the transaction of
// what they are about, once for each cause, and never change.
package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Account is where money is, or what it is owed for (勘定科目).
type Account string

// The accounts. CLEARING has a sub-account for each gateway, TAX for each class.
const (
	Cash        Account = "CASH"
	Bank        Account = "BANK"
	Clearing    Account = "CLEARING" // taken by a gateway, not yet paid out
	Receivable  Account = "RECEIVABLE"
	Deposits    Account = "DEPOSITS" // received for what is not shipped, or is to be given back
	GiftCards   Account = "GIFT_CARDS"
	Points      Account = "POINTS" // owed for points; a sub-account for each programme
	VouchersDue Account = "VOUCHERS"
	Sales       Account = "SALES"
	Shipping    Account = "SHIPPING"
	Charges     Account = "CHARGES"
	Returns     Account = "RETURNS"
	Tax         Account = "TAX"
	Fees        Account = "FEES"
	BadDebts    Account = "BAD_DEBTS"
	Adjustments Account = "ADJUSTMENTS"
	Promotions  Account = "PROMOTIONS"
)

// Accounts lists every account, as a trial balance does.
var Accounts = []Account{Cash, Bank, Clearing, Receivable, Deposits, GiftCards, Points, VouchersDue, Sales, Shipping, Charges, Returns, Tax, Fees, BadDebts, Adjustments, Promotions}

// Name is what bookkeepers call the account.
func (a Account) Name() i18n.Text {
	return map[Account]i18n.Text{
		Cash:        {"ja": "現金", "en": "Cash"},
		Bank:        {"ja": "普通預金", "en": "Bank"},
		Clearing:    {"ja": "未収入金（決済代行）", "en": "Gateway clearing"},
		Receivable:  {"ja": "売掛金", "en": "Accounts receivable"},
		Deposits:    {"ja": "前受金", "en": "Customer deposits"},
		GiftCards:   {"ja": "前受金（ギフトカード）", "en": "Gift cards"},
		Points:      {"ja": "契約負債（ポイント）", "en": "Points"},
		VouchersDue: {"ja": "契約負債（金券）", "en": "Vouchers"},
		Sales:       {"ja": "売上高", "en": "Sales"},
		Shipping:    {"ja": "送料収入", "en": "Shipping income"},
		Charges:     {"ja": "決済手数料収入", "en": "Payment charges"},
		Returns:     {"ja": "売上値引・返品", "en": "Refunds of sales"},
		Tax:         {"ja": "仮受消費税", "en": "Consumption tax received"},
		Fees:        {"ja": "支払手数料", "en": "Fees paid"},
		BadDebts:    {"ja": "貸倒損失", "en": "Bad debts"},
		Adjustments: {"ja": "雑損益", "en": "Adjustments"},
		Promotions:  {"ja": "販売促進費", "en": "Promotions"},
	}[a]
}

// Kind is why an entry was written.
type Kind string

// The kinds of entry.
const (
	KindSale           Kind = "SALE"
	KindPayment        Kind = "PAYMENT"
	KindRefund         Kind = "REFUND"
	KindAccountPayment Kind = "ACCOUNT_PAYMENT"
	KindWriteOff       Kind = "WRITE_OFF"
	KindFee            Kind = "FEE"
	KindPayout         Kind = "PAYOUT"
	KindCorrection     Kind = "CORRECTION"
	KindReversal       Kind = "REVERSAL"
	KindReturn         Kind = "RETURN" // 返品
	KindGiftCard       Kind = "GIFT_CARD"
	KindPoints         Kind = "POINTS"
	KindVoucher        Kind = "VOUCHER"
)

// Entry is one thing that money did. It never changes.
type Entry struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	At        time.Time // when the money moved
	PostedAt  time.Time // when it was written down
	Kind      Kind
	Source    string // what caused it; each cause is written down once
	Currency  money.Currency
	OrderID   *uuid.UUID
	PaymentID *uuid.UUID
	CompanyID *uuid.UUID
	Reference string
	Memo      string
	ActorID   *uuid.UUID
	Lines     []Line `db:"-"`
}

// GlobalID is the entry's id in the schema.
func (e Entry) GlobalID() string { return id.Global("JournalEntry", e.ID) }

// OfOrder is the order's id in the schema; nil for none.
func (e Entry) OfOrder() *string { return id.GlobalOrNone("Order", e.OrderID) }

// OfPayment is the payment's id in the schema; nil for none.
func (e Entry) OfPayment() *string { return id.GlobalOrNone("Payment", e.PaymentID) }

// OfCompany is the company's id in the schema; nil for none.
func (e Entry) OfCompany() *string { return id.GlobalOrNone("Company", e.CompanyID) }

// Line is one side of an entry: debit or credit, never both.
type Line struct {
	EntryID     uuid.UUID
	Position    int
	Account     Account
	Sub         string
	DebitMinor  int64 `db:"debit"`
	CreditMinor int64 `db:"credit"`
	Currency    money.Currency
}

// Name is the account's name.
func (l Line) Name() i18n.Text { return l.Account.Name() }

// Debit is the amount on the left; zero for a credit.
func (l Line) Debit() money.Money { return money.Of(l.DebitMinor, l.Currency) }

// Credit is the amount on the right; zero for a debit.
func (l Line) Credit() money.Money { return money.Of(l.CreditMinor, l.Currency) }

// DebitTo adds a line on the left; nothing for zero, on the right for less.
func (e *Entry) DebitTo(a Account, sub string, minor int64) {
	switch {
	case minor > 0:
		e.Lines = append(e.Lines, Line{Account: a, Sub: sub, DebitMinor: minor})
	case minor < 0:
		e.Lines = append(e.Lines, Line{Account: a, Sub: sub, CreditMinor: -minor})
	}
}

// CreditTo adds a line on the right; nothing for zero, on the left for less.
func (e *Entry) CreditTo(a Account, sub string, minor int64) { e.DebitTo(a, sub, -minor) }

// errUnbalanced says that noren reckoned wrongly; the database would refuse it too.
var errUnbalanced = errors.New("journal entry does not balance")

// check fails for an entry that does not balance.
func (e Entry) check() error {
	var sum int64
	for _, l := range e.Lines {
		sum += l.DebitMinor - l.CreditMinor
	}
	if sum != 0 {
		return fmt.Errorf("%w: %s is off by %d", errUnbalanced, e.Source, sum)
	}
	return nil
}

// Place is one account, with its sub-account.
type Place struct {
	Account Account
	Sub     string
}

// Balances are sums by account: debits less credits, minor units.
type Balances map[Place]int64

// Of is the sum of an account over its sub-accounts.
func (b Balances) Of(a Account) (sum int64) {
	for p, minor := range b {
		if p.Account == a {
			sum += minor
		}
	}
	return sum
}

// places are the account's sub-accounts, in order.
func (b Balances) places(a Account) []Place {
	all := slices.SortedFunc(maps.Keys(b), func(x, y Place) int { return strings.Compare(x.Sub, y.Sub) })
	return slices.DeleteFunc(all, func(p Place) bool { return p.Account != a })
}

// sold is what is left of the sale of an order after what was given back.
func (b Balances) sold() int64 {
	return -b.Of(Sales) - b.Of(Shipping) - b.Of(Charges) - b.Of(Tax) - b.Of(Returns)
}
