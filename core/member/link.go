package member

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
)

// ExportPath is where exports are served.
const ExportPath = "/member-exports/"

// exportHolds is how long a link leads to its export.
const exportHolds = 15 * time.Minute

// Links signs links to exports: who was given one may open it for a while.
type Links struct {
	key  []byte
	base string
	now  clock.Clock
}

// NewLinks makes the signer of links that begin with the public address. Its key is
// derived from the secret.
func NewLinks(secret, public string, now clock.Clock) (*Links, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: links to exports are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren member exports", sha256.Size)
	return &Links{key, strings.TrimSuffix(public, "/") + ExportPath, now}, err
}

// To is a link to what was requested, and until when it leads there.
func (l *Links) To(requestID uuid.UUID) (string, time.Time) {
	until := l.now().Add(exportHolds).Truncate(time.Second)
	expires := strconv.FormatInt(until.Unix(), 10)
	return l.base + requestID.String() + "?expires=" + expires + "&signature=" + l.sign(requestID.String(), expires), until
}

func (l *Links) sign(requestID, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(requestID + " " + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Check is the request that a link leads to. One that was not signed so is ErrLink, one
// whose time is over ErrLinkExpired.
func (l *Links) Check(requestID, expires, signature string) (uuid.UUID, error) {
	key, err := uuid.Parse(requestID)
	if err != nil || key.String() != requestID || !hmac.Equal([]byte(signature), []byte(l.sign(requestID, expires))) {
		return uuid.Nil, ErrLink
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		return uuid.Nil, ErrLink
	}
	if l.now().Unix() >= until {
		return uuid.Nil, ErrLinkExpired
	}
	return key, nil
}
