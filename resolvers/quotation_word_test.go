package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// TestBothSidesOfAQuotationAreTold has each side say each word, and looks who is mailed.
func TestBothSidesOfAQuotationAreTold(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	employ(t, w.App, "answers@example.jp", access.RoleStaff, access.QuotationWrite)
	told := func() (all []string) {
		openMails(t, w.App)
		rows, err := w.DB.Pool().Query(t.Context(), `
			SELECT args->'message'->'to'->>'email' || ' ' || (args->'message'->'content'->>'event') FROM river_job
			WHERE kind = 'send_message' AND args->'message'->>'kind' = 'quotation_said' ORDER BY id`)
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var mail string
			require.NoError(t, rows.Scan(&mail))
			all = append(all, mail)
		}
		return all
	}
	say := func(ask asking, field string, q quoted) {
		require.Empty(t, ask.quote(t, field, apptest.Variables{"quotationId": q.ID, "message": "よろしくお願いします"}).UserErrors)
	}
	answered := func() quoted {
		return *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 5, w.leash), w.leash, 5, "900")).Quotation
	}
	asked := kaede.request(t, 1, w.leash)
	say(kaede, "replyToQuotation", asked)
	say(kaede, "replyToQuotation", asked)
	say(staff, "replyToQuotation", asked)
	say(staff, "declineQuotation", asked)
	say(kaede, "declineQuotation", answered())
	say(kaede, "withdrawQuotation", kaede.request(t, 1, w.leash))
	say(staff, "withdrawQuotation", answered())
	exec(t, w.App, `UPDATE quotations SET valid_until = now() - interval '1 second' WHERE id = $1`, keyOf(t, answered().ID))
	require.NoError(t, w.App.App.Resolvers.Quotations.Expire(t.Context()))
	require.NoError(t, w.App.App.Resolvers.Quotations.Expire(t.Context()), "told once")
	require.Equal(t, []string{
		"answers@example.jp REPLIED", "answers@example.jp REPLIED", "kaede@example.jp REPLIED", "kaede@example.jp DECLINED",
		"answers@example.jp DECLINED", "answers@example.jp WITHDRAWN", "kaede@example.jp WITHDRAWN", "kaede@example.jp EXPIRED",
	}, told())
	require.Equal(t, "QUOTATION_STATE_CONFLICT", kaede.quote(t, "replyToQuotation", apptest.Variables{"quotationId": asked.ID, "message": "もう一度"}).fault())
	require.Len(t, told(), 8, "what is refused is not told")
}

// TestABuyerCannotFloodTheStaff bounds what one buyer may send; others are not concerned.
func TestABuyerCannotFloodTheStaff(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, peer := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), w.buyer(t, "peer@example.jp", "BUYER", nil).asking(t)
	asked := kaede.request(t, 1, w.leash)
	reply := func() string {
		return kaede.quote(t, "replyToQuotation", apptest.Variables{"quotationId": asked.ID, "message": "お返事ください"}).fault()
	}
	for range 29 {
		require.Empty(t, reply())
	}
	require.Equal(t, "RATE_LIMITED", reply())
	again := apptest.Variables{"idempotencyKey": "one-more", "lines": []apptest.Variables{{"variantId": id.Global("Variant", w.leash), "quantity": 1}}}
	require.Equal(t, "RATE_LIMITED", kaede.quote(t, "requestQuotation", again).fault())
	require.Len(t, kaede.seenBy(t, asked.ID).History, 30)
	peer.request(t, 1, w.leash)
}

// TestAnOfferCanBeOrderedAgainWhenItsOrderWasGivenUp cancels orders of two quotations,
// one of which is over by then.
func TestAnOfferCanBeOrderedAgainWhenItsOrderWasGivenUp(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "100000", "BLOCK")
	kaede, staff := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t), as(t, w.App, quoter)
	ordered := func() (quoted, string) {
		q := *staff.quote(t, "answerQuotation", offerOf(kaede.request(t, 5, w.leash), w.leash, 5, "900")).Quotation
		placed := kaede.quote(t, "acceptQuotation", acceptance(q, w.method, "ON_ACCOUNT"))
		require.Empty(t, placed.UserErrors)
		return q, placed.Order.ID
	}
	cancel := func(order string) {
		require.Empty(t, kaede.mutate(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	}
	q, order := ordered()
	cancel(order)
	seen := kaede.seenBy(t, q.ID)
	require.Equal(t, "ANSWERED", seen.State)
	require.Nil(t, seen.Order)
	require.Equal(t, "quotation.reopened", seen.History[len(seen.History)-1].Type)
	again := kaede.quote(t, "acceptQuotation", acceptance(*seen, w.method, "ON_ACCOUNT"))
	require.Empty(t, again.UserErrors)
	require.NotEqual(t, order, again.Order.ID)
	require.Equal(t, 4800, w.owed(t), "once")
	requireStock(t, w.App, w.leash, 100, 5)

	late, order := ordered()
	exec(t, w.App, `UPDATE quotations SET valid_until = now() - interval '1 second' WHERE id = $1`, keyOf(t, late.ID))
	cancel(order)
	require.Equal(t, "EXPIRED", kaede.seenBy(t, late.ID).State)
}
