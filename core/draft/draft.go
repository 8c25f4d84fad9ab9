// Package draft is orders that staff prepare for a customer, as on the phone (電話注文):
// a draft is priced as for its buyer until staff place it, or the buyer confirms it.
package draft

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/behalf"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/sealing"
)

// State is where a draft stands.
type State string

// The life of a draft.
const (
	Open      State = "OPEN"      // staff work on it
	Sent      State = "SENT"      // the customer is asked to confirm it
	Placed    State = "PLACED"    // ordered
	Cancelled State = "CANCELLED" // given up by staff or the customer
	Expired   State = "EXPIRED"   // its time is over
)

// Failures of a draft.
var (
	ErrState       = fault.Conflict("DRAFT_ORDER_STATE_CONFLICT", "下書き注文の状態が%sのため、この操作はできません", "The draft order is %s; this cannot be done now")
	ErrChanged     = fault.Conflict("DRAFT_ORDER_CHANGED", "下書き注文が更新されています（第%d版）。ご確認ください", "The draft order has been changed (revision %d); please look at it")
	ErrExpired     = fault.Conflict("DRAFT_ORDER_EXPIRED", "下書き注文の有効期限が切れています", "The draft order has expired")
	ErrExpiry      = fault.Invalid("DRAFT_ORDER_EXPIRY_INVALID", "今より後、1年以内の日時を指定してください", "Name a moment from now on, within a year")
	ErrCopyChannel = fault.Conflict("ORDER_EDIT_CHANNEL", "注文の販売チャネルで操作してください", "Copy the order in its own channel")
	ErrMember      = fault.NotFound(fault.CodeNotFound, "指定した会員はいません", "There is no such member")
	ErrMethod      = fault.Invalid("DRAFT_ORDER_PAYMENT_INVALID", "この支払方法は電話注文では使えません", "A draft order cannot be paid this way")
	ErrUnit        = fault.Invalid("AMOUNT_INVALID", "0以上の金額を指定してください", "An amount is 0 or more")
	ErrShopOnly    = fault.Forbidden(fault.CodeForbidden, "担当する店舗を指定してください", "Name a shop of yours")
)

// Draft is an order in preparation. Its columns are named as a cart's.
type Draft struct {
	ID               uuid.UUID
	Number           string
	BrandID          uuid.UUID
	ChannelID        uuid.UUID
	ShopID           *uuid.UUID
	MemberID         *uuid.UUID // nil for a guest
	BuyerRole        access.Role
	Name             string
	Phone            string
	Email            string
	Language         string
	State            State
	Revision         int // counts changes
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address // nil: where the parcel goes
	ShippingMethodID *uuid.UUID
	ShippingMode     pricing.ShippingMode
	PaymentMethod    *payment.Method
	ConvenienceStore payment.Chain
	Note             string // of staff
	Message          string // to the customer
	TokenHash        []byte // of the key by which a guest confirms; nil until it is sent
	Currency         money.Currency
	TotalMinor       int64 `db:"total"` // as it was last priced
	ExpiresAt        time.Time
	OrderID          *uuid.UUID
	PlacedKey        string // the key by which it was placed
	PlacedBy         *uuid.UUID
	CreatedBy        uuid.UUID
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Sealed are the values that are sealed where the draft is kept.
func (d *Draft) Sealed() (uuid.UUID, []sealing.Column) {
	return d.ID, []sealing.Column{
		{Field: "name", Value: sealing.Text(&d.Name)},
		{Field: "phone", Value: sealing.Text(&d.Phone)},
		{Field: "email", Value: sealing.Text(&d.Email)},
		{Field: "shipping_address", Value: customer.AddressAt(&d.ShippingAddress)},
		{Field: "billing_address", Value: customer.AddressAt(&d.BillingAddress)},
	}
}

// GlobalID is the draft's id in the schema.
func (d Draft) GlobalID() string { return id.Global("DraftOrder", d.ID) }

// Total is what it came to when it was last priced.
func (d Draft) Total() money.Money { return money.Of(d.TotalMinor, d.Currency) }

// Maker is the account of who made it.
func (d Draft) Maker() string { return id.Global("Account", d.CreatedBy) }

// Placer is the account that placed it; nil while nobody has.
func (d Draft) Placer() *string { return id.GlobalOrNone("Account", d.PlacedBy) }

// Member is the account for whom it is; nil for a guest.
func (d Draft) Member() *string { return id.GlobalOrNone("Account", d.MemberID) }

// AtShop is the shop's id in the schema; nil if none was said.
func (d Draft) AtShop() *string { return id.GlobalOrNone("Location", d.ShopID) }

// Method is the shipping method's id in the schema; nil if none was chosen.
func (d Draft) Method() *string { return id.GlobalOrNone("ShippingMethod", d.ShippingMethodID) }

// Store is the chain of convenience stores; nil if it is not paid there.
func (d Draft) Store() *payment.Chain {
	if d.ConvenienceStore == "" {
		return nil
	}
	return &d.ConvenienceStore
}

// Buyer is for whom the draft is.
func (d Draft) Buyer() behalf.Buyer {
	return behalf.Buyer{MemberID: d.MemberID, Role: d.BuyerRole, Guest: d.ID, Language: d.Language}
}

// Line is goods of a draft.
type Line struct {
	ID        uuid.UUID
	DraftID   uuid.UUID
	Position  int
	VariantID uuid.UUID
	SKU       string
	Name      i18n.Text
	Options   []string
	Quantity  int
	Choices   []sale.Choice // of a set
	UnitMinor *int64        `db:"unit"` // that staff have set; nil: the buyer's price
	Currency  money.Currency
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("DraftOrderLine", l.ID) }

// Unit is the price that staff have set; nil: the buyer's own.
func (l Line) Unit() *money.Money {
	if l.UnitMinor == nil {
		return nil
	}
	m := money.Of(*l.UnitMinor, l.Currency)
	return &m
}

// Change is what an event says of a draft.
type Change struct {
	Before  State      `json:"before,omitempty"`
	After   State      `json:"after,omitempty"`
	OrderID *uuid.UUID `json:"orderId,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Total   int64      `json:"total,omitempty"`
}
