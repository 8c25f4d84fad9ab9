package app

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/adapters/stripe"
	"github.com/noren-commerce/noren/core/payment"
)

// maxWebhook bounds the body of a webhook; Stripe's are far smaller.
const maxWebhook = 512 << 10

// webhooks takes in what payment gateways report. Answers: 200 taken in (also
// when seen before), 400 unsigned or unreadable, 413 too large, 500 or 503 send
// it again later.
func (a *App) webhooks(r chi.Router) {
	r.Post("/webhooks/stripe", a.paymentNotice(stripe.Name, "Stripe-Signature"))
	r.Post("/webhooks/konbini", a.paymentNotice(konbini.Name, konbini.SignatureHeader))
	r.Post("/webhooks/carriers/{carrier}", a.carrierReport)
}

func (a *App) paymentNotice(gateway, signatureHeader string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				say(w, http.StatusRequestEntityTooLarge, "the body is too large")
				return
			}
			say(w, http.StatusBadRequest, "the body could not be read")
			return
		}
		outcome, err := a.Payments.HandleNotice(r.Context(), gateway, body, r.Header.Get(signatureHeader))
		switch {
		case errors.Is(err, payment.ErrUnsigned):
			slog.WarnContext(r.Context(), "a webhook without a valid signature", "gateway", gateway, "remote", r.RemoteAddr, "error", err)
			say(w, http.StatusBadRequest, payment.ErrUnsigned.Error())
		case errors.Is(err, payment.ErrUnreadable):
			say(w, http.StatusBadRequest, payment.ErrUnreadable.Error())
		case errors.Is(err, payment.ErrNoGateway):
			say(w, http.StatusNotFound, "this gateway is not set up")
		case err != nil:
			slog.ErrorContext(r.Context(), "a webhook could not be taken in", "gateway", gateway, "error", err)
			say(w, http.StatusInternalServerError, "not taken in; send it again")
		default:
			say(w, http.StatusOK, string(outcome))
		}
	}
}

// say answers a webhook in one JSON object.
func say(w http.ResponseWriter, status int, outcome string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"outcome": outcome})
}
