package points

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// SendInput moves the actor's points to another system.
type SendInput struct {
	IdempotencyKey string
	PartnerID      uuid.UUID
	TheirMember    string
	Points         int64 // ours
}

const maxTheirMember = 64

// Send reserves the actor's points for another system, and lets it be told: at once by a
// job, or with the next file.
func (s *Service) Send(ctx context.Context, in SendInput) (*Transfer, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	if in.TheirMember == "" {
		return nil, fault.ErrRequired.At("theirMember")
	}
	if err := errors.Join(i18n.CheckString("theirMember", in.TheirMember, maxTheirMember), amount(in.Points)); err != nil {
		return nil, err
	}
	partner, err := s.standing(ctx, in.PartnerID)
	switch {
	case err != nil:
		return nil, err
	case !partner.Sends:
		return nil, ErrPartner.At("partnerId")
	case in.Points < partner.MinPoints:
		return nil, ErrAmount.With(MaxPoints).At("points")
	case in.Points%partner.OurPoints != 0:
		return nil, ErrUnit.With(partner.OurPoints).At("points")
	}
	t, err := idempotency.Once(ctx, s.Keys, "sendPoints", in.IdempotencyKey, in, func(ctx context.Context) (Transfer, error) {
		now := s.Now()
		t := Transfer{
			ID: id.New(), PartnerID: partner.ID, ProgrammeID: partner.ProgrammeID, MemberID: memberID, Outgoing: true, State: StateReserved, TheirMember: in.TheirMember,
			Points: in.Points, TheirPoints: in.Points / partner.OurPoints * partner.TheirPoints, CreatedAt: now, UpdatedAt: now,
		}
		r, err := first(s.Post(ctx, Posting{Holder: t.holder(), Key: t.key("send"), Kind: Send, Points: t.Points, ActorID: &memberID, At: now}))
		if err != nil {
			return t, err
		}
		t.AccountID = r.Account.ID
		if _, err := s.Store.InsertTransfers(ctx, t); err != nil {
			return t, err
		}
		if err := s.said(ctx, t); err != nil || partner.Way != WayAPI {
			return t, err
		}
		return t, s.Jobs.SendPoints(ctx, t.ID)
	})
	return &t, err
}

func (t Transfer) holder() Holder { return Holder{t.ProgrammeID, t.MemberID} }

func (t Transfer) key(word string) string { return word + ":" + t.ID.String() }

// transferred is what an event says of a transfer. Events are kept for ever: the member's
// number there and the other system's words stand in the transfer alone, from which an
// erasure takes them.
type transferred struct {
	ID, PartnerID, AccountID, ProgrammeID, MemberID uuid.UUID

	Outgoing            bool
	State               TransferState
	Points, TheirPoints int64
	Reference           string
	BatchID             *uuid.UUID
	Tries               int
	CreatedAt           time.Time
	UpdatedAt           time.Time
}

func (t Transfer) told() transferred {
	return transferred{
		t.ID, t.PartnerID, t.AccountID, t.ProgrammeID, t.MemberID,
		t.Outgoing, t.State, t.Points, t.TheirPoints, t.Reference, t.BatchID, t.Tries, t.CreatedAt, t.UpdatedAt,
	}
}

// said records what has become of transfers.
func (s *Service) said(ctx context.Context, all ...Transfer) error {
	events := make([]event.Event, len(all))
	for i, t := range all {
		events[i] = event.New(ctx, t.UpdatedAt, "point_transfer."+map[TransferState]string{
			StateReserved: "reserved", StateSent: "sent", StateAcknowledged: "acknowledged", StateReturned: "returned", StateReceived: "received",
		}[t.State], "PointTransfer", t.ID, t.told())
	}
	return s.Events.Record(ctx, events...)
}

// partner is one of the context's brand. An API client has its own system alone, a shop's
// staff none. It may be closed by now, or its programme: what is on its way is finished.
func (s *Service) partner(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	p, err := s.Store.Partner(ctx, partnerID)
	if err != nil || p == nil {
		return nil, orErr(err, ErrPartner.At("partnerId"))
	}
	actor := access.From(ctx)
	if err := office(ctx); err != nil || actor.Is(access.RolePartner) && !same(p.APIPartnerID, &actor.ID) {
		return nil, fault.ErrForbidden.At("partnerId")
	}
	programme, err := s.Store.Programme(ctx, p.ProgrammeID)
	if err != nil || programme == nil || !programme.here(ctx) {
		return nil, orErr(err, ErrPartner.At("partnerId"))
	}
	if programme.ClosedAt != nil && p.ClosedAt == nil {
		p.ClosedAt = programme.ClosedAt
	}
	return p, nil
}

// standing is one that points go to and come from now.
func (s *Service) standing(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	p, err := s.partner(ctx, partnerID)
	if err == nil && p.ClosedAt != nil {
		return nil, ErrPartner.At("partnerId")
	}
	return p, err
}

// settling is one of whose transfers and arrivals the actor may say what became of them: its
// API client, or the head office with POINT_ADMIN. It gives points to members, without a
// limit.
func (s *Service) settling(ctx context.Context, partnerID uuid.UUID) (*Partner, error) {
	p, err := s.partner(ctx, partnerID)
	if err == nil && !access.From(ctx).Is(access.RolePartner) && access.RequireEverywhere(ctx, access.PointAdmin) != nil {
		return nil, fault.ErrForbidden.At("partnerId")
	}
	return p, err
}

// SendJob tells another system of a transfer.
type SendJob struct{ TransferID uuid.UUID }

// Kind is the job's name in the queue.
func (SendJob) Kind() string { return "points_send" }

// Deliver tells another system of a transfer that is on its way. What nobody answered is
// told again with the same key; the job's queue decides when. A try without a link to the
// system is written down, too: else it would be the first of every round.
func (s *Service) Deliver(ctx context.Context, transferID uuid.UUID) error {
	var parcel Parcel
	var link Link
	var open bool
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		link, open = nil, false // the transaction may run again
		t, err := s.Store.LockTransfer(ctx, transferID)
		if err != nil || t == nil || !t.open() {
			return err
		}
		open = true
		partner, err := s.Store.Partner(ctx, t.PartnerID)
		if err != nil || partner == nil {
			return orErr(err, ErrPartner)
		}
		if link = s.Links[partner.Code]; link != nil {
			parcel, t.State = Parcel{t.ID, t.TheirMember, t.TheirPoints, t.CreatedAt}, StateSent
		}
		t.Tries, t.UpdatedAt = t.Tries+1, s.Now()
		return s.Store.SaveTransfer(ctx, *t)
	})
	switch {
	case err != nil || !open:
		return err
	case link == nil:
		return fault.ErrUnavailable
	}
	answer, err := link.Send(ctx, parcel)
	if err != nil {
		return err
	}
	_, err = s.Answered(ctx, transferID, answer)
	return err
}

// open reports whether the other system has not answered.
func (t Transfer) open() bool { return t.State == StateReserved || t.State == StateSent }

// Answered writes down what another system said: the points are there, or back with the
// member. What was answered before stays.
func (s *Service) Answered(ctx context.Context, transferID uuid.UUID, a Answer) (*Transfer, error) {
	var after *Transfer
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		t, err := s.Store.LockTransfer(ctx, transferID)
		if err != nil || t == nil {
			return orErr(err, fault.ErrNotFound)
		}
		if after = t; !t.open() {
			if !t.agrees(a) {
				return ErrState.With(t.State)
			}
			return nil
		}
		t.answer(a, s.Now())
		return s.settleTransfers(ctx, []*Transfer{t})
	})
	return after, err
}

// agrees reports whether the transfer was answered the same before.
func (t *Transfer) agrees(a Answer) bool { return (t.State == StateAcknowledged) == a.Accepted }

// answer keeps what the other system said of an open transfer.
func (t *Transfer) answer(a Answer, at time.Time) {
	t.State, t.Reference, t.Problem, t.UpdatedAt = StateReturned, a.Reference, a.Problem, at
	if a.Accepted {
		t.State = StateAcknowledged
	}
}

// settleTransfers lets the points of transfers that were just answered be there, or back
// with their members.
func (s *Service) settleTransfers(ctx context.Context, all []*Transfer) error {
	if len(all) == 0 {
		return nil
	}
	postings, settled := make([]Posting, len(all)), make([]Transfer, len(all))
	for i, t := range all {
		p := Posting{Holder: t.holder(), Undoes: t.key("send"), Points: t.Points, Reason: t.Problem, At: t.UpdatedAt, Kind: SendBack, Key: t.key("back")}
		if t.State == StateAcknowledged {
			p.Kind, p.Key = Sent, t.key("sent")
		}
		postings[i], settled[i] = p, *t
	}
	if _, err := s.Post(ctx, postings...); err != nil {
		return err
	}
	if err := s.Store.SaveTransfer(ctx, settled...); err != nil {
		return err
	}
	return s.said(ctx, settled...)
}

// RetryJob is the regular job that tells again what nobody answered.
type RetryJob struct{}

// Kind is the job's name in the queue.
func (RetryJob) Kind() string { return "points_retry" }

const (
	retryAfter  = 15 * time.Minute
	retryAtOnce = 200
)

// Retry queues transfers again that nobody has answered.
func (s *Service) Retry(ctx context.Context) error {
	stuck, err := s.Store.Stuck(ctx, s.Now().Add(-retryAfter), retryAtOnce)
	for _, key := range stuck {
		err = errors.Join(err, s.Jobs.SendPoints(ctx, key))
	}
	return err
}

// Transfers is one page of transfers: the actor's own, all of the brand's for staff of the
// head office, and those of its own system for an API client. Whose transfers somebody else reads is
// written down.
func (s *Service) Transfers(ctx context.Context, q TransferQuery) (page.Connection[Transfer], error) {
	var none page.Connection[Transfer]
	keys, err := s.keysHere(ctx, q.ProgrammeID)
	if err != nil {
		return none, err
	}
	q.ProgrammeIDs, q.ClientID = keys, client(ctx)
	if !access.From(ctx).May(access.PointRead) {
		mine, err := member(ctx)
		if err != nil {
			return none, err
		}
		q.MemberID = &mine
		return s.Store.Transfers(ctx, q)
	}
	if err := office(ctx); err != nil {
		return none, err
	}
	c, err := s.Store.Transfers(ctx, q)
	if err != nil {
		return none, err
	}
	seen := map[uuid.UUID]bool{}
	var views []event.Event
	for _, t := range c.Nodes() {
		if !seen[t.MemberID] {
			seen[t.MemberID] = true
			views = append(views, event.New(ctx, s.Now(), "member.viewed", "Member", t.MemberID, map[string]any{"by": "pointTransfers"}))
		}
	}
	return c, s.read(ctx, views)
}

// client is the API client that the actor is; nil for anybody else.
func client(ctx context.Context) *uuid.UUID {
	if actor := access.From(ctx); actor.Is(access.RolePartner) {
		return &actor.ID
	}
	return nil
}

// read writes down what others looked at.
func (s *Service) read(ctx context.Context, views []event.Event) error {
	if len(views) == 0 || access.From(ctx).Is(access.RoleSystem) {
		return nil
	}
	return s.Events.Record(ctx, views...)
}
