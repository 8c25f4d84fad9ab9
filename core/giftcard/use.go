package giftcard

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Hold locks the cards with the codes until the transaction of the context ends, and
// answers them as they were named.
func (s *Service) Hold(ctx context.Context, codes []string) ([]prepaid.Held, error) {
	brandID := channel.From(ctx).BrandID
	hashes := make([][]byte, len(codes))
	for i, code := range codes {
		hashes[i] = s.hash(brandID, code)
	}
	found, err := s.Store.LockByHash(ctx, brandID, hashes)
	if err != nil {
		return nil, err
	}
	held := make([]prepaid.Held, len(codes))
	for i, hash := range hashes {
		for _, c := range found {
			if bytes.Equal(c.Hash, hash) {
				c.At = s.Now()
				held[i] = c.held()
			}
		}
	}
	return held, nil
}

// held is the card as it pays.
func (c Card) held() prepaid.Held {
	return prepaid.Held{Kind: prepaid.GiftCards, ID: c.ID, Ending: c.Ending, Currency: c.Currency, BalanceMinor: c.BalanceMinor, Problem: c.problem()}
}

// Lock locks the brand's cards with the ids until the transaction of the context ends.
func (s *Service) Lock(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) error {
	_, err := s.Store.Lock(ctx, brandID, ids)
	return err
}

// Spend takes what held cards pay off their balances.
func (s *Service) Spend(ctx context.Context, uses []prepaid.Use) error {
	entries := make([]Entry, len(uses))
	for i, u := range uses {
		entries[i] = s.entry(ctx, Card{ID: u.ID, Currency: u.Currency}, EntryUse, -u.Minor)
		entries[i].OrderID, entries[i].PaymentID = &u.OrderID, &u.PaymentID
	}
	return s.Store.Change(ctx, entries)
}

// GiveBack puts back on a card what it paid, in the transaction of the context. One that
// has expired since may be used for another thirty days; one that is void stays so, and
// staff see what is on it.
func (s *Service) GiveBack(ctx context.Context, brandID uuid.UUID, u prepaid.Use, reason string) error {
	cards, err := s.Store.Lock(ctx, brandID, []uuid.UUID{u.ID})
	switch {
	case err != nil:
		return err
	case len(cards) == 0:
		return fault.ErrNotFound
	}
	c := cards[0]
	c.At = s.Now()
	if c.State() == Expired {
		if err := s.Store.Extend(ctx, c.ID, c.At.Add(prepaid.Grace)); err != nil {
			return err
		}
	}
	e := s.entry(ctx, c, EntryReturn, u.Minor)
	e.OrderID, e.PaymentID, e.Reason = &u.OrderID, &u.PaymentID, reason
	return s.Store.Change(ctx, []Entry{e})
}
