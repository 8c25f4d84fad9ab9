package stripe

import (
	"context"
	"errors"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/noren-commerce/noren/core/payment"
)

// Keep keeps a card with a SetupIntent, for charges while the customer is away.
func (g *Gateway) Keep(ctx context.Context, r payment.KeepRequest) (payment.Keeping, error) {
	customer := r.Customer
	if customer == "" {
		params := &stripe.CustomerCreateParams{Metadata: map[string]string{metaMember: r.MemberID.String()}}
		params.SetIdempotencyKey("customer " + r.MemberID.String())
		made, err := g.client.V1Customers.Create(ctx, params)
		if err != nil {
			return payment.Keeping{}, failure(err)
		}
		customer = made.ID
	}
	params := &stripe.SetupIntentCreateParams{
		Customer: stripe.String(customer), PaymentMethod: stripe.String(r.Token), PaymentMethodTypes: []*string{stripe.String("card")},
		Usage: stripe.String("off_session"), Confirm: stripe.Bool(true), ReturnURL: optional(r.ReturnURL),
		Metadata: map[string]string{metaCard: r.Key.String(), metaMember: r.MemberID.String()},
	}
	params.AddExpand("payment_method")
	params.SetIdempotencyKey(r.Key.String())
	si, err := g.client.V1SetupIntents.Create(ctx, params)
	k, err := keeping(si, err)
	k.Customer = customer
	return k, err
}

// Keeping tells how far a SetupIntent has come, which is found by its card if Stripe's
// answer to its creation was lost.
func (g *Gateway) Keeping(ctx context.Context, r payment.KeepingRequest) (payment.Keeping, error) {
	setup, err := r.Setup, error(nil)
	if setup == "" {
		if setup, err = g.setupOf(ctx, r); err != nil {
			return payment.Keeping{}, err
		}
	}
	params := &stripe.SetupIntentRetrieveParams{}
	params.AddExpand("payment_method")
	si, err := g.client.V1SetupIntents.Retrieve(ctx, setup, params)
	return keeping(si, err)
}

func (g *Gateway) setupOf(ctx context.Context, r payment.KeepingRequest) (string, error) {
	params := &stripe.SetupIntentListParams{CreatedRange: &stripe.RangeQueryParams{
		GreaterThanOrEqual: r.Since.Add(-clockSkew).Unix(), LesserThanOrEqual: r.Since.Add(askedWithin).Unix(),
	}}
	params.Limit = stripe.Int64(100)
	for si, err := range g.client.V1SetupIntents.List(ctx, params).All(ctx) {
		if err != nil {
			return "", failure(err)
		}
		if si.Metadata[metaCard] == r.Key.String() {
			return si.ID, nil
		}
	}
	return "", payment.ErrNeverArrived
}

// askedWithin is how long after a card was written down Stripe may have been asked to keep
// it: as long as Stripe knows the key again.
const askedWithin = 24 * time.Hour

// Abandon cancels a SetupIntent; one that is cancelled, or unknown, is already.
func (g *Gateway) Abandon(ctx context.Context, setup string) error {
	_, err := g.client.V1SetupIntents.Cancel(ctx, setup, &stripe.SetupIntentCancelParams{})
	var e *stripe.Error
	if err == nil || errors.As(err, &e) && (e.Code == stripe.ErrorCodeResourceMissing || e.Code == stripe.ErrorCodeSetupIntentUnexpectedState) {
		return nil
	}
	return failure(err)
}

// Forget detaches the card from its customer.
func (g *Gateway) Forget(ctx context.Context, card string) error {
	_, err := g.client.V1PaymentMethods.Detach(ctx, card, &stripe.PaymentMethodDetachParams{})
	var e *stripe.Error
	if err == nil || errors.As(err, &e) && (e.Code == stripe.ErrorCodeResourceMissing || e.Code == stripe.ErrorCodePaymentMethodUnexpectedState) {
		return nil // now, or unknown, or detached before
	}
	return failure(err)
}

// belongs makes the PaymentIntent one of the kept card's customer, as its card must be.
func (g *Gateway) belongs(ctx context.Context, r payment.StartRequest) error {
	params := &stripe.PaymentIntentUpdateParams{Customer: stripe.String(r.Kept.Customer)}
	params.SetIdempotencyKey("customer " + r.Key.String())
	if _, err := g.client.V1PaymentIntents.Update(ctx, r.Reference, params); err != nil {
		return failure(err)
	}
	return nil
}

func keeping(si *stripe.SetupIntent, err error) (payment.Keeping, error) {
	if err != nil {
		var e *stripe.Error
		if errors.As(err, &e) && e.Type == stripe.ErrorTypeCard {
			return payment.Keeping{Decline: decline(e)}, nil
		}
		return payment.Keeping{}, failure(err)
	}
	k := payment.Keeping{Setup: si.ID, ClientSecret: si.ClientSecret, NeedsAction: si.Status == stripe.SetupIntentStatusRequiresAction}
	if si.Customer != nil {
		k.Customer = si.Customer.ID
	}
	switch {
	case si.Status == stripe.SetupIntentStatusSucceeded && si.PaymentMethod != nil:
		k.Card = si.PaymentMethod.ID
		if c := si.PaymentMethod.Card; c != nil {
			k.Network, k.Last4, k.ExpiryYear, k.ExpiryMonth = string(c.Brand), c.Last4, int(c.ExpYear), int(c.ExpMonth)
		}
	case si.Status == stripe.SetupIntentStatusRequiresPaymentMethod && si.LastSetupError != nil:
		k.Decline = decline(si.LastSetupError)
	case si.Status == stripe.SetupIntentStatusCanceled:
		k.Decline = &payment.Decline{Code: "canceled"}
	}
	return k, nil
}
