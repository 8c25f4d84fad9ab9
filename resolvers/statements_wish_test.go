package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// wishes is a newcomer with a shared list of that many wishes.
func (w *world) wishes(t *testing.T) (customer, *wishList) {
	t.Helper()
	c := newCustomer(t, w.App, w.email())
	list, errors := c.wish(t, "saveWishList", apptest.Variables{"name": "wishes", "shared": true})
	require.Empty(t, errors)
	for _, v := range w.variants {
		list, errors = c.wish(t, "saveWish", apptest.Variables{"listId": list.ID, "variantId": id.Global("Variant", v), "notify": true})
		require.Empty(t, errors)
	}
	return c, list
}

// asWisher is asked by somebody with such a list.
func asWisher(input func(w *world, list *wishList) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		c, list := w.wishes(t)
		return question{input(w, list), c.headers()}
	}
}

// wishOperations are those by which members keep what they would like to have.
var wishOperations = map[string]clientOperation{
	"app/WishLists": {8, asWisher(func(*world, *wishList) apptest.Variables { return nil })},
	"app/SharedWishList": {8, asWisher(func(_ *world, l *wishList) apptest.Variables {
		return apptest.Variables{"token": *l.ShareToken}
	})},
	"app/SaveWishList": {7, asWisher(func(_ *world, l *wishList) apptest.Variables {
		return in(apptest.Variables{"id": l.ID, "name": "renamed"})
	})},
	"app/RemoveWishList": {7, asWisher(func(_ *world, l *wishList) apptest.Variables { return in(apptest.Variables{"id": l.ID}) })},
	"app/SaveWish": {15, asWisher(func(w *world, l *wishList) apptest.Variables {
		return in(apptest.Variables{"listId": l.ID, "variantId": id.Global("Variant", w.spare), "notify": true})
	})},
	"app/RemoveWish": {10, asWisher(func(_ *world, l *wishList) apptest.Variables { return in(apptest.Variables{"id": l.Wishes[0].ID}) })},
	"app/RecentlyViewed": {5, func(t *testing.T, w *world) question {
		c := newCustomer(t, w.App, w.email())
		exec(t, w.App, `INSERT INTO product_views (member_id, brand_id, product_id, viewed_at)
			SELECT a.id, $2, v.product_id, now() FROM accounts a, variants v WHERE a.id = $1 AND v.id = ANY($3)`, keyOf(t, c.id), w.BrandID, w.variants)
		return question{apptest.Variables{"first": 50}, c.headers()}
	}},
	"app/CompareProducts": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		ids := []string{}
		for range min(w.size, 6) {
			ids = append(ids, id.Global("Product", w.AddProduct(t, w.key(), 100).ID))
		}
		return apptest.Variables{"ids": ids}
	})},
	"app/RecordProductView": {1, asWisher(func(w *world, _ *wishList) apptest.Variables {
		return in(apptest.Variables{"productId": w.product})
	})},
}
