// Package pricing is the one engine that prices every place where a price
// appears: lists, product pages, carts and orders.
package pricing

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// Rule names the kind of a step in a price.
type Rule string

// The rules, in the order in which the pipeline asks them.
const (
	RuleBasePrice     Rule = "BASE_PRICE"     // the price list's price of one piece
	RuleQuantityPrice Rule = "QUANTITY_PRICE" // the price list's price from a quantity on
	RuleSubtotal      Rule = "SUBTOTAL"       // the lines together
	RuleShipping      Rule = "SHIPPING"       // the fee of the shipping method
	RuleTax           Rule = "TAX"            // consumption tax on top, where prices are without it
)

// ErrNoPrice says that the channel sells a variant at no price at this moment.
var ErrNoPrice = fault.Conflict("PRICE_MISSING", "この商品は現在販売価格が設定されていません", "This product has no price at the moment")

// MaxQuantity is the most pieces of one variant that noren prices at once.
const MaxQuantity = 99_999

// ErrQuantity says that a quantity is not one that can be bought.
var ErrQuantity = fault.Invalid("QUANTITY_INVALID", "数量は1〜99999の整数で指定してください", "The quantity must be a whole number from 1 to 99,999")

// Range is a lowest and a highest price.
type Range struct{ Min, Max money.Money }

// Step is one step of a price's explanation. The changes of all steps add up to
// the price, to the yen.
type Step struct {
	Rule    Rule
	Label   i18n.Text
	Source  uuid.UUID   // the row that the rule read; zero if it read none
	Change  money.Money // what the step added or took off
	Running money.Money // what the price was after it
}

// Price is one row of a price list: what a piece costs from a quantity on, within
// a time window. Amounts are minor units of the list's currency.
type Price struct {
	ID          uuid.UUID
	VariantID   uuid.UUID
	MinQuantity int
	ValidFrom   time.Time
	ValidUntil  time.Time
	Amount      int64
	CompareAt   *int64
}

// Book is the price rows of the variants to be priced.
type Book map[uuid.UUID][]Price

// Terms are what a quote is made under.
type Terms struct {
	Currency     money.Currency
	TaxInclusive bool           // the list's prices contain consumption tax (総額)
	Rounding     money.Rounding // of tax, once for each rate
	At           time.Time
}

// Item is one line to be priced.
type Item struct {
	VariantID uuid.UUID
	Quantity  int
	TaxClass  money.TaxClass
}

// Fee is an amount beside the goods, such as shipping.
type Fee struct {
	Label    i18n.Text
	Source   uuid.UUID
	Amount   int64
	TaxClass money.TaxClass
}

// QuoteInput is everything that a quote depends on: the same input gives the
// same quote.
type QuoteInput struct {
	Terms    Terms
	Book     Book
	Items    []Item
	Shipping *Fee
}

// Line is one priced line.
type Line struct {
	Item
	Unit      money.Money
	CompareAt *money.Money // the crossed-out price of one piece, where there is one
	Total     money.Money
	Breakdown []Step
	Err       error // why the line has no price; Unit and Total are then zero
}

// Quote is what a cart costs, and why.
type Quote struct {
	Lines     []Line
	Subtotal  money.Money // the lines, as the channel shows prices
	Shipping  money.Money
	Taxes     []money.Taxed // by rate, whether on top or contained
	Tax       money.Money
	Total     money.Money // what the customer pays
	Breakdown []Step
}
