package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/mailing"
)

// mailingOperations are those that send to segments.
var mailingOperations = map[string]clientOperation{
	"admin/Mailings": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.mailing(t)
		}
		return nil
	})},
	"admin/Mailing": {1, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.mailing(t)} })},
	"admin/MailingCoupons": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		letters := with(w.letters(t), "couponCampaignId", w.campaign(t))
		return apptest.Variables{"mailingId": w.made(t, "saveMailing", "mailing", letters)}
	})},
	"admin/MailingRecipients": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.lettered(t)}
	})},
	"admin/SaveMailing":    {5, input(func(t *testing.T, w *world) apptest.Variables { return w.letters(t) })},
	"admin/SendMailing":    {10, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"mailingId": w.letter(t)} })},
	"admin/CancelMailing":  {5, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"mailingId": w.mailing(t)} })},
	"admin/MailingPreview": {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"mailingId": w.emailed(t)} })},
	"admin/TestMailing": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.emailed(t), "to": []string{"a@example.jp"}}
	})},
	"admin/PauseMailing": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.inState(t, "SENDING")}
	})},
	"admin/ResumeMailing": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.inState(t, "PAUSED")}
	})},
	"admin/ReleaseMailAddress": {3, input(func(_ *testing.T, _ *world) apptest.Variables { return apptest.Variables{"email": "a@example.jp"} })},
	"admin/MailingResults":     {6, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"mailingId": w.lettered(t)} })},
	"admin/MailingResultsCsv": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.lettered(t), "by": "STORE"}
	})},
	"admin/MailingComparison":    {2, asked(func(t *testing.T, w *world) apptest.Variables { w.lettered(t); return nil })},
	"admin/MailingComparisonCsv": {2, asked(func(t *testing.T, w *world) apptest.Variables { w.lettered(t); return nil })},
	"admin/FollowMailing": {23, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.lettered(t), "to": "NOT_BOUGHT", "name": "F" + id.New().String()}
	})},
	"admin/PrintMailingLabels": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.lettered(t)}
	})},
	"admin/ExportMailingLeftOut": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"mailingId": w.lettered(t)}
	})},
}

func (w *world) letters(t *testing.T) apptest.Variables {
	t.Helper()
	return apptest.Variables{"name": "M" + id.New().String(), "medium": "DM", "segmentId": w.segment(t)}
}

// mailing is one that is being written.
func (w *world) mailing(t *testing.T) string {
	t.Helper()
	return w.made(t, "saveMailing", "mailing", w.letters(t))
}

// letter is one whose segment has as many members as the world is large, or more.
func (w *world) letter(t *testing.T) string {
	t.Helper()
	for range w.size {
		guest, _ := w.guest(t, "09011112222")
		_, err := w.DB.Pool().Exec(t.Context(), `INSERT INTO member_settings (member_id, brand_id, medium, given, since) VALUES ($1, $2, 'DM', true, now())`, keyOf(t, guest), w.BrandID)
		require.NoError(t, err)
		_, err = w.DB.Pool().Exec(t.Context(), `INSERT INTO saved_addresses (id, member_id, address, is_default, created_at, updated_at)
			VALUES ($2, $1, '{"name":"会員","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-1"}', true, now(), now())`, keyOf(t, guest), id.New())
		require.NoError(t, err)
	}
	letters := w.letters(t)
	letters["holdOut"] = 0
	return w.made(t, "saveMailing", "mailing", letters)
}

// lettered is a letter whose labels can be printed.
func (w *world) lettered(t *testing.T) string {
	t.Helper()
	m := w.letter(t)
	var sent struct {
		SendMailing struct{ UserErrors []userError }
	}
	w.Do(t, `mutation($input: MailingInput!) { sendMailing(input: $input) { userErrors { code field } } }`, in(apptest.Variables{"mailingId": m}), w.office(t)...).Into(t, &sent)
	require.Empty(t, sent.SendMailing.UserErrors)
	require.NoError(t, w.App.App.Resolvers.Mailings.Work(access.With(t.Context(), access.System), mailing.WorkJob{}))
	return m
}

// emailed is a mailing by e-mail that is being written.
func (w *world) emailed(t *testing.T) string {
	t.Helper()
	letters := w.letters(t)
	letters["medium"], letters["mail"] = "MAIL", apptest.Variables{"subject": "春", "body": "{{name}} 様", "imprint": "のれん"}
	return w.made(t, "saveMailing", "mailing", letters)
}

// inState is a mailing that is made to be in the state.
func (w *world) inState(t *testing.T, state string) string {
	t.Helper()
	m := w.mailing(t)
	_, err := w.DB.Pool().Exec(t.Context(), `UPDATE mailings SET state = $2, sent_at = now() WHERE id = $1`, keyOf(t, m), state)
	require.NoError(t, err)
	return m
}
