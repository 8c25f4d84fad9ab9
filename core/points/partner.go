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
	"github.com/noren-commerce/noren/core/page"
)

// Way is how transfers reach another point system.
type Way string

// The ways.
const (
	WayAPI  Way = "API"
	WayFile Way = "FILE"
)

// Partner is another point system (交換先).
type Partner struct {
	ID          uuid.UUID
	ProgrammeID uuid.UUID // whose points go there and come from there
	Code        string
	Name        i18n.Text
	Way         Way
	OurPoints   int64 // so many of ours
	TheirPoints int64 // are so many of theirs
	MinPoints   int64 // of ours, at once
	Sends       bool
	Receives    bool
	CreatedAt   time.Time
	ClosedAt    *time.Time

	APIPartnerID *uuid.UUID // the API client that may tell of points from there; nil: staff alone
}

// Client is the id, in the schema, of the API client that may tell of points from there.
func (p Partner) Client() *string {
	if p.APIPartnerID == nil {
		return nil
	}
	global := id.Global("Partner", *p.APIPartnerID)
	return &global
}

// GlobalID is the partner's id in the schema.
func (p Partner) GlobalID() string { return id.Global("PointPartner", p.ID) }

// Programme is the id, in the schema, of its programme.
func (p Partner) Programme() string { return id.Global("PointProgramme", p.ProgrammeID) }

// TransferState is how far a transfer has come.
type TransferState string

// The states. What is rejected is RETURNED: the member has the points again.
const (
	StateReserved     TransferState = "RESERVED"     // off the member's account
	StateSent         TransferState = "SENT"         // told to the other system, which has not answered
	StateAcknowledged TransferState = "ACKNOWLEDGED" // there
	StateReturned     TransferState = "RETURNED"     // turned down, and back on the member's account
	StateReceived     TransferState = "RECEIVED"     // came from the other system
)

// Transfer is points on the way to another point system, or from there.
type Transfer struct {
	ID          uuid.UUID
	PartnerID   uuid.UUID
	AccountID   uuid.UUID
	ProgrammeID uuid.UUID
	MemberID    uuid.UUID
	Outgoing    bool
	State       TransferState
	TheirMember string // the member's number there
	Points      int64  // ours
	TheirPoints int64
	Reference   string // the other system's
	Problem     string // why it was turned down
	BatchID     *uuid.UUID
	Tries       int
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// GlobalID is the transfer's id in the schema.
func (t Transfer) GlobalID() string { return id.Global("PointTransfer", t.ID) }

// Partner is the id, in the schema, of the other system.
func (t Transfer) Partner() string { return id.Global("PointPartner", t.PartnerID) }

// Partners keep other point systems and transfers.
type Partners interface {
	SavePartner(ctx context.Context, p Partner) error
	Partners(ctx context.Context, programmeIDs []uuid.UUID) ([]Partner, error)
	Partner(ctx context.Context, partnerID uuid.UUID) (*Partner, error)
	// InsertTransfers adds them, and answers how many: not those whose reference has come in
	// from the partner before.
	InsertTransfers(ctx context.Context, all ...Transfer) (int, error)
	// LockTransfer is nil if there is none.
	LockTransfer(ctx context.Context, transferID uuid.UUID) (*Transfer, error)
	// LockTransfers are those that there are, locked in one order whoever asks.
	LockTransfers(ctx context.Context, transferIDs []uuid.UUID) ([]Transfer, error)
	// Incoming are those that came in from the partner with the references.
	Incoming(ctx context.Context, partnerID uuid.UUID, references []string) ([]Transfer, error)
	// HasClient reports whether the brand has the API client, open.
	HasClient(ctx context.Context, brandID, clientID uuid.UUID) (bool, error)
	// SaveTransfer writes what may change of transfers.
	SaveTransfer(ctx context.Context, all ...Transfer) error
	// Transfers is one page, the newest first.
	Transfers(ctx context.Context, q TransferQuery) (page.Connection[Transfer], error)
	// MarkBatch marks what is reserved for a partner as sent with a file.
	MarkBatch(ctx context.Context, partnerID, batchID uuid.UUID, at time.Time) error
	// Batch are the transfers of a file.
	Batch(ctx context.Context, partnerID, batchID uuid.UUID) ([]Transfer, error)
	// Between are a partner's transfers of a time, for its statement to be compared with.
	Between(ctx context.Context, partnerID uuid.UUID, from, until time.Time) ([]Transfer, error)
	// Named are those of a partner with the ids.
	Named(ctx context.Context, partnerID uuid.UUID, transferIDs []uuid.UUID) ([]Transfer, error)
	// Stuck are outgoing transfers by API that nobody has answered since.
	Stuck(ctx context.Context, since time.Time, most int) ([]uuid.UUID, error)
	Arriving
}

// TransferQuery asks for transfers. Zero fields do not filter.
type TransferQuery struct {
	ProgrammeIDs []uuid.UUID
	PartnerID    *uuid.UUID
	MemberID     *uuid.UUID
	ClientID     *uuid.UUID // of the systems of this API client alone
	State        TransferState
	Page         page.Args
}

// Parcel is what another system is told.
type Parcel struct {
	Key    uuid.UUID // the transfer's: the same key moves points once
	Member string
	Points int64 // theirs
	At     time.Time
}

// Answer is what another system says of a transfer.
type Answer struct {
	Accepted  bool
	Reference string
	Problem   string // why not
}

// Link reaches another point system. An error means that nobody knows whether it heard.
type Link interface {
	Send(ctx context.Context, p Parcel) (Answer, error)
}

// SavePartnerInput makes a partner.
type SavePartnerInput struct {
	ProgrammeID uuid.UUID
	Code        string
	Name        i18n.Text
	Way         Way
	OurPoints   int64
	TheirPoints int64
	MinPoints   int64
	Sends       bool
	Receives    bool
	Closed      bool

	APIPartnerID *uuid.UUID
}

// SavePartner makes another system known by its code, or changes it (staff with
// POINT_ADMIN).
func (s *Service) SavePartner(ctx context.Context, in SavePartnerInput) (*Partner, error) {
	if err := errors.Join(access.Require(ctx, access.PointAdmin), in.Name.Check("name", maxName, true)); err != nil {
		return nil, err
	}
	if !codeForm.MatchString(in.Code) {
		return nil, fault.Invalid(fault.CodeInvalid, "コードは半角英小文字・数字・ハイフンで2〜40文字です", "A code has 2 to 40 small letters, digits and hyphens").At("code")
	}
	for field, n := range map[string]int64{"ourPoints": in.OurPoints, "theirPoints": in.TheirPoints, "minPoints": in.MinPoints} {
		if amount(n) != nil {
			return nil, ErrAmount.With(MaxPoints).At(field)
		}
	}
	programme, err := s.programme(ctx, in.ProgrammeID)
	if err != nil {
		return nil, err
	}
	if in.APIPartnerID != nil {
		if there, err := s.Store.HasClient(ctx, channel.From(ctx).BrandID, *in.APIPartnerID); err != nil || !there {
			return nil, orErr(err, fault.ErrNotFound.At("apiPartnerId"))
		}
	}
	now := s.Now()
	p := Partner{id.New(), programme.ID, in.Code, in.Name, in.Way, in.OurPoints, in.TheirPoints, in.MinPoints, in.Sends, in.Receives, now, nil, in.APIPartnerID}
	if in.Closed {
		p.ClosedAt = &now
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		was, err := s.Store.Partners(ctx, []uuid.UUID{programme.ID})
		if err != nil {
			return err
		}
		for _, w := range was {
			if w.Code == p.Code {
				p.ID, p.CreatedAt = w.ID, w.CreatedAt
			}
		}
		if err := s.Store.SavePartner(ctx, p); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_partner.saved", "PointPartner", p.ID, p))
	})
	return &p, err
}

// PartnersHere are the other systems of the brand's programmes.
func (s *Service) PartnersHere(ctx context.Context) ([]Partner, error) {
	keys, err := s.keysHere(ctx)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	all, err := s.Store.Partners(ctx, keys)
	if access.From(ctx).May(access.PointRead) {
		return all, err
	}
	var open []Partner
	for _, p := range all {
		if p.ClosedAt == nil {
			open = append(open, p)
		}
	}
	return open, err
}

func (s *Service) keysHere(ctx context.Context) ([]uuid.UUID, error) {
	programmes, err := s.inBrand(ctx)
	keys := make([]uuid.UUID, len(programmes))
	for i, p := range programmes {
		keys[i] = p.ID
	}
	return keys, err
}

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
	partner, _, err := s.partner(ctx, in.PartnerID)
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

// partner is one of the context's brand that is open. An API client has its own system
// alone.
func (s *Service) partner(ctx context.Context, partnerID uuid.UUID) (*Partner, Programme, error) {
	p, err := s.Store.Partner(ctx, partnerID)
	if err != nil || p == nil || p.ClosedAt != nil {
		return nil, Programme{}, orErr(err, ErrPartner.At("partnerId"))
	}
	if actor := access.From(ctx); actor.Is(access.RolePartner) && !same(p.APIPartnerID, &actor.ID) {
		return nil, Programme{}, fault.ErrForbidden.At("partnerId")
	}
	programme, err := s.programme(ctx, p.ProgrammeID)
	if err != nil {
		return nil, programme, ErrPartner.At("partnerId")
	}
	return p, programme, nil
}

// SendJob tells another system of a transfer.
type SendJob struct{ TransferID uuid.UUID }

// Kind is the job's name in the queue.
func (SendJob) Kind() string { return "points_send" }

// Deliver tells another system of a transfer that is on its way. What nobody answered is
// told again with the same key; the job's queue decides when.
func (s *Service) Deliver(ctx context.Context, transferID uuid.UUID) error {
	var parcel Parcel
	var link Link
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		link = nil // the transaction may run again
		t, err := s.Store.LockTransfer(ctx, transferID)
		if err != nil || t == nil || !t.open() {
			return err
		}
		partner, err := s.Store.Partner(ctx, t.PartnerID)
		if err != nil || partner == nil {
			return orErr(err, ErrPartner)
		}
		if link = s.Links[partner.Code]; link == nil {
			return fault.ErrUnavailable
		}
		parcel = Parcel{t.ID, t.TheirMember, t.TheirPoints, t.CreatedAt}
		t.State, t.Tries, t.UpdatedAt = StateSent, t.Tries+1, s.Now()
		return s.Store.SaveTransfer(ctx, *t)
	})
	if err != nil || link == nil {
		return err
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

// Transfers is one page of transfers: the actor's own, all of the brand's for staff, and
// those of its own system for an API client. Whose transfers somebody else reads is
// written down.
func (s *Service) Transfers(ctx context.Context, q TransferQuery) (page.Connection[Transfer], error) {
	var none page.Connection[Transfer]
	keys, err := s.keysHere(ctx)
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
