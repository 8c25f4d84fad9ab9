// Package quotation is what buyers ask prices for (見積): staff offer them, as often as
// it takes, and the buyer orders at what was offered last.
package quotation

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sealing"
)

// State is where a quotation stands.
type State string

// The life of a quotation. Who was asked declines; who spoke last withdraws.
const (
	Requested State = "REQUESTED" // the buyer waits for an offer
	Answered  State = "ANSWERED"  // the buyer can order at the offer
	Accepted  State = "ACCEPTED"  // ordered
	Declined  State = "DECLINED"  // staff made no offer, or the buyer did not want it
	Expired   State = "EXPIRED"   // the offer is over; staff may make another
	Withdrawn State = "WITHDRAWN" // the buyer took the request back, or staff the offer
)

// Failures of a quotation.
var (
	ErrState      = fault.Conflict("QUOTATION_STATE_CONFLICT", "見積の状態が%sのため、この操作はできません", "The quotation is %s; this cannot be done now")
	ErrExpired    = fault.Conflict("QUOTATION_EXPIRED", "見積の有効期限が切れています", "The offer has expired")
	ErrWithdrawn  = fault.Conflict("QUOTATION_WITHDRAWN", "この見積は取り下げられました", "The quotation was withdrawn")
	ErrSuperseded = fault.Conflict("QUOTATION_SUPERSEDED", "見積が更新されています（第%d版）。ご確認ください", "There is a newer offer (revision %d); please look at it")
	ErrEmpty      = fault.Invalid("QUOTATION_EMPTY", "商品を1点以上指定してください", "Name at least one product")
	ErrChosen     = fault.Invalid("SET_CHOICE_INVALID", "選択式セットは見積もりの対象外です。選ぶ商品をそれぞれ指定してください", "A set that the customer fills is not quoted: name the goods themselves")
	ErrTwice      = fault.Invalid(fault.CodeDuplicate, "同じ商品が2回指定されています", "The product is named twice")
	ErrPast       = fault.Invalid("QUOTATION_DATE_INVALID", "今より後、5年以内の日時を指定してください", "Name a moment from now on, within five years")
	ErrWrites     = fault.Limited("RATE_LIMITED", "短時間に多くの依頼が送られました。%d分ほどしてからお試しください", "Too much was sent in a short time; please try again in %d minutes")
	ErrPrice      = fault.Invalid("AMOUNT_INVALID", "0以上の金額を指定してください", "An amount is 0 or more")
)

// Quotation is one request with what became of it.
type Quotation struct {
	ID           uuid.UUID
	Number       string
	BrandID      uuid.UUID
	ChannelID    uuid.UUID
	MemberID     uuid.UUID
	CompanyID    *uuid.UUID // for whom it was asked; nil for a person's own
	Name         string
	Email        string
	Language     string
	State        State
	Revision     int // of the latest offer; 0 while there is none
	ShippingMode pricing.ShippingMode
	Currency     money.Currency
	TaxInclusive bool
	WishedFor    *time.Time // the day by which the buyer would like the goods
	ValidUntil   *time.Time // of the latest offer; the moment itself is too late
	InternalNote string
	OrderID      *uuid.UUID
	RequestedAt  time.Time
	UpdatedAt    time.Time
}

// Sealed are the values that are sealed where the quotation is kept.
func (q *Quotation) Sealed() (uuid.UUID, []sealing.Column) {
	return q.ID, []sealing.Column{{Field: "name", Value: sealing.Text(&q.Name)}, {Field: "email", Value: sealing.Text(&q.Email)}}
}

// GlobalID is the quotation's id in the schema.
func (q Quotation) GlobalID() string { return id.Global("Quotation", q.ID) }

// RequestedBy is the global id of the account that asked.
func (q Quotation) RequestedBy() string { return id.Global("Account", q.MemberID) }

// Offer is what staff offered at one revision. Amounts are minor units.
type Offer struct {
	QuotationID   uuid.UUID
	Revision      int
	ValidUntil    time.Time
	SubtotalMinor int64 `db:"subtotal"`
	ShippingMinor int64 `db:"shipping_fee"`
	TaxMinor      int64 `db:"tax"`
	TotalMinor    int64 `db:"total"`
	Taxes         []money.Taxed
	Message       string
	OfferedAt     time.Time
	Currency      money.Currency
}

// Subtotal is what the lines come to.
func (o Offer) Subtotal() money.Money { return money.Of(o.SubtotalMinor, o.Currency) }

// ShippingFee is what shipping costs.
func (o Offer) ShippingFee() money.Money { return money.Of(o.ShippingMinor, o.Currency) }

// Tax is the consumption tax in the total.
func (o Offer) Tax() money.Money { return money.Of(o.TaxMinor, o.Currency) }

// Total is what an order at the offer costs.
func (o Offer) Total() money.Money { return money.Of(o.TotalMinor, o.Currency) }

// Line is goods that are asked for, or offered at a price.
type Line struct {
	ID          uuid.UUID
	QuotationID uuid.UUID
	Revision    int
	Position    int
	VariantID   uuid.UUID
	SKU         string
	Name        i18n.Text
	Options     []string
	Quantity    int
	UnitMinor   *int64 `db:"unit"` // of one piece; nil where it is only asked for
	Note        string
	CostMinor   *int64 `db:"cost"` // the variant's now; nil if it is not known
	Currency    money.Currency
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("QuotationLine", l.ID) }

// Unit is the offered price of one piece; nil where it is only asked for.
func (l Line) Unit() *money.Money { return l.amount(l.UnitMinor, 1) }

// Total is the offered price of the line; nil where it is only asked for.
func (l Line) Total() *money.Money { return l.amount(l.UnitMinor, int64(l.Quantity)) }

// Cost is what one piece costs the shop; nil if it is not known.
func (l Line) Cost() *money.Money { return l.amount(l.CostMinor, 1) }

// Margin is what the shop keeps of one piece; nil if it is not known.
func (l Line) Margin() *money.Money {
	if l.UnitMinor == nil || l.CostMinor == nil {
		return nil
	}
	left := *l.UnitMinor - *l.CostMinor
	return l.amount(&left, 1)
}

func (l Line) amount(minor *int64, times int64) *money.Money {
	if minor == nil {
		return nil
	}
	m := money.Of(*minor*times, l.Currency)
	return &m
}
