package prize

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/sheet"
)

// SaveInput makes a prize, or changes one.
type SaveInput struct {
	IdempotencyKey string `json:",omitempty"` // of a new one, which has stock

	ID          *uuid.UUID // nil: a new one
	ProgrammeID uuid.UUID
	Kind        Kind
	Code        string
	Name        i18n.Text
	Description i18n.Text
	Points      int64
	Stock       int64 // of a new one
	MemberLimit *int
	LimitDays   *int
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	MinRankID   *uuid.UUID
	SegmentID   *uuid.UUID
	BatchID     *uuid.UUID // of codes
	Closed      bool
}

func (in SaveInput) validate() error {
	all := []error{in.Name.Check("name", maxName, true), in.Description.Check("description", maxText, false), i18n.CheckString("code", in.Code, maxCode)}
	if in.Points < 0 || in.Points > points.MaxPoints/MaxPieces {
		all = append(all, points.ErrAmount.With(points.MaxPoints/MaxPieces).At("points"))
	}
	if in.Stock < 0 || in.Stock > maxStock {
		all = append(all, fault.Invalid(fault.CodeInvalid, "在庫数は0〜%dで指定してください", "The stock is 0 to %d").With(maxStock).At("stock"))
	}
	if in.ValidFrom != nil && in.ValidUntil != nil && !in.ValidFrom.Before(*in.ValidUntil) {
		all = append(all, fault.Invalid(fault.CodeInvalid, "終了日時は開始日時より後にしてください", "The end must be after the beginning").At("validUntil"))
	}
	for field, n := range map[string]*int{"memberLimit": in.MemberLimit, "limitDays": in.LimitDays} {
		if n != nil && (*n < 1 || *n > 3650) {
			all = append(all, fault.Invalid(fault.CodeInvalid, "1〜3650で指定してください", "From 1 to 3,650").At(field))
		}
	}
	if in.LimitDays != nil && in.MemberLimit == nil {
		all = append(all, fault.ErrRequired.At("memberLimit"))
	}
	return errors.Join(all...)
}

// Save makes a prize of the channel's brand, once for each key, or changes one (staff with
// PRIZE_WRITE). What it is and whose points it costs stay; the stock is changed by MoveStock
// alone, so that nobody's exchange is lost between.
func (s *Service) Save(ctx context.Context, in SaveInput) (*Prize, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PrizeWrite), in.validate()); err != nil {
		return nil, err
	}
	if _, err := s.Points.Usable(ctx, in.ProgrammeID); err != nil {
		return nil, err
	}
	if err := errors.Join(s.Check(ctx, Terms{in.MinRankID, in.SegmentID}), s.pool(ctx, in)); err != nil {
		return nil, err
	}
	p := Prize{ID: id.New(), BrandID: channel.From(ctx).BrandID, ProgrammeID: in.ProgrammeID, Kind: in.Kind, Stock: in.Stock, CreatedAt: s.Now()}
	if in.ID != nil {
		err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			p, err = s.change(ctx, in)
			return err
		})
		if err != nil {
			return nil, err
		}
		return &p, nil
	}
	made, err := idempotency.Once(ctx, s.Keys, "savePrize", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		p.apply(in, s.Now())
		return p.ID, s.write(ctx, p, !in.Closed)
	})
	if err == nil && made != p.ID { // before
		p, err = s.prize(ctx, made)
	}
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// change keeps what staff want of a prize that is there.
func (s *Service) change(ctx context.Context, in SaveInput) (Prize, error) {
	p, err := s.prize(ctx, *in.ID)
	switch {
	case err != nil:
		return p, err
	case p.Kind != in.Kind, p.ProgrammeID != in.ProgrammeID:
		return p, fault.Conflict("PRIZE_FIXED", "景品の種類とポイントの種類は変更できません", "What a prize is and whose points it costs never change").At("id")
	}
	promises := !in.Closed && (p.ClosedAt != nil || p.BatchID != nil && *p.BatchID != *in.BatchID) // pieces that it did not before
	p.apply(in, s.Now())
	return p, s.write(ctx, p, promises)
}

// apply lets the prize be as the input says, but for what never changes.
func (p *Prize) apply(in SaveInput, now time.Time) {
	p.Code, p.Name, p.Description, p.Points, p.UpdatedAt = in.Code, in.Name, in.Description.OrNone(), in.Points, now
	p.MemberLimit, p.LimitDays, p.ValidFrom, p.ValidUntil, p.MinRankID, p.SegmentID = in.MemberLimit, in.LimitDays, in.ValidFrom, in.ValidUntil, in.MinRankID, in.SegmentID
	p.BatchID = in.BatchID
	switch {
	case !in.Closed:
		p.ClosedAt = nil
	case p.ClosedAt == nil:
		p.ClosedAt = &now
	}
}

func (s *Service) write(ctx context.Context, p Prize, promises bool) error {
	if err := s.Store.Save(ctx, p); err != nil {
		return err
	}
	if err := s.stands(ctx, p, promises); err != nil {
		return err
	}
	return s.record(ctx, "prize.saved", "Prize", p.ID, p)
}

// stands fails if the segment of a prize that was just written was closed meanwhile, or if it
// promises codes that are not there.
func (s *Service) stands(ctx context.Context, p Prize, promises bool) error {
	if err := s.Check(ctx, Terms{SegmentID: p.SegmentID}); err != nil || !promises {
		return err
	}
	return s.covered(ctx, p, "stock")
}

// pool fails unless codes have a batch that they are taken from, and goods none.
func (s *Service) pool(ctx context.Context, in SaveInput) error {
	if (in.Kind == Goods) != (in.BatchID == nil) {
		return fault.Invalid(fault.CodeInvalid, "コードの景品には発行単位を、商品には指定なしでお願いします", "Codes are taken from a batch, and goods are not").At("batchId")
	}
	if in.BatchID == nil {
		return nil
	}
	there, err := s.Codes.Pool(ctx, *in.BatchID)
	if err == nil && !there {
		return fault.ErrNotFound.At("batchId")
	}
	return err
}

// MoveStockInput adds pieces, or takes some away.
type MoveStockInput struct {
	IdempotencyKey string
	PrizeID        uuid.UUID
	By             int64
	Reason         string
	ShopID         *uuid.UUID `json:",omitempty"` // whose pieces; nil: those that are sent
	FromStock      bool       `json:",omitempty"` // they come out of those that are sent, or go back there
}

// MoveStock changes how many pieces are left (staff with PRIZE_WRITE), once for each key.
func (s *Service) MoveStock(ctx context.Context, in MoveStockInput) (*Prize, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PrizeWrite), checkReason(in.Reason)); err != nil {
		return nil, err
	}
	if in.FromStock && in.ShopID == nil {
		return nil, fault.ErrRequired.At("shopId")
	}
	if in.By == 0 || in.By < -maxStock || in.By > maxStock {
		return nil, fault.Invalid(fault.CodeInvalid, "増減数は0以外で%dまでです", "At most %d pieces, and not none").With(maxStock).At("by")
	}
	p, err := idempotency.OnceRead(ctx, s.Keys, "movePrizeStock", in.IdempotencyKey, in,
		func(ctx context.Context) (Prize, error) { return s.moveStock(ctx, in) },
		func(ctx context.Context) (Prize, error) { return s.prize(ctx, in.PrizeID) })
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (s *Service) moveStock(ctx context.Context, in MoveStockInput) (Prize, error) {
	p, err := s.prize(ctx, in.PrizeID)
	if err != nil {
		return Prize{}, err
	}
	said := map[string]any{"by": in.By, "reason": in.Reason}
	if in.ShopID != nil {
		said["shopId"], said["fromStock"] = *in.ShopID, in.FromStock
		err = s.moveAtShop(ctx, p, in)
	} else {
		err = s.moveOwn(ctx, in)
	}
	if err != nil {
		return Prize{}, err
	}
	p, err = s.prize(ctx, in.PrizeID)
	if err == nil && in.ShopID == nil && in.By > 0 {
		err = s.covered(ctx, p, "by")
	}
	if err != nil {
		return Prize{}, err
	}
	said["after"] = p.Stock
	return p, s.record(ctx, "prize.stock_moved", "Prize", p.ID, said)
}

// moveOwn changes how many pieces there are to send, or of codes.
func (s *Service) moveOwn(ctx context.Context, in MoveStockInput) error {
	moved, err := s.Store.MoveStock(ctx, in.PrizeID, in.By, s.Now())
	if err != nil || !moved {
		return orErr(err, ErrStock.At("by"))
	}
	return nil
}

func checkReason(reason string) error {
	if reason == "" {
		return fault.ErrRequired.At("reason")
	}
	return i18n.CheckString("reason", reason, maxReason)
}

// ExchangeQuery asks for one page of exchanges, the newest first. Zero fields do not filter.
type ExchangeQuery struct {
	BrandID  uuid.UUID
	MemberID *uuid.UUID
	PrizeID  *uuid.UUID
	State    State
	Exported *bool // in a carrier's file, or in none
	ToSend   bool  // goods that have not left
	Page     page.Args
}

// Mine is one page of the actor's own exchanges in the channel's brand.
func (s *Service) Mine(ctx context.Context, p page.Args) (page.Connection[Exchange], error) {
	memberID, err := memberOf(ctx)
	if err != nil {
		return page.Connection[Exchange]{}, err
	}
	return s.Store.Exchanges(ctx, ExchangeQuery{BrandID: channel.From(ctx).BrandID, MemberID: &memberID, Page: p})
}

// Exchanges is one page of the brand's exchanges (staff with PRIZE_READ), or of those of a
// member whose personal data the actor may read; that view is written down. Addresses of
// others are left out.
func (s *Service) Exchanges(ctx context.Context, q ExchangeQuery) (page.Connection[Exchange], error) {
	var none page.Connection[Exchange]
	if err := access.Require(ctx, access.PrizeRead); err != nil {
		return none, err
	}
	if q.MemberID != nil {
		if err := s.Members.Viewed(ctx, *q.MemberID, "prizeExchanges"); err != nil {
			return none, err
		}
	}
	q.BrandID = channel.From(ctx).BrandID
	found, err := s.Store.Exchanges(ctx, q)
	if err != nil {
		return none, err
	}
	var members []uuid.UUID
	for _, e := range found.Edges {
		if e.Node.Address != nil && !slices.Contains(members, e.Node.MemberID) {
			members = append(members, e.Node.MemberID)
		}
	}
	open := map[uuid.UUID]bool{}
	if len(members) > 0 {
		for _, memberID := range members { // who has an account and has not joined is no shop's
			open[memberID] = member.Readable(access.From(ctx), member.Member{ID: memberID})
		}
		seen, err := s.Members.ByIDs(ctx, members)
		if err != nil {
			return none, err
		}
		for _, m := range seen {
			open[m.ID] = !m.Masked
		}
	}
	for i := range found.Edges {
		if e := &found.Edges[i].Node; !open[e.MemberID] {
			e.Address = nil
		}
	}
	return found, nil
}

// Move is one exchange that is moved on.
type Move struct {
	ExchangeID     uuid.UUID
	TrackingNumber string
}

// AdvanceInput moves exchanges on to a state.
type AdvanceInput struct {
	To      State
	Carrier string
	Moves   []Move

	at *time.Time // when they left; nil: now
}

// Advance moves exchanges on: to be packed, shipped or delivered (staff with PRIZE_WRITE),
// all of them or none. What is in the state already stays as it is, but takes a tracking
// number that was missing. Members are told when their prizes leave and when they are
// handed over.
func (s *Service) Advance(ctx context.Context, in AdvanceInput) ([]Exchange, error) {
	if err := access.RequireEverywhere(ctx, access.PrizeWrite); err != nil {
		return nil, err
	}
	if len(in.Moves) == 0 || len(in.Moves) > maxMoves {
		return nil, fault.Invalid(fault.CodeTooMany, "1〜%d件を指定してください", "From 1 to %d exchanges").With(maxMoves).At("moves")
	}
	if err := i18n.CheckString("carrier", in.Carrier, maxCode); err != nil {
		return nil, err
	}
	var moved []Exchange
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		ids := make([]uuid.UUID, len(in.Moves))
		for i, m := range in.Moves {
			ids[i] = m.ExchangeID
		}
		found, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, ids)
		if err != nil {
			return err
		}
		if moved, err = s.moved(in, found); err != nil {
			return err
		}
		if err := s.Store.Update(ctx, moved); err != nil {
			return err
		}
		events := make([]event.Event, len(moved))
		for i, e := range moved {
			events[i] = event.New(ctx, s.Now(), "prize_exchange.moved", "PrizeExchange", e.ID, map[string]any{"to": in.To, "carrier": e.Carrier, "trackingNumber": e.TrackingNumber})
		}
		if err := s.Events.Record(ctx, events...); err != nil {
			return err
		}
		return s.tell(ctx, news(in.To, found, moved))
	})
	return moved, err
}

// news are the exchanges of which the members are told: those that were not in the state
// before, each once.
func news(to State, before, after []Exchange) (some []Exchange) {
	if to != Shipped && to != Delivered {
		return nil
	}
	for _, was := range before { // each is there once, however often it is named
		if was.State != to {
			some = append(some, after[slices.IndexFunc(after, func(e Exchange) bool { return e.ID == was.ID })])
		}
	}
	return some
}

// moved are the locked exchanges as they are after the moves.
func (s *Service) moved(in AdvanceInput, found []Exchange) ([]Exchange, error) {
	byID := make(map[uuid.UUID]Exchange, len(found))
	for _, e := range found {
		byID[e.ID] = e
	}
	now := s.Now()
	all := make([]Exchange, 0, len(in.Moves))
	for i, m := range in.Moves {
		field := "moves." + strconv.Itoa(i)
		e, known := byID[m.ExchangeID]
		switch {
		case !known:
			return nil, fault.ErrNotFound.At(field + ".exchangeId")
		case e.State == in.To && (e.ShippedAt == nil || e.TrackingNumber != "" || m.TrackingNumber == ""): // told twice
			all = append(all, e)
			continue
		case e.State != in.To && !slices.Contains(next[e.State], in.To):
			return nil, ErrState.With(e.State).At(field + ".exchangeId")
		}
		if err := i18n.CheckString(field+".trackingNumber", m.TrackingNumber, maxCode); err != nil {
			return nil, err
		}
		e.advance(in, m.TrackingNumber, now)
		all, byID[e.ID] = append(all, e), e
	}
	return all, nil
}

// advance moves the exchange on, or lets what has left have the number that was missing.
func (e *Exchange) advance(in AdvanceInput, tracking string, now time.Time) {
	switch {
	case e.State == in.To:
		e.Carrier, e.TrackingNumber = cmp.Or(e.Carrier, in.Carrier), tracking
	case in.To == Shipped:
		e.ShippedAt, e.Carrier, e.TrackingNumber = cmp.Or(in.at, &now), in.Carrier, tracking
	case in.To == Delivered:
		e.DeliveredAt = &now
	}
	e.State, e.UpdatedAt = in.To, now
}

// Sheet is a file of what is to be sent.
type Sheet struct {
	Count int
	CSV   string
	next  *uuid.UUID
}

// Next is the exchange behind which the next file begins; nil if this is the last.
func (s Sheet) Next() *string { return id.GlobalOrNone("PrizeExchange", s.next) }

// ShipSheet is what is to be sent out behind the exchange, the oldest first, with names and
// addresses, for the head office with PRIZE_WRITE and MEMBER_EXPORT. Each is written down.
func (s *Service) ShipSheet(ctx context.Context, after *uuid.UUID) (*Sheet, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PrizeWrite), access.RequireEverywhere(ctx, access.MemberExport)); err != nil {
		return nil, fault.ErrForbidden
	}
	brandID := channel.From(ctx).BrandID
	all, err := s.Store.ToShip(ctx, brandID, []State{Requested, Packed}, after, maxShip+1)
	if err != nil {
		return nil, err
	}
	var next *uuid.UUID
	if len(all) > maxShip {
		all, next = all[:maxShip], &all[maxShip-1].ID
	}
	text, rows, err := shipments(all, channel.From(ctx).Zone())
	if err != nil {
		return nil, err
	}
	if err := s.record(ctx, "prize_exchange.sheet", "Brand", brandID, map[string]any{"rows": rows}); err != nil {
		return nil, err
	}
	return &Sheet{rows, text, next}, nil
}

// shipments are the exchanges as CSV, and how many there are: of those that have an address.
func shipments(all []Exchange, zone *time.Location) (string, int, error) {
	var text strings.Builder
	out, err := sheet.NewCSV(&text, sheet.UTF8)
	if err != nil {
		return "", 0, err
	}
	if err := out.Row([]string{"id", "state", "prize_code", "prize", "quantity", "name", "kana", "company", "postal_code", "prefecture", "city", "line1", "line2", "phone", "requested_at"}); err != nil {
		return "", 0, err
	}
	rows := 0
	for _, e := range all {
		a := e.Address
		if a == nil {
			continue
		}
		rows++
		if err := out.Row([]string{
			e.GlobalID(), string(e.State), e.PrizeCode, e.PrizeName.In(i18n.Default), strconv.Itoa(e.Quantity), a.Name, a.Kana, a.Company, a.PostalCode,
			string(a.Prefecture), a.City, a.Line1, a.Line2, a.Phone, e.CreatedAt.In(zone).Format(time.RFC3339),
		}); err != nil {
			return "", 0, err
		}
	}
	err = out.Close()
	return text.String(), rows, err
}
