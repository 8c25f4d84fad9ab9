package giftcard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/symbols"
)

// MaxPerOrder is how many cards pay one order.
const MaxPerOrder = 10

// Hold locks the cards with the codes until the transaction of the context ends, in the
// order in which they were named: until then nobody else spends them. A code that does
// not pay is told by its place.
func (s *Service) Hold(ctx context.Context, codes []string) ([]Card, error) {
	if len(codes) > MaxPerOrder {
		return nil, ErrTooMany.With(MaxPerOrder).At("giftCards")
	}
	brandID := channel.From(ctx).BrandID
	hashes, all := make([][]byte, len(codes)), []error{}
	for i, typed := range codes {
		normal, ok := symbols.Read(typed, codeLength)
		if !ok {
			all = append(all, ErrMistyped.At(place(i)))
			continue
		}
		hashes[i] = s.hash(brandID, normal)
		for _, before := range hashes[:i] {
			if bytes.Equal(before, hashes[i]) {
				all = append(all, ErrTwice.At(place(i)))
			}
		}
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	found, err := s.Store.LockByHash(ctx, brandID, hashes)
	if err != nil {
		return nil, err
	}
	cards := make([]Card, len(codes))
	for i, hash := range hashes {
		problem := ErrUnknown
		for _, c := range found {
			if bytes.Equal(c.Hash, hash) {
				cards[i], cards[i].At = c.Card, s.Now()
				problem = cards[i].problem()
			}
		}
		if problem != nil {
			all = append(all, problem.At(place(i)))
		}
	}
	return cards, errors.Join(all...)
}

func place(i int) string { return fmt.Sprintf("giftCards.%d", i) }

// Use is what one card pays of an order.
type Use struct {
	Card      Card
	OrderID   uuid.UUID
	PaymentID uuid.UUID
	Minor     int64
}

// Share lets the cards pay the total, one after the other; rest is what they do not pay.
// It is pure.
func Share(cards []Card, total int64) (uses []Use, rest int64) {
	for _, c := range cards {
		if pays := min(c.BalanceMinor, total); pays > 0 {
			uses, total = append(uses, Use{Card: c, Minor: pays}), total-pays
		}
	}
	return uses, total
}

// Spend takes what held cards pay off their balances.
func (s *Service) Spend(ctx context.Context, uses []Use) error {
	entries := make([]Entry, len(uses))
	for i, u := range uses {
		entries[i] = s.entry(ctx, u.Card, EntryUse, -u.Minor)
		entries[i].OrderID, entries[i].PaymentID = &u.OrderID, &u.PaymentID
	}
	return s.Store.Change(ctx, entries)
}

// grace is how long a card that had expired lives on when an order gives money back to it.
const grace = 30 * 24 * time.Hour

// GiveBack puts back on a card what it paid, in the transaction of the context. One that
// has expired since may be used for another thirty days; one that is void stays so, and
// staff see what is on it.
func (s *Service) GiveBack(ctx context.Context, brandID, cardID uuid.UUID, u Use, reason string) error {
	cards, err := s.Store.Lock(ctx, brandID, []uuid.UUID{cardID})
	switch {
	case err != nil:
		return err
	case len(cards) == 0:
		return fault.ErrNotFound
	}
	c := cards[0]
	c.At = s.Now()
	if c.State() == Expired {
		if err := s.Store.Extend(ctx, c.ID, c.At.Add(grace)); err != nil {
			return err
		}
	}
	e := s.entry(ctx, c, EntryReturn, u.Minor)
	e.OrderID, e.PaymentID, e.Reason = &u.OrderID, &u.PaymentID, reason
	return s.Store.Change(ctx, []Entry{e})
}
