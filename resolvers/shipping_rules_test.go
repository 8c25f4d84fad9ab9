package resolvers_test

import (
	"encoding/json"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

func carrierInput() apptest.Variables {
	return apptest.Variables{"code": "kamome", "name": apptest.Variables{"ja": "かもめ急便"}, "trackingUrl": "https://track.example/{number}"}
}

func zoneInput() apptest.Variables {
	return apptest.Variables{"code": "okinawa", "name": apptest.Variables{"ja": "沖縄"}, "prefectures": []string{"OKINAWA"}, "leadDays": 3}
}

func islands() apptest.Variables {
	return apptest.Variables{"code": "islands", "name": apptest.Variables{"ja": "離島"}, "postalCodes": []apptest.Variables{{"from": "1000100", "to": "1006801"}}}
}

// dispatch is a shop with a method whose fee has a table.
type dispatch struct {
	*apptest.App
	method                 uuid.UUID
	okinawa, islands       string
	box, fish, sofa, vodka uuid.UUID // fish is frozen, sofa bulky, vodka not carried and not shipped directly
}

func (d dispatch) made(t *testing.T, mutation, inputType, object string, input apptest.Variables) string {
	t.Helper()
	var got map[string]map[string]struct{ ID string }
	answer := d.DoAs(t, forwarder, `mutation($input: `+inputType+`!) { `+mutation+`(input: $input) { `+object+` { id } } }`, apptest.Variables{"input": input})
	answer.Into(t, &got)
	require.NotEmpty(t, got[mutation][object].ID)
	return got[mutation][object].ID
}

func newDispatch(t *testing.T) dispatch {
	t.Helper()
	d := dispatch{App: apptest.Start(t)}
	d.method = d.AddShipping(t, "parcel", 660)
	d.okinawa = d.made(t, "saveShippingZone", "SaveShippingZoneInput", "zone", zoneInput())
	d.islands = d.made(t, "saveShippingZone", "SaveShippingZoneInput", "zone", islands())
	d.box, d.fish, d.sofa, d.vodka = d.AddProduct(t, "box", 1000).Variants[0], d.AddProduct(t, "fish", 2000).Variants[0], d.AddProduct(t, "sofa", 9000).Variants[0], d.AddProduct(t, "vodka", 3000).Variants[0]
	d.set(t, "setShippingTariff", "SetShippingTariffInput", d.tariff())
	d.set(t, "setShippingLimits", "SetShippingLimitsInput", d.limits())
	require.Empty(t, write(t, d.App, forwarder, "setShippingTraits", "SetShippingTraitsInput", `traits { variantId }`, apptest.Variables{"variants": []apptest.Variables{
		{"variantId": id.Global("Variant", d.box), "length": 30, "width": 20, "height": 10},
		{"variantId": id.Global("Variant", d.fish), "temperature": "FROZEN"},
		{"variantId": id.Global("Variant", d.sofa), "oversize": true},
		{"variantId": id.Global("Variant", d.vodka), "directAllowed": false},
	}}, nil))
	return d
}

func (d dispatch) set(t *testing.T, mutation, inputType string, input apptest.Variables) {
	t.Helper()
	require.Empty(t, write(t, d.App, forwarder, mutation, inputType, `shippingMethod { id }`, input, nil))
}

func (d dispatch) tariff() apptest.Variables {
	return apptest.Variables{
		"methodId": id.Global("ShippingMethod", d.method),
		"rows": []apptest.Variables{
			{"zoneId": d.okinawa, "maxSize": 100, "fee": "1500"},
			{"maxSize": 60, "fee": "700"},
			{"maxSize": 160, "maxPieces": 20, "fee": "1100"},
		},
		"surcharges":   apptest.Variables{"frozen": "330", "oversize": "2000"},
		"freeShipping": []apptest.Variables{{"from": "5000"}, {"zoneId": d.okinawa}},
	}
}

func (d dispatch) limits() apptest.Variables {
	return apptest.Variables{
		"methodId":     id.Global("ShippingMethod", d.method),
		"destinations": []apptest.Variables{{"zoneId": d.islands}},
		"goods":        []apptest.Variables{{"kind": "VARIANT", "id": id.Global("Variant", d.vodka)}},
		"payments":     []apptest.Variables{{"method": "CARD"}},
	}
}

type option struct {
	Method                 struct{ Code string }
	Available              bool
	Fee, MissingForFree    *struct{ Amount string }
	Parts                  []struct{ Kind string }
	Problem                *userError
	ExcludedPaymentMethods []string
}

type shippingAnswer struct {
	ShippingFee     struct{ Amount string }
	Total           struct{ Amount string }
	ShippingMethod  *struct{ ID string }
	ShippingProblem *userError
	ShippingOptions []option
}

const optionFields = `shippingFee { amount } total { amount } shippingMethod { id } shippingProblem { code message }
	shippingOptions { method { code } available fee { amount } missingForFree { amount } parts { kind } problem { code message } excludedPaymentMethods }`

// at sets where the parcel goes, and by which method.
func (s *shopper) at(t *testing.T, prefecture, code string, method *uuid.UUID) (shippingAnswer, []userError) {
	t.Helper()
	input := apptest.Variables{"email": "hanako@example.jp", "shippingAddress": apptest.Variables{
		"name": "山田 花子", "postalCode": code, "prefecture": prefecture, "city": "市", "line1": "1-2-3", "phone": "03-1234-5678",
	}}
	if method != nil {
		input["shippingMethodId"] = id.Global("ShippingMethod", *method)
	}
	var got struct {
		UpdateCart struct {
			Cart       *shippingAnswer
			UserErrors []userError
		}
	}
	s.Do(t, `mutation($input: UpdateCartInput!) { updateCart(input: $input) { cart { `+optionFields+` } userErrors { code field message } } }`,
		apptest.Variables{"input": input}, "X-Cart-Token", s.token).Into(t, &got)
	if got.UpdateCart.Cart == nil {
		return shippingAnswer{}, got.UpdateCart.UserErrors
	}
	return *got.UpdateCart.Cart, got.UpdateCart.UserErrors
}

func (s *shopper) options(t *testing.T) shippingAnswer {
	t.Helper()
	var got struct{ Cart shippingAnswer }
	s.Do(t, `{ cart { `+optionFields+` } }`, nil, "X-Cart-Token", s.token).Into(t, &got)
	return got.Cart
}

func TestACartIsToldHowItCanBeShipped(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	s := &shopper{App: d.App}
	s.add(t, d.box, 1)
	unknown := s.options(t)
	require.Equal(t, "SHIPPING_ADDRESS_NEEDED", unknown.ShippingOptions[0].Problem.Code)
	require.Nil(t, unknown.ShippingProblem, "nothing is chosen")

	got, errs := s.at(t, "TOKYO", "1500001", &d.method)
	require.Empty(t, errs)
	require.Equal(t, [2]string{"700", "1700"}, [2]string{got.ShippingFee.Amount, got.Total.Amount})
	require.Equal(t, "4000", got.ShippingOptions[0].MissingForFree.Amount)
	require.Equal(t, []string{"CARD"}, got.ShippingOptions[0].ExcludedPaymentMethods)

	got, errs = s.at(t, "OKINAWA", "9000001", nil)
	require.Empty(t, errs)
	require.Equal(t, "1500", got.ShippingFee.Amount)
	require.Nil(t, got.ShippingOptions[0].MissingForFree, "Okinawa is never free")

	// An address that is not served keeps the choice, says why, and orders nothing.
	got, errs = s.at(t, "TOKYO", "1000601", nil)
	require.Empty(t, errs)
	require.Equal(t, "SHIPPING_DESTINATION", got.ShippingProblem.Code)
	require.Equal(t, [2]string{"0", "1000"}, [2]string{got.ShippingFee.Amount, got.Total.Amount})
	refused := s.place(t, "to-the-island", "1000")
	require.Equal(t, "SHIPPING_DESTINATION", refused.code())
	require.Equal(t, []string{"shippingMethod"}, refused.UserErrors[0].Field)
	requireStock(t, d.App, d.box, 100, 0)

	// Frozen goods cost more, bulky ones too; from 5,000 yen the fee is free, they are not.
	s.add(t, d.fish, 1)
	got, _ = s.at(t, "TOKYO", "1500001", nil)
	require.Equal(t, "1030", got.ShippingFee.Amount)
	s.add(t, d.sofa, 1)
	require.Equal(t, "2330", s.options(t).ShippingFee.Amount)
	require.Len(t, s.options(t).ShippingOptions[0].Parts, 4)

	// What the method does not carry stands against it.
	s.add(t, d.vodka, 1)
	got = s.options(t)
	require.Equal(t, "SHIPPING_GOODS", got.ShippingProblem.Code)
	require.Contains(t, got.ShippingProblem.Message, "vodka-1")
}

func TestAMethodThatDoesNotTakeTheGoodsIsNotChosen(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	plain := d.AddShipping(t, "plain", 300)
	s := &shopper{App: d.App}
	s.add(t, d.box, 1)
	got, errs := s.at(t, "TOKYO", "1500001", &plain)
	require.Empty(t, errs)
	require.Equal(t, "300", got.ShippingFee.Amount)

	_, errs = s.at(t, "TOKYO", "1000601", &d.method)
	require.Len(t, errs, 1)
	require.Equal(t, "SHIPPING_DESTINATION", errs[0].Code)
	require.Equal(t, []string{"shippingMethodId"}, errs[0].Field)
	kept := s.options(t)
	require.Equal(t, id.Global("ShippingMethod", plain), kept.ShippingMethod.ID, "the choice before stands")
	require.True(t, kept.ShippingOptions[0].Available, "so does the address")

	for range 30 {
		s.add(t, d.box, 1)
	}
	_, errs = s.at(t, "TOKYO", "1500001", &d.method)
	require.Equal(t, "SHIPPING_TOO_LARGE", errs[0].Code)
}

func TestAFeeThatChangedIsAPriceThatChanged(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	s := &shopper{App: d.App}
	s.add(t, d.box, 1)
	_, errs := s.at(t, "TOKYO", "1500001", &d.method)
	require.Empty(t, errs)

	tariff := d.tariff()
	tariff["rows"] = []apptest.Variables{{"fee": "800"}}
	d.set(t, "setShippingTariff", "SetShippingTariffInput", tariff)
	require.Equal(t, "PRICE_CHANGED", s.place(t, "an-intent", "1700").code())

	var card struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation { placeOrder(input: {idempotencyKey: "by-card-1", expectedTotal: "1800", paymentMethod: CARD}) { `+orderFields+` } }`, nil, "X-Cart-Token", s.token).Into(t, &card)
	require.Equal(t, "SHIPPING_PAYMENT", card.PlaceOrder.code())
	require.Equal(t, []string{"paymentMethod"}, card.PlaceOrder.UserErrors[0].Field)

	placed := s.place(t, "another-intent", "1800")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "1800", placed.Order.Total.Amount)
	requireStock(t, d.App, d.box, 100, 1)

	// Nor is it paid that way later, even if the limit has gone since: the order keeps its own.
	d.set(t, "setShippingLimits", "SetShippingLimitsInput", apptest.Variables{"methodId": id.Global("ShippingMethod", d.method)})
	var paid struct {
		PayOrder struct{ UserErrors []userError }
	}
	s.Do(t, `mutation($id: ID!) { payOrder(input: {idempotencyKey: "by-card-2", orderId: $id, paymentMethod: CARD}) { userErrors { code field message } } }`,
		apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", s.token).Into(t, &paid)
	require.Len(t, paid.PayOrder.UserErrors, 1)
	require.Equal(t, "SHIPPING_PAYMENT", paid.PayOrder.UserErrors[0].Code)
}

func TestWrongShippingRulesAreRefused(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	method := id.Global("ShippingMethod", d.method)
	rows := func(all ...apptest.Variables) apptest.Variables {
		return apptest.Variables{"methodId": method, "rows": all}
	}
	for name, c := range map[string]struct {
		mutation, inputType, object string
		input                       apptest.Variables
		want                        writeError
	}{
		"a negative fee":            {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", rows(apptest.Variables{"fee": "-1"}), writeError{"FEE_INVALID", []string{"rows", "0", "fee"}}},
		"a bound of nothing":        {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", rows(apptest.Variables{"fee": "1", "maxGrams": 0}), writeError{"TARIFF_INVALID", []string{"rows", "0"}}},
		"a row behind a wider one":  {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", rows(apptest.Variables{"fee": "1"}, apptest.Variables{"fee": "2", "maxSize": 60}), writeError{"TARIFF_INVALID", []string{"rows", "1"}}},
		"a zone that is not there":  {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", rows(apptest.Variables{"fee": "1", "zoneId": globalID("ShippingZone", id.New())}), writeError{"ZONE_UNKNOWN", []string{"rows", "0", "zoneId"}}},
		"a method that is not":      {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", apptest.Variables{"methodId": globalID("ShippingMethod", id.New())}, writeError{"NOT_FOUND", []string{"methodId"}}},
		"a window that is none":     {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "freeShipping": []apptest.Variables{{"from": "1", "validFrom": "2026-02-01T00:00:00Z", "validUntil": "2026-01-01T00:00:00Z"}}}, writeError{"WINDOW_INVALID", []string{"freeShipping", "0", "validUntil"}}},
		"an audience of nobody":     {"setShippingTariff", "SetShippingTariffInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "freeShipping": []apptest.Variables{{"from": "1", "audience": apptest.Variables{"kind": "GROUP"}}}}, writeError{"AUDIENCE_INVALID", []string{"freeShipping", "0", "audience"}}},
		"a target of nothing":       {"setShippingLimits", "SetShippingLimitsInput", "shippingMethod { id }", apptest.Variables{"methodId": method, "goods": []apptest.Variables{{"kind": "PRODUCT"}}}, writeError{"TARGET_INVALID", []string{"goods", "0"}}},
		"an empty zone":             {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", apptest.Variables{"code": "none", "name": apptest.Variables{"ja": "無"}}, writeError{"ZONE_INVALID", []string{"postalCodes"}}},
		"a range upside down":       {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", with(with(islands(), "code", "x"), "postalCodes", []apptest.Variables{{"from": "2000000", "to": "1000000"}}), writeError{"ZONE_INVALID", []string{"postalCodes"}}},
		"a range of letters":        {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", with(with(islands(), "code", "x"), "postalCodes", []apptest.Variables{{"from": "100-000", "to": "1000000"}}), writeError{"ZONE_INVALID", []string{"postalCodes"}}},
		"a way of a hundred days":   {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", with(with(zoneInput(), "code", "x"), "leadDays", 100), writeError{"INVALID", []string{"leadDays"}}},
		"a zone's code twice":       {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", zoneInput(), writeError{"DUPLICATE", []string{"code"}}},
		"closing a zone in use":     {"saveShippingZone", "SaveShippingZoneInput", "zone { id }", with(with(zoneInput(), "id", d.okinawa), "active", false), writeError{"ZONE_IN_USE", []string{"active"}}},
		"a tracking URL in clear":   {"saveShippingCarrier", "SaveShippingCarrierInput", "carrier { id }", with(carrierInput(), "trackingUrl", "http://track.example/{number}"), writeError{"TRACKING_URL_INVALID", []string{"trackingUrl"}}},
		"a tracking URL for all":    {"saveShippingCarrier", "SaveShippingCarrierInput", "carrier { id }", with(carrierInput(), "trackingUrl", "https://track.example/"), writeError{"TRACKING_URL_INVALID", []string{"trackingUrl"}}},
		"a side of a house":         {"setShippingTraits", "SetShippingTraitsInput", "traits { variantId }", apptest.Variables{"variants": []apptest.Variables{{"variantId": id.Global("Variant", d.box), "length": 501}}}, writeError{"TRAITS_INVALID", []string{"variants", "0"}}},
		"a variant that is not":     {"setShippingTraits", "SetShippingTraitsInput", "traits { variantId }", apptest.Variables{"variants": []apptest.Variables{{"variantId": globalID("Variant", id.New())}}}, writeError{"NOT_FOUND", []string{"variants", "0", "variantId"}}},
		"no variants":               {"setShippingTraits", "SetShippingTraitsInput", "traits { variantId }", apptest.Variables{"variants": []apptest.Variables{}}, writeError{"TOO_MANY", []string{"variants"}}},
		"a carrier that is not one": {"saveShippingMethod", "SaveShippingMethodInput", methodFields, with(cool(), "carrierId", globalID("ShippingCarrier", id.New())), writeError{"CARRIER_UNKNOWN", []string{"carrierId"}}},
	} {
		require.Equal(t, []writeError{c.want}, write(t, d.App, forwarder, c.mutation, c.inputType, c.object, c.input, nil), name)
	}
	s := &shopper{App: d.App}
	s.add(t, d.box, 1)
	got, _ := s.at(t, "TOKYO", "1500001", &d.method)
	require.Equal(t, "700", got.ShippingFee.Amount, "the rules are as they were")
}

func TestStaffSeeTheShippingRulesAndWhatWasDoneToThem(t *testing.T) {
	t.Parallel()
	d := newDispatch(t)
	carrier := d.made(t, "saveShippingCarrier", "SaveShippingCarrierInput", "carrier", carrierInput())
	method := d.made(t, "saveShippingMethod", "SaveShippingMethodInput", "shippingMethod", with(cool(), "carrierId", carrier))
	var got struct {
		ShippingCarriers   []struct{ ID, TrackingURL string }
		ShippingZones      []struct{ Code string }
		AllShippingMethods []struct {
			ID        string
			CarrierID *string
			Tariff    struct {
				Rows []struct {
					ZoneID *string
					Fee    struct{ Amount string }
				}
				FreeShipping []struct{ From *struct{ Amount string } }
			}
			Limits struct {
				Destinations []struct{ ZoneID string }
				Goods        []struct{ ID string }
			}
		}
		ShippingTraits []struct {
			Temperature   string
			DirectAllowed bool
		}
	}
	d.DoAs(t, forwarder, `query($v: [ID!]!) { shippingCarriers { id trackingUrl } shippingZones { code }
		allShippingMethods { id carrierId tariff { rows { zoneId fee { amount } } freeShipping { from { amount } } } limits { destinations { zoneId } goods { id } } }
		shippingTraits(variantIds: $v) { temperature directAllowed } }`, apptest.Variables{"v": []string{id.Global("Variant", d.fish), id.Global("Variant", d.vodka)}}).Into(t, &got)
	require.Equal(t, carrier, got.ShippingCarriers[0].ID)
	require.Len(t, got.ShippingZones, 2)
	tabled := got.AllShippingMethods[0]
	require.Equal(t, d.okinawa, *tabled.Tariff.Rows[0].ZoneID)
	require.Nil(t, tabled.Tariff.Rows[1].ZoneID)
	require.Equal(t, "5000", tabled.Tariff.FreeShipping[0].From.Amount)
	require.Nil(t, tabled.Tariff.FreeShipping[1].From)
	require.Equal(t, d.islands, tabled.Limits.Destinations[0].ZoneID)
	require.Equal(t, id.Global("Variant", d.vodka), tabled.Limits.Goods[0].ID)
	require.Equal(t, carrier, *got.AllShippingMethods[1].CarrierID)
	require.Equal(t, method, got.AllShippingMethods[1].ID)
	require.Equal(t, "FROZEN", got.ShippingTraits[0].Temperature)
	require.False(t, got.ShippingTraits[1].DirectAllowed)

	var data json.RawMessage
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT data FROM events WHERE type = 'shipping_method.tariff_set' AND subject_id = $1`, d.method).Scan(&data))
	var change struct {
		Before, After struct {
			Tariff struct{ Rows []struct{ Fee int64 } }
		}
	}
	require.NoError(t, json.Unmarshal(data, &change))
	require.Empty(t, change.Before.Tariff.Rows)
	require.Len(t, change.After.Tariff.Rows, 3)
	for _, question := range []string{`{ shippingCarriers { id } }`, `{ shippingZones { id } }`, `{ shippingTraits(variantIds: []) { length } }`, `{ shippingMethods { tariff { rows { maxSize } } } }`} {
		require.Equal(t, "FORBIDDEN", d.DoAs(t, keeper, question, nil).Code(), question)
	}
}
