package dispatch

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/sealing"
)

// Sealed are what the file could not say as it stood: parts of names and addresses. The
// file itself is sealed as a whole.
func (b *Batch) Sealed() (uuid.UUID, []sealing.Column) {
	all := make([]sealing.Column, len(b.Remarks))
	for i := range b.Remarks {
		all[i] = sealing.Column{Field: "remark", Value: sealing.Text(&b.Remarks[i].Value)}
	}
	return b.ID, all
}
