package stripe

import (
	"errors"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// answer reads a PaymentIntent, or the one that an error carries: a declined card
// and a PaymentIntent in the wrong state are answers, not failures.
func answer(pi *stripe.PaymentIntent, err error) (payment.Answer, error) {
	if err == nil {
		return state(pi), nil
	}
	var e *stripe.Error
	if !errors.As(err, &e) {
		return payment.Answer{}, failure(err)
	}
	switch {
	case e.Type == stripe.ErrorTypeCard:
		a := payment.Answer{}
		if e.PaymentIntent != nil {
			a = state(e.PaymentIntent)
		}
		a.Status, a.Decline = payment.StatusFailed, decline(e)
		return a, nil
	case e.Code == stripe.ErrorCodePaymentIntentUnexpectedState && e.PaymentIntent != nil:
		return state(e.PaymentIntent), nil
	}
	return payment.Answer{}, failure(err)
}

// state says in our words how far a PaymentIntent has come.
func state(pi *stripe.PaymentIntent) payment.Answer {
	a := payment.Answer{
		Reference: pi.ID, Status: payment.StatusPending,
		Currency: money.Currency(strings.ToUpper(string(pi.Currency))), ClientSecret: pi.ClientSecret,
	}
	switch pi.Status {
	case stripe.PaymentIntentStatusSucceeded:
		a.Status, a.Captured = payment.StatusCaptured, pi.AmountReceived
	case stripe.PaymentIntentStatusRequiresCapture:
		a.Status, a.Authorised = payment.StatusAuthorised, pi.AmountCapturable
	case stripe.PaymentIntentStatusCanceled:
		a.Status = payment.StatusCancelled
	case stripe.PaymentIntentStatusRequiresAction:
		a.NeedsAction = true
	case stripe.PaymentIntentStatusRequiresPaymentMethod:
		if pi.LastPaymentError != nil {
			a.Status, a.Decline = payment.StatusFailed, decline(pi.LastPaymentError)
		}
	}
	if charge := pi.LatestCharge; charge != nil && charge.Object != "" { // expanded, not a bare id
		a.Refunded, a.RefundsKnown = charge.AmountRefunded, true
	}
	return a
}

func decline(e *stripe.Error) *payment.Decline {
	if e.DeclineCode != "" {
		return &payment.Decline{Code: string(e.DeclineCode)}
	}
	return &payment.Decline{Code: string(e.Code)}
}
