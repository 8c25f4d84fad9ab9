// Package statistics is the figures by day (日次集計): purchases, cards, registrations and
// points. A job keeps them; questions read nothing else.
package statistics

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Grouping says what one row of figures is of.
type Grouping string

// The groupings.
const (
	ByDay         Grouping = "DAY"           // a day of all stores
	ByStore       Grouping = "STORE"         // a store over all the days
	ByDayAndStore Grouping = "DAY_AND_STORE" // a day of a store
)

// Figures are what happened in a store, or in all, on a day, or on all.
type Figures struct {
	Day              *time.Time // nil: on all the days that were asked for
	StoreID          *uuid.UUID // nil: online, or all stores
	StoreName        i18n.Text  // empty: online, or all stores
	StoreCode        string     // empty: online, or all stores
	StoreOrder       int        // where the store stands among the brand's; online last
	Currency         money.Currency
	Receipts         int   // purchases; not those below zero
	Returned         int   // those below zero
	Items            int   // pieces, less those that came back
	TotalMinor       int64 `db:"total"`
	MemberReceipts   int   // of Receipts, those of members
	MemberTotalMinor int64 `db:"member_total"`
	PhysicalCards    int   // issued to new members
	DigitalCards     int
	ReissuedCards    int // issued in place of another
	Registrations    int // memberships that began
	Withdrawals      int // memberships that ended
}

// Total is what was paid, with tax, less what was given back.
func (f Figures) Total() money.Money { return money.Of(f.TotalMinor, f.Currency) }

// MemberTotal is what of it members paid.
func (f Figures) MemberTotal() money.Money { return money.Of(f.MemberTotalMinor, f.Currency) }

// Store is the store's id in the schema; nil: online, or all stores.
func (f Figures) Store() *string { return location(f.StoreID) }

func location(storeID *uuid.UUID) *string { return id.GlobalOrNone("Location", storeID) }

// Key is where the figures stand in their order.
func (f Figures) Key() FiguresKey {
	key := FiguresKey{Order: f.StoreOrder, Code: f.StoreCode, Currency: f.Currency}
	if f.Day != nil {
		key.Day = *f.Day
	}
	return key
}

// FiguresKey orders figures: by day, then as the brand orders its stores, online last.
type FiguresKey struct {
	Day      time.Time      `json:"d"`
	Order    int            `json:"o"`
	Code     string         `json:"s"`
	Currency money.Currency `json:"c"`
}

// Points are what happened to the points of a programme on a day. What is outstanding grows
// by what is earned, granted, refunded and received, less what is used, expired, exchanged
// and sent; what is taken back from a member who has not got it comes off what is earned
// when they earn again.
type Points struct {
	ProgrammeID uuid.UUID
	Code        string
	Day         time.Time
	Earned      int64 // for purchases, less what was taken back
	Granted     int64 // by staff, and opening balances, less what staff deducted
	Refunded    int64 // in the place of money that went back
	Used        int64 // less what went back
	Expired     int64
	Exchanges   int   // how often members exchanged points, for prizes too, or sent them elsewhere
	Exchanged   int64 // into other programmes, and for prizes and entries of draws, less what came back of those
	Sent        int64 // to other point systems, less what they refused
	Received    int64 // from other programmes and systems
	Outstanding int64 // what members had at the day's end, pending ones too
}

// Programme is the programme's id in the schema.
func (p Points) Programme() string { return id.Global("PointProgramme", p.ProgrammeID) }

// Key is where the day stands in the order.
func (p Points) Key() PointsKey { return PointsKey{p.Day, p.Code} }

// PointsKey orders points by day and programme.
type PointsKey struct {
	Day  time.Time `json:"d"`
	Code string    `json:"p"`
}

// StorePoints are what happened to points of the members of a store on a day: of those whose
// home store it was when the day was counted.
type StorePoints struct {
	ProgrammeID uuid.UUID
	Code        string // the programme's
	Day         time.Time
	StoreID     *uuid.UUID // nil: of members without a home store
	StoreName   i18n.Text
	StoreCode   string
	StoreOrder  int   // where the store stands among the brand's; none last
	Exchanges   int   // how often they exchanged points, for prizes too, or sent them elsewhere
	Exchanged   int64 // points that they exchanged or sent, less what came back
	Outstanding *int64
}

// Programme is the programme's id in the schema.
func (p StorePoints) Programme() string { return id.Global("PointProgramme", p.ProgrammeID) }

// Store is the store's id in the schema; nil: of members without a home store.
func (p StorePoints) Store() *string { return location(p.StoreID) }

// Key is where the row stands in its order.
func (p StorePoints) Key() StorePointsKey {
	return StorePointsKey{p.Day, p.Code, p.StoreOrder, p.StoreCode}
}

// StorePointsKey orders points by day, programme, and store as the brand orders them.
type StorePointsKey struct {
	Day   time.Time `json:"d"`
	Code  string    `json:"p"`
	Order int       `json:"o"`
	Store string    `json:"s"`
}

// Liability is what was outstanding at the last count of a day and expires in a month.
type Liability struct {
	ProgrammeID uuid.UUID
	Code        string
	Day         time.Time
	Month       *time.Time // its first day; nil: never
	Points      int64      // that could be used
	Pending     int64      // that were promised
}

// Programme is the programme's id in the schema.
func (l Liability) Programme() string { return id.Global("PointProgramme", l.ProgrammeID) }

// Key is where the month stands in the order.
func (l Liability) Key() LiabilityKey {
	key := LiabilityKey{Day: l.Day, Code: l.Code, Month: never}
	if l.Month != nil {
		key.Month = *l.Month
	}
	return key
}

// never is the month of points that do not expire, behind all months.
var never = time.Date(9999, 12, 1, 0, 0, 0, 0, time.UTC)

// LiabilityKey orders what is outstanding by day, programme and month.
type LiabilityKey struct {
	Day   time.Time `json:"d"`
	Code  string    `json:"p"`
	Month time.Time `json:"m"`
}

// State is how far the figures are.
type State struct {
	CountedAt *time.Time // when the job last finished; nil: never yet
	LastDay   *time.Time // up to this day, with it, all figures are right; nil: none yet
	Waiting   int        // days whose figures are being counted anew
}

// Query narrows figures.
type Query struct {
	From    time.Time  // a day
	To      time.Time  // a day, with it
	StoreID *uuid.UUID // nil: all that the actor may see
	By      Grouping
}

// RecountInput asks for days to be counted anew.
type RecountInput struct {
	From time.Time // a day
	To   time.Time // a day, with it
}

// longest is the most days that one question is about.
const longest = 400

// Failures of a question.
var (
	ErrDays = fault.Invalid(fault.CodeInvalid, "期間の終わりは始まり以降、最長%d日です", "A period ends no earlier than it begins, and has at most %d days")
	ErrBy   = fault.Invalid(fault.CodeInvalid, "集計の単位が正しくありません", "There is no such grouping")
)

// Validate checks the question.
func (q Query) Validate() error {
	switch days := q.To.Sub(q.From).Hours() / 24; {
	case days < 0 || days >= longest:
		return ErrDays.With(longest).At("to")
	case q.By != ByDay && q.By != ByStore && q.By != ByDayAndStore:
		return ErrBy.At("by")
	}
	return nil
}
