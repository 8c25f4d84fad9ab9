package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// HashParams are the costs of argon2id (RFC 9106).
type HashParams struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// DefaultHash is what new passwords are hashed with: OWASP's first recommendation.
var DefaultHash = HashParams{Memory: 19 * 1024, Time: 2, Threads: 1}

const (
	saltLength = 16
	hashLength = 32
)

// Hasher hashes passwords. At most as many run at once as there are processors,
// so that a wave of logins costs time and not memory.
type Hasher struct {
	params HashParams
	turns  chan struct{}
	dummy  string // what a password of nobody is compared with
}

// NewHasher makes a hasher with the costs.
func NewHasher(params HashParams) *Hasher {
	h := &Hasher{params: params, turns: make(chan struct{}, runtime.GOMAXPROCS(0))}
	h.dummy = format(params, make([]byte, saltLength), make([]byte, hashLength))
	return h
}

// Hash hashes a new password into a PHC string with a fresh salt. It waits for
// its turn, and fails only if ctx ends before.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLength)
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	key, err := h.derive(ctx, password, salt, h.params)
	if err != nil {
		return "", err
	}
	return format(h.params, salt, key), nil
}

// Verify compares a password with a stored hash. An empty hash (no such account,
// or none with a password) costs the same time and never matches. stale says that
// the hash was made with other costs than today's.
func (h *Hasher) Verify(ctx context.Context, password, stored string) (matches, stale bool, err error) {
	nobody := stored == ""
	if nobody {
		stored = h.dummy
	}
	params, salt, want, err := parse(stored)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, password, salt, params)
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !nobody, params != h.params, nil
}

func (h *Hasher) derive(ctx context.Context, password string, salt []byte, p HashParams) ([]byte, error) {
	select {
	case h.turns <- struct{}{}:
		defer func() { <-h.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, p.Time, p.Memory, p.Threads, hashLength), nil
}

func format(p HashParams, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads, b64(salt), b64(key))
}

var errHash = errors.New("a stored password is not an argon2id hash in PHC format")

// parse reads a PHC string. Costs far beyond noren's own are refused: hashes come
// from the database and from imports, and must not be able to stop the process.
func parse(stored string) (p HashParams, salt, key []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return p, nil, nil, errHash
	}
	var version int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil {
		return p, nil, nil, errHash
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(saltErr, keyErr) != nil || len(key) != hashLength || p.Time < 1 || p.Time > 16 || p.Threads < 1 || p.Memory < 8 || p.Memory > 256*1024 {
		return p, nil, nil, errHash
	}
	return p, salt, key, nil
}
