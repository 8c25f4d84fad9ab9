package company

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
)

// What a company owes, it owes for its newest orders: its money pays the oldest first (消込).
// So an order on account is paid as soon as what is owed does not reach it, whether money came
// in, was there before, or another order costs less.

// covered reports whether what the company owes now, at the balance, does not reach the order.
func (s *Service) covered(ctx context.Context, companyID, orderID uuid.UUID, balance int64) (bool, error) {
	if balance <= 0 {
		return true, nil
	}
	after, err := s.Store.OwedAfter(ctx, companyID, orderID)
	return balance <= after, err
}

// Cover marks what the company's money reaches of its orders, in the transaction that changed
// what it owes.
func (s *Service) Cover(ctx context.Context, companyID uuid.UUID) error {
	return s.cover(ctx, companyID, uuid.Nil)
}

// cover is Cover but for the order that the transaction itself saves.
func (s *Service) cover(ctx context.Context, companyID, besides uuid.UUID) error {
	paid, err := s.Store.Cover(ctx, companyID, besides, s.Now())
	if err != nil {
		return err
	}
	events := make([]event.Event, len(paid))
	for i, orderID := range paid {
		events[i] = event.New(ctx, s.Now(), "order.payment_changed", "Order", orderID, map[string]any{"paid": true})
	}
	return s.Events.Record(ctx, events...)
}

// Covered reports whether what the company owes does not reach the order.
func (s *Service) Covered(ctx context.Context, companyID, orderID uuid.UUID) (bool, error) {
	credit, err := s.Store.Credit(ctx, companyID)
	if err != nil {
		return false, err
	}
	return s.covered(ctx, companyID, orderID, credit.UsedMinor)
}
