package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// termOperations are those of the terms on which customers buy: rates, quantity
// discounts and their own prices.
var termOperations = map[string]clientOperation{
	"admin/Rates": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.rated(t)
		}
		return nil
	})},
	"admin/SaveRate":  {7, input(func(t *testing.T, w *world) apptest.Variables { return w.newRate(t) })},
	"admin/CloseRate": {7, ofMade((*world).rated)},
	"admin/QuantityDiscounts": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.discounted(t)
		}
		return nil
	})},
	"admin/SaveQuantityDiscount":  {7, input(func(t *testing.T, w *world) apptest.Variables { return w.newDiscount(t) })},
	"admin/CloseQuantityDiscount": {7, ofMade((*world).discounted)},
	"admin/CustomerPrices": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"customerId": w.ownPrices(t)}
	})},
	"admin/SetCustomerPrices": {23, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"customerId": newCustomer(t, w.App, w.email()).id, "prices": w.newPrices()}
	})},
	"admin/CloseCustomerPrice": {9, input(func(t *testing.T, w *world) apptest.Variables {
		var got struct {
			CustomerPrices struct{ Nodes []struct{ ID string } }
		}
		w.Do(t, `query($c: ID!) { customerPrices(customerId: $c) { nodes { id } } }`, apptest.Variables{"c": w.ownPrices(t)}, w.admin...).Into(t, &got)
		require.Len(t, got.CustomerPrices.Nodes, w.size)
		return apptest.Variables{"id": got.CustomerPrices.Nodes[0].ID}
	})},
	"admin/ScheduledPrices": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		prices := w.newPrices()
		for _, p := range prices {
			p["validFrom"] = "2099-04-01T00:00:00Z"
		}
		w.made(t, "setPrices", "", apptest.Variables{"prices": prices})
		return nil
	})},
	"admin/PriceTrace": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.rated(t)
			w.discounted(t)
		}
		return apptest.Variables{"slug": w.broad, "quantity": 10, "as": w.ownPrices(t)}
	})},
	"app/ProductPrice": {3, func(_ *testing.T, w *world) question {
		return question{apptest.Variables{"slug": w.broad, "quantity": 10}, nil}
	}},
}

// newRate is a customer's of their own.
func (w *world) newRate(t *testing.T) apptest.Variables {
	t.Helper()
	return apptest.Variables{"name": apptest.Variables{"ja": w.key()}, "audience": w.buyer(t), "percent": "80"}
}

func (w *world) rated(t *testing.T) string {
	t.Helper()
	return w.made(t, "saveRate", "rate", w.newRate(t))
}

// newDiscount has as many tiers as the world is large.
func (w *world) newDiscount(t *testing.T) apptest.Variables {
	t.Helper()
	var tiers []apptest.Variables
	for i := range w.size {
		tiers = append(tiers, apptest.Variables{"from": 10 * (i + 1), "percent": i + 1})
	}
	return apptest.Variables{"name": apptest.Variables{"ja": w.key()}, "audience": w.buyer(t), "tiers": tiers}
}

func (w *world) discounted(t *testing.T) string {
	t.Helper()
	return w.made(t, "saveQuantityDiscount", "quantityDiscount", w.newDiscount(t))
}

// buyer names a member who has just registered.
func (w *world) buyer(t *testing.T) apptest.Variables {
	t.Helper()
	return apptest.Variables{"kind": "MEMBER", "id": newCustomer(t, w.App, w.email()).id}
}

func (w *world) newPrices() (prices []apptest.Variables) {
	for _, v := range w.variants {
		prices = append(prices, apptest.Variables{"variantId": id.Global("Variant", v), "amount": "900"})
	}
	return prices
}

// ownPrices is a member who has as many prices of their own.
func (w *world) ownPrices(t *testing.T) (member string) {
	t.Helper()
	member = newCustomer(t, w.App, w.email()).id
	w.made(t, "setCustomerPrices", "", apptest.Variables{"customerId": member, "prices": w.newPrices()})
	return member
}
