package company

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
)

// Ask is an order that somebody is about to place.
type Ask struct {
	OrderID   uuid.UUID
	Minor     int64 // what it comes to
	OnAccount bool
	Direct    bool // it goes to the buyer's own customer (直送)
}

// Admission is what becomes of an order.
type Admission struct {
	CompanyID *uuid.UUID // for whom it is placed; nil for a person's own
	Waits     bool       // for an approver
	Approvers []Seat     // of an order that waits
}

// Admit says whether the context's actor may place the order, and takes what it comes
// to from the company's credit when it is on account, in the order's transaction. What
// the credit, or the buyer's own limit, does not cover is refused or waits, as the
// company's policy says. Guests cost no statement.
func (s *Service) Admit(ctx context.Context, in Ask) (Admission, error) {
	actor := access.From(ctx)
	if !buys(actor) {
		if in.OnAccount {
			return Admission{}, Desk{}.require(FunctionOnAccount)
		}
		return Admission{}, nil
	}
	desk, err := s.desk(ctx, actor.ID)
	if err != nil {
		return Admission{}, err
	}
	if err := desk.require(FunctionOrder); err != nil {
		return Admission{}, err
	}
	if in.Direct {
		if err := desk.require(FunctionDirectShipping); err != nil {
			return Admission{}, at("shippingMode", err)
		}
	}
	var a Admission
	if desk.Seat != nil {
		if desk.Seat.Role == RoleAccountant {
			return a, errAccountant
		}
		a.CompanyID = &desk.Seat.CompanyID
	}
	if !in.OnAccount {
		return a, nil
	}
	if err := desk.require(FunctionOnAccount); err != nil {
		return a, at("paymentMethod", err)
	}
	err = s.onAccount(ctx, *desk.Seat, in)
	if refusedForNow(err) && desk.Policy == PolicyApproval {
		a.Waits = true
		a.Approvers, err = s.Store.Approvers(ctx, desk.Seat.CompanyID)
		return a, err
	}
	return a, at("paymentMethod", err)
}

var errAccountant = fault.Forbidden(fault.CodeForbidden, "経理担当の方はご注文いただけません", "Accountants do not place orders")

func (s *Service) onAccount(ctx context.Context, seat Seat, in Ask) error {
	if !seat.Within(in.Minor) {
		return ErrApprovalLimit.With(seat.ApprovalLimit())
	}
	return s.charge(ctx, seat.CompanyID, in.OrderID, in.Minor)
}

// OnAccount reports whether the context's actor may order on account. Only buyers of
// companies cost more than Buyer.
func (s *Service) OnAccount(ctx context.Context) (bool, error) {
	b, err := s.Buyer(ctx)
	if err != nil || b.CompanyID == uuid.Nil {
		return false, err
	}
	err = s.May(ctx, FunctionOnAccount)
	if errors.Is(err, ErrFunction) {
		return false, nil
	}
	return err == nil, err
}

// Approve takes an order that waits from its company's credit, for an approver of it
// whose own limit reaches, or staff.
func (s *Service) Approve(ctx context.Context, companyID uuid.UUID, in Ask) error {
	if err := s.judge(ctx, companyID, &in.Minor); err != nil {
		return err
	}
	return s.charge(ctx, companyID, in.OrderID, in.Minor)
}

// Approvers are those who approve for the company, for noren itself.
func (s *Service) Approvers(ctx context.Context, companyID uuid.UUID) ([]Seat, error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return nil, fault.ErrForbidden
	}
	return s.Store.Approvers(ctx, companyID)
}

// Reject fails unless the actor may turn an order of the company down.
func (s *Service) Reject(ctx context.Context, companyID uuid.UUID) error {
	return s.judge(ctx, companyID, nil)
}

// judge fails unless the actor approves orders of the company, as large ones.
func (s *Service) judge(ctx context.Context, companyID uuid.UUID, minor *int64) error {
	actor := access.From(ctx)
	if actor.May(access.OrderWrite) {
		return nil
	}
	seat, err := s.MySeat(ctx)
	switch {
	case err != nil:
		return err
	case seat == nil || seat.CompanyID != companyID:
		return fault.ErrNotFound
	case !seat.Role.Approves():
		return fault.ErrForbidden
	case minor != nil && !seat.Within(*minor):
		return ErrApprovalLimit.With(seat.ApprovalLimit())
	}
	return nil
}
