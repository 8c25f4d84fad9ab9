package returns

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// ApproveInput lets goods come back.
type ApproveInput struct {
	ReturnID uuid.UUID
	Lines    []ApprovedLine // empty: all that is asked for; a line that is left out: none of it
	Note     string
	RefundAs *Form // nil: as the customer wished
}

// ApprovedLine is how many pieces of a return's line may come.
type ApprovedLine struct {
	LineID   uuid.UUID // of the return
	Quantity int
}

// Approve lets all or some of what is asked for come back, for staff. The customer is
// told how to send it.
func (s *Service) Approve(ctx context.Context, in ApproveInput) (*Return, error) {
	if err := errors.Join(staffOnly(ctx), short("note", in.Note, maxNote)); err != nil {
		return nil, err
	}
	return s.decide(ctx, in.ReturnID, in.Note, Approved, func(c changing) error {
		if in.RefundAs != nil {
			c.r.RefundAs = *in.RefundAs
		}
		return errors.Join(c.stands(), c.r.payable(c.Order), c.r.approve(in.Lines))
	})
}

// approve notes how many pieces of each line may come.
func (r *Return) approve(approved []ApprovedLine) error {
	var all []error
	sum := 0
	for i, a := range approved {
		at := fmt.Sprintf("lines.%d", i)
		found := slices.IndexFunc(r.Lines, func(l Line) bool { return l.ID == a.LineID })
		switch {
		case found < 0:
			all = append(all, ErrUnknownLine.At(at+".lineId"))
		case a.Quantity < 0 || a.Quantity > r.Lines[found].Asked:
			all = append(all, ErrTooMany.With(r.Lines[found].Asked).At(at+".quantity"))
		default:
			r.Lines[found].Approved = a.Quantity
			sum += a.Quantity
		}
	}
	if len(approved) == 0 {
		for i := range r.Lines {
			r.Lines[i].Approved = r.Lines[i].Asked
			sum += r.Lines[i].Asked
		}
	}
	if len(all) == 0 && sum == 0 { // that is a rejection, which says why
		all = append(all, fault.Invalid(fault.CodeInvalid, "1個以上を承認してください", "At least one piece is approved").At("lines"))
	}
	return errors.Join(all...)
}

// RejectInput turns a return down.
type RejectInput struct {
	ReturnID uuid.UUID
	Note     string // why; the customer reads it
}

// Reject turns a return down and says why, for staff.
func (s *Service) Reject(ctx context.Context, in RejectInput) (*Return, error) {
	if err := errors.Join(staffOnly(ctx), short("note", in.Note, maxNote)); err != nil {
		return nil, err
	}
	if in.Note == "" {
		return nil, fault.ErrRequired.At("note")
	}
	return s.decide(ctx, in.ReturnID, in.Note, Rejected, func(c changing) error {
		now := s.Now()
		c.r.EndedAt = &now
		return nil
	})
}

func (s *Service) decide(ctx context.Context, returnID uuid.UUID, note string, as Status, f func(c changing) error) (*Return, error) {
	eventType := map[Status]string{Approved: "order.return_approved", Rejected: "order.return_rejected"}[as]
	return s.change(ctx, returnID, eventType, func(ctx context.Context, c changing) error {
		if c.r.Status != Requested {
			return ErrStatus.With(c.r.Status)
		}
		if err := f(c); err != nil {
			return err
		}
		now := s.Now()
		c.r.Status, c.r.Note, c.r.DecidedAt = as, note, &now
		rule, err := s.rule(ctx, c.r.BrandID)
		if err != nil {
			return err
		}
		return s.tell(ctx, notice{c.Standing, *c.r, rule}, string(as))
	})
}

// CloseInput ends a return of which nothing more comes.
type CloseInput struct{ ReturnID uuid.UUID }

// Close ends a return of which nothing more comes, for staff: what did not come can be
// asked for again.
func (s *Service) Close(ctx context.Context, in CloseInput) (*Return, error) {
	if err := staffOnly(ctx); err != nil {
		return nil, err
	}
	return s.change(ctx, in.ReturnID, "order.return_closed", func(_ context.Context, c changing) error {
		if !c.r.Status.awaits() {
			return ErrStatus.With(c.r.Status)
		}
		now := s.Now()
		if c.r.EndedAt = &now; c.r.Status == Approved {
			c.r.Status = Withdrawn
		} else {
			c.r.Status = Completed
		}
		return nil
	})
}
