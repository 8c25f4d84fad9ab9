// Package payment collects the money of orders. A Payment is one tender of one
// order; what is asked of a gateway is written down as an Operation before the
// call and its answer after it, so that no call is ever lost or made twice.
package payment

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Method is how the customer pays.
type Method string

// The methods of payment.
const (
	MethodCard         Method = "CARD"
	MethodBankTransfer Method = "BANK_TRANSFER" // in advance (先入金)
	MethodOnAccount    Method = "ON_ACCOUNT"    // invoiced by a company's terms (掛売)
	MethodCash         Method = "CASH"          // at a shop's or event's till
	MethodCardTerminal Method = "CARD_TERMINAL" // by the till's own card terminal

	MethodConvenienceStore Method = "CONVENIENCE_STORE" // in cash at a convenience store, by a number (コンビニ払い)
	MethodGiftCard         Method = "GIFT_CARD"         // from what is on gift cards
	MethodVoucher          Method = "VOUCHER"           // from what is on vouchers (金券)
	MethodPoints           Method = "POINTS"            // from a member's points
	MethodCashOnDelivery   Method = "CASH_ON_DELIVERY"  // collected by the carrier at the door (代金引換)
	MethodAtShop           Method = "AT_SHOP"           // at the till of the shop at which it is picked up (店頭払い)
)

// Methods lists every method.
var Methods = []Method{MethodCard, MethodBankTransfer, MethodOnAccount, MethodCash, MethodCardTerminal, MethodConvenienceStore, MethodGiftCard, MethodVoucher, MethodPoints, MethodCashOnDelivery, MethodAtShop}

// Name is what the customer reads.
func (m Method) Name() i18n.Text {
	switch m {
	case MethodCard:
		return i18n.Text{"ja": "クレジットカード", "en": "Card"}
	case MethodBankTransfer:
		return i18n.Text{"ja": "銀行振込（前払い）", "en": "Bank transfer in advance"}
	case MethodOnAccount:
		return i18n.Text{"ja": "掛売（請求書払い）", "en": "On account"}
	case MethodCash:
		return i18n.Text{"ja": "現金（店頭）", "en": "Cash at the till"}
	case MethodCardTerminal:
		return i18n.Text{"ja": "カード（店頭端末）", "en": "Card at the till"}
	case MethodConvenienceStore:
		return i18n.Text{"ja": "コンビニ払い（前払い）", "en": "At a convenience store"}
	case MethodGiftCard:
		return i18n.Text{"ja": "ギフトカード", "en": "Gift card"}
	case MethodVoucher:
		return i18n.Text{"ja": "金券", "en": "Voucher"}
	case MethodAtShop:
		return i18n.Text{"ja": "店頭払い（受け取りのとき）", "en": "At the shop, when it is picked up"}
	case MethodPoints:
		return i18n.Text{"ja": "ポイント", "en": "Points"}
	case MethodCashOnDelivery:
		return i18n.Text{"ja": "代金引換", "en": "Cash on delivery"}
	}
	return i18n.JA(string(m))
}

// Status is how far a payment has come.
type Status string

// The statuses. A decline is not the end: the customer may try another card, so
// FAILED may still become AUTHORISED or CAPTURED. CANCELLED may too, when the
// money was already under way; such money is given back.
const (
	StatusPending        Status = "PENDING"
	StatusFailed         Status = "FAILED"     // the last attempt was declined; may be tried again
	StatusCancelled      Status = "CANCELLED"  // nothing is to be collected any more
	StatusAuthorised     Status = "AUTHORISED" // held for us, not yet taken (与信)
	StatusCaptured       Status = "CAPTURED"   // ours (売上確定)
	StatusPartlyRefunded Status = "PARTLY_REFUNDED"
	StatusRefunded       Status = "REFUNDED"
)

// Payment is one tender of an order. Amounts are minor units of the currency.
type Payment struct {
	ID              uuid.UUID
	BrandID         uuid.UUID
	OrderID         uuid.UUID
	Method          Method
	Gateway         string // Gateway.Name of the one that collects
	Status          Status
	Currency        money.Currency
	AmountMinor     int64         `db:"amount"`     // asked of the customer
	AuthorisedMinor int64         `db:"authorised"` // held at the gateway
	CapturedMinor   int64         `db:"captured"`   // received
	RefundedMinor   int64         `db:"refunded"`   // given back
	AsPointsMinor   int64         `db:"as_points"`  // of that, as points
	OwedBackMinor   int64         `db:"owed_back"`  // goes back once it is received: its goods came back before
	SetOffMinor     int64         `db:"set_off"`    // of what was asked: was owed for goods that came back, so neither side pays it
	Uncollected     bool          // the parcel with which a carrier was to collect was refused, and no other is told to
	Reference       string        // the gateway's own id of the payment; empty until it answered
	Instructions    *Instructions // what the customer has to do, where the method needs it
	FailureCode     string        // the gateway's word for the last decline
	CardID          *uuid.UUID    // the kept card that noren charges; nil: none
	Till            string        // code of the shop or event at whose till it was taken; empty for others
	DueAt           *time.Time    // unpaid after this moment, the order is given up
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// GlobalID is the payment's id in the schema.
func (p Payment) GlobalID() string { return id.Global("Payment", p.ID) }

// Amount is what is asked of the customer.
func (p Payment) Amount() money.Money { return money.Of(p.AmountMinor, p.Currency) }

// Authorised is what is held at the gateway and not yet taken.
func (p Payment) Authorised() money.Money { return money.Of(p.AuthorisedMinor, p.Currency) }

// Captured is what has been received.
func (p Payment) Captured() money.Money { return money.Of(p.CapturedMinor, p.Currency) }

// Refunded is what has been given back.
func (p Payment) Refunded() money.Money { return money.Of(p.RefundedMinor, p.Currency) }

// RefundedAsPoints is what of it was given back as points.
func (p Payment) RefundedAsPoints() money.Money { return money.Of(p.AsPointsMinor, p.Currency) }

// HowToPay is what the customer has to do, where the method needs it.
func (p Payment) HowToPay() *Instructions {
	if p.Method.own() {
		return nil
	}
	return p.Instructions
}

// GiftCardEnding is the last four symbols of the gift card that paid; nil for others.
func (p Payment) GiftCardEnding() *string { return p.ending(MethodGiftCard) }

// VoucherEnding is the last four symbols of the voucher that paid; nil for others.
func (p Payment) VoucherEnding() *string { return p.ending(MethodVoucher) }

func (p Payment) ending(m Method) *string {
	if p.Method != m || p.Instructions == nil {
		return nil
	}
	return &p.Instructions.Reference
}

// Open reports whether money may still come in.
func (p Payment) Open() bool { return p.Status == StatusPending || p.Status == StatusFailed }

// Received reports whether the whole amount is ours.
func (p Payment) Received() bool { return p.CapturedMinor >= p.AmountMinor && p.CapturedMinor > 0 }

// covered is what of the order the payment pays: received, held, or set off.
func (p Payment) covered() int64 { return p.AuthorisedMinor + p.CapturedMinor + p.SetOffMinor }

// Instructions tell the customer how to pay outside noren: for a bank transfer
// the account, for a convenience store the number to show at the till.
type Instructions struct {
	BankName      string         `json:"bankName,omitempty"`
	BankCode      string         `json:"bankCode,omitempty"`
	BranchName    string         `json:"branchName,omitempty"`
	BranchCode    string         `json:"branchCode,omitempty"`
	AccountType   string         `json:"accountType,omitempty"` // 普通 or 当座
	AccountNumber string         `json:"accountNumber,omitempty"`
	AccountHolder string         `json:"accountHolder,omitempty"` // half-width kana as banks print it (口座名義)
	Reference     string         `json:"reference"`               // what the payer writes before the own name
	Chain         *Chain         `json:"chain,omitempty"`         // of convenience stores
	SlipNumber    string         `json:"slipNumber,omitempty"`    // what the payer shows or types at the store (払込番号); empty until it is issued
	Confirmation  string         `json:"confirmation,omitempty"`  // what some chains ask for besides (確認番号)
	Amount        int64          `json:"amount"`                  // minor units to be paid
	Currency      money.Currency `json:"currency"`
	DueAt         time.Time      `json:"dueAt"`
}

// Asked is what is to be paid.
func (i Instructions) Asked() money.Money { return money.Of(i.Amount, i.Currency) }
