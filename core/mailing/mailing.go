// Package mailing is what is sent to the members of a segment, by post (DM) or e-mail, to
// see what they buy then (販促サイクル): an audience is frozen, some of it held out to
// compare with, and purchases within a window are followed.
package mailing

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

// State is how far a mailing is.
type State string

// The states.
const (
	Draft     State = "DRAFT"
	Preparing State = "PREPARING" // it is worked out who gets it
	Sending   State = "SENDING"   // e-mails leave
	Paused    State = "PAUSED"
	Sent      State = "SENT"
	Cancelled State = "CANCELLED"
)

// Mailing is one thing that is sent to a segment's members.
type Mailing struct {
	ID             uuid.UUID
	BrandID        uuid.UUID
	Name           string
	Medium         member.Medium // DM or Mail
	SegmentID      uuid.UUID
	StoreID        *uuid.UUID // on whose behalf; nil: the brand's
	FollowsID      *uuid.UUID // to whose recipients it is sent again
	Currency       money.Currency
	PieceCostMinor int64 `db:"piece_cost"`
	FixedCostMinor int64 `db:"fixed_cost"`
	HoldOut        int   // per cent of those who could get it
	WindowDays     int   // how long purchases count, the day of sending being the first
	ProductIDs     []uuid.UUID
	CategoryIDs    []uuid.UUID

	CouponCampaignID *uuid.UUID // of which each recipient is given a coupon; nil: of none
	CouponDays       *int       // for so many days from sending; nil: as long as the campaign

	Subject    string // of e-mails, and what follows
	Body       string
	Imprint    string
	PerSecond  int
	TrackOpens bool

	State       State
	Refusal     string // what the mail server said when it refused everybody, and the mailing was paused
	Audience    int    // whom the segment had when it was sent
	Decided     int    // of whom it is known what becomes of them
	Addressed   int    // who shall get it
	HeldOut     int
	LeftOut     int
	Delivered   int `db:"sent"`
	ActorID     *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time
	SentAt      *time.Time // since when purchases count
	CompletedAt *time.Time
}

// GlobalID is the mailing's id in the schema.
func (m Mailing) GlobalID() string { return id.Global("Mailing", m.ID) }

// OfSegment is the segment's id in the schema.
func (m Mailing) OfSegment() string { return id.Global("Segment", m.SegmentID) }

// ForStore is the store's id in the schema; nil: the brand's.
func (m Mailing) ForStore() *string { return id.GlobalOrNone("Location", m.StoreID) }

// Follows is the id in the schema of the mailing that this one follows; nil: none.
func (m Mailing) Follows() *string { return id.GlobalOrNone("Mailing", m.FollowsID) }

// OfCoupons is the id in the schema of the campaign that the coupons open; nil: none are given.
func (m Mailing) OfCoupons() *string { return id.GlobalOrNone("Campaign", m.CouponCampaignID) }

// coupons are those that the people are given.
func (m Mailing) coupons(memberIDs []uuid.UUID) promotion.Gift {
	w := scope.Always
	if w.From = *m.SentAt; m.CouponDays != nil {
		w.Until = m.SentAt.AddDate(0, 0, *m.CouponDays)
	}
	return promotion.Gift{BatchID: m.ID, BrandID: m.BrandID, CampaignID: *m.CouponCampaignID, Window: w, MemberIDs: memberIDs}
}

// Products are the ids in the schema of the products whose purchases count.
func (m Mailing) Products() []string { return id.Globals("Product", m.ProductIDs) }

// Categories are those of the categories.
func (m Mailing) Categories() []string { return id.Globals("Category", m.CategoryIDs) }

// PieceCost is what each costs that is sent.
func (m Mailing) PieceCost() money.Money { return money.Of(m.PieceCostMinor, m.Currency) }

// FixedCost is what the mailing costs beside that.
func (m Mailing) FixedCost() money.Money { return money.Of(m.FixedCostMinor, m.Currency) }

// Cost is what the mailing has cost so far.
func (m Mailing) Cost() money.Money {
	if m.SentAt == nil {
		return money.Of(0, m.Currency)
	}
	return money.Of(m.FixedCostMinor+m.PieceCostMinor*int64(m.Delivered), m.Currency)
}

// TracksAll reports whether all purchases count.
func (m Mailing) TracksAll() bool { return len(m.ProductIDs)+len(m.CategoryIDs) == 0 }

// seenBy reports whether the actor may see the mailing: the head office sees all, staff
// of a store what is sent on its behalf.
func (m Mailing) seenBy(actor access.Actor) bool {
	return !actor.Is(access.RoleStoreStaff) || m.StoreID != nil && slices.Contains(actor.Stores, *m.StoreID)
}

// RecipientState is what becomes of one member of the audience.
type RecipientState string

// The states.
const (
	Candidate RecipientState = "CANDIDATE" // not decided yet
	Queued    RecipientState = "QUEUED"    // the e-mail waits, or the letter while others are decided of
	Handing   RecipientState = "SENDING"   // the e-mail is being handed to the mail server
	Mailed    RecipientState = "SENT"
	HeldOut   RecipientState = "HELD_OUT" // gets nothing, to compare with
	LeftOut   RecipientState = "LEFT_OUT" // cannot or may not get it
)

// Reason says why somebody is left out.
type Reason string

// The reasons.
const (
	NoReason     Reason = ""
	Gone         Reason = "GONE"         // is the brand's member no more
	OtherStore   Reason = "OTHER_STORE"  // another store's member: the store may not know the person
	NoConsent    Reason = "NO_CONSENT"   // never agreed
	Unsubscribed Reason = "UNSUBSCRIBED" // withdrew
	NoAddress    Reason = "NO_ADDRESS"
	NoEmail      Reason = "NO_EMAIL"
	Bounced      Reason = "BOUNCED"     // nothing arrives at the e-mail address
	Duplicate    Reason = "DUPLICATE"   // another member of the audience got it at the same address
	Refused      Reason = "REFUSED"     // by the mail server, for good or too often
	Interrupted  Reason = "INTERRUPTED" // noren broke off while it handed the e-mail over: not sent again, lest it come twice
)

// Recipient is one member of the audience.
type Recipient struct {
	MailingID uuid.UUID
	MemberID  uuid.UUID
	State     RecipientState
	Reason    Reason
	Position  *int // among those who shall get it, from 1

	SentAt         *time.Time // of e-mails, and what follows
	OpenedAt       *time.Time
	ClickedAt      *time.Time
	UnsubscribedAt *time.Time
	Bounce         BounceKind
	Purchases      int // within the window, as it was last counted

	CouponState   *promotion.CouponState // of the coupon that the member was given; nil: of none
	CouponOrderID *uuid.UUID             // that used it
}

// CameBack is how the e-mail came back; nil if it did not.
func (r Recipient) CameBack() *BounceKind {
	if r.Bounce == NoBounce {
		return nil
	}
	return &r.Bounce
}

// OfMember is the member's id in the schema.
func (r Recipient) OfMember() string { return id.Global("Member", r.MemberID) }

// UsedOn is the id in the schema of the order that used the coupon; nil: none did.
func (r Recipient) UsedOn() *string { return id.GlobalOrNone("Order", r.CouponOrderID) }

// CouponUse is what became of the coupons that a mailing gave.
type CouponUse struct {
	Issued   int
	Used     int
	Void     int
	Currency money.Currency
	SalesSum int64 `db:"sales"`
	GivenSum int64 `db:"given"`
}

// Sales are what the orders come to that used them and stand.
func (u CouponUse) Sales() money.Money { return money.Of(u.SalesSum, u.Currency) }

// Given is what the campaign took off those.
func (u CouponUse) Given() money.Money { return money.Of(u.GivenSum, u.Currency) }

// Why is the reason; nil unless left out.
func (r Recipient) Why() *Reason {
	if r.Reason == NoReason {
		return nil
	}
	return &r.Reason
}
