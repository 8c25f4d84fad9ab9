package app

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/storage/postgres"
)

// newAccounts makes the service that knows who is who.
func newAccounts(c Config, db *postgres.DB, jobs *postgres.Jobs, carts *cart.Service, customers *customer.Service, limiter limit.Limiter, now clock.Clock) (*identity.Service, error) {
	keys, err := identity.NewKeys(postgres.NewSigningKeys(db), c.Secret, now)
	if err != nil {
		return nil, err
	}
	seal, err := identity.Sealer(c.Secret, "noren second factors")
	if err != nil {
		return nil, err
	}
	shop := strings.TrimSuffix(cmp.Or(c.ShopURL, c.PublicURL), "/")
	return identity.New(identity.Parts{
		Tx: db, Store: postgres.NewAccounts(db), Keys: keys, Tokens: identity.NewTokens(keys, c.PublicURL, now),
		Hasher: identity.NewHasher(identity.DefaultHash), Carts: carts, Events: points.Welcoming{Recorder: postgres.NewEvents(db), Jobs: jobs}, Outbox: jobs,
		Seal: seal, Profiles: customers, Limiter: limiter, Now: now,
		Links: map[identity.Purpose]string{
			identity.VerifyEmail: shop + "/verify-email", identity.ResetPassword: shop + "/reset-password", identity.ChangeEmail: shop + "/confirm-email",
		},
	}), nil
}

// actorOf is who sends the request: whoever holds its access token, else a guest.
// A token that cannot be believed is an error and no guest, so that a member whose
// token has expired is not shown an empty cart.
func (a *App) actorOf(ctx context.Context, r *http.Request) (access.Actor, error) {
	actor := access.Guest
	if address, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		actor.Address = address.Addr().Unmap()
	}
	actor.CartToken = r.Header.Get("X-Cart-Token")
	if header := r.Header.Get("Authorization"); header != "" {
		holder, _, err := a.bearer(ctx, header, actor)
		return holder, err
	}
	return actor, nil
}

// bearer is who holds the access token of an Authorization header, calling from
// where the guest does and with the guest's cart; and until when.
func (a *App) bearer(ctx context.Context, header string, guest access.Actor) (access.Actor, time.Time, error) {
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Actor{}, time.Time{}, identity.ErrTokenInvalid
	}
	actor, until, err := a.Accounts.Authenticate(ctx, strings.TrimSpace(token), guest.Address)
	actor.CartToken = guest.CartToken
	return actor, until, err
}

// keySet publishes the keys that access tokens are verified with (RFC 7517, 8037).
func (a *App) keySet(w http.ResponseWriter, r *http.Request) {
	keys, err := a.Accounts.Keys.All(r.Context())
	if err != nil {
		slog.ErrorContext(r.Context(), "the key set could not be read", "error", err)
		http.Error(w, "the key set cannot be read now", http.StatusServiceUnavailable)
		return
	}
	set := make([]map[string]string, len(keys))
	for i, k := range keys {
		set[i] = jwk(k.ID, k.PublicKey)
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
}

func jwk(keyID string, key ed25519.PublicKey) map[string]string {
	return map[string]string{
		"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
		"kid": keyID, "x": base64.RawURLEncoding.EncodeToString(key),
	}
}
