package member

import (
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/link"
)

// ExportPath is where exports are served.
const ExportPath = "/member-exports/"

// Links signs links to exports: who was given one may open it for a while.
type Links struct{ *link.Signer }

// NewLinks makes the signer of links that begin with the public address. Its key is
// derived from the secret.
func NewLinks(secret, public string, now clock.Clock) (*Links, error) {
	signer, err := link.New(secret, "noren member exports", public, ExportPath, now)
	return &Links{signer}, err
}
