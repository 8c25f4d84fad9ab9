// Package link signs addresses of files: who was shown one by the schema may open the
// file for a while, without logging in.
package link

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
)

// Why a link leads nowhere.
var (
	ErrInvalid = fault.Forbidden("EXPORT_LINK_INVALID", "リンクが正しくありません", "The link is not valid")
	ErrExpired = fault.Forbidden("EXPORT_LINK_EXPIRED", "リンクの有効期限が切れました", "The link has expired")
)

// Holds is how long a link leads to its file.
const Holds = 15 * time.Minute

// Signer signs links to the files of one kind.
type Signer struct {
	key  []byte
	base string
	now  clock.Clock
}

// New makes the signer of links that begin with the public address and the path. Its
// key is derived from the secret for the purpose.
func New(secret, purpose, public, path string, now clock.Clock) (*Signer, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: links to files are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, sha256.Size)
	return &Signer{key, strings.TrimSuffix(public, "/") + path, now}, err
}

// To is a link to the file, from now on for a quarter of an hour.
func (s *Signer) To(fileID uuid.UUID) string {
	expires := strconv.FormatInt(s.now().Add(Holds).Unix(), 10)
	return s.base + fileID.String() + "?expires=" + expires + "&signature=" + s.sign(fileID.String(), expires)
}

func (s *Signer) sign(fileID, expires string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(fileID + " " + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Check is the id of the file that a link leads to. One that was not signed so is
// ErrInvalid, one whose time is over ErrExpired.
func (s *Signer) Check(fileID, expires, signature string) (uuid.UUID, error) {
	key, err := uuid.Parse(fileID)
	if err != nil || key.String() != fileID || !hmac.Equal([]byte(signature), []byte(s.sign(fileID, expires))) {
		return uuid.Nil, ErrInvalid
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return uuid.Nil, ErrInvalid
	}
	if s.now().Unix() >= until {
		return uuid.Nil, ErrExpired
	}
	return key, nil
}
