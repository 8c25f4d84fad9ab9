package resolvers_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/identity"
)

const loginFields = `tokens { accessToken expiresAt refreshToken } account { id email role emailVerified } userErrors { code field message }`

const goodPassword = "correct horse battery"

type loginAnswer struct {
	Tokens  *struct{ AccessToken, ExpiresAt, RefreshToken string }
	Account *struct {
		ID, Email, Role string
		EmailVerified   bool
	}
	UserErrors []userError
}

func (l loginAnswer) code() string {
	if len(l.UserErrors) == 0 {
		return ""
	}
	return l.UserErrors[0].Code
}

func (l loginAnswer) bearer() string { return "Bearer " + l.Tokens.AccessToken }

func register(t testing.TB, a *apptest.App, email, password string, headers ...string) loginAnswer {
	t.Helper()
	var got struct{ Register loginAnswer }
	a.Do(t, `mutation($e: String!, $p: String!) { register(input: {email: $e, password: $p}) { `+loginFields+` } }`,
		apptest.Variables{"e": email, "p": password}, headers...).Into(t, &got)
	return got.Register
}

func login(t testing.TB, a *apptest.App, email, password string, headers ...string) loginAnswer {
	t.Helper()
	var got struct{ Login loginAnswer }
	a.Do(t, `mutation($e: String!, $p: String!) { login(input: {email: $e, password: $p}) { `+loginFields+` } }`,
		apptest.Variables{"e": email, "p": password}, headers...).Into(t, &got)
	return got.Login
}

func refresh(t testing.TB, a *apptest.App, token string) loginAnswer {
	t.Helper()
	var got struct{ RefreshToken loginAnswer }
	a.Do(t, `mutation($t: String!) { refreshToken(input: {refreshToken: $t}) { `+loginFields+` } }`,
		apptest.Variables{"t": token}).Into(t, &got)
	return got.RefreshToken
}

// whoami asks as the holder of the bearer token.
func whoami(t testing.TB, a *apptest.App, bearer string) apptest.Answer {
	t.Helper()
	return a.Do(t, `{ me { email role } }`, nil, "Authorization", bearer)
}

func TestMemberRegistersAndLogsIn(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registered := register(t, a, " Hanako@Example.JP ", goodPassword)
	require.Empty(t, registered.UserErrors)
	require.Equal(t, "hanako@example.jp", registered.Account.Email)
	require.Equal(t, "MEMBER", registered.Account.Role)

	var me struct{ Me *struct{ Email, Role string } }
	whoami(t, a, registered.bearer()).Into(t, &me)
	require.Equal(t, "hanako@example.jp", me.Me.Email)
	a.Do(t, `{ me { email } }`, nil).Into(t, &me)
	require.Nil(t, me.Me, "a guest is nobody")

	require.Equal(t, "EMAIL_TAKEN", register(t, a, "hanako@example.jp", goodPassword).code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", "wrong password").code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "nobody@example.jp", goodPassword).code())
	again := login(t, a, "HANAKO@example.jp", goodPassword)
	require.Equal(t, registered.Account.ID, again.Account.ID)
	require.NotEqual(t, registered.Tokens.RefreshToken, again.Tokens.RefreshToken)
}

func TestBadRegistrationsAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for name, c := range map[string]struct{ email, password, code string }{
		"no address":       {"hanako", goodPassword, "EMAIL_INVALID"},
		"named address":    {"Hanako <hanako@example.jp>", goodPassword, "EMAIL_INVALID"},
		"short password":   {"hanako@example.jp", "short", "PASSWORD_TOO_SHORT"},
		"the address":      {"hanako@example.jp", "hanako@example.jp", "PASSWORD_GUESSABLE"},
		"a well-known one": {"hanako@example.jp", "Password1234", "PASSWORD_GUESSABLE"},
		"a run":            {"hanako@example.jp", "1234567890", "PASSWORD_GUESSABLE"},
	} {
		require.Equal(t, c.code, register(t, a, c.email, c.password).code(), name)
	}
	both := register(t, a, "hanako", "short")
	require.Len(t, both.UserErrors, 2, "all that is wrong is said at once")
	require.Equal(t, []string{"email"}, both.UserErrors[0].Field)
}

func TestGuestCartMergesAtLogin(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, toy := a.AddProduct(t, "leash", 1980), a.AddProduct(t, "toy", 300, 310, 320, 330, 340)
	first := &shopper{App: a}
	first.add(t, leash.Variants[0], 1)
	registered := register(t, a, "hanako@example.jp", goodPassword, "X-Cart-Token", first.token)
	require.Empty(t, registered.UserErrors)

	second := &shopper{App: a}
	second.add(t, leash.Variants[0], 2)
	second.add(t, toy.Variants[0], 1)
	for _, v := range toy.Variants[1:] {
		second.add(t, v, 1)
	}
	again := login(t, a, "hanako@example.jp", goodPassword, "X-Cart-Token", second.token)
	var mine struct {
		Cart struct {
			Lines []struct {
				Quantity int
				Variant  struct{ ID string }
			}
		}
	}
	a.Do(t, `{ cart { lines { quantity variant { id } } } }`, nil, "Authorization", again.bearer()).Into(t, &mine)
	require.Len(t, mine.Cart.Lines, 6)
	require.Equal(t, 3, mine.Cart.Lines[0].Quantity)
	for i, v := range toy.Variants {
		require.Equal(t, globalID("Variant", v), mine.Cart.Lines[i+1].Variant.ID, "in the order in which they were put in")
	}
	var left struct{ Cart *struct{ ID string } }
	a.Do(t, `{ cart { id } }`, nil, "X-Cart-Token", second.token).Into(t, &left)
	require.Nil(t, left.Cart, "the guest's cart is spent")
}

func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	one := register(t, a, "hanako@example.jp", goodPassword)
	two := refresh(t, a, one.Tokens.RefreshToken)
	require.Empty(t, two.UserErrors)
	require.Equal(t, http.StatusOK, whoami(t, a, two.bearer()).Status)
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, "UNKNOWN").code())

	other := login(t, a, "hanako@example.jp", goodPassword)
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, one.Tokens.RefreshToken).code(), "an old token returns")
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, two.Tokens.RefreshToken).code(), "the whole family is revoked")
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, two.bearer()).Code())
	require.Empty(t, refresh(t, a, other.Tokens.RefreshToken).UserErrors, "other sessions live on")
}

func TestRefreshTokenUsedTwiceAtOnceEndsItsSession(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registered := register(t, a, "hanako@example.jp", goodPassword)
	var granted atomic.Int32
	var next atomic.Value
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if got := refresh(t, a, registered.Tokens.RefreshToken); got.Tokens != nil {
				granted.Add(1)
				next.Store(got.Tokens.RefreshToken)
			}
		})
	}
	group.Wait()
	require.Equal(t, int32(1), granted.Load(), "one use wins")
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, next.Load().(string)).code(), "and its successor is void")
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registered := register(t, a, "hanako@example.jp", goodPassword)
	logout := `mutation { logout { userErrors { code } } }`
	require.Equal(t, "UNAUTHENTICATED", a.Do(t, logout, nil).Code())
	var out struct {
		Logout struct{ UserErrors []userError }
	}
	a.Do(t, logout, nil, "Authorization", registered.bearer()).Into(t, &out)
	require.Empty(t, out.Logout.UserErrors)
	refused := whoami(t, a, registered.bearer())
	require.Equal(t, http.StatusUnauthorized, refused.Status)
	require.Equal(t, "TOKEN_INVALID", refused.Code())
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, registered.Tokens.RefreshToken).code())
}

func TestOldHashesAreRenewedAtLogin(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	register(t, a, "hanako@example.jp", goodPassword)
	cheap, err := identity.NewHasher(identity.HashParams{Memory: 64, Time: 1, Threads: 1}).Hash(t.Context(), goodPassword)
	require.NoError(t, err)
	_, err = a.DB.Pool().Exec(t.Context(), `UPDATE accounts SET password = $1`, cheap)
	require.NoError(t, err)
	require.Empty(t, login(t, a, "hanako@example.jp", goodPassword).UserErrors)
	var stored string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT password FROM accounts`).Scan(&stored))
	require.Contains(t, stored, "m=19456,t=2,p=1")
	require.Empty(t, login(t, a, "hanako@example.jp", goodPassword).UserErrors)
}
