package mailing

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
)

// ErrTests says that somebody has sent too many tests.
var ErrTests = fault.Limited(fault.CodeRateLimited, "テスト送信が多すぎます。しばらくしてからもう一度お試しください", "Too many tests were sent; try again later")

// TestInput asks for e-mails to who judges them before members get them.
type TestInput struct {
	MailingID uuid.UUID
	To        []string
	MemberID  *uuid.UUID // as it would be written to; nil: a sample
}

const maxTests = 5

// testRate is how many tests one of the staff sends.
var testRate = limit.Rate{Allowed: 20, Per: time.Hour}

// Test sends the mailing's e-mail to the addresses. Nothing of it is followed, and its
// link to unsubscribe changes nothing.
func (s *Service) Test(ctx context.Context, in TestInput) (*Mailing, error) {
	if err := office(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	if in.MemberID != nil {
		if err := office(ctx, access.MemberRead); err != nil {
			return nil, err
		}
	}
	if err := within("to", len(in.To), 1, maxTests); err != nil {
		return nil, err
	}
	m, err := s.mails(ctx, in.MailingID)
	if err != nil {
		return nil, err
	}
	r, err := s.reader(ctx, *m, in.MemberID)
	if err != nil {
		return nil, err
	}
	r.MemberID, r.Coupon = uuid.Nil, sampleCoupon
	content := s.Tokens.letter(*m, r)
	messages := make([]messaging.Message, len(in.To))
	for i, typed := range in.To {
		to, err := identity.NormaliseEmail(typed)
		if err != nil {
			return nil, identity.ErrEmail.At(fmt.Sprint("to.", i))
		}
		if s.Limiter != nil && !s.Limiter.Allow(ctx, "mailing_test:"+access.From(ctx).ID.String(), testRate).Allowed {
			return nil, ErrTests
		}
		if messages[i], err = messaging.New(ctx, messaging.Address{Email: to}, "test/"+id.New().String(), content); err != nil {
			return nil, err
		}
	}
	return m, s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Outbox.Enqueue(ctx, messages...); err != nil {
			return err
		}
		return s.record(ctx, "mailing.tested", *m, map[string]any{"to": len(in.To), "memberId": in.MemberID})
	})
}

// mails is a mailing by e-mail.
func (s *Service) mails(ctx context.Context, mailingID uuid.UUID) (*Mailing, error) {
	m, err := s.seen(ctx, mailingID)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		return nil, fault.ErrNotFound.At("mailingId")
	case m.Medium != member.Mail:
		return nil, ErrMedium.At("mailingId")
	}
	return m, nil
}

// reader is the member as texts speak of them, or a sample.
func (s *Service) reader(ctx context.Context, m Mailing, memberID *uuid.UUID) (Reader, error) {
	if memberID == nil {
		return sample(s.Now()), nil
	}
	found, err := s.Store.Readers(ctx, m, s.Now(), []uuid.UUID{*memberID})
	if err != nil {
		return Reader{}, err
	}
	if len(found) == 0 {
		return Reader{}, fault.ErrNotFound.At("memberId")
	}
	return found[0], nil
}
