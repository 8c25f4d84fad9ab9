package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// displayOperations are those by which staff say who sees what and where, and those
// of the shoppers who wait for what is sold out.
var displayOperations = map[string]clientOperation{
	"admin/DisplayRules": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.ruled(t)
		}
		return nil
	})},
	"admin/DisplayPreview": {7, input(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.ruled(t)
		}
		return apptest.Variables{"productId": w.product}
	})},
	"admin/Merchandising": {8, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.badged(t)
			w.pinned(t)
			w.soldOut(t)
		}
		return apptest.Variables{"categoryId": w.shelves[0]}
	})},
	"admin/SaveDisplayRule":  {6, input(func(_ *testing.T, w *world) apptest.Variables { return w.newRule() })},
	"admin/CloseDisplayRule": {6, ofMade((*world).ruled)},
	"admin/SaveBadge":        {6, input(func(_ *testing.T, w *world) apptest.Variables { return w.newBadge() })},
	"admin/CloseBadge":       {6, ofMade((*world).badged)},
	"admin/PinProduct":       {9, input(func(t *testing.T, w *world) apptest.Variables { return w.newPin(t) })},
	"admin/UnpinProduct":     {6, ofMade((*world).pinned)},
	"admin/SetCategorySort": {14, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"categoryId": w.shelves[0], "sort": "NEWEST"}
	})},
	"admin/SetSoldOutPolicy": {9, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"target": w.ours(), "policy": "LAST"}
	})},
	"admin/SetSaleTerms": {12, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"variantId": id.Global("Variant", w.variants[0]), "kind": "LIMITED", "total": 1000}
	})},

	"app/RestockRequests": {2, func(t *testing.T, w *world) question {
		c := newCustomer(t, w.App, w.email())
		for range w.size {
			w.waits(t, c)
		}
		return question{nil, c.headers()}
	}},
	"app/RequestRestock": {7, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"variantId": w.soldOut(t)}), newCustomer(t, w.App, w.email()).headers()}
	}},
	"app/CloseRestock": {1, func(t *testing.T, w *world) question {
		c := newCustomer(t, w.App, w.email())
		return question{in(apptest.Variables{"id": w.waits(t, c)}), c.headers()}
	}},
}

// ofMade is asked about what is new.
func ofMade(made func(*world, *testing.T) string) func(*testing.T, *world) question {
	return input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": made(w, t)} })
}

// ours names the broad product.
func (w *world) ours() apptest.Variables {
	return apptest.Variables{"kind": "PRODUCT", "id": w.product}
}

func (w *world) newRule() apptest.Variables {
	return apptest.Variables{"name": w.key(), "target": w.ours(), "visible": "ALLOW"}
}

func (w *world) ruled(t *testing.T) string {
	t.Helper()
	return w.made(t, "saveDisplayRule", "rule", w.newRule())
}

func (w *world) newBadge() apptest.Variables {
	return apptest.Variables{"code": w.key(), "kind": "CUSTOM", "label": apptest.Variables{"ja": "店長おすすめ"}, "target": w.ours()}
}

func (w *world) badged(t *testing.T) string {
	t.Helper()
	return w.made(t, "saveBadge", "badge", w.newBadge())
}

func (w *world) newPin(t *testing.T) apptest.Variables {
	t.Helper()
	product, _ := w.draft(t)
	w.pins++
	return apptest.Variables{"categoryId": w.shelves[0], "productId": product, "position": w.pins}
}

func (w *world) pinned(t *testing.T) string {
	t.Helper()
	return w.made(t, "pinProduct", "pin", w.newPin(t))
}

// soldOut is a variant that can be waited for.
func (w *world) soldOut(t *testing.T) string {
	t.Helper()
	p := w.AddProduct(t, w.key(), 1000)
	w.SetStock(t, p.Variants[0], 0)
	exec(t, w.App, `UPDATE product_listings SET in_stock = false WHERE product_id = $1`, p.ID)
	buyer := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.DisplayWrite}}
	require.Empty(t, write(t, w.App, buyer, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { id }`,
		apptest.Variables{"target": target("PRODUCT", "Product", p.ID), "policy": "NOTIFY_ME"}, nil))
	return id.Global("Variant", p.Variants[0])
}

// waits makes the customer wait for such a variant.
func (w *world) waits(t *testing.T, c customer) string {
	t.Helper()
	var got struct {
		RequestRestock struct {
			Request    *struct{ ID string }
			UserErrors []userError
		}
	}
	c.do(t, `mutation($input: RequestRestockInput!) { requestRestock(input: $input) { request { id } userErrors { code field message } } }`,
		in(apptest.Variables{"variantId": w.soldOut(t)})).Into(t, &got)
	require.Empty(t, got.RequestRestock.UserErrors)
	return got.RequestRestock.Request.ID
}
