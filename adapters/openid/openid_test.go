package openid_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/openid"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
)

const clientSecret = "a secret of at least thirty-two bytes"

// forger is a provider that hands out whatever ID token the test makes.
type forger struct {
	*httptest.Server
	key      *rsa.PrivateKey
	token    string
	userinfo map[string]any
	form     url.Values // what noren sent for a token
	status   int
}

func newForger(t *testing.T) *forger {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	f := &forger{key: key, status: http.StatusOK}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(f.status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token",
			"jwks_uri": f.URL + "/keys", "userinfo_endpoint": f.URL + "/userinfo", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		f.form = r.PostForm
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": f.token})
	})
	mux.HandleFunc("/userinfo", func(w http.ResponseWriter, _ *http.Request) { answer(w, f.userinfo) })
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, claims map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	signed, err := signer.Sign(payload)
	require.NoError(t, err)
	token, err := signed.CompactSerialize()
	require.NoError(t, err)
	return token
}

var attempt = identity.Attempt{State: "state", Nonce: "nonce", Verifier: "a-verifier-of-more-than-forty-three-characters"}

func (f *forger) provider(t *testing.T, change ...func(*openid.Settings)) *openid.Provider {
	settings := openid.Settings{Key: "forger", Name: "Forger", Issuer: f.URL, ClientID: "noren", ClientSecret: clientSecret}
	for _, c := range change {
		c(&settings)
	}
	p, err := openid.New(settings, "https://noren.test/sso/return")
	require.NoError(t, err)
	return p
}

func (f *forger) claims(change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": f.URL, "aud": "noren", "sub": "hanako", "nonce": attempt.Nonce, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"email": "hanako@example.jp", "email_verified": true, "name": "花子",
	}
	for k, v := range change {
		claims[k] = v
	}
	return claims
}

func TestTokenThatFitsTellsThePerson(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	f.token = sign(t, jose.RS256, f.key, f.claims(nil))
	person, err := f.provider(t).Redeem(t.Context(), "code", attempt)
	require.NoError(t, err)
	require.Equal(t, identity.Person{Issuer: f.URL, Subject: "hanako", Email: "hanako@example.jp", EmailVerified: true, Name: "花子"}, person)
	require.Equal(t, attempt.Verifier, f.form.Get("code_verifier"))
	require.Equal(t, "https://noren.test/sso/return", f.form.Get("redirect_uri"))
}

func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := json.Marshal(f.key.Public())
	require.NoError(t, err)
	for name, token := range map[string]string{
		"none at all":           "",
		"unsigned":              "eyJhbGciOiJub25lIn0.eyJzdWIiOiJoYW5ha28ifQ.",
		"a stranger's key":      sign(t, jose.RS256, stranger, f.claims(nil)),
		"the public key as MAC": sign(t, jose.HS256, public, f.claims(nil)),
		"the client's secret":   sign(t, jose.HS256, []byte(clientSecret), f.claims(nil)),
		"another issuer":        sign(t, jose.RS256, f.key, f.claims(map[string]any{"iss": "https://evil.example"})),
		"another client":        sign(t, jose.RS256, f.key, f.claims(map[string]any{"aud": "other"})),
		"another party":         sign(t, jose.RS256, f.key, f.claims(map[string]any{"aud": []string{"noren", "other"}, "azp": "other"})),
		"another attempt":       sign(t, jose.RS256, f.key, f.claims(map[string]any{"nonce": "old"})),
		"expired":               sign(t, jose.RS256, f.key, f.claims(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()})),
		"nobody":                sign(t, jose.RS256, f.key, f.claims(map[string]any{"sub": ""})),
	} {
		f.token = token
		_, err := f.provider(t).Redeem(t.Context(), "code", attempt)
		require.ErrorIs(t, err, identity.ErrSSORefused, name)
		require.NotErrorIs(t, err, fault.ErrUnavailable, name)
	}
}

func TestProviderThatSignsWithTheSharedSecret(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	shared := f.provider(t, func(s *openid.Settings) { s.SharedSecret = true })
	f.token = sign(t, jose.HS256, []byte(clientSecret), f.claims(map[string]any{"email_verified": nil}))
	person, err := shared.Redeem(t.Context(), "code", attempt)
	require.NoError(t, err)
	require.False(t, person.EmailVerified, "an address that nobody vouches for")
	f.token = sign(t, jose.HS256, []byte("another secret of thirty-two bytes or more"), f.claims(nil))
	_, err = shared.Redeem(t.Context(), "code", attempt)
	require.ErrorIs(t, err, identity.ErrSSORefused)
}

func TestAddressIsAskedForWhenTheTokenLeavesItOut(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	f.token = sign(t, jose.RS256, f.key, f.claims(map[string]any{"email": nil, "email_verified": nil}))
	f.userinfo = map[string]any{"sub": "hanako", "email": "hanako@example.jp", "email_verified": "true"}
	person, err := f.provider(t).Redeem(t.Context(), "code", attempt)
	require.NoError(t, err)
	require.Equal(t, "hanako@example.jp", person.Email)
	require.True(t, person.EmailVerified, "Apple writes a string")
	f.userinfo["sub"] = "taro"
	_, err = f.provider(t).Redeem(t.Context(), "code", attempt)
	require.ErrorIs(t, err, identity.ErrSSORefused)
}

func TestProviderThatFailsIsUnavailable(t *testing.T) {
	t.Parallel()
	f := newForger(t)
	p := f.provider(t)
	f.status = http.StatusBadGateway
	_, err := p.AuthorizationURL(t.Context(), attempt)
	require.ErrorIs(t, err, fault.ErrUnavailable)
	f.status = http.StatusOK
	_, err = p.AuthorizationURL(t.Context(), attempt)
	require.ErrorIs(t, err, fault.ErrUnavailable, "it is left in peace for a while")
	p.AskAgain()
	_, err = p.AuthorizationURL(t.Context(), attempt)
	require.NoError(t, err, "it is asked again")
	f.status = http.StatusBadGateway
	_, err = p.Redeem(t.Context(), "code", attempt)
	require.ErrorIs(t, err, fault.ErrUnavailable)
	f.Close()
	_, err = p.Redeem(t.Context(), "code", attempt)
	require.ErrorIs(t, err, fault.ErrUnavailable)
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for text, complaint := range map[string]string{
		`{}`:            "JSON array",
		`[{"key":"x"}]`: "needs key, name",
		`[{"key":"x","name":"X","clientId":"c","issuer":"http://evil.example"}]`:                   "https://",
		`[{"key":"x","name":"X","clientId":"c","issuer":"nothing"}]`:                               "needs an issuer",
		`[{"key":"x","name":"X","clientId":"c","issuer":"https://a.example","sharedSecret":true}]`: "no clientSecret",
	} {
		var list openid.List
		require.NoError(t, list.UnmarshalText([]byte(text)))
		require.ErrorContains(t, list.Check(), complaint)
	}
	var list openid.List
	require.NoError(t, list.UnmarshalText([]byte(`[{"key":"line","name":"LINE","issuer":"https://access.line.me","clientId":"1","clientSecret":"s","sharedSecret":true}]`)))
	require.NoError(t, list.Check())
	require.Len(t, list.Settings, 1)
	list.Settings = append(list.Settings, list.Settings[0])
	require.ErrorContains(t, list.Check(), "twice")
}
