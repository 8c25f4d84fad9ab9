// Package sale says how a variant is sold where that is not simply from stock
// (販売条件): limited, in advance, made to order, as a sample, or as a set of others.
package sale

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// Kind is how a variant is sold.
type Kind string

// The kinds.
const (
	Limited     Kind = "LIMITED"       // 数量限定: from stock, so many in all or for each customer
	Advance     Kind = "ADVANCE"       // 予約: sold before its release, shipped after
	MadeToOrder Kind = "MADE_TO_ORDER" // 受注生産: made once it is ordered
	Sample      Kind = "SAMPLE"        // サンプル: free, so many for each customer
)

// MaxPieces bounds every limit.
const MaxPieces = 1_000_000

// maxPromise is how long a promise may be, in characters.
const maxPromise = 100

// Terms are how a variant is sold. What is counted against the limits changes only
// where orders take their goods.
type Terms struct {
	VariantID   uuid.UUID
	BrandID     uuid.UUID
	Kind        *Kind // nil once they are over
	Total       *int  // pieces for everyone together (割当); nil for no limit
	PerCustomer *int
	ReleaseAt   *time.Time // of Advance
	Promise     i18n.Text  // what buyers read of when it comes: release date or lead time
	Sold        int        // what orders that stand have taken
	// What else an order must hold for a sample: goods of an amount in minor units, of a
	// product, of a category.
	MinAmount    *int64
	WithProduct  *uuid.UUID
	WithCategory *uuid.UUID
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Left is how many pieces may still be sold; nil for no limit.
func (t Terms) Left() *int {
	if t.Total == nil {
		return nil
	}
	left := max(*t.Total-t.Sold, 0)
	return &left
}

// Failures of terms.
var (
	ErrLimit    = fault.Invalid("SALE_LIMIT_INVALID", "上限は1〜%dの整数で指定してください", "A limit is a whole number from 1 to %d")
	ErrNoLimit  = fault.Invalid("SALE_LIMIT_INVALID", "数量限定には総数またはお一人様の上限が必要です", "Limited goods need a limit in all or for each customer")
	ErrOver     = fault.Invalid("SALE_LIMIT_INVALID", "お一人様の上限は総数以下にしてください", "The limit for each customer may not pass the one in all")
	ErrRelease  = fault.Invalid("SALE_RELEASE_INVALID", "予約商品には未来の発売日時が必要です。ほかの商品には指定できません", "Advance orders need a release in the future; other goods have none")
	ErrNoTerms  = fault.Invalid(fault.CodeInvalid, "販売条件を終了する場合は上限などを指定できません", "Terms that end have no limits")
	ErrPromised = fault.Invalid(fault.CodeInvalid, "お届け予定は予約商品と受注生産にだけ指定できます", "Only advance orders and goods made to order have a promise")
)

// SetInput sets how a variant is sold; simply from stock, if Kind is nil.
type SetInput struct {
	VariantID   uuid.UUID
	Kind        *Kind
	Total       *int
	PerCustomer *int
	ReleaseAt   *time.Time
	Promise     i18n.Text
	// Of samples alone.
	MinAmount      *decimal.Decimal // in the channel's currency
	WithProductID  *uuid.UUID
	WithCategoryID *uuid.UUID
}

// Validate checks the terms by themselves, at the moment.
func (in SetInput) Validate(now time.Time) error {
	if in.Kind == nil {
		return in.saysNothing()
	}
	comes := comes(*in.Kind)
	all := []error{in.asks(), inBounds("total", in.Total), inBounds("perCustomer", in.PerCustomer), in.Promise.Check("promise", maxPromise, comes)}
	if in.Total != nil && in.PerCustomer != nil && *in.PerCustomer > *in.Total {
		all = append(all, ErrOver.At("perCustomer"))
	}
	if *in.Kind == Limited && in.Total == nil && in.PerCustomer == nil {
		all = append(all, ErrNoLimit.At("total"))
	}
	if !comes && len(in.Promise) > 0 {
		all = append(all, ErrPromised.At("promise"))
	}
	if advance := *in.Kind == Advance; advance != (in.ReleaseAt != nil) || advance && !in.ReleaseAt.After(now) {
		all = append(all, ErrRelease.At("releaseAt"))
	}
	return errors.Join(all...)
}

// saysNothing fails if there are terms of no kind.
func (in SetInput) saysNothing() error {
	if in.Total != nil || in.PerCustomer != nil || in.ReleaseAt != nil || len(in.Promise) > 0 {
		return ErrNoTerms.At("kind")
	}
	return in.asks()
}

func inBounds(field string, limit *int) error {
	if limit != nil && (*limit < 1 || *limit > MaxPieces) {
		return ErrLimit.With(MaxPieces).At(field)
	}
	return nil
}

// Store keeps terms; everything joins the transaction of the context.
type Store interface {
	// Terms are those of the variants that are not over.
	Terms(ctx context.Context, variantIDs []uuid.UUID) ([]Terms, error)
	// Lock reads a variant's terms for changing, those that are over too; nil if it
	// never had any. known is false if the brand has no such variant.
	Lock(ctx context.Context, brandID, variantID uuid.UUID) (t *Terms, known bool, err error)
	// Known tells whether the brand has the product and the category; true for nil.
	Known(ctx context.Context, brandID uuid.UUID, product, category *uuid.UUID) (knowsProduct, knowsCategory bool, err error)
	// Save writes everything but what is sold.
	Save(ctx context.Context, t Terms) error
}

// Service answers and sets how variants are sold.
type Service struct{ Parts }

// Parts are what the service stands on.
type Parts struct {
	Tx interface {
		InTx(ctx context.Context, f func(context.Context) error) error
	}
	Store    Store
	SetStore SetStore
	Shown    interface { // told that the variant's availability may have changed
		Flipped(ctx context.Context, variantIDs []uuid.UUID) error
	}
	Events event.Recorder
	Now    clock.Clock
}

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// comes reports whether goods of the kind are sold before they are there.
func comes(k Kind) bool { return k == Advance || k == MadeToOrder }

// allowed fails if the variant cannot be sold so, or what a sample asks for is not known.
func (s *Service) allowed(ctx context.Context, in SetInput) error {
	if in.Kind != nil && *in.Kind != Limited {
		sets, err := s.SetStore.Sets(ctx, []uuid.UUID{in.VariantID})
		if err != nil {
			return err
		}
		if len(sets) > 0 {
			return ErrSetTerms.At("kind")
		}
	}
	if in.WithProductID == nil && in.WithCategoryID == nil {
		return nil
	}
	product, category, err := s.Store.Known(ctx, channel.From(ctx).BrandID, in.WithProductID, in.WithCategoryID)
	switch {
	case err != nil:
		return err
	case !product:
		return fault.ErrNotFound.At("withProductId")
	case !category:
		return fault.ErrNotFound.At("withCategoryId")
	}
	return nil
}

// Terms are those of the variants that are not over.
func (s *Service) Terms(ctx context.Context, variantIDs []uuid.UUID) ([]Terms, error) {
	return s.Store.Terms(ctx, variantIDs)
}

// Set sets how a variant is sold, for staff. What is sold already stays counted,
// even if a new limit is below it: then nothing more is sold.
func (s *Service) Set(ctx context.Context, in SetInput) (*Terms, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	now := s.Now()
	if err := in.Validate(now); err != nil {
		return nil, err
	}
	least, err := in.minAmount(ctx)
	if err != nil {
		return nil, err
	}
	var set *Terms
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		before, known, err := s.Store.Lock(ctx, brandID, in.VariantID)
		if err != nil {
			return err
		}
		if !known {
			return fault.ErrNotFound.At("variantId")
		}
		if err := s.allowed(ctx, in); err != nil {
			return err
		}
		set = &Terms{
			VariantID: in.VariantID, BrandID: brandID, Kind: in.Kind, Total: in.Total, PerCustomer: in.PerCustomer,
			ReleaseAt: in.ReleaseAt, Promise: in.Promise.OrNone(), CreatedAt: now, UpdatedAt: now,
			MinAmount: least, WithProduct: in.WithProductID, WithCategory: in.WithCategoryID,
		}
		if before != nil {
			set.Sold, set.CreatedAt = before.Sold, before.CreatedAt
		}
		return errors.Join(s.Store.Save(ctx, *set), s.Shown.Flipped(ctx, []uuid.UUID{in.VariantID}),
			s.Events.Record(ctx, event.New(ctx, now, "sale_terms.set", "Variant", in.VariantID, map[string]any{"before": before, "after": set})))
	})
	return set, err
}
