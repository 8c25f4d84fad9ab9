package importing

import (
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// PriceKind is what a file of prices holds.
type PriceKind string

// The kinds of price file. docs/pricing.md lists their columns.
const (
	ListPrices     PriceKind = "PRICES"          // of the channel's list or of another
	CustomerPrices PriceKind = "CUSTOMER_PRICES" // 特価
	RatePrices     PriceKind = "RATES"           // 掛率, 直送加算, 最低粗利
)

// PriceState is how far a file of prices has come.
type PriceState string

// The states. Nothing changes before COMMITTING.
const (
	PricesQueued     PriceState = "QUEUED"
	PricesReading    PriceState = "READING"
	PricesPreviewed  PriceState = "PREVIEWED"
	PricesCommitting PriceState = "COMMITTING"
	PricesCommitted  PriceState = "COMMITTED"
	PricesStale      PriceState = "STALE" // prices that it touches have changed since
	PricesDiscarded  PriceState = "DISCARDED"
	PricesFailed     PriceState = "FAILED" // the file cannot be read to its end
)

// Failures of price imports.
var (
	ErrPreviewStale = fault.Conflict("PREVIEW_STALE", "プレビュー後に対象の価格が変更されました。もう一度取り込んでください", "Prices that this touches have changed since the preview; import the file again")
	ErrNotPreviewed = fault.Conflict(fault.CodeConflict, "この取り込みは確定できる状態ではありません", "This import is not one that can be committed or discarded now")
	ErrPriceKind    = fault.Invalid(fault.CodeInvalid, "価格ファイルの種類が正しくありません", "This is not a kind of price file")
)

// Counts are how many rows of a file do what.
type Counts struct{ Added, Changed, Closed, Unchanged, Rejected int }

// changes is how many rows change something.
func (c Counts) changes() int { return c.Added + c.Changed + c.Closed }

// PriceRun is one file of prices on its way.
type PriceRun struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ChannelID   uuid.UUID
	Kind        PriceKind
	Encoding    Encoding
	FileName    string
	FileHash    string
	State       PriceState
	Position    int // rows of the file that have been read
	Failure     string
	MayBelow    bool      // who sent it may go below the floor, and who has committed it
	Applied     bool      // the prices are in force; listings may still follow
	Relisted    uuid.UUID // the last product whose listings follow
	ActorID     *uuid.UUID
	CommittedBy *uuid.UUID
	CreatedAt   time.Time
	PreviewedAt *time.Time
	FinishedAt  *time.Time
	Counts
}

// GlobalID is the run's id in the schema.
func (r PriceRun) GlobalID() string { return id.Global("PriceImport", r.ID) }

// Tally is the counts, as the schema names them.
func (r PriceRun) Tally() Counts { return r.Counts }

// PriceChangeKind is what a row of a file does.
type PriceChangeKind string

// The kinds of change.
const (
	PriceAdded     PriceChangeKind = "ADDED"
	PriceChanged   PriceChangeKind = "CHANGED"
	PriceClosed    PriceChangeKind = "CLOSED"
	PriceUnchanged PriceChangeKind = "UNCHANGED"
)

// PriceLine is one row of a file of prices with what it would do. Amounts are minor
// units of the list's currency.
type PriceLine struct {
	Line        int
	Key         string // what it is the price of
	Change      PriceChangeKind
	Holder      string // price list, customer or audience, as the file says
	SKU         string // of a rate: its goods, as the file says
	Audience    scope.Audience
	ListID      *uuid.UUID
	VariantID   *uuid.UUID
	ProductID   *uuid.UUID
	MinQuantity int
	Window      scope.Window
	Amount      *int64
	CompareAt   *int64
	OldID       *uuid.UUID
	OldUntil    *time.Time
	OldAmount   *int64
	OldCompare  *int64
	Before      *int64 // what a piece of so many costs when it begins
	Difference  *decimal.Decimal
	Free        bool // its list may go below the lowest allowed price
	Below       bool // below the lowest allowed price, or a rate that needs the permission
	Rate        *pricing.SaveRateInput
	OldRate     *RateState
	Currency    money.Currency

	close bool
}

// RateState is a rate as it was when a file was read.
type RateState struct {
	ID         uuid.UUID
	Kind       pricing.RateKind
	Name       i18n.Text
	Audience   scope.Audience
	Target     scope.Target
	From       time.Time
	Until      time.Time
	Percent    string
	Rounding   money.Rounding
	RoundTo    int64
	BelowFloor bool
}

func stateOf(r pricing.Rate) RateState {
	name := r.Name
	if len(name) == 0 {
		name = nil
	}
	return RateState{r.ID, r.Kind, name, r.Audience, r.Target, r.From.UTC(), r.Until.UTC(), r.Percent.String(), r.Rounding, r.RoundTo, r.BelowFloor}
}

// same reports whether two states say the same, names included.
func (s RateState) same(o RateState) bool {
	sameTexts := maps.Equal(s.Name, o.Name)
	s.Name, o.Name = nil, nil
	return sameTexts && s.From.Equal(o.From) && s.Until.Equal(o.Until) && s.bare() == o.bare()
}

// bare is the state without what has to be compared in its own way.
func (s RateState) bare() [9]any {
	return [9]any{s.ID, s.Kind, s.Audience, s.Target, s.Percent, s.Rounding, s.RoundTo, s.BelowFloor}
}

// PriceChange is what one row of a file does, as staff see it.
type PriceChange struct {
	Line        int
	Change      PriceChangeKind
	Holder      string
	SKU         string
	MinQuantity int
	ValidFrom   time.Time
	ValidUntil  time.Time
	Currency    money.Currency
	Amount      *int64
	OldAmount   *int64
	Before      *int64
	Percent     *decimal.Decimal
	OldPercent  *decimal.Decimal
	Difference  *decimal.Decimal
}

// New is what a piece will cost; nil of what ends, and of rates.
func (c PriceChange) New() *money.Money { return c.money(c.Amount) }

// Old is what a piece costs before: the price that is replaced, or the one that holds
// in the same list for that quantity when the new one begins.
func (c PriceChange) Old() *money.Money {
	if c.OldAmount != nil {
		return c.money(c.OldAmount)
	}
	return c.money(c.Before)
}

func (c PriceChange) money(minor *int64) *money.Money {
	if minor == nil || c.Currency == "" {
		return nil
	}
	m := money.Of(*minor, c.Currency)
	return &m
}

// From is when it begins; nil if it has always held.
func (c PriceChange) From() *time.Time {
	return scope.Window{From: c.ValidFrom, Until: c.ValidUntil}.Opens()
}

// Until is when it ends; nil if it holds for good.
func (c PriceChange) Until() *time.Time {
	return scope.Window{From: c.ValidFrom, Until: c.ValidUntil}.Closes()
}
