// Package promotion is campaigns and coupons (販促): who gets what, when, on which
// goods and under which conditions, and which campaigns go together.
package promotion

import (
	"cmp"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Status is what staff have decided about a campaign. Whether it runs at a moment
// is a matter of its period.
type Status string

// The statuses.
const (
	Draft   Status = "DRAFT"   // being written; nobody sees it
	Ready   Status = "READY"   // runs when its period says so
	Stopped Status = "STOPPED" // runs no more
)

// Campaign is one campaign (キャンペーン).
type Campaign struct {
	ID      uuid.UUID
	BrandID uuid.UUID
	Code    string    // what staff call it
	Name    i18n.Text // what buyers read in a price's explanation
	Badge   i18n.Text // a word or two beside a product; may be empty
	// Currency is that of the campaign's amounts: it is for channels that sell in it.
	Currency money.Currency
	Status   Status
	scope.Window
	Recurrence  Recurrence
	Audiences   []scope.Audience // it is for who belongs to any of them
	Channels    []uuid.UUID      // none: all
	Shops       []uuid.UUID      // none: all, and none at all
	Regions     []string         // prefectures that the goods go to; none: all
	Goods       []scope.Target   // any of them; none: all goods
	Except      []scope.Target   `db:"except_goods"` // but these
	Conditions  Conditions
	Benefits    []Benefit
	Stacking    Stacking
	Group       string `db:"group_code"` // among campaigns of one group at most one applies
	Priority    int    // the lower number comes first
	NeedsCoupon bool
	Limits      Limits
	Experiment  Experiment
	// NotifyMembers has members who agreed to the mail magazine told when it begins.
	NotifyMembers bool
	SpentAt       *time.Time // when budget or uses ran out
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// GlobalID is the campaign's id in the schema.
func (c Campaign) GlobalID() string { return id.Global("Campaign", c.ID) }

// ChannelIDs are the channels' ids in the schema.
func (c Campaign) ChannelIDs() []string { return id.Globals("Channel", c.Channels) }

// ShopIDs are the shops' ids in the schema.
func (c Campaign) ShopIDs() []string { return id.Globals("Location", c.Shops) }

// global is the id in the schema of what the key names; nil where it names nothing.
func global(kind string, key uuid.UUID) *string {
	if key == uuid.Nil {
		return nil
	}
	named := id.Global(kind, key)
	return &named
}

// SegmentIDs are the segments whose members it is for.
func (c Campaign) SegmentIDs() []uuid.UUID { return segmentsOf(c.Audiences) }

// Division is how it divides buyers; nil if it does not.
func (c Campaign) Division() *Experiment {
	if !c.Experiment.Divides() {
		return nil
	}
	return &c.Experiment
}

// Recurrence narrows a period to moments that come again, in the brand's zone. What
// is empty does not narrow.
type Recurrence struct {
	Weekdays []int `json:"weekdays,omitempty"` // 0 is Sunday
	Days     []int `json:"days,omitempty"`     // of the month; -1 is the last
	From     *int  `json:"from,omitempty"`     // minutes after midnight
	Until    *int  `json:"until,omitempty"`    // before From: it goes on past midnight
}

// Conditions are what a cart or its buyer must meet. What is zero asks nothing.
// Amounts and pieces are those of the campaign's goods, at the prices that the
// buyer's terms give before any campaign.
type Conditions struct {
	MinAmount     int64       `json:"minAmount,omitempty"` // minor units
	MinQuantity   int         `json:"minQuantity,omitempty"`
	Combination   []Part      `json:"combination,omitempty"` // "2 of A and 1 of B": one set
	MaxSets       int         `json:"maxSets,omitempty"`     // in one order; 0: as many as there are
	FirstPurchase bool        `json:"firstPurchase,omitempty"`
	BirthdayMonth bool        `json:"birthdayMonth,omitempty"`
	Groups        []uuid.UUID `json:"groups,omitempty"` // the buyer is in one of them, besides the audience
}

// Part is one part of a combination. Without goods of its own it means the
// campaign's.
type Part struct {
	Goods    []scope.Target `json:"goods,omitempty"`
	Quantity int            `json:"quantity"`
}

// BenefitKind is what a campaign gives.
type BenefitKind string

// The kinds of benefit.
const (
	LinePercent  BenefitKind = "LINE_PERCENT"  // percent off each piece
	LineAmount   BenefitKind = "LINE_AMOUNT"   // an amount off each piece
	FixedPrice   BenefitKind = "FIXED_PRICE"   // a price of each piece
	SetPercent   BenefitKind = "SET_PERCENT"   // percent off each set
	SetAmount    BenefitKind = "SET_AMOUNT"    // an amount off each set
	SetPrice     BenefitKind = "SET_PRICE"     // a price of each set: 3 for ¥1,000
	Cheapest     BenefitKind = "CHEAPEST"      // percent off the cheapest pieces of each set
	OrderPercent BenefitKind = "ORDER_PERCENT" // percent off the campaign's goods together
	OrderAmount  BenefitKind = "ORDER_AMOUNT"  // an amount off the campaign's goods together
	FreeShipping BenefitKind = "FREE_SHIPPING" // the shipping fee, or part of it
	FreeGift     BenefitKind = "GIFT"          // goods on top
	Points       BenefitKind = "POINTS"        // times the points
	IssueCoupon  BenefitKind = "COUPON"        // a coupon for a later order
)

// Benefit is one thing that a campaign gives. At most one benefit of a campaign
// takes something off the goods; the others come on top.
type Benefit struct {
	Kind      BenefitKind      `json:"kind"`
	Percent   *decimal.Decimal `json:"percent,omitempty"`   // 10 is 10 %
	Amount    *int64           `json:"amount,omitempty"`    // minor units
	Pieces    int              `json:"pieces,omitempty"`    // of CHEAPEST, in each set; of a gift
	UpTo      *int64           `json:"upTo,omitempty"`      // the most that is taken off, minor units
	Rounding  money.Rounding   `json:"rounding,omitempty"`  // of what is taken off; down if empty
	Variant   uuid.UUID        `json:"variant,omitzero"`    // the gift
	Required  bool             `json:"required,omitempty"`  // the order stops when the gift is sold out
	Allotment *int             `json:"allotment,omitempty"` // of a gift, in all orders together; nil does not bound it
	PerSet    bool             `json:"perSet,omitempty"`    // the gift comes with each set
	Factor    *decimal.Decimal `json:"factor,omitempty"`    // of points: 2 is twice
	Issues    uuid.UUID        `json:"issues,omitzero"`     // the campaign that the coupon opens
}

// Stacking is how a campaign goes together with others.
type Stacking string

// The ways to stack.
const (
	Combinable Stacking = "COMBINABLE" // with others; of its group the one that saves most
	ByPriority Stacking = "PRIORITY"   // with others; of its group the first that fits
	Exclusive  Stacking = "EXCLUSIVE"  // with no other campaign, when it alone saves most
)

// Limits bound a campaign. nil does not.
type Limits struct {
	Budget    *int64 `json:"budget,omitempty"` // sum of discounts, minor units
	Uses      *int   `json:"uses,omitempty"`
	PerMember *int   `json:"perMember,omitempty"`
	// Kept says that what it gave stays used when an order comes back whole.
	Kept bool `json:"kept,omitempty"`
}

// Experiment divides buyers for comparison, by a stable hash of who they are.
type Experiment struct {
	Name    string `json:"name,omitempty"`    // campaigns of one name divide the same buyers
	From    int    `json:"from,omitempty"`    // the share of buyers that get it,
	UpTo    int    `json:"upTo,omitempty"`    // in percent; 0 is 100
	HoldOut int    `json:"holdOut,omitempty"` // percent of buyers who never get it
}

// Divides reports whether who the buyer is decides whether they get it.
func (e Experiment) Divides() bool { return e.HoldOut > 0 || e.From > 0 || e.UpTo > 0 && e.UpTo < 100 }

// End is where the share of buyers that get it ends, in percent.
func (e Experiment) End() int { return cmp.Or(e.UpTo, 100) }

// onPieces reports whether a benefit of the kind changes the price of pieces.
func (k BenefitKind) onPieces() bool { return k == LinePercent || k == LineAmount || k == FixedPrice }

// onSets reports whether a benefit of the kind is for complete sets.
func (k BenefitKind) onSets() bool {
	return k == SetPercent || k == SetAmount || k == SetPrice || k == Cheapest
}

// onGoods reports whether a benefit of the kind takes something off the goods.
func (k BenefitKind) onGoods() bool {
	return k.onPieces() || k.onSets() || k == OrderPercent || k == OrderAmount
}

// Personal reports whether the campaign looks at one buyer alone, so that what it
// shows them is not to be shown to others.
func (c Campaign) Personal() bool {
	return c.Conditions.FirstPurchase || c.Conditions.BirthdayMonth || c.Limits.PerMember != nil || c.Experiment.Divides() || len(c.SegmentIDs()) > 0
}

// AmountMinor is the amount in minor units; nil for kinds that have none.
func (b Benefit) AmountMinor() *int { return asInt(b.Amount) }

// UpToMinor is the most that is taken off, in minor units; nil if nothing bounds it.
func (b Benefit) UpToMinor() *int { return asInt(b.UpTo) }

func asInt(n *int64) *int {
	if n == nil {
		return nil
	}
	i := int(*n)
	return &i
}

// RoundsTo is which way a fraction goes; nil where the benefit leaves it open, which is down.
func (b Benefit) RoundsTo() *money.Rounding {
	if b.Rounding == "" {
		return nil
	}
	return &b.Rounding
}

// OfVariant is the gift's id in the schema; nil for other kinds.
func (b Benefit) OfVariant() *string { return global("Variant", b.Variant) }

// IssuesID is the id in the schema of the campaign that the coupon opens; nil for other kinds.
func (b Benefit) IssuesID() *string { return global("Campaign", b.Issues) }

// GroupIDs are the customer groups' ids in the schema.
func (c Conditions) GroupIDs() []string { return id.Globals("CustomerGroup", c.Groups) }

// MinAmountMinor is the least amount in minor units.
func (c Conditions) MinAmountMinor() int { return int(c.MinAmount) }

// Budget is the most that all discounts may come to; nil if nothing bounds them.
func (c Campaign) Budget() *money.Money {
	if c.Limits.Budget == nil {
		return nil
	}
	m := money.Of(*c.Limits.Budget, c.Currency)
	return &m
}

// KeptOnReturn reports whether its use, its coupon and what it gave stay used when an
// order comes back whole.
func (c Campaign) KeptOnReturn() bool { return c.Limits.Kept }

// MaxUses is how many orders may use the campaign; nil if nothing bounds them.
func (c Campaign) MaxUses() *int { return c.Limits.Uses }

// MaxUsesPerMember is how often one buyer may; nil if nothing bounds it.
func (c Campaign) MaxUsesPerMember() *int { return c.Limits.PerMember }
