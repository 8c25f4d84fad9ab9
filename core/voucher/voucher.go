// Package voucher keeps codes that are worth something once: vouchers (金券・引換券) that
// noren issues in bulk, and gift codes of others. Nobody guesses a code; noren keeps keyed
// hashes, and the text only as long as somebody is still to be told it.
package voucher

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Source is who made the codes of a batch.
type Source string

// The sources.
const (
	Own      Source = "OWN"
	External Source = "EXTERNAL" // a supplier: they are handed out here, and used elsewhere
)

// BatchState is whether a batch's codes are all there.
type BatchState string

// The states of a batch.
const (
	Making BatchState = "MAKING"
	Ready  BatchState = "READY"
)

// Batch is codes that were made or taken in together.
type Batch struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	Name       string
	Source     Source
	State      BatchState
	ForPrizes  bool  // handed out one by one; otherwise exported, once
	ValueMinor int64 `db:"value"` // on each; 0: no money, good for one use
	Currency   money.Currency
	Count      int
	Made       int // so far
	ExpiresAt  *time.Time
	Secret     string // sealed: what the codes follow from, until they are exported
	Note       string
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ExportedAt *time.Time
}

// GlobalID is the batch's id in the schema.
func (b Batch) GlobalID() string { return id.Global("VoucherBatch", b.ID) }

// Value is what is on each code; nil if they are not worth money.
func (b Batch) Value() *money.Money { return worth(b.ValueMinor, b.ValueMinor, b.Currency) }

func worth(value, minor int64, currency money.Currency) *money.Money {
	if value == 0 {
		return nil
	}
	m := money.Of(minor, currency)
	return &m
}

// State is what became of a code.
type State string

// The states. EXPIRED is by the date.
const (
	Issued       State = "ISSUED"
	Assigned     State = "ASSIGNED" // to a member
	PartRedeemed State = "PART_REDEEMED"
	Redeemed     State = "REDEEMED"
	Void         State = "VOID"
	Expired      State = "EXPIRED"
)

// Voucher is one code. Its text is not kept in clear.
type Voucher struct {
	ID           uuid.UUID
	BatchID      uuid.UUID
	BrandID      uuid.UUID
	Serial       int // in its batch, from 0
	Ending       string
	Kept         State `db:"state"`
	ValueMinor   int64 `db:"value"`
	BalanceMinor int64 `db:"balance"`
	Currency     money.Currency
	Source       Source
	Secret       string     // sealed: its text, where a member is to read it
	MemberID     *uuid.UUID // whose it is
	ExchangeID   *uuid.UUID // that it was handed out for
	ExpiresAt    *time.Time
	Reason       string // why it was taken out of use
	CreatedAt    time.Time
	UpdatedAt    time.Time
	At           time.Time `db:"-"` // when it was read
	Text         string    `db:"-"` // for the member whose it is
}

// GlobalID is the voucher's id in the schema.
func (v Voucher) GlobalID() string { return id.Global("Voucher", v.ID) }

// OfBatch is the batch's id in the schema.
func (v Voucher) OfBatch() string { return id.Global("VoucherBatch", v.BatchID) }

// State is what became of the code.
func (v Voucher) State() State {
	if v.over() && v.Kept != Redeemed && v.Kept != Void {
		return Expired
	}
	return v.Kept
}

// Value is what was on it; nil if it is not worth money.
func (v Voucher) Value() *money.Money { return worth(v.ValueMinor, v.ValueMinor, v.Currency) }

// Balance is what is left on it; nil if it is not worth money.
func (v Voucher) Balance() *money.Money { return worth(v.ValueMinor, v.BalanceMinor, v.Currency) }

// Code is its text, for the member whose it is; nil for others.
func (v Voucher) Code() *string {
	if v.Text == "" {
		return nil
	}
	return &v.Text
}

// problem is why the code cannot be used; nil if it can.
func (v Voucher) problem() *fault.Error {
	switch v.State() {
	case Void:
		return ErrVoid
	case Expired:
		return ErrExpired
	case Redeemed:
		return ErrUsed
	}
	return nil
}

// over reports whether the code's time is over, whatever became of it.
func (v Voucher) over() bool { return v.ExpiresAt != nil && !v.At.Before(*v.ExpiresAt) }

// take takes so much off the code: all of it uses it up.
func (v *Voucher) take(minor int64) {
	v.BalanceMinor, v.UpdatedAt, v.Kept = v.BalanceMinor-minor, v.At, Redeemed
	if v.BalanceMinor > 0 {
		v.Kept = PartRedeemed
	}
}

// putBack puts money back on the code, which lives on for a while if its time is over. One
// that is void stays so.
func (v *Voucher) putBack(minor int64) {
	v.BalanceMinor, v.UpdatedAt = v.BalanceMinor+minor, v.At
	if v.Kept == Void {
		return
	}
	if v.over() {
		until := v.At.Add(prepaid.Grace)
		v.ExpiresAt = &until
	}
	switch {
	case v.BalanceMinor < v.ValueMinor:
		v.Kept = PartRedeemed
	case v.MemberID != nil || v.ExchangeID != nil: // nobody else is handed it
		v.Kept = Assigned
	default:
		v.Kept = Issued
	}
}

// Place is where a code is used.
type Place string

// The places.
const (
	AtShop  Place = "SHOP"
	Online  Place = "ONLINE"
	AtEvent Place = "EVENT"
)

// EntryKind is why what is on a code changed.
type EntryKind string

// The kinds of entry.
const (
	EntryRedeem EntryKind = "REDEEM"
	EntryReturn EntryKind = "RETURN" // an order gave it back
	EntryVoid   EntryKind = "VOID"
	EntryExpire EntryKind = "EXPIRE"
)

// Entry is one change of a code. It never changes.
type Entry struct {
	ID          uuid.UUID
	VoucherID   uuid.UUID
	Kind        EntryKind
	AmountMinor int64 `db:"amount"` // that left it, below zero for what came back; 0 for what is not money
	Currency    money.Currency
	Place       Place      // empty for our own orders
	Reference   string     // a receipt, an order, an event
	OrderID     *uuid.UUID // of ours, that it paid, or that gave it back
	PaymentID   *uuid.UUID
	ActorID     *uuid.UUID
	At          time.Time
}

// UsedAt is where it was used; nil for our own orders, and what was no use.
func (e Entry) UsedAt() *Place {
	if e.Place == "" {
		return nil
	}
	return &e.Place
}

// Amount is what left the code; below zero for what came back.
func (e Entry) Amount() money.Money { return money.Of(e.AmountMinor, e.Currency) }

// OfOrder is the order's id in the schema; nil for none.
func (e Entry) OfOrder() *string { return id.GlobalOrNone("Order", e.OrderID) }

// Failures of vouchers.
var (
	ErrUnknown  = prepaid.Vouchers.Unknown
	ErrMistyped = prepaid.Vouchers.Mistyped
	ErrGoods    = fault.Conflict("VOUCHER_NOT_MONEY", "引換券はご注文のお支払いにはご利用いただけません。店頭またはイベントでお引き換えください", "This voucher is not worth money and pays for no order; exchange it at a shop or an event")
	ErrVoid     = fault.Conflict("VOUCHER_VOID", "このコードは無効になりました", "This code is no longer valid")
	ErrExpired  = fault.Conflict("VOUCHER_EXPIRED", "このコードの有効期限が切れています", "This code has expired")
	ErrUsed     = fault.Conflict("VOUCHER_USED", "このコードはすでに利用済みです", "This code was used")
	ErrShort    = fault.Conflict("VOUCHER_SHORT", "コードの残高が不足しています（残り%s）", "There is not so much on this code; %s is left")
	ErrWhole    = fault.Invalid("VOUCHER_WHOLE", "このコードは金額を指定してご利用いただけません", "This code is not worth money; it is used as a whole")
	ErrLocked   = fault.Limited("VOUCHER_LOCKED", "コードの誤入力が続いたためロックされています。%d秒後にお試しください", "Locked after too many wrong codes; please try again in %d seconds")
	ErrTries    = fault.Limited("VOUCHER_TRIES", "コードの入力回数が多すぎます。%d秒後にもう一度お試しください", "Too many codes were tried; please try again in %d seconds")
	ErrBatch    = fault.NotFound("VOUCHER_BATCH_UNKNOWN", "発行単位が見つかりません", "There is no such batch")
	ErrExported = fault.Conflict("VOUCHER_EXPORTED", "このコードはすでに出力済みです。出力は一度だけ行えます", "These codes were exported; that is done once")
	ErrUnready  = fault.Conflict("VOUCHER_NOT_READY", "コードを発行中です。完了後にお試しください", "The codes are being made; please wait until they are")
	ErrPool     = fault.Conflict("VOUCHER_FOR_PRIZES", "景品用のコードは出力できません", "Codes for prizes are handed out one by one, not exported")
	ErrNone     = fault.Conflict("VOUCHER_NONE_LEFT", "お渡しできるコードがなくなりました", "No code is left to hand out")
	ErrRepeated = fault.Conflict("VOUCHER_REPEATED", "%d行目: 重複したコードです", "Line %d: this code is there already")
	ErrThere    = fault.Conflict("VOUCHER_REPEATED", "すでに登録済みのコードが含まれています", "Some of these codes are there already")
	ErrLine     = fault.Invalid("VOUCHER_LINE", "%d行目: コードは4〜100文字です", "Line %d: a code has 4 to 100 characters")
	ErrCount    = fault.Invalid(fault.CodeInvalid, "件数は1〜%dで指定してください", "From 1 to %d codes")
	ErrValue    = fault.Invalid("VOUCHER_AMOUNT_INVALID", "金額は1〜%sで指定してください", "An amount is 1 to %s")
	ErrLink     = fault.NotFound("VOUCHER_LINK", "リンクが正しくないか、期限切れです", "The link is not one, or its time is over")
)
