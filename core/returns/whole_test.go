package returns

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// An order is back when what was not refused at the door is, whatever becomes of its gifts;
// what of the fee went back at the door does not again.
func TestAnOrderIsBackWithWhatWasRefused(t *testing.T) {
	t.Parallel()
	variant := id.New()
	leash := order.Line{ID: id.New(), VariantID: variant, Quantity: 3, UnitMinor: 1980, TotalMinor: 5940, TaxClass: money.TaxStandard, Currency: "JPY"}
	gift := order.Line{ID: id.New(), VariantID: id.New(), Quantity: 1, TaxClass: money.TaxStandard, Breakdown: []pricing.Step{{Rule: pricing.RuleCampaign, Label: i18n.Text{"ja": "プレゼント"}}}}
	parcel := func(status order.ShipmentStatus, pieces int, fee int64) order.Shipment {
		return order.Shipment{Status: status, ShippingMinor: fee, Lines: []order.Packed{{LineID: leash.ID, VariantID: variant, Quantity: pieces}}}
	}
	r := Return{ID: id.New(), Outcome: Refund, Terms: Standard(id.New()).Terms, Lines: []Line{{ID: id.New(), LineID: leash.ID, Reason: Defective, Approved: 2}}}
	c := changing{all: []Return{r}, r: &r}
	c.Order = order.Order{Currency: "JPY", TaxInclusive: true, TotalMinor: 6600, ShippingMinor: 660}
	c.Lines, c.Shipments = []order.Line{leash, gift}, []order.Shipment{parcel(order.ShipmentDelivered, 2, 440), parcel(order.ShipmentRefused, 1, 220)}
	came := func(pieces int) Receipt {
		return Receipt{Lines: []Inspected{{LineID: leash.ID, ReturnLineID: r.Lines[0].ID, Scrapped: pieces}}}
	}
	require.False(t, c.completes(came(1)))
	all := came(2)
	require.True(t, c.completes(all))
	require.NoError(t, c.worth(&all))
	require.Equal(t, []int64{440, 4400}, []int64{all.ShippingMinor, all.RefundMinor})

	c.all[0].Receipts = []Receipt{all}
	require.False(t, c.completes(Receipt{Lines: []Inspected{{LineID: gift.ID, Scrapped: 1}}}), "a gift that comes after all does not bring the fee again")
	c.all[0].Receipts = nil
	c.Shipments[1].Status = order.ShipmentShipped
	require.False(t, c.completes(all), "a piece is with the customer")
}

// Exchanged pieces are with the customer as others, until these are back.
func TestExchangedPiecesAreBackWithWhatReplacedThem(t *testing.T) {
	t.Parallel()
	leash, replacement := order.Line{ID: id.New(), Quantity: 2, UnitMinor: 1000, TotalMinor: 2000, TaxClass: money.TaxStandard, Currency: "JPY"}, id.New()
	r := Return{ID: id.New(), Outcome: Refund, Terms: Standard(id.New()).Terms, Lines: []Line{{ID: id.New(), LineID: leash.ID, Reason: Defective, Approved: 1}}}
	exchanged := Return{ID: id.New(), Outcome: Exchange, Receipts: []Receipt{{ExchangeOrderID: &replacement, Lines: []Inspected{{LineID: leash.ID, Scrapped: 1}}}}}
	c := changing{all: []Return{exchanged, r}, r: &r, fates: map[uuid.UUID]fate{replacement: {}}}
	c.Order = order.Order{Currency: "JPY", TaxInclusive: true, TotalMinor: 2500, ShippingMinor: 500}
	c.Lines, c.Shipments = []order.Line{leash}, []order.Shipment{{Status: order.ShipmentDelivered, Lines: []order.Packed{{LineID: leash.ID, Quantity: 2}}}}
	rest := Receipt{Lines: []Inspected{{LineID: leash.ID, ReturnLineID: r.Lines[0].ID, Scrapped: 1}}}
	require.False(t, c.completes(rest), "one is with the customer")
	c.fates[replacement] = fate{back: true}
	require.True(t, c.completes(rest))
	require.Equal(t, int64(500), c.shippingBack())
	c.fates[replacement] = fate{back: true, keeps: true}
	require.Zero(t, c.shippingBack(), "for its reason the shop keeps the fee")
}
