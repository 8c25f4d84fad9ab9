package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func setCustomerPrices(t *testing.T, a *apptest.App, actor access.Actor, customer string, prices ...apptest.Variables) []writeError {
	t.Helper()
	return write(t, a, actor, "setCustomerPrices", "SetCustomerPricesInput", `products { id }`, apptest.Variables{"customerId": customer, "prices": prices}, nil)
}

func TestACustomerHasPricesOfTheirOwn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	variant := globalID("Variant", p.Variants[0])
	w, other := addWholesaler(t, a, "T001"), addWholesaler(t, a, "T002")
	company := globalID("Company", w.company)
	require.Empty(t, setCustomerPrices(t, a, pricer, company, apptest.Variables{"variantId": variant, "amount": "700"},
		apptest.Variables{"variantId": variant, "amount": "650", "minQuantity": 10}))
	require.Equal(t, "700", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, "650", unitFor(t, a, w.buyer, "food", "(quantity: 10)"))
	require.Equal(t, "1000", unitFor(t, a, other.buyer, "food", ""))
	require.Equal(t, "700", unitFor(t, a, chief, "food", `(as: "`+company+`")`), "staff see what the company sees")
	require.Empty(t, setCustomerPrices(t, a, pricer, globalID("Account", w.buyer.ID), apptest.Variables{"variantId": variant, "amount": "690"}))
	require.Equal(t, "690", unitFor(t, a, w.buyer, "food", ""), "the member's own stands before the company's")

	rows := func() []priceRow {
		var got struct{ CustomerPrices struct{ Nodes []priceRow } }
		a.DoAs(t, pricer, `query($c: ID!) { customerPrices(customerId: $c, current: true) { nodes { `+rowFields+` } } }`, apptest.Variables{"c": company}).Into(t, &got)
		return got.CustomerPrices.Nodes
	}
	require.Len(t, rows(), 2)
	var personal int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM price_lists WHERE audience_kind = 'COMPANY'`).Scan(&personal))
	require.Equal(t, 1, personal, "one list, made with the first price")
	require.NotContains(t, string(a.DoAs(t, pricer, `{ priceLists { code } }`, nil).Data), "customer-")

	closing := func(global string) []writeError {
		return write(t, a, pricer, "closeCustomerPrice", "ClosePriceInput", `price { id }`, apptest.Variables{"id": global}, nil)
	}
	standard := rowsOf(t, a, `first: 1`)[0]
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, closing(standard.ID), "no customer's own")
	require.Empty(t, closing(rows()[1].ID))
	require.Len(t, rows(), 1)

	prices := apptest.Variables{"variantId": variant, "amount": "1"}
	for name, customer := range map[string]string{"nobody": globalID("Company", id.New()), "a product": globalID("Product", p.ID), "nonsense": "x"} {
		require.Equal(t, []writeError{{"NOT_FOUND", []string{"customerId"}}}, setCustomerPrices(t, a, pricer, customer, prices), name)
	}
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"prices", "0", "variantId"}}},
		setCustomerPrices(t, a, pricer, company, apptest.Variables{"variantId": globalID("Variant", id.New()), "amount": "1"}))
}

func TestAPriceBelowTheFloorNeedsAPermission(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE variants SET cost = 600 WHERE id = $1`, p.Variants[0])
	require.NoError(t, err)
	require.Empty(t, saveRate(t, a, chief, apptest.Variables{"kind": "FLOOR", "percent": "20"}, nil))
	w := addWholesaler(t, a, "T001")
	company, price := globalID("Company", w.company), apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "719"}
	refused := []writeError{{"PRICE_BELOW_FLOOR", []string{"prices", "0", "amount"}}}
	require.Equal(t, refused, setCustomerPrices(t, a, pricer, company, price))
	require.Contains(t, string(a.DoAs(t, pricer, `mutation($i: SetCustomerPricesInput!) { setCustomerPrices(input: $i) { userErrors { message } } }`,
		apptest.Variables{"i": apptest.Variables{"customerId": company, "prices": []apptest.Variables{price}}}).Data), "720", "it says how low")
	require.Equal(t, refused, setPrice(t, a, "", price), "nor in the channel's own list")
	require.Empty(t, setCustomerPrices(t, a, pricer, company, with(price, "amount", "720")))
	require.Equal(t, "720", unitFor(t, a, w.buyer, "food", ""))
	require.Empty(t, setCustomerPrices(t, a, chief, company, price), "who may, may")
	require.Equal(t, "720", unitFor(t, a, w.buyer, "food", ""), "the price list still may not: the guard raises it")

	below := with(with(wholesale(), "taxInclusive", true), "audience", w.audience())
	require.Equal(t, []writeError{{"PRICE_BELOW_FLOOR", []string{"belowFloor"}}}, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields, with(below, "belowFloor", true), nil))
	require.Empty(t, write(t, a, chief, "savePriceList", "SavePriceListInput", listFields, with(below, "belowFloor", true), nil))
	require.Empty(t, setPrice(t, a, "wholesale", with(price, "amount", "500")))
	require.Equal(t, "500", unitFor(t, a, chief, "food", `(as: "`+globalID("Company", addToGroup(t, a, w))+`")`))
}

// addToGroup is another company in the ratedCompany's group.
func addToGroup(t *testing.T, a *apptest.App, w ratedCompany) uuid.UUID {
	t.Helper()
	other := addWholesaler(t, a, "T009")
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO customer_group_members (group_id, company_id, joined_at) VALUES ($1, $2, now())`, w.group, other.company)
	require.NoError(t, err)
	return other.company
}

func TestAPriceListIsForAnAudienceAndATime(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	w := addWholesaler(t, a, "T001")
	input := with(with(with(wholesale(), "taxInclusive", true), "audience", w.audience()), "precedence", 5)
	var made struct {
		SavePriceList struct {
			PriceList struct {
				ID         string
				Precedence int
				Audience   *struct{ Kind, ID string }
				ValidUntil *time.Time
			}
		}
	}
	const fields = `priceList { id precedence audience { kind id } validFrom validUntil belowFloor }`
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", fields, input, &made))
	require.Equal(t, globalID("CustomerGroup", w.group), made.SavePriceList.PriceList.Audience.ID)
	require.Equal(t, 5, made.SavePriceList.PriceList.Precedence)
	require.Nil(t, made.SavePriceList.PriceList.ValidUntil)
	require.Empty(t, setPrice(t, a, "wholesale", apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "720"}))
	require.Equal(t, "720", unitFor(t, a, w.buyer, "food", ""))
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "food", ""))
	input = with(input, "id", made.SavePriceList.PriceList.ID)
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", fields, with(input, "validUntil", "2026-01-01T00:00:00Z"), nil))
	require.Equal(t, "1000", unitFor(t, a, w.buyer, "food", ""), "its time is over")
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", fields, input, nil))
	require.Equal(t, "720", unitFor(t, a, w.buyer, "food", ""))
	require.Empty(t, write(t, a, pricer, "closePriceList", "ClosePriceListInput", fields, apptest.Variables{"id": made.SavePriceList.PriceList.ID}, nil))
	require.Equal(t, "1000", unitFor(t, a, w.buyer, "food", ""))
	for _, c := range []struct {
		input apptest.Variables
		want  writeError
	}{
		{with(with(input, "validFrom", "2026-12-02T00:00:00Z"), "validUntil", "2026-12-01T00:00:00Z"), writeError{"WINDOW_INVALID", []string{"validUntil"}}},
		{with(input, "audience", apptest.Variables{"kind": "COMPANY", "id": globalID("Company", id.New())}), writeError{"NOT_FOUND", []string{"audience", "id"}}},
	} {
		require.Equal(t, []writeError{c.want}, write(t, a, pricer, "savePriceList", "SavePriceListInput", fields, c.input, nil))
	}
}

// Lists are sorted by copies of prices: a window that opens moves the copy too.
func TestListsFollowWindowsThatOpen(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "food", 1000)
	variant := globalID("Variant", p.Variants[0])
	soon := time.Now().UTC().Add(1500 * time.Millisecond)
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "800", "validFrom": soon, "validUntil": soon.Add(time.Hour)}))
	listed := func() (min int64) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT min_price FROM product_listings WHERE product_id = $1`, p.ID).Scan(&min))
		return min
	}
	require.EqualValues(t, 1000, listed())
	var ahead struct {
		ScheduledPrices struct {
			Nodes []struct {
				At        time.Time
				Change    string
				PriceList string
				Price     priceRow
			}
			TotalCount int
		}
	}
	a.DoAs(t, pricer, `{ scheduledPrices { nodes { at change priceList price { `+rowFields+` } } totalCount } }`, nil).Into(t, &ahead)
	require.Equal(t, 2, ahead.ScheduledPrices.TotalCount)
	require.Equal(t, "OPENS", ahead.ScheduledPrices.Nodes[0].Change)
	require.Equal(t, "CLOSES", ahead.ScheduledPrices.Nodes[1].Change)
	require.Equal(t, "800", ahead.ScheduledPrices.Nodes[0].Price.Amount.Amount)
	require.Equal(t, "standard", ahead.ScheduledPrices.Nodes[0].PriceList)
	var jobs int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'turn_prices' AND state = 'scheduled'`).Scan(&jobs))
	require.Equal(t, 2, jobs, "one for each end of the window")
	a.Work(t)
	require.Eventually(t, func() bool { return listed() == 800 }, 3*time.Minute, 100*time.Millisecond)
	require.Equal(t, "800", unitFor(t, a, access.Guest, "food", ""))
	var events int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'prices.turned'`).Scan(&events))
	require.Positive(t, events, "caches hear of it")
}
