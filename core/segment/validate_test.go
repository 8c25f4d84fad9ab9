package segment

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
)

func number(n int) *int { return &n }

func TestContradictionsAreNamedWithTheirPaths(t *testing.T) {
	t.Parallel()
	day := func(s string) *time.Time {
		d, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return &d
	}
	big, small := decimal.NewFromInt(2000), decimal.NewFromInt(1000)
	for want, c := range map[string]Condition{
		"CONDITION_ONE where":                               {},
		"CONDITION_ONE where.all.0":                         {All: []Condition{{Age: &Range{Min: number(1)}, BirthMonths: []int{1}}}},
		"CONDITION_GROUP_EMPTY where.any":                   {Any: []Condition{}},
		"CONDITION_PERIOD where.all.1.lastPurchase":         {All: []Condition{{BirthMonths: []int{1}}, {LastPurchase: &Period{From: day("2026-02-01"), Until: day("2026-01-31")}}}},
		"CONDITION_PERIOD where.lastPurchase":               {LastPurchase: &Period{From: day("2026-02-01"), LastDays: number(3)}},
		"CONDITION_EMPTY where.lastPurchase":                {LastPurchase: &Period{}},
		"CONDITION_RANGE where.not.age":                     {Not: &Condition{Age: &Range{Min: number(30), Max: number(20)}}},
		"CONDITION_RANGE where.age.min":                     {Age: &Range{Min: number(-1)}},
		"CONDITION_RANGE where.purchases.amount":            {Purchases: &Purchases{Amount: &Amounts{Min: &big, Max: &small}}},
		"CONDITION_EMPTY where.purchases":                   {Purchases: &Purchases{}},
		"CONDITION_EMPTY where.bought":                      {Bought: &Bought{}},
		"CONDITION_RANGE where.bought.quantity.min":         {Bought: &Bought{ProductIDs: []uuid.UUID{uuid.Max}, Quantity: &Range{Min: number(0)}}},
		"CONDITION_RANGE where.pet.birthMonths.1":           {Pet: &Pet{BirthMonths: []int{12, 0}}},
		"CONDITION_EMPTY where.pet.birthMonths":             {Pet: &Pet{BirthMonths: []int{}}},
		"CONDITION_EMPTY where.expiringPoints":              {ExpiringPoints: &ExpiringPoints{Least: 1}},
		"CONDITION_PERIOD where.expiringPoints":             {ExpiringPoints: &ExpiringPoints{Least: 1, WithinDays: number(3), By: day("2026-02-01")}},
		"CONDITION_RANGE where.expiringPoints.withinDays":   {ExpiringPoints: &ExpiringPoints{Least: 1, WithinDays: number(-1)}},
		"CONDITION_RANGE where.expiringPoints.least":        {ExpiringPoints: &ExpiringPoints{WithinDays: number(3)}},
		"CONDITION_EMPTY where.coupon.campaignIds":          {Coupon: &OfCoupon{State: HoldsCoupon}},
		"CONDITION_EMPTY where.coupon.state":                {Coupon: &OfCoupon{CampaignIDs: []uuid.UUID{uuid.Max}}},
		"CONDITION_RANGE where.birthMonths.1":               {BirthMonths: []int{12, 13}},
		"CONDITION_EMPTY where.store.storeIds":              {Store: &OfStore{Kind: Home}},
		"CONDITION_EMPTY where.pet":                         {Pet: &Pet{}},
		"CONDITION_TOO_LARGE where.not.not.not.not.not.not": {Not: &Condition{Not: &Condition{Not: &Condition{Not: &Condition{Not: &Condition{Not: &Condition{BirthMonths: []int{1}}}}}}}},
		"CONDITION_TOO_LARGE where":                         {All: make([]Condition, 60)},
		"CONDITION_EMPTY where.points.balance":              {Points: &Points{}},
		"CONDITION_EMPTY where.mailing.mailingIds":          {Mailing: &OfMailing{Response: BoughtOf}},
		"CONDITION_EMPTY where.mailing.response":            {Mailing: &OfMailing{MailingIDs: []uuid.UUID{uuid.Max}}},
		"CONDITION_RANGE where.lastPurchase.lastDays":       {LastPurchase: &Period{LastDays: number(0)}},
	} {
		_, err := check("where", c)
		all := fault.All(err)
		require.Len(t, all, 1, want)
		require.Equal(t, want, string(all[0].Code)+" "+all[0].Field)
	}
	named, err := check("where", Condition{All: []Condition{{Store: &OfStore{Kind: Home, StoreIDs: []uuid.UUID{uuid.Max}}}, {Purchases: &Purchases{StoreIDs: []uuid.UUID{uuid.Max}, Visits: &Range{Min: number(1)}}}}})
	require.NoError(t, err)
	require.Equal(t, map[Named][]string{{"Location", uuid.Max}: {"where.all.0.store.storeIds.0", "where.all.1.purchases.storeIds.0"}}, named)
}

func TestWhatNoMemberCanFulfilIsRefusedAtTheLaterCondition(t *testing.T) {
	t.Parallel()
	all := func(of ...Condition) Condition { return Condition{All: of} }
	not := func(c Condition) Condition { return Condition{Not: &c} }
	age := func(low, high int) Condition { return Condition{Age: &Range{Min: &low, Max: &high}} }
	months := func(of ...int) Condition { return Condition{BirthMonths: of} }
	genders := func(of ...customer.Gender) Condition { return Condition{Genders: of} }
	ranks := func(of ...uuid.UUID) Condition { return Condition{RankIDs: of} }
	store := func(kind StoreKind, of ...uuid.UUID) Condition { return Condition{Store: &OfStore{kind, of}} }
	points := func(of uuid.UUID, r Range) Condition { return Condition{Points: &Points{of, r}} }
	mail := func(given bool) Condition { return Condition{Consent: &Consent{member.Mail, given}} }
	bought := func(of uuid.UUID) Condition { return Condition{Bought: &Bought{ProductIDs: []uuid.UUID{of}}} }
	day := func(s string) *time.Time {
		d, err := time.Parse(time.DateOnly, s)
		require.NoError(t, err)
		return &d
	}
	last := func(from, until string) Condition {
		return Condition{LastPurchase: &Period{From: day(from), Until: day(until)}}
	}
	lately := func(c Condition, n int) Condition {
		if c.Bought != nil {
			return Condition{Bought: &Bought{ProductIDs: c.Bought.ProductIDs, Period: &Period{LastDays: &n}}}
		}
		return Condition{Purchases: &Purchases{Period: &Period{LastDays: &n}, Items: c.Purchases.Items}}
	}
	ends := func(of *uuid.UUID, days, least int) Condition {
		return Condition{ExpiringPoints: &ExpiringPoints{ProgrammeID: of, WithinDays: &days, Least: least}}
	}
	coupon := func(s CouponState) Condition { return Condition{Coupon: &OfCoupon{[]uuid.UUID{uuid.Max}, s}} }
	pet := func(months ...int) Condition { return Condition{Pet: &Pet{BirthMonths: months}} }
	nothing := Condition{Purchases: &Purchases{Items: &Range{Max: number(0)}}}
	one, two := id.New(), id.New()
	for name, c := range map[string]struct {
		path string // none: it passes
		of   Condition
	}{
		"ages apart":                      {"where.all.1", all(age(20, 29), age(30, 39))},
		"ages that touch":                 {"", all(age(20, 30), age(30, 39))},
		"an age in a nested group":        {"where.all.1.all.0", all(age(20, 29), all(age(30, 39)))},
		"an age in one of several":        {"", all(age(20, 29), Condition{Any: []Condition{age(30, 39), months(1)}})},
		"open bounds":                     {"where.all.1", all(Condition{Age: &Range{Max: number(19)}}, Condition{Age: &Range{Min: number(20)}})},
		"an age that is ruled out":        {"where.all.1.not", all(age(20, 29), not(age(10, 39)))},
		"ruled out in front":              {"where.all.1", all(not(age(10, 39)), age(20, 29))},
		"ruled out in part":               {"", all(age(20, 29), not(age(25, 39)))},
		"opposites alone":                 {"", all(not(Condition{Age: &Range{Max: number(29)}}), not(Condition{Age: &Range{Min: number(30)}}))},
		"a branch":                        {"where.any.0.all.1", Condition{Any: []Condition{all(age(20, 29), age(30, 39)), months(1)}}},
		"a branch that must not be":       {"where.not.all.1", not(all(age(20, 29), age(30, 39)))},
		"none of several":                 {"where.all.1.not.any.1", all(months(3), not(Condition{Any: []Condition{age(1, 2), months(3, 4)}}))},
		"not of a not":                    {"where.all.1.not.not", all(age(20, 29), not(not(age(30, 39))))},
		"the points of one programme":     {"where.all.1", all(points(one, Range{Max: number(99)}), points(one, Range{Min: number(100)}))},
		"the points of two":               {"", all(points(one, Range{Max: number(99)}), points(two, Range{Min: number(100)}))},
		"points that expire of too few":   {"where.all.1", all(points(one, Range{Max: number(99)}), ends(&one, 30, 100))},
		"too few for those that expire":   {"where.all.1", all(ends(&one, 30, 100), points(one, Range{Max: number(99)}))},
		"points that expire of others":    {"", all(ends(&two, 30, 100), ends(nil, 30, 100), points(one, Range{Max: number(99)}))},
		"points that do not expire":       {"", all(not(ends(&one, 30, 100)), points(one, Range{Max: number(99)}))},
		"points that expire, and not":     {"where.all.1.not", all(ends(nil, 7, 100), not(ends(nil, 30, 100)))},
		"points that do not, and expire":  {"where.all.1", all(not(ends(&one, 30, 50)), ends(&one, 30, 100))},
		"points that expire later":        {"", all(ends(nil, 30, 100), not(ends(nil, 7, 100)), not(ends(&one, 60, 100)))},
		"a coupon beside its not":         {"where.all.1.not", all(coupon(HoldsCoupon), not(coupon(HoldsCoupon)))},
		"a coupon that was used before":   {"", all(coupon(HoldsCoupon), coupon(UsedCoupon))},
		"two pets":                        {"", all(pet(1), pet(2))},
		"a pet beside its not":            {"where.all.1.not", all(pet(1), not(pet(1)))},
		"genders":                         {"where.all.1", all(genders(customer.GenderFemale), genders(customer.GenderMale, customer.GenderOther))},
		"genders that share one":          {"", all(genders(customer.GenderFemale, customer.GenderMale), genders(customer.GenderMale))},
		"months":                          {"where.all.1", all(months(1, 2), months(3))},
		"months that three share none of": {"where.all.2", all(months(1, 2), months(2, 3), months(1, 3))},
		"ranks":                           {"where.all.1", all(ranks(one), ranks(two))},
		"home stores":                     {"where.all.1", all(store(Home, one), store(Home, two))},
		"registered stores":               {"where.all.1", all(store(Registered, one), store(Registered, two))},
		"stores of two kinds":             {"", all(store(Registered, one), store(Home, two))},
		"consent":                         {"where.all.1", all(mail(true), mail(false))},
		"consent and its not":             {"where.all.1.not", all(mail(true), not(mail(true)))},
		"consent said twice":              {"", all(mail(true), not(mail(false)))},
		"goods beside their not":          {"where.all.2.not", all(bought(one), months(1), not(bought(one)))},
		"last purchases apart":            {"where.all.1", all(last("2026-01-01", "2026-01-31"), last("2026-02-01", "2026-02-28"))},
		"last purchases that touch":       {"", all(last("2026-01-01", "2026-02-01"), last("2026-02-01", "2026-02-28"))},
		"a last purchase that is no one":  {"where.all.1.not", all(last("2026-01-10", "2026-01-20"), not(last("2026-01-01", "2026-01-31")))},
		"a last purchase, and lately":     {"", all(last("2026-01-01", "2026-01-31"), Condition{LastPurchase: &Period{LastDays: number(30)}})},
		"nothing beside goods":            {"where.all.1", all(nothing, bought(one))},
		"goods beside nothing":            {"where.all.2", all(bought(one), months(1), nothing)},
		"goods beside no visit":           {"where.all.1", all(bought(one), Condition{Purchases: &Purchases{Visits: &Range{Max: number(0)}}})},
		"nothing lately beside goods":     {"", all(lately(nothing, 30), bought(one))},
		"nothing beside goods of lately":  {"where.all.1", all(nothing, lately(bought(one), 30))},
		"nothing lately, and goods later": {"where.all.1", all(lately(nothing, 30), lately(bought(one), 7))},
		"nothing lately, goods before":    {"", all(lately(nothing, 30), lately(bought(one), 60))},
		"nothing at a shop beside goods":  {"", all(Condition{Purchases: &Purchases{StoreIDs: []uuid.UUID{two}, Items: &Range{Max: number(0)}}}, bought(one))},
		"few beside goods":                {"", all(Condition{Purchases: &Purchases{Items: &Range{Max: number(1)}}}, bought(one))},
		"nothing beside not those goods":  {"", all(nothing, not(bought(one)))},
		"one or the other":                {"", Condition{Any: []Condition{nothing, bought(one)}}},
		"goods beside others' not":        {"", all(bought(one), not(bought(two)))},
		"a group beside its not":          {"where.all.1.not", all(Condition{Any: []Condition{bought(one), months(1)}}, not(Condition{Any: []Condition{bought(one), months(1)}}))},
		"all of a group, and not":         {"where.all.1.not", all(all(bought(one), bought(two)), not(all(bought(one), bought(two))))},
	} {
		_, err := check("where", c.of)
		faults := fault.All(err)
		if c.path == "" {
			require.Empty(t, faults, name)
			continue
		}
		require.Len(t, faults, 1, name)
		require.Equal(t, fault.Code("CONDITION_CONTRADICTION"), faults[0].Code, name)
		require.Equal(t, c.path, faults[0].Field, name)
	}
	_, err := check("where", all(age(20, 29), age(30, 39)))
	require.Equal(t, "年齢の条件がほかの条件と矛盾し、該当する会員はいません", fault.All(err)[0].JA)
	require.Equal(t, "Beside the other conditions, what this one says of the age fits no member", fault.All(err)[0].EN)
}

func TestConditionsStandInTheWordsOfTheSchema(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	text, err := Condition{ExpiringPoints: &ExpiringPoints{By: &from, Least: 5}}.Text()
	require.NoError(t, err)
	require.JSONEq(t, `{"expiringPoints":{"by":"2026-01-02","least":5}}`, text)
	text, err = Condition{Coupon: &OfCoupon{[]uuid.UUID{uuid.Max}, UsedCoupon}}.Text()
	require.NoError(t, err)
	require.JSONEq(t, `{"coupon":{"campaignIds":["Q2FtcGFpZ246ZmZmZmZmZmYtZmZmZi1mZmZmLWZmZmYtZmZmZmZmZmZmZmZm"],"state":"USED"}}`, text)
	text, err = Condition{Bought: &Bought{ProductIDs: []uuid.UUID{uuid.Max}, Period: &Period{From: &from}}}.Text()
	require.NoError(t, err)
	require.JSONEq(t, `{"bought":{"productIds":["UHJvZHVjdDpmZmZmZmZmZi1mZmZmLWZmZmYtZmZmZi1mZmZmZmZmZmZmZmY"],"period":{"from":"2026-01-02"}}}`, text)
}
