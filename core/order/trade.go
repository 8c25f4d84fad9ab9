package order

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// Trade is what orders need to know of companies that buy on terms.
type Trade interface {
	// Admit says whether the actor may place the order, and for whom; on account, it
	// takes the credit, in the order's transaction.
	Admit(ctx context.Context, in company.Ask) (company.Admission, error)
	// Approve takes the credit of an order that waits, if the actor may approve it.
	Approve(ctx context.Context, companyID uuid.UUID, in company.Ask) error
	// Reject fails unless the actor may turn an order of the company down.
	Reject(ctx context.Context, companyID uuid.UUID) error
	// Approvers are those who approve for the company.
	Approvers(ctx context.Context, companyID uuid.UUID) ([]company.Seat, error)
	// Adjust takes more of the credit for an edited order, or gives some back.
	Adjust(ctx context.Context, companyID, orderID uuid.UUID, difference int64) error
	// Return gives back what an order took of the credit, once.
	Return(ctx context.Context, companyID, orderID uuid.UUID) error
	// GoodsReturned lets a company owe less because goods came back.
	GoodsReturned(ctx context.Context, g company.Goods) error
	// MySeat is the actor's place in a company; nil without one.
	MySeat(ctx context.Context) (*company.Seat, error)
}

// OnAccount reports whether the order is invoiced by its company's terms (掛売).
func (o Order) OnAccount() bool { return o.PaymentMethod == payment.MethodOnAccount }

// admit asks whether the order may be placed. One on account stands without money,
// or waits for an approver.
func (s *Service) admit(ctx context.Context, d *Draft) error {
	o := &d.Order
	admission, err := s.trade.Admit(ctx, company.Ask{OrderID: o.ID, Minor: o.TotalMinor, OnAccount: o.OnAccount(), Direct: o.ShippingMode == pricing.ShipDirect})
	if err != nil {
		return err
	}
	o.CompanyID = admission.CompanyID
	switch {
	case admission.Waits:
		by := approveBy(ctx, o.PlacedAt)
		o.Status, o.ApproveBy, d.approvers = PendingApproval, &by, admission.Approvers
	case o.OnAccount():
		o.Status = Confirmed
	}
	return nil
}

// seatFor is the actor's place in a company, asked for only where one of the orders is
// a company's.
func (s *Service) seatFor(ctx context.Context, orders ...Order) (*company.Seat, error) {
	if access.From(ctx).May(access.OrderRead) {
		return nil, nil
	}
	for _, o := range orders {
		if o.CompanyID != nil {
			return s.trade.MySeat(ctx)
		}
	}
	return nil, nil
}

// known fails with fault.CodeNotFound unless there is the order and the actor may see it.
func (s *Service) known(ctx context.Context, o *Order) error {
	if o == nil {
		return fault.ErrNotFound
	}
	seat, err := s.seatFor(ctx, *o)
	if err != nil {
		return err
	}
	if !mine(ctx, *o, seat) {
		return fault.ErrNotFound
	}
	return nil
}

// mayGiveUp fails for those who only see a company's order.
func (s *Service) mayGiveUp(ctx context.Context, o Order, staff bool) error {
	if staff || o.CompanyID == nil || (o.MemberID != nil && *o.MemberID == access.From(ctx).ID) {
		return nil
	}
	seat, err := s.trade.MySeat(ctx)
	if err != nil {
		return err
	}
	if seat == nil || !seat.Role.Approves() {
		return fault.ErrForbidden
	}
	return nil
}

// ApproveInput names an order on account that waits.
type ApproveInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
}

// Approve lets an order on account go on if the credit is there now, once for each key:
// for an approver of its company whose limit reaches, or staff.
func (s *Service) Approve(ctx context.Context, in ApproveInput) (*Order, error) {
	return s.once(ctx, "approveOrder", in.IdempotencyKey, in, in.OrderID, "order.approved", func(ctx context.Context, o *Order, _ *Change) error {
		if o.Status != PendingApproval || o.CompanyID == nil {
			return ErrTransition.With(o.Status)
		}
		ask := company.Ask{OrderID: o.ID, Minor: o.TotalMinor, OnAccount: true}
		if err := s.trade.Approve(ctx, *o.CompanyID, ask); err != nil {
			return err
		}
		o.Status = Confirmed
		if err := s.released(ctx, o); err != nil {
			return err
		}
		lines, err := s.store.Lines(ctx, []uuid.UUID{o.ID})
		if err != nil {
			return err
		}
		return s.mail(ctx, *o, o.ID.String(), confirmationOf(Draft{Order: *o, Lines: lines}))
	})
}

// RejectInput names an order on account that waits, and says why it is turned down.
type RejectInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	Reason         string
}

// Reject turns an order on account that waits down, once for each key: its stock returns.
func (s *Service) Reject(ctx context.Context, in RejectInput) (*Order, error) {
	if err := short("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	return s.once(ctx, "rejectOrder", in.IdempotencyKey, in, in.OrderID, "order.rejected", func(ctx context.Context, o *Order, c *Change) error {
		if o.Status != PendingApproval || o.CompanyID == nil {
			return ErrTransition.With(o.Status)
		}
		if err := s.trade.Reject(ctx, *o.CompanyID); err != nil {
			return err
		}
		c.Reason = in.Reason
		return s.cancel(ctx, o, in.Reason)
	})
}

// askApprovers adds the mails to those who may approve the order.
func (s *Service) askApprovers(ctx context.Context, d *Draft) error {
	o := d.Order
	asked, err := o.askingFor(ctx, d.approvers, d.Lines, false)
	d.Messages = append(d.Messages, asked...)
	return err
}
