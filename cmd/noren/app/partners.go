package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/partner"
	"github.com/noren-commerce/noren/storage/postgres"
)

func newPartners(db *postgres.DB, now clock.Clock) *partner.Service {
	return partner.New(partner.Parts{Tx: db, Store: postgres.NewPartners(db), Events: postgres.NewEvents(db), Now: now})
}

// asPartner lets callers with a partner's key or token act as that partner, within
// its brand and as often as it may. Everyone else passes untouched.
func (a *App) asPartner(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		grant, ok := partner.From(ctx)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if grant.BrandID != channel.From(ctx).BrandID {
			a.Edge.WriteFault(w, r, partner.ErrOtherBrand)
			return
		}
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			a.Edge.WriteFault(w, r, fault.ErrForbidden) // what runs on a socket could not be counted
			return
		}
		verdict := a.Limiter.Allow(ctx, "partner:"+grant.ID.String(), grant.Rate())
		tellRate(w.Header(), "partner", grant.Rate(), verdict)
		if !verdict.Allowed {
			a.Edge.WriteFault(w, r, partner.ErrLimited)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tellRate says how often a caller may try, and when again (RFC 9110 §10.2.3 and
// the RateLimit fields of the IETF's draft).
func tellRate(h http.Header, name string, rate limit.Rate, v limit.Verdict) {
	retry := int(math.Ceil(v.RetryAfter.Seconds()))
	h.Set("RateLimit-Policy", fmt.Sprintf("%q;q=%d;w=%d", name, rate.Allowed, int(rate.Per.Seconds())))
	h.Set("RateLimit", fmt.Sprintf("%q;r=%d;t=%d", name, max(v.Remaining, 0), retry))
	if !v.Allowed {
		h.Set("Retry-After", fmt.Sprint(max(retry, 1)))
	}
}

// partnerCredential is the partner's key or token that the request carries, if any.
func partnerCredential(r *http.Request) string {
	if key := r.Header.Get("X-API-Key"); key != "" {
		return key
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); strings.EqualFold(scheme, "Bearer") && partner.IsCredential(token) {
		return token
	}
	return ""
}

// tokenRate is how often one address may ask for tokens.
func tokenRate() limit.Rate { return limit.Rate{Allowed: 60, Burst: 20, Per: time.Minute} }

// maxTokenRequest bounds the body of a token request, in bytes.
const maxTokenRequest = 8 << 10

// tokens is the token endpoint of OAuth 2.0 for client credentials (RFC 6749 §4.4).
func (a *App) tokens(w http.ResponseWriter, r *http.Request) {
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	verdict := a.Limiter.Allow(r.Context(), "oauth:"+address, tokenRate())
	tellRate(w.Header(), "token", tokenRate(), verdict)
	if !verdict.Allowed {
		sayOAuth(w, http.StatusTooManyRequests, map[string]any{"error": "temporarily_unavailable", "error_description": "too many requests"})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenRequest)
	id, secret, form, problem := tokenRequest(r)
	if problem != "" {
		sayOAuth(w, http.StatusBadRequest, map[string]any{"error": problem})
		return
	}
	scopes := make([]access.Permission, 0)
	for _, s := range strings.Fields(form.Get("scope")) {
		scopes = append(scopes, access.Permission(s))
	}
	token, err := a.Partners.IssueToken(r.Context(), id, secret, scopes)
	if err != nil {
		refuseToken(w, err)
		return
	}
	names := make([]string, len(token.Scopes))
	for i, s := range token.Scopes {
		names[i] = string(s)
	}
	sayOAuth(w, http.StatusOK, map[string]any{
		"access_token": token.Secret, "token_type": "Bearer",
		"expires_in": int(math.Ceil(token.ExpiresAt.Sub(a.Partners.Now()).Seconds())), "scope": strings.Join(names, " "),
	})
}

// tokenRequest reads who asks and what for; problem is an error code of RFC 6749 §5.2.
func tokenRequest(r *http.Request) (id, secret string, form url.Values, problem string) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		return "", "", nil, "invalid_request"
	}
	form = r.PostForm
	for _, values := range form {
		if len(values) > 1 {
			return "", "", nil, "invalid_request"
		}
	}
	switch form.Get("grant_type") {
	case "client_credentials":
	case "":
		return "", "", nil, "invalid_request"
	default:
		return "", "", nil, "unsupported_grant_type"
	}
	id, secret, basic := r.BasicAuth()
	switch {
	case basic && form.Has("client_secret"):
		return "", "", nil, "invalid_request" // one way to authenticate, not two
	case basic:
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	default:
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	return id, secret, form, ""
}

func refuseToken(w http.ResponseWriter, err error) {
	var f *fault.Error
	switch {
	case errors.Is(err, partner.ErrCredentials):
		w.Header().Set("WWW-Authenticate", `Basic realm="noren", charset="UTF-8"`)
		sayOAuth(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case errors.As(err, &f) && f.Code == partner.ErrScope.Code:
		sayOAuth(w, http.StatusBadRequest, map[string]any{"error": "invalid_scope", "error_description": f.EN})
	case errors.As(err, &f) && f.Kind == fault.KindUnavailable:
		sayOAuth(w, http.StatusServiceUnavailable, map[string]any{"error": "temporarily_unavailable"})
	default:
		sayOAuth(w, http.StatusInternalServerError, map[string]any{"error": "server_error"})
	}
}

func sayOAuth(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// asPartnerActor puts the partner that holds the credential into the context.
func (a *App) asPartnerActor(ctx context.Context, credential string, r *http.Request) (context.Context, error) {
	grant, err := a.Partners.Authenticate(ctx, credential)
	if err != nil {
		return access.With(ctx, access.Guest), err
	}
	actor := grant.Actor()
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		actor.Address = address.Addr().Unmap()
	}
	return partner.With(access.With(ctx, actor), grant.Partner), nil
}
