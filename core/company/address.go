package company

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// AddressKind is what an address of a company is for.
type AddressKind string

// The kinds of address.
const (
	AddressShipping AddressKind = "SHIPPING" // 納品先
	AddressBilling  AddressKind = "BILLING"  // 請求先
)

// Address is one of a company's addresses. One of each kind is the default.
type Address struct {
	ID        uuid.UUID
	CompanyID uuid.UUID
	Kind      AddressKind
	Label     string // 本社, 第二倉庫
	Address   customer.Address
	IsDefault bool
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  *time.Time // taken away
}

// GlobalID is the address's id in the schema.
func (a Address) GlobalID() string { return id.Global("CompanyAddress", a.ID) }

// MaxAddresses is how many addresses a company keeps at most.
const MaxAddresses = 100

var errTooManyAddresses = fault.Conflict(fault.CodeTooMany, "登録できる住所は%d件までです", "A company keeps at most %d addresses")

// AddAddressInput is a new address of a company.
type AddAddressInput struct {
	CompanyID uuid.UUID
	Kind      AddressKind
	Label     string
	Address   customer.Address
	IsDefault bool
}

// AddAddress keeps another address of a company. The first of a kind is its default.
func (s *Service) AddAddress(ctx context.Context, in AddAddressInput) (*Address, error) {
	now := s.Now()
	a := Address{
		ID: id.New(), CompanyID: in.CompanyID, Kind: in.Kind, Label: tidy(in.Label), Address: in.Address.Normalised(),
		IsDefault: in.IsDefault, CreatedAt: now, UpdatedAt: now,
	}
	if err := a.validate(); err != nil {
		return nil, err
	}
	return s.changeBook(ctx, in.CompanyID, "company.address_added", func(book []Address) (Address, error) {
		if len(book) >= MaxAddresses {
			return a, errTooManyAddresses.With(MaxAddresses)
		}
		a.IsDefault = a.IsDefault || !slices.ContainsFunc(book, func(b Address) bool { return b.Kind == a.Kind })
		return a, nil
	})
}

func (a Address) validate() error {
	return errors.Join(checkText("label", a.Label, false), a.Address.Validate("address"))
}

// UpdateAddressInput corrects an address; nil leaves a value.
type UpdateAddressInput struct {
	AddressID uuid.UUID
	Label     *string
	Address   *customer.Address
	IsDefault *bool
}

// UpdateAddress corrects an address of a company. Another becomes the default by
// being made it; false leaves the default as it is.
func (s *Service) UpdateAddress(ctx context.Context, in UpdateAddressInput) (*Address, error) {
	return s.changeAddress(ctx, in.AddressID, "company.address_updated", func(a Address) (Address, error) {
		if in.Label != nil {
			a.Label = tidy(*in.Label)
		}
		if in.Address != nil {
			a.Address = in.Address.Normalised()
		}
		a.IsDefault, a.UpdatedAt = a.IsDefault || (in.IsDefault != nil && *in.IsDefault), s.Now()
		return a, a.validate()
	})
}

// RemoveAddressInput names an address to take away.
type RemoveAddressInput struct{ AddressID uuid.UUID }

// RemoveAddress takes an address away from a company. When it was the default, the
// oldest of its kind that is left becomes it.
func (s *Service) RemoveAddress(ctx context.Context, in RemoveAddressInput) (*Address, error) {
	return s.changeAddress(ctx, in.AddressID, "company.address_removed", func(a Address) (Address, error) {
		now := s.Now()
		a.ClosedAt, a.UpdatedAt, a.IsDefault = &now, now, false
		return a, nil
	})
}

// changeAddress finds the address's company and changes its book.
func (s *Service) changeAddress(ctx context.Context, addressID uuid.UUID, kind string, f func(Address) (Address, error)) (*Address, error) {
	companyID, err := s.Store.CompanyOfAddress(ctx, channel.From(ctx).BrandID, addressID)
	if err != nil {
		return nil, err
	}
	a, err := s.changeBook(ctx, companyID, kind, func(book []Address) (Address, error) {
		found := slices.IndexFunc(book, func(a Address) bool { return a.ID == addressID })
		if found < 0 {
			return Address{}, fault.ErrNotFound.At("addressId")
		}
		return f(book[found])
	})
	if errors.Is(err, fault.ErrNotFound) {
		err = fault.ErrNotFound.At("addressId")
	}
	return a, err
}

// changeBook keeps the address that f makes of a company's addresses, which nobody
// else changes meanwhile, and the default in order.
func (s *Service) changeBook(ctx context.Context, companyID uuid.UUID, kind string, f func(book []Address) (Address, error)) (*Address, error) {
	var changed Address
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.manage(ctx, companyID)
		if err != nil {
			return err
		}
		book, err := s.Store.Addresses(ctx, Viewer{BrandID: c.BrandID, Staff: true}, []uuid.UUID{c.ID})
		if err != nil {
			return err
		}
		if changed, err = f(book); err != nil {
			return err
		}
		changed.CompanyID = c.ID
		if err := s.Store.SaveAddresses(ctx, settleDefault(book, changed)...); err != nil {
			return err
		}
		// Events are kept for ever: what an address says of people is not in them.
		return s.record(ctx, kind, *c, nil, map[string]any{"addressId": changed.ID, "kind": changed.Kind, "isDefault": changed.IsDefault})
	})
	if err != nil {
		return nil, err
	}
	return &changed, nil
}

// settleDefault is the changed address, and the other that becomes or stops being the
// default of its kind; whichever stops comes first, for there is never a second.
func settleDefault(book []Address, changed Address) []Address {
	var heir *Address
	for i, a := range book {
		switch {
		case a.ID == changed.ID || a.Kind != changed.Kind:
		case a.IsDefault && changed.IsDefault:
			a.IsDefault = false
			return []Address{a, changed}
		case a.IsDefault:
			return []Address{changed}
		case heir == nil:
			heir = &book[i]
		}
	}
	if changed.IsDefault || heir == nil {
		return []Address{changed}
	}
	heir.IsDefault = true
	return []Address{changed, *heir}
}
