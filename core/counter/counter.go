// Package counter serves members who stand before the staff of a shop (店頭): who they are by
// the code or the card that they show, whether they have an account or the card alone.
package counter

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
)

// Shown is what a member shows at the counter of a shop: the code of the app, or a card.
type Shown struct {
	ShopID     uuid.UUID
	MemberCode string `json:",omitempty"`
	CardNumber string `json:",omitempty"`
}

// How says by what the member is known.
func (in Shown) How() string {
	if in.CardNumber != "" {
		return "CARD"
	}
	return "CODE"
}

// Said is what an event says of who was served, where, and by what they were known. Staff's
// own words are no part of it.
func (in Shown) Said(memberID uuid.UUID, more map[string]any) map[string]any {
	said := map[string]any{"memberId": memberID, "shopId": in.ShopID, "memberBy": in.How()}
	for key, value := range more {
		said[key] = value
	}
	return said
}

// Failures at a counter.
var (
	ErrShop  = fault.NotFound("SHOP_UNAVAILABLE", "この店舗は選択できません", "This shop cannot be chosen")
	ErrShown = fault.Invalid(fault.CodeInvalid, "会員コードと会員カードは、どちらか一方を指定してください", "Name the member's code or the card, one of them")
	ErrTries = fault.Limited("TOO_MANY_TRIES", "照会の回数が多すぎます。%d秒後にもう一度お試しください", "Too many look-ups; try again in %d seconds")
)

// Codes read what members show.
type Codes interface {
	// Read is the member whose code it is. With use, it is used up in the transaction.
	Read(ctx context.Context, text string, use bool) (access.Actor, error)
	// Card is the member whose card has the number.
	Card(ctx context.Context, number string, shopID *uuid.UUID) (access.Actor, error)
}

// Store reads what a counter needs.
type Store interface {
	// Shop reports whether the brand has the shop or the event's stand, open.
	Shop(ctx context.Context, brandID, shopID uuid.UUID) (bool, error)
	// Hold holds off an erasure and a merge of the member until the transaction ends; false
	// if there was one.
	Hold(ctx context.Context, memberID uuid.UUID) (bool, error)
	// Rank is the name of the member's rank in the brand; empty for none.
	Rank(ctx context.Context, brandID, memberID uuid.UUID) (i18n.Text, error)
}

// Members shows members as the actor may see them, and writes the view down.
type Members interface {
	Served(ctx context.Context, memberID uuid.UUID, by string) (member.Member, error)
}

// Parts are what the service stands on.
type Parts struct {
	Codes   Codes
	Store   Store
	Members Members
	Limiter limit.Limiter // nil: nobody counts
}

// Service knows who stands at the counter.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// Who is the member who shows the code or the card to staff of the shop. Whoever shows one
// is served, whichever shop's member they are. With use, in the transaction of the context,
// a code is used up, and nobody erases or merges the member before it ends.
func (s *Service) Who(ctx context.Context, in Shown, use bool) (access.Actor, error) {
	if !access.From(ctx).Is(access.RoleStoreStaff, access.RoleStaff, access.RoleAdmin) {
		return access.Guest, fault.ErrForbidden
	}
	if !access.WorksAt(ctx, in.ShopID) {
		return access.Guest, fault.ErrForbidden.At("shopId")
	}
	if (in.MemberCode == "") == (in.CardNumber == "") {
		return access.Guest, ErrShown.At("cardNumber")
	}
	if there, err := s.Store.Shop(ctx, channel.From(ctx).BrandID, in.ShopID); err != nil || !there {
		return access.Guest, orErr(err, ErrShop.At("shopId"))
	}
	who, field, err := s.read(ctx, in, use)
	if err == nil && use {
		var there bool
		if there, err = s.Store.Hold(ctx, who.ID); err == nil && !there {
			err = membercode.ErrCard
		}
	}
	return who, at(field, err)
}

func (s *Service) read(ctx context.Context, in Shown, use bool) (access.Actor, string, error) {
	if in.MemberCode != "" {
		who, err := s.Codes.Read(ctx, in.MemberCode, use)
		return who, "memberCode", err
	}
	number, err := member.ReadNumber(in.CardNumber)
	if err != nil {
		return access.Guest, "cardNumber", err
	}
	who, err := s.Codes.Card(ctx, number, &in.ShopID)
	return who, "cardNumber", err
}

// Served is who stands at the counter, as the staff there may see them.
type Served struct {
	member.Member
	RankName i18n.Text
}

// GlobalID is the member's id in the schema.
func (s Served) GlobalID() string { return id.Global("Member", s.ID) }

// looks bounds how often cards and codes may be looked up: a busy counter's, and more.
var looks = limit.Guesses{
	Kind: "counter", PerBuyer: limit.Rate{Allowed: 600, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 3000, Per: 10 * time.Minute},
}

// Look is the member who shows the code or the card, for staff who serve at counters; it is
// written down. Personal data is hidden from those of a shop whose member it is not. The
// code is not used up.
func (s *Service) Look(ctx context.Context, in Shown) (*Served, error) {
	actor := access.From(ctx)
	if !actor.May(access.OrderWrite) && !actor.May(access.PrizeWrite) && !actor.May(access.PointWrite) {
		return nil, fault.ErrForbidden
	}
	if seconds := looks.Wait(ctx, s.Limiter); seconds > 0 {
		return nil, ErrTries.With(seconds)
	}
	who, err := s.Who(ctx, in, false)
	if err != nil {
		return nil, err
	}
	m, err := s.Members.Served(ctx, who.ID, "counter")
	if err != nil {
		return nil, err
	}
	rank, err := s.Store.Rank(ctx, channel.From(ctx).BrandID, who.ID)
	return &Served{m, rank.OrNone()}, err
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

func orErr(err error, otherwise *fault.Error) error {
	if err != nil {
		return err
	}
	return otherwise
}
