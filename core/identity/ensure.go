package identity

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

// EnsureInput is an account that shall be there.
type EnsureInput struct {
	Email       string
	Password    string
	Name        string
	Role        access.Role
	BrandID     *uuid.UUID          // of a member
	Group       string              // the permission group of staff; made when there is none
	Permissions []access.Permission // of that group
	StoreIDs    []uuid.UUID         // of store staff
}

// Ensure makes the account unless its address has one, and reports whether it did:
// for sample data and for the first administrator of an installation. The address
// counts as verified. Only noren itself may do this.
func (s *Service) Ensure(ctx context.Context, in EnsureInput) (account *Account, made bool, err error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, false, fault.ErrForbidden
	}
	email, err := NormaliseEmail(in.Email)
	if err != nil {
		return nil, false, err
	}
	if account, err = s.Store.AccountByEmail(ctx, email); err != nil || account != nil {
		return account, false, err
	}
	if err := checkPassword(in.Password, email); err != nil {
		return nil, false, err
	}
	hash, err := s.Hasher.Hash(ctx, in.Password)
	if err != nil {
		return nil, false, err
	}
	now := s.Now()
	account = &Account{
		ID: id.New(), Role: in.Role, Email: email, EmailVerifiedAt: &now, Name: in.Name, Password: hash,
		BrandID: in.BrandID, Language: "ja", CreatedAt: now, UpdatedAt: now,
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.InsertAccount(ctx, *account); err != nil {
			return err
		}
		groupIDs, err := s.ensureGroup(ctx, in)
		if err != nil {
			return err
		}
		if err := s.place(ctx, *account, groupIDs, in.StoreIDs); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "account.registered", "Account", account.ID, nil))
	})
	return account, err == nil, err
}

// ensureGroup is the group that the input names; nil if it names none.
func (s *Service) ensureGroup(ctx context.Context, in EnsureInput) ([]uuid.UUID, error) {
	if in.Group == "" {
		return nil, nil
	}
	groups, err := s.Store.Groups(ctx)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(groups, func(g Group) bool { return g.Name == in.Group }); i >= 0 {
		return []uuid.UUID{groups[i].ID}, nil
	}
	group, err := s.CreateGroup(ctx, GroupInput{Name: in.Group, Permissions: in.Permissions})
	if err != nil {
		return nil, err
	}
	return []uuid.UUID{group.ID}, nil
}
