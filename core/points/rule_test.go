package points

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

var (
	food, leash  = uuid.MustParse("00000000-0000-0000-0000-00000000000a"), uuid.MustParse("00000000-0000-0000-0000-00000000000b")
	eatables     = uuid.MustParse("00000000-0000-0000-0000-0000000000c1")
	ginza, namba = uuid.MustParse("00000000-0000-0000-0000-0000000000d1"), uuid.MustParse("00000000-0000-0000-0000-0000000000d2")
)

func factor(s string) *decimal.Decimal {
	d := decimal.RequireFromString(s)
	return &d
}

func ruleOf(t Terms) Rule {
	t.Occasion = Purchased
	return Rule{ID: uuid.New(), Terms: t}
}

// one point for each hundred yen, on everything.
var basic = ruleOf(Terms{PerMinor: 100, Points: 1})

func TestRulesGive(t *testing.T) {
	t.Parallel()
	thursday := time.Date(2026, 3, 5, 10, 0, 0, 0, time.FixedZone("JST", 9*60*60))
	goods := []Good{{food, []uuid.UUID{eatables}, 1980}, {leash, nil, 2550}}
	closed := thursday.Add(-time.Second)
	for name, c := range map[string]struct {
		rules []Rule
		with  func(*Purchase)
		want  int64
	}{
		"nothing without rules":           {want: 0},
		"by amount, rounded down once":    {rules: []Rule{basic}, want: 45},
		"of a product":                    {rules: []Rule{basic, ruleOf(Terms{PerMinor: 100, Points: 2, ProductIDs: []uuid.UUID{leash}})}, want: 45 + 50},
		"of a category":                   {rules: []Rule{ruleOf(Terms{PerMinor: 10, Points: 1, CategoryIDs: []uuid.UUID{eatables}})}, want: 198},
		"twice on a category":             {rules: []Rule{basic, ruleOf(Terms{Factor: factor("2"), CategoryIDs: []uuid.UUID{eatables}})}, want: 45 + 19},
		"factors add up":                  {rules: []Rule{basic, ruleOf(Terms{Factor: factor("2")}), ruleOf(Terms{Factor: factor("3")})}, want: 45 * 4},
		"a campaign's factor":             {rules: []Rule{basic}, with: func(p *Purchase) { p.Campaign = decimal.RequireFromString("1.5") }, want: 45 + 22},
		"a factor of nothing":             {rules: []Rule{ruleOf(Terms{Factor: factor("10")})}, want: 0},
		"once":                            {rules: []Rule{ruleOf(Terms{Points: 500})}, want: 500},
		"once, from an amount":            {rules: []Rule{ruleOf(Terms{Points: 500, MinMinor: 4531})}, want: 0},
		"once, at that amount":            {rules: []Rule{ruleOf(Terms{Points: 500, MinMinor: 4530})}, want: 500},
		"first purchase":                  {rules: []Rule{ruleOf(Terms{Points: 300, First: true})}, with: func(p *Purchase) { p.First = true }, want: 300},
		"not the first":                   {rules: []Rule{ruleOf(Terms{Points: 300, First: true})}, want: 0},
		"on the day of the week":          {rules: []Rule{basic, ruleOf(Terms{Factor: factor("2"), Weekdays: []int{4}})}, want: 90},
		"on another day of the week":      {rules: []Rule{basic, ruleOf(Terms{Factor: factor("2"), Weekdays: []int{0, 6}})}, want: 45},
		"on days with a five":             {rules: []Rule{basic, ruleOf(Terms{Factor: factor("3"), MonthDays: []int{5, 15, 25}})}, want: 135},
		"at a shop":                       {rules: []Rule{ruleOf(Terms{Points: 50, ShopIDs: []uuid.UUID{ginza}})}, with: func(p *Purchase) { p.ShopID = &ginza }, want: 50},
		"at another shop":                 {rules: []Rule{ruleOf(Terms{Points: 50, ShopIDs: []uuid.UUID{ginza}})}, with: func(p *Purchase) { p.ShopID = &namba }, want: 0},
		"nowhere in particular":           {rules: []Rule{ruleOf(Terms{Points: 50, ShopIDs: []uuid.UUID{ginza}})}, want: 0},
		"of a rank":                       {rules: []Rule{basic, ruleOf(Terms{Factor: factor("1.2"), Ranks: []string{"gold"}})}, with: func(p *Purchase) { p.Rank = "gold" }, want: 54},
		"of no rank":                      {rules: []Rule{basic, ruleOf(Terms{Factor: factor("1.2"), Ranks: []string{"gold"}})}, want: 45},
		"before it begins":                {rules: []Rule{{Terms: Terms{Occasion: Purchased, Points: 9}, ValidFrom: new(thursday.Add(time.Second))}}, want: 0},
		"when it is over":                 {rules: []Rule{{Terms: Terms{Occasion: Purchased, Points: 9}, ValidUntil: &closed}}, want: 0},
		"at the moment that it ends":      {rules: []Rule{{Terms: Terms{Occasion: Purchased, Points: 9}, ValidUntil: &thursday}}, want: 0},
		"for a review only":               {rules: []Rule{{Terms: Terms{Occasion: Reviewed, Points: 9}}}, want: 0},
		"not on goods that are not there": {rules: []Rule{ruleOf(Terms{Points: 70, ProductIDs: []uuid.UUID{ginza}})}, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Purchase{Goods: goods, At: thursday}
			if c.with != nil {
				c.with(&p)
			}
			got, given := Reckon(c.rules, p)
			require.Equal(t, c.want, got)
			var sum int64
			for _, g := range given {
				sum += g.Points
			}
			require.Equal(t, got, sum, "what each rule gives adds up")
		})
	}
}

func TestOrderEarns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		order Bought
		want  int64
	}{
		"all of it":                     {Bought{Total: 10_000}, 100},
		"nothing for a cancelled one":   {Bought{Total: 10_000, Status: "CANCELLED"}, 0},
		"nothing for what points paid":  {Bought{Total: 10_000, ByPoints: 2500}, 75},
		"nothing where points paid":     {Bought{Total: 10_000, ByPoints: 10_000}, 0},
		"less for what came back":       {Bought{Total: 10_000, Captured: 10_000, Refunded: 3000, Returned: 3000}, 70},
		"less for what was refunded":    {Bought{Total: 10_000, Captured: 10_000, Refunded: 5000}, 50},
		"both":                          {Bought{Total: 10_000, Captured: 10_000, ByPoints: 5000, Refunded: 5000}, 25},
		"an edit's refund is no return": {Bought{Total: 10_000, Captured: 12_000, Refunded: 2000}, 100},
		"of goods alone":                {Bought{Total: 10_660}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.order.Goods, c.order.Zone = []Good{{ProductID: food, Minor: 10_000}}, "Asia/Tokyo"
			got, err := c.order.earns([]Rule{basic})
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestDayIsTheProgrammesOwn(t *testing.T) {
	t.Parallel()
	p := Programme{Zone: "Asia/Tokyo"}
	require.Equal(t, "2026-03-01", p.Day(time.Date(2026, 3, 1, 14, 59, 59, 0, time.UTC)).Format(time.DateOnly))
	require.Equal(t, "2026-03-02", p.Day(time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)).Format(time.DateOnly))
}

func TestStatementsAreCompared(t *testing.T) {
	t.Parallel()
	mine := func(state TransferState, n int64) Transfer {
		return Transfer{ID: uuid.New(), Outgoing: true, State: state, TheirPoints: n}
	}
	good, missing, other := mine(StateAcknowledged, 10), mine(StateAcknowledged, 20), mine(StateAcknowledged, 30)
	open, back, quiet := mine(StateSent, 40), mine(StateReturned, 50), mine(StateReturned, 60)
	compared := func(ours []Transfer, told map[string]int64, incoming bool) Reconciliation {
		c := comparison{incoming: incoming, told: told, seen: map[string]bool{}}
		c.with(ours[:1])
		c.with(ours[1:])
		c.rest()
		return c.Reconciliation
	}
	r := compared([]Transfer{good, missing, other, open, back, quiet}, map[string]int64{
		good.ID.String(): 10, other.ID.String(): 31, open.ID.String(): 40, back.ID.String(): 50, "theirs": 7,
	}, false)
	require.Equal(t, 1, r.Matched)
	require.ElementsMatch(t, []Difference{
		{missing.ID.String(), MissingThere, 20, 0}, {other.ID.String(), PointsDiffer, 30, 31}, {open.ID.String(), StillUnsaid, 40, 40},
		{back.ID.String(), MissingHere, 0, 50}, {"theirs", MissingHere, 0, 7},
	}, r.Differences)
	came := Transfer{ID: uuid.New(), State: StateReceived, Reference: "IN-1", TheirPoints: 10}
	lost := Transfer{ID: uuid.New(), State: StateReceived, Reference: "IN-2", TheirPoints: 20}
	r = compared([]Transfer{came, lost, good}, map[string]int64{"IN-1": 10, "IN-3": 5}, true)
	require.Equal(t, 1, r.Matched, "what went there is no part of it")
	require.ElementsMatch(t, []Difference{{"IN-2", MissingThere, 20, 0}, {"IN-3", MissingHere, 0, 5}}, r.Differences)
}
