package app_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
)

func TestMessageGoesOutIfItsTransactionCommits(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	jobs, err := postgres.NewJobs(a.DB)
	require.NoError(t, err)
	ctx := channel.With(t.Context(), channel.Channel{BrandID: a.BrandID})
	enqueue := func(ctx context.Context, to string) error {
		m, err := messaging.New(ctx, messaging.Address{Email: to}, to, messaging.PasswordReset{URL: "https://shop.example/r"})
		require.NoError(t, err)
		return jobs.Enqueue(ctx, m)
	}

	broken := errors.New("something else failed")
	require.ErrorIs(t, a.DB.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, enqueue(ctx, "never@example.jp"))
		return broken
	}), broken)
	require.NoError(t, a.DB.InTx(ctx, func(ctx context.Context) error { return enqueue(ctx, "hanako@example.jp") }))

	require.Eventually(t, func() bool { return len(a.App.Mailbox.To("hanako@example.jp")) == 1 }, 3*time.Minute, 10*time.Millisecond)
	mail := a.App.Mailbox.Letters()[0]
	require.Equal(t, "【わんこ堂】パスワードの再設定", mail.Subject)
	require.Empty(t, a.App.Mailbox.To("never@example.jp"))

	// The same message again is recognised: the log knows its key.
	require.NoError(t, enqueue(ctx, "hanako@example.jp"))
	require.NoError(t, enqueue(ctx, "taro@example.jp"))
	require.Eventually(t, func() bool { return len(a.App.Mailbox.To("taro@example.jp")) == 1 }, 3*time.Minute, 10*time.Millisecond)
	require.Eventually(t, func() bool { return open(t, a) == 0 }, 3*time.Minute, 10*time.Millisecond)
	require.Len(t, a.App.Mailbox.To("hanako@example.jp"), 1)
}

// open counts the messages that are still to be sent.
func open(t *testing.T, a *apptest.App) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM river_job WHERE kind = 'send_message' AND state <> 'completed'`).Scan(&n))
	return n
}

func TestWebhookAnswersSayWhatWasWrong(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t, func(c *app.Config) {
		c.StripeSecretKey, c.StripeWebhookSecret = stripetest.Key, stripetest.WebhookSecret
	})
	body := []byte(`{"id":"evt_1","object":"event","type":"customer.created","created":1,"data":{"object":{}}}`)
	unreadable := []byte(`{"id":`)
	for name, c := range map[string]struct {
		body      []byte
		signature string
		status    int
	}{
		"signed":           {body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now()), http.StatusOK},
		"unsigned":         {body, "", http.StatusBadRequest},
		"another secret":   {body, stripetest.Sign(body, "whsec_other", time.Now()), http.StatusBadRequest},
		"replayed too old": {body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now().Add(-time.Hour)), http.StatusBadRequest},
		"unreadable":       {unreadable, stripetest.Sign(unreadable, stripetest.WebhookSecret, time.Now()), http.StatusBadRequest},
		"too large":        {bytes.Repeat([]byte("x"), 600<<10), "", http.StatusRequestEntityTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			status, _ := post(t, a.URL+"/webhooks/stripe", c.body, c.signature)
			require.Equal(t, c.status, status)
		})
	}
	closed := apptest.Start(t)
	status, _ := post(t, closed.URL+"/webhooks/stripe", body, stripetest.Sign(body, stripetest.WebhookSecret, time.Now()))
	require.Equal(t, http.StatusNotFound, status, "without Stripe there is no such webhook")
}

func TestMailsAreShownInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	db := apptest.Start(t).DB
	for dev, status := range map[bool]int{true: http.StatusOK, false: http.StatusNotFound} {
		a, err := app.New(app.Config{Dev: dev, Secret: app.DevSecret}, db, clock.System)
		require.NoError(t, err)
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dev/mail", nil))
		require.Equal(t, status, w.Code)
	}
}

func post(t *testing.T, url string, body []byte, signature string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Stripe-Signature", signature)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, strings.TrimSpace(string(raw))
}
