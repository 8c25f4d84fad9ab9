package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

func TestAnOrderOnThePhoneIsPickedUp(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 1})
	staff := as(t, a, phoneDesk)
	terms := func(pieces int) apptest.Variables {
		return apptest.Variables{"name": "福田 ふく", "email": "fuku@example.jp", "shippingMode": "PICK_UP", "shopId": id.Global("Location", umeda), "paymentMethod": "AT_SHOP",
			"lines": []apptest.Variables{wantedLine(leash, pieces, nil)}}
	}
	many := staff.draft(t, "createDraftOrder", apptest.Variables{"terms": terms(2)})
	require.Empty(t, many.UserErrors)
	require.Contains(t, staff.draft(t, "placeDraftOrder", placing(*many.DraftOrder)).fault(), "INSUFFICIENT_STOCK", "the warehouse has more, the shop does not")

	made := staff.draft(t, "createDraftOrder", apptest.Variables{"terms": terms(1)})
	require.Empty(t, made.UserErrors)
	require.Equal(t, "1980", made.DraftOrder.Total.Amount, "nothing is shipped")
	placed := staff.draft(t, "placeDraftOrder", placing(*made.DraftOrder))
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	requireShopStock(t, a, umeda, leash, 1, 1)
	ours := counter{a, clerkOf(umeda)}
	require.Equal(t, "READY", ours.fetch(t, "readyPickUp", apptest.Variables{"orderId": placed.Order.ID}).PickUp.State)
}
