package voucher

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/prepaid"
)

// Kind is prepaid.Vouchers.
func (s *Service) Kind() *prepaid.Kind { return prepaid.Vouchers }

// Tried fails when the actor of the context has tried too many codes. A code that is
// nobody's is counted, and after too many wrong ones the actor may enter none: with
// ErrLocked. It is asked outside of transactions.
func (s *Service) Tried(ctx context.Context, codes []string) error {
	_, err := s.shown(ctx, codes)
	return err
}

// Look is the voucher with the code that a person has typed, whatever its state: whoever
// has the code may see what is on it.
func (s *Service) Look(ctx context.Context, typed string) (*Voucher, error) {
	normal, err := prepaid.Vouchers.Read(typed)
	if err != nil { // which tells nothing of which codes there are
		return nil, ErrMistyped.At("code")
	}
	found, err := s.shown(ctx, []string{normal})
	if err != nil {
		return nil, atCode(err)
	}
	return &found[0], nil
}

// shown are the vouchers of the codes that the actor shows, in their order. Which of them
// is nobody's is told by its place.
func (s *Service) shown(ctx context.Context, codes []string) ([]Voucher, error) {
	if err := s.admitted(ctx); err != nil {
		return nil, err
	}
	found, err := s.find(ctx, codes, s.Store.ByHash)
	if err != nil {
		return nil, err
	}
	var all []error
	for i, v := range found {
		if v.ID != uuid.Nil {
			continue
		}
		if err := s.wrong(ctx); !errors.Is(err, ErrUnknown) { // each counts
			return nil, err
		}
		all = append(all, ErrUnknown.At(strconv.Itoa(i)))
	}
	return found, errors.Join(all...)
}

// find are the brand's vouchers of the codes, as by finds them: in the order of the codes,
// without an id where there is none.
func (s *Service) find(ctx context.Context, codes []string, by func(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]NewVoucher, error)) ([]Voucher, error) {
	var hashes [][]byte
	place := map[string]int{}
	for i, normal := range codes {
		mine, err := s.Sealer.Hashes(ctx, "voucher", hashed(brandOf(ctx), normal))
		if err != nil {
			return nil, err
		}
		for _, hash := range mine {
			place[hex.EncodeToString(hash)] = i
		}
		hashes = append(hashes, mine...)
	}
	found, err := by(ctx, brandOf(ctx), hashes)
	if err != nil {
		return nil, err
	}
	all := make([]Voucher, len(codes))
	for _, f := range found {
		f.At = s.Now()
		all[place[hex.EncodeToString(f.Hash)]] = f.Voucher
	}
	return all, nil
}

// Hold locks the vouchers with the codes until the transaction of the context ends, and
// answers them as they were named.
func (s *Service) Hold(ctx context.Context, codes []string) ([]prepaid.Held, error) {
	found, err := s.find(ctx, codes, s.Store.LockByHash)
	if err != nil {
		return nil, err
	}
	held := make([]prepaid.Held, len(found))
	for i, v := range found {
		held[i] = v.held()
	}
	return held, nil
}

// held is the voucher as it pays.
func (v Voucher) held() prepaid.Held {
	h := prepaid.Held{Kind: prepaid.Vouchers, ID: v.ID, Ending: v.Ending, Currency: v.Currency, BalanceMinor: v.BalanceMinor, Problem: v.problem()}
	if h.Problem == nil && v.ValueMinor == 0 {
		h.Problem = ErrGoods
	}
	return h
}

// Lock locks the brand's vouchers with the ids until the transaction of the context ends.
func (s *Service) Lock(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) error {
	_, err := s.Store.Lock(ctx, brandID, ids)
	return err
}

// Spend takes what held vouchers pay off them. The payments that they make are what is
// written into the books.
func (s *Service) Spend(ctx context.Context, uses []prepaid.Use) error {
	return s.move(ctx, brandOf(ctx), uses, EntryRedeem, "")
}

// GiveBack puts back on a voucher what it paid, in the transaction of the context. One
// that has expired since may be used for another thirty days; one that is void stays so,
// and staff see what is on it.
func (s *Service) GiveBack(ctx context.Context, brandID uuid.UUID, u prepaid.Use, reason string) error {
	return s.move(ctx, brandID, []prepaid.Use{u}, EntryReturn, reason)
}

// move lets an order take money off vouchers, or put it back, and says so.
func (s *Service) move(ctx context.Context, brandID uuid.UUID, uses []prepaid.Use, kind EntryKind, reason string) error {
	byID, ids := map[uuid.UUID]prepaid.Use{}, make([]uuid.UUID, len(uses))
	for i, u := range uses {
		ids[i], byID[u.ID] = u.ID, u
	}
	all, err := s.Store.Lock(ctx, brandID, ids)
	switch {
	case err != nil:
		return err
	case len(all) < len(uses):
		return fault.ErrNotFound
	}
	entries, events := make([]Entry, len(all)), make([]event.Event, len(all))
	for i := range all {
		v, u := &all[i], byID[all[i].ID]
		v.At = s.Now()
		name, left := "voucher.redeemed", u.Minor
		if kind == EntryReturn {
			name, left = "voucher.returned", -u.Minor
			v.putBack(u.Minor)
		} else {
			v.take(u.Minor)
		}
		entries[i] = s.entry(ctx, *v, kind, left)
		entries[i].Reference, entries[i].OrderID, entries[i].PaymentID = reason, &u.OrderID, &u.PaymentID
		events[i] = event.New(ctx, v.At, name, "Voucher", v.ID, map[string]any{"amount": u.Minor, "left": v.BalanceMinor, "orderId": u.OrderID, "reason": reason})
		events[i].BrandID = v.BrandID
	}
	if err := s.Store.Update(ctx, all, entries); err != nil {
		return err
	}
	return s.Events.Record(ctx, events...)
}
