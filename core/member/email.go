package member

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// EmailChangeInput is a new e-mail address for a member who cannot log in any more.
type EmailChangeInput struct {
	MemberID uuid.UUID
	Email    string
	Reason   string
}

// RequestEmailChange mails a link to an address that a member has told staff, with which
// their account logs in once the link is opened. It gives an account to whoever reads that
// mail, so it takes staff who may read the member, and a reason; the address before is told.
func (s *Service) RequestEmailChange(ctx context.Context, in EmailChangeInput) (*Member, error) {
	if err := errors.Join(access.Require(ctx, access.MemberWrite), access.Require(ctx, access.MemberRead)); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxWording); err != nil {
		return nil, err
	}
	return s.change(ctx, &in.MemberID, func(ctx context.Context, m Member, _ time.Time) (string, any, error) {
		if !Readable(access.From(ctx), m) {
			return "", nil, fault.ErrForbidden
		}
		if !m.Account {
			return "", nil, ErrNoAccount.At("memberId")
		}
		return "member.email_change_requested", map[string]any{"reason": in.Reason}, s.Accounts.AskEmailChange(ctx, m.ID, in.Email, true)
	})
}
