package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// inClear is the address of a test's customer as an older version kept it; tests that
// change a part of an address write it anew.
const inClear = `{"name":"山田 花子","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-2-3","phone":"0312345678"}`

func TestOrdersAreKeptSealedAndRead(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	_, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM orders o WHERE o::text LIKE '%hanako@example.jp%' OR o::text LIKE '%山田%' OR o::text LIKE '%0312345678%'`))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM orders WHERE email LIKE 's1.%' AND shipping_address->>'prefecture' = 'TOKYO'`))
	list := func(email string) (found []struct {
		ID, Email       string
		ShippingAddress struct{ Name, Phone string }
	},
	) {
		var got struct {
			Orders struct {
				Nodes []struct {
					ID, Email       string
					ShippingAddress struct{ Name, Phone string }
				}
			}
		}
		a.DoAs(t, cashier, `query($e: String) { orders(filter: {email: $e}) { nodes { id email shippingAddress { name phone } } } }`, apptest.Variables{"e": email}).Into(t, &got)
		return got.Orders.Nodes
	}
	found := list("Hanako@Example.jp")
	require.Len(t, found, 1, "by exact match of the normal form")
	require.Equal(t, []string{placed.Order.ID, "hanako@example.jp", "山田 花子"}, []string{found[0].ID, found[0].Email, found[0].ShippingAddress.Name})
	require.Empty(t, list("anako@example.jp"))
}
