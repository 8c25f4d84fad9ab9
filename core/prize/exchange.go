package prize

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

// ListQuery asks for one page of a brand's prizes, the newest first.
type ListQuery struct {
	BrandID uuid.UUID
	At      time.Time
	All     bool // those that are not offered too
	Page    page.Args
}

// Catalogue is one page of the prizes that the channel's brand offers now; for staff with
// PRIZE_READ who ask for it, of them all.
func (s *Service) Catalogue(ctx context.Context, all bool, p page.Args) (page.Connection[Prize], error) {
	if all {
		if err := access.Require(ctx, access.PrizeRead); err != nil {
			return page.Connection[Prize]{}, err
		}
	}
	return s.Store.List(ctx, ListQuery{BrandID: channel.From(ctx).BrandID, At: s.Now(), All: all, Page: p})
}

// ByID is a prize of the channel's brand that Catalogue shows the actor: what is not offered
// now for staff with PRIZE_READ alone. Else it is ErrUnknown.
func (s *Service) ByID(ctx context.Context, prizeID uuid.UUID) (*Prize, error) {
	p, err := s.prize(ctx, prizeID)
	if err != nil {
		return nil, err
	}
	if p.problem(s.Now()) != nil && !access.From(ctx).May(access.PrizeRead) {
		return nil, ErrUnknown.At("id")
	}
	return &p, nil
}

// ExchangeInput gives points for pieces of a prize. Points are what the member was told
// that all of them cost.
type ExchangeInput struct {
	IdempotencyKey string
	PrizeID        uuid.UUID
	Quantity       int
	Points         int64
	Address        *customer.Address
	AddressID      *uuid.UUID // of the member's address book, instead
}

// Exchange takes the actor's points for a prize, once for each key: points, pieces and
// what is to be sent are one transaction. One member's exchanges wait for each other by
// the lock of the account, so limits hold on two phones; pieces are taken by one
// conditional update, so there are never fewer than none.
func (s *Service) Exchange(ctx context.Context, in ExchangeInput) (*Exchange, error) {
	memberID, err := memberOf(ctx)
	if err != nil {
		return nil, err
	}
	if in.Quantity < 1 || in.Quantity > MaxPieces {
		return nil, ErrQuantity.With(MaxPieces).At("quantity")
	}
	p, err := s.prize(ctx, in.PrizeID)
	if err != nil {
		return nil, err
	}
	fits, err := s.Fits(ctx, Terms{p.MinRankID, p.SegmentID}, memberID)
	if err != nil {
		return nil, err
	}
	exchangeID, err := idempotency.Once(ctx, s.Keys, "exchangePrize", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		e, err := s.order(ctx, p, in, memberID, fits)
		if err != nil {
			return uuid.Nil, err
		}
		return e.ID, s.take(ctx, p, e, map[string]any{"memberId": memberID})
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Exchange(ctx, exchangeID)
}

// order is the exchange that is asked for, if it may be.
func (s *Service) order(ctx context.Context, p Prize, in ExchangeInput, memberID uuid.UUID, fits bool) (Exchange, error) {
	e, err := s.asked(ctx, p, in.Quantity, in.Points, memberID, fits)
	if err != nil {
		return e, err
	}
	return s.addressed(ctx, p, e, in.Address, in.AddressID)
}

// asked is the exchange of so many pieces at what the member was told, if it may be.
func (s *Service) asked(ctx context.Context, p Prize, pieces int, told int64, memberID uuid.UUID, fits bool) (Exchange, error) {
	now := s.Now()
	if problem := p.problem(now); problem != nil {
		return Exchange{}, problem.At("prizeId")
	}
	e := Exchange{
		ID: id.New(), PrizeID: p.ID, BrandID: p.BrandID, ProgrammeID: p.ProgrammeID, MemberID: memberID, Quantity: pieces,
		Points: p.Points * int64(pieces), State: Requested, CreatedAt: now, UpdatedAt: now,
	}
	switch {
	case !fits:
		return e, ErrIneligible.At("prizeId")
	case e.Points != told:
		return e, ErrCost.With(e.Points).At("points")
	}
	_, err := s.Points.Usable(ctx, p.ProgrammeID)
	return e, err
}

// addressed is the exchange with where it goes. Codes go nowhere: the member has them at once.
func (s *Service) addressed(ctx context.Context, p Prize, e Exchange, address *customer.Address, addressID *uuid.UUID) (Exchange, error) {
	var err error
	if p.Kind == Goods {
		e.Address, err = s.destination(ctx, e.MemberID, address, addressID)
		return e, err
	}
	e.State, e.DeliveredAt = Delivered, &e.CreatedAt
	return e, nil
}

// destination is where goods are sent: the address, or the member's saved one.
func (s *Service) destination(ctx context.Context, memberID uuid.UUID, address *customer.Address, addressID *uuid.UUID) (*customer.Address, error) {
	switch {
	case address != nil:
		normal := address.Normalised()
		return &normal, normal.Validate("address")
	case addressID == nil:
		return nil, ErrAddress.At("address")
	}
	book, err := s.Addresses.Addresses(ctx, []uuid.UUID{memberID})
	i := slices.IndexFunc(book, func(a customer.SavedAddress) bool { return a.ID == *addressID })
	if err != nil || i < 0 {
		return nil, orErr(err, fault.ErrNotFound.At("addressId"))
	}
	return &book[i].Address, nil
}

// take takes points and pieces for an exchange, and keeps it. Said is what is recorded of who
// it is for.
func (s *Service) take(ctx context.Context, p Prize, e Exchange, said map[string]any) error {
	actor := access.From(ctx).ID
	_, err := s.Points.Post(ctx, points.Posting{
		Holder: points.Holder{ProgrammeID: e.ProgrammeID, MemberID: e.MemberID}, Key: e.useKey(), Kind: points.Prize, Points: e.Points,
		Reason: p.Name.In(i18n.Default), ActorID: &actor, At: e.CreatedAt,
	})
	if err != nil {
		return err
	}
	if err := s.limited(ctx, p, e); err != nil {
		return err
	}
	if err := s.keep(ctx, p, e); err != nil {
		return err
	}
	said["prizeId"], said["quantity"], said["points"] = p.ID, e.Quantity, e.Points
	if err := s.record(ctx, "prize.exchanged", "PrizeExchange", e.ID, said); err != nil {
		return err
	}
	// Last, so that members who want the same prize wait for each other's commit alone.
	return s.takePieces(ctx, p, e)
}

// keep keeps an exchange, with codes of its own if the prize is some.
func (s *Service) keep(ctx context.Context, p Prize, e Exchange) error {
	if err := s.Store.Insert(ctx, e); err != nil || p.BatchID == nil {
		return err
	}
	return s.Codes.Assign(ctx, *p.BatchID, e.MemberID, e.ID, e.Quantity)
}

// Hold takes pieces for a draw out of the stock of prizes of the context's brand, or puts
// them back if below zero. It answers which prizes there are not, or not so many of, or of
// whose codes: then who asks gives up the transaction.
func (s *Service) Hold(ctx context.Context, pieces map[uuid.UUID]int) (map[uuid.UUID]*fault.Error, error) {
	by := make(map[uuid.UUID]int64, len(pieces))
	for prizeID, n := range pieces {
		by[prizeID] = -int64(n)
	}
	moved, err := s.Store.MoveStocks(ctx, channel.From(ctx).BrandID, by, s.Now())
	if err != nil {
		return nil, err
	}
	problems, codes := map[uuid.UUID]*fault.Error{}, map[uuid.UUID]int64{}
	for prizeID, n := range pieces {
		switch m, known := moved[prizeID]; {
		case !known:
			problems[prizeID] = ErrUnknown
		case !m.Enough:
			problems[prizeID] = ErrSoldOut
		case m.BatchID != nil && n > 0:
			codes[*m.BatchID] += int64(n)
		}
	}
	short, err := s.short(ctx, codes)
	for prizeID, m := range moved {
		if m.BatchID != nil && short[*m.BatchID] != nil {
			problems[prizeID] = short[*m.BatchID]
		}
	}
	return problems, err
}

// short are the batches of which more is promised than there is, with so much more for each.
func (s *Service) short(ctx context.Context, more map[uuid.UUID]int64) (map[uuid.UUID]*fault.Error, error) {
	if len(more) == 0 {
		return nil, nil
	}
	pools, err := s.Store.Pools(ctx, slices.Collect(maps.Keys(more)), s.Now())
	all := map[uuid.UUID]*fault.Error{}
	for _, p := range pools {
		if promised := p.Promised + more[p.BatchID]; promised > p.Free {
			all[p.BatchID] = ErrCodes.With(p.Free, promised)
		}
	}
	return all, err
}

// covered fails if more of the prize's codes are promised than there are; goods always are.
func (s *Service) covered(ctx context.Context, p Prize, field string) error {
	if p.BatchID == nil {
		return nil
	}
	short, err := s.short(ctx, map[uuid.UUID]int64{*p.BatchID: 0})
	if problem := short[*p.BatchID]; err == nil && problem != nil {
		return problem.At(field)
	}
	return err
}

// Award is a piece that a member won.
type Award struct {
	PrizeID   uuid.UUID
	MemberID  uuid.UUID
	Address   *customer.Address
	AddressID *uuid.UUID
	HandOver  bool // the member has it at once: it is sent nowhere
}

// Award lets a member have a piece that was held for a draw, in the transaction of the context.
func (s *Service) Award(ctx context.Context, a Award) (*Exchange, error) {
	p, err := s.prize(ctx, a.PrizeID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	e := Exchange{ID: id.New(), PrizeID: p.ID, BrandID: p.BrandID, ProgrammeID: p.ProgrammeID, MemberID: a.MemberID, Quantity: 1, State: Requested, CreatedAt: now, UpdatedAt: now}
	if a.HandOver {
		e.State, e.DeliveredAt = Delivered, &e.CreatedAt
	} else if e, err = s.addressed(ctx, p, e, a.Address, a.AddressID); err != nil {
		return nil, err
	}
	if err := s.keep(ctx, p, e); err != nil {
		return nil, err
	}
	return &e, s.record(ctx, "prize.awarded", "PrizeExchange", e.ID, map[string]any{"prizeId": p.ID, "memberId": e.MemberID})
}

// limited fails if the member would get more than one may. The account is locked.
func (s *Service) limited(ctx context.Context, p Prize, e Exchange) error {
	if p.MemberLimit == nil {
		return nil
	}
	var since *time.Time
	if p.LimitDays != nil {
		day := today(ctx, e.CreatedAt).AddDate(0, 0, 1-*p.LimitDays)
		since = &day
	}
	had, err := s.Store.Taken(ctx, p.ID, e.MemberID, since)
	if err == nil && had+e.Quantity > *p.MemberLimit {
		return ErrLimit.With(*p.MemberLimit).At("quantity")
	}
	return err
}

// CancelInput gives an exchange up.
type CancelInput struct {
	IdempotencyKey string
	ExchangeID     uuid.UUID
	Reason         string
}

// Cancel gives an exchange up, once for each key: the points go back to the lots that they
// came from, the pieces to the stock. Members cancel their own until it is packed; staff
// with PRIZE_WRITE say why, until it leaves.
func (s *Service) Cancel(ctx context.Context, in CancelInput) (*Exchange, error) {
	actor := access.From(ctx)
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	staff := actor.May(access.PrizeWrite) && !actor.Is(access.RoleStoreStaff)
	if staff && in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	_, err := idempotency.Once(ctx, s.Keys, "cancelPrizeExchange", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		found, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, []uuid.UUID{in.ExchangeID})
		if err != nil || len(found) == 0 || (!staff && found[0].MemberID != actor.ID) {
			return uuid.Nil, orErr(err, fault.ErrNotFound.At("exchangeId"))
		}
		e := found[0]
		if e.State != Requested && (!staff || e.State != Packed) {
			return uuid.Nil, ErrState.With(e.State).At("exchangeId")
		}
		return e.ID, s.giveBack(ctx, e, in.Reason)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Exchange(ctx, in.ExchangeID)
}

// giveBack gives points and pieces of a locked exchange back.
func (s *Service) giveBack(ctx context.Context, e Exchange, reason string) error {
	now := s.Now()
	if e.Points > 0 {
		actor := access.From(ctx).ID
		_, err := s.Points.Post(ctx, points.Posting{
			Holder: points.Holder{ProgrammeID: e.ProgrammeID, MemberID: e.MemberID}, Key: "prize_back:" + e.ID.String(), Kind: points.PrizeBack, Points: e.Points,
			Undoes: e.useKey(), ActorID: &actor, At: now,
		})
		if err != nil {
			return err
		}
	}
	if _, err := s.Store.MoveStock(ctx, e.PrizeID, int64(e.Quantity), now); err != nil {
		return err
	}
	before := e.State
	e.State, e.Reason, e.UpdatedAt = Cancelled, reason, now
	if err := s.Store.Update(ctx, []Exchange{e}); err != nil {
		return err
	}
	return s.record(ctx, "prize_exchange.cancelled", "PrizeExchange", e.ID, map[string]any{"before": before, "points": e.Points})
}
