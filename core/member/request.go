package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/page"
)

// RequestStore keeps what members ask for about their data, and does it.
type RequestStore interface {
	// InsertRequest keeps a new request; a second erasure that waits is ErrErasureOpen.
	InsertRequest(ctx context.Context, r Request) error
	UpdateRequest(ctx context.Context, r Request) error
	// LockRequest is the request, locked; nil if there is none.
	LockRequest(ctx context.Context, requestID uuid.UUID) (*Request, error)
	// WaitingErasures are the requests that wait behind the one given, by id.
	WaitingErasures(ctx context.Context, after uuid.UUID, most int) ([]Request, error)
	Requests(ctx context.Context, q RequestQuery) (page.Connection[Request], error)
	// Waiting are the requests about the members that still wait, the latest first, whichever
	// brand's: an erasure is of all.
	Waiting(ctx context.Context, memberIDs []uuid.UUID) ([]Request, error)
	// Unfinished counts the member's orders that have not left, and returns under way.
	Unfinished(ctx context.Context, memberID uuid.UUID) (orders, returns int, err error)
	// Erase removes the member's personal data; history stays, and says nobody's name.
	Erase(ctx context.Context, memberID uuid.UUID, at time.Time) error
	// ForgetEvents takes what people typed out of the events about the erased member, and
	// about members who were merged into them, some hundred at a time (event.Forget).
	ForgetEvents(ctx context.Context, memberID uuid.UUID, at time.Time) error
	// Unforgotten are members behind the one named who were erased while their events were
	// left alone.
	Unforgotten(ctx context.Context, after uuid.UUID, most int) ([]uuid.UUID, error)
	// Held are the rows of one kind that are held of the member, one by one.
	Held(ctx context.Context, kind Held, memberID uuid.UUID, yield func(json.RawMessage) error) error
}

// RequestKind is what a member asks for.
type RequestKind string

// The kinds of request.
const (
	Export  RequestKind = "EXPORT"  // 開示
	Erasure RequestKind = "ERASURE" // 消去
)

// RequestState says what became of a request.
type RequestState string

// The states of a request.
const (
	RequestWaiting   RequestState = "WAITING"
	RequestDone      RequestState = "DONE"
	RequestWithdrawn RequestState = "WITHDRAWN"
)

// WaitsFor is what keeps an erasure waiting.
type WaitsFor string

// What an erasure waits for.
const (
	ForOrders  WaitsFor = "ORDERS"  // that have not left
	ForReturns WaitsFor = "RETURNS" // under way
)

// Request is what a member asked for about their data.
type Request struct {
	ID          uuid.UUID
	MemberID    uuid.UUID
	BrandID     uuid.UUID
	Kind        RequestKind
	State       RequestState
	WaitsFor    WaitsFor
	ActorRole   access.Role // who wrote it down
	ActorID     *uuid.UUID
	RequestedAt time.Time
	DoneAt      *time.Time
}

// GlobalID is the request's id in the schema.
func (r Request) GlobalID() string { return id.Global("MemberRequest", r.ID) }

// OfMember is the member's id in the schema.
func (r Request) OfMember() string { return id.Global("Member", r.MemberID) }

// Awaited is what the request waits for; nil for nothing.
func (r Request) Awaited() *WaitsFor {
	if r.WaitsFor == "" {
		return nil
	}
	return &r.WaitsFor
}

// AskInput asks for something about a member's data.
type AskInput struct {
	MemberID *uuid.UUID // nil: the actor
	Password string     // the actor's own, for their own erasure
	Code     string     // of their second factor, if one is set
}

// asker is the member whom a request is about: the actor, or for the head office with
// MEMBER_WRITE anyone.
func (s *Service) asker(ctx context.Context, memberID *uuid.UUID) (uuid.UUID, error) {
	return s.about(ctx, memberID, access.MemberWrite)
}

// exported is the member of whom all is to leave: the actor, or anyone for the head office
// that may read members and take them out of noren.
func (s *Service) exported(ctx context.Context, memberID *uuid.UUID) (uuid.UUID, error) {
	return s.about(ctx, memberID, access.MemberRead, access.MemberExport)
}

func (s *Service) about(ctx context.Context, memberID *uuid.UUID, needed ...access.Permission) (uuid.UUID, error) {
	actor := access.From(ctx)
	if memberID == nil || own(actor, *memberID) {
		if !own(actor, actor.ID) {
			return uuid.Nil, fault.ErrUnauthenticated
		}
		return actor.ID, nil
	}
	return *memberID, s.office(ctx, needed...)
}

func (s *Service) request(ctx context.Context, memberID uuid.UUID, kind RequestKind) Request {
	actor := access.From(ctx)
	r := Request{ID: id.New(), MemberID: memberID, BrandID: brandOf(ctx), Kind: kind, State: RequestWaiting, ActorRole: actor.Role, RequestedAt: s.Now()}
	if actor.ID != uuid.Nil {
		r.ActorID = &actor.ID
	}
	return r
}

// Exported is a link to all that is held of a member.
type Exported struct {
	URL       string
	ExpiresAt time.Time
}

// Export gives out a link to all that is held of a member, on their request or the head
// office's for them. Who has the link may open it until it expires.
func (s *Service) Export(ctx context.Context, in AskInput) (*Exported, error) {
	memberID, err := s.exported(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	r := s.request(ctx, memberID, Export)
	r.State, r.DoneAt = RequestDone, &r.RequestedAt
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		m, err := s.held(ctx, memberID)
		if err := errors.Join(err, m.usable()); err != nil {
			return err
		}
		if err := s.Store.InsertRequest(ctx, r); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, r.RequestedAt, "member.export_requested", "Member", memberID, map[string]any{"requestId": r.ID}))
	})
	if err != nil {
		return nil, err
	}
	return &Exported{s.Links.To(r.ID), s.Now().Add(link.Holds).Truncate(time.Second)}, nil
}

// RequestErasure asks for the removal of a member's personal data (消去請求). It is done at
// once, unless orders have not left or returns are under way: then it waits for them.
// Members prove that it is they who ask, since it cannot be undone.
func (s *Service) RequestErasure(ctx context.Context, in AskInput) (*Request, error) {
	memberID, err := s.asker(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	if own(access.From(ctx), memberID) {
		if err := s.Accounts.Prove(ctx, in.Password, in.Code); err != nil {
			return nil, err
		}
	}
	r := s.request(ctx, memberID, Erasure)
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.locked(ctx, memberID); err != nil {
			return err
		}
		if err := s.Store.InsertRequest(ctx, r); err != nil {
			return err
		}
		if err := s.Events.Record(ctx, event.New(ctx, r.RequestedAt, "member.erasure_requested", "Member", memberID, map[string]any{"requestId": r.ID})); err != nil {
			return err
		}
		return s.erase(ctx, &r)
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// erase does what was asked for, or notes what it waits for.
func (s *Service) erase(ctx context.Context, r *Request) error {
	orders, returns, err := s.Store.Unfinished(ctx, r.MemberID)
	if err != nil {
		return err
	}
	now := s.Now()
	switch {
	case orders > 0:
		r.WaitsFor = ForOrders
	case returns > 0:
		r.WaitsFor = ForReturns
	default:
		r.State, r.WaitsFor, r.DoneAt = RequestDone, "", &now
	}
	if r.State == RequestDone {
		if err := s.forget(ctx, r.MemberID, now); err != nil {
			return err
		}
	}
	return s.Store.UpdateRequest(ctx, *r)
}

// forget withdraws all consents, closes the account, and removes what says who it was.
func (s *Service) forget(ctx context.Context, memberID uuid.UUID, now time.Time) error {
	settings, err := s.Store.Settings(ctx, []uuid.UUID{memberID})
	if err != nil {
		return err
	}
	var withdrawn []Consent
	for _, one := range settings {
		if one.Given {
			withdrawn = append(withdrawn, newConsent(ctx, memberID, one.BrandID, SettingInput{one.Medium, false}, told{how: ByErasure, at: now}))
		}
	}
	if len(withdrawn) > 0 {
		if err := s.Store.AddConsents(ctx, withdrawn); err != nil {
			return err
		}
	}
	if err := s.Accounts.End(ctx, memberID); err != nil {
		return err
	}
	if err := s.Store.Erase(ctx, memberID, now); err != nil {
		return err
	}
	if err := s.Store.ForgetEvents(ctx, memberID, now); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, now, "member.erased", "Member", memberID, nil))
}

// WithdrawInput names a request.
type WithdrawInput struct{ RequestID uuid.UUID }

// WithdrawErasure takes back an erasure that still waits.
func (s *Service) WithdrawErasure(ctx context.Context, in WithdrawInput) (*Request, error) {
	var kept Request
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		r, err := s.Store.LockRequest(ctx, in.RequestID)
		if err != nil {
			return err
		}
		if r == nil {
			return fault.ErrNotFound.At("requestId")
		}
		if _, err := s.asker(ctx, &r.MemberID); err != nil {
			return fault.ErrNotFound.At("requestId")
		}
		if r.Kind != Erasure || r.State != RequestWaiting {
			return ErrNotWaiting.At("requestId")
		}
		now := s.Now()
		r.State, r.WaitsFor, r.DoneAt = RequestWithdrawn, "", &now
		kept = *r
		if err := s.Store.UpdateRequest(ctx, kept); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "member.erasure_withdrawn", "Member", r.MemberID, map[string]any{"requestId": r.ID}))
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

// Requests is one page of what members of the brand asked for, newest first, for the head office.
func (s *Service) Requests(ctx context.Context, q RequestQuery) (page.Connection[Request], error) {
	if access.From(ctx).Is(access.RoleStoreStaff, access.RolePartner) {
		return page.Connection[Request]{}, fault.ErrForbidden
	}
	if err := access.Require(ctx, access.MemberRead); err != nil {
		return page.Connection[Request]{}, err
	}
	q.BrandID = brandOf(ctx)
	return s.Store.Requests(ctx, q)
}

// Waiting are the requests about the members' data that still wait, the latest first: for the
// members themselves and the head office. Of others there are none.
func (s *Service) Waiting(ctx context.Context, memberIDs []uuid.UUID) ([]Request, error) {
	actor := access.From(ctx)
	if !actor.May(access.MemberRead) || actor.Is(access.RoleStoreStaff, access.RolePartner) {
		memberIDs = slices.DeleteFunc(slices.Clone(memberIDs), func(m uuid.UUID) bool { return !own(actor, m) })
	}
	if len(memberIDs) == 0 {
		return nil, nil
	}
	return s.Store.Waiting(ctx, memberIDs)
}

// EraseJob does the erasures that have waited.
type EraseJob struct{}

// Kind names the job in the queue.
func (EraseJob) Kind() string { return "member_erasures" }

// WorkErasures does the erasures whose orders and returns are done, each in its own
// transaction. One that fails holds up no other.
func (s *Service) WorkErasures(ctx context.Context) error {
	var failed []error
	last := uuid.Nil
	for {
		waiting, err := s.Store.WaitingErasures(ctx, last, 100)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		if len(waiting) == 0 {
			return errors.Join(append(failed, s.forgetPast(ctx))...)
		}
		for _, w := range waiting {
			last = w.ID
			err := s.Tx.InTx(ctx, func(ctx context.Context) error {
				if _, err := s.Store.Lock(ctx, []uuid.UUID{w.MemberID}); err != nil {
					return err
				}
				r, err := s.Store.LockRequest(ctx, w.ID)
				if err != nil || r == nil || r.State != RequestWaiting {
					return err
				}
				return s.erase(ctx, r)
			})
			if err != nil {
				failed = append(failed, fmt.Errorf("erasure %s: %w", w.ID, err))
			}
		}
	}
}

// forgetPast sees to the events about members who were erased before events were: each in
// a transaction of its own. One that fails holds up no other.
func (s *Service) forgetPast(ctx context.Context) error {
	var failed []error
	last := uuid.Nil
	for {
		some, err := s.Store.Unforgotten(ctx, last, 100)
		if err != nil || len(some) == 0 {
			return errors.Join(append(failed, err)...)
		}
		for _, memberID := range some {
			last = memberID
			err := s.Tx.InTx(ctx, func(ctx context.Context) error { return s.Store.ForgetEvents(ctx, memberID, s.Now()) })
			if err != nil {
				failed = append(failed, fmt.Errorf("events about %s: %w", memberID, err))
			}
		}
	}
}
