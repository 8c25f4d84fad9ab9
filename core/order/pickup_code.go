package order

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/symbols"
)

// codeSymbols is how many symbols a pick-up code has before its check symbol: 34 bits,
// of which five may be tried in a quarter of an hour.
const codeSymbols = 7

// Codes makes the codes of orders that are picked up. A code follows from the order, a
// nonce and noren's secret, so that its customer can see it again while noren does not
// keep it: whoever reads the database alone knows none.
type Codes struct{ key []byte }

// NewCodes derives the key of codes from noren's secret.
func NewCodes(secret string) (Codes, error) {
	if secret == "" {
		return Codes{}, errors.New("NOREN_SECRET is missing: pick-up codes are made with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren pick-up codes", sha256.Size)
	return Codes{key}, err
}

// give gives a pick-up a fresh code.
func (c Codes) give(p *PickUp) error {
	p.Nonce = make([]byte, 16)
	_, err := rand.Read(p.Nonce)
	return err
}

func (c Codes) mac(use string, orderID uuid.UUID, of []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(use + " "))
	h.Write(orderID[:])
	h.Write(of)
	return h.Sum(nil)
}

func (c Codes) normal(p PickUp) string {
	return symbols.Derive(c.mac("code", p.OrderID, p.Nonce), codeSymbols)
}

// Code is the code as its customer reads it; empty unless the order lies ready.
func (c Codes) Code(p PickUp) string {
	if p.State != PickUpReady {
		return ""
	}
	normal := c.normal(p)
	return normal[:4] + "-" + normal[4:]
}

// tokenOf begins what stands in the square code of a pick-up.
const tokenOf = "noren:pick-up:" //nolint:gosec // no secret: it says what the code is of

// Token is what the customer's app shows as a square code (QR); empty unless the order
// lies ready.
func (c Codes) Token(p PickUp) string {
	if p.State != PickUpReady {
		return ""
	}
	return tokenOf + base64.RawURLEncoding.EncodeToString(append(p.OrderID[:], c.signature(p)...))
}

func (c Codes) signature(p PickUp) []byte { return c.mac("token", p.OrderID, p.Nonce)[:16] }

// Shown is what a customer shows at the counter: the typed code of an order, or the
// token of its square code.
type Shown struct {
	OrderID   uuid.UUID
	code      string
	signature []byte
}

// readToken reads a token; ok is false if it is none.
func readToken(token string) (s Shown, ok bool) {
	body, ok := strings.CutPrefix(token, tokenOf)
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil || len(raw) != 32 {
		return Shown{}, false
	}
	return Shown{OrderID: uuid.UUID(raw[:16]), signature: raw[16:]}, true
}

// fits compares what is shown with the pick-up, in the same time whatever it is.
func (c Codes) fits(p PickUp, s Shown) bool {
	if s.signature != nil {
		return hmac.Equal(s.signature, c.signature(p))
	}
	typed, _ := symbols.Read(s.code, codeSymbols)
	return hmac.Equal(c.mac("typed", p.OrderID, []byte(typed)), c.mac("typed", p.OrderID, []byte(c.normal(p))))
}
