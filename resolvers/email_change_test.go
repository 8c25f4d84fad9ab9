package resolvers_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
)

// moves asks that the customer logs in with the address from now on; empty if that was done,
// else the code and the field.
func (c customer) moves(t testing.TB, email string, more ...apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{"email": email, "password": goodPassword}
	for _, one := range more {
		for key, value := range one {
			input[key] = value
		}
	}
	return c.tries(t, "requestEmailChange", input)
}

// tries runs a mutation of an account; empty if it was done, else the code and the field.
func (c customer) tries(t testing.TB, field string, input apptest.Variables) string {
	t.Helper()
	ask := asking(func(q string, v apptest.Variables) apptest.Answer { return c.do(t, q, v) })
	got := ask.done(t, field, "account { email }", input, "account.email")
	if strings.Contains(got[0], "@") {
		return ""
	}
	return got[0]
}

// confirms opens the link in the newest mail to a new address.
func confirms(t testing.TB, a *apptest.App, token, bearer string) string {
	t.Helper()
	return done(t, a, bearer, `confirmEmailChange(input: {token: "`+token+`"})`)
}

// addressMail is a mail about an address, in the queue.
type addressMail struct {
	To      string
	Kind    messaging.Kind
	Content json.RawMessage
}

// lettersOf are the mails about addresses, the first first.
func lettersOf(t testing.TB, a *apptest.App) (all []addressMail) {
	t.Helper()
	openMails(t, a)
	rows, err := a.DB.Pool().Query(t.Context(), `
		SELECT args->'message'->'to'->>'email' AS to, args->'message'->>'kind' AS kind, args->'message'->'content' AS content FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' LIKE 'email_change%' ORDER BY id`)
	require.NoError(t, err)
	all, err = pgx.CollectRows(rows, pgx.RowToStructByName[addressMail])
	require.NoError(t, err)
	return all
}

// sentTo is to whom which kinds went.
func sentTo(all []addressMail) (lines []string) {
	for _, l := range all {
		lines = append(lines, string(l.Kind)+" "+l.To)
	}
	return lines
}

// pending is the address that the customer waits for.
func (c customer) pending(t testing.TB) string {
	t.Helper()
	var got struct {
		Me struct{ PendingEmail *struct{ Email string } }
	}
	c.do(t, `{ me { pendingEmail { email expiresAt } } }`, nil).Into(t, &got)
	if got.Me.PendingEmail == nil {
		return ""
	}
	return got.Me.PendingEmail.Email
}

func TestAMemberChangesTheAddressToLogInWith(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	here := newCustomer(t, a, "hanako@example.jp")
	phone := login(t, a, "hanako@example.jp", goodPassword)
	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "hanako@example.jp"})`))
	reset := mailedToken(t, a, messaging.KindPasswordReset)

	require.Empty(t, here.moves(t, " Ｎew@Example.jp "))
	require.Equal(t, "new@example.jp", here.pending(t))
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "new@example.jp", goodPassword).code(), "nothing changes before it is confirmed")
	require.Empty(t, login(t, a, "hanako@example.jp", goodPassword).UserErrors)
	asked := lettersOf(t, a)
	require.Equal(t, []string{"email_change new@example.jp", "email_change_asked hanako@example.jp"}, sentTo(asked))
	require.NotContains(t, string(asked[1].Content), "new@", "the address is masked for who reads the mail before")

	token := mailedToken(t, a, messaging.KindEmailChange)
	unsealed(t, a, token, "new@example.jp", "hanako")
	require.Empty(t, confirms(t, a, token, here.bearer))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, token, here.bearer), "once")
	unsealed(t, a, "new@example.jp", "hanako")

	var me struct {
		Me struct {
			ID, Email     string
			EmailVerified bool
			PendingEmail  *struct{ Email string }
		}
	}
	here.do(t, `{ me { id email emailVerified pendingEmail { email } } }`, nil).Into(t, &me)
	require.Equal(t, here.id+" new@example.jp", me.Me.ID+" "+me.Me.Email)
	require.True(t, me.Me.EmailVerified)
	require.Nil(t, me.Me.PendingEmail)
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, phone.bearer()).Code(), "other sessions end")
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, phone.Tokens.RefreshToken).code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", goodPassword).code())
	require.Equal(t, here.id, login(t, a, "new@example.jp", goodPassword).Account.ID)
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `resetPassword(input: {token: "`+reset+`", newPassword: "`+betterPassword+`"})`), "what was mailed to the address before is void")
	require.Equal(t, "email_changed hanako@example.jp", sentTo(lettersOf(t, a))[2])
	require.Empty(t, register(t, a, "hanako@example.jp", goodPassword).UserErrors, "the address before is free")
	require.Equal(t, "EMAIL_TAKEN", register(t, a, "new@example.jp", goodPassword).code())
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'account.email_changed' AND data = '{"before": {"email": "h***@***"}, "after": {"email": "n***@***"}}'`))
	require.Equal(t, 0, countOf(t, a, `SELECT count(*) FROM events WHERE data::text LIKE '%@example.jp%'`), "events name no address")

	// It is sealed like any other, also once keys have rotated.
	keys := rotated(t, a)
	_, err := postgres.NewPersonal(a.DB, keys).Reseal(t.Context(), nil)
	require.NoError(t, err)
	require.Equal(t, here.id, login(t, a, "new@example.jp", goodPassword).Account.ID)
}

func TestWhoOpensTheLinkWithoutASessionIsAskedToLogIn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	require.Equal(t, "EMAIL_CHANGE_LOGIN", confirms(t, a, token, ""))
	require.Equal(t, "new@example.jp", hanako.pending(t), "nothing has changed, and it still waits")
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "new@example.jp", goodPassword).code())
	phone := login(t, a, "hanako@example.jp", goodPassword)
	require.Empty(t, confirms(t, a, token, phone.bearer()), "the link is as good as before, on any device")
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, hanako.bearer).Code())
	require.Equal(t, hanako.id, login(t, a, "new@example.jp", goodPassword).Account.ID)
}

// Somebody sends the link to a stranger, who opens it: the stranger's address is not proved
// for an account that somebody else can log in to, and a later login of the stranger by a
// provider makes an account of their own.
func TestAStrangersClickGivesTheirAddressToNobody(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	thief := newCustomer(t, a, "thief@example.jp")
	require.Empty(t, thief.moves(t, "taro@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	require.Equal(t, "EMAIL_CHANGE_LOGIN", confirms(t, a, token, ""))
	p.add("person 1", "taro@example.jp", true)
	came := finishSSO(t, a, visit(t, a, p, "person 1"))
	require.Empty(t, came.UserErrors)
	require.NotEqual(t, thief.id, came.Account.ID)
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "taro@example.jp", goodPassword).code())
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, token, came.bearer()))
	require.Equal(t, "EMAIL_TAKEN", confirms(t, a, token, thief.bearer))
}

func TestAddressesThatCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Equal(t, "EMAIL_SAME email", hanako.moves(t, "HANAKO@example.jp"))
	require.Equal(t, "EMAIL_INVALID email", hanako.moves(t, "new"))
	require.Equal(t, "EMAIL_INVALID email", hanako.moves(t, "Hanako <new@example.jp>"))
	require.Equal(t, "EMAIL_INVALID email", hanako.moves(t, ""))
	require.Equal(t, "PASSWORD_WRONG password", hanako.moves(t, "new@example.jp", apptest.Variables{"password": "not the password"}))
	require.Equal(t, "PASSWORD_WRONG password", hanako.moves(t, "new@example.jp", apptest.Variables{"password": ""}))
	require.Equal(t, "UNAUTHENTICATED", customer{a, "", ""}.moves(t, "new@example.jp"))
	clerk := employ(t, a, "clerk@example.jp", access.RoleStaff, access.MemberWrite)
	require.Equal(t, "FORBIDDEN", customer{a, "", clerk.bearer()}.moves(t, "new@example.jp"), "staff are who staff say they are")
	require.Empty(t, lettersOf(t, a))
	require.Empty(t, hanako.pending(t))
}

func TestASecondFactorIsAskedForBeforeTheAddressChanges(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	secret := hanako.enrolled(t)
	require.Empty(t, done(t, a, hanako.bearer, `confirmTotp(input: {code: "`+codeOf(t, secret, -1)+`"})`))
	require.Equal(t, "SECOND_FACTOR_REQUIRED code", hanako.moves(t, "new@example.jp"))
	require.Equal(t, "SECOND_FACTOR_INVALID code", hanako.moves(t, "new@example.jp", apptest.Variables{"code": "000000x"}))
	require.Empty(t, hanako.moves(t, "new@example.jp", apptest.Variables{"code": codeOf(t, secret, 1)}))
}

func TestAnAddressThatIsTakenIsToldToItsOwnerAlone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	taro := newCustomer(t, a, "taro@example.jp")
	require.Empty(t, hanako.moves(t, "taro@example.jp"), "the answer does not tell who exists")
	require.Equal(t, "taro@example.jp", hanako.pending(t))
	require.Equal(t, []string{"email_change_taken taro@example.jp", "email_change_asked hanako@example.jp"}, sentTo(lettersOf(t, a)))
	require.NotContains(t, string(lettersOf(t, a)[0].Content), "token", "there is no link in it")
	require.Empty(t, whoami(t, a, taro.bearer).Code())
	require.Equal(t, taro.id, login(t, a, "taro@example.jp", goodPassword).Account.ID)
}

func TestAnAddressThatIsTakenMeanwhileStaysTheOthers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	newCustomer(t, a, "new@example.jp")
	require.Equal(t, "EMAIL_TAKEN", confirms(t, a, token, hanako.bearer), "who reads the mail owns the address, and may know")
	require.Equal(t, hanako.id, login(t, a, "hanako@example.jp", goodPassword).Account.ID)

	// So does one that a row of an older version has in clear.
	jiro := newCustomer(t, a, "jiro@example.jp")
	require.Empty(t, jiro.moves(t, "old@example.jp"))
	token = mailedToken(t, a, messaging.KindEmailChange)
	exec(t, a, `UPDATE accounts SET email = 'old@example.jp', name = '', address_hash = NULL, key_id = NULL WHERE id = $1`, keyOf(t, hanako.id))
	require.Equal(t, "EMAIL_TAKEN", confirms(t, a, token, jiro.bearer))
}

func TestTokensOfOtherKindsChangeNoAddress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako, taro := newCustomer(t, a, "hanako@example.jp"), newCustomer(t, a, "taro@example.jp")
	verify := mailedToken(t, a, messaging.KindEmailVerification)
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, verify, ""))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, "GUESSED", ""))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, "", ""))

	require.Empty(t, hanako.moves(t, "first@example.jp"))
	first := mailedToken(t, a, messaging.KindEmailChange)
	require.Empty(t, hanako.moves(t, "second@example.jp"))
	second := mailedToken(t, a, messaging.KindEmailChange)
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, first, ""), "a later request takes the place of an earlier one")
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, second, taro.bearer), "another's, who is logged in here")
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `verifyEmail(input: {token: "`+second+`"})`))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", done(t, a, "", `resetPassword(input: {token: "`+second+`", newPassword: "`+betterPassword+`"})`))

	exec(t, a, `UPDATE one_time_tokens SET expires_at = now() - interval '1 second' WHERE purpose = 'CHANGE_EMAIL'`)
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, second, ""), "too old")
	require.Empty(t, hanako.pending(t))
	require.Equal(t, hanako.id, login(t, a, "hanako@example.jp", goodPassword).Account.ID)
}

func TestAChangeOfAddressIsGivenUp(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	cancel := func() string { return done(t, a, hanako.bearer, `cancelEmailChange`) }
	require.Empty(t, cancel())
	require.Empty(t, cancel(), "there is nothing more to give up")
	require.Empty(t, hanako.pending(t))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, token, ""))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'account.email_change_cancelled'`))

	// Who is told of a change that they did not ask for stops it with a new password.
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token = mailedToken(t, a, messaging.KindEmailChange)
	require.Empty(t, done(t, a, "", `requestPasswordReset(input: {email: "hanako@example.jp"})`))
	require.Empty(t, done(t, a, "", `resetPassword(input: {token: "`+mailedToken(t, a, messaging.KindPasswordReset)+`", newPassword: "`+betterPassword+`"})`))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, token, ""))
	require.Equal(t, hanako.id, login(t, a, "hanako@example.jp", betterPassword).Account.ID)
}

func TestAClosedAccountChangesNoAddress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	require.Empty(t, done(t, a, hanako.bearer, `requestMemberErasure(input: {password: "`+goodPassword+`"})`))
	require.Equal(t, "ONE_TIME_TOKEN_INVALID", confirms(t, a, token, ""))
	require.Empty(t, register(t, a, "new@example.jp", goodPassword).UserErrors)
	require.Equal(t, 0, countOf(t, a, `SELECT count(*) FROM events WHERE data::text LIKE '%***@***%' AND subject_id = $1`, keyOf(t, hanako.id)), "an erasure takes the masked address too")
}

func TestChangesOfAddressAreLimited(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	for i := range 5 {
		require.Empty(t, hanako.moves(t, fmt.Sprintf("new%d@example.jp", i)))
	}
	require.Equal(t, "RATE_LIMITED", hanako.moves(t, "new6@example.jp"), "so many mails from one account")

	for i := range 5 {
		require.Empty(t, newCustomer(t, a, fmt.Sprintf("c%d@example.jp", i)).moves(t, "victim@example.jp"))
	}
	require.Equal(t, "RATE_LIMITED", newCustomer(t, a, "c6@example.jp").moves(t, "victim@example.jp"), "so many mails to one address, whoever asks")

	taro := newCustomer(t, a, "taro@example.jp")
	for i := range 10 {
		require.Equal(t, "PASSWORD_WRONG password", taro.moves(t, "other@example.jp", apptest.Variables{"password": fmt.Sprintf("guess number %d", i)}))
	}
	require.Equal(t, "RATE_LIMITED", taro.moves(t, "other@example.jp"), "even the right one has to wait")
}

func TestOfChangesAtOnceOneWins(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	const n = 6
	all, tokens := make([]customer, n), make([]string, n)
	for i := range all {
		all[i] = newCustomer(t, a, fmt.Sprintf("c%d@example.jp", i))
		require.Empty(t, all[i].moves(t, fmt.Sprintf("own%d@example.jp", i)))
		tokens[i] = mailedToken(t, a, messaging.KindEmailChange)
	}
	// They wait for the same address from now on: each was free when it was asked for.
	store := postgres.NewAccounts(a.DB)
	keys := rotated(t, a)
	for i := range all {
		sealed, err := keys.Seal(t.Context(), "email", keyOf(t, all[i].id), "same@example.jp")
		require.NoError(t, err)
		exec(t, a, `UPDATE one_time_tokens SET email = $2 WHERE account_id = $1 AND purpose = 'CHANGE_EMAIL'`, keyOf(t, all[i].id), sealed)
	}
	codes := atOnce(n, func(i int) string { return confirms(t, a, tokens[i], all[i].bearer) })
	require.Equal(t, map[string]int{"": 1, "EMAIL_TAKEN": n - 1}, codes)
	owner, err := store.AccountByEmail(t.Context(), "same@example.jp")
	require.NoError(t, err)
	require.NotNil(t, owner)

	// Of one account, two links that are opened at once: one is used, once.
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	token := mailedToken(t, a, messaging.KindEmailChange)
	require.Equal(t, map[string]int{"": 1, "ONE_TIME_TOKEN_INVALID": n - 1}, atOnce(n, func(int) string { return confirms(t, a, token, hanako.bearer) }))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'account.email_changed' AND subject_id = $1`, keyOf(t, hanako.id)))
	require.Equal(t, hanako.id, login(t, a, "new@example.jp", goodPassword).Account.ID)
}

// atOnce counts what n calls at once answer.
func atOnce(n int, f func(i int) string) map[string]int {
	var mutex sync.Mutex
	var group sync.WaitGroup
	counts := map[string]int{}
	for i := range n {
		group.Go(func() {
			answer := f(i)
			mutex.Lock()
			defer mutex.Unlock()
			counts[answer]++
		})
	}
	group.Wait()
	return counts
}

func TestWhoHasNoPasswordLogsInAnewToChangeTheAddress(t *testing.T) {
	t.Parallel()
	a, p := startWithSSO(t)
	p.add("person 1", "taro@example.jp", true)
	came := finishSSO(t, a, visit(t, a, p, "person 1"))
	require.Empty(t, came.UserErrors)
	taro := customer{a, came.Account.ID, came.bearer()}
	exec(t, a, `UPDATE sessions SET created_at = now() - interval '11 minutes' WHERE account_id = $1`, keyOf(t, taro.id))
	require.Equal(t, "LOGIN_AGAIN", taro.moves(t, "new@example.jp", apptest.Variables{"password": ""}))
	require.Equal(t, "LOGIN_AGAIN", taro.moves(t, "new@example.jp", apptest.Variables{"password": "made up by a thief"}))
	require.Empty(t, refresh(t, a, came.Tokens.RefreshToken).UserErrors)
	require.Equal(t, "LOGIN_AGAIN", taro.moves(t, "new@example.jp"), "a refresh is no login")

	again := finishSSO(t, a, visit(t, a, p, "person 1"))
	taro = customer{a, again.Account.ID, again.bearer()}
	require.Empty(t, taro.moves(t, "new@example.jp", apptest.Variables{"password": ""}))
	require.Empty(t, confirms(t, a, mailedToken(t, a, messaging.KindEmailChange), taro.bearer))
	same := finishSSO(t, a, visit(t, a, p, "person 1"))
	require.Empty(t, same.UserErrors)
	require.Equal(t, []string{taro.id, "new@example.jp"}, []string{same.Account.ID, same.Account.Email}, "the provider's login is the account's as before")
}

// What is under way is written to at the new address; what somebody gave another address for,
// and what is over, is not.
func TestWhatIsUnderWayFollowsTheAddress(t *testing.T) {
	t.Parallel()
	r := newRegular(t)
	a := r.App
	placed := func(key string) string {
		var got struct{ PlaceOrder orderAnswer }
		for _, step := range []struct {
			query     string
			variables apptest.Variables
		}{
			{`mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 1}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", r.litter)}},
			{`mutation($m: ID!) { updateCart(input: {email: "hanako@example.jp", shippingMethodId: $m, shippingAddress: {
				name: "山田 花子", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"}}) { userErrors { code } } }`, apptest.Variables{"m": id.Global("ShippingMethod", r.method)}},
		} {
			require.Empty(t, r.do(t, step.query, step.variables).Code())
		}
		r.do(t, `mutation($k: String!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: "1500", paymentMethod: BANK_TRANSFER}) { `+orderFields+` } }`, apptest.Variables{"k": key}).Into(t, &got)
		require.Empty(t, got.PlaceOrder.UserErrors)
		return got.PlaceOrder.Order.ID
	}
	over, open := placed("order-0001"), placed("order-0002")
	exec(t, a, `UPDATE orders SET status = 'CANCELLED' WHERE id = $1`, keyOf(t, over))
	require.Empty(t, r.ask.recur(t, "subscribeRecurringOrder", r.wish()).UserErrors)
	require.Empty(t, r.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 1}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", r.litter)}).Code())
	require.Empty(t, r.do(t, `mutation { updateCart(input: {email: "hanako@example.jp"}) { userErrors { code } } }`, nil).Code())
	exec(t, a, `INSERT INTO sent_messages (key, kind, recipient, message_id, sent_at, at) VALUES ('order_confirmation/' || $1::text, 'order_confirmation', 'hanako@example.jp', 'm1', now(), now())`, keyOf(t, open))
	require.NoError(t, a.App.Messages.HashRecipients(t.Context()))

	require.Empty(t, r.moves(t, "new@example.jp"))
	require.Empty(t, confirms(t, a, mailedToken(t, a, messaging.KindEmailChange), r.bearer))

	email := func(order string) (email string) {
		return as(t, a, seller).read(t, `query($id: ID!) { order(id: $id) { email } }`, apptest.Variables{"id": order}, "order.email")[0]
	}
	require.Equal(t, "new@example.jp", email(open))
	require.Equal(t, "hanako@example.jp", email(over), "what is over keeps the address that it went to")
	var cart struct{ Cart struct{ Email string } }
	r.do(t, `{ cart { email } }`, nil).Into(t, &cart)
	require.Equal(t, "new@example.jp", cart.Cart.Email)
	var seen struct {
		OrderTimeline struct {
			Nodes []struct{ Type, Detail string }
		}
	}
	as(t, a, seller)(`query($o: ID!) { orderTimeline(orderId: $o) { nodes { type detail } } }`, apptest.Variables{"o": open}).Into(t, &seen)
	require.Contains(t, fmt.Sprint(seen.OrderTimeline.Nodes), "{mail.sent order_confirmation}", "the order's mails before are still there")
	before := mails(t, a)
	r.due(t)
	r.run(t)
	openMails(t, a)
	require.Equal(t, []string{"new@example.jp"}, column(t, a, `SELECT DISTINCT args->'message'->'to'->>'email' FROM (SELECT args FROM river_job WHERE kind = 'send_message' ORDER BY id OFFSET $1) m`, before), "what is ordered from now on says the new address")

	// Staff find who it is by the new address, and what was ordered.
	found := func(email string) []string {
		return as(t, a, seller).read(t, `query($e: String!) { orders(filter: {email: $e}) { nodes { id } } }`, apptest.Variables{"e": email}, "orders.nodes")
	}
	require.Equal(t, []string{"2"}, found("new@example.jp"), "the open one, and the recurring one of today")
	require.Equal(t, []string{"1"}, found("hanako@example.jp"))
	unsealed(t, a, "hanako@", "new@")
}

func TestTheExportAndTheMemberSayTheNewAddress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	require.Empty(t, confirms(t, a, mailedToken(t, a, messaging.KindEmailChange), hanako.bearer))
	office := as(t, a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}})
	find := func(email string) []string {
		return office.read(t, `query($e: String!) { findMembers(by: {email: $e}) { email } }`, apptest.Variables{"e": email}, "findMembers")
	}
	require.Equal(t, []string{"1"}, find("new@example.jp"))
	require.Equal(t, []string{"0"}, find("hanako@example.jp"))

	var got struct{ ExportMember struct{ URL string } }
	hanako.do(t, `mutation { exportMember(input: {}) { url userErrors { code field } } }`, nil).Into(t, &got)
	response, err := http.Get(a.URL + got.ExportMember.URL[strings.Index(got.ExportMember.URL, "/member-exports/"):]) //nolint:noctx // of a test
	require.NoError(t, err)
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(raw), "new@example.jp")
	require.Contains(t, string(raw), "account.email_changed", "and that it was changed")
	require.NotContains(t, string(raw), "hanako@example.jp")

	audit := as(t, a, access.Actor{Role: access.RoleAdmin, ID: id.New()})
	require.Equal(t, []string{`{"after": {"email": "n***@***"}, "before": {"email": "h***@***"}}`}, audit.read(t,
		`query($id: ID!) { auditEvents(filter: {subjectId: $id, type: "account.email_changed"}) { nodes { data } } }`, apptest.Variables{"id": hanako.id}, "auditEvents.nodes.0.data"))
}

func TestStaffGiveANewAddressToWhoLostTheirs(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	a := d.App
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation($s: ID!) { joinMembership(input: {homeStoreId: $s}) { userErrors { code } } }`, apptest.Variables{"s": id.Global("Location", d.shibuya)})
	memberID := id.Global("Member", keyOf(t, hanako.id))
	give := apptest.Variables{"memberId": memberID, "email": "New@example.jp", "reason": "会員証と運転免許証で本人確認"}
	asks := func(who asking, input apptest.Variables) string {
		return who.done(t, "requestMemberEmailChange", "member { id email }", input, "member.email")[0]
	}
	require.Equal(t, "FORBIDDEN", asks(d.abroad, give), "another shop's member")
	require.Equal(t, "FORBIDDEN", asks(d.stranger, give))
	require.Equal(t, "UNAUTHENTICATED", asks(as(t, a, access.Guest), give))
	blind := as(t, a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberWrite}})
	require.Equal(t, "FORBIDDEN", asks(blind, give), "for whom the member is masked")
	require.Equal(t, "FORBIDDEN", asks(as(t, a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}}), give))
	require.Equal(t, "REQUIRED reason", asks(d.clerk, with(give, "reason", " ")))
	require.Equal(t, "TOO_LONG reason", asks(d.clerk, with(give, "reason", strings.Repeat("長", 201))))
	require.Equal(t, "EMAIL_INVALID email", asks(d.clerk, with(give, "email", "new")))
	require.Equal(t, "EMAIL_SAME email", asks(d.clerk, with(give, "email", "hanako@example.jp")))
	require.Equal(t, "MEMBER_ACCOUNT_MISSING memberId", asks(d.clerk, with(give, "memberId", d.hanako)), "who has a card alone")
	require.Equal(t, "NOT_FOUND memberId", asks(d.office, with(give, "memberId", id.Global("Member", id.New()))))
	require.Empty(t, lettersOf(t, a))

	require.Equal(t, "hanako@example.jp", asks(d.clerk, give), "nothing changes before it is confirmed")
	all := lettersOf(t, a)
	require.Equal(t, []string{"email_change new@example.jp", "email_change_asked hanako@example.jp"}, sentTo(all))
	require.Contains(t, string(all[1].Content), `"byShop": true`)
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "new@example.jp", goodPassword).code())
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'member.email_change_requested' AND subject_id = $1 AND actor_role = 'STORE_STAFF' AND data->>'reason' = $2`, keyOf(t, hanako.id), give["reason"]))
	require.Empty(t, confirms(t, a, mailedToken(t, a, messaging.KindEmailChange), ""))
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, hanako.bearer).Code(), "whoever was logged in is out")
	require.Equal(t, hanako.id, login(t, a, "new@example.jp", goodPassword).Account.ID)
	require.Equal(t, "email_changed hanako@example.jp", sentTo(lettersOf(t, a))[2])

	// An address that is taken, and a member who was erased.
	newCustomer(t, a, "taro@example.jp")
	require.Equal(t, "new@example.jp", asks(d.office, with(give, "email", "taro@example.jp")), "nobody is told who exists")
	require.Equal(t, "email_change_taken taro@example.jp", sentTo(lettersOf(t, a))[3])
	require.Empty(t, d.office(`mutation($id: ID!) { requestMemberErasure(input: {memberId: $id}) { request { state } userErrors { code } } }`, apptest.Variables{"id": memberID}).Code())
	require.Equal(t, "MEMBER_ERASED", asks(d.office, give))
	require.Equal(t, 0, countOf(t, a, `SELECT count(*) FROM events WHERE data->>'reason' = $1`, give["reason"]), "an erasure takes the reason")
}

func TestStaffChangesOfAddressAreLimited(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	hanako := newCustomer(t, d.App, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	for i := range 6 {
		got := d.office.done(t, "requestMemberEmailChange", "member { email }", apptest.Variables{
			"memberId": id.Global("Member", keyOf(t, hanako.id)), "email": fmt.Sprintf("new%d@example.jp", i), "reason": "本人確認済み",
		}, "member.email")[0]
		require.Equal(t, map[bool]string{true: "hanako@example.jp", false: "RATE_LIMITED"}[i < 5], got)
	}
}

// A request for word at the new address, and the member's own for the same, become one.
func TestRequestsForWordFollowTheAddressOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, toy := a.AddProduct(t, "leash", 1980).Variants[0], a.AddProduct(t, "toy", 300).Variants[0]
	exec(t, a, `UPDATE product_listings SET sold_out = 'NOTIFY_ME'`)
	exec(t, a, `UPDATE stock_levels SET on_hand = 0`)
	hanako := newCustomer(t, a, "hanako@example.jp")
	waits := func(headers []string, variant any, email string) {
		var got struct {
			RequestRestock struct{ UserErrors []userError }
		}
		input := apptest.Variables{"variantId": variant}
		if email != "" {
			input["email"] = email
		}
		a.Do(t, `mutation($input: RequestRestockInput!) { requestRestock(input: $input) { request { id } userErrors { code field } } }`, in(input), headers...).Into(t, &got)
		require.Empty(t, got.RequestRestock.UserErrors)
	}
	waits(hanako.headers(), globalID("Variant", leash), "")
	waits(hanako.headers(), globalID("Variant", toy), "")
	waits(nil, globalID("Variant", leash), "new@example.jp")
	require.Empty(t, hanako.moves(t, "new@example.jp"))
	require.Empty(t, confirms(t, a, mailedToken(t, a, messaging.KindEmailChange), hanako.bearer))
	require.Equal(t, 2, countOf(t, a, `SELECT count(*) FROM restock_requests WHERE notified_at IS NULL AND closed_at IS NULL`), "one mail for each")
	require.Equal(t, 1, countOf(t, a, `SELECT count(DISTINCT coalesce(lasting_hash, '')) FROM restock_requests WHERE notified_at IS NULL AND closed_at IS NULL`), "all at the new address")
	require.Equal(t, 2, countOf(t, a, `SELECT count(*) FROM restock_requests WHERE member_id = $1 AND notified_at IS NULL AND closed_at IS NULL`, keyOf(t, hanako.id)), "and all the member's")
}

// column reads the single text of every row.
func column(t testing.TB, a *apptest.App, sql string, args ...any) []string {
	t.Helper()
	rows, err := a.DB.Pool().Query(t.Context(), sql, args...)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return all
}
