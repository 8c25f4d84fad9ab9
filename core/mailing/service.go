package mailing

import (
	"context"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/segment"
)

// Store keeps mailings; it joins the transaction of the context.
type Store interface {
	Insert(ctx context.Context, m Mailing) error
	Update(ctx context.Context, m Mailing) error
	// Lock is the brand's mailing, locked; nil if there is none.
	Lock(ctx context.Context, brandID, mailingID uuid.UUID) (*Mailing, error)
	ByID(ctx context.Context, mailingID uuid.UUID) (*Mailing, error)
	List(ctx context.Context, q ListQuery) (page.Connection[Mailing], error)
	Recipients(ctx context.Context, q RecipientQuery) (page.Connection[Recipient], error)

	// Gather freezes whom the segment has as the mailing's candidates, in one statement,
	// and counts them.
	Gather(ctx context.Context, m Mailing, g segment.Segment, today time.Time) (int, error)
	// Candidates are some of those of whom it is not known what becomes of them.
	Candidates(ctx context.Context, m Mailing, most int) ([]Person, error)
	Decide(ctx context.Context, mailingID uuid.UUID, all []Decision) error
	// CouponUse is what became of the coupons that the mailing gave.
	CouponUse(ctx context.Context, m Mailing) (*CouponUse, error)
	// VoidUnsent takes the coupons out of use that nobody was told of.
	VoidUnsent(ctx context.Context, mailingID uuid.UUID) error
	// SendLetters lets the letters that wait be sent, and counts them.
	SendLetters(ctx context.Context, mailingID uuid.UUID) (int, error)
	// Working are mailings that a process has to work on and none does.
	Working(ctx context.Context, now time.Time) ([]uuid.UUID, error)
	// Lease lets one process work on the mailing until then; false if another does.
	Lease(ctx context.Context, mailingID uuid.UUID, now, until time.Time) (bool, error)
	// Follow lets what is the gone member's be the kept one's.
	Follow(ctx context.Context, keptID, goneID uuid.UUID) error

	FileStore
	DeliveryStore
	ResponseStore
	BounceStore
	ResultStore
}

// Segments are the searches that were saved.
type Segments interface {
	Lock(ctx context.Context, brandID, segmentID uuid.UUID) (*segment.Segment, error)
	// Known are those of the named things that the brand has.
	Known(ctx context.Context, brandID uuid.UUID, named []segment.Named) ([]segment.Named, error)
}

// Coupons give members coupons of campaigns.
type Coupons interface {
	// Opens fails unless coupons open the campaign of the channel's brand.
	Opens(ctx context.Context, campaignID uuid.UUID) error
	Give(ctx context.Context, g promotion.Gift) error
	CodeOf(ctx context.Context, couponID uuid.UUID) (string, error)
}

// Queue lets work be done soon, in the transaction of the context.
type Queue interface {
	WorkMailing(ctx context.Context, mailingID uuid.UUID) error
}

// Printer draws labels.
type Printer interface {
	Labels(w io.Writer, of label.Sheet, at time.Time) (int, error)
}

// Parts are what the service stands on.
type Parts struct {
	Tx       idempotency.Tx
	Store    Store
	Segments Segments
	Queue    Queue
	Printer  Printer
	Saver    Saver
	Coupons  Coupons
	Members  Members
	Post     Post
	Outbox   messaging.Outbox // for tests
	Limiter  limit.Limiter    // nil: nobody counts tests
	Events   event.Recorder
	Links    *link.Signer // to files
	Tokens   *Tokens      // of links in e-mails
	Bounces  string       // the e-mail address to which what cannot be delivered comes back; empty: the sender's
	Requests string       // the e-mail address that takes wishes to unsubscribe; empty: none
	Now      clock.Clock
}

// Service makes mailings, and works on them.
type Service struct {
	Parts
	formats []label.Format
}

// New makes the service; it fails if the formats of labels cannot be read.
func New(p Parts) (*Service, error) {
	all, err := label.Formats()
	return &Service{p, all}, err
}

// office requires the permission of the head office: mailings reach members of all stores.
func office(ctx context.Context, p access.Permission) error {
	actor := access.From(ctx)
	if !actor.May(p) || actor.Is(access.RoleStoreStaff, access.RolePartner) {
		return fault.ErrForbidden
	}
	return nil
}

// reading requires the permission of staff.
func reading(ctx context.Context, p access.Permission) error {
	if access.From(ctx).Is(access.RolePartner) {
		return fault.ErrForbidden
	}
	return access.Require(ctx, p)
}

// ListQuery asks for one page of a brand's mailings, newest first.
type ListQuery struct {
	BrandID uuid.UUID
	State   *State
	Only    bool // of these stores
	Stores  []uuid.UUID
	Page    page.Args
}

// List is one page of the mailings of the channel's brand; staff of a store see those on
// its behalf.
func (s *Service) List(ctx context.Context, state *State, p page.Args) (page.Connection[Mailing], error) {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return page.Connection[Mailing]{}, err
	}
	stores, only := access.StoresOf(ctx)
	return s.Store.List(ctx, ListQuery{BrandID: channel.From(ctx).BrandID, State: state, Only: only, Stores: stores, Page: p})
}

// ByID is the mailing of the channel's brand; nil if there is none that the actor may see.
func (s *Service) ByID(ctx context.Context, mailingID uuid.UUID) (*Mailing, error) {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	return s.seen(ctx, mailingID)
}

// seen is the mailing, if the actor may see it.
func (s *Service) seen(ctx context.Context, mailingID uuid.UUID) (*Mailing, error) {
	m, err := s.Store.ByID(ctx, mailingID)
	if err != nil || m == nil || m.BrandID != channel.From(ctx).BrandID || !m.seenBy(access.From(ctx)) {
		return nil, err
	}
	return m, nil
}

// RecipientQuery asks for one page of a mailing's audience.
type RecipientQuery struct {
	MailingID uuid.UUID
	State     *RecipientState
	Page      page.Args
}

// Recipients are one page of a mailing's audience, by their ids. Who looks is written down:
// it tells what members did.
func (s *Service) Recipients(ctx context.Context, mailingID uuid.UUID, state *RecipientState, p page.Args) (page.Connection[Recipient], error) {
	var none page.Connection[Recipient]
	if err := reading(ctx, access.MemberRead); err != nil {
		return none, err
	}
	m, err := s.seen(ctx, mailingID)
	if err != nil {
		return none, err
	}
	if m == nil {
		return none, fault.ErrNotFound.At("mailingId")
	}
	all, err := s.Store.Recipients(ctx, RecipientQuery{m.ID, state, p})
	if err != nil {
		return none, err
	}
	return all, s.record(ctx, "mailing.audience_viewed", *m, map[string]any{"state": state, "after": p.After, "members": len(all.Edges)})
}

// CouponUse is what became of the coupons that a mailing gave; nil if it gives none.
func (s *Service) CouponUse(ctx context.Context, mailingID uuid.UUID) (*CouponUse, error) {
	if err := reading(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	m, err := s.seen(ctx, mailingID)
	if err != nil || m == nil || m.CouponCampaignID == nil {
		return nil, err
	}
	return s.Store.CouponUse(ctx, *m)
}

// Merge lets the gone member's place in mailings be the kept one's.
func (s *Service) Merge(ctx context.Context, keptID, goneID uuid.UUID) error {
	return s.Store.Follow(ctx, keptID, goneID)
}

func (s *Service) record(ctx context.Context, kind string, m Mailing, data map[string]any) error {
	e := event.New(ctx, s.Now(), kind, "Mailing", m.ID, data)
	e.BrandID = m.BrandID
	return s.Events.Record(ctx, e)
}
