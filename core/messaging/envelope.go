package messaging

import (
	"encoding/json"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/sealing"
)

// Sealed is what is sealed of a message while it waits to be sent: to whom it goes and
// what it says. Kind, brand and language stay clear.
func (m *Message) Sealed() (uuid.UUID, []sealing.Column) {
	return uuid.NewSHA1(uuid.Nil, []byte(m.Key)), []sealing.Column{{Field: "message", Value: enveloped{m}}}
}

type enveloped struct{ *Message }

// letter is what is in the envelope.
type letter struct {
	To      Address         `json:"to"`
	Content json.RawMessage `json:"content"`
}

func (e enveloped) Plain() (string, error) {
	raw, err := json.Marshal(letter{e.To, e.Content})
	return string(raw), err
}

func (e enveloped) Kept() string { return e.Envelope }

func (e enveloped) Keep(sealed string) {
	e.Envelope, e.To, e.Content = sealed, Address{}, nil
}

func (e enveloped) Open(plain string) error {
	var l letter
	err := json.Unmarshal([]byte(plain), &l)
	e.Envelope, e.To, e.Content = "", l.To, l.Content
	return err
}
