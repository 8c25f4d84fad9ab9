// Package stripe collects card payments through Stripe PaymentIntents.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/noren-commerce/noren/core/payment"
)

// Name of this gateway in payments.
const Name = "stripe"

// Metadata that ties Stripe's objects to ours.
const (
	metaPayment   = "noren_payment"
	metaOperation = "noren_operation"
	metaOrder     = "noren_order"
	metaCard      = "noren_card"
	metaMember    = "noren_member"
)

// Config sets up the gateway.
type Config struct {
	SecretKey     string        // sk_live_… or sk_test_…
	PublicKey     string        // pk_live_… or pk_test_…, for the client's card form
	WebhookSecret string        // whsec_…
	BaseURL       string        // Stripe itself if empty
	Timeout       time.Duration // of one HTTP exchange; 8 s if zero
	Retries       int64         // after a call without an answer; 2 if zero, none if negative
	HoldOnly      bool          // authorise at the order, capture when it ships (与信のみ)
}

// Gateway is the payment.Gateway for cards.
type Gateway struct {
	client *stripe.Client
	config Config
}

// New makes the gateway. Amounts go to Stripe as minor units, which for yen, a
// currency without decimals, are whole yen.
func New(c Config) *Gateway {
	if c.Timeout == 0 {
		c.Timeout = 8 * time.Second
	}
	if c.Retries == 0 {
		c.Retries = 2
	}
	backend := &stripe.BackendConfig{
		HTTPClient:        &http.Client{Timeout: c.Timeout},
		MaxNetworkRetries: stripe.Int64(max(c.Retries, 0)), // safe: each call has an idempotency key
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry:   stripe.Bool(false),
	}
	if c.BaseURL != "" {
		backend.URL = stripe.String(strings.TrimSuffix(c.BaseURL, "/"))
	}
	return &Gateway{config: c, client: stripe.NewClient(c.SecretKey, stripe.WithBackends(stripe.NewBackendsWithConfig(backend)))}
}

// Name is "stripe".
func (g *Gateway) Name() string { return Name }

// Method is payment by card.
func (g *Gateway) Method() payment.Method { return payment.MethodCard }

// PublicKey is Stripe's publishable key.
func (g *Gateway) PublicKey() string { return g.config.PublicKey }

// Start creates the PaymentIntent, or tries an existing one with another card.
// One PaymentIntent is paid at most once, so a second try never charges twice.
func (g *Gateway) Start(ctx context.Context, r payment.StartRequest) (payment.Answer, error) {
	if r.Reference == "" {
		return g.create(ctx, r)
	}
	if r.Token == "" && r.Kept == nil {
		return g.retrieve(ctx, r.Reference)
	}
	params := &stripe.PaymentIntentConfirmParams{PaymentMethod: stripe.String(r.Token), ReturnURL: optional(r.ReturnURL)}
	if r.Kept != nil {
		if err := g.belongs(ctx, r); err != nil {
			return payment.Answer{}, err
		}
		params.PaymentMethod = stripe.String(r.Kept.Reference)
		if r.Kept.Absent {
			params.OffSession = stripe.Bool(true)
		}
	}
	params.SetIdempotencyKey(r.Key.String())
	pi, err := g.client.V1PaymentIntents.Confirm(ctx, r.Reference, params)
	return answer(pi, err)
}

func (g *Gateway) create(ctx context.Context, r payment.StartRequest) (payment.Answer, error) {
	params := &stripe.PaymentIntentCreateParams{
		Amount:             stripe.Int64(r.Amount),
		Currency:           stripe.String(strings.ToLower(string(r.Currency))),
		PaymentMethodTypes: []*string{stripe.String("card")},
		CaptureMethod:      stripe.String("automatic"),
		Description:        stripe.String(r.OrderNumber),
		Metadata: map[string]string{
			metaPayment: r.PaymentID.String(), metaOperation: r.Key.String(), metaOrder: r.OrderNumber,
		},
	}
	if g.config.HoldOnly {
		params.CaptureMethod = stripe.String("manual")
	}
	if r.Token != "" {
		params.PaymentMethod, params.Confirm, params.ReturnURL = stripe.String(r.Token), stripe.Bool(true), optional(r.ReturnURL)
	}
	if r.Kept != nil {
		params.Customer, params.PaymentMethod, params.Confirm = stripe.String(r.Kept.Customer), stripe.String(r.Kept.Reference), stripe.Bool(true)
		params.ReturnURL = optional(r.ReturnURL)
		if r.Kept.Absent {
			params.OffSession = stripe.Bool(true)
		}
	}
	params.SetIdempotencyKey(r.Key.String())
	pi, err := g.client.V1PaymentIntents.Create(ctx, params)
	return answer(pi, err)
}

// Capture takes held money.
func (g *Gateway) Capture(ctx context.Context, r payment.AmountRequest) (payment.Answer, error) {
	params := &stripe.PaymentIntentCaptureParams{AmountToCapture: stripe.Int64(r.Amount)}
	params.SetIdempotencyKey(r.Key.String())
	pi, err := g.client.V1PaymentIntents.Capture(ctx, r.Reference, params)
	return answer(pi, err)
}

// Void cancels the PaymentIntent. One that has already succeeded stays so, and
// the answer says it.
func (g *Gateway) Void(ctx context.Context, r payment.VoidRequest) (payment.Answer, error) {
	params := &stripe.PaymentIntentCancelParams{}
	params.SetIdempotencyKey(r.Key.String())
	pi, err := g.client.V1PaymentIntents.Cancel(ctx, r.Reference, params)
	return answer(pi, err)
}

// Refund gives money back to the card.
func (g *Gateway) Refund(ctx context.Context, r payment.AmountRequest) (payment.Answer, error) {
	params := &stripe.RefundCreateParams{
		PaymentIntent: stripe.String(r.Reference),
		Amount:        stripe.Int64(r.Amount),
		Metadata:      map[string]string{metaPayment: r.PaymentID.String(), metaOperation: r.Key.String()},
	}
	params.SetIdempotencyKey(r.Key.String())
	if _, err := g.client.V1Refunds.Create(ctx, params); err != nil {
		return payment.Answer{}, failure(err)
	}
	return g.retrieve(ctx, r.Reference)
}

// Find looks the payment up by its id, or, if Stripe's answer to its creation was
// lost, by the metadata among the intents of that time.
func (g *Gateway) Find(ctx context.Context, r payment.FindRequest) (payment.Answer, error) {
	if r.Reference == "" {
		pi, err := g.search(ctx, r)
		if err != nil {
			return payment.Answer{}, err
		}
		return g.retrieve(ctx, pi.ID)
	}
	found, err := g.retrieve(ctx, r.Reference)
	if err != nil {
		return payment.Answer{}, err
	}
	arrived, err := g.arrived(ctx, r, found)
	if err == nil && !arrived {
		err = payment.ErrNeverArrived
	}
	return found, err
}

// arrived reports whether the state of the payment shows the operation's effect.
func (g *Gateway) arrived(ctx context.Context, r payment.FindRequest, found payment.Answer) (bool, error) {
	switch r.Operation.Kind {
	case payment.OperationCapture:
		return found.Captured > 0, nil
	case payment.OperationVoid:
		return found.Status == payment.StatusCancelled || found.Captured > 0, nil
	case payment.OperationRefund:
		return g.refunded(ctx, r)
	}
	return true, nil
}

func (g *Gateway) refunded(ctx context.Context, r payment.FindRequest) (bool, error) {
	params := &stripe.RefundListParams{PaymentIntent: stripe.String(r.Reference)}
	for refund, err := range g.client.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return false, failure(err)
		}
		if refund.Metadata[metaOperation] == r.Operation.ID.String() {
			return refund.Status != stripe.RefundStatusFailed && refund.Status != stripe.RefundStatusCanceled, nil
		}
	}
	return false, nil
}

// clockSkew allows for clocks that differ between here and Stripe.
const clockSkew = 5 * time.Minute

func (g *Gateway) search(ctx context.Context, r payment.FindRequest) (*stripe.PaymentIntent, error) {
	params := &stripe.PaymentIntentListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: r.Since.Add(-clockSkew).Unix()}}
	if last := r.Operation.LastCallAt; last != nil {
		params.CreatedRange.LesserThanOrEqual = last.Add(clockSkew).Unix()
	}
	params.Limit = stripe.Int64(100)
	for pi, err := range g.client.V1PaymentIntents.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, failure(err)
		}
		if pi.Metadata[metaPayment] == r.PaymentID.String() {
			return pi, nil
		}
	}
	return nil, payment.ErrNeverArrived
}

func (g *Gateway) retrieve(ctx context.Context, reference string) (payment.Answer, error) {
	params := &stripe.PaymentIntentRetrieveParams{}
	params.AddExpand("latest_charge")
	pi, err := g.client.V1PaymentIntents.Retrieve(ctx, reference, params)
	return answer(pi, err)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// failure sorts Stripe's errors: was it a clear no, or may it be tried again?
func failure(err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, err)
	}
	short := fmt.Errorf("stripe: %s %s: %s (request %s)", e.Type, e.Code, e.Msg, e.RequestID)
	switch {
	case e.HTTPStatusCode >= 500, e.HTTPStatusCode == http.StatusConflict, e.HTTPStatusCode == http.StatusTooManyRequests,
		e.HTTPStatusCode == http.StatusUnauthorized, e.HTTPStatusCode == http.StatusForbidden:
		// A wrong key or a busy Stripe says nothing about the payment: mend it and ask again.
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, short)
	}
	return short
}
