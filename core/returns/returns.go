// Package returns is goods that come back (返品・交換): what a brand takes back, what
// customers ask for and staff decide, what is received, and what becomes of the goods
// and the money.
package returns

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Status is where a return stands.
type Status string

// The life of a return.
const (
	Requested      Status = "REQUESTED"       // waits for staff
	Approved       Status = "APPROVED"        // the goods may come
	PartlyReceived Status = "PARTLY_RECEIVED" // some have come back, some are still to come
	Completed      Status = "COMPLETED"       // what came back is paid back or replaced
	Rejected       Status = "REJECTED"        // turned down
	Withdrawn      Status = "WITHDRAWN"       // given up before anything came
)

// awaits reports whether goods are still to come.
func (s Status) awaits() bool { return s == Approved || s == PartlyReceived }

// Outcome is what the customer gets for the goods.
type Outcome string

// The outcomes.
const (
	Refund   Outcome = "REFUND"
	Exchange Outcome = "EXCHANGE" // 交換
)

// Form is as what the money goes back.
type Form string

// The forms.
const (
	AsMoney  Form = "MONEY"  // the way it was paid
	AsPoints Form = "POINTS" // of the brand's programme, at what they pay
)

// Return is goods of one order that a customer wants to give back.
type Return struct {
	ID          uuid.UUID
	OrderID     uuid.UUID
	OrderNumber string
	BrandID     uuid.UUID
	Nth         int // among the order's returns, from 1
	Status      Status
	Outcome     Outcome
	Wished      Form // as what the customer would like the money
	RefundAs    Form // as what it goes back; as wished until staff decide
	Currency    money.Currency
	Text        string // the customer's words
	Note        string // what staff said to them when deciding
	BeyondRules bool   // staff made it although the rule did not allow it
	Terms       []Term // of the rule when it was asked for: they hold, whatever the rule becomes
	Lines       []Line
	Receipts    []Receipt
	RequestedAt time.Time
	DecidedAt   *time.Time
	EndedAt     *time.Time
	UpdatedAt   time.Time
	Replaces    bool // goods of the order replace those of another return
}

// GlobalID is the return's id in the schema.
func (r Return) GlobalID() string { return id.Global("Return", r.ID) }

// Number is what people know the return by.
func (r Return) Number() string { return fmt.Sprintf("%s-R%d", r.OrderNumber, r.Nth) }

// Refund is what was given back.
func (r Return) Refund() money.Money { return r.sum(func(c Receipt) int64 { return c.RefundMinor }) }

// Fee is what the shop kept (返品手数料).
func (r Return) Fee() money.Money { return r.sum(func(c Receipt) int64 { return c.FeeMinor }) }

func (r Return) sum(of func(Receipt) int64) money.Money {
	var minor int64
	for _, c := range r.Receipts {
		minor += of(c)
	}
	return money.Of(minor, r.Currency)
}

// Line is pieces of one order line in a return; of a set, whole sets.
type Line struct {
	ID                uuid.UUID  `json:"id"`
	OrderID           uuid.UUID  `json:"orderId"`
	LineID            uuid.UUID  `json:"lineId"` // of the order
	Reason            Reason     `json:"reason"`
	Opened            bool       `json:"opened"`
	Asked             int        `json:"asked"`
	Approved          int        `json:"approved"`
	ExchangeVariantID *uuid.UUID `json:"exchangeVariantId"` // what is wanted instead
	HadMinor          int64      `json:"had"`               // what a piece cost when other goods were asked for; 0: the same again
	WantsMinor        int64      `json:"wants"`             // what a piece of those cost then
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("ReturnLine", l.ID) }

// Came is a line of a return with its terms, and with what came of it so far.
type Came struct {
	Line
	Term     Term
	Progress Inspected
	Currency money.Currency
}

// FeePercent is what the shop keeps of their price.
func (c Came) FeePercent() int { return c.Term.FeePercent }

// ParcelPaidBy is who pays the parcel.
func (c Came) ParcelPaidBy() Payer { return c.Term.ParcelPaidBy }

// Received is how many pieces came.
func (c Came) Received() int { return c.Progress.Pieces() }

// Restocked is how many of them went back on the shelves.
func (c Came) Restocked() int { return c.Progress.Restocked }

// Scrapped is how many of them were thrown away.
func (c Came) Scrapped() int { return c.Progress.Scrapped }

// Repaired is how many of them were put aside to be mended.
func (c Came) Repaired() int { return c.Progress.Repaired }

// Refund is what was given back for them, less the fee.
func (c Came) Refund() money.Money { return money.Of(c.Progress.RefundMinor, c.Currency) }

// Wanted is the global id of the variant that is wanted instead; nil for a refund.
func (c Came) Wanted() *string { return id.GlobalOrNone("Variant", c.ExchangeVariantID) }

// Came are the return's lines with what came of them.
func (r Return) Came() []Came {
	all := make([]Came, len(r.Lines))
	for i, l := range r.Lines {
		all[i] = Came{l, termOf(r.Terms, l.Reason), r.inspected(l.ID), r.Currency}
	}
	return all
}

// Receipt is pieces of a return that came back together.
type Receipt struct {
	ID              uuid.UUID      `json:"id"`
	OrderID         uuid.UUID      `json:"orderId"`
	Nth             int            `json:"nth"` // among the return's, from 1
	LocationID      uuid.UUID      `json:"locationId"`
	At              time.Time      `json:"at"`
	Currency        money.Currency `json:"currency"`
	RefundMinor     int64          `json:"refund"`
	FeeMinor        int64          `json:"fee"`
	FlatMinor       int64          `json:"flat"`     // of the fee: kept once of the return
	ShippingMinor   int64          `json:"shipping"` // of the refund
	AsPointsMinor   int64          `json:"asPoints"` // of the refund: given as points
	Points          int64          `json:"points"`   // how many these were
	ExchangeOrderID *uuid.UUID     `json:"exchangeOrderId"`
	CarriedMinor    int64          `json:"carried"` // of what was paid: carried over to that order, for dearer goods
	Lines           []Inspected    `json:"lines"`

	carriedBackMinor int64 // given back besides, of what had been carried over to the order
	chainedMinor     int64 // still to be given back by the order that this one replaced goods of
}

// Place is the global id of the location that received them.
func (c Receipt) Place() string { return id.Global("Location", c.LocationID) }

// Refund is what was given back for the pieces, with the shipping fee.
func (c Receipt) Refund() money.Money { return money.Of(c.RefundMinor, c.Currency) }

// Fee is what the shop kept of their price.
func (c Receipt) Fee() money.Money { return money.Of(c.FeeMinor, c.Currency) }

// RefundAsPoints is what of the refund was given as points.
func (c Receipt) RefundAsPoints() money.Money { return money.Of(c.AsPointsMinor, c.Currency) }

// CarriedOver is what of the price of dearer goods in the exchange order was paid with the
// pieces.
func (c Receipt) CarriedOver() money.Money { return money.Of(c.CarriedMinor, c.Currency) }

// Shipping is what of the refund was the order's shipping fee.
func (c Receipt) Shipping() money.Money { return money.Of(c.ShippingMinor, c.Currency) }

// Inspected is what became of pieces of one line (検品).
type Inspected struct {
	OrderID      uuid.UUID `json:"orderId"`
	LineID       uuid.UUID `json:"lineId"` // of the order
	ReturnLineID uuid.UUID `json:"returnLineId"`
	Restocked    int       `json:"restocked"` // sold again
	Scrapped     int       `json:"scrapped"`
	Repaired     int       `json:"repaired"` // put aside to be mended
	RefundMinor  int64     `json:"refund"`   // less the fee
	CarriedMinor int64     `json:"carried"`  // what was paid for them, carried over to dearer goods
	ChainedMinor int64     `json:"chained"`  // of that: had been carried over to their own order before
	owedMinor    int64     // what these cost more, with tax
}

// Pieces are how many came back.
func (p Inspected) Pieces() int { return p.Restocked + p.Scrapped + p.Repaired }

// inspected is what came back of the return's line so far.
func (r Return) inspected(returnLineID uuid.UUID) (sum Inspected) {
	for _, c := range r.Receipts {
		for _, p := range c.Lines {
			if p.ReturnLineID == returnLineID {
				sum.Restocked, sum.Scrapped, sum.Repaired = sum.Restocked+p.Restocked, sum.Scrapped+p.Scrapped, sum.Repaired+p.Repaired
				sum.RefundMinor += p.RefundMinor
			}
		}
	}
	return sum
}

// claims is how many pieces of its line the return takes up: those it asks for until
// staff decide, those they approve until it ends, and those that came.
func (r Return) claims(l Line) int {
	switch {
	case r.Status == Requested:
		return l.Asked
	case r.Status.awaits():
		return l.Approved
	}
	return r.inspected(l.ID).Pieces()
}

// Claimed is how many pieces of the order line the returns take up.
func Claimed(all []Return, orderLineID uuid.UUID) (n int) {
	for _, r := range all {
		for _, l := range r.Lines {
			if l.LineID == orderLineID {
				n += r.claims(l)
			}
		}
	}
	return n
}

// Received is how many pieces of the order line have come back.
func Received(all []Return, orderLineID uuid.UUID) int {
	return received(all, func(Return) bool { return true })[orderLineID]
}

// received are the pieces that have come back by those of the returns that some picks.
func received(all []Return, some func(Return) bool) Pieces {
	found := Pieces{}
	for _, r := range all {
		if !some(r) {
			continue
		}
		for _, c := range r.Receipts {
			for _, p := range c.Lines {
				found[p.LineID] += p.Pieces()
			}
		}
	}
	return found
}

func (r Return) refunds() bool { return r.Outcome == Refund }

// Failures of a return.
var (
	ErrUnknown     = fault.NotFound("RETURN_UNKNOWN", "指定した返品がありません", "There is no such return")
	ErrStatus      = fault.Conflict("RETURN_STATUS_CONFLICT", "返品の状態が%sのため、この操作はできません", "The return is %s; this cannot be done now")
	ErrTooMany     = fault.Conflict("RETURN_QUANTITY_EXCEEDED", "返品できる数量（%d個）を超えています", "That is more than can be returned (%d)")
	ErrUnknownLine = fault.NotFound("RETURN_LINE_UNKNOWN", "指定した明細がありません", "There is no such line")
	ErrPrice       = fault.Conflict("EXCHANGE_PRICE_DIFFERS", "この商品とは交換できません。返品のうえ、改めてご注文ください", "The goods are not exchanged for these; please return them and order anew")
	ErrSet         = fault.Conflict("EXCHANGE_SET", "セット商品は同じセットとだけ交換できます。返品のうえ、改めてご注文ください", "A set is exchanged for the same set only; please return it and order anew")
)
