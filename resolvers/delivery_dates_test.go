package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// punctual is a shop whose parcels take two days, by a carrier that rests on the fourth
// day from today; its warehouse ships every day until midnight.
type punctual struct {
	*apptest.App
	method, box   uuid.UUID
	carrier, rest string // global ids
	today         time.Time
}

func newPunctual(t *testing.T) punctual {
	t.Helper()
	p := punctual{App: apptest.Start(t), today: time.Now().In(time.FixedZone("JST", 9*60*60))}
	p.method, p.box = p.AddShipping(t, "parcel", 0), p.AddProduct(t, "box", 1980).Variants[0]
	p.carrier = p.made(t, "saveShippingCarrier", "SaveShippingCarrierInput", "carrier", carrierInput())
	p.rest = p.made(t, "saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar", apptest.Variables{
		"code": "rest", "name": apptest.Variables{"ja": "かもめ急便の配達"}, "closedDays": []apptest.Variables{{"from": p.day(4), "to": p.day(4), "note": "臨時休業"}},
	})
	require.Empty(t, write(t, p.App, forwarder, "setCarrierCalendars", "SetCarrierCalendarsInput", `carrier { deliveryCalendarId }`,
		apptest.Variables{"carrierId": p.carrier, "deliveryCalendarId": p.rest}, nil))
	require.Empty(t, write(t, p.App, forwarder, "saveShippingMethod", "SaveShippingMethodInput", `shippingMethod { id }`, apptest.Variables{
		"id": id.Global("ShippingMethod", p.method), "code": "parcel", "name": apptest.Variables{"ja": "宅配便"}, "fee": "0", "carrierId": p.carrier,
	}, nil))
	p.schedule(t, p.scheduled())
	return p
}

func (p punctual) made(t *testing.T, mutation, inputType, object string, input apptest.Variables) string {
	return dispatch{App: p.App}.made(t, mutation, inputType, object, input)
}

// day is the day so many days from today.
func (p punctual) day(n int) string { return p.today.AddDate(0, 0, n).Format(time.DateOnly) }

func (p punctual) scheduled() apptest.Variables {
	return apptest.Variables{"methodId": id.Global("ShippingMethod", p.method), "days": 2, "daysAhead": 10, "bands": []apptest.Variables{
		{"code": "morning", "name": apptest.Variables{"ja": "午前中", "en": "Morning"}, "to": "12:00"},
		{"code": "14-16", "name": apptest.Variables{"ja": "14時〜16時", "en": "2 to 4 pm"}, "from": "14:00", "to": "16:00"},
	}}
}

func (p punctual) schedule(t *testing.T, input apptest.Variables) {
	t.Helper()
	require.Empty(t, write(t, p.App, forwarder, "setShippingSchedule", "SetShippingScheduleInput", `shippingMethod { schedule { days } }`, input, nil))
}

type band struct{ Code, Name, From, To string }

type wishes struct {
	DeliverOn, ArrivesOn *string
	DeliveryBand         *band
	DeliveryProblem      *userError
	ShippingOptions      []struct {
		ArrivesOn     *string
		DeliveryDays  []string
		DeliveryBands []band
	}
}

const wishFields = `deliverOn arrivesOn deliveryBand { code name from to } deliveryProblem { code message }
	shippingOptions { arrivesOn deliveryDays deliveryBands { code name from to } }`

// wish says what is wished of the delivery.
func (s *shopper) wish(t *testing.T, input apptest.Variables) (wishes, string) {
	t.Helper()
	var got struct {
		UpdateCart struct {
			Cart       *wishes
			UserErrors []userError
		}
	}
	s.Do(t, `mutation($input: UpdateCartInput!) { updateCart(input: $input) { cart { `+wishFields+` } userErrors { code field message } } }`, in(input), "X-Cart-Token", s.token).Into(t, &got)
	if errs := got.UpdateCart.UserErrors; len(errs) > 0 {
		return wishes{}, errs[0].Code + " " + errs[0].Field[0]
	}
	return *got.UpdateCart.Cart, ""
}

func (s *shopper) wished(t *testing.T) wishes {
	t.Helper()
	var got struct{ Cart wishes }
	s.Do(t, `{ cart { `+wishFields+` } }`, nil, "X-Cart-Token", s.token).Into(t, &got)
	return got.Cart
}

func TestABuyerChoosesWhenItArrives(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	s := &shopper{App: p.App}
	s.add(t, p.box, 1)
	_, code := s.wish(t, apptest.Variables{"deliverOn": p.day(5)})
	require.Equal(t, "REQUIRED shippingMethodId", code, "no method is chosen yet")
	s.fillIn(t, p.method)

	for name, c := range map[string]struct {
		input apptest.Variables
		want  string
	}{
		"too early":              {apptest.Variables{"deliverOn": p.day(1)}, "DELIVERY_DATE_TOO_EARLY deliverOn"},
		"the carrier rests":      {apptest.Variables{"deliverOn": p.day(4)}, "DELIVERY_DATE_CLOSED deliverOn"},
		"too late":               {apptest.Variables{"deliverOn": p.day(13)}, "DELIVERY_DATE_TOO_LATE deliverOn"},
		"a band that is not one": {apptest.Variables{"deliveryBand": "20-21"}, "DELIVERY_BAND_UNAVAILABLE deliveryBand"},
		"a wish and none":        {apptest.Variables{"deliverOn": p.day(5), "anyDelivery": true}, "INVALID anyDelivery"},
	} {
		_, code := s.wish(t, c.input)
		require.Equal(t, c.want, code, name)
	}
	got := s.wished(t)
	require.Nil(t, got.DeliverOn, "what cannot be met is not noted")
	require.Equal(t, p.day(2), *got.ArrivesOn)
	require.Equal(t, p.day(2), *got.ShippingOptions[0].ArrivesOn)
	require.Contains(t, got.ShippingOptions[0].DeliveryDays, p.day(3))
	require.NotContains(t, got.ShippingOptions[0].DeliveryDays, p.day(4))
	require.Equal(t, p.day(12), got.ShippingOptions[0].DeliveryDays[9])
	require.Equal(t, band{"14-16", "14時〜16時", "14:00", "16:00"}, got.ShippingOptions[0].DeliveryBands[1])

	got, code = s.wish(t, apptest.Variables{"deliverOn": p.day(5), "deliveryBand": "morning"})
	require.Empty(t, code)
	require.Equal(t, [2]string{p.day(5), p.day(5)}, [2]string{*got.DeliverOn, *got.ArrivesOn})
	require.Equal(t, "午前中", got.DeliveryBand.Name)

	// What staff take away meanwhile is told, and nothing is ordered.
	p.schedule(t, with(p.scheduled(), "daysAhead", 1))
	require.Equal(t, "DELIVERY_DATE_TOO_LATE", s.wished(t).DeliveryProblem.Code)
	refused := s.place(t, "intent-1", "1980")
	require.Equal(t, "DELIVERY_DATE_TOO_LATE", refused.code())
	require.Equal(t, []string{"deliverOn"}, refused.UserErrors[0].Field)
	requireStock(t, p.App, p.box, 100, 0)
	got, code = s.wish(t, apptest.Variables{"anyDelivery": true})
	require.Empty(t, code)
	require.Nil(t, got.DeliverOn)
	require.Nil(t, got.DeliveryProblem)
}

type deliveredOrder struct {
	PromisedOn, ShipBy, DeliverOn *string
	DeliveryBand                  *band
	Shipments                     []struct {
		ShipBy, DeliverOn *string
		DeliveryBand      *band
	}
	History []struct {
		Type, Reason               string
		PromisedBefore, PromisedOn *string
	}
}

const deliveredFields = `promisedOn shipBy deliverOn deliveryBand { code } shipments { shipBy deliverOn deliveryBand { code } } history { type reason promisedBefore promisedOn }`

func (p punctual) order(t *testing.T, order string) deliveredOrder {
	t.Helper()
	var got struct{ Order deliveredOrder }
	p.DoAs(t, cashier, `query($id: ID!) { order(id: $id) { `+deliveredFields+` } }`, apptest.Variables{"id": order}).Into(t, &got)
	return got.Order
}

func (p punctual) reschedule(t *testing.T, order string, input apptest.Variables) []writeError {
	t.Helper()
	return write(t, p.App, cashier, "rescheduleOrder", "RescheduleOrderInput", `order { id }`, with(input, "orderId", order), nil)
}

func TestAnOrderIsPromisedForADayAndForAnother(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	s := &shopper{App: p.App}
	s.add(t, p.box, 1)
	s.fillIn(t, p.method)
	_, code := s.wish(t, apptest.Variables{"deliverOn": p.day(5), "deliveryBand": "14-16"})
	require.Empty(t, code)
	order := s.place(t, "intent-1", "1980").Order.ID
	got := p.order(t, order)
	require.Equal(t, p.day(5), *got.DeliverOn)
	require.Nil(t, got.PromisedOn, "nobody knows when the money comes")
	counter{p.App, cashier}.receive(t, order, "1980")
	got = p.order(t, order)
	require.Equal(t, [2]string{p.day(5), p.day(3)}, [2]string{*got.PromisedOn, *got.ShipBy}, "it leaves as late as it may")

	require.Empty(t, write(t, p.App, cashier, "instructShipments", "InstructShipmentsInput", `order { id }`, apptest.Variables{"idempotencyKey": "instruct-1", "orderId": order}, nil))
	shipment := p.order(t, order).Shipments[0]
	require.Equal(t, [3]string{p.day(3), p.day(5), "14-16"}, [3]string{*shipment.ShipBy, *shipment.DeliverOn, shipment.DeliveryBand.Code}, "who packs is told")

	for name, c := range map[string]struct {
		input apptest.Variables
		want  writeError
	}{
		"no reason":             {apptest.Variables{"reason": " "}, writeError{"REQUIRED", []string{"reason"}}},
		"a day that is over":    {apptest.Variables{"reason": "遅延", "promisedOn": p.day(-1)}, writeError{"DELIVERY_DATE_TOO_EARLY", []string{"promisedOn"}}},
		"a wish too early":      {apptest.Variables{"reason": "遅延", "deliverOn": p.day(1)}, writeError{"DELIVERY_DATE_TOO_EARLY", []string{"deliverOn"}}},
		"a promise and a wish":  {apptest.Variables{"reason": "遅延", "promisedOn": p.day(6), "deliverOn": p.day(6)}, writeError{"INVALID", []string{"promisedOn"}}},
		"a band that is none":   {apptest.Variables{"reason": "遅延", "deliveryBand": "noon"}, writeError{"DELIVERY_BAND_UNAVAILABLE", []string{"deliveryBand"}}},
		"nothing that is other": {apptest.Variables{"reason": "遅延"}, writeError{"DELIVERY_UNCHANGED", []string{}}},
	} {
		require.Equal(t, []writeError{c.want}, p.reschedule(t, order, c.input), name)
	}

	before := mails(t, p.App)
	require.Empty(t, p.reschedule(t, order, apptest.Variables{"reason": "入荷が遅れているため", "promisedOn": p.day(8)}))
	got = p.order(t, order)
	require.Equal(t, [2]string{p.day(8), p.day(8)}, [2]string{*got.PromisedOn, *got.DeliverOn}, "the carrier is told the day that holds")
	require.Equal(t, p.day(8), *got.Shipments[0].DeliverOn, "and so is who packs")
	last := got.History[len(got.History)-1]
	require.Equal(t, [4]string{"order.rescheduled", "入荷が遅れているため", p.day(5), p.day(8)}, [4]string{last.Type, last.Reason, *last.PromisedBefore, *last.PromisedOn})
	require.Equal(t, before+1, mails(t, p.App), "the customer is told")

	require.Empty(t, p.reschedule(t, order, apptest.Variables{"reason": "お客様のご希望", "anyDelivery": true}))
	got = p.order(t, order)
	require.Equal(t, p.day(2), *got.PromisedOn, "worked out anew from where the goods lie")
	require.Nil(t, got.DeliverOn)
	require.Nil(t, got.DeliveryBand)

	require.Empty(t, write(t, p.App, cashier, "cancelOrder", "CancelOrderInput", `order { id }`, apptest.Variables{"orderId": order}, nil))
	require.Equal(t, []writeError{{"ORDER_STATUS_CONFLICT", []string{}}}, p.reschedule(t, order, apptest.Variables{"reason": "遅延"}))
}

// estimate is when a piece of the product can be in the place; empty if no day can be told.
func (p punctual) estimate(t *testing.T, slug, prefecture, code string) string {
	t.Helper()
	var got struct {
		Product struct {
			Variants []struct {
				DeliveryEstimate *struct {
					ShipsOn, ArrivesOn string
					ShippingMethod     struct{ Code string }
				}
			}
		}
	}
	p.Do(t, `query($slug: String!, $prefecture: Prefecture!, $code: String!) { product(slug: $slug) { variants { deliveryEstimate(prefecture: $prefecture, postalCode: $code) { shipsOn arrivesOn shippingMethod { code } } } } }`,
		apptest.Variables{"slug": slug, "prefecture": prefecture, "code": code}).Into(t, &got)
	e := got.Product.Variants[0].DeliveryEstimate
	if e == nil {
		return ""
	}
	return e.ArrivesOn + " " + e.ShippingMethod.Code
}

// An order that waits for its money learns its day when the money is there, and so does its
// customer: from the mail that thanks for it.
func TestTheMailThatThanksForTheMoneyTellsTheDay(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	p.Work(t)
	s := &shopper{App: p.App}
	s.add(t, p.box, 1)
	s.fillIn(t, p.method)
	_, code := s.wish(t, apptest.Variables{"deliveryBand": "14-16"})
	require.Empty(t, code)
	order := s.place(t, "intent-1", "1980").Order.ID
	require.Nil(t, p.order(t, order).PromisedOn)
	counter{p.App, cashier}.receive(t, order, "1980")
	day, err := time.Parse(time.DateOnly, *p.order(t, order).PromisedOn)
	require.NoError(t, err)
	mailed(t, p.App, "お届け予定日："+day.Format("2006年1月2日"))
	var content struct{ PromisedOn, Band, Kind string }
	openMails(t, p.App)
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `
		SELECT left(args->'message'->'content'->>'promisedOn', 10), args->'message'->'content'->>'band', args->'message'->>'kind' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->'content' ? 'promisedOn'`).Scan(&content.PromisedOn, &content.Band, &content.Kind))
	require.Equal(t, []string{day.Format(time.DateOnly), "14時〜16時", "payment_received"}, []string{content.PromisedOn, content.Band, content.Kind})
}

func TestAProductTellsWhenItCanBeThere(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	islands := p.made(t, "saveShippingZone", "SaveShippingZoneInput", "zone", islands())
	p.schedule(t, with(p.scheduled(), "transit", []apptest.Variables{{"zoneId": islands}}))
	bed := p.AddProduct(t, "bed", 9000).Variants[0]
	require.Equal(t, p.day(2)+" parcel", p.estimate(t, "box", "TOKYO", "150-0001"))
	require.Empty(t, p.estimate(t, "box", "TOKYO", "100-0601"), "an island of which nobody knows")

	p.SetStock(t, bed, 0)
	require.Empty(t, p.estimate(t, "bed", "TOKYO", "1500001"), "nothing can be ordered")
	backOrders(t, p.App, nil, 50)
	require.Empty(t, p.estimate(t, "bed", "TOKYO", "1500001"), "nobody knows when it comes")
	(&depot{App: p.App}).announce(t, bed, 5, p.day(6))
	require.Equal(t, p.day(9)+" parcel", p.estimate(t, "bed", "TOKYO", "1500001"), "it leaves the day after it comes in")

	// A cart that waits for it is told the same, and the order keeps it.
	s := buyer(t, p.App, p.method, bed, 2)
	require.Equal(t, p.day(9), *s.wished(t).ArrivesOn)

	p.made(t, "saveShippingMethod", "SaveShippingMethodInput", "shippingMethod", apptest.Variables{"code": "faster", "name": apptest.Variables{"ja": "速達"}, "fee": "900"})
	require.Equal(t, p.day(2)+" parcel", p.estimate(t, "box", "TOKYO", "150-0001"), "a method of which nobody said how long it takes promises nothing")
}

func TestBadCalendarsAndSchedulesAreRefused(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	method, warehouse := id.Global("ShippingMethod", p.method), id.Global("Location", p.WarehouseID)
	calendar := apptest.Variables{"code": "x", "name": apptest.Variables{"ja": "暦"}}
	week := []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"}
	noon := apptest.Variables{"code": "noon", "name": apptest.Variables{"ja": "正午"}}
	for name, c := range map[string]struct {
		mutation, inputType, object string
		input                       apptest.Variables
		want                        writeError
	}{
		"a week without an open day":  {"saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar { id }", with(calendar, "weekdays", week), writeError{"CALENDAR_INVALID", []string{"weekdays"}}},
		"closed days upside down":     {"saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar { id }", with(calendar, "closedDays", []apptest.Variables{{"from": "2026-12-02", "to": "2026-12-01"}}), writeError{"CALENDAR_INVALID", []string{"closedDays", "0"}}},
		"closed for years":            {"saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar { id }", with(calendar, "closedDays", []apptest.Variables{{"from": "2026-12-02", "to": "2028-12-01"}}), writeError{"CALENDAR_INVALID", []string{"closedDays", "0"}}},
		"a calendar's code twice":     {"saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar { id }", with(calendar, "code", "rest"), writeError{"DUPLICATE", []string{"code"}}},
		"closing a calendar in use":   {"saveBusinessCalendar", "SaveBusinessCalendarInput", "calendar { id }", with(with(with(calendar, "id", p.rest), "code", "rest"), "active", false), writeError{"CALENDAR_IN_USE", []string{"active"}}},
		"a cut-off at 25 o'clock":     {"setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }", apptest.Variables{"locationId": warehouse, "cutOff": "25:00"}, writeError{"TIME_INVALID", []string{"cutOff"}}},
		"packing for a year":          {"setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }", apptest.Variables{"locationId": warehouse, "handlingDays": 365}, writeError{"INVALID", []string{"handlingDays"}}},
		"a calendar that is not":      {"setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }", apptest.Variables{"locationId": warehouse, "calendarId": id.Global("BusinessCalendar", id.New())}, writeError{"CALENDAR_UNKNOWN", []string{"calendarId"}}},
		"a location that is not":      {"setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }", apptest.Variables{"locationId": id.Global("Location", id.New())}, writeError{"NOT_FOUND", []string{"locationId"}}},
		"a carrier that is not":       {"setCarrierCalendars", "SetCarrierCalendarsInput", "carrier { id }", apptest.Variables{"carrierId": id.Global("ShippingCarrier", id.New())}, writeError{"NOT_FOUND", []string{"carrierId"}}},
		"a carrier's calendar is not": {"setCarrierCalendars", "SetCarrierCalendarsInput", "carrier { id }", apptest.Variables{"carrierId": p.carrier, "collectionCalendarId": id.Global("BusinessCalendar", id.New())}, writeError{"CALENDAR_UNKNOWN", []string{"collectionCalendarId"}}},
		"a band twice":                {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "bands": []apptest.Variables{noon, noon}}, writeError{"DELIVERY_BAND_INVALID", []string{"bands", "1", "code"}}},
		"a band that ends before":     {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "bands": []apptest.Variables{with(with(noon, "from", "16:00"), "to", "14:00")}}, writeError{"DELIVERY_BAND_INVALID", []string{"bands", "0"}}},
		"a zone's unknown band":       {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "transit": []apptest.Variables{{"zoneId": id.Global("ShippingZone", id.New()), "bands": []string{"night"}}}}, writeError{"DELIVERY_BAND_INVALID", []string{"transit", "0", "bands"}}},
		"a zone that is not":          {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "transit": []apptest.Variables{{"zoneId": id.Global("ShippingZone", id.New()), "days": 2}}}, writeError{"ZONE_UNKNOWN", []string{"transit", "0", "zoneId"}}},
		"a choice without days":       {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "daysAhead": 7}, writeError{"INVALID", []string{"days"}}},
		"a schedule of nothing":       {"setShippingSchedule", "SetShippingScheduleInput", "shippingMethod { id }", apptest.Variables{"methodId": id.Global("ShippingMethod", id.New())}, writeError{"NOT_FOUND", []string{"methodId"}}},
	} {
		require.Equal(t, []writeError{c.want}, write(t, p.App, forwarder, c.mutation, c.inputType, c.object, c.input, nil), name)
	}
	require.Equal(t, p.day(2)+" parcel", p.estimate(t, "box", "TOKYO", "1500001"), "all is as it was")
}

func TestStaffSayWhenALocationShips(t *testing.T) {
	t.Parallel()
	p := newPunctual(t)
	warehouse := id.Global("Location", p.WarehouseID)
	require.Empty(t, write(t, p.App, forwarder, "setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }",
		apptest.Variables{"locationId": warehouse, "calendarId": p.rest, "handlingDays": 1}, nil))
	require.Equal(t, p.day(3)+" parcel", p.estimate(t, "box", "TOKYO", "1500001"), "a day to pack it")
	require.Empty(t, write(t, p.App, forwarder, "setLocationDispatch", "SetLocationDispatchInput", "dispatch { cutOff }",
		apptest.Variables{"locationId": warehouse, "cutOff": "00:00"}, nil))
	require.Equal(t, p.day(3)+" parcel", p.estimate(t, "box", "TOKYO", "1500001"), "today's cut-off is over")

	var got struct {
		LocationDispatch  []struct{ LocationID, CutOff string }
		BusinessCalendars []struct {
			Code       string
			ClosedDays []struct{ From, Note string }
		}
		PublicHolidays []struct{ On, Name string }
	}
	const query = `{ locationDispatch { locationId cutOff } businessCalendars { code closedDays { from note } } publicHolidays(from: "2026-09-20", to: "2026-09-22") { on name } }`
	p.DoAs(t, forwarder, query, nil).Into(t, &got)
	require.Equal(t, []struct{ LocationID, CutOff string }{{warehouse, "00:00"}}, got.LocationDispatch)
	require.Equal(t, p.day(4), got.BusinessCalendars[0].ClosedDays[0].From)
	require.Equal(t, []struct{ On, Name string }{{"2026-09-21", "敬老の日"}, {"2026-09-22", "国民の休日"}}, got.PublicHolidays)

	clerk := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{id.New()}, Permissions: forwarder.Permissions}
	p.DoAs(t, clerk, query, nil).Into(t, &got)
	require.Empty(t, got.LocationDispatch, "staff of a shop see theirs alone")

	for _, event := range []string{"business_calendar.saved", "shipping_carrier.calendars_set", "shipping_method.schedule_set", "location.dispatch_set"} {
		var n int
		require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, event).Scan(&n))
		require.NotZero(t, n, event)
	}
}
