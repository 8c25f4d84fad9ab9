package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/noren-commerce/noren/adapters/openid"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
)

// SSOConfig is where members may log in besides.
type SSOConfig struct {
	SSOProviders  openid.List `name:"sso-providers" env:"NOREN_SSO_PROVIDERS" help:"OpenID Connect providers, a JSON array: [{\"key\":\"google\",\"name\":\"Google\",\"issuer\":\"https://accounts.google.com\",\"clientId\":\"…\",\"clientSecret\":\"…\"}]. See docs/sso.md."`
	SSOReturnURLs []string    `name:"sso-return-urls" env:"NOREN_SSO_RETURN_URLS" help:"Pages and app links to which people come back from a provider, comma-separated and exact: https://shop.example.jp/login/done,jp.example.shop:/login."`
}

// check fails on what cannot work or is not safe.
func (c SSOConfig) check() error {
	if err := c.SSOProviders.Check(); err != nil {
		return setting("NOREN_SSO_PROVIDERS", "is not right: %v", err)
	}
	if len(c.SSOProviders.Settings) > 0 && len(c.SSOReturnURLs) == 0 {
		return setting("NOREN_SSO_RETURN_URLS", "must name the pages to which people come back from a provider")
	}
	unsafe := func(raw string) bool {
		u, err := url.Parse(raw)
		return err != nil || u.Scheme == "" || u.Fragment != "" ||
			slices.Contains([]string{"javascript", "data", "file"}, u.Scheme) || u.Scheme == "http" && !local(u.Hostname())
	}
	if i := slices.IndexFunc(c.SSOReturnURLs, unsafe); i >= 0 {
		return setting("NOREN_SSO_RETURN_URLS", "has %q, and must have https:// pages or an app's own links", c.SSOReturnURLs[i])
	}
	return nil
}

// ssoReturnPath is where providers send people back to: the one redirect URL to
// register with each.
const ssoReturnPath = "/sso/return"

func newSSO(c Config, db *postgres.DB, accounts *identity.Service) (*identity.SSO, error) {
	if err := c.SSOConfig.check(); err != nil {
		return nil, err
	}
	providers := make([]identity.Provider, len(c.SSOProviders.Settings))
	for i, settings := range c.SSOProviders.Settings {
		provider, err := openid.New(settings, c.PublicURL+ssoReturnPath)
		if err != nil {
			return nil, fmt.Errorf("NOREN_SSO_PROVIDERS: %w", err)
		}
		providers[i] = provider
	}
	return identity.NewSSO(accounts, postgres.NewAccounts(db), providers, c.SSOReturnURLs, c.Secret)
}

// maxReturned bounds what a provider posts.
const maxReturned = 64 << 10

// ssoReturn hands what a provider says on to the page where the person began. Some
// providers come by GET, Apple posts a form.
func (a *App) ssoReturn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxReturned)
	target, err := a.SSO.ReturnURL(r.FormValue("state"))
	if err != nil {
		http.Error(w, identity.ErrSSOState.Message(i18n.Language(r.Context())), http.StatusBadRequest)
		return
	}
	back, err := url.Parse(target)
	if err != nil {
		http.Error(w, identity.ErrSSOReturnURL.EN, http.StatusBadRequest)
		return
	}
	query := back.Query()
	for _, name := range []string{"code", "state", "error"} {
		if value := r.FormValue(name); value != "" {
			query.Set(name, value)
		}
	}
	back.RawQuery = query.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, back.String(), http.StatusSeeOther) //nolint:gosec // the target was sealed by noren, from its settings
}
