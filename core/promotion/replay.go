package promotion

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// topProducts is how many products an outcome names.
const topProducts = 20

// Outcome is what a campaign would have brought and cost.
type Outcome struct {
	Orders  int         // looked at
	Uses    int         // of them that would have used it
	Changed int         // whose total would have been another
	Given   money.Money // what it would have taken off
	// Displaced is what other campaigns would have given less, because the buyer would
	// have had this one in their stead.
	Displaced   money.Money
	SalesBefore money.Money // what the orders come to without it
	SalesAfter  money.Money // and with it
	// MarginBefore and MarginAfter are the goods without tax, less what they and the
	// gifts cost, over lines whose cost is known.
	MarginBefore money.Money
	MarginAfter  money.Money
	CostUnknown  int // lines of which nothing says what they cost
	FreeShipping money.Money
	FreeShipped  int // orders
	Gifts        []GiftOutcome
	GiftsMissed  int             // pieces beyond the allotment
	PointsOrders int             // that would have earned more points
	PointsOn     decimal.Decimal // the amount that would have earned points on top, major units
	Coupons      int             // that orders would have earned
	SpentAt      *time.Time      // when an order would not have fitted into budget or uses any more
	Days         []DayOutcome
	Products     []ProductOutcome // those that it would have cost most
	// Differing is the orders that do not come, by the campaigns that ran then, to what
	// they came to: rules that have been closed since, costs that have changed.
	Differing int
}

// GiftOutcome is goods that would have been given.
type GiftOutcome struct {
	VariantID uuid.UUID
	Pieces    int
	Cost      money.Money // zero if it is not known
}

// DayOutcome is one day in the brand's zone.
type DayOutcome struct {
	Date   string // 2026-11-25
	Orders int
	Uses   int
	Given  money.Money
}

// ProductOutcome is what one product would have been sold for less.
type ProductOutcome struct {
	ProductID uuid.UUID
	Orders    int
	Pieces    int
	Given     money.Money
}

// Replay prices past orders once as they were and once with a campaign that did not
// run then, by the engine that prices carts. Fed the same orders in the same order it
// gives the same outcome. What it keeps grows with days, products and buyers whose
// uses are counted, not with orders.
type Replay struct {
	engine       *pricing.Engine
	rules        *pricing.Rulebook
	zone         *time.Location
	campaign     Campaign
	before, with *Book
	then         *Book                           // before, with the campaign where it ran; nil if it never did
	costs        map[uuid.UUID]int64             // of gifts
	used         map[uuid.UUID]map[uuid.UUID]int // buyer → campaign → uses
	segments     []uuid.UUID                     // that the campaigns ask about
	gifts        map[uuid.UUID]*GiftOutcome
	products     map[uuid.UUID]*ProductOutcome
	out          Outcome
}

// ReplayInput is what a replay stands on.
type ReplayInput struct {
	Campaign Campaign   // that is tried, over all of the orders
	Others   []Campaign // that ran then, as timeline tells
	Rules    *pricing.Rulebook
	Zone     *time.Location
	Costs    map[uuid.UUID]int64             // of the campaigns' gifts, minor units
	Used     map[uuid.UUID]map[uuid.UUID]int // buyer → campaign → uses before the first order
}

// NewReplay makes a replay of a campaign.
func NewReplay(in ReplayInput) *Replay {
	c := in.Campaign
	c.Status, c.SpentAt = Ready, nil
	others := slices.DeleteFunc(slices.Clone(in.Others), func(o Campaign) bool { return o.ID == c.ID })
	r := &Replay{
		engine: pricing.NewEngine(), rules: in.Rules, zone: in.Zone, campaign: c, costs: in.Costs, used: in.Used,
		before: NewBook(0, others), with: NewBook(0, append(others, c)),
		gifts: map[uuid.UUID]*GiftOutcome{}, products: map[uuid.UUID]*ProductOutcome{}, out: newOutcome(c.Currency),
	}
	if len(others) < len(in.Others) {
		r.then = NewBook(0, in.Others)
	}
	for _, o := range append(slices.Clone(in.Others), c) {
		r.segments = append(r.segments, o.SegmentIDs()...)
	}
	if r.used == nil {
		r.used = map[uuid.UUID]map[uuid.UUID]int{}
	}
	return r
}

func newOutcome(c money.Currency) Outcome {
	zero := money.Of(0, c)
	return Outcome{
		Given: zero, Displaced: zero, SalesBefore: zero, SalesAfter: zero, MarginBefore: zero, MarginAfter: zero, FreeShipping: zero,
		PointsOn: decimal.Zero,
	}
}

func (r *Replay) zero() money.Money { return money.Of(0, r.campaign.Currency) }

// Add replays one more order; orders come in the order in which they were placed.
// Those in other currencies than the campaign's are left out.
func (r *Replay) Add(p *Past) error {
	if p.Currency != r.campaign.Currency {
		return nil
	}
	in := p.input(r.rules, r.zone)
	r.rules.Place(in.Book)
	before, err := r.quote(&in, r.before)
	if err != nil {
		return err
	}
	if keepBelow(in, before) {
		if before, err = r.quote(&in, r.before); err != nil {
			return err
		}
	}
	then := before
	if r.then != nil {
		if then, err = r.quote(&in, r.then); err != nil {
			return err
		}
	}
	if then.Total.Minor != p.Total {
		r.out.Differing++
	}
	with := before
	if r.out.SpentAt == nil {
		if r.campaign.NeedsCoupon {
			in.Terms.Coupons = append(slices.Clone(in.Terms.Coupons), pricing.Coupon{ID: r.campaign.ID, CampaignID: r.campaign.ID})
		}
		if with, err = r.quote(&in, r.with); err != nil {
			return err
		}
	}
	mine := r.mine(with)
	if mine != nil && !r.fits(mine) {
		at := p.PlacedAt
		r.out.SpentAt, mine, with = &at, nil, before
	}
	if mine != nil {
		r.allot(mine)
	}
	r.count(p, before, with, mine)
	return nil
}

func (r *Replay) quote(in *pricing.QuoteInput, book *Book) (pricing.Quote, error) {
	in.Terms.Offers = book.For(in.Terms.Buyer, r.used[identity(in.Terms.Buyer)])
	return r.engine.Quote(*in)
}

// mine is what the campaign gave to the quote; nil if it did not apply.
func (r *Replay) mine(q pricing.Quote) *pricing.Applied {
	for i := range q.Applied {
		if q.Applied[i].CampaignID == r.campaign.ID {
			return &q.Applied[i]
		}
	}
	return nil
}

// fits reports whether one more use stays within the campaign's limits.
func (r *Replay) fits(a *pricing.Applied) bool {
	l := r.campaign.Limits
	return (l.Budget == nil || r.out.Given.Minor+a.Discount.Minor <= *l.Budget) && (l.Uses == nil || r.out.Uses < *l.Uses)
}

// count adds an order to the outcome.
func (r *Replay) count(p *Past, before, with pricing.Quote, mine *pricing.Applied) {
	o := &r.out
	o.Orders++
	o.SalesBefore.Minor += before.Total.Minor
	o.SalesAfter.Minor += with.Total.Minor
	day := r.day(p.PlacedAt)
	day.Orders++
	r.use(p.Buyer, before, mine)
	earned, unknown := r.margin(p, before)
	o.MarginBefore.Minor += earned
	o.CostUnknown += unknown
	if mine == nil {
		o.MarginAfter.Minor += earned
		return
	}
	o.Uses++
	day.Uses++
	o.Given.Minor += mine.Discount.Minor
	day.Given.Minor += mine.Discount.Minor
	o.Displaced.Minor += takenOff(before, nil) - takenOff(with, mine)
	if before.Total != with.Total {
		o.Changed++
	}
	if waived := before.Shipping.Minor - with.Shipping.Minor; waived > 0 {
		o.FreeShipping.Minor += waived
		o.FreeShipped++
	}
	r.extras(p, with, mine)
	r.bring(p, before, with)
	earned, _ = r.margin(p, with)
	o.MarginAfter.Minor += earned
}

// takenOff is what campaigns took off, but for one.
func takenOff(q pricing.Quote, but *pricing.Applied) (sum int64) {
	for _, a := range q.Applied {
		if but == nil || a.CampaignID != but.CampaignID {
			sum += a.Discount.Minor
		}
	}
	return sum
}

// day is the order's day. Days come in order, since orders do.
func (r *Replay) day(at time.Time) *DayOutcome {
	date := at.In(r.zone).Format(time.DateOnly)
	if n := len(r.out.Days); n > 0 && r.out.Days[n-1].Date == date {
		return &r.out.Days[n-1]
	}
	r.out.Days = append(r.out.Days, DayOutcome{Date: date, Given: r.zero()})
	return &r.out.Days[len(r.out.Days)-1]
}

// use counts the buyer's uses: of other campaigns those that there were, of this one
// those that there would have been.
func (r *Replay) use(buyer scope.Buyer, before pricing.Quote, mine *pricing.Applied) {
	who := identity(buyer)
	if who == uuid.Nil {
		return
	}
	note := func(campaignID uuid.UUID) {
		if r.used[who] == nil {
			r.used[who] = map[uuid.UUID]int{}
		}
		r.used[who][campaignID]++
	}
	for _, a := range before.Applied {
		if c := r.before.ByID(a.CampaignID); c != nil && c.Limits.PerMember != nil {
			note(a.CampaignID)
		}
	}
	if mine != nil && r.campaign.Limits.PerMember != nil {
		note(r.campaign.ID)
	}
}

// margin is what the goods of the quote earn, and on how many lines that is not known.
func (r *Replay) margin(p *Past, q pricing.Quote) (sum int64, unknown int) {
	for i := range q.Lines {
		line := &q.Lines[i]
		cost := p.cost(line.VariantID)
		if line.Err != nil || cost == nil {
			unknown++
			continue
		}
		sum += money.TaxOf(line.TaxClass, line.Total, p.TaxInclusive, money.RoundDown).Net.Minor - *cost*int64(line.Quantity)
	}
	for _, a := range q.Applied {
		for _, g := range a.Gifts {
			sum -= r.costs[g.VariantID] * int64(g.Quantity)
		}
	}
	return sum, unknown
}

func (p *Past) cost(variantID uuid.UUID) *int64 {
	for i := range p.Lines {
		if p.Lines[i].Sheet.VariantID == variantID {
			return p.Lines[i].Sheet.Cost
		}
	}
	return nil
}

// extras counts what comes on top of what is taken off.
func (r *Replay) extras(p *Past, with pricing.Quote, mine *pricing.Applied) {
	for _, g := range mine.Gifts {
		o := r.gifts[g.VariantID]
		if o == nil {
			o = &GiftOutcome{VariantID: g.VariantID, Cost: r.zero()}
			r.gifts[g.VariantID] = o
		}
		o.Pieces += g.Quantity
		o.Cost.Minor += r.costs[g.VariantID] * int64(g.Quantity)
	}
	if !mine.Points.IsZero() && !p.Buyer.IsGuest() {
		r.out.PointsOrders++
		r.out.PointsOn = r.out.PointsOn.Add(mine.Points.Sub(decimal.NewFromInt(1)).Mul(with.Total.Amount()))
	}
	if mine.Issues != uuid.Nil && p.Buyer.MemberID != uuid.Nil {
		r.out.Coupons++
	}
}

// allot takes away, of what the campaign gave, the gifts beyond its allotment.
func (r *Replay) allot(mine *pricing.Applied) {
	mine.Gifts = slices.DeleteFunc(mine.Gifts, func(g pricing.Gift) bool {
		for _, b := range r.campaign.Benefits {
			if b.Kind != FreeGift || b.Variant != g.VariantID || b.Allotment == nil {
				continue
			}
			gone := 0
			if o := r.gifts[g.VariantID]; o != nil {
				gone = o.Pieces
			}
			if gone+g.Quantity > *b.Allotment {
				r.out.GiftsMissed += g.Quantity
				return true
			}
		}
		return false
	})
}

// bring notes what each product would have been sold for less.
func (r *Replay) bring(p *Past, before, with pricing.Quote) {
	products, seen := map[uuid.UUID]uuid.UUID{}, map[uuid.UUID]bool{}
	for i := range p.Lines {
		products[p.Lines[i].Sheet.VariantID] = p.Lines[i].Sheet.ProductID
	}
	for i := range with.Lines {
		less := before.Lines[i].Total.Minor - with.Lines[i].Total.Minor
		if less == 0 {
			continue
		}
		product := products[with.Lines[i].VariantID]
		o := r.products[product]
		if o == nil {
			o = &ProductOutcome{ProductID: product, Given: r.zero()}
			r.products[product] = o
		}
		if !seen[product] {
			o.Orders++
			seen[product] = true
		}
		o.Pieces += with.Lines[i].Quantity
		o.Given.Minor += less
	}
}

// Outcome is what the orders so far have shown.
func (r *Replay) Outcome() Outcome {
	out := r.out
	out.Days = slices.Clone(out.Days)
	for _, g := range r.gifts {
		out.Gifts = append(out.Gifts, *g)
	}
	slices.SortFunc(out.Gifts, func(x, y GiftOutcome) int {
		return cmp.Or(cmp.Compare(y.Pieces, x.Pieces), bytes.Compare(x.VariantID[:], y.VariantID[:]))
	})
	for _, p := range r.products {
		out.Products = append(out.Products, *p)
	}
	slices.SortFunc(out.Products, func(x, y ProductOutcome) int {
		return cmp.Or(cmp.Compare(y.Given.Minor, x.Given.Minor), bytes.Compare(x.ProductID[:], y.ProductID[:]))
	})
	out.Products = out.Products[:min(len(out.Products), topProducts)]
	return out
}
