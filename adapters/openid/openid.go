// Package openid lets members log in through OpenID Connect providers: any that
// has a discovery document, by settings alone.
package openid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/identity"
)

const (
	// patience bounds one call of a provider.
	patience = 10 * time.Second
	// respite is how long a provider that did not answer is not asked again.
	respite = 3 * time.Second
)

// Settings describe a provider and noren's client there.
type Settings struct {
	Key          string   `json:"key"`    // names it to clients: "google"
	Name         string   `json:"name"`   // for people: "Google"
	Issuer       string   `json:"issuer"` // whose /.well-known/openid-configuration says the rest
	ClientID     string   `json:"clientId"`
	ClientSecret string   `json:"clientSecret"`
	Scopes       []string `json:"scopes"` // openid, email and profile when empty
	// SharedSecret says that ID tokens are signed (HS256) with the client's secret,
	// as LINE's are.
	SharedSecret bool `json:"sharedSecret"`
	// Parameters go into the authorization URL besides: {"response_mode": "form_post"}.
	Parameters map[string]string `json:"parameters"`
}

// Check fails on what is missing or unsafe.
func (s Settings) Check() error {
	issuer, err := url.Parse(s.Issuer)
	switch {
	case s.Key == "" || s.Name == "" || s.ClientID == "":
		return fmt.Errorf("the provider %q needs key, name, issuer and clientId", s.Key)
	case err != nil || issuer.Host == "":
		return fmt.Errorf("the provider %q needs an issuer such as https://accounts.google.com", s.Key)
	case issuer.Scheme != "https" && issuer.Hostname() != "127.0.0.1" && issuer.Hostname() != "localhost":
		return fmt.Errorf("the provider %q needs an https:// issuer", s.Key)
	case s.SharedSecret && s.ClientSecret == "":
		return fmt.Errorf("the provider %q has no clientSecret to check its tokens by", s.Key)
	}
	return nil
}

// Provider is one provider. What it says of itself is read when it is first
// needed, so that noren starts without it.
type Provider struct {
	settings    Settings
	redirectURL string
	client      *http.Client

	mutex  sync.Mutex
	known  *discovered
	failed error // why it is not known
	askAt  time.Time
}

// discovered is what a provider says of itself.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
}

// New makes the provider, which sends people back to the redirect URL.
func New(settings Settings, redirectURL string) (*Provider, error) {
	if err := settings.Check(); err != nil {
		return nil, err
	}
	return &Provider{settings: settings, redirectURL: redirectURL, client: &http.Client{Timeout: patience}}, nil
}

// Key names the provider to clients.
func (p *Provider) Key() string { return p.settings.Key }

// Name is the provider's name for people.
func (p *Provider) Name() string { return p.settings.Name }

// discover reads what the provider says of itself, once. Callers who wait for a
// provider that does not answer share the answer that it does not.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.known != nil || time.Now().Before(p.askAt) {
		return p.known, p.failed
	}
	// The first caller asks for all: that it hangs up must not count as a failure.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.settings.Issuer)
	if err != nil {
		p.failed = errors.Join(fault.ErrUnavailable, fmt.Errorf("discover the provider %s: %w", p.settings.Key, err))
		p.askAt = time.Now().Add(respite)
		return nil, p.failed
	}
	p.failed = nil
	scopes := p.settings.Scopes
	if len(scopes) == 0 {
		scopes = []string{oidc.ScopeOpenID, "email", "profile"}
	}
	p.known = &discovered{provider: provider, verifier: p.verifier(provider), oauth: oauth2.Config{
		ClientID: p.settings.ClientID, ClientSecret: p.settings.ClientSecret,
		Endpoint: provider.Endpoint(), RedirectURL: p.redirectURL, Scopes: scopes,
	}}
	return p.known, nil
}

func (p *Provider) verifier(provider *oidc.Provider) *oidc.IDTokenVerifier {
	config := &oidc.Config{ClientID: p.settings.ClientID}
	if p.settings.SharedSecret {
		config.SupportedSigningAlgs = []string{string(jose.HS256)}
		return oidc.NewVerifier(p.settings.Issuer, sharedSecret(p.settings.ClientSecret), config)
	}
	return provider.Verifier(config)
}

// sharedSecret checks tokens that are signed with the client's secret.
type sharedSecret []byte

// VerifySignature is the payload of a token that the secret signed.
func (s sharedSecret) VerifySignature(_ context.Context, token string) ([]byte, error) {
	signed, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return nil, err
	}
	return signed.Verify([]byte(s))
}

// AuthorizationURL is where the person logs in.
func (p *Provider) AuthorizationURL(ctx context.Context, a identity.Attempt) (string, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)}
	for name, value := range p.settings.Parameters {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	return known.oauth.AuthCodeURL(a.State, options...), nil
}

// Redeem gives who the person is for the code that came back.
func (p *Provider) Redeem(ctx context.Context, code string, a identity.Attempt) (identity.Person, error) {
	known, err := p.discover(ctx)
	if err != nil {
		return identity.Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := known.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return identity.Person{}, p.refused("redeem the code", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := known.verifier.Verify(ctx, raw)
	if err != nil {
		return identity.Person{}, p.refused("verify the ID token", err)
	}
	var said claims
	switch err := token.Claims(&said); {
	case err != nil:
		return identity.Person{}, p.refused("read the ID token", err)
	case token.Nonce != a.Nonce || token.Subject == "":
		return identity.Person{}, p.refused("verify the ID token", errors.New("it belongs to another attempt"))
	case len(token.Audience) > 1 && said.AuthorizedParty != p.settings.ClientID:
		return identity.Person{}, p.refused("verify the ID token", errors.New("it was made for another client"))
	}
	if said.Email == "" {
		if err := p.ask(ctx, known, tokens, token.Subject, &said); err != nil {
			return identity.Person{}, err
		}
	}
	return identity.Person{
		Issuer: token.Issuer, Subject: token.Subject,
		Email: said.Email, EmailVerified: bool(said.EmailVerified) && said.Email != "", Name: said.Name,
	}, nil
}

// ask reads what the ID token leaves out from the userinfo endpoint, if the
// provider has one (OpenID Connect Core §5.4).
func (p *Provider) ask(ctx context.Context, known *discovered, tokens *oauth2.Token, subject string, said *claims) error {
	if known.provider.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := known.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return p.refused("ask for the person's address", err)
	}
	if info.Subject != subject {
		return p.refused("ask for the person's address", errors.New("the answer is about somebody else"))
	}
	return info.Claims(said)
}

// claims are what noren reads of a person.
type claims struct {
	Email           string `json:"email"`
	EmailVerified   truth  `json:"email_verified"`
	Name            string `json:"name"`
	AuthorizedParty string `json:"azp"`
}

// truth is a boolean that some providers write as a string.
type truth bool

// UnmarshalJSON takes true and "true" for true, all else for false.
func (t *truth) UnmarshalJSON(raw []byte) error {
	*t = truth(strings.Trim(string(raw), `"`) == "true")
	return nil
}

// refused tells a provider that cannot be reached from one that says no.
func (p *Provider) refused(doing string, err error) error {
	err = fmt.Errorf("%s at the provider %s: %w", doing, p.settings.Key, err)
	var network *url.Error
	var answer *oauth2.RetrieveError
	if errors.As(err, &network) || errors.As(err, &answer) && answer.Response != nil && answer.Response.StatusCode >= 500 {
		return errors.Join(fault.ErrUnavailable, err)
	}
	return errors.Join(identity.ErrSSORefused, err)
}

// List is the settings of several providers; it reads from a JSON array.
type List struct {
	Settings []Settings
	problem  error
}

// UnmarshalText reads a JSON array of settings. What is wrong with it is said by
// Check: a command line that cannot read a setting repeats it, secrets and all.
func (l *List) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		l.problem = json.Unmarshal(text, &l.Settings)
	}
	return nil
}

// Check fails on what is no array of providers, and on what is missing or unsafe.
func (l *List) Check() error {
	if l.problem != nil {
		return fmt.Errorf("must be a JSON array of providers: %w", l.problem)
	}
	keys := map[string]bool{}
	for _, s := range l.Settings {
		if err := s.Check(); err != nil {
			return err
		}
		if keys[s.Key] {
			return fmt.Errorf("the provider %q is there twice", s.Key)
		}
		keys[s.Key] = true
	}
	return nil
}
