package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// The charge of cash on delivery stays taxed as it was sold, whatever the brand's terms become.
func TestAnEditTaxesTheChargeAsItWasSold(t *testing.T) {
	t.Parallel()
	s := newDoor(t)
	require.Empty(t, s.terms(t, apptest.Variables{"taxClass": "REDUCED"}))
	guest, _ := s.cart(t, 1, "CASH_ON_DELIVERY")
	placed := s.place(t, guest, "2970", "CASH_ON_DELIVERY")
	require.Empty(t, placed.UserErrors)
	require.Empty(t, s.terms(t, apptest.Variables{"taxClass": "STANDARD"}))
	staff := counter{s.App, editor}
	line := lineOf(t, s.App, placed.Order.ID)
	got := staff.edit(t, placed.Order.ID, lines(line, 2))
	require.Empty(t, got.UserErrors)
	require.Equal(t, "4950", got.Order.Total.Amount)
	taxes := map[int]string{}
	for _, tax := range got.Order.Taxes {
		taxes[tax.Percent] = tax.Tax.Amount
	}
	require.Equal(t, map[int]string{10: "420", 8: "24"}, taxes, "of 4,620 yen, and of the charge of 330")

	// Shipped, the books have the charge without its own tax.
	packed := counter{s.App, dispatcher}.instruct(t, placed.Order.ID, nil)
	require.Empty(t, packed.UserErrors)
	require.Empty(t, counter{s.App, dispatcher}.move(t, "shipShipment", apptest.Variables{"shipmentId": packed.Shipments[0].ID, "carrier": "見本運輸", "trackingNumber": "9900-0001"}).UserErrors)
	require.Equal(t, map[string]int64{"RECEIVABLEcarrier": 4950, "SALES": -3600, "SHIPPING": -600, "CHARGES": -306, "TAXSTANDARD": -420, "TAXREDUCED": -24}, s.books(t, placed.Order.ID))
}
