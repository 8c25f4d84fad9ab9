package voucher

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/page"
)

// NewVoucher is a voucher with what is kept of its code.
type NewVoucher struct {
	Voucher
	Hash []byte `db:"code_hash"`
}

// Lock is how often somebody entered wrong codes, and until when they may enter none.
type Lock struct {
	Failures int
	Since    time.Time
	Until    *time.Time
}

// Store keeps batches and vouchers; everything joins the transaction of the context.
type Store interface {
	InsertBatch(ctx context.Context, b Batch) error
	// LockBatch is the brand's batch, locked; any brand's for uuid.Nil. It is nil if there
	// is none.
	LockBatch(ctx context.Context, brandID, batchID uuid.UUID) (*Batch, error)
	// Batch is nil if there is none.
	Batch(ctx context.Context, batchID uuid.UUID) (*Batch, error)
	UpdateBatch(ctx context.Context, b Batch) error
	Batches(ctx context.Context, brandID uuid.UUID, p page.Args) (page.Connection[Batch], error)
	// Insert writes vouchers; if a code is there already it is ErrThere, and none is written.
	Insert(ctx context.Context, all []NewVoucher) error
	// ByHash are the brand's vouchers with the hashes.
	ByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]NewVoucher, error)
	// LockByHash are the same, locked in the order of their ids.
	LockByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]NewVoucher, error)
	// Lock are the brand's vouchers of the ids, locked likewise.
	Lock(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]Voucher, error)
	// LockFree are vouchers of the batch that nobody has, locked, those that others work on
	// left out.
	LockFree(ctx context.Context, batchID uuid.UUID, at time.Time, most int) ([]Voucher, error)
	// LockLive are the brand's vouchers of the ids, or of the batch, that are worth something
	// yet, or were void and got money back.
	LockLive(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID, batchID *uuid.UUID, most int) ([]Voucher, error)
	// LockExpired are vouchers of any brand with money on them whose time is over.
	LockExpired(ctx context.Context, at time.Time, most int) ([]Voucher, error)
	Update(ctx context.Context, all []Voucher, entries []Entry) error
	List(ctx context.Context, q Query) (page.Connection[Voucher], error)
	OfMember(ctx context.Context, brandID, memberID uuid.UUID) ([]Voucher, error)
	OfExchanges(ctx context.Context, exchangeIDs []uuid.UUID) ([]Voucher, error)
	// HandedBy are those of an exchange with which one of the staff served a member since.
	HandedBy(ctx context.Context, staffID, exchangeID uuid.UUID, since time.Time) ([]Voucher, error)
	EntriesOf(ctx context.Context, voucherIDs []uuid.UUID) ([]Entry, error)
	// Failed counts a wrong code of whoever it is, outside any transaction, and answers how
	// many there were since.
	Failed(ctx context.Context, who string, since, at time.Time) (int, error)
	// Forbid lets them enter none until then.
	Forbid(ctx context.Context, who string, until time.Time) error
	// Forbidden is until when they may enter none; nil if they may.
	Forbidden(ctx context.Context, who string, at time.Time) (*time.Time, error)
}

// Sealer seals texts, and hashes codes.
type Sealer interface {
	Seal(ctx context.Context, field string, owner uuid.UUID, value string) (string, error)
	Open(ctx context.Context, field string, owner uuid.UUID, value string) (string, error)
	Hash(ctx context.Context, field, value string) ([]byte, error)
	Hashes(ctx context.Context, field, value string) ([][]byte, error)
}

// Books are where it is written down what vouchers are worth.
type Books interface {
	VouchersMoved(ctx context.Context, v ledger.Vouchers) error
}

// Jobs queues background work in the transaction of the context.
type Jobs interface {
	MakeVouchers(ctx context.Context, batchID uuid.UUID) error
}

// Members know who may be looked at.
type Members interface {
	// Viewed fails unless the actor may read the member, and writes the view down.
	Viewed(ctx context.Context, memberID uuid.UUID, by string) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx      idempotency.Tx
	Store   Store
	Keys    *idempotency.Keys
	Sealer  Sealer
	Books   Books
	Jobs    Jobs
	Events  event.Recorder
	Limiter limit.Limiter // nil: nobody counts tries
	Links   *link.Signer
	Members Members
	Now     clock.Clock
}

// Service issues vouchers and lets them be used.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

func (s *Service) record(ctx context.Context, kind, subject string, subjectID uuid.UUID, data any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, subject, subjectID, data))
}

func brandOf(ctx context.Context) uuid.UUID { return channel.From(ctx).BrandID }

func orErr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// office requires the permission of the head office.
func office(ctx context.Context, p access.Permission) error {
	return access.RequireEverywhere(ctx, p)
}

// Batches is one page of the brand's batches, the newest first (staff with VOUCHER_READ).
func (s *Service) Batches(ctx context.Context, p page.Args) (page.Connection[Batch], error) {
	if err := access.Require(ctx, access.VoucherRead); err != nil {
		return page.Connection[Batch]{}, err
	}
	return s.Store.Batches(ctx, brandOf(ctx), p)
}

// Query asks for one page of vouchers, the newest first. Zero fields do not filter.
type Query struct {
	BrandID  uuid.UUID
	BatchID  *uuid.UUID
	MemberID *uuid.UUID
	Ending   string
	State    *State // as it is at At
	At       time.Time
	Page     page.Args
}

// List is one page of the brand's vouchers (staff with VOUCHER_READ), or of those of a member
// whose personal data the actor may read; that view is written down. Codes are not told.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Voucher], error) {
	if err := access.Require(ctx, access.VoucherRead); err != nil {
		return page.Connection[Voucher]{}, err
	}
	if q.MemberID != nil {
		if err := s.Members.Viewed(ctx, *q.MemberID, "vouchers"); err != nil {
			return page.Connection[Voucher]{}, err
		}
	}
	q.BrandID, q.At = brandOf(ctx), s.Now()
	found, err := s.Store.List(ctx, q)
	for i := range found.Edges {
		found.Edges[i].Node.At = q.At
	}
	return found, err
}

// EntriesOf are the changes of the vouchers (staff with VOUCHER_READ).
func (s *Service) EntriesOf(ctx context.Context, voucherIDs []uuid.UUID) ([]Entry, error) {
	if err := access.Require(ctx, access.VoucherRead); err != nil {
		return nil, err
	}
	return s.Store.EntriesOf(ctx, voucherIDs)
}

// Mine are the codes that the actor has in the channel's brand, with their texts.
func (s *Service) Mine(ctx context.Context) ([]Voucher, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return nil, fault.ErrForbidden
	}
	found, err := s.Store.OfMember(ctx, brandOf(ctx), actor.ID)
	if err != nil {
		return nil, err
	}
	return s.told(ctx, found)
}

// OfExchanges are the codes that were handed out for exchanges, with their texts where
// they are the actor's.
func (s *Service) OfExchanges(ctx context.Context, exchangeIDs []uuid.UUID) ([]Voucher, error) {
	found, err := s.Store.OfExchanges(ctx, exchangeIDs)
	if err != nil {
		return nil, err
	}
	return s.told(ctx, found)
}

// shownFor is for how long codes that were handed out at a counter are told to who gave them
// out: for an answer that was lost on its way, and is asked again with its key.
const shownFor = 15 * time.Minute

// Handed are the codes that the actor has just handed out at a counter, with their texts, to be
// printed for the member; none of others, and none a while later. It is written down.
func (s *Service) Handed(ctx context.Context, exchangeID uuid.UUID) ([]Voucher, error) {
	all, err := s.Store.HandedBy(ctx, access.From(ctx).ID, exchangeID, s.Now().Add(-shownFor))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	for i := range all {
		all[i].At = s.Now()
		if all[i].Text, err = s.Sealer.Open(ctx, "voucher", all[i].ID, all[i].Secret); err != nil {
			return nil, err
		}
	}
	return all, s.record(ctx, "voucher.shown", "PrizeExchange", exchangeID, map[string]any{"memberId": *all[0].MemberID, "count": len(all)})
}

// told opens the texts of what is the actor's own.
func (s *Service) told(ctx context.Context, all []Voucher) ([]Voucher, error) {
	me := access.From(ctx).ID
	for i := range all {
		v := &all[i]
		v.At = s.Now()
		if v.MemberID == nil || *v.MemberID != me || v.Secret == "" {
			continue
		}
		text, err := s.Sealer.Open(ctx, "voucher", v.ID, v.Secret)
		if err != nil {
			return nil, err
		}
		v.Text = text
	}
	return all, nil
}
