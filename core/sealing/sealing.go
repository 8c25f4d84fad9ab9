// Package sealing encrypts personal data column by column, and makes it findable by
// exact match without being readable.
package sealing

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
)

// mark heads every sealed value; what does not begin with it was never sealed.
const mark = "s1."

// freshFor is how long a process trusts the keys it has read. A key that it meets and
// does not know makes it read again at once.
const freshFor = time.Minute

// ErrIllegible says of a sealed value that it cannot be opened, whatever is tried again: that
// the keys could not be read is another failure.
var ErrIllegible = errors.New("the value cannot be opened")

// DataKey is one key of the installation, wrapped by the master key. A value is sealed
// and hashed with keys that are derived from it.
type DataKey struct {
	ID        string
	Wrapped   []byte
	CreatedAt time.Time
}

// Store keeps data keys.
type Store interface {
	// DataKeys are all keys, newest first.
	DataKeys(ctx context.Context) ([]DataKey, error)
	// AddDataKey keeps the key as the newest, whatever the clock says. If onlyFirst, it does
	// nothing where there is one already.
	AddDataKey(ctx context.Context, k DataKey, onlyFirst bool) error
	// Rewrap replaces how the keys are wrapped, all or none.
	Rewrap(ctx context.Context, keys []DataKey) error
}

// Keys seals, opens and hashes. Every process holds the same keys.
type Keys struct {
	store  Store
	master cipher.AEAD
	now    clock.Clock

	mutex  sync.Mutex
	known  []opened
	readAt time.Time
}

// opened is a data key that is ready to work.
type opened struct {
	id        string
	seal      cipher.AEAD
	mac, last []byte // for what is hashed anew with every key, and for what never is
}

// New makes the keys' keeper over a master key (identity.Sealer makes one).
func New(store Store, master cipher.AEAD, now clock.Clock) *Keys {
	return &Keys{store: store, master: master, now: now}
}

// Sealed reports whether the value is sealed, with whichever key.
func Sealed(value string) bool { return strings.HasPrefix(value, mark) }

// Current is the id of the key that seals now.
func (k *Keys) Current(ctx context.Context) (string, error) {
	keys, err := k.keys(ctx, freshFor)
	if err != nil {
		return "", err
	}
	return keys[0].id, nil
}

// Seal encrypts the value for one field of one owner; it opens for no other. Nothing
// stays nothing.
func (k *Keys) Seal(ctx context.Context, field string, owner uuid.UUID, value string) (string, error) {
	if value == "" {
		return "", nil
	}
	keys, err := k.keys(ctx, freshFor)
	if err != nil {
		return "", err
	}
	key := keys[0]
	sealed := key.seal.Seal(nil, nil, []byte(value), bound(field, owner)) //nolint:gosec // this AEAD draws its own nonce
	return mark + key.id + "." + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// SealFile encrypts bytes, as Seal does a value, and keeps them bytes.
func (k *Keys) SealFile(ctx context.Context, field string, owner uuid.UUID, content []byte) ([]byte, error) {
	if len(content) == 0 {
		return content, nil
	}
	keys, err := k.keys(ctx, freshFor)
	if err != nil {
		return nil, err
	}
	head := []byte(mark + keys[0].id + ".")
	return keys[0].seal.Seal(head, nil, content, bound(field, owner)), nil //nolint:gosec // this AEAD draws its own nonce
}

// OpenFile is what SealFile sealed; bytes that never were are themselves.
func (k *Keys) OpenFile(ctx context.Context, field string, owner uuid.UUID, kept []byte) ([]byte, error) {
	rest, sealed := bytes.CutPrefix(kept, []byte(mark))
	keyID, raw, whole := bytes.Cut(rest, []byte("."))
	if !sealed || !whole {
		return kept, nil
	}
	return k.unseal(ctx, string(keyID), field, owner, raw)
}

// Open is what was sealed. A value that never was is itself: columns of older versions
// are sealed while noren runs.
func (k *Keys) Open(ctx context.Context, field string, owner uuid.UUID, value string) (string, error) {
	if !Sealed(value) {
		return value, nil
	}
	keyID, text, _ := strings.Cut(strings.TrimPrefix(value, mark), ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", fmt.Errorf("open %s of %s: %w: %w", field, owner, ErrIllegible, err)
	}
	plain, err := k.unseal(ctx, keyID, field, owner, raw)
	return string(plain), err
}

func (k *Keys) unseal(ctx context.Context, keyID, field string, owner uuid.UUID, raw []byte) ([]byte, error) {
	for _, trust := range []time.Duration{freshFor, 0} {
		keys, err := k.keys(ctx, trust)
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if key.id != keyID {
				continue
			}
			plain, err := key.seal.Open(nil, nil, raw, bound(field, owner))
			if err != nil {
				return nil, fmt.Errorf("open %s of %s: %w: it was changed, or belongs to another", field, owner, ErrIllegible)
			}
			return plain, nil
		}
	}
	return nil, fmt.Errorf("open %s of %s: %w: there is no data key %s", field, owner, ErrIllegible, keyID)
}

// Hash is under what a normalised value is found; nil for nothing.
func (k *Keys) Hash(ctx context.Context, field, value string) ([]byte, error) {
	all, err := k.Hashes(ctx, field, value)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// Hashes are under what a normalised value may be found while rows of several keys
// exist, the current key's first; none for nothing.
func (k *Keys) Hashes(ctx context.Context, field, value string) ([][]byte, error) {
	if value == "" {
		return nil, nil
	}
	keys, err := k.keys(ctx, freshFor)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, len(keys))
	for i, key := range keys {
		all[i] = hashed(key.mac, field, value)
	}
	return all, nil
}

// Lasting is under what a normalised value is counted, or kept once: the same after every
// rotation, so that no count begins anew and nothing stands twice while rows of several
// keys exist. It hashes with the oldest key, which is never removed; nil for nothing.
func (k *Keys) Lasting(ctx context.Context, field, value string) ([]byte, error) {
	if value == "" {
		return nil, nil
	}
	keys, err := k.keys(ctx, freshFor)
	if err != nil {
		return nil, err
	}
	return hashed(keys[len(keys)-1].last, field, value), nil
}

func hashed(key []byte, field, value string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(field + "\x00" + value))
	return mac.Sum(nil)
}

// Rotate makes a new key, with which everything is sealed from now on. What older keys
// sealed stays readable; whoever keeps it seals it anew.
func (k *Keys) Rotate(ctx context.Context) (DataKey, error) {
	key := k.generate()
	if err := k.store.AddDataKey(ctx, key, false); err != nil {
		return DataKey{}, err
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.readAt = time.Time{}
	return key, nil
}

// All are the keys, newest first.
func (k *Keys) All(ctx context.Context) ([]DataKey, error) { return k.store.DataKeys(ctx) }

// Rewrap wraps all keys with another master key. Values stay as they are.
func (k *Keys) Rewrap(ctx context.Context, master cipher.AEAD) (int, error) {
	keys, err := k.store.DataKeys(ctx)
	if err != nil {
		return 0, err
	}
	for i, key := range keys {
		secret, err := k.unwrap(key)
		if err != nil {
			return 0, err
		}
		keys[i].Wrapped = master.Seal(nil, nil, secret, []byte(key.ID)) //nolint:gosec // this AEAD draws its own nonce
	}
	return len(keys), k.store.Rewrap(ctx, keys)
}

// keys are ready to work, newest first; the first is made when there is none.
func (k *Keys) keys(ctx context.Context, trust time.Duration) ([]opened, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	now := k.now()
	if len(k.known) > 0 && now.Sub(k.readAt) < trust {
		return k.known, nil
	}
	all, err := k.store.DataKeys(ctx)
	if err == nil && len(all) == 0 {
		if err = k.store.AddDataKey(ctx, k.generate(), true); err == nil {
			all, err = k.store.DataKeys(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	known := make([]opened, len(all))
	for i, key := range all {
		if known[i], err = k.open(key); err != nil {
			return nil, err
		}
	}
	k.known, k.readAt = known, now
	return known, nil
}

func (k *Keys) unwrap(key DataKey) ([]byte, error) {
	secret, err := k.master.Open(nil, nil, key.Wrapped, []byte(key.ID))
	if err != nil {
		return nil, fmt.Errorf("unwrap the data key %s: NOREN_PERSONAL_KEY is not the one it was wrapped with", key.ID)
	}
	return secret, nil
}

func (k *Keys) open(key DataKey) (opened, error) {
	secret, err := k.unwrap(key)
	if err != nil {
		return opened{}, err
	}
	enc, err1 := hkdf.Key(sha256.New, secret, nil, "encrypt", 32)
	mac, err2 := hkdf.Key(sha256.New, secret, nil, "find", sha256.Size)
	last, err3 := hkdf.Key(sha256.New, secret, nil, "last", sha256.Size)
	if err := errors.Join(err1, err2, err3); err != nil {
		return opened{}, err
	}
	block, err := aes.NewCipher(enc)
	if err != nil {
		return opened{}, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return opened{key.ID, seal, mac, last}, err
}

func (k *Keys) generate() DataKey {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	key := DataKey{ID: rand.Text()[:10], CreatedAt: k.now()}
	key.Wrapped = k.master.Seal(nil, nil, secret, []byte(key.ID)) //nolint:gosec // this AEAD draws its own nonce
	return key
}

// bound ties a sealed value to the field and the owner that it is for.
func bound(field string, owner uuid.UUID) []byte { return []byte(field + "/" + owner.String()) }
