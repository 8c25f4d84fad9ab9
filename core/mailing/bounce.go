package mailing

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/messaging"
)

// BounceKind says whether nothing will ever arrive at an address.
type BounceKind string

// The kinds.
const (
	NoBounce   BounceKind = ""
	HardBounce BounceKind = "HARD" // the address is dead
	SoftBounce BounceKind = "SOFT" // not now: the mailbox is full, the text was not liked
)

// Report is what a mail server says of one recipient in a delivery status notification
// (RFC 3464).
type Report struct {
	Digest    []byte // of the notification and the recipient: one that comes again counts once
	MessageID string // of the e-mail, without angle brackets
	Action    string // failed, delayed, …
	Status    string // enhanced status code (RFC 3463), such as 5.1.1
	Diagnosis string
}

// Bounce says what the report means (RFC 3463): of what failed for good, all that is the
// address's fault, not the mailbox's being full (X.2.2), the system's (X.3), the message's
// size or content (X.2.3, X.6) or a policy (X.7).
func (r Report) Bounce() BounceKind {
	switch action := strings.ToLower(r.Action); {
	case action != "failed" && action != "delayed":
		return NoBounce
	case action == "delayed" || !strings.HasPrefix(r.Status, "5."):
		return SoftBounce
	}
	for _, soft := range []string{"5.2.2", "5.2.3", "5.3.", "5.6.", "5.7."} {
		if strings.HasPrefix(r.Status, soft) {
			return SoftBounce
		}
	}
	return HardBounce
}

// Taken says what became of a report.
type Taken string

// What may become of it.
const (
	TakenIn     Taken = "TAKEN"
	SeenBefore  Taken = "SEEN"
	UnknownMail Taken = "UNKNOWN" // no e-mail of noren's; kept, and nothing else
	NoFailure   Taken = "IGNORED"
)

// KeptBounce is a bounce as it is kept.
type KeptBounce struct {
	ID uuid.UUID
	Report
	Kind BounceKind
	At   time.Time
}

// maxSoft is how many soft bounces one behind the other make an address dead.
const maxSoft = 5

// BounceStore keeps bounces and dead addresses.
type BounceStore interface {
	// Bounce keeps the bounce, marks the recipient of its message, and counts it at the
	// address the e-mail went to; the address is suppressed if it is hard, or so many were
	// soft.
	Bounce(ctx context.Context, b KeptBounce, maxSoft int) (Taken, error)
	// Release lets e-mails go to the address again; nil if none was kept from it.
	Release(ctx context.Context, brandID uuid.UUID, email string, at time.Time) (*Released, error)
}

// Released is an address to which e-mails go again.
type Released struct {
	Hash      []byte      // keyed
	MemberIDs []uuid.UUID // of the brand, who have it
}

// TakeBounce takes in what a mail server says. A report of an e-mail that noren does not
// know changes nothing; it is kept, so that staff can look.
func (s *Service) TakeBounce(ctx context.Context, r Report) (taken Taken, err error) {
	if !access.From(ctx).Is(access.RoleSystem) {
		return "", fault.ErrForbidden
	}
	kind := r.Bounce()
	if kind == NoBounce {
		return NoFailure, nil
	}
	r.Diagnosis = messaging.WithoutAddresses(r.Diagnosis)
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		taken, err = s.Store.Bounce(ctx, KeptBounce{id.New(), r, kind, s.Now()}, maxSoft)
		return err
	})
	return taken, err
}

// ReleaseInput names an e-mail address.
type ReleaseInput struct{ Email string }

// Release lets e-mails of mailings go to an address again at which nothing arrived, for
// staff whom the member has told that it works.
func (s *Service) Release(ctx context.Context, in ReleaseInput) (bool, error) {
	if err := office(ctx, access.MemberWrite); err != nil {
		return false, err
	}
	email, err := identity.NormaliseEmail(in.Email)
	if err != nil {
		return false, identity.ErrEmail.At("email")
	}
	var released *Released
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		now := s.Now()
		if released, err = s.Store.Release(ctx, channel.From(ctx).BrandID, email, now); err != nil || released == nil {
			return err
		}
		address := uuid.UUID(released.Hash[:16]) // one for all that is recorded of it
		return s.Events.Record(ctx, event.New(ctx, now, "mail_address.released", "MailAddress", address, map[string]any{"memberIds": released.MemberIDs}))
	})
	return released != nil, err
}
