package konbini

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/payment"
)

// SignatureHeader carries the signature of a webhook: t=UNIX,v1=HEX.
const SignatureHeader = "Konbini-Signature"

// tolerance is how far a signature's time may lie from now.
const tolerance = 5 * time.Minute

// Event is a webhook's body.
type Event struct {
	ID   string    `json:"id"`
	Type string    `json:"type"` // slip.paid, slip.expired or slip.cancelled
	At   time.Time `json:"at"`
	Slip Slip      `json:"slip"`
}

// Sign is the signature of a webhook's body: HMAC-SHA256 of the time, a full stop and
// the body.
func Sign(body []byte, secret string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac(stamp, body, secret))
}

func mac(stamp string, body []byte, secret string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(stamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

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
	if g.config.WebhookSecret == "" {
		return fmt.Errorf("%w: no webhook secret is set", payment.ErrUnsigned)
	}
	var stamp string
	var sums []string // two while a secret is changed
	for _, part := range strings.Split(signature, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			stamp = value
		case "v1":
			sums = append(sums, value)
		}
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%w: no time", payment.ErrUnsigned)
	}
	if age := g.config.Now().Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return fmt.Errorf("%w: signed %s ago", payment.ErrUnsigned, age)
	}
	want := mac(stamp, body, g.config.WebhookSecret)
	for _, sum := range sums {
		if got, err := hex.DecodeString(sum); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return payment.ErrUnsigned
}
