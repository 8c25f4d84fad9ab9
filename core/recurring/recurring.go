// Package recurring is orders that come again (定期便): a member subscribes to goods every
// so many weeks or months, and noren orders them when they fall due, at the prices of
// that day.
package recurring

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
	"github.com/noren-commerce/noren/core/sealing"
)

// State is where a recurring order stands.
type State string

// The states.
const (
	Active    State = "ACTIVE"
	Paused    State = "PAUSED"    // nothing is ordered until it is resumed
	Cancelled State = "CANCELLED" // for good
)

// Result is what became of one due day.
type Result string

// The results.
const (
	Placed  Result = "PLACED"
	Skipped Result = "SKIPPED" // as the member wished
	Problem Result = "PROBLEM" // could not be placed; is tried again, or waits for somebody
	GivenUp Result = "GIVEN_UP"
)

// Failures of a recurring order.
var (
	ErrState    = fault.Conflict("RECURRING_ORDER_STATE_CONFLICT", "定期便の状態が%sのため、この操作はできません", "The recurring order is %s; this cannot be done now")
	ErrChanged  = fault.Conflict("RECURRING_ORDER_CHANGED", "定期便が更新されています。ご確認ください", "The recurring order has been changed; please look at it")
	ErrSchedule = fault.Invalid("RECURRING_ORDER_SCHEDULE_INVALID", "間隔は1〜26週または1〜12か月、日付は明日以降1年以内で指定してください", "An interval has 1 to 26 weeks or 1 to 12 months, and the day lies between tomorrow and a year ahead")
	ErrMethod   = fault.Invalid("RECURRING_ORDER_PAYMENT_INVALID", "この支払方法は定期便では使えません", "A recurring order cannot be paid this way")
	ErrRise     = fault.Conflict("RECURRING_ORDER_PRICE_ROSE", "合計金額が前回の%sから%sへ上がっています。ご確認ください", "The total has risen from %s to %s; please confirm")
	ErrEmpty    = fault.Invalid("RECURRING_ORDER_EMPTY", "商品を1点以上指定してください", "Name at least one product")
)

// Order is one recurring order. Its columns are named as a cart's.
type Order struct {
	ID               uuid.UUID
	Number           string
	BrandID          uuid.UUID
	ChannelID        uuid.UUID
	MemberID         uuid.UUID
	BuyerRole        access.Role
	Name             string
	Email            string
	Language         string
	State            State
	Revision         int
	Unit             Unit
	Every            int
	FirstOn          time.Time  // the schedule counts from it
	NextOn           time.Time  // the next order
	AnnouncedOn      *time.Time // the due day of which the member was told ahead
	RetryAt          *time.Time // when what could not be placed is tried again
	Attempts         int        // at the next order
	AcceptedMinor    int64      `db:"accepted"` // the total that the member knows of
	ShippingAddress  customer.Address
	BillingAddress   *customer.Address
	ShippingMethodID uuid.UUID
	ShippingMode     pricing.ShippingMode
	PaymentMethod    payment.Method
	ConvenienceStore payment.Chain
	CardID           *uuid.UUID // the saved card that is charged, for MethodCard
	Currency         money.Currency
	CreatedAt        time.Time
	UpdatedAt        time.Time
}

// Sealed are the values that are sealed where the order is kept.
func (o *Order) Sealed() (uuid.UUID, []sealing.Column) {
	return o.ID, []sealing.Column{
		{Field: "name", Value: sealing.Text(&o.Name)},
		{Field: "email", Value: sealing.Text(&o.Email)},
		{Field: "shipping_address", Value: customer.AddressValue(&o.ShippingAddress)},
		{Field: "billing_address", Value: customer.AddressAt(&o.BillingAddress)},
	}
}

// GlobalID is the recurring order's id in the schema.
func (o Order) GlobalID() string { return id.Global("RecurringOrder", o.ID) }

// Member is the account for which it is.
func (o Order) Member() string { return id.Global("Account", o.MemberID) }

// Method is the shipping method's id in the schema.
func (o Order) Method() string { return id.Global("ShippingMethod", o.ShippingMethodID) }

// Store is the chain of convenience stores; nil if it is not paid there.
func (o Order) Store() *payment.Chain {
	if o.ConvenienceStore == "" {
		return nil
	}
	return &o.ConvenienceStore
}

// Accepted is the total that the member knows of.
func (o Order) Accepted() money.Money { return money.Of(o.AcceptedMinor, o.Currency) }

// Schedule is when it falls due.
func (o Order) Schedule() Schedule { return Schedule{o.Unit, o.Every, o.FirstOn} }

// Due is the next order's day; nil while nothing is ordered.
func (o Order) Due() *time.Time {
	if o.State != Active {
		return nil
	}
	return &o.NextOn
}

// upcoming is how many days ahead are told.
const upcoming = 3

// Upcoming are the next days; none while nothing is ordered.
func (o Order) Upcoming() []time.Time {
	days := make([]time.Time, 0, upcoming)
	if o.State != Active {
		return days
	}
	for day := o.NextOn; len(days) < upcoming; day = o.Schedule().After(day) {
		days = append(days, day)
	}
	return days
}

// Buyer is for whom it is ordered.
func (o Order) Buyer() behalf.Buyer {
	return behalf.Buyer{MemberID: &o.MemberID, Role: o.BuyerRole, Language: o.Language}
}

// Line is goods of a recurring order.
type Line struct {
	ID          uuid.UUID
	RecurringID uuid.UUID
	Position    int
	VariantID   uuid.UUID
	SKU         string
	Name        i18n.Text
	Options     []string
	Quantity    int
}

// GlobalID is the line's id in the schema.
func (l Line) GlobalID() string { return id.Global("RecurringOrderLine", l.ID) }

// Occurrence is what became of one due day.
type Occurrence struct {
	RecurringID uuid.UUID
	DueOn       time.Time
	Result      Result
	OrderID     *uuid.UUID
	ProblemCode string
	ProblemText string // in the member's language
	Attempts    int
	UpdatedAt   time.Time
}

// Change is what an event says of a recurring order.
type Change struct {
	Before  State      `json:"before,omitempty"`
	After   State      `json:"after,omitempty"`
	DueOn   string     `json:"dueOn,omitempty"`
	NextOn  string     `json:"nextOn,omitempty"`
	OrderID *uuid.UUID `json:"orderId,omitempty"`
	Problem fault.Code `json:"problem,omitempty"`
	Reason  string     `json:"reason,omitempty"`
}
