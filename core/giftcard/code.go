package giftcard

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/symbols"
)

// newCode is a code in groups of four, and as it is hashed.
func newCode() (shown, normal string, err error) {
	normal, err = symbols.Draw(prepaid.CodeLength)
	if err != nil {
		return "", "", err
	}
	var groups []string
	for rest := normal; rest != ""; rest = rest[4:] {
		groups = append(groups, rest[:4])
	}
	return strings.Join(groups, "-"), normal, nil
}

// NewKey derives the key that codes are hashed with from noren's secret: whoever reads
// the database alone can test no code.
func NewKey(secret string) ([]byte, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: gift cards' codes are hashed with it")
	}
	return hkdf.Key(sha256.New, []byte(secret), nil, "noren gift cards", 32)
}

// hash is what noren keeps of a brand's code.
func (s *Service) hash(brandID uuid.UUID, normal string) []byte {
	h := hmac.New(sha256.New, s.Key)
	h.Write(brandID[:])
	h.Write([]byte(normal))
	return h.Sum(nil)
}
