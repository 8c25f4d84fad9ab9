package resolvers_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// chief may also go below the lowest prices.
var chief = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingRead, access.PricingWrite, access.PricingBelow}}

// ratedCompany is a company with a buyer and a group that it is in.
type ratedCompany struct {
	company, group uuid.UUID
	buyer          access.Actor
}

func addWholesaler(t *testing.T, a *apptest.App, code string) ratedCompany {
	t.Helper()
	w := ratedCompany{company: id.New(), group: id.New(), buyer: access.Actor{Role: access.RoleCompanyBuyer, ID: id.New()}}
	for _, sql := range []string{
		`INSERT INTO accounts (id, role, email, name, created_at, updated_at) SELECT $1, 'COMPANY_BUYER', $5 || '@example.jp', '仕入 担当', now(), now() WHERE $2::uuid IS NOT NULL AND $3::uuid IS NOT NULL AND $4::uuid IS NOT NULL`,
		`INSERT INTO companies (id, brand_id, code, name, created_at, updated_at) SELECT $2, $4, $5, '卸問屋', now(), now() WHERE $1::uuid IS NOT NULL AND $3::uuid IS NOT NULL`,
		`INSERT INTO customer_groups (id, brand_id, code, name, created_at) SELECT $3, $4, 'G-' || $5, '{"ja":"卸"}', now() WHERE $1::uuid IS NOT NULL AND $2::uuid IS NOT NULL`,
		`INSERT INTO company_buyers (company_id, account_id, role, created_at) SELECT $2, $1, 'BUYER', now() WHERE $3::uuid IS NOT NULL AND $4::uuid IS NOT NULL AND $5 <> ''`,
		`INSERT INTO customer_group_members (group_id, company_id, joined_at) SELECT $3, $2, now() WHERE $1::uuid IS NOT NULL AND $4::uuid IS NOT NULL AND $5 <> ''`,
	} {
		_, err := a.DB.Pool().Exec(t.Context(), sql, w.buyer.ID, w.company, w.group, a.BrandID, code)
		require.NoError(t, err)
	}
	return w
}

func (w ratedCompany) audience() apptest.Variables {
	return apptest.Variables{"kind": "GROUP", "id": globalID("CustomerGroup", w.group)}
}

type pricedVariant struct {
	Product struct {
		Variants []struct {
			Price *struct {
				Unit      struct{ Amount string }
				Total     struct{ Amount string }
				Breakdown []struct{ Rule string }
			}
			PriceTiers []struct {
				Quantity int
				Unit     struct{ Amount string }
			}
		}
	}
}

// unitFor is what the actor pays for one of so many pieces.
func unitFor(t *testing.T, a *apptest.App, actor access.Actor, slug, arguments string) string {
	t.Helper()
	var got pricedVariant
	a.DoAs(t, actor, `query($s: String!) { product(slug: $s) { variants { price`+arguments+` { unit { amount } total { amount } breakdown { rule } } } } }`, apptest.Variables{"s": slug}).Into(t, &got)
	if got.Product.Variants[0].Price == nil {
		return ""
	}
	return got.Product.Variants[0].Price.Unit.Amount
}

const rateFields = `rate { id kind name names audience { kind id } target { kind id value } percent rounding roundTo belowFloor validFrom validUntil closedAt }`

type savedRate struct {
	SaveRate, CloseRate struct {
		Rate *struct {
			ID, Name, Percent, Rounding string
			RoundTo                     int
			Audience                    struct{ Kind, ID string }
			Target                      struct {
				Kind string
				ID   *string
			}
			ClosedAt *time.Time
		}
	}
}

func saveRate(t *testing.T, a *apptest.App, actor access.Actor, input apptest.Variables, into any) []writeError {
	t.Helper()
	return write(t, a, actor, "saveRate", "SaveRateInput", rateFields, input, into)
}

func TestARateHoldsFromSaveToClose(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	require.Equal(t, "1000", unitFor(t, a, w.buyer, "food", ""))

	var made, changed, closed savedRate
	require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"audience": w.audience(), "percent": "65"}, &made))
	rate := made.SaveRate.Rate
	require.Equal(t, "掛率 65%", rate.Name)
	require.Equal(t, "GROUP", rate.Audience.Kind)
	require.Equal(t, globalID("CustomerGroup", w.group), rate.Audience.ID)
	require.Equal(t, "ALL", rate.Target.Kind)
	require.Nil(t, rate.Target.ID)
	require.Equal(t, "650", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "food", ""))
	require.Equal(t, "715", unitFor(t, a, w.buyer, "food", "(shippingMode: DIRECT)"))

	require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"id": rate.ID, "audience": w.audience(), "percent": "62.55", "rounding": "UP", "roundTo": 10}, &changed))
	require.Equal(t, rate.ID, changed.SaveRate.Rate.ID)
	require.Equal(t, "630", unitFor(t, a, w.buyer, "food", ""))

	require.Empty(t, write(t, a, pricer, "closeRate", "CloseRuleInput", rateFields, apptest.Variables{"id": rate.ID}, &closed))
	require.NotNil(t, closed.CloseRate.Rate.ClosedAt)
	require.Equal(t, "1000", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, saveRate(t, a, pricer, apptest.Variables{"id": rate.ID, "percent": "50"}, nil), "closed for good")

	var data []byte
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT data FROM events WHERE type = 'rate.saved' AND data ->> 'before' IS NOT NULL`).Scan(&data))
	type state struct {
		Percent  string
		Kind     string
		Audience struct{ Kind, ID string }
		Target   struct{ Kind string }
	}
	var change struct{ Before, After state }
	require.NoError(t, json.Unmarshal(data, &change))
	require.Equal(t, "65", change.Before.Percent)
	require.Equal(t, "62.55", change.After.Percent)
	require.Equal(t, "CUSTOMER", change.After.Kind)
	require.Equal(t, w.group.String(), change.After.Audience.ID, "the history says for whom")
	require.Equal(t, "ALL", change.After.Target.Kind)
}

func TestAWrongRateIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	theirs := otherBrand(t, a)
	foreign := id.New()
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO customer_groups (id, brand_id, code, name, created_at) VALUES ($1, $2, 'X', '{}', now())`, foreign, theirs.brand)
	require.NoError(t, err)
	rate := apptest.Variables{"percent": "65"}
	audience := func(kind, global string) apptest.Variables {
		return with(rate, "audience", apptest.Variables{"kind": kind, "id": global})
	}
	for name, c := range map[string]struct {
		input apptest.Variables
		want  writeError
	}{
		"negative":                     {with(rate, "percent", "-1"), writeError{"PERCENT_INVALID", []string{"percent"}}},
		"too fine":                     {with(rate, "percent", "65.00001"), writeError{"PERCENT_INVALID", []string{"percent"}}},
		"above 1000":                   {with(rate, "percent", "1000.1"), writeError{"PERCENT_INVALID", []string{"percent"}}},
		"a unit of 5":                  {with(rate, "roundTo", 5), writeError{"ROUNDING_INVALID", []string{"roundTo"}}},
		"ends before it starts":        {with(with(rate, "validFrom", "2026-12-02T00:00:00Z"), "validUntil", "2026-12-01T00:00:00Z"), writeError{"WINDOW_INVALID", []string{"validUntil"}}},
		"above 100 without permission": {with(rate, "percent", "101"), writeError{"RATE_ABOVE_100", []string{"percent"}}},
		"below floor, no permission":   {with(rate, "belowFloor", true), writeError{"PRICE_BELOW_FLOOR", []string{"belowFloor"}}},
		"the floor, no permission":     {with(rate, "kind", "FLOOR"), writeError{"PRICE_BELOW_FLOOR", []string{"kind"}}},
		"a group of nobody":            {audience("GROUP", globalID("CustomerGroup", id.New())), writeError{"NOT_FOUND", []string{"audience", "id"}}},
		"another brand's group":        {audience("GROUP", globalID("CustomerGroup", foreign)), writeError{"NOT_FOUND", []string{"audience", "id"}}},
		"an unknown company":           {audience("COMPANY", globalID("Company", id.New())), writeError{"NOT_FOUND", []string{"audience", "id"}}},
		"an unknown member":            {audience("MEMBER", globalID("Account", id.New())), writeError{"NOT_FOUND", []string{"audience", "id"}}},
		"a group without id":           {with(rate, "audience", apptest.Variables{"kind": "GROUP"}), writeError{"AUDIENCE_INVALID", []string{"audience"}}},
		"an unknown variant":           {with(rate, "target", apptest.Variables{"kind": "VARIANT", "id": globalID("Variant", id.New())}), writeError{"NOT_FOUND", []string{"target", "id"}}},
		"a product that is a variant":  {with(rate, "target", apptest.Variables{"kind": "PRODUCT", "id": globalID("Product", p.Variants[0])}), writeError{"NOT_FOUND", []string{"target", "id"}}},
		"a tag without value":          {with(rate, "target", apptest.Variables{"kind": "TAG"}), writeError{"TARGET_INVALID", []string{"target"}}},
		"a rate that is not there":     {with(rate, "id", globalID("Rate", id.New())), writeError{"NOT_FOUND", []string{"id"}}},
	} {
		require.Equal(t, []writeError{c.want}, saveRate(t, a, pricer, c.input, nil), name)
	}
	for _, input := range []apptest.Variables{with(rate, "percent", "101"), with(rate, "belowFloor", true), with(rate, "kind", "FLOOR")} {
		require.Empty(t, saveRate(t, a, chief, input, nil))
	}
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, `{ rates { nodes { id } } }`, nil).Code())
	var rates int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM rates`).Scan(&rates))
	require.Equal(t, 3, rates, "what was refused left nothing")
}

func TestRatesComeInPagesAndByFilter(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	for i := range 5 {
		input := apptest.Variables{"percent": fmt.Sprint(60 + i)}
		if i%2 == 0 {
			input["audience"] = w.audience()
		}
		if i == 4 {
			input["target"] = apptest.Variables{"kind": "PRODUCT", "id": globalID("Product", p.ID)}
			input["validFrom"], input["validUntil"] = "2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z"
		}
		require.Empty(t, saveRate(t, a, pricer, input, nil))
	}
	require.Empty(t, saveRate(t, a, pricer, apptest.Variables{"kind": "DIRECT", "percent": "5"}, nil))
	percents := func(arguments string) (all []string) {
		var after *string
		for {
			var got struct {
				Rates struct {
					Nodes    []struct{ Percent string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   *string
					}
					TotalCount int
				}
			}
			answer := a.DoAs(t, pricer, `query($after: String) { rates(first: 2, after: $after`+arguments+`) { nodes { percent } pageInfo { hasNextPage endCursor } totalCount } }`, apptest.Variables{"after": after})
			answer.Into(t, &got)
			require.Equal(t, 2, answer.Statements, "page and count")
			for _, n := range got.Rates.Nodes {
				all = append(all, n.Percent)
			}
			if after = got.Rates.PageInfo.EndCursor; !got.Rates.PageInfo.HasNextPage {
				require.Len(t, all, got.Rates.TotalCount)
				return all
			}
		}
	}
	require.Equal(t, []string{"5", "64", "63", "62", "61", "60"}, percents(``), "newest first")
	require.Equal(t, []string{"64", "63", "62", "61", "60"}, percents(`, kind: CUSTOMER`))
	require.Equal(t, []string{"64", "62", "60"}, percents(`, audience: {kind: GROUP, id: "`+globalID("CustomerGroup", w.group)+`"}`))
	require.Equal(t, []string{"64"}, percents(`, target: {kind: PRODUCT, id: "`+globalID("Product", p.ID)+`"}`))
	require.Equal(t, []string{"63", "62", "61", "60"}, percents(`, kind: CUSTOMER, holdingAt: "2026-11-25T00:00:00Z"`))
	require.Equal(t, []string{"64"}, percents(`, target: {kind: PRODUCT, id: "`+globalID("Product", p.ID)+`"}, holdingAt: "2030-01-01T00:00:00Z"`))
}

const discountFields = `quantityDiscount { id name tiers { from upTo percent amount { amount } price { amount } } mixed }`

func TestQuantityDiscountsAreKept(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "food", 1000)
	tiers := func(tiers ...apptest.Variables) apptest.Variables {
		return apptest.Variables{"tiers": append([]apptest.Variables{}, tiers...)}
	}
	v := func(pairs ...any) apptest.Variables {
		tier := apptest.Variables{}
		for i := 0; i < len(pairs); i += 2 {
			tier[pairs[i].(string)] = pairs[i+1]
		}
		return tier
	}
	save := func(input apptest.Variables, into any) []writeError {
		return write(t, a, pricer, "saveQuantityDiscount", "SaveQuantityDiscountInput", discountFields, input, into)
	}
	for name, c := range map[string]struct {
		input apptest.Variables
		want  writeError
	}{
		"none":             {tiers(), writeError{"TIERS_MISSING", []string{"tiers"}}},
		"the same twice":   {tiers(v("from", 10, "percent", "5"), v("from", 10, "percent", "6")), writeError{"TIERS_OVERLAP", []string{"tiers", "1", "from"}}},
		"overlap":          {tiers(v("from", 1, "upTo", 10, "percent", "5"), v("from", 10, "percent", "6")), writeError{"TIERS_OVERLAP", []string{"tiers", "1", "from"}}},
		"gap":              {tiers(v("from", 1, "upTo", 9, "percent", "5"), v("from", 11, "percent", "6")), writeError{"TIERS_GAP", []string{"tiers", "1", "from"}}},
		"worse":            {tiers(v("from", 1, "percent", "5"), v("from", 11, "percent", "4")), writeError{"TIER_WORSE", []string{"tiers", "1"}}},
		"dearer":           {tiers(v("from", 1, "price", "500"), v("from", 11, "price", "501")), writeError{"TIER_WORSE", []string{"tiers", "1"}}},
		"two kinds":        {tiers(v("from", 1, "price", "500"), v("from", 11, "amount", "10")), writeError{"TIER_INVALID", []string{"tiers", "1"}}},
		"two in one":       {tiers(v("from", 1, "price", "500", "amount", "10")), writeError{"TIER_INVALID", []string{"tiers", "0"}}},
		"a fraction of 円":  {tiers(v("from", 1, "price", "500.5")), writeError{"AMOUNT_TOO_FINE", []string{"tiers", "0", "price"}}},
		"more than all":    {tiers(v("from", 1, "percent", "101")), writeError{"PERCENT_INVALID", []string{"tiers", "0", "percent"}}},
		"negative":         {tiers(v("from", 1, "percent", "-1")), writeError{"PERCENT_INVALID", []string{"tiers", "0", "percent"}}},
		"from nothing":     {tiers(v("from", 0, "percent", "5")), writeError{"QUANTITY_INVALID", []string{"tiers", "0", "from"}}},
		"an unknown group": {with(tiers(v("from", 1, "percent", "5")), "audience", apptest.Variables{"kind": "GROUP", "id": globalID("CustomerGroup", id.New())}), writeError{"NOT_FOUND", []string{"audience", "id"}}},
	} {
		require.Equal(t, []writeError{c.want}, save(c.input, nil), name)
	}
	var made struct {
		SaveQuantityDiscount struct {
			QuantityDiscount struct {
				ID    string
				Tiers []struct {
					From   int
					Amount *struct{ Amount string }
				}
			}
		}
	}
	require.Empty(t, save(tiers(v("from", 10, "amount", "50"), v("from", 20, "amount", "80")), &made))
	require.Equal(t, "80", made.SaveQuantityDiscount.QuantityDiscount.Tiers[1].Amount.Amount)
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "food", "(quantity: 9)"))
	require.Equal(t, "950", unitFor(t, a, access.Guest, "food", "(quantity: 10)"))
	var tiered pricedVariant
	a.Do(t, `{ product(slug: "food") { variants { priceTiers { quantity unit { amount } } } } }`, nil).Into(t, &tiered)
	require.Len(t, tiered.Product.Variants[0].PriceTiers, 3)
	require.Equal(t, "920", tiered.Product.Variants[0].PriceTiers[2].Unit.Amount)
	require.Empty(t, write(t, a, pricer, "closeQuantityDiscount", "CloseRuleInput", `quantityDiscount { closedAt }`, apptest.Variables{"id": made.SaveQuantityDiscount.QuantityDiscount.ID}, nil))
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "food", "(quantity: 10)"))
}
