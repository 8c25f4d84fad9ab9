package resolvers_test

import (
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// shippingOperations are those of how goods are shipped, and for what fee.
var shippingOperations = map[string]clientOperation{
	"web/ShippingOptions": {6, func(t *testing.T, w *world) question { return question{nil, w.tabled(t)} }},
	"app/ShippingOptions": {6, func(t *testing.T, w *world) question { return question{nil, w.tabled(t)} }},

	"admin/ShippingRules":       {3, inOffice(nil)},
	"admin/SaveShippingCarrier": {4, coined("code", carrierInput())},
	"admin/SaveShippingZone":    {4, coined("code", zoneInput())},
	"admin/SetShippingTariff": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return with(w.rates(t), "methodId", id.Global("ShippingMethod", w.parcel))
	})},
	"admin/SetShippingLimits": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"methodId": id.Global("ShippingMethod", w.AddShipping(t, w.key(), 300)), "destinations": []apptest.Variables{{"zoneId": w.zone(t)}}}
	})},
	"admin/ShippingTraits": {1, asked(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"variantIds": w.variantIDs()}
	})},
	"admin/SetShippingTraits": {5, input(func(_ *testing.T, w *world) apptest.Variables {
		var all []apptest.Variables
		for _, v := range w.variantIDs() {
			all = append(all, apptest.Variables{"variantId": v, "length": 10})
		}
		return apptest.Variables{"variants": all}
	})},
}

func (w *world) variantIDs() (all []string) {
	for _, v := range w.variants {
		all = append(all, id.Global("Variant", v))
	}
	return all
}

func (w *world) zone(t *testing.T) string {
	w.office(t)
	return w.made(t, "saveShippingZone", "zone", with(zoneInput(), "code", w.key()))
}

// rates are a fee table of a zone and a row for each size, as many as the world is large.
func (w *world) rates(t *testing.T) apptest.Variables {
	var rows []apptest.Variables
	for i := range w.size {
		rows = append(rows, apptest.Variables{"zoneId": w.zone(t), "maxSize": 10 + i, "fee": "500"})
	}
	return apptest.Variables{"rows": append(rows, apptest.Variables{"fee": "500"})}
}

// tabled is a filled cart whose method has a fee table.
func (w *world) tabled(t *testing.T) []string {
	w.office(t)
	w.made(t, "setShippingTariff", "shippingMethod", with(w.rates(t), "methodId", id.Global("ShippingMethod", w.parcel)))
	return w.filled(t)
}
