// Package segment searches members by any combination of who they are, what they bought
// and what they agreed to (詳細検索), and keeps such searches as segments.
package segment

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

// Condition is one node of a tree: a group of conditions or one of its own. Exactly one
// of the fields is set.
type Condition struct {
	All []Condition `json:"all,omitempty"` // every one of them holds
	Any []Condition `json:"any,omitempty"` // one of them holds, or more
	Not *Condition  `json:"not,omitempty"`

	Bought       *Bought           `json:"bought,omitempty"`
	Purchases    *Purchases        `json:"purchases,omitempty"`
	LastPurchase *Period           `json:"lastPurchase,omitempty"`
	Age          *Range            `json:"age,omitempty"`
	Genders      []customer.Gender `json:"genders,omitempty"`
	BirthMonths  []int             `json:"birthMonths,omitempty"`
	Pet          *Pet              `json:"pet,omitempty"`
	Store        *OfStore          `json:"store,omitempty"`
	RankIDs      []uuid.UUID       `json:"rankIds,omitempty"`
	Points       *Points           `json:"points,omitempty"`
	Consent      *Consent          `json:"consent,omitempty"`
	Mailing      *OfMailing        `json:"mailing,omitempty"`

	ExpiringPoints *ExpiringPoints `json:"expiringPoints,omitempty"`
	Coupon         *OfCoupon       `json:"coupon,omitempty"`

	Joined      *Period               `json:"joined,omitempty"`
	Prefectures []customer.Prefecture `json:"prefectures,omitempty"` // of the default address
	SegmentIDs  []uuid.UUID           `json:"segmentIds,omitempty"`  // in one of these segments now

	// Of is the segment whose conditions stand here in the place of its id.
	Of *Segment `json:"-"`
}

// Period is a time of business days, both ends included: from and until, either of which
// may be open, or the last days up to today.
type Period struct {
	From     *time.Time `json:"from,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	LastDays *int       `json:"lastDays,omitempty"`
}

// Range is bounds of whole numbers, both included.
type Range struct {
	Min *int `json:"min,omitempty"`
	Max *int `json:"max,omitempty"`
}

// Amounts is bounds of an amount in major units, both included.
type Amounts struct {
	Min *decimal.Decimal `json:"min,omitempty"`
	Max *decimal.Decimal `json:"max,omitempty"`
}

// Bought holds for who bought goods that are one of the products, in one of the
// categories (or below), or of one of the product brands. What went back does not count.
type Bought struct {
	ProductIDs      []uuid.UUID `json:"productIds,omitempty"`
	CategoryIDs     []uuid.UUID `json:"categoryIds,omitempty"`
	ProductBrandIDs []uuid.UUID `json:"productBrandIds,omitempty"`
	Period          *Period     `json:"period,omitempty"`
	Amount          *Amounts    `json:"amount,omitempty"`
	Quantity        *Range      `json:"quantity,omitempty"` // pieces; at least one if nothing is said
}

// Purchases holds for who bought so much in a period, nothing being so much too.
type Purchases struct {
	Period   *Period     `json:"period,omitempty"`
	StoreIDs []uuid.UUID `json:"storeIds,omitempty"` // only what was bought there
	Amount   *Amounts    `json:"amount,omitempty"`   // less what went back
	Items    *Range      `json:"items,omitempty"`    // pieces, less those that went back
	Visits   *Range      `json:"visits,omitempty"`   // receipts and shipments with goods
}

// Pet holds for who has a pet that is all of this.
type Pet struct {
	Species     []customer.Species `json:"species,omitempty"`
	Breeds      []string           `json:"breeds,omitempty"`
	Age         *Range             `json:"age,omitempty"`         // whole years
	BirthMonths []int              `json:"birthMonths,omitempty"` // born in one of them, 1 to 12
}

// StoreKind says in which way a store is a member's.
type StoreKind string

// The ways.
const (
	Registered StoreKind = "REGISTERED" // 登録店
	Home       StoreKind = "HOME"       // よく行く店
)

// OfStore holds for members of stores.
type OfStore struct {
	Kind     StoreKind   `json:"kind"`
	StoreIDs []uuid.UUID `json:"storeIds"`
}

// Points holds for who has so many points to use; who never had any has none.
type Points struct {
	ProgrammeID uuid.UUID `json:"programmeId"`
	Balance     Range     `json:"balance"`
}

// ExpiringPoints holds for who has so many points, or more, whose last day is from today to
// another: within so many days, or by a day. One of the two is said.
type ExpiringPoints struct {
	ProgrammeID *uuid.UUID `json:"programmeId,omitempty"` // nil: all of the brand's own together
	WithinDays  *int       `json:"withinDays,omitempty"`  // from today; 0 is today alone
	By          *time.Time `json:"by,omitempty"`
	Least       int        `json:"least"`
}

// Last is the last day that counts, as of today.
func (e ExpiringPoints) Last(today time.Time) time.Time {
	if e.By != nil {
		return *e.By
	}
	days := 0
	if e.WithinDays != nil {
		days = *e.WithinDays
	}
	return today.AddDate(0, 0, days)
}

// CouponState is what became of a coupon.
type CouponState string

// The states.
const (
	HoldsCoupon CouponState = "HELD" // a coupon of the member's own that can be used now
	UsedCoupon  CouponState = "USED" // with an order that stands, a shared code as well
)

// OfCoupon holds for who has, or has used, a coupon of one of the campaigns.
type OfCoupon struct {
	CampaignIDs []uuid.UUID `json:"campaignIds"`
	State       CouponState `json:"state"`
}

// Consent holds for whom the brand may reach so, or may not.
type Consent struct {
	Medium member.Medium `json:"medium"`
	Given  bool          `json:"given"`
}

// Response is what a member of a mailing's audience got and did.
type Response string

// The responses. Whoever did or did not do something has got it.
const (
	GotMailing Response = "SENT"
	HeldOut    Response = "HELD_OUT"
	BoughtOf   Response = "BOUGHT" // within the mailing's window, as it was last counted
	NotBought  Response = "NOT_BOUGHT"
	OpenedOf   Response = "OPENED"
	NotOpened  Response = "NOT_OPENED"
	ClickedOf  Response = "CLICKED"
	NotClicked Response = "NOT_CLICKED"
)

// Responses are all of them.
var Responses = []Response{GotMailing, HeldOut, BoughtOf, NotBought, OpenedOf, NotOpened, ClickedOf, NotClicked}

// OfMailing holds for who responded so to one of the mailings.
type OfMailing struct {
	MailingIDs []uuid.UUID `json:"mailingIds"`
	Response   Response    `json:"response"`
}

// Between are the first and the last day of the period as of today, where it has them.
func (p *Period) Between(today time.Time) (from, until *time.Time) {
	switch {
	case p == nil:
		return nil, nil
	case p.LastDays != nil:
		first := today.AddDate(0, 0, 1-*p.LastDays)
		return &first, &today
	}
	return p.From, p.Until
}

// Has reports whether the number is within the range.
func (r *Range) Has(n int64) bool {
	return r == nil || (r.Min == nil || n >= int64(*r.Min)) && (r.Max == nil || n <= int64(*r.Max))
}

// Has reports whether the amount is within the bounds.
func (a *Amounts) Has(amount decimal.Decimal) bool {
	return a == nil || (a.Min == nil || !amount.LessThan(*a.Min)) && (a.Max == nil || !amount.GreaterThan(*a.Max))
}

// Nothing reports whether who bought nothing fits, too.
func (p Purchases) Nothing() bool {
	return p.Amount.Has(decimal.Zero) && p.Items.Has(0) && p.Visits.Has(0)
}

// Private reports whether the tree asks about the person, what they bought or what points
// they have: who may not read that of a member must not find it out by searching either.
// Store and rank are shown of masked members, too.
func (c Condition) Private() bool {
	person := c.Consent != nil || c.Age != nil || c.Genders != nil || c.BirthMonths != nil || c.Pet != nil || c.Joined != nil || c.Prefectures != nil
	return person || c.earned() || c.SegmentIDs != nil || c.Of != nil || slices.ContainsFunc(c.below(), Condition.Private)
}

// earned reports whether the condition itself asks what the member bought, has or was sent.
func (c Condition) earned() bool {
	return c.Bought != nil || c.Purchases != nil || c.LastPurchase != nil || c.Points != nil || c.Mailing != nil || c.ExpiringPoints != nil || c.Coupon != nil
}

func (c Condition) below() []Condition {
	all := append(append([]Condition{}, c.All...), c.Any...)
	if c.Not != nil {
		all = append(all, *c.Not)
	}
	return all
}

// Sums reports whether the tree asks for sums of all that members bought, which costs
// more than anything else.
func (c Condition) Sums() bool {
	if c.Purchases != nil || c.LastPurchase != nil {
		return true
	}
	for _, below := range c.below() {
		if below.Sums() {
			return true
		}
	}
	return false
}
