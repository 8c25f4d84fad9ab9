package resolvers_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// openSampleShop is the shop of sets with a sachet of 50 yen that is given away.
func openSampleShop(t *testing.T, terms apptest.Variables) (s setShop, sachet uuid.UUID) {
	t.Helper()
	s = openSetShop(t)
	sachet = s.AddProduct(t, "sachet", 50).Variants[0]
	terms["kind"], terms["perCustomer"] = "SAMPLE", 2
	sellAs(t, s.App, sachet, terms)
	return s, sachet
}

func TestSamplesAreFreeAndLimited(t *testing.T) {
	t.Parallel()
	s, sachet := openSampleShop(t, apptest.Variables{})
	refused := (&shopper{App: s.App}).choose(t, sachet, 3)
	require.Equal(t, "SAMPLE_LIMIT", refused.code())
	require.Contains(t, refused.UserErrors[0].Message, "2")

	var page struct {
		Product struct {
			Variants []struct {
				Price     struct{ Unit struct{ Amount string } }
				SaleTerms struct{ Kind string }
			}
		}
	}
	s.Do(t, `{ product(slug: "sachet") { variants { price { unit { amount } } saleTerms { kind } } } }`, nil).Into(t, &page)
	require.Equal(t, "0", page.Product.Variants[0].Price.Unit.Amount)
	require.Equal(t, "SAMPLE", page.Product.Variants[0].SaleTerms.Kind)

	// Eight carts of one customer, placed at once: two sachets leave the shop.
	carts := make([]*shopper, 8)
	for i := range carts {
		carts[i] = &shopper{App: s.App}
		got := carts[i].choose(t, sachet, 2)
		require.Equal(t, "0", got.Cart.Total.Amount)
		require.Equal(t, "SAMPLE", got.Cart.Lines[0].Price.Breakdown[0].Rule)
		require.Empty(t, got.problems(), "nothing must come with it")
		carts[i].choose(t, s.mug, 1)
		carts[i].fillIn(t, s.method)
	}
	codes := map[string]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for i, c := range carts {
		group.Go(func() {
			code := c.place(t, fmt.Sprintf("intent-%d", i), "900").code()
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	group.Wait()
	require.Equal(t, map[string]int{"": 1, "SAMPLE_LIMIT": 7}, codes)
	requireCounted(t, s.App, sachet, 2)
	requireStock(t, s.App, sachet, 100, 2)

	sellAs(t, s.App, sachet, apptest.Variables{})
	require.Equal(t, "50", (&shopper{App: s.App}).choose(t, sachet, 1).Cart.Total.Amount, "sold like any other again")
}

func TestSamplesComeWithOtherGoods(t *testing.T) {
	t.Parallel()
	s, sachet := openSampleShop(t, apptest.Variables{"minAmount": "1000"})
	guest := &shopper{App: s.App}
	require.Equal(t, []string{"SAMPLE_ALONE"}, guest.choose(t, sachet, 1).problems())
	guest.fillIn(t, s.method)
	require.Equal(t, "SAMPLE_ALONE", guest.place(t, "intent-1", "0").code())
	short := guest.choose(t, s.mug, 1)
	require.Equal(t, []string{"SAMPLE_MINIMUM"}, short.problems())
	require.Contains(t, short.Cart.Lines[0].Problem.Message, "1000")
	require.Equal(t, "SAMPLE_MINIMUM", guest.place(t, "intent-2", "900").code())
	require.Empty(t, guest.choose(t, s.tea, 1).problems())

	// Another sample is no goods.
	second := s.AddProduct(t, "second", 70).Variants[0]
	sellAs(t, s.App, second, apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "withProductId": id.Global("Product", s.teaShop)})
	alone := &shopper{App: s.App}
	alone.choose(t, sachet, 1)
	require.Equal(t, []string{"SAMPLE_ALONE", "SAMPLE_ALONE"}, alone.choose(t, second, 1).problems())
	require.Equal(t, []string{"SAMPLE_WITH"}, alone.choose(t, s.mug, 2).problems(), "mugs are no tea")
	require.Empty(t, alone.choose(t, s.tea, 1).problems())

	// Goods of a category, or of one below it.
	drinks, teas := id.New(), id.New()
	exec(t, s.App, `INSERT INTO categories (id, brand_id, slug, name) VALUES ($1, $2, 'drinks', '{"ja":"飲みもの"}')`, drinks, s.BrandID)
	exec(t, s.App, `INSERT INTO categories (id, brand_id, parent_id, slug, name) VALUES ($1, $2, $3, 'teas', '{"ja":"お茶"}')`, teas, s.BrandID, drinks)
	exec(t, s.App, `INSERT INTO product_categories (product_id, category_id, position) VALUES ($1, $2, 0)`, s.teaShop, teas)
	sellAs(t, s.App, second, apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "withCategoryId": id.Global("Category", drinks)})
	fresh := &shopper{App: s.App}
	fresh.choose(t, s.mug, 1)
	require.Equal(t, []string{"SAMPLE_WITH"}, fresh.choose(t, second, 1).problems())
	require.Empty(t, fresh.choose(t, s.tea, 1).problems())
	fresh.fillIn(t, s.method)
	require.Empty(t, fresh.place(t, "intent-3", "1200").UserErrors)
}

func TestSampleTermsThatCannotBe(t *testing.T) {
	t.Parallel()
	s, sachet := openSampleShop(t, apptest.Variables{})
	for name, c := range map[string]struct {
		input       apptest.Variables
		field, code string
	}{
		"no limit":          {apptest.Variables{"kind": "SAMPLE"}, "perCustomer", "SAMPLE_TERMS_INVALID"},
		"amount of another": {apptest.Variables{"kind": "LIMITED", "total": 3, "minAmount": "100"}, "kind", "SAMPLE_TERMS_INVALID"},
		"amount of none":    {apptest.Variables{"minAmount": "100"}, "kind", "SAMPLE_TERMS_INVALID"},
		"nothing at least":  {apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "minAmount": "0"}, "minAmount", "SAMPLE_TERMS_INVALID"},
		"half a yen":        {apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "minAmount": "0.5"}, "minAmount", "AMOUNT_TOO_FINE"},
		"unknown product":   {apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "withProductId": id.Global("Product", id.New())}, "withProductId", "NOT_FOUND"},
		"unknown category":  {apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "withCategoryId": id.Global("Category", id.New())}, "withCategoryId", "NOT_FOUND"},
		"promise":           {apptest.Variables{"kind": "SAMPLE", "perCustomer": 1, "promise": apptest.Variables{"ja": "来月"}}, "promise", "INVALID"},
	} {
		c.input["variantId"] = id.Global("Variant", sachet)
		errors := write(t, s.App, clerk, "setSaleTerms", "SetSaleTermsInput", `terms { kind }`, c.input, nil)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
		require.Equal(t, []string{c.field}, errors[0].Field, name)
	}
}
