package payment

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/prepaid"
)

// OpenInput is the payment that a new order begins with.
type OpenInput struct {
	OrderID     uuid.UUID
	BrandID     uuid.UUID
	OrderNumber string
	Method      Method
	Amount      int64 // minor units
	Currency    money.Currency
	Name        string // of the customer, for the mail that says how to pay
	Email       string
	Chain       Chain         // of convenience stores, for the method that is paid there
	Within      time.Duration // how long the payment waits; 0: as the method says
	CardID      *uuid.UUID    // the kept card that noren charges, for MethodCard; nil: the customer pays
}

// Draft is a payment about to be written down.
type Draft struct {
	Payment  Payment
	Messages []messaging.Message // how to pay, for methods that are paid outside
	Start    *Operation          // that a job has yet to ask of the gateway
	Number   string              // the order's
}

// Opener is the part of Service that placing and cancelling an order needs.
type Opener interface {
	// Draft is the payment of a new order, to be written down with it, and what to
	// tell the customer. No gateway is called: a card is charged by Service.Pay after
	// the order stands. An unknown method is ErrMethodUnavailable.
	Draft(ctx context.Context, in OpenInput) (Draft, error)
	// Given is what a gift card or voucher pays of a new order: it is received at once.
	Given(in OpenInput, h prepaid.Held) Draft
	// GivenPoints is what points pay of a new order: it is received at once.
	GivenPoints(in OpenInput, programmeID uuid.UUID, code string) Draft
	// Opened goes on with a draft that was written down, in the same transaction: what
	// it asks of a gateway is queued, and what was received is written into the books.
	Opened(ctx context.Context, d Draft) error
	// Release gives up or gives back all money of an order that was cancelled, in
	// the order's transaction; the gateways are called by a job after it commits.
	// It answers what goes back to the customer, in minor units.
	Release(ctx context.Context, orderID uuid.UUID, reason string) (refund int64, err error)
	// Tracked notes by which tracking number a carrier knows what it collects for an
	// order that ships, in its transaction.
	Tracked(ctx context.Context, orderID uuid.UUID, tracking string) error
	// Refused gives back, or asks no more for, a shipment that its customer did not
	// accept, in its transaction.
	Refused(ctx context.Context, in RefusedInput) (Adjusted, error)
	// Reask lets the open payments of an order that came to so much, and now comes to the
	// total, ask for what is left of that, in its transaction.
	Reask(ctx context.Context, orderID uuid.UUID, before, total int64) error
	// Take takes the money that is held for an order which ships, up to its total, in
	// its transaction.
	Take(ctx context.Context, orderID uuid.UUID, total int64) error
	// Adjust gives back what an order that came to so much, and now comes to the total,
	// has paid too much, in its transaction.
	Adjust(ctx context.Context, orderID uuid.UUID, before, total int64) (Adjusted, error)
	// Reduce gives back what was paid for pieces that do not leave any more, of an order
	// of which some have, in its transaction.
	Reduce(ctx context.Context, orderID uuid.UUID, before, total int64) (Adjusted, error)
	// Deadline is the moment until which an order by this method waits for its money.
	Deadline(m Method, placedAt time.Time) time.Time
}
