package segment

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/fault"
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

func TestConditionsStandInTheWordsOfTheSchema(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	text, err := Condition{Bought: &Bought{ProductIDs: []uuid.UUID{uuid.Max}, Period: &Period{From: &from}}}.Text()
	require.NoError(t, err)
	require.JSONEq(t, `{"bought":{"productIds":["UHJvZHVjdDpmZmZmZmZmZi1mZmZmLWZmZmYtZmZmZi1mZmZmZmZmZmZmZmY"],"period":{"from":"2026-01-02"}}}`, text)
}
