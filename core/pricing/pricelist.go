package pricing

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of keeping price lists.
var (
	ErrListCode      = fault.Invalid(fault.CodeInvalid, "コードは半角英小文字で始まる50文字以内の英小文字・数字・ハイフン・アンダースコアにしてください", "A code begins with a letter and has at most 50 lower-case letters, digits, hyphens and underscores")
	ErrListCodeTaken = fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is already taken")
	ErrListCurrency  = fault.Invalid(fault.CodeInvalid, "通貨コードは3文字の英大文字で指定してください", "A currency code has three capital letters")
	ErrListFixed     = fault.Conflict("PRICE_LIST_FIXED", "価格表の通貨と税込・税抜は変更できません。新しい価格表を作成してください", "A price list keeps its currency and its tax; make a new list")
	ErrListCustomer  = fault.Conflict(fault.CodeConflict, "このお客様にはすでに価格表があります", "This customer has a price list already")
	ErrListUsed      = fault.Conflict("PRICE_LIST_IN_USE", "チャネルが使用しているため終了できません（%s）", "Channels use this list: %s")
)

// maxListName bounds the name of a price list.
const maxListName = 100

var (
	listCodes  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)
	currencies = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Row is one price of a list, with what staff know it by.
type Row struct {
	Price
	ProductID uuid.UUID
	SKU       string
	Currency  money.Currency
}

// GlobalID is the row's id in the schema.
func (r Row) GlobalID() string { return id.Global("PriceRow", r.ID) }

// OfVariant is the global id of its variant.
func (r Row) OfVariant() string { return id.Global("Variant", r.VariantID) }

// Piece is what one piece costs.
func (r Row) Piece() money.Money { return money.Of(r.Amount, r.Currency) }

// Crossed is the crossed-out price beside it; nil if there is none.
func (r Row) Crossed() *money.Money {
	if r.CompareAt == nil {
		return nil
	}
	m := money.Of(*r.CompareAt, r.Currency)
	return &m
}

// From is when it begins; nil if it has always held.
func (r Row) From() *time.Time {
	if r.ValidFrom.Year() <= 1 {
		return nil
	}
	return &r.ValidFrom
}

// Until is when it ends; nil if it holds for good.
func (r Row) Until() *time.Time {
	if r.ValidUntil.Year() >= 9999 {
		return nil
	}
	return &r.ValidUntil
}

// ListStore keeps price lists. Writes join the transaction of the context.
type ListStore interface {
	// PriceLists are the brand's lists, closed ones included, by code; those of single
	// customers are left out.
	PriceLists(ctx context.Context, brandID uuid.UUID) ([]List, error)
	// LockPriceList reads a list of the brand for changing; nil if there is none.
	LockPriceList(ctx context.Context, brandID, listID uuid.UUID) (*List, error)
	// SavePriceList writes a list, new or not; a code that is taken is ErrListCodeTaken.
	SavePriceList(ctx context.Context, l List) error
	PriceRows(ctx context.Context, q RowQuery) (page.Connection[Row], error)
	// LockPriceRow reads a price of the brand for changing; nil if there is none.
	LockPriceRow(ctx context.Context, brandID, priceID uuid.UUID) (*Row, error)
	// EndPrice ends a price; one that has not begun by then is withdrawn.
	EndPrice(ctx context.Context, brandID, priceID uuid.UUID, at time.Time) error
	// PriceListByID is a list of the brand; nil if there is none.
	PriceListByID(ctx context.Context, brandID, listID uuid.UUID) (*List, error)
	// CustomerList is the customer's own list in the currency, the open one before
	// closed ones; nil if there is none.
	CustomerList(ctx context.Context, brandID uuid.UUID, customer scope.Audience, currency money.Currency) (*List, error)
	// IsPersonal reports whether the price is one of a single customer's own.
	IsPersonal(ctx context.Context, brandID, priceID uuid.UUID) (bool, error)
	ScheduledPrices(ctx context.Context, brandID uuid.UUID, now time.Time, in ScheduledInput) (page.Connection[Scheduled], error)
	// Turn notes that all windows up to the moment have been acted on and tells what
	// those concern that have opened or closed since it was noted last.
	Turn(ctx context.Context, now time.Time) (Turned, error)
	// Known reports whether the brand knows the audience, and the goods of the target.
	Known(ctx context.Context, brandID uuid.UUID, a scope.Audience, t scope.Target) (audience, target bool, err error)
}

// Shelves brings what lists show in step with changed prices.
type Shelves interface {
	Relist(ctx context.Context, at time.Time, productIDs ...uuid.UUID) error
}

// Floors know how low a price may be.
type Floors interface {
	// Lowest is, for the variants that a floor protects, the lowest price that the
	// list may have.
	Lowest(ctx context.Context, list List, variants []uuid.UUID) (map[uuid.UUID]int64, error)
}

// ListTx runs a use case in one transaction.
type ListTx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Lists is how staff keep price lists. Each use case needs PricingWrite and leaves
// an event with before and after.
type Lists struct {
	tx      ListTx
	store   ListStore
	shelves Shelves
	floors  Floors
	turns   Turns
	events  event.Recorder
	now     clock.Clock
}

// ListParts are what the keeping of price lists stands on.
type ListParts struct {
	Tx      ListTx
	Store   ListStore
	Shelves Shelves
	Floors  Floors // may be nil: then no price is too low
	Turns   Turns  // may be nil: then windows take part in lists with the next round
	Events  event.Recorder
	Now     clock.Clock
}

// NewLists makes the keeper of price lists.
func NewLists(p ListParts) *Lists {
	return &Lists{tx: p.Tx, store: p.Store, shelves: p.Shelves, floors: p.Floors, turns: p.Turns, events: p.Events, now: p.Now}
}

// All are the brand's lists, closed ones included, by code.
func (s *Lists) All(ctx context.Context) ([]List, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	return s.store.PriceLists(ctx, channel.From(ctx).BrandID)
}

// RowsInput asks for one page of the prices of a list.
type RowsInput struct {
	PriceList string     // code; the channel's list if empty
	VariantID *uuid.UUID // of this variant alone
	Current   bool       // only those that hold now or will
	Page      page.Args
}

// RowQuery is the question to the store. The zero time does not filter.
type RowQuery struct {
	ListID    uuid.UUID
	VariantID *uuid.UUID
	EndsAfter time.Time
	Page      page.Args
}

// Rows is one page of the prices of a list, by SKU and quantity.
func (s *Lists) Rows(ctx context.Context, in RowsInput) (page.Connection[Row], error) {
	var none page.Connection[Row]
	lists, err := s.All(ctx)
	if err != nil {
		return none, err
	}
	ch := channel.From(ctx)
	for _, l := range lists {
		if l.Code == in.PriceList || in.PriceList == "" && l.ID == ch.PriceListID {
			q := RowQuery{ListID: l.ID, VariantID: in.VariantID, Page: in.Page}
			if in.Current {
				q.EndsAfter = s.now()
			}
			return s.store.PriceRows(ctx, q)
		}
	}
	return none, fault.ErrNotFound.At("priceList")
}

// SaveListInput makes a list, or changes the one with the id. Currency and tax stay
// what they were: the amounts mean nothing without them.
type SaveListInput struct {
	ID           *uuid.UUID
	Code         string
	Name         i18n.Text
	Currency     money.Currency
	TaxInclusive bool
	Audience     *scope.AudienceInput // nil: stays; of a new list, it is what a channel names as its own
	Precedence   int
	BelowFloor   bool
	ValidFrom    *time.Time
	ValidUntil   *time.Time
}

// Validate checks the list by itself.
func (in SaveListInput) Validate() error {
	all := []error{in.Name.Check("name", maxListName, true), scope.NewWindow(in.ValidFrom, in.ValidUntil).Validate()}
	if in.Audience != nil {
		all = append(all, in.Audience.Audience().Validate())
	}
	if !listCodes.MatchString(in.Code) {
		all = append(all, ErrListCode.At("code"))
	}
	if !currencies.MatchString(string(in.Currency)) {
		all = append(all, ErrListCurrency.At("currency"))
	}
	return errors.Join(all...)
}

// Save makes or changes a list; a closed one opens again. One whose prices may go
// below the floor needs PricingBelow.
func (s *Lists) Save(ctx context.Context, in SaveListInput) (*List, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	if in.Audience != nil {
		if known, _, err := s.store.Known(ctx, channel.From(ctx).BrandID, in.Audience.Audience(), scope.Everything); err != nil || !known {
			if err == nil {
				err = fault.ErrNotFound.At("audience.id")
			}
			return nil, err
		}
	}
	if in.BelowFloor && !access.From(ctx).May(access.PricingBelow) {
		return nil, ErrBelowFloor.At("belowFloor")
	}
	return s.write(ctx, in)
}

func (s *Lists) write(ctx context.Context, in SaveListInput) (*List, error) {
	return s.change(ctx, in.ID, "price_list.saved", func(l *List, known bool) error {
		switch {
		case known && l.Currency != in.Currency:
			return ErrListFixed.At("currency")
		case known && l.TaxInclusive != in.TaxInclusive:
			return ErrListFixed.At("taxInclusive")
		}
		l.Code, l.Name, l.Currency, l.TaxInclusive, l.ClosedAt = in.Code, in.Name, in.Currency, in.TaxInclusive, nil
		l.Window, l.Precedence, l.BelowFloor = scope.NewWindow(in.ValidFrom, in.ValidUntil), in.Precedence, in.BelowFloor
		if in.Audience != nil {
			l.Audience = in.Audience.Audience()
		}
		return nil
	})
}
