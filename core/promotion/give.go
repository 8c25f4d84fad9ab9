package promotion

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of giving coupons to many.
var (
	ErrGiveSegment = fault.NotFound("SEGMENT_UNKNOWN", "指定されたセグメントがないか、終了しています", "There is no such segment, or it is closed")
	ErrGiveNobody  = fault.Conflict("SEGMENT_EMPTY", "このセグメントには会員がいません", "The segment has no members")
	ErrGiveStopped = fault.Conflict("CAMPAIGN_STOPPED", "終了したキャンペーンのクーポンは発行できません", "The campaign is stopped; its coupons would open nothing")
)

// BatchState is whether the coupons of a batch are all there.
type BatchState string

// The states.
const (
	BatchMaking BatchState = "MAKING"
	BatchDone   BatchState = "DONE"
)

// CouponBatch is coupons that the members of a segment are given, one each.
type CouponBatch struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	CampaignID uuid.UUID
	SegmentID  uuid.UUID
	scope.Window
	State      BatchState
	Count      int `db:"members"` // whom the segment had
	Made       int
	Used       int // so far
	ActorID    *uuid.UUID
	CreatedAt  time.Time
	UpdatedAt  time.Time
	FinishedAt *time.Time
}

// GlobalID is the batch's id in the schema.
func (b CouponBatch) GlobalID() string { return id.Global("CouponBatch", b.ID) }

// OfCampaign is the campaign's id in the schema.
func (b CouponBatch) OfCampaign() string { return id.Global("Campaign", b.CampaignID) }

// OfSegment is the segment's id in the schema.
func (b CouponBatch) OfSegment() string { return id.Global("Segment", b.SegmentID) }

// BatchStore keeps batches, and who still waits for a coupon of them.
type BatchStore interface {
	// InsertBatch keeps a batch, and its members as those who wait.
	InsertBatch(ctx context.Context, b CouponBatch, memberIDs []uuid.UUID) error
	// LockBatch is the batch, locked, without how many of its coupons were used; nil if there
	// is none.
	LockBatch(ctx context.Context, batchID uuid.UUID) (*CouponBatch, error)
	// Batch is the brand's batch; nil if there is none.
	Batch(ctx context.Context, brandID, batchID uuid.UUID) (*CouponBatch, error)
	UpdateBatch(ctx context.Context, b CouponBatch) error
	// TakeWaiting takes some of those who wait from the list: how many, and of them those
	// who still are the brand's members and have none yet: what who became one with them was
	// given is theirs.
	TakeWaiting(ctx context.Context, b CouponBatch, most int) (taken int, memberIDs []uuid.UUID, err error)
}

// GiveJob gives the coupons of a batch.
type GiveJob struct {
	BatchID uuid.UUID `json:"batch" river:"unique"`
}

// Kind names the job in the queue.
func (GiveJob) Kind() string { return "give_coupons" }

// giveAtOnce bounds one transaction of Give.
const giveAtOnce = 500

// IssueToSegmentInput gives each member of a segment a coupon of their own.
type IssueToSegmentInput struct {
	IdempotencyKey string
	CampaignID     uuid.UUID
	SegmentID      uuid.UUID
	ValidFrom      *time.Time
	ValidUntil     *time.Time
}

// IssueToSegment notes whom the segment has now, once for each idempotency key: a job gives
// them the coupons, one each.
func (s *Service) IssueToSegment(ctx context.Context, in IssueToSegmentInput) (*CouponBatch, error) {
	if err := access.RequireEverywhere(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	window := scope.NewWindow(in.ValidFrom, in.ValidUntil)
	if err := window.Validate(); err != nil {
		return nil, err
	}
	batchID, err := idempotency.Once(ctx, s.Keys, "issueCouponsToSegment", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		now, ch := s.Now(), channel.From(ctx)
		b := CouponBatch{ID: id.New(), BrandID: ch.BrandID, CampaignID: in.CampaignID, SegmentID: in.SegmentID, Window: window, State: BatchMaking, CreatedAt: now, UpdatedAt: now}
		if actor := access.From(ctx); actor.ID != uuid.Nil {
			b.ActorID = &actor.ID
		}
		members, err := s.receivers(ctx, in)
		if err != nil {
			return b.ID, err
		}
		b.Count = len(members)
		return b.ID, errors.Join(
			s.Store.InsertBatch(ctx, b, members), s.Turns.Give(ctx, GiveJob{b.ID}),
			s.Events.Record(ctx, event.New(ctx, now, "coupons.issued", "CouponBatch", b.ID, map[string]any{"campaign": b.CampaignID, "count": b.Count, "segment": b.SegmentID})),
		)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Batch(ctx, channel.From(ctx).BrandID, batchID)
}

// receivers are whom the segment has, if the campaign takes coupons.
func (s *Service) receivers(ctx context.Context, in IssueToSegmentInput) ([]uuid.UUID, error) {
	if err := s.Opens(ctx, in.CampaignID); err != nil {
		return nil, err
	}
	if s.Segments == nil {
		return nil, ErrGiveSegment.At("segmentId")
	}
	if has, err := s.Segments.Hold(ctx, []uuid.UUID{in.SegmentID}); err != nil || !has {
		return nil, orFault(err, ErrGiveSegment.At("segmentId"))
	}
	members, err := s.Segments.MemberIDs(ctx, in.SegmentID)
	if err == nil && len(members) == 0 {
		err = ErrGiveNobody.At("segmentId")
	}
	return members, err
}

func orFault(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// Opens fails unless coupons open the campaign of the channel's brand. The campaign is locked:
// it stays so until the transaction ends.
func (s *Service) Opens(ctx context.Context, campaignID uuid.UUID) error {
	c, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, campaignID)
	switch {
	case err != nil:
		return err
	case c == nil:
		return fault.ErrNotFound.At("campaignId")
	case !c.NeedsCoupon:
		return ErrNoCouponCampaign.At("campaignId")
	case c.Status == Stopped:
		return ErrGiveStopped.At("campaignId")
	}
	return nil
}

// GiveBatch gives the coupons of a batch, some hundred in each transaction: broken off, it
// goes on with those who still wait.
func (s *Service) GiveBatch(ctx context.Context, batchID uuid.UUID) error {
	for done := false; !done; {
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			b, err := s.Store.LockBatch(ctx, batchID)
			if err != nil || b == nil || b.State == BatchDone {
				done = true
				return err
			}
			taken, members, err := s.Store.TakeWaiting(ctx, *b, giveAtOnce)
			if err != nil {
				return err
			}
			if err := s.Give(ctx, Gift{b.ID, b.BrandID, b.CampaignID, b.Window, members}); err != nil {
				return err
			}
			b.Made, b.UpdatedAt = b.Made+len(members), s.Now()
			if taken < giveAtOnce {
				at := s.Now()
				done, b.State, b.FinishedAt = true, BatchDone, &at
				e := event.New(ctx, at, "coupons.given", "CouponBatch", b.ID, map[string]any{"campaign": b.CampaignID, "segment": b.SegmentID, "count": b.Made})
				e.BrandID = b.BrandID
				if err := s.Events.Record(ctx, e); err != nil {
					return err
				}
			}
			return s.Store.UpdateBatch(ctx, *b)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Gift is coupons for members, each their own. Batch is what they are given for: a batch, or
// a mailing.
type Gift struct {
	BatchID    uuid.UUID
	BrandID    uuid.UUID
	CampaignID uuid.UUID
	scope.Window
	MemberIDs []uuid.UUID
}

// Give writes them in the transaction of the context.
func (s *Service) Give(ctx context.Context, g Gift) error {
	coupons := make([]NewCoupon, len(g.MemberIDs))
	for i, m := range g.MemberIDs {
		n := NewCoupon{Coupon: Coupon{
			ID: id.New(), BrandID: g.BrandID, CampaignID: g.CampaignID, BatchID: &g.BatchID, MemberID: &m, Window: g.Window, State: CouponIssued, CreatedAt: s.Now(),
		}}
		code, err := s.CodeOf(ctx, n.ID)
		if err != nil {
			return err
		}
		normal := NormalCode(code)
		n.Hint, n.Hash = hintOf(normal), HashCode(g.BrandID, normal)
		coupons[i] = n
	}
	if len(coupons) == 0 {
		return nil
	}
	return s.Store.AddCoupons(ctx, coupons)
}

// Derives makes of a text what nobody guesses, the same after every rotation of keys.
type Derives interface {
	Lasting(ctx context.Context, field, value string) ([]byte, error)
}

// CodeOf is the code of a coupon that was given: it follows from the coupon's id and a key, so
// that it can be told to its member later, and need not be kept.
func (s *Service) CodeOf(ctx context.Context, couponID uuid.UUID) (string, error) {
	for seed := couponID.String(); ; seed += "+" {
		raw, err := s.Codes.Lasting(ctx, "coupon", seed)
		if err != nil {
			return "", err
		}
		if code, ok := codeFrom(raw); ok {
			return code, nil
		}
	}
}

// codeFrom is a code of those bytes; ok is false where its check character is read wrong too
// easily.
func codeFrom(raw []byte) (code string, ok bool) {
	text := make([]byte, codeRandom)
	for i := range text {
		text[i] = drawn[raw[i]&31]
	}
	check := checkOf(string(text))
	return Grouped(string(text) + string(check)), strings.IndexByte(drawn, check) >= 0
}

// Batch is a batch of the channel's brand, for staff; ErrNotFound if there is none.
func (s *Service) Batch(ctx context.Context, batchID uuid.UUID) (*CouponBatch, error) {
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	b, err := s.Store.Batch(ctx, channel.From(ctx).BrandID, batchID)
	if err == nil && b == nil {
		err = fault.ErrNotFound
	}
	return b, err
}
