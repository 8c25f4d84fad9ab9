package points

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// Failures of giving points to many.
var (
	ErrBatchNobody = fault.Conflict("SEGMENT_EMPTY", "このセグメントには会員がいません", "The segment has no members")
	ErrBatchDone   = fault.Conflict("POINT_BATCH_DONE", "すでに全員に付与済みのため、停止できません", "All of them have their points already; there is nothing left to stop")
)

// BatchState is how far a batch of points is.
type BatchState string

// The states.
const (
	BatchMaking  BatchState = "MAKING"
	BatchDone    BatchState = "DONE"
	BatchStopped BatchState = "STOPPED"
)

// Batch is points that the members of a segment are given, as many each.
type Batch struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ProgrammeID uuid.UUID
	SegmentID   uuid.UUID
	Points      int64 // of each
	Reason      string
	State       BatchState
	Members     int  // whom the segment had
	Made        int  // who have their points
	LeftOut     int  // who left the brand, were erased or became one with another meanwhile
	Bounded     bool // it counts to what its actor may give in a day
	ActorID     *uuid.UUID
	CreatedAt   time.Time
	UpdatedAt   time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
}

// GlobalID is the batch's id in the schema.
func (b Batch) GlobalID() string { return id.Global("PointBatch", b.ID) }

// OfProgramme is the programme's id in the schema.
func (b Batch) OfProgramme() string { return id.Global("PointProgramme", b.ProgrammeID) }

// OfSegment is the segment's id in the schema.
func (b Batch) OfSegment() string { return id.Global("Segment", b.SegmentID) }

// key is the key of each posting: with the account, which is one member's, it is of the batch
// and the member.
func (b Batch) key() string { return BatchKey + b.ID.String() }

// BatchKey is what the keys of postings of batches begin with.
const BatchKey = "batch:"

// Batches keep batches of points, and who still waits for them.
type Batches interface {
	// InsertBatch keeps a batch, and its members as those who wait.
	InsertBatch(ctx context.Context, b Batch, memberIDs []uuid.UUID) error
	// LockBatch is the batch, locked; nil if there is none.
	LockBatch(ctx context.Context, batchID uuid.UUID) (*Batch, error)
	// PointBatch is the brand's batch; nil if there is none.
	PointBatch(ctx context.Context, brandID, batchID uuid.UUID) (*Batch, error)
	UpdateBatch(ctx context.Context, b Batch) error
	// TakeWaiting takes some of those who wait from the list: how many, and of them those who
	// still are the brand's members, were not erased, and have no points of the batch yet:
	// what who became one with them was given is theirs.
	TakeWaiting(ctx context.Context, b Batch, key string, most int) (taken int, memberIDs []uuid.UUID, err error)
	// DropWaiting lets nobody wait for the batch any more.
	DropWaiting(ctx context.Context, batchID uuid.UUID) error
}

// BatchJob gives the points of a batch.
type BatchJob struct {
	BatchID uuid.UUID `json:"batch" river:"unique"`
}

// Kind names the job in the queue.
func (BatchJob) Kind() string { return "points_batch" }

// batchAtOnce bounds one transaction of GrantBatch.
const batchAtOnce = 500

// GrantManyInput gives each member of a segment points by hand.
type GrantManyInput struct {
	IdempotencyKey string
	SegmentID      uuid.UUID
	ProgrammeID    uuid.UUID
	Points         int64 // for each
	Reason         string
}

// GrantToSegment notes whom the segment has now, once for each idempotency key: a job gives
// them the points, as many each. It is for the head office. All points of the batch together
// count to what one of the staff may give by hand in a day, when they are asked for; who may
// set that limit (POINT_ADMIN) is not held to it here.
func (s *Service) GrantToSegment(ctx context.Context, in GrantManyInput) (*Batch, error) {
	if err := batchDesk(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := errors.Join(amount(in.Points), i18n.CheckString("reason", in.Reason, maxReason)); err != nil {
		return nil, err
	}
	p, err := s.programme(ctx, in.ProgrammeID)
	if err != nil {
		return nil, err
	}
	batchID, err := idempotency.Once(ctx, s.Keys, "grantPointsToSegment", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.begin(ctx, p, in)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.PointBatch(ctx, channel.From(ctx).BrandID, batchID)
}

// begin keeps the batch and queues its job.
func (s *Service) begin(ctx context.Context, p Programme, in GrantManyInput) (uuid.UUID, error) {
	now := s.Now()
	b := Batch{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, ProgrammeID: p.ID, SegmentID: in.SegmentID, Points: in.Points, Reason: in.Reason,
		State: BatchMaking, Bounded: !access.From(ctx).May(access.PointAdmin), ActorID: actorID(ctx), CreatedAt: now, UpdatedAt: now,
	}
	members, err := s.getters(ctx, in.SegmentID)
	if err != nil {
		return b.ID, err
	}
	b.Members = len(members)
	if b.Bounded {
		if left, err := s.left(ctx, p); err != nil || b.Points*int64(b.Members) > left[p.ID] {
			return b.ID, orErr(err, ErrLimit.With(left[p.ID]).At("points"))
		}
	}
	if err := s.Store.InsertBatch(ctx, b, members); err != nil {
		return b.ID, err
	}
	return b.ID, errors.Join(s.Jobs.GrantMany(ctx, BatchJob{b.ID}), s.tellBatch(ctx, "points.batch_begun", b))
}

// getters are whom the segment has.
func (s *Service) getters(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error) {
	if s.Segments == nil {
		return nil, ErrSegment.At("segmentId")
	}
	if has, err := s.Segments.Hold(ctx, []uuid.UUID{segmentID}); err != nil || !has {
		return nil, orErr(err, ErrSegment.At("segmentId"))
	}
	members, err := s.Segments.MemberIDs(ctx, segmentID)
	if err == nil && len(members) == 0 {
		err = ErrBatchNobody.At("segmentId")
	}
	return members, err
}

// batchDesk fails unless it is the head office's staff.
func batchDesk(ctx context.Context, p access.Permission) error {
	if access.From(ctx).Is(access.RolePartner) {
		return fault.ErrForbidden
	}
	return access.RequireEverywhere(ctx, p)
}

// tellBatch records what became of a batch.
func (s *Service) tellBatch(ctx context.Context, kind string, b Batch) error {
	e := event.New(ctx, b.UpdatedAt, kind, "PointBatch", b.ID, map[string]any{
		"programme": b.ProgrammeID, "segment": b.SegmentID, "points": b.Points, "members": b.Members, "made": b.Made, "leftOut": b.LeftOut, "bounded": b.Bounded,
	})
	e.BrandID = b.BrandID
	return s.Events.Record(ctx, e)
}

// GrantBatch gives the points of a batch, some hundred members in each transaction: broken off,
// it goes on with those who still wait. A batch whose programme was closed meanwhile stops.
func (s *Service) GrantBatch(ctx context.Context, batchID uuid.UUID) error {
	for done := false; !done; {
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			b, err := s.Store.LockBatch(ctx, batchID)
			if err != nil || b == nil || b.State != BatchMaking {
				done = true
				return err
			}
			p, err := s.Store.Programme(ctx, b.ProgrammeID)
			if err != nil {
				return err
			}
			if p == nil || p.ClosedAt != nil {
				done = true
				return s.stop(ctx, b)
			}
			done, err = s.grantSome(ctx, b)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// grantSome gives the next of those who wait their points, and reports whether they were the
// last.
func (s *Service) grantSome(ctx context.Context, b *Batch) (done bool, err error) {
	taken, members, err := s.Store.TakeWaiting(ctx, *b, b.key(), batchAtOnce)
	if err != nil {
		return false, err
	}
	now := s.Now()
	postings := make([]Posting, len(members))
	for i, m := range members {
		postings[i] = Posting{Holder: Holder{b.ProgrammeID, m}, Key: b.key(), Kind: Grant, Points: b.Points, Reason: b.Reason, ActorID: b.ActorID, At: now}
	}
	if len(postings) > 0 {
		if _, err := s.Post(ctx, postings...); err != nil {
			return false, err
		}
	}
	if b.StartedAt == nil {
		b.StartedAt = &now
	}
	b.Made, b.LeftOut, b.UpdatedAt = b.Made+len(members), b.LeftOut+taken-len(members), now
	if done = taken < batchAtOnce; !done {
		return false, s.Store.UpdateBatch(ctx, *b)
	}
	b.State, b.FinishedAt, b.LeftOut = BatchDone, &now, b.Members-b.Made // two who became one waited once
	return true, errors.Join(s.Store.UpdateBatch(ctx, *b), s.tellBatch(ctx, "points.batch_done", *b))
}

// stop ends a locked batch: who waits gets nothing.
func (s *Service) stop(ctx context.Context, b *Batch) error {
	now := s.Now()
	b.State, b.FinishedAt, b.UpdatedAt = BatchStopped, &now, now
	return errors.Join(s.Store.DropWaiting(ctx, b.ID), s.Store.UpdateBatch(ctx, *b), s.tellBatch(ctx, "points.batch_stopped", *b))
}

// StopBatchInput stops a batch.
type StopBatchInput struct {
	BatchID uuid.UUID
}

// StopBatch lets those who still wait get nothing; whoever has the points keeps them. One that
// was stopped stays as it is, one that is done is ErrBatchDone.
func (s *Service) StopBatch(ctx context.Context, in StopBatchInput) (*Batch, error) {
	if err := batchDesk(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	var stopped *Batch
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		b, err := s.Store.LockBatch(ctx, in.BatchID)
		switch {
		case err != nil:
			return err
		case b == nil || b.BrandID != channel.From(ctx).BrandID:
			return fault.ErrNotFound.At("batchId")
		case b.State == BatchDone:
			return ErrBatchDone.At("batchId")
		}
		if stopped = b; b.State == BatchStopped {
			return nil
		}
		return s.stop(ctx, b)
	})
	return stopped, err
}

// Batch is a batch of the channel's brand, for the head office; ErrNotFound if there is none.
func (s *Service) Batch(ctx context.Context, batchID uuid.UUID) (*Batch, error) {
	if err := batchDesk(ctx, access.PointRead); err != nil {
		return nil, err
	}
	b, err := s.Store.PointBatch(ctx, channel.From(ctx).BrandID, batchID)
	if err == nil && b == nil {
		err = fault.ErrNotFound
	}
	return b, err
}
