package invoice

import (
	"encoding/json"
	"reflect"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/sealing"
)

// Sealed is what is sealed of a document where it is kept: whom it is for, and where the
// goods go. What it says of goods and money stays clear.
func (d *Document) Sealed() (uuid.UUID, []sealing.Column) {
	to := &d.Content.To
	return d.ID, []sealing.Column{{Field: "to", Value: party{&to}}, {Field: "ship_to", Value: party{&d.Content.ShipTo}}}
}

// party is the party that a pointer points to, if it points to one.
type party struct{ at **Party }

func (v party) Plain() (string, error) {
	if *v.at == nil || reflect.DeepEqual(**v.at, Party{}) {
		return "", nil
	}
	raw, err := json.Marshal(**v.at)
	return string(raw), err
}

func (v party) Kept() string {
	if *v.at == nil {
		return ""
	}
	return (*v.at).Sealed
}

func (v party) Keep(sealed string) { **v.at = Party{Sealed: sealed} }

func (v party) Open(plain string) error {
	**v.at = Party{}
	return json.Unmarshal([]byte(plain), *v.at)
}
