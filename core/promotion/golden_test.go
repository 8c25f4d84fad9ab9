package promotion_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// sheet is one file of worked examples: a shop, and what carts cost in it.
type sheet struct {
	Goods map[string]goods `yaml:"goods"`
	Cases []example        `yaml:"cases"`
}

type example struct {
	Name      string           `yaml:"name"`
	At        string           `yaml:"at"` // Tokyo
	Buyer     buyer            `yaml:"buyer"`
	Campaigns []offer          `yaml:"campaigns"`
	Cart      map[string]int   `yaml:"cart"`
	Shipping  *int64           `yaml:"shipping"`
	Coupons   []string         `yaml:"coupons"` // campaigns whose coupons were entered
	Direct    bool             `yaml:"direct"`
	Margin    string           `yaml:"margin"` // percent on cost that no discount goes below
	Rate      string           `yaml:"rate"`   // percent of the price that the buyer pays
	Own       map[string]int64 `yaml:"own"`    // the buyer's own prices
	Quoted    map[string]int64 `yaml:"quoted"` // prices of an accepted quotation
	Expect    expected         `yaml:"expect"`
}

type buyer struct {
	Member     string         `yaml:"member"`
	Groups     []string       `yaml:"groups"`
	Region     string         `yaml:"region"`
	BirthMonth int            `yaml:"birthMonth"`
	Ordered    int            `yaml:"ordered"`
	Used       map[string]int `yaml:"used"`
}

// offer is a campaign as a merchant would write it down.
type offer struct {
	Code      string   `yaml:"code"`
	For       []string `yaml:"for"` // "everyone", "members", "group gold", "member tanaka"
	Goods     []string `yaml:"goods"`
	Except    []string `yaml:"except"`
	From      string   `yaml:"from"`
	Until     string   `yaml:"until"`
	Weekdays  []int    `yaml:"weekdays"`
	Days      []int    `yaml:"days"`
	Hours     string   `yaml:"hours"`
	Regions   []string `yaml:"regions"`
	Channels  []string `yaml:"channels"`
	MinAmount int64    `yaml:"minAmount"`
	MinPieces int      `yaml:"minPieces"`
	Sets      []part   `yaml:"sets"`
	MaxSets   int      `yaml:"maxSets"`
	First     bool     `yaml:"firstPurchase"`
	Birthday  bool     `yaml:"birthdayMonth"`
	Gives     []gives  `yaml:"gives"`
	Stacking  string   `yaml:"stacking"`
	Group     string   `yaml:"group"`
	Priority  int      `yaml:"priority"`
	Coupon    bool     `yaml:"coupon"`
	PerMember int      `yaml:"perMember"`
	Spent     bool     `yaml:"spent"`
}

type part struct {
	Goods    []string `yaml:"goods"`
	Quantity int      `yaml:"quantity"`
}

type gives struct {
	Kind     string `yaml:"kind"`
	Percent  string `yaml:"percent"`
	Amount   *int64 `yaml:"amount"`
	Pieces   int    `yaml:"pieces"`
	UpTo     *int64 `yaml:"upTo"`
	Rounding string `yaml:"rounding"`
	Gift     string `yaml:"gift"`
	PerSet   bool   `yaml:"perSet"`
	Factor   string `yaml:"factor"`
	Issues   string `yaml:"issues"`
}

type expected struct {
	Lines    map[string]int64  `yaml:"lines"` // total of each line
	Units    map[string]int64  `yaml:"units"`
	Gives    map[string]int64  `yaml:"gives"` // campaign → what it took off; only those that apply
	Gifts    map[string]int    `yaml:"gifts"`
	Points   string            `yaml:"points"`
	Issues   []string          `yaml:"issues"`
	Shipping *int64            `yaml:"shipping"`
	Total    int64             `yaml:"total"`
	Why      map[string]string `yaml:"why"` // campaign → the reason in the trace
	Coupons  map[string]string `yaml:"coupons"`
}

func target(t *testing.T, text string) scope.Target {
	kind, name, _ := strings.Cut(text, " ")
	switch kind {
	case "category":
		return scope.Target{Kind: scope.Category, ID: key(text)}
	case "brand":
		return scope.Target{Kind: scope.ProductBrand, ID: key(text)}
	case "product":
		return scope.Target{Kind: scope.Product, ID: key(text)}
	case "tag":
		return scope.Target{Kind: scope.Tag, Value: name}
	case "variant":
		return scope.Target{Kind: scope.Variant, ID: key(name)}
	}
	require.FailNow(t, "no such goods", text)
	return scope.Target{}
}

func targets(t *testing.T, texts []string) (all []scope.Target) {
	for _, text := range texts {
		all = append(all, target(t, text))
	}
	return all
}

func audience(t *testing.T, text string) scope.Audience {
	switch kind, name, _ := strings.Cut(text, " "); kind {
	case "everyone":
		return scope.All
	case "members":
		return scope.Audience{Kind: scope.Members}
	case "group":
		return scope.Audience{Kind: scope.Group, ID: key(name)}
	case "member":
		return scope.Audience{Kind: scope.Member, ID: key(name)}
	}
	require.FailNow(t, "no such audience", text)
	return scope.Audience{}
}

func moment(t *testing.T, text string) time.Time {
	at, err := time.ParseInLocation("2006-01-02 15:04", text, tokyo)
	require.NoError(t, err)
	return at
}

func number(t *testing.T, text string) *decimal.Decimal {
	if text == "" {
		return nil
	}
	d, err := decimal.NewFromString(text)
	require.NoError(t, err)
	return &d
}

func (o offer) campaign(t *testing.T) promotion.Campaign {
	c := campaign(o.Code)
	if len(o.For) > 0 {
		c.Audiences = nil
	}
	for _, a := range o.For {
		c.Audiences = append(c.Audiences, audience(t, a))
	}
	c.Goods, c.Except = targets(t, o.Goods), targets(t, o.Except)
	if o.From != "" {
		c.From = moment(t, o.From)
	}
	if o.Until != "" {
		c.Until = moment(t, o.Until)
	}
	c.Recurrence.Weekdays, c.Recurrence.Days = o.Weekdays, o.Days
	if from, until, ok := strings.Cut(o.Hours, "-"); ok {
		c.Recurrence.From, c.Recurrence.Until = minutes(t, from), minutes(t, until)
	}
	for _, name := range o.Channels {
		c.Channels = append(c.Channels, key("channel "+name))
	}
	c.Regions, c.Group, c.Priority, c.NeedsCoupon = o.Regions, o.Group, o.Priority, o.Coupon
	c.Conditions = promotion.Conditions{MinAmount: o.MinAmount, MinQuantity: o.MinPieces, MaxSets: o.MaxSets, FirstPurchase: o.First, BirthdayMonth: o.Birthday}
	for _, p := range o.Sets {
		c.Conditions.Combination = append(c.Conditions.Combination, promotion.Part{Goods: targets(t, p.Goods), Quantity: p.Quantity})
	}
	if o.Stacking != "" {
		c.Stacking = promotion.Stacking(o.Stacking)
	}
	if o.PerMember > 0 {
		c.Limits.PerMember = &o.PerMember
	}
	if o.Spent {
		c.SpentAt = &c.From
	}
	for _, g := range o.Gives {
		b := promotion.Benefit{
			Kind: promotion.BenefitKind(g.Kind), Percent: number(t, g.Percent), Amount: g.Amount, Pieces: g.Pieces, UpTo: g.UpTo,
			Rounding: money.Rounding(g.Rounding), PerSet: g.PerSet, Factor: number(t, g.Factor),
		}
		if g.Gift != "" {
			b.Variant = key(g.Gift)
		}
		if g.Issues != "" {
			b.Issues = key("campaign " + g.Issues)
		}
		c.Benefits = append(c.Benefits, b)
	}
	require.NoError(t, c.Validate())
	return c
}

func minutes(t *testing.T, text string) *int {
	at, err := time.Parse("15:04", text)
	require.NoError(t, err)
	m := at.Hour()*60 + at.Minute()
	return &m
}

func (e example) input(t *testing.T, shop map[string]goods) pricing.QuoteInput {
	b := scope.Buyer{Region: e.Buyer.Region, BirthMonth: e.Buyer.BirthMonth, Ordered: e.Buyer.Ordered}
	if e.Buyer.Member != "" {
		b.MemberID = key(e.Buyer.Member)
	}
	for _, g := range e.Buyer.Groups {
		b.Groups = append(b.Groups, key(g))
	}
	var campaigns []promotion.Campaign
	for _, o := range e.Campaigns {
		campaigns = append(campaigns, o.campaign(t))
	}
	used := map[uuid.UUID]int{}
	for code, n := range e.Buyer.Used {
		used[key("campaign "+code)] = n
	}
	at := "2026-11-25 12:00" // a Wednesday
	if e.At != "" {
		at = e.At
	}
	in := pricing.QuoteInput{Terms: terms(moment(t, at), b, nil)}
	in.Terms.Offers, in.Terms.Trace = promotion.NewBook(1, campaigns).For(b, used), true
	for _, code := range e.Coupons {
		in.Terms.Coupons = append(in.Terms.Coupons, pricing.Coupon{ID: key("coupon " + code), CampaignID: key("campaign " + code)})
	}
	if e.Direct {
		in.Terms.Mode = pricing.ShipDirect
	}
	in.Book, in.Items = cart(shop, e.Cart)
	e.agree(t, &in)
	if e.Shipping != nil {
		in.Shipping = &pricing.Fee{Amount: *e.Shipping, TaxClass: money.TaxStandard}
	}
	return in
}

// agree puts down what the buyer's terms are beside campaigns.
func (e example) agree(t *testing.T, in *pricing.QuoteInput) {
	var rules pricing.Rules
	add := func(kind pricing.RateKind, percent string, rounding money.Rounding) {
		if percent != "" {
			rules.Rates = append(rules.Rates, pricing.Rate{
				ID: key(string(kind)), Kind: kind, Audience: scope.All, Target: scope.Everything, Window: scope.Always,
				Percent: *number(t, percent), Rounding: rounding, RoundTo: 1,
			})
		}
	}
	add(pricing.RateFloor, e.Margin, money.RoundUp)
	add(pricing.RateCustomer, e.Rate, money.RoundDown)
	in.Terms.Rules = pricing.NewRulebook(rules)
	if len(e.Own) > 0 {
		own := pricing.List{ID: key("own"), Audience: scope.Audience{Kind: scope.Member, ID: in.Terms.Buyer.MemberID}, Window: scope.Always}
		in.Terms.Lists = append([]pricing.List{own}, in.Terms.Lists...)
		for name, amount := range e.Own {
			s := in.Book[key(name)]
			s.Prices = append(s.Prices, pricing.Price{ID: key("own " + name), ListID: own.ID, VariantID: key(name), MinQuantity: 1, ValidUntil: in.Terms.At.AddDate(1, 0, 0), Amount: amount})
		}
	}
	for i := range in.Items {
		for name, amount := range e.Quoted {
			if in.Items[i].VariantID == key(name) {
				in.Items[i].Agreed = &pricing.Agreed{Amount: amount, Source: key("quotation")}
			}
		}
	}
}

// TestWorkedExamples holds the engine to examples that a merchant can read.
func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	require.NoError(t, err)
	count := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		var s sheet
		decoder := yaml.NewDecoder(strings.NewReader(string(raw)))
		decoder.KnownFields(true)
		require.NoError(t, decoder.Decode(&s), file)
		for _, e := range s.Cases {
			count++
			t.Run(filepath.Base(file)+"/"+e.Name, func(t *testing.T) { e.check(t, s.Goods) })
		}
	}
	require.GreaterOrEqual(t, count, 30)
}

func (e example) check(t *testing.T, shop map[string]goods) {
	q := quote(t, e.input(t, shop))
	names := map[uuid.UUID]string{}
	for name := range shop {
		names[key(name)] = name
	}
	for _, o := range e.Campaigns {
		names[key("campaign "+o.Code)] = o.Code
	}
	why := map[string]string{}
	note := func(all []pricing.Candidate) {
		for _, c := range all {
			if name := names[c.Source]; name != "" && (why[name] == "" || c.Reason == pricing.ReasonApplied) {
				why[name] = string(c.Reason)
			}
		}
	}
	lines, units := map[string]int64{}, map[string]int64{}
	for _, l := range q.Lines {
		lines[names[l.VariantID]], units[names[l.VariantID]] = l.Total.Minor, l.Unit.Minor
		note(l.Candidates)
	}
	note(q.Candidates)
	for name, total := range e.Expect.Lines {
		require.Equal(t, total, lines[name], "total of %s", name)
	}
	for name, unit := range e.Expect.Units {
		require.Equal(t, unit, units[name], "piece of %s", name)
	}
	e.checkGiven(t, q, names)
	if e.Expect.Shipping != nil {
		require.Equal(t, *e.Expect.Shipping, q.Shipping.Minor)
	}
	require.Equal(t, e.Expect.Total, q.Total.Minor)
	for name, reason := range e.Expect.Why {
		require.Equal(t, reason, why[name], "why %s", name)
	}
}

// checkGiven compares what each campaign gave.
func (e example) checkGiven(t *testing.T, q pricing.Quote, names map[uuid.UUID]string) {
	given, gifts, points, issues := map[string]int64{}, map[string]int{}, "", []string(nil)
	for _, a := range q.Applied {
		given[names[a.CampaignID]] = a.Discount.Minor
		for _, g := range a.Gifts {
			gifts[names[g.VariantID]] += g.Quantity
		}
		if a.Points.IsPositive() {
			points = a.Points.String()
		}
		if a.Issues != uuid.Nil {
			issues = append(issues, names[a.Issues])
		}
	}
	slices.Sort(issues)
	if e.Expect.Gives == nil {
		e.Expect.Gives = map[string]int64{}
	}
	require.Equal(t, e.Expect.Gives, given, "what campaigns gave")
	if e.Expect.Gifts == nil {
		e.Expect.Gifts = map[string]int{}
	}
	require.Equal(t, e.Expect.Gifts, gifts)
	require.Equal(t, e.Expect.Points, points)
	require.Equal(t, e.Expect.Issues, issues)
	for _, c := range q.Coupons {
		if reason, asked := e.Expect.Coupons[nameOfCoupon(e.Coupons, c.CouponID)]; asked {
			require.Equal(t, reason, string(c.Reason))
			delete(e.Expect.Coupons, nameOfCoupon(e.Coupons, c.CouponID))
		}
	}
	require.Empty(t, e.Expect.Coupons, "coupons that nothing was said about")
	adds(t, q)
}

func nameOfCoupon(codes []string, couponID uuid.UUID) string {
	for _, code := range codes {
		if key("coupon "+code) == couponID {
			return code
		}
	}
	return ""
}
