package mailing

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/link"
)

// Where links of e-mails lead. They need no login, and never expire.
const (
	UnsubscribePath = "/mailings/unsubscribe/"
	ClickPath       = "/mailings/click/"
	OpenPath        = "/mailings/open/"
)

// Purpose is what a link of an e-mail is for. A link of one purpose is none of another.
type Purpose byte

// The purposes.
const (
	ToUnsubscribe Purpose = 'u'
	ToClick       Purpose = 'c'
	ToOpen        Purpose = 'o'
)

var paths = map[Purpose]string{ToUnsubscribe: UnsubscribePath, ToClick: ClickPath, ToOpen: OpenPath}

// Tokens makes and reads what proves to whom an e-mail was sent.
type Tokens struct {
	key    []byte
	public string
}

// NewTokens makes them; the key is derived from the secret.
func NewTokens(secret, public string) (*Tokens, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: links of e-mails are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren mailing links", sha256.Size)
	return &Tokens{key, strings.TrimSuffix(public, "/")}, err
}

// Token says of which mailing and member a link is, and which of the e-mail's links.
type Token struct {
	MailingID uuid.UUID
	MemberID  uuid.UUID // uuid.Nil in tests
	Link      int       // of clicks, from 0
}

const (
	tokenBody = 1 + 16 + 16 + 2
	tokenMAC  = 16 // 128 bits: cannot be guessed
)

// Text is the token as it stands in a link.
func (k *Tokens) Text(p Purpose, t Token) string {
	raw := append([]byte{byte(p)}, t.MailingID[:]...)
	raw = append(raw, t.MemberID[:]...)
	raw = binary.BigEndian.AppendUint16(raw, uint16(t.Link)) //nolint:gosec // as few as maxLinks
	return base64.RawURLEncoding.EncodeToString(append(raw, k.mac(raw)...))
}

func (k *Tokens) mac(raw []byte) []byte {
	h := hmac.New(sha256.New, k.key)
	h.Write(raw)
	return h.Sum(nil)[:tokenMAC]
}

// URL is a link with the token.
func (k *Tokens) URL(p Purpose, t Token) string { return k.public + paths[p] + k.Text(p, t) }

// Read is the token of a link; link.ErrInvalid if noren did not make it for the purpose.
func (k *Tokens) Read(p Purpose, text string) (t Token, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != tokenBody+tokenMAC || raw[0] != byte(p) || !hmac.Equal(raw[tokenBody:], k.mac(raw[:tokenBody])) {
		return t, link.ErrInvalid
	}
	copy(t.MailingID[:], raw[1:17])
	copy(t.MemberID[:], raw[17:33])
	t.Link = int(binary.BigEndian.Uint16(raw[33:]))
	return t, nil
}
