package customer

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// MaxAddresses is how many addresses a member keeps at most.
const MaxAddresses = 20

// SavedAddress is an entry of a member's address book (アドレス帳). One of a
// member's entries is the default.
type SavedAddress struct {
	ID        uuid.UUID
	MemberID  uuid.UUID
	Address   Address
	IsDefault bool
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time // removed by the member
}

// GlobalID is the entry's id in the schema.
func (a SavedAddress) GlobalID() string { return id.Global("SavedAddress", a.ID) }

// AddAddressInput is a new entry of the address book.
type AddAddressInput struct {
	Address   Address
	IsDefault bool
}

// AddAddress keeps another address of the actor. The first is the default.
func (s *Service) AddAddress(ctx context.Context, in AddAddressInput) (*SavedAddress, error) {
	address := in.Address.Normalised()
	if err := address.Validate("address"); err != nil {
		return nil, err
	}
	var added SavedAddress
	err := s.changeBook(ctx, func(memberID uuid.UUID, book []SavedAddress, at time.Time) ([]SavedAddress, happened, error) {
		if len(book) >= MaxAddresses {
			return nil, happened{}, ErrTooManyAddresses.With(MaxAddresses)
		}
		added = SavedAddress{
			ID: id.New(), MemberID: memberID, Address: address,
			IsDefault: in.IsDefault || len(book) == 0, CreatedAt: at, UpdatedAt: at,
		}
		return append(demote(book, added), added), happened{kind: "address.added", id: added.ID}, nil
	})
	if err != nil {
		return nil, err
	}
	return &added, nil
}

// UpdateAddressInput corrects an entry of the address book; nil leaves a value.
type UpdateAddressInput struct {
	ID        uuid.UUID
	Address   *Address
	IsDefault *bool
}

// UpdateAddress corrects one of the actor's addresses. Another address becomes
// the default by being made it; false leaves the default as it is.
func (s *Service) UpdateAddress(ctx context.Context, in UpdateAddressInput) (*SavedAddress, error) {
	var address Address
	if in.Address != nil {
		address = in.Address.Normalised()
		if err := address.Validate("address"); err != nil {
			return nil, err
		}
	}
	var updated SavedAddress
	err := s.changeBook(ctx, func(_ uuid.UUID, book []SavedAddress, at time.Time) ([]SavedAddress, happened, error) {
		found := slices.IndexFunc(book, func(a SavedAddress) bool { return a.ID == in.ID })
		if found < 0 {
			return nil, happened{}, fault.ErrNotFound.At("id")
		}
		updated = book[found]
		updated.UpdatedAt = at
		if in.Address != nil {
			updated.Address = address
		}
		updated.IsDefault = updated.IsDefault || (in.IsDefault != nil && *in.IsDefault)
		return append(demote(book, updated), updated), happened{kind: "address.updated", id: updated.ID}, nil
	})
	if err != nil {
		return nil, err
	}
	return &updated, nil
}

// RemoveInput names an entry that its owner removes.
type RemoveInput struct {
	ID uuid.UUID
}

// RemoveAddress takes an address out of the actor's book. When it was the
// default, the oldest that is left becomes it.
func (s *Service) RemoveAddress(ctx context.Context, in RemoveInput) (*SavedAddress, error) {
	var removed SavedAddress
	err := s.changeBook(ctx, func(_ uuid.UUID, book []SavedAddress, at time.Time) ([]SavedAddress, happened, error) {
		found := slices.IndexFunc(book, func(a SavedAddress) bool { return a.ID == in.ID })
		if found < 0 {
			return nil, happened{}, fault.ErrNotFound.At("id")
		}
		removed = book[found]
		heir := removed.IsDefault
		removed.ClosedAt, removed.UpdatedAt, removed.IsDefault = &at, at, false
		changed := []SavedAddress{removed}
		if left := slices.Delete(book, found, found+1); heir && len(left) > 0 {
			left[0].IsDefault = true
			changed = append(changed, left[0])
		}
		return changed, happened{kind: "address.removed", id: removed.ID}, nil
	})
	if err != nil {
		return nil, err
	}
	return &removed, nil
}

// changeBook lets f change the actor's address book, which nobody else changes
// meanwhile, and keeps the entries that f answers.
func (s *Service) changeBook(ctx context.Context, f func(memberID uuid.UUID, book []SavedAddress, at time.Time) ([]SavedAddress, happened, error)) error {
	return s.change(ctx, func(ctx context.Context, memberID uuid.UUID, at time.Time) (happened, error) {
		book, err := s.store.Addresses(ctx, []uuid.UUID{memberID})
		if err != nil {
			return happened{}, err
		}
		changed, what, err := f(memberID, book, at)
		if err != nil {
			return happened{}, err
		}
		what.subject, what.data = "Account", map[string]any{"addressId": what.id}
		what.id = memberID
		return what, s.store.SaveAddresses(ctx, changed...)
	})
}

// demote is the entries that stop being the default because another becomes it.
func demote(book []SavedAddress, other SavedAddress) []SavedAddress {
	var demoted []SavedAddress
	for _, a := range book {
		if other.IsDefault && a.IsDefault && a.ID != other.ID {
			a.IsDefault = false
			demoted = append(demoted, a)
		}
	}
	return demoted
}
