package partner

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// Credentials are told from other bearer tokens by how they begin.
const (
	keyPrefix   = "pk_"
	tokenPrefix = "pt_"
)

const (
	// tokenFor is how long an access token lasts.
	tokenFor = time.Hour
	// maxGrace is how long a rotated key may go on working.
	maxGrace = 30 * 24 * time.Hour
)

// IssuedKey is a new key with its secret, which nobody can read again.
type IssuedKey struct {
	Key
	Secret string // the whole key: "pk_….…"
}

// IssueKeyInput says for whom a key is, and until when it works.
type IssueKeyInput struct {
	PartnerID uuid.UUID
	ExpiresAt *time.Time
}

// IssueKey gives the partner one more key.
func (s *Service) IssueKey(ctx context.Context, in IssueKeyInput) (*IssuedKey, error) {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return nil, err
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(s.Now()) {
		return nil, fault.Invalid(fault.CodeInvalid, "有効期限は未来の日時にしてください", "The key must expire in the future").At("expiresAt")
	}
	var issued *IssuedKey
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.open(ctx, in.PartnerID); err != nil {
			return err
		}
		var err error
		issued, err = s.addKey(ctx, in.PartnerID, in.ExpiresAt)
		return err
	})
	return issued, err
}

// RotateKeyInput replaces a key, which goes on working for the grace hours.
type RotateKeyInput struct {
	KeyID      uuid.UUID
	GraceHours *int // 24 unless said
}

// RotateKey issues a new key in the place of another.
func (s *Service) RotateKey(ctx context.Context, in RotateKeyInput) (*IssuedKey, error) {
	grace := 24 * time.Hour
	if in.GraceHours != nil {
		grace = time.Duration(*in.GraceHours) * time.Hour
	}
	if grace < 0 || grace > maxGrace {
		return nil, fault.Invalid(fault.CodeInvalid, "猶予は0〜%d時間で指定してください", "The grace must be 0 to %d hours").With(int(maxGrace.Hours())).At("graceHours")
	}
	var issued *IssuedKey
	err := s.changeKey(ctx, in.KeyID, "partner.key_rotated", func(ctx context.Context, k *Key) error {
		end := s.Now().Add(grace)
		if _, err := s.open(ctx, k.PartnerID); err != nil {
			return err
		}
		var err error
		issued, err = s.addKey(ctx, k.PartnerID, k.ExpiresAt)
		if k.ExpiresAt == nil || k.ExpiresAt.After(end) {
			k.ExpiresAt = &end
		}
		return err
	})
	return issued, err
}

// RevokeKeyInput says which key to end.
type RevokeKeyInput struct{ KeyID uuid.UUID }

// RevokeKey ends a key at once, and the tokens got for it.
func (s *Service) RevokeKey(ctx context.Context, in RevokeKeyInput) (*Key, error) {
	var revoked *Key
	err := s.changeKey(ctx, in.KeyID, "partner.key_revoked", func(_ context.Context, k *Key) error {
		now := s.Now()
		k.RevokedAt, revoked = &now, k
		return nil
	})
	return revoked, err
}

func (s *Service) changeKey(ctx context.Context, keyID uuid.UUID, what string, change func(context.Context, *Key) error) error {
	if err := access.RequireEverywhere(ctx, access.PartnerWrite); err != nil {
		return err
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		k, err := s.Store.Key(ctx, channel.From(ctx).BrandID, keyID)
		if err != nil {
			return err
		}
		if k == nil || k.RevokedAt != nil {
			return fault.ErrNotFound.At("keyId")
		}
		if err := change(ctx, k); err != nil {
			return err
		}
		if err := s.Store.SaveKey(ctx, *k); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), what, "PartnerKey", k.ID, k))
	})
	s.known.InvalidateAll()
	return err
}

func (s *Service) addKey(ctx context.Context, partnerID uuid.UUID, expires *time.Time) (*IssuedKey, error) {
	secret := random(32)
	k := Key{ID: id.New(), PartnerID: partnerID, Prefix: keyPrefix + randomHex(6), CreatedAt: s.Now(), ExpiresAt: expires}
	hash := sha256.Sum256([]byte(secret))
	if err := s.Store.AddKey(ctx, k, hash[:]); err != nil {
		return nil, err
	}
	err := s.Events.Record(ctx, event.New(ctx, s.Now(), "partner.key_issued", "PartnerKey", k.ID, k))
	return &IssuedKey{Key: k, Secret: k.Prefix + "." + secret}, err
}

// random is a text of n random bytes, base64url.
func random(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return base64.RawURLEncoding.EncodeToString(raw)
}

func randomHex(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}

// Token is an access token got for a key.
type Token struct {
	Secret    string // "pt_…"
	Scopes    []access.Permission
	ExpiresAt time.Time
}

// IsCredential reports whether a bearer token is a partner's key or token.
func IsCredential(token string) bool {
	return strings.HasPrefix(token, keyPrefix) || strings.HasPrefix(token, tokenPrefix)
}

// IssueToken gives an access token for a key (RFC 6749 §4.4). clientID is the key's
// prefix; secret is its secret part, or the whole key. Without scopes the token
// has all permissions of the partner, else just those, which the partner must hold.
func (s *Service) IssueToken(ctx context.Context, clientID, secret string, scopes []access.Permission) (*Token, error) {
	secret = strings.TrimPrefix(secret, clientID+".")
	grant, err := s.byKey(ctx, clientID, secret)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if !grant.holds(scope) {
			return nil, ErrScope.With(scope)
		}
	}
	if len(scopes) == 0 {
		scopes = grant.Permissions
	}
	t := Token{Secret: tokenPrefix + random(32), Scopes: sorted(scopes), ExpiresAt: s.Now().Add(tokenFor)}
	if grant.Until != nil && grant.Until.Before(t.ExpiresAt) {
		t.ExpiresAt = *grant.Until
	}
	hash := sha256.Sum256([]byte(t.Secret))
	return &t, s.Store.AddToken(ctx, hash[:], t, grant.KeyID, s.Now())
}

func (g Grant) holds(p access.Permission) bool {
	return slices.Contains(g.Permissions, p)
}

// Authenticate is what the bearer of an API key or access token may do. What is
// not valid now fails with ErrCredentials.
func (s *Service) Authenticate(ctx context.Context, credential string) (Grant, error) {
	cacheKey := sha256.Sum256([]byte(credential))
	if g, ok := s.known.GetIfPresent(cacheKey); ok && (g.Until == nil || g.Until.After(s.Now())) {
		return g, nil
	}
	g, err := s.authenticate(ctx, credential)
	if err != nil {
		return Grant{}, err
	}
	s.known.Set(cacheKey, *g)
	return *g, nil
}

func (s *Service) authenticate(ctx context.Context, credential string) (*Grant, error) {
	if strings.HasPrefix(credential, tokenPrefix) {
		hash := sha256.Sum256([]byte(credential))
		return valid(s.Store.ByToken(ctx, hash[:], s.Now()))
	}
	prefix, secret, _ := strings.Cut(credential, ".")
	return s.byKey(ctx, prefix, secret)
}

func (s *Service) byKey(ctx context.Context, prefix, secret string) (*Grant, error) {
	hash := sha256.Sum256([]byte(secret))
	return valid(s.Store.ByKey(ctx, prefix, hash[:], s.Now()))
}

func valid(g *Grant, err error) (*Grant, error) {
	if err == nil && g == nil {
		err = ErrCredentials
	}
	return g, err
}

// Actor is the grant's bearer as the core knows callers.
func (g Grant) Actor() access.Actor {
	return access.Actor{Role: access.RolePartner, ID: g.ID, Permissions: g.Scopes}
}
