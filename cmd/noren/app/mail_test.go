package app_test

import (
	"context"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/smtp/smtptest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
)

func TestMailThatIsRefusedForNowGoesOutLaterAndOnce(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	post.Refuse(&server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 7, 1}, Message: "greylisted"})
	a := apptest.Start(t, func(c *app.Config) { c.SMTPURL = "smtp://" + post.Address + "?tls=none" })
	require.Nil(t, a.App.Mailbox)
	a.Work(t)
	key := enqueue(t, a, "hanako@example.jp")

	require.Eventually(t, func() bool { return len(post.Received()) == 1 }, 3*time.Minute, 20*time.Millisecond)
	letter := post.Received()[0]
	require.Equal(t, []string{"hanako@example.jp"}, letter.To)
	require.Contains(t, letter.Data, "=?UTF-8?")
	var messageID string
	require.Eventually(t, func() bool {
		err := a.DB.Pool().QueryRow(t.Context(), `SELECT message_id FROM sent_messages WHERE key = $1 AND sent_at IS NOT NULL`, key).Scan(&messageID)
		return err == nil
	}, 3*time.Minute, 10*time.Millisecond)
	require.Contains(t, letter.Data, "<"+messageID+">")
	var attempts int
	require.Eventually(t, func() bool {
		err := a.DB.Pool().QueryRow(t.Context(), `SELECT attempt FROM river_job WHERE kind = 'send_message' AND state = 'completed'`).Scan(&attempts)
		return err == nil
	}, 3*time.Minute, 10*time.Millisecond)
	require.Equal(t, 2, attempts)

	enqueue(t, a, "hanako@example.jp")
	enqueue(t, a, "taro@example.jp")
	require.Eventually(t, func() bool { return len(post.Received()) == 2 }, 3*time.Minute, 20*time.Millisecond)
	require.Equal(t, []string{"taro@example.jp"}, post.Received()[1].To, "what was sent is not sent again")
}

func TestMailThatIsRefusedForGoodIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	post.Refuse(&server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox <nobody@example.jp>"})
	a := apptest.Start(t, func(c *app.Config) { c.SMTPURL = "smtp://" + post.Address + "?tls=none" })
	a.Work(t)
	enqueue(t, a, "nobody@example.jp")
	var state string
	require.Eventually(t, func() bool {
		err := a.DB.Pool().QueryRow(t.Context(), `SELECT state FROM river_job WHERE kind = 'send_message' AND finalized_at IS NOT NULL`).Scan(&state)
		return err == nil
	}, 3*time.Minute, 10*time.Millisecond)
	require.Equal(t, "cancelled", state)
	var rejection string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT rejection FROM sent_messages WHERE sent_at IS NULL`).Scan(&rejection))
	require.True(t, strings.Contains(rejection, "no such mailbox"), rejection)
	require.Empty(t, post.Received())
	var kept string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT rejection || (SELECT errors::text || args::text FROM river_job WHERE kind = 'send_message') FROM sent_messages`).Scan(&kept))
	require.NotContains(t, kept, "nobody@example.jp", "nor does the queue name anybody")
}

func TestAMailThatAnOlderVersionQueuedGoes(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	m, err := messaging.New(channel.With(t.Context(), channel.Channel{BrandID: a.BrandID}), messaging.Address{Email: "hanako@example.jp"}, "1", messaging.PasswordReset{URL: "https://shop.example/r"})
	require.NoError(t, err)
	_, err = a.DB.Pool().Exec(t.Context(), `INSERT INTO river_job (kind, args, max_attempts, queue, state) VALUES ('send_message', $1, 25, 'default', 'available')`, messaging.SendJob{Key: m.Key, Message: m})
	require.NoError(t, err)
	a.Work(t)
	require.Eventually(t, func() bool { return len(a.App.Mailbox.To("hanako@example.jp")) == 1 }, 3*time.Minute, 10*time.Millisecond)
}

// enqueue queues a password reset mail and answers its key.
func enqueue(t *testing.T, a *apptest.App, to string) string {
	t.Helper()
	jobs, err := postgres.NewJobs(a.DB)
	require.NoError(t, err)
	m, err := messaging.New(channel.With(t.Context(), channel.Channel{BrandID: a.BrandID}), messaging.Address{Email: to}, strings.TrimSuffix(to, "@example.jp"), messaging.PasswordReset{URL: "https://shop.example/r"})
	require.NoError(t, err)
	require.NoError(t, a.DB.InTx(t.Context(), func(ctx context.Context) error { return jobs.Enqueue(ctx, m) }))
	return m.Key
}
