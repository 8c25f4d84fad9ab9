// Package giftcard keeps gift cards (ギフトカード): money that was paid for goods yet to
// be chosen. What is on all cards together is what the journal's account GIFT_CARDS
// says, always: each change of a balance and its entry are one transaction.
package giftcard

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// State is whether a card can be used.
type State string

// The states. A card is EXPIRED by its date.
const (
	Active  State = "ACTIVE"
	Void    State = "VOID"
	Expired State = "EXPIRED"
)

// Card is one gift card. Its code is not kept.
type Card struct {
	ID           uuid.UUID
	BrandID      uuid.UUID
	BatchID      uuid.UUID // that it was issued with
	Ending       string    // the last four symbols of its code
	Currency     money.Currency
	InitialMinor int64 `db:"initial"`
	BalanceMinor int64 `db:"balance"`
	Voided       bool
	ExpiresAt    *time.Time // nil: never
	Note         string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	At           time.Time `db:"-"` // when it was read
}

// GlobalID is the card's id in the schema.
func (c Card) GlobalID() string { return id.Global("GiftCard", c.ID) }

// Batch is the id, in the schema, of what it was issued with.
func (c Card) Batch() string { return id.Global("GiftCardBatch", c.BatchID) }

// Initial is what was on the card when it was issued.
func (c Card) Initial() money.Money { return money.Of(c.InitialMinor, c.Currency) }

// Balance is what is on the card.
func (c Card) Balance() money.Money { return money.Of(c.BalanceMinor, c.Currency) }

// State is whether the card can be used.
func (c Card) State() State {
	switch {
	case c.Voided:
		return Void
	case c.ExpiresAt != nil && !c.At.Before(*c.ExpiresAt):
		return Expired
	}
	return Active
}

// problem is why the card pays nothing; nil if it pays.
func (c Card) problem() *fault.Error {
	switch {
	case c.State() == Void:
		return ErrVoid
	case c.State() == Expired:
		return ErrExpired
	case c.BalanceMinor == 0:
		return ErrEmpty
	}
	return nil
}

// EntryKind is why a balance changed.
type EntryKind string

// The kinds of entry.
const (
	EntryIssue  EntryKind = "ISSUE"
	EntryUse    EntryKind = "USE"    // it paid an order, or a part of one
	EntryReturn EntryKind = "RETURN" // the order gave it back
	EntryVoid   EntryKind = "VOID"
	EntryExpire EntryKind = "EXPIRE"
)

// Entry is one change of a card's balance. It never changes.
type Entry struct {
	ID          uuid.UUID
	CardID      uuid.UUID
	Kind        EntryKind
	AmountMinor int64 `db:"amount"` // below zero for what leaves the card
	Currency    money.Currency
	OrderID     *uuid.UUID
	PaymentID   *uuid.UUID
	Reason      string
	ActorID     *uuid.UUID
	At          time.Time
}

// Amount is the change; below zero for what leaves the card.
func (e Entry) Amount() money.Money { return money.Of(e.AmountMinor, e.Currency) }

// OfOrder is the order's id in the schema; nil for none.
func (e Entry) OfOrder() *string { return id.GlobalOrNone("Order", e.OrderID) }

// Failures of gift cards, besides those of whatever pays by codes.
var (
	ErrVoid    = fault.Conflict("GIFT_CARD_VOID", "このギフトカードは無効になりました", "This gift card is no longer valid")
	ErrExpired = fault.Conflict("GIFT_CARD_EXPIRED", "このギフトカードの有効期限が切れています", "This gift card has expired")
	ErrEmpty   = fault.Conflict("GIFT_CARD_EMPTY", "このギフトカードの残高はありません", "There is nothing left on this gift card")
	ErrTries   = fault.Limited("GIFT_CARD_TRIES", "ギフトカードの入力回数が多すぎます。%d秒後にもう一度お試しください", "Too many gift cards were tried; please try again in %d seconds")
	ErrValue   = fault.Invalid("GIFT_CARD_AMOUNT_INVALID", "金額は1〜%sで指定してください", "A gift card is worth 1 to %s")
	ErrCount   = fault.Invalid(fault.CodeInvalid, "発行数は1〜%dで指定してください", "From 1 to %d cards can be issued at once")
	errPast    = fault.Invalid(fault.CodeInvalid, "有効期限は未来の日時を指定してください", "The expiry must be in the future")
	errSource  = fault.Invalid(fault.CodeInvalid, "代金の受け取り方法を指定してください", "Say how the cards were paid for")
	errIDs     = fault.Invalid(fault.CodeInvalid, "1〜%d枚を指定してください", "Name 1 to %d cards")
)
