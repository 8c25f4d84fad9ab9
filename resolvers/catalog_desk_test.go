package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

func TestVariantsAreAddedAndChanged(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	staff := as(t, a, pointAdmin)
	made := staff.done(t, "createProduct", "product { id variants { id } }", collar(), "product.id", "product.variants.0.id")
	require.Len(t, made, 2, "%v", made)
	add := apptest.Variables{"productId": made[0], "variant": apptest.Variables{"sku": "COL-L", "options": []string{"L"}, "price": "2400"}}
	require.Equal(t, []string{"OPTIONS_MISMATCH options"}, staff.done(t, "addVariant", "product { id }", add), "no such size")
	add["variant"] = apptest.Variables{"sku": "COL-S", "options": []string{"S"}, "price": "2400"}
	require.Equal(t, []string{"OPTIONS_DUPLICATE options"}, staff.done(t, "addVariant", "product { id }", add), "there is one of this size")
	change := apptest.Variables{"id": made[1], "variant": apptest.Variables{"sku": "COL-SS", "options": []string{"S"}}}
	require.Equal(t, []string{"COL-SS"}, staff.done(t, "updateVariant", "product { variants { sku } }", change, "product.variants.0.sku"))
	require.Equal(t, []string{"FORBIDDEN"}, as(t, a, cashier).done(t, "updateVariant", "product { id }", change))
}
