package invoice

import (
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/link"
)

// Failures of a link.
var (
	ErrLink        = fault.Forbidden("DOCUMENT_LINK_INVALID", "リンクが正しくありません。注文の画面からもう一度開いてください", "The link is not valid; open the document from the order again")
	ErrLinkExpired = fault.Forbidden("DOCUMENT_LINK_EXPIRED", "リンクの有効期限が切れました。注文の画面からもう一度開いてください", "The link has expired; open the document from the order again")
)

// LinkPath is where documents are served.
const LinkPath = "/documents/"

// Links signs links to documents: who was shown the document by the schema may open it
// for a while, without logging in.
type Links struct{ *link.Signer }

// NewLinks makes the signer of links that begin with the public address. Its key is
// derived from the secret.
func NewLinks(secret, public string, now clock.Clock) (*Links, error) {
	signer, err := link.New(secret, "noren document links", public, LinkPath, now)
	return &Links{signer}, err
}

// Check is the id of the document that a link leads to. One that was not signed so is
// ErrLink, one whose time is over ErrLinkExpired.
func (l *Links) Check(documentID, expires, signature string) (uuid.UUID, error) {
	key, err := l.Signer.Check(documentID, expires, signature)
	switch {
	case errors.Is(err, link.ErrExpired):
		return uuid.Nil, ErrLinkExpired
	case err != nil:
		return uuid.Nil, ErrLink
	}
	return key, nil
}
