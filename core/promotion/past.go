package promotion

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Past is an order that stands, as far as replaying it asks.
type Past struct {
	ID           uuid.UUID
	PlacedAt     time.Time
	ChannelID    uuid.UUID
	ShopID       uuid.UUID
	Currency     money.Currency
	TaxInclusive bool
	Total        int64
	Breakdown    []pricing.Step
	FeeClass     money.TaxClass // of shipping
	Buyer        scope.Buyer    // Ordered counts the orders before this one
	Coupons      []pricing.Coupon
	Lines        []PastLine
}

// PastLine is one line of a past order.
type PastLine struct {
	Quantity  int
	TaxClass  money.TaxClass
	Breakdown []pricing.Step
	Sheet     *pricing.Sheet // the goods as they are known today, without prices
}

// settled are what the line's price was made of before any campaign, for all pieces:
// by the channel, and by all terms of the buyer.
func (l *PastLine) settled() (standard, agreed int64) {
	for i, step := range l.Breakdown {
		if i == 0 {
			standard = step.Change.Minor
		}
		switch step.Rule {
		case pricing.RuleCampaign, pricing.RuleCoupon, pricing.RuleDirect:
		default:
			agreed += step.Change.Minor
		}
	}
	return standard, agreed
}

// rule reports whether a step of the kind made the line's price.
func (l *PastLine) rule(r pricing.Rule) bool {
	for _, step := range l.Breakdown {
		if step.Rule == r {
			return true
		}
	}
	return false
}

// gift reports whether a campaign added the line.
func (l *PastLine) gift() bool {
	return len(l.Breakdown) > 0 && l.Breakdown[0].Rule == pricing.RuleCampaign
}

// The price lists of a replay: what the channel asked, what the buyer's terms made of
// it, and the same where they went below the lowest allowed price.
var (
	listStandard = uuid.UUID{15: 1}
	listAgreed   = uuid.UUID{15: 2}
	listBelow    = uuid.UUID{15: 3}
)

// input is the order as it was asked to be priced, without campaigns: each piece at
// the price that its buyer's terms gave then, so that nothing but campaigns decides.
func (p *Past) input(rules *pricing.Rulebook, zone *time.Location) pricing.QuoteInput {
	in := pricing.QuoteInput{Book: pricing.Book{}, Terms: pricing.Terms{
		Currency: p.Currency, TaxInclusive: p.TaxInclusive, Rounding: p.Buyer.TaxRounding, At: p.PlacedAt, Zone: zone, ChannelID: p.ChannelID, ShopID: p.ShopID,
		Mode: pricing.ShipNormal, Buyer: p.Buyer, Rules: rules, Coupons: p.Coupons,
		Lists: []pricing.List{{ID: listAgreed}, {ID: listBelow, BelowFloor: true}, {ID: listStandard}},
	}}
	if in.Terms.Rounding == "" {
		in.Terms.Rounding = money.RoundDown
	}
	for i := range p.Lines {
		line := &p.Lines[i]
		if line.gift() {
			continue
		}
		if line.rule(pricing.RuleDirect) {
			in.Terms.Mode = pricing.ShipDirect
		}
		item := pricing.Item{VariantID: line.Sheet.VariantID, Quantity: line.Quantity, TaxClass: line.TaxClass}
		standard, agreed := line.settled()
		pieces := int64(line.Quantity)
		if line.rule(pricing.RuleQuotation) {
			item.Agreed = &pricing.Agreed{Amount: agreed / pieces}
		}
		in.Items = append(in.Items, item)
		sheet := *line.Sheet
		sheet.Prices = []pricing.Price{priceIn(listStandard, sheet.VariantID, standard/pieces), priceIn(listAgreed, sheet.VariantID, agreed/pieces)}
		in.Book[sheet.VariantID] = &sheet
	}
	in.Shipping, in.Charge = p.fee(pricing.RuleShipping, p.FeeClass), p.fee(pricing.RulePaymentCharge, money.TaxStandard)
	return in
}

func priceIn(list, variant uuid.UUID, amount int64) pricing.Price {
	return pricing.Price{ListID: list, VariantID: variant, MinQuantity: 1, ValidFrom: scope.Beginning, ValidUntil: scope.Forever, Amount: amount}
}

// fee is what the rule added to the order before campaigns; nil if it added nothing.
func (p *Past) fee(rule pricing.Rule, class money.TaxClass) *pricing.Fee {
	for _, step := range p.Breakdown {
		if step.Rule == rule {
			return &pricing.Fee{Label: step.Label, Source: step.Source, Amount: step.Change.Minor, TaxClass: class}
		}
	}
	return nil
}

// keepBelow marks the prices of lines that the lowest allowed price would raise: they
// were sold below it, so they may go below it. It reports whether there are any.
func keepBelow(in pricing.QuoteInput, q pricing.Quote) bool {
	found := false
	for _, line := range q.Lines {
		for _, step := range line.Breakdown {
			if step.Rule == pricing.RuleFloor {
				in.Book[line.VariantID].Prices[1].ListID = listBelow
				found = true
			}
		}
	}
	return found
}
