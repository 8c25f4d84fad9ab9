package resolvers_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
)

// keySet fetches the published keys by kid.
func keySet(t testing.TB, a *apptest.App) map[string]ed25519.PublicKey {
	t.Helper()
	response, err := http.Get(a.URL + "/.well-known/jwks.json")
	require.NoError(t, err)
	defer response.Body.Close()
	var set struct {
		Keys []struct{ Kty, Crv, Alg, Kid, X string }
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&set))
	found := map[string]ed25519.PublicKey{}
	for _, k := range set.Keys {
		require.Equal(t, []string{"OKP", "Ed25519", "EdDSA"}, []string{k.Kty, k.Crv, k.Alg})
		raw, err := base64.RawURLEncoding.DecodeString(k.X)
		require.NoError(t, err)
		found[k.Kid] = raw
	}
	return found
}

// claimsOf verifies a token with the published keys, as a partner would.
func claimsOf(t testing.TB, a *apptest.App, token string) (jwt.MapClaims, string) {
	t.Helper()
	claims, keyID := jwt.MapClaims{}, ""
	_, err := jwt.ParseWithClaims(token, claims, func(parsed *jwt.Token) (any, error) {
		keyID = parsed.Header["kid"].(string)
		return keySet(t, a)[keyID], nil
	}, jwt.WithValidMethods([]string{"EdDSA"}))
	require.NoError(t, err)
	return claims, keyID
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t, func(c *app.Config) { c.PublicURL = "https://api.example.jp" })
	registered := register(t, a, "hanako@example.jp", goodPassword)
	claims, keyID := claimsOf(t, a, registered.Tokens.AccessToken)
	require.Equal(t, "https://api.example.jp", claims["iss"])
	require.Equal(t, "MEMBER", claims["role"])

	_, stranger, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	keys, err := identity.NewKeys(postgres.NewSigningKeys(a.DB), app.DevSecret, clock.System)
	require.NoError(t, err)
	own := func(issuer string, at clock.Clock) string {
		session, account := sessionOf(t, claims)
		token, _, err := identity.NewTokens(keys, issuer, at).Issue(t.Context(), account, session)
		require.NoError(t, err)
		return token
	}
	forge := func(method jwt.SigningMethod, key any, kid string) string {
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		require.NoError(t, err)
		return signed
	}
	longAgo := clock.Fixed(time.Now().Add(-time.Hour))
	for name, c := range map[string]struct{ token, code string }{
		"alg none":         {forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, keyID), "TOKEN_INVALID"},
		"public key as HS": {forge(jwt.SigningMethodHS256, []byte(keySet(t, a)[keyID]), keyID), "TOKEN_INVALID"},
		"another key":      {forge(jwt.SigningMethodEdDSA, stranger, keyID), "TOKEN_INVALID"},
		"unknown kid":      {forge(jwt.SigningMethodEdDSA, stranger, "unknown"), "TOKEN_INVALID"},
		"another issuer":   {own("https://elsewhere.example", clock.System), "TOKEN_INVALID"},
		"expired":          {own("https://api.example.jp", longAgo), "TOKEN_EXPIRED"},
		"cut off":          {registered.Tokens.AccessToken[:40], "TOKEN_INVALID"},
		"nothing":          {"", "TOKEN_INVALID"},
	} {
		answer := whoami(t, a, "Bearer "+c.token)
		require.Equal(t, http.StatusUnauthorized, answer.Status, name)
		require.Equal(t, c.code, answer.Code(), name)
	}
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, "Basic aGFuYWtv").Code())
	require.Equal(t, http.StatusOK, whoami(t, a, "Bearer "+own("https://api.example.jp", clock.System)).Status, "the forger's own tools work")
}

func TestTokenOfADeletedUserIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registered := register(t, a, "hanako@example.jp", goodPassword)
	_, err := a.DB.Pool().Exec(t.Context(), `UPDATE accounts SET closed_at = now()`)
	require.NoError(t, err)
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, registered.bearer()).Code())
	require.Equal(t, "REFRESH_TOKEN_INVALID", refresh(t, a, registered.Tokens.RefreshToken).code())
	require.Equal(t, "CREDENTIALS_INVALID", login(t, a, "hanako@example.jp", goodPassword).code())
	require.Empty(t, register(t, a, "hanako@example.jp", goodPassword).UserErrors, "the address is free again")
}

func TestKeysRotateWithoutAnybodyNoticing(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	before := register(t, a, "hanako@example.jp", goodPassword)
	_, oldKey := claimsOf(t, a, before.Tokens.AccessToken)

	planned, err := a.App.Accounts.Keys.Rotate(t.Context(), false)
	require.NoError(t, err)
	require.Contains(t, keySet(t, a), planned.ID, "published before it signs")
	_, signedBy := claimsOf(t, a, refresh(t, a, before.Tokens.RefreshToken).Tokens.AccessToken)
	require.Equal(t, oldKey, signedBy)
	require.Equal(t, http.StatusOK, whoami(t, a, before.bearer()).Status)

	leaked, err := a.App.Accounts.Keys.Rotate(t.Context(), true)
	require.NoError(t, err)
	require.Equal(t, "TOKEN_INVALID", whoami(t, a, before.bearer()).Code())
	after := login(t, a, "hanako@example.jp", goodPassword)
	_, signedBy = claimsOf(t, a, after.Tokens.AccessToken)
	require.Equal(t, leaked.ID, signedBy)
	require.Len(t, keySet(t, a), 1)
}

func TestAccessTokensCostNoQuestionEachTime(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registered := register(t, a, "hanako@example.jp", goodPassword)
	require.Equal(t, 2, whoami(t, a, registered.bearer()).Statements, "the session, then the account")
	require.Equal(t, 1, whoami(t, a, registered.bearer()).Statements, "the account alone")
}

// sessionOf reads back what an access token was issued for.
func sessionOf(t testing.TB, claims jwt.MapClaims) (uuid.UUID, identity.Account) {
	t.Helper()
	session, err := uuid.Parse(claims["sid"].(string))
	require.NoError(t, err)
	account, err := uuid.Parse(claims["sub"].(string))
	require.NoError(t, err)
	return session, identity.Account{ID: account, Role: access.Role(claims["role"].(string))}
}
