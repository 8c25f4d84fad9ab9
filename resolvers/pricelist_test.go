package resolvers_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var pricer = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingWrite}}

const listFields = `priceList { id code name currency taxInclusive channels closedAt }`

type savedList struct {
	SavePriceList, ClosePriceList struct {
		PriceList *struct {
			ID, Code, Name, Currency string
			TaxInclusive             bool
			Channels                 []string
			ClosedAt                 *string
		}
	}
}

func wholesale() apptest.Variables {
	return apptest.Variables{"code": "wholesale", "name": apptest.Variables{"ja": "卸価格", "en": "Wholesale"}, "currency": "JPY", "taxInclusive": false}
}

type priceRow struct {
	ID, SKU, VariantID    string
	MinQuantity           int
	Amount                struct{ Amount, Currency string }
	CompareAt             *struct{ Amount string }
	ValidFrom, ValidUntil *time.Time
}

const rowFields = `id sku variantId minQuantity amount { amount currency } compareAt { amount } validFrom validUntil`

// rowsOf are the prices of a list, as staff see them.
func rowsOf(t *testing.T, a *apptest.App, arguments string) []priceRow {
	t.Helper()
	var got struct{ PriceRows struct{ Nodes []priceRow } }
	a.DoAs(t, pricer, `{ priceRows(`+arguments+`) { nodes { `+rowFields+` } } }`, nil).Into(t, &got)
	return got.PriceRows.Nodes
}

func setPrice(t *testing.T, a *apptest.App, list string, price apptest.Variables) []writeError {
	t.Helper()
	return write(t, a, pricer, "setPrices", "SetPricesInput", `products { id }`, apptest.Variables{"priceList": list, "prices": []apptest.Variables{price}}, nil)
}

// pays is what a shopper pays for one piece.
func pays(t *testing.T, a *apptest.App, slug string) (unit, listed string) {
	t.Helper()
	var got struct {
		Product struct {
			PriceRange *struct{ Min struct{ Amount string } }
			Variants   []struct {
				Price *struct{ Unit struct{ Amount string } }
			}
		}
	}
	a.Do(t, `query($s: String!) { product(slug: $s) { priceRange { min { amount } } variants { price { unit { amount } } } } }`, apptest.Variables{"s": slug}).Into(t, &got)
	if got.Product.Variants[0].Price == nil {
		return "", ""
	}
	return got.Product.Variants[0].Price.Unit.Amount, got.Product.PriceRange.Min.Amount
}

func TestStaffKeepPriceLists(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "leash", 1980)

	var made, changed, closed savedList
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields, wholesale(), &made))
	list := made.SavePriceList.PriceList
	require.Equal(t, "卸価格", list.Name)
	require.False(t, list.TaxInclusive)
	require.Empty(t, list.Channels)
	renamed := with(with(wholesale(), "id", list.ID), "name", apptest.Variables{"ja": "卸売"})
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields, renamed, &changed))
	require.Equal(t, "卸売", changed.SavePriceList.PriceList.Name)

	answer := a.DoAs(t, pricer, `{ priceLists { code channels closedAt } }`, nil)
	var all struct {
		PriceLists []struct {
			Code     string
			Channels []string
			ClosedAt *string
		}
	}
	answer.Into(t, &all)
	require.Equal(t, 1, answer.Statements, "the channels come with the lists")
	require.Equal(t, "standard", all.PriceLists[0].Code)
	require.Equal(t, []string{"web"}, all.PriceLists[0].Channels)

	require.Empty(t, setPrice(t, a, "wholesale", apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "1200", "minQuantity": 10}))
	require.Len(t, rowsOf(t, a, `priceList: "wholesale"`), 1)
	require.Len(t, rowsOf(t, a, ``+`first: 5`), 1, "the channel's list")

	// Closed, it takes no prices; those it has stay to be read. Saved, it opens again.
	require.Empty(t, write(t, a, pricer, "closePriceList", "ClosePriceListInput", listFields, apptest.Variables{"id": list.ID}, &closed))
	require.NotNil(t, closed.ClosePriceList.PriceList.ClosedAt)
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"priceList"}}},
		setPrice(t, a, "wholesale", apptest.Variables{"variantId": globalID("Variant", p.Variants[0]), "amount": "1"}))
	require.Len(t, rowsOf(t, a, `priceList: "wholesale"`), 1)
	var reopened savedList
	require.Empty(t, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields, renamed, &reopened))
	require.Nil(t, reopened.SavePriceList.PriceList.ClosedAt)

	// A closed customer's list does not open beside the one that took its place.
	customer, second := id.New(), id.New()
	for _, l := range []struct {
		key    uuid.UUID
		code   string
		closed bool
	}{{customer, "special-old", true}, {second, "special-new", false}} {
		_, err := a.DB.Pool().Exec(t.Context(), `
			INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive, audience_kind, audience_id, closed_at)
			VALUES ($1, $2, $3, '{"ja":"特価"}', 'JPY', false, 'COMPANY', $4, CASE WHEN $5 THEN now() END)`, l.key, a.BrandID, l.code, uuid.Max, l.closed)
		require.NoError(t, err)
	}
	require.Equal(t, []writeError{{"CONFLICT", []string{"id"}}}, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields,
		with(with(wholesale(), "id", globalID("PriceList", customer)), "code", "special-old"), nil))

	// Every change moves the number by which processes know that their rules are old.
	var version int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT version FROM rulebooks WHERE brand_id = $1`, a.BrandID).Scan(&version))
	require.Equal(t, 5, version, "made, renamed, closed, opened again: from 1")

	var data []byte
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT data FROM events WHERE type = 'price_list.closed'`).Scan(&data))
	var change struct {
		Before, After struct{ ClosedAt *time.Time }
	}
	require.NoError(t, json.Unmarshal(data, &change))
	require.Nil(t, change.Before.ClosedAt)
	require.NotNil(t, change.After.ClosedAt)
}

func TestAWrongPriceListIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	theirs := otherBrand(t, a)
	standard := globalID("PriceList", a.PriceListID)
	for name, c := range map[string]struct {
		input apptest.Variables
		want  writeError
	}{
		"a code that is taken":     {with(wholesale(), "code", "standard"), writeError{"DUPLICATE", []string{"code"}}},
		"a code with a space":      {with(wholesale(), "code", "my list"), writeError{"INVALID", []string{"code"}}},
		"no Japanese name":         {with(wholesale(), "name", apptest.Variables{"en": "Wholesale"}), writeError{"REQUIRED", []string{"name"}}},
		"a currency in small":      {with(wholesale(), "currency", "jpy"), writeError{"INVALID", []string{"currency"}}},
		"another currency":         {with(with(wholesale(), "id", standard), "currency", "USD"), writeError{"PRICE_LIST_FIXED", []string{"currency"}}},
		"the tax turned over":      {with(wholesale(), "id", standard), writeError{"PRICE_LIST_FIXED", []string{"taxInclusive"}}},
		"a list of another brand":  {with(wholesale(), "id", globalID("PriceList", theirs.list)), writeError{"NOT_FOUND", []string{"id"}}},
		"a list that is not there": {with(wholesale(), "id", globalID("PriceList", id.New())), writeError{"NOT_FOUND", []string{"id"}}},
	} {
		require.Equal(t, []writeError{c.want}, write(t, a, pricer, "savePriceList", "SavePriceListInput", listFields, c.input, nil), name)
	}
	closing := func(listID uuid.UUID) []writeError {
		return write(t, a, pricer, "closePriceList", "ClosePriceListInput", listFields, apptest.Variables{"id": globalID("PriceList", listID)}, nil)
	}
	require.Equal(t, []writeError{{"PRICE_LIST_IN_USE", []string{"id"}}}, closing(a.PriceListID), "the channel sells by it")
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, closing(theirs.list))
	require.Equal(t, "NOT_FOUND", a.DoAs(t, pricer, `{ priceRows(priceList: "neko-standard") { nodes { id } } }`, nil).Code(), "another brand's")
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, `{ priceLists { code } }`, nil).Code())
	var lists int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM price_lists`).Scan(&lists))
	require.Equal(t, 2, lists)
}

// Of prices whose windows overlap, the one that began last is asked, whatever the
// others cost; when it ends, the one below comes back.
func TestASpecialPriceCoversTheStandingOneUntilItIsClosed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "leash", 1980)
	variant := globalID("Variant", p.Variants[0])
	yesterday, week := time.Now().UTC().Add(-24*time.Hour).Truncate(time.Second), time.Now().UTC().Add(7*24*time.Hour).Truncate(time.Second)
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "1480", "compareAt": "1980", "validFrom": yesterday, "validUntil": week}))
	require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": variant, "amount": "2480", "validFrom": week, "validUntil": week.Add(time.Hour)}))
	unit, listed := pays(t, a, "leash")
	require.Equal(t, [2]string{"1480", "1480"}, [2]string{unit, listed})

	rows := rowsOf(t, a, `variantId: "`+variant+`", current: true`)
	require.Len(t, rows, 3)
	byAmount := map[string]priceRow{}
	for _, r := range rows {
		byAmount[r.Amount.Amount] = r
		require.Equal(t, variant, r.VariantID)
	}
	require.Nil(t, byAmount["1980"].ValidFrom)
	require.Nil(t, byAmount["1980"].ValidUntil)
	special := byAmount["1480"]
	require.Equal(t, "1980", special.CompareAt.Amount)
	require.True(t, yesterday.Equal(*special.ValidFrom))
	require.True(t, week.Equal(*special.ValidUntil))

	type closedPrice struct {
		ClosePrice struct{ Price *priceRow }
	}
	closing := func(input apptest.Variables, into any) []writeError {
		return write(t, a, pricer, "closePrice", "ClosePriceInput", `price { `+rowFields+` }`, input, into)
	}
	var ended, withdrawn closedPrice
	require.Empty(t, closing(apptest.Variables{"id": special.ID}, &ended))
	require.WithinDuration(t, time.Now(), *ended.ClosePrice.Price.ValidUntil, time.Minute)
	unit, listed = pays(t, a, "leash")
	require.Equal(t, [2]string{"1980", "1980"}, [2]string{unit, listed}, "the standing price is back, in lists too")
	require.Len(t, rowsOf(t, a, `current: true`), 2)
	require.Len(t, rowsOf(t, a, `current: false`), 3, "what was stays to be read")

	require.Empty(t, closing(apptest.Variables{"id": byAmount["2480"].ID}, &withdrawn))
	require.Equal(t, withdrawn.ClosePrice.Price.ValidFrom, withdrawn.ClosePrice.Price.ValidUntil)
	require.Len(t, rowsOf(t, a, `current: false`), 2, "what never began is withdrawn")
	var events int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'price.closed' AND data -> 'before' IS NOT NULL`).Scan(&events))
	require.Equal(t, 2, events)

	require.Equal(t, []writeError{{"WINDOW_INVALID", []string{"at"}}}, closing(apptest.Variables{"id": byAmount["1980"].ID, "at": yesterday}, nil))
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, closing(apptest.Variables{"id": globalID("PriceRow", id.New())}, nil))
	theirs := otherBrand(t, a)
	foreign := id.New()
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO prices (id, price_list_id, variant_id, amount) VALUES ($1, $2, $3, 5)`, foreign, theirs.list, p.Variants[0])
	require.NoError(t, err)
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}}, closing(apptest.Variables{"id": globalID("PriceRow", foreign)}, nil))

	// The standing one ends at a moment to come: until then it holds.
	require.Empty(t, closing(apptest.Variables{"id": byAmount["1980"].ID, "at": week}, nil))
	unit, _ = pays(t, a, "leash")
	require.Equal(t, "1980", unit)
}

func TestPricesOfAListComeInPages(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "leash", 100, 200, 300)
	for _, v := range p.Variants {
		require.Empty(t, setPrice(t, a, "", apptest.Variables{"variantId": globalID("Variant", v), "amount": "50", "minQuantity": 10}))
	}
	const query = `query($first: Int, $after: String) { priceRows(first: $first, after: $after) { nodes { sku minQuantity } pageInfo { hasNextPage endCursor } totalCount } }`
	var seen []string
	var after *string
	for {
		var got struct {
			PriceRows struct {
				Nodes []struct {
					SKU         string
					MinQuantity int
				}
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
				TotalCount int
			}
		}
		a.DoAs(t, pricer, query, apptest.Variables{"first": 2, "after": after}).Into(t, &got)
		require.Equal(t, 6, got.PriceRows.TotalCount)
		for _, row := range got.PriceRows.Nodes {
			seen = append(seen, row.SKU+" "+strconv.Itoa(row.MinQuantity))
		}
		if after = got.PriceRows.PageInfo.EndCursor; !got.PriceRows.PageInfo.HasNextPage {
			break
		}
	}
	require.Equal(t, []string{"leash-1 1", "leash-1 10", "leash-2 1", "leash-2 10", "leash-3 1", "leash-3 10"}, seen)
	one := a.DoAs(t, pricer, query, apptest.Variables{"first": 1}).Statements
	require.Equal(t, one, a.DoAs(t, pricer, query, apptest.Variables{"first": 6}).Statements)
	require.Equal(t, 3, one, "lists, page, count")
	require.NotEmpty(t, a.DoAs(t, pricer, query, apptest.Variables{"first": 101}).Code())
	require.NotEmpty(t, a.DoAs(t, pricer, query, apptest.Variables{"after": "nonsense"}).Code())
}
