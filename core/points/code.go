package points

import (
	"context"
	"crypto/rand"
	"errors"
	"regexp"
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
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/qr"
)

// Codes keeps codes that give points.
type Codes interface {
	// InsertCode keeps a new code; one that the brand has is ErrCode.
	InsertCode(ctx context.Context, c Code) error
	// CloseCode ends a code of the brand; false if there is none that goes on.
	CloseCode(ctx context.Context, brandID, codeID uuid.UUID, at time.Time) (bool, error)
	// Codes are the brand's codes, the newest first.
	Codes(ctx context.Context, brandID uuid.UUID) ([]Code, error)
	// CodeOf is the brand's code of the text; nil if there is none.
	CodeOf(ctx context.Context, brandID uuid.UUID, text string) (*Code, error)
	// ShopOf reports whether the brand has the shop.
	ShopOf(ctx context.Context, brandID, shopID uuid.UUID) (bool, error)
	// UseCode notes that a member used the code for the day: ErrCodeUsed if they have,
	// ErrCodeFull if as many have as may.
	UseCode(ctx context.Context, codeID, memberID uuid.UUID, day, at time.Time) error
}

// Code gives points to each member who enters it, at a shop (来店ポイント) or as part of
// a campaign.
type Code struct {
	ID          uuid.UUID
	ProgrammeID uuid.UUID
	BrandID     uuid.UUID
	Code        string
	Name        i18n.Text
	Points      int64
	Daily       bool       // once a day; otherwise once
	ShopID      *uuid.UUID // where it hangs
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	MostUses    *int64 // by all members together; nil: any
	LifeDays    *int   // how many days its points live; nil: as the programme says
	Uses        int64
	CreatedAt   time.Time
	ClosedAt    *time.Time
}

// SquareCode is the code as a camera reads it.
func (c Code) SquareCode() qr.Code { return qr.Code{Text: c.Code} }

// GlobalID is the code's id in the schema.
func (c Code) GlobalID() string { return id.Global("PointCode", c.ID) }

// OfProgramme is the programme's id in the schema.
func (c Code) OfProgramme() string { return id.Global("PointProgramme", c.ProgrammeID) }

// AtShop is the shop's id in the schema; nil for none.
func (c Code) AtShop() *string { return id.GlobalOrNone("Location", c.ShopID) }

// holds reports whether the code gives points at the moment.
func (c Code) holds(at time.Time) bool {
	return c.ClosedAt == nil && (c.ValidFrom == nil || !at.Before(*c.ValidFrom)) && (c.ValidUntil == nil || at.Before(*c.ValidUntil))
}

// Failures of codes. One that is wrong, over or another brand's answers the same.
var (
	ErrCodeUnknown = fault.Invalid("POINT_CODE_UNKNOWN", "コードが正しくないか、期間外です", "The code is not one, or does not hold now")
	ErrCodeUsed    = fault.Conflict("POINT_CODE_USED", "このコードはすでにご利用済みです", "You have used this code")
	ErrCodeFull    = fault.Conflict("POINT_CODE_FULL", "このコードの受付は上限に達しました", "As many members as may have used this code")
	ErrCodeForm    = fault.Invalid("POINT_CODE_FORM", "コードは半角英数字とハイフンで8〜40文字です", "A code has 8 to 40 letters, digits and hyphens")
	ErrTries       = fault.Limited("POINT_TRIES", "しばらくしてからもう一度お試しください（%d秒後）", "Too many tries; please try again in %d seconds")
)

// SaveCodeInput makes a code.
type SaveCodeInput struct {
	ProgrammeID uuid.UUID
	Code        *string // nil: one that nobody guesses
	Name        i18n.Text
	Points      int64
	Daily       bool
	ShopID      *uuid.UUID
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	MostUses    *int64
	LifeDays    *int
}

var codeText = regexp.MustCompile(`^[0-9A-Z-]{8,40}$`)

// written is a code as it is kept: letters are the same in either case.
func written(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }

// SaveCode makes a code of the context's brand (staff with POINT_ADMIN).
func (s *Service) SaveCode(ctx context.Context, in SaveCodeInput) (*Code, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PointAdmin), in.Name.Check("name", maxName, true), amount(in.Points), lifeDays(in.LifeDays, "lifeDays")); err != nil {
		return nil, err
	}
	if in.ValidFrom != nil && in.ValidUntil != nil && !in.ValidFrom.Before(*in.ValidUntil) {
		return nil, fault.Invalid(fault.CodeInvalid, "終了日時は開始日時より後にしてください", "The end must be after the beginning").At("validUntil")
	}
	if in.MostUses != nil && *in.MostUses < 1 {
		return nil, fault.Invalid(fault.CodeInvalid, "上限は1以上で指定してください", "The most uses are 1 or more").At("mostUses")
	}
	p, err := s.programme(ctx, in.ProgrammeID)
	if err != nil {
		return nil, err
	}
	now, brandID := s.Now(), channel.From(ctx).BrandID
	c := Code{
		ID: id.New(), ProgrammeID: p.ID, BrandID: brandID, Code: rand.Text(), Name: in.Name, Points: in.Points, Daily: in.Daily, ShopID: in.ShopID,
		ValidFrom: in.ValidFrom, ValidUntil: in.ValidUntil, MostUses: in.MostUses, LifeDays: in.LifeDays, CreatedAt: now,
	}
	if in.Code != nil {
		if c.Code = written(*in.Code); !codeText.MatchString(c.Code) {
			return nil, ErrCodeForm.At("code")
		}
	}
	if in.ShopID != nil {
		if there, err := s.Store.ShopOf(ctx, brandID, *in.ShopID); err != nil || !there {
			return nil, orErr(err, fault.ErrNotFound.At("shopId"))
		}
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.InsertCode(ctx, c); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_code.made", "PointProgramme", p.ID, map[string]any{"codeId": c.ID, "points": c.Points, "daily": c.Daily}))
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// CloseCodeInput names a code.
type CloseCodeInput struct{ CodeID uuid.UUID }

// CloseCode ends a code (staff with POINT_ADMIN).
func (s *Service) CloseCode(ctx context.Context, in CloseCodeInput) error {
	if err := access.RequireEverywhere(ctx, access.PointAdmin); err != nil {
		return err
	}
	now := s.Now()
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		closed, err := s.Store.CloseCode(ctx, channel.From(ctx).BrandID, in.CodeID, now)
		if err != nil || !closed {
			return orErr(err, fault.ErrNotFound.At("codeId"))
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_code.closed", "PointCode", in.CodeID, nil))
	})
}

// Codes are the brand's codes, the newest first, at most 500 (staff with POINT_READ).
func (s *Service) Codes(ctx context.Context) ([]Code, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	return s.Store.Codes(ctx, channel.From(ctx).BrandID)
}

// RedeemInput is a code that a member read at a shop, or was told.
type RedeemInput struct {
	IdempotencyKey string
	Code           string
}

// Redemption is what a code gave.
type Redemption struct {
	Points  int64
	Balance *Balance
}

// tries is how often a member may enter codes: codes are not to be guessed.
var tries = limit.Rate{Allowed: 10, Per: time.Hour}

// tried fails if the member has tried too often.
func (s *Service) tried(ctx context.Context, what string, memberID uuid.UUID, rate limit.Rate) error {
	if s.Limiter == nil {
		return nil
	}
	verdict := s.Limiter.Allow(ctx, "points:"+what+":"+memberID.String(), rate)
	if verdict.Allowed {
		return nil
	}
	return ErrTries.With(max(1, int(verdict.RetryAfter.Round(time.Second)/time.Second)))
}

// Redeem gives the actor the points of a code: once, or once on each day where the
// programme is at home.
func (s *Service) Redeem(ctx context.Context, in RedeemInput) (*Redemption, error) {
	memberID, err := member(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.tried(ctx, "code", memberID, tries); err != nil {
		return nil, err
	}
	given, err := idempotency.Once(ctx, s.Keys, "redeemPointCode", in.IdempotencyKey, in, func(ctx context.Context) (Code, error) {
		return s.redeem(ctx, in.Code, memberID, nil)
	})
	if err != nil {
		return nil, err
	}
	return s.redeemed(ctx, given, memberID)
}

// redeem gives the member the points of a code. Who enters it at a counter has to be at the
// shop where it hangs.
func (s *Service) redeem(ctx context.Context, text string, memberID uuid.UUID, shopID *uuid.UUID) (Code, error) {
	now := s.Now()
	c, err := s.Store.CodeOf(ctx, channel.From(ctx).BrandID, written(text))
	if err != nil || c == nil || !c.holds(now) || (shopID != nil && c.ShopID != nil && *c.ShopID != *shopID) {
		return Code{}, orErr(err, ErrCodeUnknown.At("code"))
	}
	p, err := s.programme(ctx, c.ProgrammeID)
	if err != nil {
		return Code{}, orErr(nil, ErrCodeUnknown.At("code"))
	}
	day := p.Day(c.CreatedAt)
	if c.Daily {
		day = p.Day(now)
	}
	if err := s.Store.UseCode(ctx, c.ID, memberID, day, now); err != nil {
		return Code{}, err
	}
	_, err = s.Post(ctx, Posting{
		Holder: Holder{p.ID, memberID}, Key: "code:" + c.ID.String() + ":" + day.Format(time.DateOnly), Kind: Earn, Points: c.Points, Lives: oneLife(c.LifeDays),
		Reason: c.Name.In(i18n.Default), ActorID: actorID(ctx), At: now,
	})
	return *c, err
}

func (s *Service) redeemed(ctx context.Context, given Code, memberID uuid.UUID) (*Redemption, error) {
	p, err := s.programme(ctx, given.ProgrammeID)
	if err != nil {
		return nil, err
	}
	balance, err := s.balance(ctx, p, memberID)
	return &Redemption{given.Points, balance}, err
}
