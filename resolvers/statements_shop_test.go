package resolvers_test

import (
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// shopOperations are those of looking around and buying, beside the ones above.
var shopOperations = map[string]clientOperation{
	"app/Categories":          {2, furnished(nil)},
	"app/Brands":              {1, furnished(nil)},
	"app/Suggestions":         {1, furnished(apptest.Variables{"prefix": "しょう"})},
	"app/Search":              {5, furnished(apptest.Variables{"query": "しょうひん"})},
	"app/SetCartLineQuantity": {6, settingQuantity},
	"app/CancelOrder":         {24, cancelling},
	"app/OrderChanged": {1, func(t *testing.T, w *world) question { // each event
		cart := w.filled(t)
		return question{apptest.Variables{"id": w.place(t, cart, "BANK_TRANSFER")}, cart}
	}},

	"partner/PartnerProduct": {5, func(t *testing.T, w *world) question {
		w.office(t)
		return question{apptest.Variables{"slug": w.broad}, []string{"X-API-Key", w.partner(t)}}
	}},
	"partner/PartnerSearch": {2, func(t *testing.T, w *world) question {
		return question{apptest.Variables{"filter": apptest.Variables{"query": "しょうひん"}}, []string{"X-API-Key", w.partner(t)}}
	}},

	"web/HomePage":     {7, furnished(nil)},
	"web/CategoryPage": {7, furnished(apptest.Variables{"slug": "shelf-0", "categories": []string{"shelf-0"}})},
	"web/SearchPage":   {5, furnished(apptest.Variables{"query": "しょうひん"})},
	"web/ProductPage": {6, func(t *testing.T, w *world) question {
		w.office(t)
		return question{apptest.Variables{"slug": w.broad}, nil}
	}},
	"web/MyPage":   {5, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},
	"web/CartPage": {7, func(t *testing.T, w *world) question { return question{nil, w.filled(t)} }},
	"web/PutInCart": {7, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"variantId": id.Global("Variant", w.spare), "quantity": 1}), w.filled(t)}
	}},
	"web/ChangeCartLine": {6, settingQuantity},
	"web/SayWhereTo": {6, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"billingAddress": newAddress("経理")}), w.filled(t)}
	}},
	"web/PlaceOrder": {21, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "expectedTotal": w.total(), "paymentMethod": "BANK_TRANSFER"}), w.filled(t)}
	}},
	"web/PayOrder": {24, func(t *testing.T, w *world) question {
		cart := w.filled(t)
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, cart, "CARD"), "cardToken": "pm_card_visa"}), cart}
	}},
	"web/OrderPage": {4, func(t *testing.T, w *world) question {
		cart := w.filled(t)
		return question{apptest.Variables{"id": w.place(t, cart, "BANK_TRANSFER")}, cart}
	}},
	"web/CancelOrder": {24, cancelling},
}

// furnished is asked by anybody, in a shop whose shelves are furnished.
func furnished(variables apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		w.office(t)
		return question{variables, nil}
	}
}

func settingQuantity(t *testing.T, w *world) question {
	cart := w.filled(t)
	var got struct {
		Cart struct{ Lines []struct{ ID string } }
	}
	w.Do(t, `{ cart { lines { id } } }`, nil, cart...).Into(t, &got)
	return question{in(apptest.Variables{"lineId": got.Cart.Lines[0].ID, "quantity": 2}), cart}
}

func cancelling(t *testing.T, w *world) question {
	cart := w.filled(t)
	return question{in(apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, cart, "BANK_TRANSFER"), "reason": "間違えたため"}), cart}
}
