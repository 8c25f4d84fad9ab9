package prize

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

// Store keeps prizes and exchanges; everything joins the transaction of the context.
type Store interface {
	// Prizes are those of the ids, closed ones too.
	Prizes(ctx context.Context, prizeIDs []uuid.UUID) ([]Prize, error)
	List(ctx context.Context, q ListQuery) (page.Connection[Prize], error)
	// Save inserts the prize or changes what may change; the stock only when it is new.
	Save(ctx context.Context, p Prize) error
	// MoveStock adds so many pieces; false if there would be fewer than none.
	MoveStock(ctx context.Context, prizeID uuid.UUID, by int64, at time.Time) (bool, error)
	// MoveStocks adds so many pieces to each of the brand's prizes, and answers of those that
	// there are what became of it.
	MoveStocks(ctx context.Context, brandID uuid.UUID, by map[uuid.UUID]int64, at time.Time) (map[uuid.UUID]Moved, error)
	// Pools are what the batches have and promise, locked.
	Pools(ctx context.Context, batchIDs []uuid.UUID, at time.Time) ([]Pool, error)
	// TakeStock takes pieces at what they cost; false if there are not so many, or it
	// costs something else by now, or is closed.
	TakeStock(ctx context.Context, prizeID uuid.UUID, pieces int, each int64, at time.Time) (bool, error)
	// Shop reports whether the brand has the shop or the event's stand, open.
	Shop(ctx context.Context, brandID, shopID uuid.UUID) (bool, error)
	// ShopStocks are the prizes' pieces at shops; narrowed to stores if it says so.
	ShopStocks(ctx context.Context, prizeIDs, stores []uuid.UUID, narrowed bool) ([]ShopStock, error)
	// MoveShopStock adds so many pieces at the shop; false if there would be fewer than none.
	MoveShopStock(ctx context.Context, prizeID, shopID uuid.UUID, by int64, at time.Time) (bool, error)
	// TakeShopStock is TakeStock of the pieces at the shop.
	TakeShopStock(ctx context.Context, prizeID, shopID uuid.UUID, pieces int, each int64, at time.Time) (bool, error)
	// Taken is how many pieces the member got since, cancelled ones left out.
	Taken(ctx context.Context, prizeID, memberID uuid.UUID, since *time.Time) (int, error)
	// RankReached reports whether the member's rank in the brand is the rank or a higher one.
	RankReached(ctx context.Context, brandID, memberID, rankID uuid.UUID) (bool, error)
	// RankOf reports whether the brand has the rank.
	RankOf(ctx context.Context, brandID, rankID uuid.UUID) (bool, error)

	// Insert keeps a new exchange. It need not have happened before the next call that
	// answers something.
	Insert(ctx context.Context, e Exchange) error
	// Exchange is nil if there is none.
	Exchange(ctx context.Context, exchangeID uuid.UUID) (*Exchange, error)
	// Referred is the brand's exchange whose id ends so, locked; nil if there is none, or
	// more than one.
	Referred(ctx context.Context, brandID uuid.UUID, ending string) (*Exchange, error)
	// Lock are the brand's exchanges of the ids, locked in one order whoever asks.
	Lock(ctx context.Context, brandID uuid.UUID, exchangeIDs []uuid.UUID) ([]Exchange, error)
	Update(ctx context.Context, all []Exchange) error
	Exchanges(ctx context.Context, q ExchangeQuery) (page.Connection[Exchange], error)
	// ToShip are exchanges of goods that have not left, the oldest first, behind the one if it
	// is not nil.
	ToShip(ctx context.Context, brandID uuid.UUID, states []State, after *uuid.UUID, most int) ([]Exchange, error)
	// Accounts are where those are written to who have an account, and perhaps no card.
	Accounts(ctx context.Context, memberIDs []uuid.UUID) ([]Contact, error)
}

// Moved is what became of pieces that were added to a prize or taken away.
type Moved struct {
	Enough  bool       // or nothing was done
	BatchID *uuid.UUID // of its codes
}

// Pool is a batch of codes that prizes are.
type Pool struct {
	BatchID  uuid.UUID
	Free     int64 // codes to hand out, those to be made too
	Promised int64 // pieces in stock of prizes that are open, and held for draws
}

// Points is the ledger that points are taken from and given back to.
type Points interface {
	Post(ctx context.Context, all ...points.Posting) ([]points.Result, error)
	// Usable is the programme if its points are used in the context's brand.
	Usable(ctx context.Context, programmeID uuid.UUID) (points.Programme, error)
}

// Segments know who is in a segment.
type Segments interface {
	// Has reports whether the member is in the segment of the context's brand now.
	Has(ctx context.Context, segmentID, memberID uuid.UUID) (bool, error)
	// Known reports whether the context's brand has the segment, open.
	Known(ctx context.Context, segmentID uuid.UUID) (bool, error)
}

// Members shows members as the actor may see them, and writes the view down.
type Members interface {
	// Viewed fails unless the actor may read the member, and writes the view down.
	Viewed(ctx context.Context, memberID uuid.UUID, by string) error
	ByIDs(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error)
}

// Codes are what vouchers and gift codes are taken from.
type Codes interface {
	// Assign hands so many codes of a batch to the member, or fails if there are not so many.
	Assign(ctx context.Context, batchID, memberID, exchangeID uuid.UUID, n int) error
	// Pool reports whether the context's brand has the batch, and its codes are for prizes.
	Pool(ctx context.Context, batchID uuid.UUID) (bool, error)
}

// Addresses are members' address books.
type Addresses interface {
	Addresses(ctx context.Context, memberIDs []uuid.UUID) ([]customer.SavedAddress, error)
}

// Parts are what the service stands on.
type Parts struct {
	Tx        idempotency.Tx
	Store     Store
	Keys      *idempotency.Keys
	Points    Points
	Segments  Segments
	Members   Members
	Addresses Addresses
	Codes     Codes
	Counter   Counter
	Outbox    messaging.Outbox
	Events    event.Recorder
	Now       clock.Clock
}

// Service exchanges points for prizes.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// memberOf is the member that the context's actor is.
func memberOf(ctx context.Context) (uuid.UUID, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) || actor.ID == uuid.Nil {
		return uuid.Nil, ErrMembersOnly
	}
	return actor.ID, nil
}

func (s *Service) record(ctx context.Context, kind, subject string, subjectID uuid.UUID, data any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, subject, subjectID, data))
}

// Terms say who may have something: the least rank, and a segment. What a segment asks
// for is all that a search of members can.
type Terms struct {
	MinRankID *uuid.UUID
	SegmentID *uuid.UUID
}

// Fits reports whether the terms hold for the member in the context's brand now. It is
// asked outside transactions: a segment may take a while.
func (s *Service) Fits(ctx context.Context, t Terms, memberID uuid.UUID) (bool, error) {
	if t.MinRankID != nil {
		if reached, err := s.Store.RankReached(ctx, channel.From(ctx).BrandID, memberID, *t.MinRankID); err != nil || !reached {
			return false, err
		}
	}
	if t.SegmentID != nil {
		return s.Segments.Has(ctx, *t.SegmentID, memberID)
	}
	return true, nil
}

// Check fails unless the context's brand has what the terms name.
func (s *Service) Check(ctx context.Context, t Terms) error {
	if t.MinRankID != nil {
		if there, err := s.Store.RankOf(ctx, channel.From(ctx).BrandID, *t.MinRankID); err != nil || !there {
			return orErr(err, fault.ErrNotFound.At("minRankId"))
		}
	}
	if t.SegmentID != nil {
		if there, err := s.Segments.Known(ctx, *t.SegmentID); err != nil || !there {
			return orErr(err, fault.ErrNotFound.At("segmentId"))
		}
	}
	return nil
}

func orErr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// prize is one of the context's brand; ErrUnknown if it is not.
func (s *Service) prize(ctx context.Context, prizeID uuid.UUID) (Prize, error) {
	found, err := s.Store.Prizes(ctx, []uuid.UUID{prizeID})
	if err != nil || len(found) == 0 || found[0].BrandID != channel.From(ctx).BrandID {
		return Prize{}, orErr(err, ErrUnknown.At("prizeId"))
	}
	return found[0], nil
}

// today is the business day of the moment in the context's channel, as midnight there.
func today(ctx context.Context, at time.Time) time.Time {
	zone := channel.From(ctx).Zone()
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}
