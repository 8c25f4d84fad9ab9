package points

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
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
func (p Partner) Client() *string { return id.GlobalOrNone("Partner", p.APIPartnerID) }

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

// OfMember is the id, in the schema, of the member whose points they are.
func (t Transfer) OfMember() string { return id.Global("Member", t.MemberID) }

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
	// MarkBatch marks at most so many of those reserved for a partner as sent with a file, the
	// oldest first.
	MarkBatch(ctx context.Context, partnerID, batchID uuid.UUID, most int, at time.Time) error
	// Reserved reports whether something waits for a file.
	Reserved(ctx context.Context, partnerID uuid.UUID) (bool, error)
	// Batch are the transfers of a file.
	Batch(ctx context.Context, partnerID, batchID uuid.UUID) ([]Transfer, error)
	// Between are some of a partner's transfers of a time, in their order, for its statement
	// to be compared with.
	Between(ctx context.Context, q PeriodQuery) ([]Transfer, error)
	// Named are those of a partner with the ids.
	Named(ctx context.Context, partnerID uuid.UUID, transferIDs []uuid.UUID) ([]Transfer, error)
	// Stuck are outgoing transfers by API that nobody has answered since.
	Stuck(ctx context.Context, since time.Time, most int) ([]uuid.UUID, error)
	Arriving
}

// TransferQuery asks for transfers. Zero fields do not filter.
type TransferQuery struct {
	ProgrammeIDs []uuid.UUID
	ProgrammeID  *uuid.UUID // this one alone
	PartnerID    *uuid.UUID
	MemberID     *uuid.UUID
	ClientID     *uuid.UUID // of the systems of this API client alone
	State        TransferState
	Page         page.Args
}

// PeriodQuery asks for a partner's transfers of a time in one direction.
type PeriodQuery struct {
	PartnerID uuid.UUID
	Outgoing  bool
	From      time.Time
	Until     time.Time
	After     uuid.UUID // of those of the first moment only the ones behind it
	Most      int
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
	if err := errors.Join(access.RequireEverywhere(ctx, access.PointAdmin), in.Name.Check("name", maxName, true)); err != nil {
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

// PartnersHere are the other systems of the brand's programmes; for staff, those of
// programmes that have ended, and that are closed themselves, too.
func (s *Service) PartnersHere(ctx context.Context) ([]Partner, error) {
	if access.From(ctx).May(access.PointRead) {
		keys, err := s.keysHere(ctx, nil)
		if err != nil || len(keys) == 0 {
			return nil, err
		}
		return s.Store.Partners(ctx, keys)
	}
	programmes, err := s.inBrand(ctx)
	if err != nil || len(programmes) == 0 {
		return nil, err
	}
	keys := make([]uuid.UUID, len(programmes))
	for i, p := range programmes {
		keys[i] = p.ID
	}
	all, err := s.Store.Partners(ctx, keys)
	return slices.DeleteFunc(all, func(p Partner) bool { return p.ClosedAt != nil }), err
}

// keysHere are the programmes of the context's brand, those that have ended too; one of them
// alone if it is named.
func (s *Service) keysHere(ctx context.Context, only *uuid.UUID) (keys []uuid.UUID, err error) {
	all, err := s.programmes(ctx)
	for key, p := range all {
		if p.here(ctx) && (only == nil || *only == key) {
			keys = append(keys, key)
		}
	}
	if err == nil && only != nil && len(keys) == 0 {
		err = ErrProgramme.At("programmeId")
	}
	return keys, err
}
