package resolvers_test

import (
	"fmt"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/messaging"
)

// done runs a mutation without variables whose payload has userErrors alone.
func done(t testing.TB, a *apptest.App, bearer, mutation string) string {
	t.Helper()
	var got map[string]struct{ UserErrors []userError }
	a.Do(t, `mutation { m: `+mutation+` { userErrors { code field message } } }`, nil, "Authorization", bearer).Into(t, &got)
	if len(got["m"].UserErrors) == 0 {
		return ""
	}
	return got["m"].UserErrors[0].Code
}

var tokenIn = regexp.MustCompile(`\?token=([A-Z0-9%]+)`)

// openMails lets tests read what the mails in the queue say: it puts them there in clear.
func openMails(t testing.TB, a *apptest.App) {
	t.Helper()
	type row struct {
		ID   int64
		Args messaging.SendJob
	}
	rows, err := a.DB.Pool().Query(t.Context(), `SELECT id, args FROM river_job WHERE kind = 'send_message'`)
	require.NoError(t, err)
	queued, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	require.NoError(t, err)
	batch := &pgx.Batch{}
	for _, q := range queued {
		require.NoError(t, a.App.Personal.Open(t.Context(), &q.Args.Message))
		batch.Queue(`UPDATE river_job SET args = $2 WHERE id = $1`, q.ID, q.Args)
	}
	require.NoError(t, a.DB.Pool().SendBatch(t.Context(), batch).Close())
}

// mailedToken is the token in the newest queued mail of the kind.
func mailedToken(t testing.TB, a *apptest.App, kind messaging.Kind) string {
	t.Helper()
	var content string
	openMails(t, a)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT args->'message'->'content'->>'url' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' = $1 ORDER BY id DESC LIMIT 1`, kind).Scan(&content))
	found := tokenIn.FindStringSubmatch(content)
	require.Len(t, found, 2, content)
	token, err := url.QueryUnescape(found[1])
	require.NoError(t, err)
	return token
}

func mails(t testing.TB, a *apptest.App) (n int) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message'`).Scan(&n))
	return n
}

func TestEmailIsVerifiedByTheMailedToken(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := register(t, a, "hanako@example.jp", goodPassword)
	require.False(t, hanako.Account.EmailVerified)
	first := mailedToken(t, a, messaging.KindEmailVerification)
	require.Empty(t, done(t, a, hanako.bearer(), `requestEmailVerification`))
	second := mailedToken(t, a, messaging.KindEmailVerification)
	require.NotEqual(t, first, second)

	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `verifyEmail(input: {token: "`+first+`"})`), "a newer mail makes the older void")
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `verifyEmail(input: {token: "GUESSED"})`))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `resetPassword(input: {token: "`+second+`", newPassword: "`+goodPassword+`"})`), "of another purpose")
	require.Empty(t, done(t, a, "", `verifyEmail(input: {token: "`+second+`"})`))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `verifyEmail(input: {token: "`+second+`"})`), "once")
	require.True(t, login(t, a, "hanako@example.jp", goodPassword).Account.EmailVerified)
}

func TestForgottenPasswordIsReset(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := register(t, a, "hanako@example.jp", goodPassword)
	before := mails(t, a)
	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "nobody@example.jp"})`), "the answer does not tell who exists")
	require.Equal(t, before, mails(t, a))
	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "Hanako@example.jp"})`))
	token := mailedToken(t, a, messaging.KindPasswordReset)
	reset := func(password string) string {
		return done(t, a, "", `resetPassword(input: {token: "`+token+`", newPassword: "`+password+`"})`)
	}
	require.Equal(t, "PASSWORD_TOO_SHORT", reset("short"))
	require.Empty(t, reset("another good one"), "a refused password leaves the token good")
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", reset("yet another one"))

	require.Equal(t, "TOKEN_INVALID", whoami(t, a, hanako.bearer()).Code(), "all sessions ended")
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", goodPassword).code())
	again := login(t, a, "hanako@example.jp", "another good one")
	require.True(t, again.Account.EmailVerified, "who read the mail owns the address")
}

func TestOneTimeTokensExpire(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	register(t, a, "hanako@example.jp", goodPassword)
	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "hanako@example.jp"})`))
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE one_time_tokens SET expires_at = $1`, time.Now().Add(-time.Second))
	require.NoError(t, err)
	token := mailedToken(t, a, messaging.KindPasswordReset)
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `resetPassword(input: {token: "`+token+`", newPassword: "`+goodPassword+`"})`))
}

func TestChangedPasswordEndsTheOtherSessions(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	here := register(t, a, "hanako@example.jp", goodPassword)
	there := login(t, a, "hanako@example.jp", goodPassword)
	change := func(current, next string) string {
		return done(t, a, here.bearer(), `changePassword(input: {currentPassword: "`+current+`", newPassword: "`+next+`"})`)
	}
	require.Equal(t, "PASSWORD_WRONG", change("not the password", "another good one"))
	require.Equal(t, "PASSWORD_GUESSABLE", change(goodPassword, "hanako@example.jp"))
	require.Empty(t, change(goodPassword, "another good one"))
	require.Empty(t, whoami(t, a, here.bearer()).Code())
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, there.bearer()).Code())
	require.Empty(t, login(t, a, "hanako@example.jp", "another good one").UserErrors)
}

func TestSessionsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	phone := register(t, a, "hanako@example.jp", goodPassword, "User-Agent", "phone")
	laptop := login(t, a, "hanako@example.jp", goodPassword, "User-Agent", "laptop")
	stranger := register(t, a, "taro@example.jp", goodPassword)
	type session struct {
		ID, Device, Address string
		Current             bool
	}
	var mine struct{ Me struct{ Sessions []session } }
	a.Do(t, `{ me { sessions { id device address current } } }`, nil, "Authorization", phone.bearer()).Into(t, &mine)
	require.Len(t, mine.Me.Sessions, 2)
	listed := map[string]session{}
	for _, s := range mine.Me.Sessions {
		listed[s.Device] = s
	}
	require.True(t, listed["phone"].Current)
	require.False(t, listed["laptop"].Current)
	require.Equal(t, "127.0.0.1", listed["laptop"].Address)

	revoke := `revokeSession(input: {sessionId: "` + listed["laptop"].ID + `"})`
	require.Equal(t, "NOT_FOUND", done(t, a, stranger.bearer(), revoke), "another's session")
	require.Empty(t, done(t, a, phone.bearer(), revoke))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, laptop.bearer()).Code())
	require.Equal(t, "NOT_FOUND", done(t, a, phone.bearer(), revoke))

	login(t, a, "hanako@example.jp", goodPassword)
	require.Empty(t, done(t, a, phone.bearer(), `logoutEverywhere`))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, phone.bearer()).Code())
	var open int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM sessions WHERE ended_at IS NULL`).Scan(&open))
	require.Equal(t, 1, open, "the stranger's")
}

func TestGuessingPasswordsIsLimited(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	register(t, a, "hanako@example.jp", goodPassword)
	for i := range 10 {
		require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", fmt.Sprintf("guess number %d", i)).code())
	}
	limited := login(t, a, "hanako@example.jp", goodPassword)
	require.Equal(t, "RATE_LIMITED", limited.code(), "even the right one has to wait")
	for range 10 {
		require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "nobody@example.jp", goodPassword).code())
	}
	require.Equal(t, "RATE_LIMITED", login(t, a, "nobody@example.jp", goodPassword).code(), "the limit does not tell who exists")
}
