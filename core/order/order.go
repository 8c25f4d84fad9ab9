// Package order is what customers have bought: placed once, advanced by a state
// machine, and never forgotten.
package order

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
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

// Status is where an order stands.
type Status string

// The life of an order.
const (
	PendingPayment   Status = "PENDING_PAYMENT"   // placed, stock held, money awaited
	PendingApproval  Status = "PENDING_APPROVAL"  // placed on account, stock held, waits for an approver
	Confirmed        Status = "CONFIRMED"         // the money is there or promised
	Picking          Status = "PICKING"           // being taken from the shelves
	PartiallyShipped Status = "PARTIALLY_SHIPPED" // some of it has left, some has not
	Shipped          Status = "SHIPPED"           // all of it has left
	Delivered        Status = "DELIVERED"         // all of it has been received by the customer
	Cancelled        Status = "CANCELLED"         // given up, stock returned
)

// Statuses lists every status.
var Statuses = []Status{PendingPayment, PendingApproval, Confirmed, Picking, PartiallyShipped, Shipped, Delivered, Cancelled}

// cancellable reports whether an order that stands so can be given up whole.
func (s Status) cancellable() bool {
	return slices.Contains([]Status{PendingPayment, PendingApproval, Confirmed, Picking}, s)
}

// Failures of an order.
var (
	ErrEmptyCart    = fault.Invalid("CART_EMPTY", "カートに商品がありません", "The cart is empty")
	ErrPriceChanged = fault.Conflict("PRICE_CHANGED", "金額が変わりました。新しい合計は%sです。ご確認ください", "The price has changed; the new total is %s. Please confirm")
	ErrTransition   = fault.Conflict("ORDER_STATUS_CONFLICT", "注文の状態が%sのため、この操作はできません", "The order is %s; this cannot be done now")
	ErrBackOrdered  = fault.Conflict("ORDER_BACK_ORDERED", "取り寄せ中の商品があるため出荷できません", "Some of the order's goods have not arrived yet")
	ErrNotReleased  = fault.Conflict("ORDER_NOT_RELEASED", "発売日前の商品があるため出荷できません", "Some of the order's goods are not released yet")
	ErrMadeToOrder  = fault.Conflict("ORDER_MADE_TO_ORDER", "受注生産の商品はご注文確定後のキャンセルができません", "Goods made to order cannot be cancelled once the order is confirmed")
	ErrUnpaid       = fault.Conflict("ORDER_UNPAID", "入金が確認できていません", "The order has not been paid")
)

// Order is one order. Amounts are minor units of its currency.
type Order struct {
	ID              uuid.UUID
	Number          string
	BrandID         uuid.UUID
	ChannelID       uuid.UUID
	ShopID          *uuid.UUID // where it was bought or is picked up; nil: nothing was said
	MemberID        *uuid.UUID
	CompanyID       *uuid.UUID // for whom it was placed; nil for a person's own
	TokenHash       []byte
	Email           string
	Language        string
	Status          Status
	Currency        money.Currency
	TaxInclusive    bool
	SubtotalMinor   int64 `db:"subtotal"`
	DiscountMinor   int64 `db:"discount"`
	ShippingMinor   int64 `db:"shipping_fee"`
	ChargeMinor     int64 `db:"charge"`
	TaxMinor        int64 `db:"tax"`
	TotalMinor      int64 `db:"total"`
	RefusedMinor    int64 `db:"refused"` // of the total: for parcels that were not accepted
	CarriedMinor    int64 `db:"carried"` // what was paid for goods that came back, and that these replace
	Taxes           []money.Taxed
	Breakdown       []pricing.Step
	ShippingAddress customer.Address
	BillingAddress  *customer.Address // nil: where the parcel goes
	ShippingMethod  Shipping
	ShippingMode    pricing.ShippingMode
	QuotationID     *uuid.UUID // whose offer was ordered; nil for a cart
	PaymentMethod   payment.Method
	Origin          Origin
	Paid            bool
	InternalNote    string
	Held            HoldReason `db:"held"` // why it may not leave; empty if it may
	HeldNote        string
	Tags            []string
	MissedGifts     []i18n.Text // gifts of campaigns that were sold out
	Masked          bool        `db:"-"` // personal data is not shown whole to who asked
	Delivery
	ApproveBy *time.Time // until when it waits for an approver, or has waited; nil: it needed none
	PlacedAt  time.Time
	UpdatedAt time.Time
}

// Shipping is the shipping method as it was when the order was placed.
type Shipping struct {
	ID       uuid.UUID        `json:"id"`
	Name     i18n.Text        `json:"name"`
	Excluded []payment.Method `json:"excluded,omitempty"` // that it did not go with
	TaxClass money.TaxClass   `json:"taxClass,omitempty"` // of the fee; empty: the standard rate
}

// Sealed are the values that are sealed where the order is kept.
func (o *Order) Sealed() (uuid.UUID, []sealing.Column) {
	return o.ID, []sealing.Column{
		{Field: "email", Value: sealing.Text(&o.Email)},
		{Field: "shipping_address", Value: customer.AddressValue(&o.ShippingAddress)},
		{Field: "billing_address", Value: customer.AddressAt(&o.BillingAddress)},
	}
}

// BilledTo is whom the bill is made out to.
func (o Order) BilledTo() customer.Address {
	if o.BillingAddress != nil {
		return *o.BillingAddress
	}
	return o.ShippingAddress
}

// Customer is whom limits count the order's customer as. Nobody knows who buys over the
// counter without a word of who they are: each is another.
func (o Order) Customer() string {
	return cmp.Or(cart.CustomerOf(o.MemberID, o.Email), "o:"+o.ID.String())
}

// GlobalID is the order's id in the schema.
func (o Order) GlobalID() string { return id.Global("Order", o.ID) }

// AtShop is the shop's id in the schema; nil if none was said.
func (o Order) AtShop() *string { return id.GlobalOrNone("Location", o.ShopID) }

// Subtotal is what the lines come to.
func (o Order) Subtotal() money.Money { return money.Of(o.SubtotalMinor, o.Currency) }

// Discount is what campaigns took off the goods as a whole.
func (o Order) Discount() money.Money { return money.Of(o.DiscountMinor, o.Currency) }

// ShippingFee is the fee of the shipping method.
func (o Order) ShippingFee() money.Money { return money.Of(o.ShippingMinor, o.Currency) }

// PaymentCharge is the charge of the way to pay.
func (o Order) PaymentCharge() money.Money { return money.Of(o.ChargeMinor, o.Currency) }

// Tax is the consumption tax in the total.
func (o Order) Tax() money.Money { return money.Of(o.TaxMinor, o.Currency) }

// Total is what the customer pays.
func (o Order) Total() money.Money { return money.Of(o.TotalMinor, o.Currency) }

// ShippingMethodName is the shipping method's name when the order was placed.
func (o Order) ShippingMethodName() i18n.Text { return o.ShippingMethod.Name }

// Line is one line of an order, as it was when the order was placed.
type Line struct {
	ID         uuid.UUID
	OrderID    uuid.UUID
	Position   int
	VariantID  uuid.UUID
	ProductID  uuid.UUID
	SKU        string
	Name       i18n.Text
	Options    []string
	Quantity   int
	UnitMinor  int64 `db:"unit"`
	TotalMinor int64 `db:"total"`
	TaxClass   money.TaxClass
	Breakdown  []pricing.Step
	Currency   money.Currency
	// BackOrdered is how many of the pieces still wait for stock, if only of a part.
	BackOrdered int
	DueOn       *time.Time // the day by which they come, by what is announced; nil if nobody knows
	Promise     i18n.Text  // what the buyer was told of when they come; empty if all were there
	SoldAs      sale.Kind  // how it was sold; empty if simply from stock
	Parts       []Part     // of a set
}

// Part is what a set of an order held, as it was when the order was placed.
type Part struct {
	VariantID uuid.UUID      `json:"variantId"`
	ProductID uuid.UUID      `json:"productId"`
	SKU       string         `json:"sku"`
	Name      i18n.Text      `json:"name"`
	Options   []string       `json:"options"`
	Quantity  int            `json:"quantity"` // in all sets of the line
	TaxClass  money.TaxClass `json:"taxClass"`
	Amount    money.Money    `json:"amount"` // what the part bears of the line's total
	SoldAs    sale.Kind      `json:"soldAs,omitempty"`
	// Secret says that the buyer was not told what one of the set's parts costs alone,
	// which the shares of all of them together would tell.
	Secret bool `json:"secret,omitempty"`
}

// Share is what the part bears of the line's total; nil for a buyer who may not work out
// from it what a part costs alone.
func (p Part) Share(ctx context.Context) *money.Money {
	if p.Secret && !access.From(ctx).May(access.OrderRead) {
		return nil
	}
	return &p.Amount
}

// Promised is what the buyer was told; nil if nothing was missing.
func (l Line) Promised() i18n.Text {
	if len(l.Promise) == 0 {
		return nil
	}
	return l.Promise
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("OrderLine", l.ID) }

// Unit is the price of one piece.
func (l Line) Unit() money.Money { return money.Of(l.UnitMinor, l.Currency) }

// Total is the price of the line.
func (l Line) Total() money.Money { return money.Of(l.TotalMinor, l.Currency) }

// Sold is how the line was sold; nil if simply from stock.
func (l Line) Sold() *sale.Kind {
	if l.SoldAs == "" {
		return nil
	}
	return &l.SoldAs
}

// Taking is all that an order takes of what others want too.
type Taking struct {
	OrderID      uuid.UUID
	At           time.Time
	Reservations []Reservation
	Limited      []Reservation // pieces that count against limits, wherever they come from
	Customer     string        // whom they count for
}

// Reservation is stock that an order holds. Without a location it is pieces that the
// order waits for (取り寄せ).
type Reservation struct {
	VariantID  uuid.UUID
	LocationID uuid.UUID
	Quantity   int
}
