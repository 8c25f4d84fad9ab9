package company

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/sealing"
)

// Role is what a buyer is in their company.
type Role string

// The roles inside a company.
const (
	RoleBuyer      Role = "BUYER"      // 発注担当
	RoleApprover   Role = "APPROVER"   // 承認者
	RoleAccountant Role = "ACCOUNTANT" // 経理
	RoleManager    Role = "MANAGER"    // 管理者
)

// SeesAll reports whether the role sees all the company's orders.
func (r Role) SeesAll() bool { return r == RoleApprover || r == RoleAccountant || r == RoleManager }

// Approves reports whether the role approves orders.
func (r Role) Approves() bool { return r == RoleApprover || r == RoleManager }

// Seat is a buyer's place in a company.
type Seat struct {
	CompanyID  uuid.UUID
	AccountID  uuid.UUID
	Role       Role
	LimitMinor *int64 `db:"approval_limit"` // nil: no limit of their own
	Currency   money.Currency
	Name       string
	Email      string
	CreatedAt  time.Time
}

// Sealed are the values that are sealed with the account.
func (s *Seat) Sealed() (uuid.UUID, []sealing.Column) {
	return s.AccountID, sealing.Person(&s.Name, &s.Email)
}

// AccountGlobalID is the account's id in the schema.
func (s Seat) AccountGlobalID() string { return id.Global("Account", s.AccountID) }

// ApprovalLimit is the largest order that the buyer may place or approve alone.
func (s Seat) ApprovalLimit() *money.Money {
	if s.LimitMinor == nil {
		return nil
	}
	limit := money.Of(*s.LimitMinor, s.Currency)
	return &limit
}

// Within reports whether the buyer's own limit reaches.
func (s Seat) Within(minor int64) bool { return s.LimitMinor == nil || minor <= *s.LimitMinor }

// Failures of buyers.
var (
	ErrBuyerElsewhere = fault.Conflict("BUYER_ELSEWHERE", "このアカウントは別の得意先の購買担当です", "The account buys for another company")
	ErrNotACustomer   = fault.Conflict("NOT_A_CUSTOMER", "スタッフのアカウントは購買担当にできません", "An account of staff cannot buy for a company")
	ErrLimit          = fault.Invalid("LIMIT_INVALID", "限度額は0以上の金額で指定してください", "A limit is an amount of 0 or more")
)

// Accounts are who can log in.
type Accounts interface {
	// Recruit makes the member with the address a company buyer, inviting whoever has
	// no account yet, in the transaction of the context.
	Recruit(ctx context.Context, in identity.RecruitInput) (*identity.Account, error)
	// Retire makes a company buyer a member again.
	Retire(ctx context.Context, accountID uuid.UUID) error
	// RolesChanged makes this process look at everybody's role anew, after the transaction.
	RolesChanged()
}

// snapshot is what an event says of a seat; never personal data.
type snapshot struct {
	AccountID     uuid.UUID `json:"accountId"`
	Role          Role      `json:"role"`
	ApprovalLimit *int64    `json:"approvalLimit"`
}

func (s Seat) said() snapshot { return snapshot{s.AccountID, s.Role, s.LimitMinor} }

// checkLimit reads a limit in major units.
func checkLimit(limit decimal.Decimal, currency money.Currency) (int64, error) {
	m, err := money.Parse(limit, currency)
	if err != nil || m.Minor < 0 {
		return 0, ErrLimit
	}
	return m.Minor, nil
}

func checkOwnLimit(limit *decimal.Decimal, currency money.Currency) (*int64, error) {
	if limit == nil {
		return nil, nil
	}
	minor, err := checkLimit(*limit, currency)
	return &minor, at("approvalLimit", err)
}

// AttachInput says who shall buy for a company.
type AttachInput struct {
	CompanyID     uuid.UUID
	Email         string
	Name          string // of an account that has to be made
	Role          Role
	ApprovalLimit *decimal.Decimal // nil: none of their own
}

// Attach lets somebody buy for a company: the member with the address, or somebody
// new, who is mailed a link to choose a password by.
func (s *Service) Attach(ctx context.Context, in AttachInput) (*Seat, error) {
	defer s.accounts.RolesChanged()
	var seat *Seat
	err := s.write(ctx, func(ctx context.Context) error {
		c, err := s.lock(ctx, in.CompanyID)
		if err != nil {
			return err
		}
		limit, err := checkOwnLimit(in.ApprovalLimit, c.Currency)
		if err != nil {
			return err
		}
		account, err := s.accounts.Recruit(ctx, identity.RecruitInput{Email: in.Email, Name: in.Name})
		if err != nil {
			return recruitment(err)
		}
		seat = &Seat{
			CompanyID: c.ID, AccountID: account.ID, Role: in.Role, LimitMinor: limit, Currency: c.Currency,
			Name: account.Name, Email: account.Email, CreatedAt: s.Now(),
		}
		if err := s.Store.SaveSeat(ctx, c.BrandID, *seat); err != nil {
			return at("email", err)
		}
		return s.record(ctx, "company.buyer_attached", *c, nil, seat.said())
	})
	if err != nil {
		return nil, err
	}
	return seat, nil
}

// recruitment says why somebody cannot become a buyer.
func recruitment(err error) error {
	if errors.Is(err, identity.ErrStaffRole) {
		return ErrNotACustomer.At("email")
	}
	return err
}

// SeatInput is what a buyer shall be from now on.
type SeatInput struct {
	CompanyID     uuid.UUID
	AccountID     uuid.UUID
	Role          Role
	ApprovalLimit *decimal.Decimal
}

// ChangeBuyer changes what a buyer is in their company: staff, or a manager of it.
func (s *Service) ChangeBuyer(ctx context.Context, in SeatInput) (*Seat, error) {
	return s.changeSeat(ctx, in.CompanyID, in.AccountID, func(ctx context.Context, c Company, seat *Seat) error {
		limit, err := checkOwnLimit(in.ApprovalLimit, c.Currency)
		if err != nil {
			return err
		}
		before := seat.said()
		seat.Role, seat.LimitMinor = in.Role, limit
		if err := s.Store.SaveSeat(ctx, c.BrandID, *seat); err != nil {
			return err
		}
		return s.record(ctx, "company.buyer_changed", c, before, seat.said())
	})
}

// RemoveBuyerInput names a buyer who shall not buy for the company any more.
type RemoveBuyerInput struct {
	CompanyID uuid.UUID
	AccountID uuid.UUID
}

// RemoveBuyer makes a buyer a member again: staff, or a manager of the company.
func (s *Service) RemoveBuyer(ctx context.Context, in RemoveBuyerInput) (*Seat, error) {
	defer s.accounts.RolesChanged()
	return s.changeSeat(ctx, in.CompanyID, in.AccountID, func(ctx context.Context, c Company, seat *Seat) error {
		return s.dismiss(ctx, c, *seat)
	})
}

func (s *Service) dismiss(ctx context.Context, c Company, seat Seat) error {
	if err := s.Store.CloseSeat(ctx, c.BrandID, c.ID, seat.AccountID, s.Now()); err != nil {
		return err
	}
	if err := s.accounts.Retire(ctx, seat.AccountID); err != nil {
		return err
	}
	return s.record(ctx, "company.buyer_removed", c, seat.said(), nil)
}

// changeSeat lets f act on a seat of an open company, for those who manage it.
func (s *Service) changeSeat(ctx context.Context, companyID, accountID uuid.UUID, f func(ctx context.Context, c Company, seat *Seat) error) (*Seat, error) {
	var seat *Seat
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.manage(ctx, companyID)
		if err != nil {
			return err
		}
		found, err := s.Store.Seat(ctx, c.BrandID, accountID)
		if err != nil {
			return err
		}
		if found == nil || found.CompanyID != c.ID {
			return fault.ErrNotFound.At("accountId")
		}
		seat = found
		return f(ctx, *c, seat)
	})
	if err != nil {
		return nil, err
	}
	return seat, nil
}

// manage locks an open company that the actor manages: staff any of the brand's, a
// manager their own. To other buyers of it, it is forbidden; to anybody else unknown.
func (s *Service) manage(ctx context.Context, companyID uuid.UUID) (*Company, error) {
	if access.From(ctx).May(access.CompanyWrite) {
		return s.lock(ctx, companyID)
	}
	seat, err := s.MySeat(ctx)
	switch {
	case err != nil:
		return nil, err
	case seat == nil || seat.CompanyID != companyID:
		return nil, fault.ErrNotFound.At("companyId")
	case seat.Role != RoleManager:
		return nil, fault.ErrForbidden
	}
	return s.lock(ctx, companyID)
}

// MySeat is the actor's place in an open company of the brand; nil without one. Only
// company buyers cost a statement.
func (s *Service) MySeat(ctx context.Context) (*Seat, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleCompanyBuyer) {
		return nil, nil
	}
	return s.Store.Seat(ctx, channel.From(ctx).BrandID, actor.ID)
}
