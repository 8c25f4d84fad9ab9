package promotion

import (
	"bytes"
	"context"
	"encoding/csv"
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
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of coupons.
var (
	ErrCouponUnknown    = fault.NotFound("COUPON_UNKNOWN", "このクーポンコードは見つかりません", "There is no coupon with this code")
	ErrCouponMistyped   = fault.Invalid("COUPON_MISTYPED", "クーポンコードに入力間違いがあります。もう一度ご確認ください", "The coupon code has a typing error; please check it")
	ErrCouponOthers     = fault.Forbidden("COUPON_NOT_YOURS", "このクーポンは別の会員様専用です", "This coupon is for another member")
	ErrCouponEarly      = fault.Conflict("COUPON_NOT_YET", "このクーポンはまだご利用いただけません", "This coupon cannot be used yet")
	ErrCouponExpired    = fault.Conflict("COUPON_EXPIRED", "このクーポンの有効期限が切れています", "This coupon has expired")
	ErrCouponUsed       = fault.Conflict("COUPON_USED", "このクーポンはすでに使用されています", "This coupon has been used")
	ErrCouponVoid       = fault.Conflict("COUPON_VOID", "このクーポンは無効になりました", "This coupon is no longer valid")
	ErrCouponUnfit      = fault.Conflict("COUPON_NOT_APPLICABLE", "このクーポンは現在のカートには適用されません", "This coupon does not apply to the cart as it is")
	ErrCouponSpent      = fault.Conflict("CAMPAIGN_SPENT", "このキャンペーンは上限に達したため終了しました", "This campaign has reached its limit")
	ErrCouponCombined   = fault.Conflict("COUPON_NOT_COMBINABLE", "このクーポンは他のキャンペーンと併用できません", "This coupon cannot be combined with what applies already")
	ErrNoCouponCampaign = fault.Conflict("CAMPAIGN_WITHOUT_COUPON", "このキャンペーンはクーポンを使いません", "This campaign takes no coupons")
	ErrCouponTries      = fault.Limited("COUPON_TRIES", "クーポンコードの入力回数が多すぎます。%d秒後にもう一度お試しください", "Too many coupon codes were tried; please try again in %d seconds")
	ErrSharedCode       = fault.Invalid("COUPON_CODE_INVALID", "共通コードは半角英数字3〜14文字で指定してください", "A shared code has 3 to 14 letters and digits")
	ErrCodeCount        = fault.Invalid(fault.CodeInvalid, "発行数は1〜%dで指定してください", "From 1 to %d codes can be made at once")
)

// MaxCodes is how many codes are made at once.
const MaxCodes = 50_000

// CouponState is where a coupon stands.
type CouponState string

// The states.
const (
	CouponIssued CouponState = "ISSUED"
	CouponUsed   CouponState = "USED"
	CouponVoid   CouponState = "VOID"
)

// Coupon opens a campaign to who enters its code.
type Coupon struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	CampaignID uuid.UUID
	BatchID    *uuid.UUID
	Code       *string // of a code that many share; else it is not kept
	Hint       string  // its last characters
	MemberID   *uuid.UUID
	scope.Window
	State     CouponState
	OrderID   *uuid.UUID // that used it
	CreatedAt time.Time
	Campaign  i18n.Text // what the campaign is called
}

// GlobalID is the coupon's id in the schema.
func (c Coupon) GlobalID() string { return id.Global("Coupon", c.ID) }

// Shared reports whether many may use the coupon.
func (c Coupon) Shared() bool { return c.Code != nil }

// Problem is why the member, zero for a guest, cannot use the coupon at the moment;
// nil if nothing stands against it.
func (c Coupon) Problem(member uuid.UUID, at time.Time) *fault.Error {
	switch {
	case c.MemberID != nil && *c.MemberID != member:
		return ErrCouponOthers
	case c.State == CouponUsed:
		return ErrCouponUsed
	case c.State == CouponVoid:
		return ErrCouponVoid
	case at.Before(c.From):
		return ErrCouponEarly
	case !at.Before(c.Until):
		return ErrCouponExpired
	}
	return nil
}

// NewCoupon is a coupon about to be written, with what is kept of its code.
type NewCoupon struct {
	Coupon
	Hash []byte
}

// CouponStore keeps coupons.
type CouponStore interface {
	// AddCoupons writes coupons in one COPY.
	AddCoupons(ctx context.Context, coupons []NewCoupon) error
	// CouponByHash is the brand's coupon; nil if there is none.
	CouponByHash(ctx context.Context, brandID uuid.UUID, hash []byte) (*Coupon, error)
	// CouponByID is the brand's coupon; nil if there is none.
	CouponByID(ctx context.Context, brandID, couponID uuid.UUID) (*Coupon, error)
	// Earned are the coupons that an order, if it stands, has earned for its member.
	Earned(ctx context.Context, orderID uuid.UUID) ([]Earned, error)
	// AddEarned writes a coupon that the order has earned; made is false if it was
	// written before.
	AddEarned(ctx context.Context, c NewCoupon, orderID uuid.UUID) (made bool, err error)
	// CouponsOf are the member's coupons that may still be used at the moment.
	CouponsOf(ctx context.Context, brandID, memberID uuid.UUID, at time.Time) ([]Coupon, error)
	Coupons(ctx context.Context, brandID, campaignID uuid.UUID, p page.Args) (page.Connection[Coupon], error)
	// Void takes coupons that are not used out of use, and tells how many.
	Void(ctx context.Context, brandID uuid.UUID, couponIDs []uuid.UUID) (int, error)
}

// guesses is how often codes may be tried.
var guesses = limit.Guesses{
	Kind: "coupon", PerBuyer: limit.Rate{Allowed: 10, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 60, Per: 10 * time.Minute},
}

// tried fails with ErrCouponTries when the actor of the context has tried too many codes.
func (s *Service) tried(ctx context.Context) error {
	if seconds := guesses.Wait(ctx, s.Limiter); seconds > 0 {
		return ErrCouponTries.With(seconds).At("code")
	}
	return nil
}

// Find is the coupon with the code that a person has typed, if the member, zero for
// a guest, can use it at the moment.
func (s *Service) Find(ctx context.Context, typed string, member uuid.UUID) (*Coupon, error) {
	code := NormalCode(typed)
	if Mistyped(code) {
		return nil, ErrCouponMistyped.At("code") // tells nothing of which codes there are
	}
	if err := s.tried(ctx); err != nil {
		return nil, err
	}
	brand := channel.From(ctx).BrandID
	c, err := s.Store.CouponByHash(ctx, brand, HashCode(brand, code))
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, ErrCouponUnknown.At("code")
	}
	if problem := c.Problem(member, s.Now()); problem != nil {
		return nil, problem.At("code")
	}
	return c, nil
}

// Own is the member's own coupon, if it can be used at the moment: whose it is
// needs no code.
func (s *Service) Own(ctx context.Context, couponID, member uuid.UUID) (*Coupon, error) {
	c, err := s.Store.CouponByID(ctx, channel.From(ctx).BrandID, couponID)
	switch {
	case err != nil:
		return nil, err
	case c == nil || c.MemberID == nil || *c.MemberID != member:
		return nil, ErrCouponUnknown.At("couponId")
	}
	if problem := c.Problem(member, s.Now()); problem != nil {
		return nil, problem.At("couponId")
	}
	return c, nil
}

// IssueInput makes coupons of a campaign: one that many share, or many that one may
// use each.
type IssueInput struct {
	IdempotencyKey string
	CampaignID     uuid.UUID
	SharedCode     *string // else codes are made:
	Count          *int
	MemberID       *uuid.UUID // for this member alone
	ValidFrom      *time.Time
	ValidUntil     *time.Time
}

// Issued is what was made. CSV are the codes, shown this once; empty when the answer
// is replayed.
type Issued struct {
	BatchID uuid.UUID
	Count   int
	CSV     string `json:"-"`
}

// Issue makes coupons, once for each idempotency key.
func (s *Service) Issue(ctx context.Context, in IssueInput) (*Issued, error) {
	if err := access.RequireEverywhere(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	count := value(in.Count)
	if in.SharedCode != nil {
		count = 1
	}
	window := scope.NewWindow(in.ValidFrom, in.ValidUntil)
	if err := window.Validate(); err != nil {
		return nil, err
	}
	if count < 1 || count > MaxCodes {
		return nil, ErrCodeCount.With(MaxCodes).At("count")
	}
	if in.SharedCode != nil && !sharedCodes.MatchString(NormalCode(*in.SharedCode)) {
		return nil, ErrSharedCode.At("sharedCode")
	}
	var sheet string
	issued, err := idempotency.Once(ctx, s.Keys, "issueCoupons", in.IdempotencyKey, in, func(ctx context.Context) (Issued, error) {
		c, err := s.Store.Lock(ctx, channel.From(ctx).BrandID, in.CampaignID)
		switch {
		case err != nil:
			return Issued{}, err
		case c == nil:
			return Issued{}, fault.ErrNotFound.At("campaignId")
		case !c.NeedsCoupon:
			return Issued{}, ErrNoCouponCampaign.At("campaignId")
		}
		made := Issued{BatchID: id.New(), Count: count}
		coupons, text := s.codes(*c, in, window, made)
		sheet = text
		if err := s.Store.AddCoupons(ctx, coupons); err != nil {
			return made, err
		}
		return made, s.Events.Record(ctx, event.New(ctx, s.Now(), "coupons.issued", "CouponBatch", made.BatchID,
			map[string]any{"campaign": c.ID, "count": made.Count, "shared": in.SharedCode, "member": in.MemberID}))
	})
	if err != nil {
		return nil, err
	}
	issued.CSV = sheet
	return &issued, nil
}

func (s *Service) codes(c Campaign, in IssueInput, window scope.Window, batch Issued) ([]NewCoupon, string) {
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"code"}) // a buffer takes everything
	coupons := make([]NewCoupon, batch.Count)
	for i := range coupons {
		n := NewCoupon{Coupon: Coupon{
			ID: id.New(), BrandID: c.BrandID, CampaignID: c.ID, BatchID: &batch.BatchID, MemberID: in.MemberID,
			Window: window, State: CouponIssued, CreatedAt: s.Now(),
		}}
		code := NewCode()
		if in.SharedCode != nil {
			code = NormalCode(*in.SharedCode)
			n.Code = &code
		}
		_ = sheet.Write([]string{code})
		normal := NormalCode(code)
		n.Hint, n.Hash = hintOf(normal), HashCode(c.BrandID, normal)
		coupons[i] = n
	}
	sheet.Flush()
	return coupons, text.String()
}

// Mine are the caller's own coupons that can still be used.
func (s *Service) Mine(ctx context.Context) ([]Coupon, error) {
	actor := access.From(ctx)
	if actor.ID == uuid.Nil || !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return nil, fault.ErrUnauthenticated
	}
	return s.Store.CouponsOf(ctx, channel.From(ctx).BrandID, actor.ID, s.Now())
}

// CouponList is one page of a campaign's coupons, newest first, for staff.
func (s *Service) CouponList(ctx context.Context, campaignID uuid.UUID, p page.Args) (page.Connection[Coupon], error) {
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return page.Connection[Coupon]{}, err
	}
	return s.Store.Coupons(ctx, channel.From(ctx).BrandID, campaignID, p)
}

// VoidInput takes coupons out of use.
type VoidInput struct{ IDs []uuid.UUID }

// VoidCoupons takes coupons that are not used out of use, and tells how many.
func (s *Service) VoidCoupons(ctx context.Context, in VoidInput) (int, error) {
	if err := access.RequireEverywhere(ctx, access.CampaignWrite); err != nil {
		return 0, err
	}
	count := 0
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if count, err = s.Store.Void(ctx, channel.From(ctx).BrandID, in.IDs); err != nil {
			return err
		}
		var events []event.Event
		for _, couponID := range in.IDs {
			events = append(events, event.New(ctx, s.Now(), "coupon.voided", "Coupon", couponID, nil))
		}
		return s.Events.Record(ctx, events...)
	})
	return count, err
}
