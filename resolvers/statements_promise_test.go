package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// promiseOperations are those of when goods are delivered.
var promiseOperations = map[string]clientOperation{
	"web/DeliveryOptions":  {6, func(t *testing.T, w *world) question { return question{nil, w.promised(t)} }},
	"app/DeliveryOptions":  {6, func(t *testing.T, w *world) question { return question{nil, w.promised(t)} }},
	"web/ChooseDelivery":   {8, chosenDelivery},
	"app/ChooseDelivery":   {8, chosenDelivery},
	"web/DeliveryEstimate": {5, estimated},
	"app/DeliveryEstimate": {5, estimated},
	"web/OrderDelivery":    {2, ofPromise},
	"app/OrderDelivery":    {2, ofPromise},

	"admin/BusinessCalendars": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.calendar(t)
		}
		return nil
	})},
	"admin/DeliverySchedules": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		w.office(t)
		w.made(t, "setShippingSchedule", "shippingMethod", with(w.schedule(t), "methodId", id.Global("ShippingMethod", w.AddShipping(t, w.key(), 300))))
		return apptest.Variables{"from": "2026-01-01", "to": "2026-12-31"}
	})},
	"admin/SaveBusinessCalendar": {4, coined("code", apptest.Variables{"name": apptest.Variables{"ja": "暦"}, "holidays": true})},
	"admin/SetLocationDispatch": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"locationId": id.Global("Location", w.WarehouseID), "calendarId": w.calendar(t), "handlingDays": 1}
	})},
	"admin/SetCarrierCalendars": {7, input(func(t *testing.T, w *world) apptest.Variables {
		calendar := w.calendar(t)
		return apptest.Variables{"carrierId": w.made(t, "saveShippingCarrier", "carrier", with(carrierInput(), "code", w.key())), "collectionCalendarId": calendar, "deliveryCalendarId": calendar}
	})},
	"admin/SetShippingSchedule": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return with(w.schedule(t), "methodId", id.Global("ShippingMethod", w.AddShipping(t, w.key(), 300)))
	})},
	"admin/RescheduleOrder": {11, ofOrder(apptest.Variables{"promisedOn": "2099-01-01", "reason": "入荷の遅れ"})},
}

func (w *world) calendar(t *testing.T) string {
	w.office(t)
	return w.made(t, "saveBusinessCalendar", "calendar", apptest.Variables{"code": w.key(), "name": apptest.Variables{"ja": "暦"}, "weekdays": []string{"SUNDAY"}})
}

// schedule is one with a zone and a band for each size, as many as the world is large.
func (w *world) schedule(t *testing.T) apptest.Variables {
	var transit, bands []apptest.Variables
	for i := range w.size {
		transit = append(transit, apptest.Variables{"zoneId": w.zone(t), "days": 3})
		bands = append(bands, apptest.Variables{"code": fmt.Sprint("band-", i), "name": apptest.Variables{"ja": "時間帯"}})
	}
	return apptest.Variables{"methodId": id.Global("ShippingMethod", w.parcel), "days": 1, "daysAhead": 14, "transit": transit, "bands": bands}
}

// promised is a filled cart whose method has a schedule.
func (w *world) promised(t *testing.T) []string {
	w.office(t)
	w.made(t, "setShippingSchedule", "shippingMethod", w.schedule(t))
	return w.filled(t)
}

func chosenDelivery(t *testing.T, w *world) question {
	return question{in(apptest.Variables{"deliveryBand": "band-0"}), w.promised(t)}
}

func estimated(t *testing.T, w *world) question {
	w.office(t)
	w.made(t, "setShippingSchedule", "shippingMethod", w.schedule(t))
	return question{apptest.Variables{"product": w.product, "prefecture": "TOKYO"}, nil}
}

func ofPromise(t *testing.T, w *world) question {
	cart := w.filled(t)
	return question{apptest.Variables{"id": w.place(t, cart, "BANK_TRANSFER")}, cart}
}
