package display_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/scope"
)

var (
	noon = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC) // 12:00 in Tokyo
	jst  = time.FixedZone("JST", 9*60*60)
	one  = key(1)
)

func key(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Append(nil, n)) }

// The small world of the properties: two members, companies and groups; a product
// with a variant on a shelf below a shelf, and others.
var (
	dog, food = key(20), key(21)
	tree      = display.NewTree([]display.Shelf{{ID: dog, Slug: "dog"}, {ID: food, ParentID: &dog, Slug: "food"}, {ID: key(22), Slug: "cat"}})
	audiences = []scope.Audience{
		{Kind: scope.Member, ID: key(1)}, {Kind: scope.Member, ID: key(2)}, {Kind: scope.Company, ID: key(3)}, {Kind: scope.Company, ID: key(4)},
		{Kind: scope.Group, ID: key(5)}, {Kind: scope.Group, ID: key(6)}, {Kind: scope.Group, ID: key(7)}, {Kind: scope.Members}, scope.All,
	}
	targets = []scope.Target{
		{Kind: scope.Variant, ID: key(10)}, {Kind: scope.Product, ID: key(11)}, {Kind: scope.Product, ID: key(12)}, {Kind: scope.Category, ID: dog},
		{Kind: scope.Category, ID: food}, {Kind: scope.Category, ID: key(22)}, {Kind: scope.ProductBrand, ID: key(30)},
		{Kind: scope.Attribute, ID: key(40), Value: "adult"}, {Kind: scope.Attribute, ID: key(40), Value: "puppy"}, {Kind: scope.Tag, Value: "trade"}, scope.Everything,
	}
	buyer = scope.Buyer{MemberID: key(1), CompanyID: key(3), Groups: []uuid.UUID{key(6), key(5)}}
	goods = scope.Goods{
		VariantID: key(10), ProductID: key(11), BrandID: key(30), Categories: []uuid.UUID{food, dog},
		Tags: []string{"trade"}, Attributes: []scope.AttributeValue{{ID: key(40), Value: "adult"}},
	}
)

func rules() *rapid.Generator[[]display.Rule] {
	effect := rapid.SampledFrom([]*display.Effect{nil, new(display.Allow), new(display.Deny)})
	return rapid.Custom(func(t *rapid.T) []display.Rule {
		all := make([]display.Rule, rapid.IntRange(0, 12).Draw(t, "rules"))
		for i := range all {
			all[i] = display.Rule{
				ID: key(1000 + i), Audience: rapid.SampledFrom(audiences).Draw(t, "audience"), Target: rapid.SampledFrom(targets).Draw(t, "target"),
				Window: scope.Always, UpdatedAt: noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "saved")) * time.Minute),
				Visible: effect.Draw(t, "visible"), Purchasable: effect.Draw(t, "purchasable"), PriceShown: effect.Draw(t, "price"),
			}
			if rapid.IntRange(0, 5).Draw(t, "window") == 0 {
				all[i].Until = noon
			}
			if rapid.IntRange(0, 5).Draw(t, "channel") == 0 {
				all[i].ChannelID = new(key(99))
			}
		}
		return all
	})
}

func ask(b scope.Buyer) display.Question {
	return display.Question{Buyer: b, Goods: goods, ChannelID: one, At: noon, Zone: jst}
}

func TestTheOrderOfRulesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rules().Draw(t, "all")
		mixed := rapid.Permutation(all).Draw(t, "mixed")
		for _, aspect := range display.Aspects {
			a, b := display.Judge(all, tree, aspect, ask(buyer)), display.Judge(mixed, tree, aspect, ask(buyer))
			if a.Allowed != b.Allowed || (a.Rule == nil) != (b.Rule == nil) || a.Rule != nil && a.Rule.ID != b.Rule.ID {
				t.Fatalf("%s: %v is not %v", aspect, a, b)
			}
		}
	})
}

func TestARuleForOthersChangesNothingForMe(t *testing.T) {
	t.Parallel()
	mine := buyer.Audiences()
	rapid.Check(t, func(t *rapid.T) {
		all := rules().Draw(t, "all")
		more := slices.Clone(all)
		for _, r := range rules().Draw(t, "more") {
			if !slices.Contains(mine, r.Audience) {
				more = append(more, r)
			}
		}
		for _, aspect := range display.Aspects {
			if display.Judge(all, tree, aspect, ask(buyer)).Allowed != display.Judge(more, tree, aspect, ask(buyer)).Allowed {
				t.Fatalf("%s: a rule for others decided", aspect)
			}
		}
	})
}

func TestOneRuleWinsAndTheOthersSayWhyNot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rules().Draw(t, "all")
		for _, aspect := range display.Aspects {
			v, won := display.Judge(all, tree, aspect, ask(buyer)), 0
			for _, s := range v.Steps {
				if s.Outcome == display.Won {
					won++
				}
			}
			if len(v.Steps) != len(all) || won > 1 || (won == 1) != (v.Rule != nil) || v.Rule == nil && !v.Allowed {
				t.Fatalf("%s: %v", aspect, v)
			}
		}
	})
}

func TestTheMostSpecificRuleWins(t *testing.T) {
	t.Parallel()
	rule := func(a scope.Audience, target scope.Target, e display.Effect, minute int) display.Rule {
		return display.Rule{ID: key(minute), Audience: a, Target: target, Window: scope.Always, Visible: &e, UpdatedAt: noon.Add(time.Duration(minute) * time.Minute)}
	}
	member, company := audiences[0], audiences[2]
	for name, c := range map[string]struct {
		rules   []display.Rule
		allowed bool
	}{
		"no rule":              {nil, true},
		"audience over target": {[]display.Rule{rule(member, scope.Everything, display.Allow, 1), rule(company, targets[1], display.Deny, 2)}, true},
		"company over group":   {[]display.Rule{rule(audiences[5], targets[1], display.Allow, 2), rule(company, targets[1], display.Deny, 1)}, false},
		"group of precedence":  {[]display.Rule{rule(audiences[4], targets[1], display.Deny, 2), rule(audiences[5], targets[1], display.Allow, 1)}, true},
		"product over shelf":   {[]display.Rule{rule(scope.All, targets[1], display.Allow, 1), rule(scope.All, targets[4], display.Deny, 2)}, true},
		"lower shelf":          {[]display.Rule{rule(scope.All, targets[4], display.Allow, 1), rule(scope.All, targets[3], display.Deny, 2)}, true},
		"later rule":           {[]display.Rule{rule(scope.All, targets[3], display.Allow, 2), rule(scope.All, targets[3], display.Deny, 1)}, true},
		"attribute over tag":   {[]display.Rule{rule(scope.All, targets[7], display.Deny, 1), rule(scope.All, targets[9], display.Allow, 2)}, false},
	} {
		require.Equal(t, c.allowed, display.Judge(c.rules, tree, display.Visible, ask(buyer)).Allowed, name)
	}
}

func TestSeasonsComeBackAndRunOverTheNewYear(t *testing.T) {
	t.Parallel()
	day := func(s string) display.MonthDay {
		d, err := display.ParseMonthDay(s)
		require.NoError(t, err)
		require.Equal(t, s, d.String())
		return d
	}
	winter, feb := display.Season{From: day("11-01"), Until: day("02-28")}, display.Season{From: day("02-29"), Until: day("02-29")}
	at := func(s string) time.Time {
		moment, err := time.ParseInLocation(time.DateTime, s, jst)
		require.NoError(t, err)
		return moment.UTC()
	}
	for moment, want := range map[string]bool{
		"2026-10-31 23:59:59": false, "2026-11-01 00:00:00": true, "2026-12-31 23:59:59": true, "2027-01-01 00:00:00": true,
		"2027-02-28 23:59:59": true, "2027-03-01 00:00:00": false, "2028-02-29 12:00:00": false, "2027-07-01 00:00:00": false,
	} {
		require.Equal(t, want, winter.Holds(at(moment), jst), moment)
	}
	require.True(t, feb.Holds(at("2028-02-29 12:00:00"), jst))
	require.False(t, feb.Holds(at("2027-02-28 12:00:00"), jst))
	for _, bad := range []string{"02-30", "13-01", "00-10", "1-1", "11/01", "", "2-030", "11-01 "} {
		_, err := display.ParseMonthDay(bad)
		require.ErrorIs(t, err, display.ErrSeason, bad)
	}
}
