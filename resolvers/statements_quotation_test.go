package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// quotationOperations are those of quotations: as many lines as the world is large.
var quotationOperations = map[string]clientOperation{
	"app/Quotations": {5, byBoss(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.answered(t)
		}
		return nil
	})},
	"app/QuotationDetail":   {6, byBoss(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.answered(t).ID} })},
	"app/RequestQuotation":  {15, byBoss(func(_ *testing.T, w *world) apptest.Variables { return in(w.wanted()) })},
	"app/ReplyToQuotation":  {8, byBoss(func(t *testing.T, w *world) apptest.Variables { return in(word(w.answered(t))) })},
	"app/DeclineQuotation":  {8, byBoss(func(t *testing.T, w *world) apptest.Variables { return in(word(w.answered(t))) })},
	"app/WithdrawQuotation": {8, byBoss(func(t *testing.T, w *world) apptest.Variables { return in(word(w.requested(t))) })},
	"app/AcceptQuotation": {25, byBoss(func(t *testing.T, w *world) apptest.Variables {
		return in(acceptance(w.answered(t), w.parcel, "BANK_TRANSFER"))
	})},

	"admin/StaffQuotations": {4, inTrade(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.answered(t)
		}
		return nil
	})},
	"admin/StaffQuotation":    {6, inTrade(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.answered(t).ID} })},
	"admin/AnswerQuotation":   {10, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(w.prices(w.requested(t))) })},
	"admin/ReplyToQuotation":  {6, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(word(w.answered(t))) })},
	"admin/DeclineQuotation":  {6, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(word(w.requested(t))) })},
	"admin/WithdrawQuotation": {6, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(word(w.answered(t))) })},
	"admin/NoteQuotation": {5, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"quotationId": w.requested(t).ID, "note": "大口"})
	})},
}

func word(q quoted) apptest.Variables {
	return apptest.Variables{"quotationId": q.ID, "message": "よろしくお願いします"}
}

// wanted is a line of every product.
func (w *world) wanted() apptest.Variables {
	var lines []apptest.Variables
	for _, v := range w.variants {
		lines = append(lines, apptest.Variables{"variantId": id.Global("Variant", v), "quantity": 1})
	}
	return apptest.Variables{"idempotencyKey": w.key(), "lines": lines}
}

func (w *world) requested(t *testing.T) quoted {
	t.Helper()
	return w.quote(t, "requestQuotation", w.wanted(), w.trade.boss.headers())
}

// prices offer what is asked for.
func (w *world) prices(q quoted) apptest.Variables {
	lines := w.wanted()["lines"].([]apptest.Variables)
	for _, l := range lines {
		l["unit"] = "900"
	}
	return apptest.Variables{"quotationId": q.ID, "revision": q.Revision, "lines": lines, "shippingFee": "0", "validUntil": inDays(7)}
}

func (w *world) answered(t *testing.T) quoted {
	t.Helper()
	return w.quote(t, "answerQuotation", w.prices(w.requested(t)), w.admin)
}

func (w *world) quote(t *testing.T, field string, input apptest.Variables, headers []string) quoted {
	t.Helper()
	ask := asking(func(q string, v apptest.Variables) apptest.Answer { return w.Do(t, q, v, headers...) })
	got := ask.quote(t, field, input)
	require.Empty(t, got.UserErrors)
	return *got.Quotation
}
