package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/id"
)

// deskOperations are those of orders that staff prepare, that come again, and of what
// waits for staff.
var deskOperations = map[string]clientOperation{
	"admin/DraftOrders": {2, byTill(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.drafted(t)
		}
		return nil
	})},
	"admin/StaffDraftOrder": {10, byTill(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.drafted(t).ID} })},
	"admin/CreateDraftOrder": {18, byTill(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"memberId": w.member.id, "terms": w.phoned()})
	})},
	"admin/UpdateDraftOrder": {17, byTill(func(t *testing.T, w *world) apptest.Variables { return in(changing(w.drafted(t), w.phoned())) })},
	"admin/SendDraftOrder": {13, byTill(func(t *testing.T, w *world) apptest.Variables {
		d := w.drafted(t)
		return in(apptest.Variables{"draftOrderId": d.ID, "revision": d.Revision})
	})},
	"admin/PlaceDraftOrder": {29, byTill(func(t *testing.T, w *world) apptest.Variables { return in(placing(w.drafted(t))) })},
	"admin/CancelDraftOrder": {5, byTill(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"draftOrderId": w.drafted(t).ID})
	})},
	"admin/DuplicateOrder": {18, byTill(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"orderId": w.place(t, w.filled(t), "BANK_TRANSFER")})
	})},
	"app/DraftOrders": {2, byMember(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.mailed(t)
		}
		return nil
	})},
	"app/DraftOrder":        {9, byMember(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.mailed(t).ID} })},
	"app/ConfirmDraftOrder": {29, byMember(func(t *testing.T, w *world) apptest.Variables { return in(placing(w.mailed(t))) })},
	"app/DeclineDraftOrder": {5, byMember(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"draftOrderId": w.mailed(t).ID})
	})},

	"admin/StaffOrderTimeline": {2, byTill(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"orderId": w.place(t, w.filled(t), "BANK_TRANSFER")}
	})},
	"app/OrderTimeline": {2, func(t *testing.T, w *world) question {
		cart := w.filled(t)
		return question{apptest.Variables{"orderId": w.place(t, cart, "BANK_TRANSFER")}, cart}
	}},
	"admin/RemarkOrder": {4, byTill(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"orderId": w.place(t, w.filled(t), "BANK_TRANSFER"), "text": "お電話あり"})
	})},

	"admin/WorkLists": {2, byTill(func(*testing.T, *world) apptest.Variables { return nil })},
	"admin/WorkListsChanged": {2, byTill(func(t *testing.T, w *world) apptest.Variables { // each event
		return apptest.Variables{"id": w.place(t, w.filled(t), "BANK_TRANSFER")}
	})},

	"app/RecurringOrders": {2, byMember(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.recurred(t)
		}
		return nil
	})},
	"app/SavedCards": {1, byMember(func(t *testing.T, w *world) apptest.Variables {
		for range min(w.size, cardfile.Most) {
			w.kept(t)
		}
		return nil
	})},
	"app/SaveCard": {14, byMember(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "cardToken": stripetest.CardVisa})
	})},
	"app/ConfirmSavedCard": {1, byMember(func(t *testing.T, w *world) apptest.Variables { return in(apptest.Variables{"savedCardId": w.kept(t)}) })},
	"app/RemoveSavedCard":  {6, byMember(func(t *testing.T, w *world) apptest.Variables { return in(apptest.Variables{"savedCardId": w.kept(t)}) })},

	"app/RecurringOrder":          {11, byMember(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.recurred(t).ID} })},
	"app/SubscribeRecurringOrder": {19, byMember(func(_ *testing.T, w *world) apptest.Variables { return in(w.monthly()) })},
	"app/ChangeRecurringOrder": {15, byMember(func(t *testing.T, w *world) apptest.Variables {
		o := w.recurred(t)
		return in(apptest.Variables{"recurringOrderId": o.ID, "revision": o.Revision, "terms": apptest.Variables{"lines": w.allGoods()}})
	})},
	"app/SkipRecurringOrder":   {6, byMember(func(t *testing.T, w *world) apptest.Variables { return in(w.again(t)) })},
	"app/PauseRecurringOrder":  {5, byMember(func(t *testing.T, w *world) apptest.Variables { return in(w.again(t)) })},
	"app/CancelRecurringOrder": {5, byMember(func(t *testing.T, w *world) apptest.Variables { return in(w.again(t)) })},
	"app/ResumeRecurringOrder": {5, byMember(func(t *testing.T, w *world) apptest.Variables {
		name := w.again(t)
		require.Empty(t, w.asking(t, w.member.headers()).recur(t, "pauseRecurringOrder", name).UserErrors)
		return in(name)
	})},
	"app/RetryRecurringOrder": {5, byMember(func(t *testing.T, w *world) apptest.Variables { return in(w.stuck(t)) })},
	"admin/StaffRecurringOrders": {4, byTill(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.stuck(t)
		}
		return nil
	})},
	"admin/StaffRetryRecurringOrder": {5, byTill(func(t *testing.T, w *world) apptest.Variables { return in(w.stuck(t)) })},
	"admin/StaffSkipRecurringOrder":  {6, byTill(func(t *testing.T, w *world) apptest.Variables { return in(w.again(t)) })},
}

// byTill is asked by staff who work on orders; byMember by the member.
func byTill(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question { return question{variables(t, w), w.staff} }
}

func byMember(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question { return question{variables(t, w), w.member.headers()} }
}

func (w *world) asking(t *testing.T, headers []string) asking {
	return func(q string, v apptest.Variables) apptest.Answer { return w.Do(t, q, v, headers...) }
}

// allGoods is a line of every product and every set.
func (w *world) allGoods() (lines []apptest.Variables) {
	for _, v := range append(w.variants[:len(w.variants):len(w.variants)], w.sets...) {
		lines = append(lines, wantedLine(v, 1, nil))
	}
	return lines
}

func (w *world) phoned() apptest.Variables { return phoned(w.parcel, "BANK_TRANSFER", w.allGoods()...) }

// drafted is a draft for the member.
func (w *world) drafted(t *testing.T) drafted {
	t.Helper()
	made := w.asking(t, w.staff).draft(t, "createDraftOrder", apptest.Variables{"memberId": w.member.id, "terms": w.phoned()})
	require.Empty(t, made.UserErrors)
	return *made.DraftOrder
}

// mailed is a draft that the member is to confirm.
func (w *world) mailed(t *testing.T) drafted {
	t.Helper()
	d := w.drafted(t)
	sent := w.asking(t, w.staff).draft(t, "sendDraftOrder", apptest.Variables{"draftOrderId": d.ID, "revision": d.Revision})
	require.Empty(t, sent.UserErrors)
	return *sent.DraftOrder
}

func (w *world) monthly() apptest.Variables {
	return apptest.Variables{
		"idempotencyKey": w.key(), "unit": "MONTH", "every": 1, "firstOn": jstDay(30), "shippingMethodId": id.Global("ShippingMethod", w.parcel),
		"paymentMethod": "BANK_TRANSFER", "shippingAddress": newAddress("山田 花子"), "lines": w.allGoods(),
	}
}

func (w *world) recurred(t *testing.T) recurred {
	t.Helper()
	made := w.asking(t, w.member.headers()).recur(t, "subscribeRecurringOrder", w.monthly())
	require.Empty(t, made.UserErrors)
	return *made.RecurringOrder
}

func (w *world) again(t *testing.T) apptest.Variables {
	return apptest.Variables{"recurringOrderId": w.recurred(t).ID}
}

// stuck is one whose next order could not be placed.
func (w *world) stuck(t *testing.T) apptest.Variables {
	t.Helper()
	name := w.again(t)
	exec(t, w.App, `UPDATE recurring_orders SET attempts = 1`)
	return name
}

// kept is a card that the member keeps.
func (w *world) kept(t *testing.T) string {
	t.Helper()
	saved := saveWith(t, func(q string, v apptest.Variables) apptest.Answer { return w.member.do(t, q, v) }, w.key(), stripetest.CardVisa)
	require.Empty(t, saved.UserErrors)
	return saved.SavedCard.ID
}
