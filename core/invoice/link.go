package invoice

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

// Failures of a link.
var (
	ErrLink        = fault.Forbidden("DOCUMENT_LINK_INVALID", "リンクが正しくありません。注文の画面からもう一度開いてください", "The link is not valid; open the document from the order again")
	ErrLinkExpired = fault.Forbidden("DOCUMENT_LINK_EXPIRED", "リンクの有効期限が切れました。注文の画面からもう一度開いてください", "The link has expired; open the document from the order again")
)

// LinkPath is where documents are served.
const LinkPath = "/documents/"

// linkHolds is how long a link leads to its document.
const linkHolds = 15 * time.Minute

// Links signs links to documents: who was shown the document by the schema may open it
// for a while, without logging in.
type Links struct {
	key  []byte
	base string
	now  clock.Clock
}

// NewLinks makes the signer of links that begin with the public address. Its key is
// derived from the secret.
func NewLinks(secret, public string, now clock.Clock) (*Links, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: links to documents are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren document links", sha256.Size)
	return &Links{key, strings.TrimSuffix(public, "/") + LinkPath, now}, err
}

// To is a link to the document, from now on for a quarter of an hour.
func (l *Links) To(documentID uuid.UUID) string {
	expires := strconv.FormatInt(l.now().Add(linkHolds).Unix(), 10)
	return l.base + documentID.String() + "?expires=" + expires + "&signature=" + l.sign(documentID.String(), expires)
}

func (l *Links) sign(documentID, expires string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(documentID + " " + expires))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Check is the id of the document that a link leads to. One that was not signed so is
// ErrLink, one whose time is over ErrLinkExpired.
func (l *Links) Check(documentID, expires, signature string) (uuid.UUID, error) {
	key, err := uuid.Parse(documentID)
	if err != nil || key.String() != documentID || !hmac.Equal([]byte(signature), []byte(l.sign(documentID, expires))) {
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
