package seed_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/seed"
)

func TestSampleShopIsWhole(t *testing.T) {
	t.Parallel()
	brands := seed.Brands()
	require.Len(t, brands, 2)
	shops, products := 0, 0
	slugs, skus := map[string]bool{}, map[string]bool{}
	for _, b := range brands {
		shops += len(b.Shops) - 1
		for p := range b.Products(0) {
			products++
			require.False(t, slugs[b.Code+p.Product.Slug], "slug twice: %s", p.Product.Slug)
			slugs[b.Code+p.Product.Slug] = true
			for _, language := range []string{"ja", "en"} {
				require.NotContains(t, p.Product.Name[language]+p.Product.Description[language], "%!", p.Product.Slug)
			}
			require.NotEmpty(t, p.Variants)
			require.Len(t, p.Prices, len(p.Variants))
			for _, v := range p.Variants {
				require.False(t, skus[v.SKU], "SKU twice: %s", v.SKU)
				skus[v.SKU] = true
				require.Len(t, v.Barcode, 13)
				require.Len(t, v.Options, len(p.Product.Options))
			}
		}
		for _, location := range b.Shops {
			require.NoError(t, location.Address.Normalised().Validate(""), location.Code)
		}
	}
	require.Equal(t, 8, shops)
	require.InDelta(t, 300, products, 30)
}

func TestScaleGivesTheNumberAsked(t *testing.T) {
	t.Parallel()
	// Enough for a short hash to meet itself.
	n, variants, slugs, skus := 0, 0, map[string]bool{}, map[string]bool{}
	for p := range seed.Brands()[0].Products(70_000) {
		n++
		slugs[p.Product.Slug] = true
		for _, v := range p.Variants {
			variants++
			skus[v.SKU] = true
		}
	}
	require.Equal(t, 70_000, n)
	require.Len(t, slugs, n)
	require.Len(t, skus, variants)
}

func TestNamesReadWell(t *testing.T) {
	t.Parallel()
	for p := range seed.Brands()[0].Products(3) {
		require.True(t, strings.Contains(p.Product.Name["ja"], "ドッグフード"), p.Product.Name["ja"])
	}
}
