// Package pricing is the one engine that prices every place where a price
// appears: lists, product pages, carts and orders.
package pricing

import (
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Rule names the kind of a step in a price.
type Rule string

// The rules, in the order in which the pipeline asks them. Of the first four after
// the base price at most one has a say: the last in this order that fits.
const (
	RuleBasePrice        Rule = "BASE_PRICE"        // the channel's price of one piece (上代)
	RulePriceList        Rule = "PRICE_LIST"        // a price list for the buyer's group, or for a time
	RuleRate             Rule = "RATE"              // a rate on the base price (掛率)
	RuleCustomerPrice    Rule = "CUSTOMER_PRICE"    // the buyer's own price (特価)
	RuleQuotation        Rule = "QUOTATION"         // the price of an accepted quotation (見積)
	RuleSample           Rule = "SAMPLE"            // a sample, which costs nothing
	RuleSetParts         Rule = "SET_PARTS"         // what the parts of a set cost the buyer
	RuleSetDiscount      Rule = "SET_DISCOUNT"      // what the set takes off that
	RuleQuantityPrice    Rule = "QUANTITY_PRICE"    // the same list's price from a quantity on
	RuleQuantityDiscount Rule = "QUANTITY_DISCOUNT" // a quantity discount (数量割引), alone or mixed (混載)
	RuleFloor            Rule = "FLOOR"             // raised to the lowest price that is allowed
	RuleCampaign         Rule = "CAMPAIGN"          // a campaign, on the piece or on the order
	RuleCoupon           Rule = "COUPON"            // a campaign that a coupon code opened
	RuleDirect           Rule = "DIRECT_SURCHARGE"  // the goods go to the buyer's own customer (直送)
	RuleSubtotal         Rule = "SUBTOTAL"          // the lines together
	RuleShipping         Rule = "SHIPPING"          // the fee of the shipping method
	RuleFreeShipping     Rule = "FREE_SHIPPING"     // the fee taken off again
	RulePaymentCharge    Rule = "PAYMENT_CHARGE"    // the charge of the way to pay (代引手数料)
	RuleEdit             Rule = "ORDER_EDIT"        // staff changed the order (注文変更)
	RuleExchange         Rule = "EXCHANGE"          // the goods replace cheaper ones that came back (交換)
	RuleTax              Rule = "TAX"               // consumption tax on top, where prices are without it
)

// ErrNoPrice says that the channel sells a variant at no price at this moment.
var ErrNoPrice = fault.Conflict("PRICE_MISSING", "この商品は現在販売価格が設定されていません", "This product has no price at the moment")

// MaxQuantity is the most pieces of one variant that noren prices at once.
const MaxQuantity = 99_999

// ErrQuantity says that a quantity is not one that can be bought.
var ErrQuantity = fault.Invalid("QUANTITY_INVALID", "数量は1〜99999の整数で指定してください", "The quantity must be a whole number from 1 to 99,999")

// ShippingMode is whereto the goods go.
type ShippingMode string

// The shipping modes.
const (
	ShipNormal ShippingMode = "NORMAL"  // to the buyer
	ShipDirect ShippingMode = "DIRECT"  // to the buyer's own customer (直送)
	ShipPickUp ShippingMode = "PICK_UP" // nowhere: handed over at a shop (店舗受取)
)

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

	// TaxClass is that of a charge; empty where the goods, or the way of shipping, have theirs.
	TaxClass money.TaxClass `json:",omitempty"`
}

// Price is one row of a price list: what a piece costs from a quantity on, within
// a time window. Amounts are minor units of the list's currency.
type Price struct {
	ID          uuid.UUID
	ListID      uuid.UUID
	VariantID   uuid.UUID
	MinQuantity int
	ValidFrom   time.Time
	ValidUntil  time.Time
	Amount      int64
	CompareAt   *int64
}

// Sheet is what is known of a variant before anybody asks for its price.
type Sheet struct {
	scope.Goods
	Cost   *int64  // minor units; nil if it is not known
	Prices []Price // of the lists that concern the buyer
	Parts  Book    // of a set: the sheets of what it may hold
}

// Book is the sheets of the variants to be priced.
type Book map[uuid.UUID]*Sheet

// Terms are what a quote is made under.
type Terms struct {
	Currency     money.Currency
	TaxInclusive bool           // prices contain consumption tax (総額)
	Rounding     money.Rounding // of tax, once for each rate
	At           time.Time
	Zone         *time.Location // the brand's: campaigns ask for its weekdays and hours
	ChannelID    uuid.UUID
	Mode         ShippingMode
	Buyer        scope.Buyer
	Lists        []List // that concern the buyer, by precedence; the channel's own is the last
	Rules        *Rulebook
	Offers       Offers    // campaigns; nil if there are none
	Coupons      []Coupon  // that the buyer has entered and may use
	ShopID       uuid.UUID // where the sale takes place, if it is a shop
	Placed       *Placed   // the order that is priced again; nil for one to come
	Trace        bool      // note every candidate, not only what won
}

// Coupon opens a campaign to who has entered it.
type Coupon struct {
	ID         uuid.UUID
	CampaignID uuid.UUID
}

// Item is one line to be priced.
type Item struct {
	VariantID uuid.UUID
	Quantity  int
	TaxClass  money.TaxClass
	Agreed    *Agreed // a price that both sides have accepted, which no other rule changes
	Kept      *Kept   // the price of a line that stays as it was agreed; nil: it is priced now
	Parts     []Part  // of a set; those that cost least, where nothing is chosen yet
}

// Part is so many pieces of a variant in one piece of a set.
type Part struct {
	VariantID uuid.UUID
	Quantity  int
	TaxClass  money.TaxClass
}

// Agreed is the price of one piece that both sides have accepted.
type Agreed struct {
	Amount int64
	Source uuid.UUID // the quotation's line
	Label  i18n.Text // what a price's explanation calls it; nil: a quotation's price
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
	Charge   *Fee // of the way to pay
}

// Line is one priced line.
type Line struct {
	Item
	Unit       money.Money  // of one piece, before discounts on the order
	CompareAt  *money.Money // the crossed-out price of one piece, where there is one
	Subtotal   money.Money  // all pieces, before discounts on the order
	Discount   money.Money  // the line's share of the discounts on the order
	Total      money.Money
	Shares     []money.Money // of the parts in Total; with the parts' tax classes they are taxed
	Breakdown  []Step        // adds up to Total
	Candidates []Candidate   // where a trace was asked for
	Err        error         // why the line has no price; the amounts are then zero

	sheet      *Sheet
	standard   int64   // the channel's price of one piece
	floor      int64   // no discount takes a piece below it
	source     Rule    // which of the exclusive rules made the price
	worth      []int64 // of each part in one set, by which the total is shared
	belowFloor bool    // the rule that made the price may go below the floor
}

// Goods is what the line is about.
func (l *Line) Goods() scope.Goods {
	if l.sheet == nil {
		return scope.Goods{VariantID: l.VariantID}
	}
	return l.sheet.Goods
}

// Floor is what no discount takes a piece below.
func (l *Line) Floor() int64 { return l.floor }

// Room is how much discounts may still take off the line.
func (l *Line) Room() int64 {
	if l.source == RuleQuotation || l.Err != nil {
		return 0
	}
	return max(l.Subtotal.Minor-l.Discount.Minor-l.floor*int64(l.Quantity), 0)
}

// Applied is a campaign that took part in a quote, and what it gave.
type Applied struct {
	CampaignID uuid.UUID
	CouponID   uuid.UUID // the coupon that opened it; zero if it needs none
	Label      i18n.Text
	Discount   money.Money // on goods and shipping together
	Gifts      []Gift
	Points     decimal.Decimal // what points are multiplied by; zero if the campaign gives none
	Issues     uuid.UUID       // the campaign whose coupon the buyer gets; zero if none
}

// PointsFactor is what the campaigns multiply points by together: twice and three times are four
// times. It is zero if none does.
func (q Quote) PointsFactor() decimal.Decimal {
	one, factor := decimal.NewFromInt(1), decimal.Zero
	for _, a := range q.Applied {
		if !a.Points.GreaterThan(one) {
			continue
		}
		if factor.IsZero() {
			factor = one
		}
		factor = factor.Add(a.Points.Sub(one))
	}
	return factor
}

// Same reports whether both are of one campaign.
func (a Applied) Same(other Applied) bool { return a.CampaignID == other.CampaignID }

// Gift is goods that a campaign adds.
type Gift struct {
	VariantID uuid.UUID
	Quantity  int
	Required  bool // the order stops if the gift is sold out
}

// CouponOutcome is what became of an entered coupon.
type CouponOutcome struct {
	CouponID uuid.UUID
	Reason   Reason
}

// Quote is what a cart costs, and why.
type Quote struct {
	Lines      []Line
	Subtotal   money.Money   // the lines before discounts on the order, as the channel shows prices
	Discount   money.Money   // on the order's goods
	Shipping   money.Money   // after what campaigns took off
	Charge     money.Money   // of the way to pay
	Taxes      []money.Taxed // by rate, whether on top or contained
	Tax        money.Money
	Total      money.Money // what the customer pays
	Breakdown  []Step
	Applied    []Applied
	Coupons    []CouponOutcome // those whose campaign has goods in the cart
	Candidates []Candidate     // campaigns on the order, where a trace was asked for
}
