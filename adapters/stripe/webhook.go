package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// tolerance is how old a signature may be (Stripe signs each delivery anew).
const tolerance = 5 * time.Minute

// Interpret checks and reads a webhook of Stripe. signature is the header
// Stripe-Signature. Events about other things give a Notice without a payment.
func (g *Gateway) Interpret(body []byte, signature string) (payment.Notice, error) {
	if g.config.WebhookSecret == "" {
		return payment.Notice{}, fmt.Errorf("%w: no webhook secret is set", payment.ErrUnsigned)
	}
	event, err := webhook.ConstructEventWithOptions(body, signature, g.config.WebhookSecret, webhook.ConstructEventOptions{
		Tolerance: tolerance, IgnoreAPIVersionMismatch: true, // only fields that all versions have are read
	})
	switch {
	case errors.Is(err, webhook.ErrNotSigned), errors.Is(err, webhook.ErrNoValidSignature),
		errors.Is(err, webhook.ErrInvalidHeader), errors.Is(err, webhook.ErrTooOld):
		return payment.Notice{}, fmt.Errorf("%w: %w", payment.ErrUnsigned, err)
	case err != nil:
		return payment.Notice{}, fmt.Errorf("%w: %w", payment.ErrUnreadable, err)
	case event.ID == "" || event.Data == nil:
		return payment.Notice{}, fmt.Errorf("%w: an event without id or data", payment.ErrUnreadable)
	}
	n := payment.Notice{EventID: event.ID, Type: string(event.Type), At: time.Unix(event.Created, 0).UTC()}
	switch {
	case strings.HasPrefix(n.Type, "payment_intent."):
		err = readIntent(event, &n)
	case n.Type == "charge.refunded" || n.Type == "charge.refund.updated":
		err = readCharge(event, &n)
	}
	return n, err
}

func readIntent(event stripe.Event, n *payment.Notice) error {
	var pi stripe.PaymentIntent
	if err := json.Unmarshal(event.Data.Raw, &pi); err != nil {
		return fmt.Errorf("%w: %s: %w", payment.ErrUnreadable, event.Type, err)
	}
	n.Answer = state(&pi)
	n.PaymentID = ours(pi.Metadata)
	return nil
}

func readCharge(event stripe.Event, n *payment.Notice) error {
	var charge stripe.Charge
	if err := json.Unmarshal(event.Data.Raw, &charge); err != nil {
		return fmt.Errorf("%w: %s: %w", payment.ErrUnreadable, event.Type, err)
	}
	if charge.Object != "charge" || charge.PaymentIntent == nil {
		return nil
	}
	n.Answer = payment.Answer{
		Reference: charge.PaymentIntent.ID, Currency: money.Currency(strings.ToUpper(string(charge.Currency))),
		Status: payment.StatusCaptured, Captured: charge.AmountCaptured,
		Refunded: charge.AmountRefunded, RefundsKnown: true,
	}
	n.PaymentID = ours(charge.Metadata)
	return nil
}

func ours(metadata map[string]string) uuid.UUID {
	key, err := uuid.Parse(metadata[metaPayment])
	if err != nil {
		return uuid.Nil
	}
	return key
}
