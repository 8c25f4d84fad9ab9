// Package konbini lets customers pay in advance at convenience stores (コンビニ払い): a
// payment provider issues a slip number, the store takes the cash, and the provider
// says so by a signed webhook. docs/payments.md describes what it speaks.
package konbini

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// Name of this gateway in payments.
const Name = "konbini"

// Most is what stores take at once: receipts above it need a revenue stamp.
const Most = 300_000

// Config sets up the gateway.
type Config struct {
	BaseURL       string // of the provider
	Key           string // the shop's key at the provider
	WebhookSecret string // that webhooks are signed with
	Shop          string // the shop's name at the provider; slips of others are none of ours
	Most          int64  // largest slip in minor units; Most if zero
	Timeout       time.Duration
	Now           clock.Clock // the system's if nil
}

// Gateway is the payment.Gateway for convenience stores.
type Gateway struct {
	config Config
	client *http.Client
}

// New makes the gateway.
func New(c Config) *Gateway {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	c.Most = cmp.Or(c.Most, Most)
	if c.Now == nil {
		c.Now = clock.System
	}
	return &Gateway{config: c, client: &http.Client{Timeout: cmp.Or(c.Timeout, 8*time.Second)}}
}

// Name is "konbini".
func (g *Gateway) Name() string { return Name }

// Method is payment at a convenience store.
func (g *Gateway) Method() payment.Method { return payment.MethodConvenienceStore }

// Chains are those at whose stores slips are paid.
func (g *Gateway) Chains() []payment.Chain {
	return []payment.Chain{
		payment.ChainSevenEleven, payment.ChainFamilyMart, payment.ChainLawson, payment.ChainMinistop, payment.ChainSeicomart, payment.ChainDailyYamazaki,
	}
}

// Most is the largest amount of one slip.
func (g *Gateway) Most() int64 { return g.config.Most }

// Slip is a slip as the provider has it.
type Slip struct {
	ID           string         `json:"id"`
	Shop         string         `json:"shop"`
	Payment      string         `json:"payment"` // our payment's id
	Order        string         `json:"order"`   // the order's number
	Status       string         `json:"status"`  // waiting, paid, expired or cancelled
	Amount       int64          `json:"amount"`
	Paid         int64          `json:"paid"`
	Currency     money.Currency `json:"currency"`
	Chain        payment.Chain  `json:"chain"`
	Number       string         `json:"number"`
	Confirmation string         `json:"confirmation,omitempty"`
	Name         string         `json:"name,omitempty"`
	ExpiresAt    time.Time      `json:"expires_at"`
}

// answer is the slip as the core understands it. One that has run out is given up by
// noren, not here: an order is cancelled before its payment is. One that the provider gave
// up by itself fails, so that the customer may pay otherwise, or the order runs out.
func (s Slip) answer() payment.Answer {
	a := payment.Answer{Reference: s.ID, Status: payment.StatusPending, Currency: s.Currency}
	switch s.Status {
	case "paid":
		a.Status, a.Captured = payment.StatusCaptured, s.Paid
	case "cancelled":
		a.Status, a.Decline = payment.StatusFailed, &payment.Decline{Code: "cancelled"}
	}
	if s.Number != "" {
		a.Instructions = &payment.Instructions{
			Chain: &s.Chain, SlipNumber: s.Number, Confirmation: s.Confirmation, Amount: s.Amount, Currency: s.Currency, DueAt: s.ExpiresAt.UTC(),
		}
	}
	return a
}

// Start has a slip issued; one that was issued before is read.
func (g *Gateway) Start(ctx context.Context, r payment.StartRequest) (payment.Answer, error) {
	if r.Reference != "" {
		return g.slip(ctx, http.MethodGet, "/slips/"+url.PathEscape(r.Reference), uuid.Nil, nil)
	}
	return g.slip(ctx, http.MethodPost, "/slips", r.Key, Slip{
		Shop: g.config.Shop, Payment: r.PaymentID.String(), Order: r.OrderNumber, Amount: r.Amount, Currency: r.Currency,
		Chain: r.Chain, Name: r.Name, ExpiresAt: r.DueAt,
	})
}

// Void gives a slip up. One that is paid stays so, and the answer says it.
func (g *Gateway) Void(ctx context.Context, r payment.VoidRequest) (payment.Answer, error) {
	a, err := g.slip(ctx, http.MethodPost, "/slips/"+url.PathEscape(r.Reference)+"/cancel", r.Key, struct{}{})
	return givenUp(a), err
}

// givenUp is the answer to a void: what failed is what was asked for.
func givenUp(a payment.Answer) payment.Answer {
	if a.Decline != nil {
		a.Status, a.Decline = payment.StatusCancelled, nil
	}
	return a
}

// Capture cannot be asked for: what is paid is taken.
func (g *Gateway) Capture(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Refund cannot be asked for: cash does not go back to a store. Staff send it.
func (g *Gateway) Refund(context.Context, payment.AmountRequest) (payment.Answer, error) {
	return payment.Answer{}, payment.ErrUnsupported
}

// Find looks a slip up by its id, or by our payment if its id never arrived.
func (g *Gateway) Find(ctx context.Context, r payment.FindRequest) (payment.Answer, error) {
	if r.Reference == "" {
		return g.search(ctx, r.PaymentID)
	}
	found, err := g.slip(ctx, http.MethodGet, "/slips/"+url.PathEscape(r.Reference), uuid.Nil, nil)
	switch {
	case err != nil || r.Operation.Kind != payment.OperationVoid:
		return found, err
	case found.Status == payment.StatusPending:
		return found, payment.ErrNeverArrived
	}
	return givenUp(found), nil
}

func (g *Gateway) search(ctx context.Context, paymentID uuid.UUID) (payment.Answer, error) {
	var found struct {
		Slips []Slip `json:"slips"`
	}
	if err := g.call(ctx, http.MethodGet, "/slips?payment="+paymentID.String(), uuid.Nil, nil, &found); err != nil {
		return payment.Answer{}, err
	}
	for _, s := range found.Slips {
		if s.Payment == paymentID.String() {
			return s.answer(), nil
		}
	}
	return payment.Answer{}, payment.ErrNeverArrived
}

func (g *Gateway) slip(ctx context.Context, method, path string, key uuid.UUID, body any) (payment.Answer, error) {
	var s Slip
	if err := g.call(ctx, method, path, key, body, &s); err != nil {
		return payment.Answer{}, err
	}
	if s.ID == "" {
		return payment.Answer{}, fmt.Errorf("%w: an answer without a slip", payment.ErrUnanswered)
	}
	return s.answer(), nil
}

// maxAnswer bounds what the provider says.
const maxAnswer = 1 << 20

// call talks to the provider. What it refuses is an error; what nobody can know of is
// payment.ErrUnanswered.
func (g *Gateway) call(ctx context.Context, method, path string, key uuid.UUID, body, into any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(ctx, method, g.config.BaseURL+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+g.config.Key)
	request.Header.Set("Content-Type", "application/json")
	if key != uuid.Nil {
		request.Header.Set("Idempotency-Key", key.String())
	}
	response, err := g.client.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, err)
	}
	if failed := failure(response.StatusCode, raw); failed != nil {
		return failed
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, err)
	}
	return nil
}

// failure sorts the provider's refusals. A wrong key or a busy provider says nothing
// about the slip: mend it and ask again.
func failure(status int, body []byte) error {
	if status < 300 {
		return nil
	}
	err := errors.New("konbini: " + http.StatusText(status) + ": " + string(body[:min(len(body), 200)]))
	switch {
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", payment.ErrNeverArrived, err)
	case status >= 500, status == http.StatusConflict, status == http.StatusTooManyRequests,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusRequestTimeout:
		return fmt.Errorf("%w: %w", payment.ErrUnanswered, err)
	}
	return err
}
