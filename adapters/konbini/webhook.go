package konbini

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/core/payment"
)

// SignatureHeader carries the signature of a webhook: t=UNIX,v1=HEX.
const SignatureHeader = "Konbini-Signature"

// Event is a webhook's body.
type Event struct {
	ID   string    `json:"id"`
	Type string    `json:"type"` // slip.paid, slip.expired or slip.cancelled
	At   time.Time `json:"at"`
	Slip Slip      `json:"slip"`
}

// Sign is the signature of a webhook's body.
func Sign(body []byte, secret string, at time.Time) string { return signed.Header(body, secret, at) }

// Interpret checks and reads a webhook of the provider.
func (g *Gateway) Interpret(body []byte, signature string) (payment.Notice, error) {
	if err := g.verify(body, signature); err != nil {
		return payment.Notice{}, err
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil {
		return payment.Notice{}, fmt.Errorf("%w: %w", payment.ErrUnreadable, err)
	}
	if e.ID == "" || len(e.ID) > 200 || len(e.Slip.ID) > 200 || e.Slip.Paid < 0 {
		return payment.Notice{}, fmt.Errorf("%w: an event without id, or of no slip", payment.ErrUnreadable)
	}
	n := payment.Notice{EventID: e.ID, Type: e.Type, At: e.At.UTC(), Exclusive: true}
	if !strings.HasPrefix(e.Type, "slip.") || e.Slip.Shop != g.config.Shop {
		return n, nil // about other things, or another shop's
	}
	n.Answer = e.Slip.answer()
	n.PaymentID, _ = uuid.Parse(e.Slip.Payment)
	return n, nil
}

func (g *Gateway) verify(body []byte, signature string) error {
	if err := signed.Verify(signature, body, g.config.WebhookSecret, g.config.Now()); err != nil {
		return fmt.Errorf("%w: %w", payment.ErrUnsigned, err)
	}
	return nil
}
