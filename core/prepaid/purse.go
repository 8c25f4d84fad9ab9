package prepaid

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// Keeper keeps the codes of one kind. Codes are of the channel's brand, without what
// stands between their symbols.
type Keeper interface {
	// Kind is which.
	Kind() *Kind
	// Tried fails when the actor has tried too many codes. It is asked outside of
	// transactions, so that a wrong code counts whatever becomes of the order.
	Tried(ctx context.Context, codes []string) error
	// Hold locks the codes until the transaction ends, in the order of their ids whoever
	// asks, and answers them as they were named. What nobody has has no id.
	Hold(ctx context.Context, codes []string) ([]Held, error)
	// Lock does the same for those of the brand that are known by their ids.
	Lock(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) error
	// Spend takes what held codes pay off them.
	Spend(ctx context.Context, uses []Use) error
	// GiveBack puts back on a code of the brand what it paid.
	GiveBack(ctx context.Context, brandID uuid.UUID, u Use, reason string) error
}

// Purse is all codes that can pay, of every kind. Whoever locks codes of several kinds
// does it through the purse: in the order of the kinds, and so in no ring.
type Purse struct{ keepers []Keeper }

// NewPurse makes the purse of the keepers, in the order in which their codes pay.
func NewPurse(keepers ...Keeper) *Purse { return &Purse{keepers} }

// Tried fails when a code cannot be one, and when the actor has tried too many.
func (p *Purse) Tried(ctx context.Context, codes Codes) error {
	var all []error
	for _, k := range p.keepers {
		if named := codes.of(k.Kind()); len(named) > 0 {
			read, err := k.Kind().readAll(named)
			if err == nil {
				err = within(k.Kind().Field, k.Tried(ctx, read))
			}
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}

// within names the field of an input that failures are about, before what they say
// themselves.
func within(field string, err error) error {
	found := fault.All(err)
	if len(found) == 0 {
		return err
	}
	all := make([]error, len(found))
	for i, f := range found {
		if all[i] = f.At(field); f.Field != "" {
			all[i] = f.At(field + "." + f.Field)
		}
	}
	return errors.Join(all...)
}

// Hold locks the codes until the transaction of the context ends, in the order in which
// they pay: until then nobody else spends them. A code that does not pay in the currency
// is told by its place.
func (p *Purse) Hold(ctx context.Context, codes Codes, currency money.Currency) ([]Held, error) {
	var held []Held
	var all []error
	for _, k := range p.keepers {
		kind, named := k.Kind(), codes.of(k.Kind())
		if len(named) == 0 {
			continue
		}
		read, err := kind.readAll(named)
		if err != nil {
			all = append(all, err)
			continue
		}
		found, err := k.Hold(ctx, read)
		if err != nil {
			return nil, err
		}
		for i, h := range found {
			if problem := h.problem(kind, currency); problem != nil {
				all = append(all, problem.At(kind.place(i)))
			}
		}
		held = append(held, found...)
	}
	return held, errors.Join(all...)
}

// problem is why the code pays nothing of an order in the currency; nil if it pays.
func (h Held) problem(kind *Kind, currency money.Currency) *fault.Error {
	switch {
	case h.ID == uuid.Nil:
		return kind.Unknown
	case h.Problem == nil && h.Currency != currency:
		return ErrCurrency
	}
	return h.Problem
}

// Spend takes what held codes pay off them, in the transaction of the context.
func (p *Purse) Spend(ctx context.Context, uses []Use) error {
	for _, k := range p.keepers {
		var mine []Use
		for _, u := range uses {
			if u.Kind == k.Kind() {
				mine = append(mine, u)
			}
		}
		if len(mine) == 0 {
			continue
		}
		if err := k.Spend(ctx, mine); err != nil {
			return err
		}
	}
	return nil
}

// Lock locks what was used of the brand before, in the order in which Hold does, for an
// order that is about to give money back to several.
func (p *Purse) Lock(ctx context.Context, brandID uuid.UUID, used []Held) error {
	for _, k := range p.keepers {
		var ids []uuid.UUID
		for _, h := range used {
			if h.Kind == k.Kind() {
				ids = append(ids, h.ID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		if err := k.Lock(ctx, brandID, ids); err != nil {
			return err
		}
	}
	return nil
}
