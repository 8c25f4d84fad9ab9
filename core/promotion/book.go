package promotion

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Book is a brand's campaigns at one version of its rules, ready to be looked up.
// It never changes, so that all who quote share it.
type Book struct {
	Version   int64
	campaigns []*ready
	index     scope.Index[entry]          // by audience and goods
	wide      map[scope.Audience][]*ready // for all goods, or for sets of any goods
	personal  bool                        // some campaign counts the uses of a member
	segmented []*ready                    // campaigns for members of segments
	byRank    map[string]bool             // groups that go by priority
}

// ready is a campaign with what quoting asks of it in the form that is fastest.
type ready struct {
	*Campaign
	at     int    // its place in the book, which is the order of application
	goods  *given // the one that takes something off the goods; nil if none does
	ship   *Benefit
	extras bool // gifts, points, coupons
	all    bool // its goods are all goods
	need   demand
	own    []bool // parts that have goods of their own
	except map[scope.Target]bool
	rule   pricing.Rule
	label  i18n.Text
}

// given is a benefit with its percentage in millionths.
type given struct {
	*Benefit
	millionths int64
	rounding   money.Rounding
}

func newGiven(b *Benefit) *given {
	g := &given{Benefit: b, rounding: cmp.Or(b.Rounding, money.RoundDown)}
	if b.Percent != nil {
		g.millionths = b.Percent.Shift(4).IntPart()
	}
	return g
}

// entry is one way to find a campaign by goods: they are the campaign's goods, or
// those of some parts of its combination.
type entry struct {
	c     *ready
	goods bool
	parts uint8
}

// NewBook makes campaigns ready. Drafts and stopped ones are left out.
func NewBook(version int64, campaigns []Campaign) *Book {
	b := &Book{Version: version, wide: map[scope.Audience][]*ready{}, byRank: map[string]bool{}}
	sorted := slices.Clone(campaigns)
	slices.SortFunc(sorted, func(x, y Campaign) int {
		return cmp.Or(cmp.Compare(x.Priority, y.Priority), bytes.Compare(x.ID[:], y.ID[:]))
	})
	for i := range sorted {
		if sorted[i].Status == Ready {
			b.add(newReady(&sorted[i], len(b.campaigns)))
		}
	}
	return b
}

func newReady(c *Campaign, at int) *ready {
	r := &ready{Campaign: c, at: at, all: len(c.Goods) == 0 || slices.Contains(c.Goods, scope.Everything), rule: pricing.RuleCampaign, label: c.Name}
	if c.NeedsCoupon {
		r.rule = pricing.RuleCoupon
	}
	for i := range c.Benefits {
		switch b := &c.Benefits[i]; {
		case b.Kind.onGoods():
			r.goods = newGiven(b)
		case b.Kind == FreeShipping:
			r.ship = b
		default:
			r.extras = true
		}
	}
	for _, p := range c.Conditions.Combination {
		r.need, r.own = append(r.need, p.Quantity), append(r.own, len(p.Goods) > 0)
	}
	if len(c.Except) > 0 {
		r.except = make(map[scope.Target]bool, len(c.Except))
		for _, t := range c.Except {
			r.except[t] = true
		}
	}
	return r
}

func (b *Book) add(c *ready) {
	b.campaigns = append(b.campaigns, c)
	b.personal = b.personal || c.Limits.PerMember != nil
	if len(c.SegmentIDs()) > 0 {
		b.segmented = append(b.segmented, c)
	}
	if c.Group != "" && c.Stacking == ByPriority {
		b.byRank[c.Group] = true
	}
	for _, audience := range c.Audiences {
		wide := c.all
		if !c.all {
			for _, t := range c.Goods {
				b.index.Add(audience, t, entry{c: c, goods: true})
			}
		}
		for p, part := range c.Conditions.Combination {
			for _, t := range part.Goods {
				b.index.Add(audience, t, entry{c: c, parts: 1 << p})
			}
		}
		if wide {
			b.wide[audience] = append(b.wide[audience], c)
		}
	}
}

// ByID is the campaign; nil if the book has none such.
func (b *Book) ByID(campaignID uuid.UUID) *Campaign {
	for _, c := range b.campaigns {
		if c.ID == campaignID {
			return c.Campaign
		}
	}
	return nil
}

// view is the part of a book that concerns one buyer.
type view struct {
	book  *Book
	index scope.View[entry]
	wide  []*ready
	used  map[uuid.UUID]int // how often the buyer has used campaigns that count it
}

// For is the part of the book that concerns the buyer, who has used campaigns so
// often; nil if no campaign does.
func (b *Book) For(buyer scope.Buyer, used map[uuid.UUID]int) pricing.Offers {
	v := &view{book: b, index: b.index.For(buyer), used: used}
	for _, audience := range buyer.Audiences() {
		v.wide = append(v.wide, b.wide[audience]...)
	}
	if len(v.index) == 0 && len(v.wide) == 0 {
		return nil
	}
	return v
}

// excludes reports whether the goods are among the campaign's exceptions.
func (c *ready) excludes(g scope.Goods) bool {
	if len(c.except) == 0 {
		return false
	}
	if c.except[scope.Target{Kind: scope.Variant, ID: g.VariantID}] || c.except[scope.Target{Kind: scope.Product, ID: g.ProductID}] ||
		c.except[scope.Target{Kind: scope.ProductBrand, ID: g.BrandID}] || c.except[scope.Everything] {
		return true
	}
	for _, category := range g.Categories {
		if c.except[scope.Target{Kind: scope.Category, ID: category}] {
			return true
		}
	}
	for _, a := range g.Attributes {
		if c.except[scope.Target{Kind: scope.Attribute, ID: a.ID, Value: a.Value}] {
			return true
		}
	}
	for _, tag := range g.Tags {
		if c.except[scope.Target{Kind: scope.Tag, Value: tag}] {
			return true
		}
	}
	return false
}

// judge says why the campaign does not apply to the buyer at the moment, whatever
// is in the cart; empty if it may.
func (v *view) judge(c *ready, terms *pricing.Terms, now moment) pricing.Reason {
	buyer := &terms.Buyer
	who := identity(*buyer)
	if terms.Placed.Uses(c.ID) {
		if !c.runsFor(terms) {
			return pricing.ReasonElsewhere
		}
		return ""
	}
	switch {
	case c.From.After(terms.At):
		return pricing.ReasonNotYet
	case !c.Until.After(terms.At):
		return pricing.ReasonOver
	case c.Recurrence.narrows() && !c.Recurrence.holds(now):
		return pricing.ReasonNotNow
	case !c.runsFor(terms):
		return pricing.ReasonElsewhere
	case c.NeedsCoupon && couponOf(c.ID, terms) == uuid.Nil:
		return pricing.ReasonCoupon
	case c.SpentAt != nil:
		return pricing.ReasonSpent
	case !c.buyerMeets(buyer, now):
		return pricing.ReasonCondition
	}
	if reason := v.limited(c, who); reason != "" {
		return reason
	}
	if in, held := c.inShare(who); held {
		return pricing.ReasonHoldOut
	} else if !in {
		return pricing.ReasonCondition
	}
	return ""
}

// runsFor reports whether the campaign runs where the buyer is.
func (c *ready) runsFor(terms *pricing.Terms) bool {
	return c.Currency == terms.Currency &&
		(len(c.Channels) == 0 || slices.Contains(c.Channels, terms.ChannelID)) &&
		(len(c.Shops) == 0 || slices.Contains(c.Shops, terms.ShopID)) &&
		(len(c.Regions) == 0 || slices.Contains(c.Regions, terms.Buyer.Region))
}

// limited is why a limit for each member keeps the buyer out; empty if none does.
func (v *view) limited(c *ready, who uuid.UUID) pricing.Reason {
	switch most := c.Limits.PerMember; {
	case most == nil:
		return ""
	case who == uuid.Nil:
		return pricing.ReasonCondition // guests cannot be counted
	case v.used[c.ID] >= *most:
		return pricing.ReasonSpent
	}
	return ""
}

func (c *ready) buyerMeets(buyer *scope.Buyer, now moment) bool {
	k := &c.Conditions
	switch {
	case k.FirstPurchase && (buyer.IsGuest() || buyer.Ordered != 0),
		k.BirthdayMonth && buyer.BirthMonth != now.month,
		len(k.Groups) > 0 && !slices.ContainsFunc(k.Groups, func(g uuid.UUID) bool { return slices.Contains(buyer.Groups, g) }):
		return false
	}
	return true
}

// couponOf is the entered coupon that opens the campaign; zero if there is none.
func couponOf(campaignID uuid.UUID, terms *pricing.Terms) uuid.UUID {
	for _, coupon := range terms.Coupons {
		if coupon.CampaignID == campaignID {
			return coupon.ID
		}
	}
	return uuid.Nil
}
