package identity

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/noren-commerce/noren/core/clock"
)

const (
	// AccessLifetime is how long an access token is believed.
	AccessLifetime = 15 * time.Minute
	// keysFreshFor is how long a process trusts the keys it has read.
	keysFreshFor = 30 * time.Second
	// publishAhead is how long a new key is published before it signs: by then
	// every process and every cache of the key set has seen it.
	publishAhead = 5 * time.Minute
	// rereadAfter bounds how often a token of an unknown key makes a process look.
	rereadAfter = time.Second
)

// Key is one pair of keys that signs access tokens (EdDSA).
type Key struct {
	ID         string // the tokens' kid
	PublicKey  ed25519.PublicKey
	PrivateKey []byte // sealed
	CreatedAt  time.Time
	SignsFrom  time.Time
	ValidUntil *time.Time // nil until the next rotation
}

// KeyStore keeps signing keys.
type KeyStore interface {
	// Keys are the keys that are valid at the moment, newest first.
	Keys(ctx context.Context, at time.Time) ([]Key, error)
	// AddFirst keeps the key unless a valid one is there.
	AddFirst(ctx context.Context, k Key) error
	// Rotate keeps the key and ends the validity of all others at the moment.
	Rotate(ctx context.Context, k Key, othersUntil time.Time) error
}

// Keys signs access tokens, and knows which keys to believe. Every process holds
// the same keys; they live in the store, their private halves sealed.
type Keys struct {
	store KeyStore
	seal  cipher.AEAD
	now   clock.Clock

	mutex  sync.Mutex
	known  []Key
	readAt time.Time
}

// NewKeys makes the keys' service. The secret is NOREN_SECRET.
func NewKeys(store KeyStore, secret string, now clock.Clock) (*Keys, error) {
	seal, err := Sealer(secret, "noren signing keys")
	return &Keys{store: store, seal: seal, now: now}, err
}

// Sealer encrypts for one purpose (AES-256-GCM) with a key derived from the
// secret (HKDF): what is sealed for one purpose does not open for another.
func Sealer(secret, purpose string) (cipher.AEAD, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: keys are encrypted with it")
	}
	derived, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// All are the keys that are valid now, newest first; the first is made when
// there is none.
func (k *Keys) All(ctx context.Context) ([]Key, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.read(ctx, keysFreshFor)
}

// read answers what was read less than trust ago, else asks the store.
func (k *Keys) read(ctx context.Context, trust time.Duration) ([]Key, error) {
	now := k.now()
	if len(k.known) > 0 && now.Sub(k.readAt) < trust {
		return k.known, nil
	}
	keys, err := k.store.Keys(ctx, now)
	if err == nil && len(keys) == 0 {
		if err = k.store.AddFirst(ctx, k.generate(now)); err == nil {
			keys, err = k.store.Keys(ctx, now)
		}
	}
	if err != nil {
		return nil, err
	}
	k.known, k.readAt = keys, now
	return keys, nil
}

// Rotate makes a new key. It signs after a few minutes, when all who verify have
// seen it; the old keys stay valid until their last token has expired. At once
// means that the old keys may have leaked: they are void, and everybody has to
// refresh.
func (k *Keys) Rotate(ctx context.Context, atOnce bool) (Key, error) {
	if !atOnce {
		// Somebody must sign until the new key does.
		if _, err := k.All(ctx); err != nil {
			return Key{}, err
		}
	}
	now := k.now()
	from, until := now.Add(publishAhead), now.Add(publishAhead+AccessLifetime+time.Minute)
	if atOnce {
		from, until = now, now
	}
	key := k.generate(from)
	if err := k.store.Rotate(ctx, key, until); err != nil {
		return Key{}, err
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.readAt = time.Time{}
	return key, nil
}

func (k *Keys) generate(signsFrom time.Time) Key {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	key := Key{ID: rand.Text()[:16], PublicKey: public, CreatedAt: k.now(), SignsFrom: signsFrom}
	key.PrivateKey = k.seal.Seal(nil, nil, private.Seed(), []byte(key.ID)) //nolint:gosec // this AEAD draws its own nonce
	return key
}

// signer is the key that signs now: the newest whose time has come.
func (k *Keys) signer(ctx context.Context) (string, ed25519.PrivateKey, error) {
	keys, err := k.All(ctx)
	if err != nil {
		return "", nil, err
	}
	now := k.now()
	for _, key := range keys {
		if key.SignsFrom.After(now) {
			continue
		}
		seed, err := k.seal.Open(nil, nil, key.PrivateKey, []byte(key.ID))
		if err != nil || len(seed) != ed25519.SeedSize {
			return "", nil, fmt.Errorf("open the signing key %s: NOREN_SECRET is not the one it was made with; set that one, or run `noren keys rotate --now`", key.ID)
		}
		return key.ID, ed25519.NewKeyFromSeed(seed), nil
	}
	return "", nil, errors.New("no signing key is in force; run `noren keys rotate --now`")
}

// verifier is the public key with the id; nil if none is valid. A key that this
// process has not heard of makes it look again, at most once a second.
func (k *Keys) verifier(ctx context.Context, keyID string) (ed25519.PublicKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	for _, trust := range []time.Duration{keysFreshFor, rereadAfter} {
		keys, err := k.read(ctx, trust)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if key.ID == keyID && (key.ValidUntil == nil || key.ValidUntil.After(k.now())) {
				return key.PublicKey, nil
			}
		}
	}
	return nil, nil
}
