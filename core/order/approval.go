package order

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
)

// ApprovalJob is the regular job that reminds of orders which wait for an approver, and
// gives up those that waited too long.
type ApprovalJob struct{}

// Kind is the job's name in the queue.
func (ApprovalJob) Kind() string { return "approvals_due" }

// ApprovalStore keeps until when orders wait for an approver.
type ApprovalStore interface {
	SaveApprovalDays(ctx context.Context, channelID uuid.UUID, days int) error
	// DueApprovals are orders whose time is over at the moment, or if remind, ends soon and
	// whose approvers were not reminded.
	DueApprovals(ctx context.Context, at time.Time, remind bool, most int) ([]uuid.UUID, error)
	// RemindApproval notes that approvers are reminded, and reports whether they had not been.
	RemindApproval(ctx context.Context, orderID uuid.UUID, at time.Time) (bool, error)
}

const (
	approvalDays    = 14 // where a channel does not say
	maxApprovalDays = 365
)

// ErrApprovalDays says that an order cannot wait so long.
var ErrApprovalDays = fault.Invalid("APPROVAL_DAYS_INVALID", "承認期限は1〜%d日で指定してください", "An order waits 1 to %d days for an approver")

// approveBy is until when an order that is placed then waits for an approver: the end of a
// day in the channel.
func approveBy(ctx context.Context, placedAt time.Time) time.Time {
	c := channel.From(ctx)
	day := placedAt.In(c.Zone()).AddDate(0, 0, cmp.Or(c.ApprovalDays, approvalDays))
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 59, 59, 0, c.Zone()).UTC()
}

// SetApprovalDaysInput says for how many days orders wait for an approver.
type SetApprovalDaysInput struct{ Days int }

// SetApprovalDays says for how many days the channel's orders wait for an approver before
// they are given up, for staff who keep companies' terms; for orders from now on. Every
// process acts by it within ten seconds.
func (s *Service) SetApprovalDays(ctx context.Context, in SetApprovalDaysInput) (int, error) {
	if err := access.RequireEverywhere(ctx, access.CompanyWrite); err != nil {
		return 0, err
	}
	if in.Days < 1 || in.Days > maxApprovalDays {
		return 0, ErrApprovalDays.With(maxApprovalDays).At("days")
	}
	c := channel.From(ctx)
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		return errors.Join(s.store.SaveApprovalDays(ctx, c.ID, in.Days), s.events.Record(ctx, event.New(ctx, s.now(), "channel.approval_days_set", "Channel", c.ID, map[string]any{
			"before": c.ApprovalDays, "after": in.Days,
		})))
	})
	return in.Days, err
}

// SeeToApprovals gives up the orders that nobody approved in time, and reminds approvers of
// those whose time ends soon, once. One that fails does not stop the others.
func (s *Service) SeeToApprovals(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	now := s.now()
	over, err := s.store.DueApprovals(ctx, now, false, dueAtOnce)
	for _, orderID := range over {
		err = errors.Join(err, s.giveUpApproval(ctx, orderID))
	}
	soon, failed := s.store.DueApprovals(ctx, now, true, dueAtOnce)
	err = errors.Join(err, failed)
	for _, orderID := range soon {
		err = errors.Join(err, s.remindApprovers(ctx, orderID))
	}
	return err
}

// notApproved is what the customer reads in the mail.
func notApproved(language string) string {
	return i18n.Text{"ja": "承認期限までに承認されなかったため", "en": "It was not approved in time"}.In(language)
}

// giveUpApproval gives up an order that nobody approved: its stock returns, and what it has
// used.
func (s *Service) giveUpApproval(ctx context.Context, orderID uuid.UUID) error {
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil || o == nil || o.Status != PendingApproval || o.ApproveBy == nil || o.ApproveBy.After(s.now()) {
			return err
		}
		if ctx, err = s.inChannel(ctx, *o); err != nil {
			return err
		}
		c := Change{Before: o.Status, Reason: notApproved(o.Language)}
		if err := s.cancel(ctx, o, c.Reason); err != nil {
			return err
		}
		c.After, o.UpdatedAt = o.Status, s.now()
		return errors.Join(s.store.Update(ctx, *o), s.events.Record(ctx, event.New(ctx, o.UpdatedAt, "order.cancelled", "Order", o.ID, c)))
	})
}

func (s *Service) remindApprovers(ctx context.Context, orderID uuid.UUID) error {
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		o, err := s.store.Lock(ctx, orderID)
		if err != nil || o == nil || o.Status != PendingApproval || o.CompanyID == nil {
			return err
		}
		if fresh, err := s.store.RemindApproval(ctx, o.ID, s.now()); err != nil || !fresh {
			return err
		}
		approvers, err := s.trade.Approvers(ctx, *o.CompanyID)
		if err != nil {
			return err
		}
		lines, err := s.store.Lines(ctx, []uuid.UUID{o.ID})
		if err != nil {
			return err
		}
		if ctx, err = s.inChannel(ctx, *o); err != nil {
			return err
		}
		mails, err := o.askingFor(i18n.WithLanguage(ctx, o.Language), approvers, lines, true)
		return errors.Join(err, s.outbox.Enqueue(ctx, mails...))
	})
}

// askingFor are the mails to those who may approve the order.
func (o Order) askingFor(ctx context.Context, approvers []company.Seat, lines []Line, again bool) ([]messaging.Message, error) {
	mails := make([]messaging.Message, 0, len(approvers))
	for _, a := range approvers {
		occasion := o.ID.String() + " " + a.AccountID.String()
		if again {
			occasion += " again"
		}
		m, err := messaging.New(ctx, messaging.Address{Name: a.Name, Email: a.Email}, occasion, messaging.ApprovalAsked{
			Name: a.Name, OrderNumber: o.Number, Buyer: o.ShippingAddress.Name, Total: o.TotalMinor, Currency: o.Currency, Lines: mailed(Draft{Order: o, Lines: lines}),
			By: o.ApproveBy, Again: again,
		})
		if err != nil {
			return nil, err
		}
		m.BrandID = o.BrandID
		mails = append(mails, m)
	}
	return mails, nil
}
