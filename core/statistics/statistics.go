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
}

// Total is what was paid, with tax, less what was given back.
func (f Figures) Total() money.Money { return money.Of(f.TotalMinor, f.Currency) }

// MemberTotal is what of it members paid.
func (f Figures) MemberTotal() money.Money { return money.Of(f.MemberTotalMinor, f.Currency) }

// Store is the store's id in the schema; nil: online, or all stores.
func (f Figures) Store() *string {
	if f.StoreID == nil {
		return nil
	}
	global := id.Global("Location", *f.StoreID)
	return &global
}

// Points are what happened to the points of a programme on a day.
type Points struct {
	ProgrammeID uuid.UUID
	Code        string
	Day         time.Time
	Earned      int64 // for purchases, less what was taken back
	Granted     int64 // by staff, and opening balances, less what staff deducted
	Used        int64 // less what went back
	Expired     int64
	Exchanged   int64 // into other programmes
	Outstanding int64 // what members had at the day's end, pending ones too
}

// State is how far the figures are.
type State struct {
	CountedAt *time.Time // when the job last finished; nil: never yet
	Waiting   int        // days whose figures are being counted anew
}

// Query narrows figures.
type Query struct {
	From    time.Time  // a day
	To      time.Time  // a day, with it
	StoreID *uuid.UUID // nil: all that the actor may see
	By      Grouping
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
