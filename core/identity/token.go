package identity

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
)

// audience is whom access tokens are for.
const audience = "noren"

// Claims are what an access token says.
type Claims struct {
	jwt.RegisteredClaims
	SessionID uuid.UUID   `json:"sid"`
	Role      access.Role `json:"role"`
}

// Tokens issues and reads access tokens: JWTs signed with EdDSA.
type Tokens struct {
	keys   *Keys
	issuer string
	now    clock.Clock
	parser *jwt.Parser
}

// NewTokens makes the tokens of an issuer, the public URL of noren.
func NewTokens(keys *Keys, issuer string, now clock.Clock) *Tokens {
	return &Tokens{keys: keys, issuer: issuer, now: now, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(now), jwt.WithLeeway(5*time.Second),
		jwt.WithStrictDecoding(),
	)}
}

// Issue makes the access token of a session.
func (t *Tokens) Issue(ctx context.Context, account Account, sessionID uuid.UUID) (token string, expires time.Time, err error) {
	keyID, key, err := t.keys.signer(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	now := t.now()
	expires = now.Add(AccessLifetime)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: t.issuer, Audience: jwt.ClaimStrings{audience}, Subject: account.ID.String(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		SessionID: sessionID, Role: account.Role,
	})
	unsigned.Header["kid"] = keyID
	token, err = unsigned.SignedString(key)
	return token, expires, err
}

// Read checks an access token's signature, issuer, audience and times. One that
// has expired is ErrTokenExpired, any other that cannot be believed ErrTokenInvalid.
func (t *Tokens) Read(ctx context.Context, token string) (Claims, error) {
	var claims Claims
	var broken error // noren's own failure, not the token's
	_, err := t.parser.ParseWithClaims(token, &claims, func(parsed *jwt.Token) (any, error) {
		keyID, _ := parsed.Header["kid"].(string)
		var key ed25519.PublicKey
		if key, broken = t.keys.verifier(ctx, keyID); broken != nil || key == nil {
			return nil, jwt.ErrTokenUnverifiable
		}
		return key, nil
	})
	switch {
	case broken != nil:
		return Claims{}, errors.Join(fault.ErrUnavailable, broken)
	case errors.Is(err, jwt.ErrTokenExpired):
		return Claims{}, ErrTokenExpired
	case err != nil:
		return Claims{}, ErrTokenInvalid
	}
	return claims, nil
}
