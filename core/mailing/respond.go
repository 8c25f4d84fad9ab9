package mailing

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/member"
)

// Members withdraws consents.
type Members interface {
	Unsubscribe(ctx context.Context, in member.UnsubscribeInput) error
}

// ResponseStore keeps what readers do with e-mails.
type ResponseStore interface {
	// Sharing are the others of the brand who have the address that the e-mail went to.
	Sharing(ctx context.Context, t Token, brandID uuid.UUID) ([]uuid.UUID, error)
	// Left notes that the reader unsubscribed by the mailing's link.
	Left(ctx context.Context, t Token, at time.Time) error
	// Clicked notes that the reader followed a link; the first time counts.
	Clicked(ctx context.Context, t Token, at time.Time) error
	// Opened notes that the reader opened the e-mail; the first time counts.
	Opened(ctx context.Context, t Token, at time.Time) error
}

// Unsubscribe withdraws the consent of whom the link was sent to, without any login: the
// link proves it. It is the address that wants to be written to no more (特定電子メール法):
// others of the brand who have it are asked no more either. The link never expires, and may
// be followed again. One that noren did not make is link.ErrInvalid.
func (s *Service) Unsubscribe(ctx context.Context, text string) error {
	t, m, err := s.followed(ctx, ToUnsubscribe, text)
	if err != nil || t.MemberID == uuid.Nil {
		return err
	}
	return s.Tx.InTx(channel.With(ctx, channel.Channel{BrandID: m.BrandID}), func(ctx context.Context) error {
		others, err := s.Store.Sharing(ctx, t, m.BrandID)
		if err != nil {
			return err
		}
		for _, key := range append([]uuid.UUID{t.MemberID}, others...) {
			if err := s.Members.Unsubscribe(ctx, member.UnsubscribeInput{MemberID: key, BrandID: m.BrandID, Medium: m.Medium, Wording: m.GlobalID()}); err != nil {
				return err
			}
		}
		return s.Store.Left(ctx, t, s.Now())
	})
}

// Leads reports whether the link to unsubscribe is noren's; it changes nothing, since
// programs follow links too before people do.
func (s *Service) Leads(ctx context.Context, text string) error {
	_, _, err := s.followed(ctx, ToUnsubscribe, text)
	return err
}

// Click is where the link leads to. Only what the e-mail says can be reached so.
func (s *Service) Click(ctx context.Context, text string) (url string, err error) {
	t, m, err := s.followed(ctx, ToClick, text)
	if err != nil {
		return "", err
	}
	all := links(m.Body)
	if t.Link >= len(all) {
		return "", link.ErrInvalid
	}
	return all[t.Link], s.Store.Clicked(ctx, t, s.Now())
}

// Opened notes that an e-mail was opened.
func (s *Service) Opened(ctx context.Context, text string) error {
	t, _, err := s.followed(ctx, ToOpen, text)
	if err != nil {
		return err
	}
	return s.Store.Opened(ctx, t, s.Now())
}

func (s *Service) followed(ctx context.Context, p Purpose, text string) (Token, *Mailing, error) {
	t, err := s.Tokens.Read(p, text)
	if err != nil {
		return t, nil, err
	}
	m, err := s.Store.ByID(ctx, t.MailingID)
	if err == nil && m == nil {
		err = link.ErrInvalid
	}
	return t, m, err
}
