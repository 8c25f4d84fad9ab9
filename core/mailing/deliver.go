package mailing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/messaging"
)

// Post writes e-mails and hands them to whoever carries them.
type Post interface {
	// Compose puts the message into words, as the brand's.
	Compose(ctx context.Context, m messaging.Message) (messaging.Mail, error)
	// Hand hands it over. messaging.ErrRejected says that trying again is of no use,
	// messaging.ErrRefused that it is of none with any other e-mail either.
	Hand(ctx context.Context, m messaging.Mail) error
}

// Claim is what became of the attempt to take an e-mail up.
type Claim string

// What may become of it.
const (
	Claimed Claim = "CLAIMED"
	Skipped Claim = "SKIPPED" // the reader is left out
	Stopped Claim = "STOPPED" // the mailing is not being sent any more, or somebody else sent this one
)

// Outcome is what became of one e-mail.
type Outcome struct {
	MailingID uuid.UUID
	MemberID  uuid.UUID
	State     RecipientState // Mailed, LeftOut or, to be tried again, Queued
	Reason    Reason
	At        time.Time
	Free      bool // the mail server was not reached: it is no try
}

// DeliveryStore keeps how far e-mails are.
type DeliveryStore interface {
	// Waiting are those who wait next for their e-mail, those behind who were tried before.
	Waiting(ctx context.Context, m Mailing, at time.Time, most int) ([]Reader, error)
	// Readers are the members as texts speak of them at the moment.
	Readers(ctx context.Context, m Mailing, at time.Time, memberIDs []uuid.UUID) ([]Reader, error)
	// Claim takes up the e-mail before it is handed over, unless the reader has withdrawn,
	// nothing arrives at the address, somebody else of the audience got it there, or the
	// mailing is not being sent any more.
	Claim(ctx context.Context, m Mailing, r Reader, messageID string, at time.Time) (Claim, error)
	// Settle keeps what became of it, and counts it. One that was tried often enough is left
	// out as Refused.
	Settle(ctx context.Context, o Outcome, tries int) error
	// Interrupted leaves out who was being handed an e-mail when noren broke off, and says
	// how many those are.
	Interrupted(ctx context.Context, mailingID uuid.UUID) (int, error)
}

const (
	maxTries    = 10
	handWithin  = 30 * time.Second
	maxFailures = 3 // one behind the other, before the mail server is left alone for a while
)

// Pause lets the e-mails of a mailing wait.
func (s *Service) Pause(ctx context.Context, in ByIDInput) (*Mailing, error) {
	return s.turn(ctx, in, "mailing.paused", Paused, Sending)
}

// Resume lets them leave again.
func (s *Service) Resume(ctx context.Context, in ByIDInput) (*Mailing, error) {
	return s.turn(ctx, in, "mailing.resumed", Sending, Paused)
}

// takeUp looks what the process before left behind: of an e-mail that was being handed
// over nobody knows whether it left. It is not sent again, lest it come twice.
func (s *Service) takeUp(ctx context.Context, m *Mailing) error {
	n, err := s.Store.Interrupted(ctx, m.ID)
	if err == nil && n > 0 {
		err = s.record(ctx, "mailing.interrupted", *m, map[string]any{"recipients": n})
	}
	return err
}

// deliver hands over some e-mails, no faster than the mailing allows.
func (s *Service) deliver(ctx context.Context, m *Mailing) (done bool, err error) {
	some, err := s.Store.Waiting(ctx, *m, s.Now(), portion)
	if err != nil {
		return false, err
	}
	if len(some) == 0 {
		return true, s.delivered(ctx, m)
	}
	beat := time.NewTicker(time.Second / time.Duration(m.PerSecond))
	defer beat.Stop()
	failures := 0
	var failed error
	for _, r := range some {
		select {
		case <-ctx.Done():
			return true, nil // the next one goes on
		case <-beat.C:
		}
		claim, err := s.hand(context.WithoutCancel(ctx), *m, r)
		switch {
		case claim == Stopped:
			return true, err
		case err == nil && claim == Claimed:
			failures = 0
			m.Delivered++
			continue
		case err == nil:
			continue
		}
		slog.WarnContext(ctx, "an e-mail of a mailing could not be handed over", "mailing", m.ID, "member", r.MemberID, "error", err)
		failed = err
		if failures++; failures == maxFailures {
			return true, s.giveWay(ctx, m, err)
		}
	}
	if errors.Is(failed, messaging.ErrRefused) && m.Delivered == 0 {
		return true, s.giveWay(ctx, m, failed) // too few to fail so often, and none got it
	}
	return failed != nil, nil // what the server refused for now is not tried again at once
}

// giveWay leaves the mail server alone for a while: until somebody has seen to it where it
// would refuse everybody.
func (s *Service) giveWay(ctx context.Context, m *Mailing, failed error) error {
	if !errors.Is(failed, messaging.ErrRefused) {
		return fmt.Errorf("hand over e-mails of mailing %s: %w", m.ID, failed)
	}
	return s.Tx.InTx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		now, err := s.Store.Lock(ctx, m.BrandID, m.ID)
		if err != nil || now == nil || now.State != Sending {
			return err
		}
		now.State, now.Refusal, now.UpdatedAt = Paused, messaging.WithoutAddresses(failed.Error()), s.Now()
		*m = *now
		if err := s.Store.Update(ctx, *m); err != nil {
			return err
		}
		return s.record(ctx, "mailing.paused", *m, map[string]any{"name": m.Name, "sent": m.Delivered, "refusal": m.Refusal})
	})
}

// hand hands one e-mail over. It is taken up before, so that whoever goes on after this
// process knows of it.
func (s *Service) hand(ctx context.Context, m Mailing, r Reader) (Claim, error) {
	mail, err := s.compose(ctx, m, r)
	if err != nil {
		return Skipped, err
	}
	claim, err := s.Store.Claim(ctx, m, r, mail.MessageID, s.Now())
	if err != nil || claim != Claimed {
		return claim, err
	}
	within, cancel := context.WithTimeout(ctx, handWithin)
	defer cancel()
	failed := s.Post.Hand(within, mail)
	o := Outcome{MailingID: m.ID, MemberID: r.MemberID, State: Mailed, At: s.Now()}
	switch {
	case errors.Is(failed, messaging.ErrRejected):
		o.State, o.Reason = LeftOut, Refused
		return Skipped, s.reject(ctx, o, mail.MessageID, failed)
	case failed != nil:
		o.State, o.Free = Queued, errors.Is(failed, messaging.ErrUnreached)
	}
	return claim, errors.Join(failed, s.Store.Settle(ctx, o, maxTries))
}

// reject leaves out whom nothing can be delivered to. What the mail server says of the
// address at once counts there as what comes back later does.
func (s *Service) reject(ctx context.Context, o Outcome, messageID string, rejected error) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Settle(ctx, o, maxTries); err != nil {
			return err
		}
		var no *messaging.Refusal
		if !errors.As(rejected, &no) {
			return nil // it never came to the server
		}
		digest := sha256.Sum256([]byte("rejected " + messageID))
		_, err := s.TakeBounce(ctx, Report{Digest: digest[:], MessageID: messageID, Action: "failed", Status: no.Status, Diagnosis: no.Said})
		return err
	})
}

// compose is the e-mail to the reader, under the same Message-ID whenever it is made.
func (s *Service) compose(ctx context.Context, m Mailing, r Reader) (messaging.Mail, error) {
	if r.Coupon = sampleCoupon; r.CouponID != nil && r.MemberID != uuid.Nil {
		code, err := s.Coupons.CodeOf(ctx, *r.CouponID)
		if err != nil {
			return messaging.Mail{}, err
		}
		r.Coupon = code
	}
	content := s.Tokens.letter(m, r)
	msg, err := messaging.New(ctx, messaging.Address{Name: r.Name, Email: r.Email}, m.ID.String()+"/"+r.MemberID.String(), content)
	if err != nil {
		return messaging.Mail{}, err
	}
	msg.BrandID = m.BrandID
	mail, err := s.Post.Compose(ctx, msg)
	if err != nil {
		return mail, err
	}
	mail.ReturnPath = s.Bounces
	mail.Unsubscribe = &messaging.Unsubscribe{URL: content.UnsubscribeURL}
	if s.Requests != "" {
		mail.Unsubscribe.Mailto = "mailto:" + s.Requests + "?subject=unsubscribe%20" + s.Tokens.Text(ToUnsubscribe, Token{MailingID: m.ID, MemberID: r.MemberID})
	}
	return mail, nil
}

// delivered ends a mailing whose e-mails have all left.
func (s *Service) delivered(ctx context.Context, m *Mailing) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		now, err := s.Store.Lock(ctx, m.BrandID, m.ID)
		if err != nil || now == nil || now.State != Sending {
			return err
		}
		at := s.Now()
		now.State, now.CompletedAt, now.UpdatedAt = Sent, &at, at
		*m = *now
		if err := s.Store.Update(ctx, *m); err != nil {
			return err
		}
		return s.record(ctx, "mailing.completed", *m, map[string]any{"sent": m.Delivered, "leftOut": m.LeftOut})
	})
}

// Preview is what an e-mail says to a member, or to nobody in particular.
type Preview = messaging.Rendered

// Preview shows what the e-mails say, for the head office.
func (s *Service) Preview(ctx context.Context, mailingID uuid.UUID, memberID *uuid.UUID) (*Preview, error) {
	if err := office(ctx, access.MemberRead); err != nil {
		return nil, err
	}
	m, err := s.mails(ctx, mailingID)
	if err != nil {
		return nil, err
	}
	r, err := s.reader(ctx, *m, memberID)
	if err != nil {
		return nil, err
	}
	r.MemberID = uuid.Nil // whose links nobody follows
	mail, err := s.compose(ctx, *m, r)
	if err != nil {
		return nil, err
	}
	return &mail.Rendered, s.record(ctx, "mailing.previewed", *m, map[string]any{"memberId": memberID})
}
