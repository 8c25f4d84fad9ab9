package display

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

// ShelfStore writes badges, pins, orders and sold-out policies.
type ShelfStore interface {
	Badges(ctx context.Context, brandID uuid.UUID) ([]Badge, error)
	SaveBadge(ctx context.Context, b Badge) error
	// LockShelf reads the open pins of a category, one writer at a time; known is
	// false if the brand has no such category.
	LockShelf(ctx context.Context, brandID, categoryID uuid.UUID) (pins []Pin, known bool, err error)
	// OnShelf reports whether the product stands in the category or below it.
	OnShelf(ctx context.Context, categoryID, productID uuid.UUID) (bool, error)
	LockPin(ctx context.Context, brandID, pinID uuid.UUID) (*Pin, error)
	SavePin(ctx context.Context, p Pin) error
	SaveSort(ctx context.Context, brandID uuid.UUID, s ShelfSort) error
	Policies(ctx context.Context, brandID uuid.UUID) ([]Policy, error)
	// SavePolicy writes the policy, or removes it if it says nothing, and restates
	// the listings of the brand.
	SavePolicy(ctx context.Context, p Policy) error
}

// write runs f in a transaction for an actor who may decide display.
func (e *Editor) write(ctx context.Context, invalid error, f func(ctx context.Context) error) error {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return err
	}
	if invalid != nil {
		return invalid
	}
	return e.Tx.InTx(ctx, f)
}

// PinInput holds a product at a position of a category's page.
type PinInput struct {
	CategoryID uuid.UUID
	ProductID  uuid.UUID
	Position   int
	Channel    *string // code; every channel if nil
	ValidFrom  *time.Time
	ValidUntil *time.Time
}

// Pin holds a product at a position, where none is held and the product is not.
func (e *Editor) Pin(ctx context.Context, in PinInput) (*Pin, error) {
	p := Pin{CategoryID: in.CategoryID, ProductID: in.ProductID, Position: in.Position, Window: scope.NewWindow(in.ValidFrom, in.ValidUntil)}
	invalid := p.Validate()
	if in.Position < 1 || in.Position > 100 {
		invalid = errors.Join(invalid, ErrPinPosition.At("position"))
	}
	err := e.write(ctx, invalid, func(ctx context.Context) error {
		p.ID, p.BrandID, p.CreatedAt = id.New(), channel.From(ctx).BrandID, e.Now()
		pins, known, err := e.Store.LockShelf(ctx, p.BrandID, p.CategoryID)
		if err != nil {
			return err
		}
		if !known {
			return ErrNoCategory.At("categoryId")
		}
		if p.ChannelID, err = e.channel(ctx, in.Channel); err != nil {
			return err
		}
		p.Channel = in.Channel
		if err := e.pinnable(ctx, p, pins); err != nil {
			return err
		}
		return errors.Join(e.Store.SavePin(ctx, p), e.record(ctx, "category.pinned", "CategoryPin", p.ID, nil, p))
	})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

func (e *Editor) pinnable(ctx context.Context, p Pin, pins []Pin) error {
	known, err := e.Store.KnowsTarget(ctx, p.BrandID, scope.Target{Kind: scope.Product, ID: p.ProductID})
	if err != nil {
		return err
	}
	if !known {
		return ErrNoTarget.At("productId")
	}
	there, err := e.Store.OnShelf(ctx, p.CategoryID, p.ProductID)
	if err != nil {
		return err
	}
	if !there {
		return ErrNotOnShelf.At("productId")
	}
	for _, o := range pins {
		if !o.meets(p) {
			continue
		}
		if o.Position == p.Position {
			return ErrPinTaken.At("position")
		}
		if o.ProductID == p.ProductID {
			return ErrPinTaken.At("productId")
		}
	}
	return nil
}

// meets reports whether both pins hold at some moment in the same choice of channels.
func (p Pin) meets(o Pin) bool {
	same := p.ChannelID == nil && o.ChannelID == nil || p.ChannelID != nil && o.ChannelID != nil && *p.ChannelID == *o.ChannelID
	return same && p.From.Before(o.Until) && o.From.Before(p.Until)
}

// Unpin lets a product go.
func (e *Editor) Unpin(ctx context.Context, in CloseInput) (*Pin, error) {
	var closed *Pin
	err := e.write(ctx, nil, func(ctx context.Context) error {
		p, err := e.Store.LockPin(ctx, channel.From(ctx).BrandID, in.ID)
		switch {
		case err != nil:
			return err
		case p == nil:
			return fault.ErrNotFound.At("id")
		case p.ClosedAt != nil:
			return ErrClosed.At("id")
		}
		before, now := *p, e.Now()
		p.ClosedAt, closed = &now, p
		return errors.Join(e.Store.SavePin(ctx, *p), e.record(ctx, "category.unpinned", "CategoryPin", p.ID, before, p))
	})
	return closed, err
}

// SortInput sets the order of a category's page.
type SortInput struct {
	CategoryID uuid.UUID
	Sort       *string // a catalog.Sort; none of its own if nil
}

// sorts are the orders that a category can stand in by itself.
var sorts = []string{"NEWEST", "PRICE_ASC", "PRICE_DESC", "NAME"}

// SetSort sets the order in which a category's page stands, and those below it that
// have none of their own.
func (e *Editor) SetSort(ctx context.Context, in SortInput) (uuid.UUID, error) {
	s := ShelfSort{CategoryID: in.CategoryID}
	var invalid error
	if in.Sort != nil {
		if s.Sort = *in.Sort; !slices.Contains(sorts, s.Sort) {
			invalid = ErrSort.At("sort")
		}
	}
	return in.CategoryID, e.write(ctx, invalid, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		_, known, err := e.Store.LockShelf(ctx, brandID, in.CategoryID)
		if err != nil {
			return err
		}
		if !known {
			return ErrNoCategory.At("categoryId")
		}
		book, err := e.Store.Book(ctx, brandID)
		if err != nil {
			return err
		}
		var before *ShelfSort
		for i := range book.Sorts {
			if book.Sorts[i].CategoryID == in.CategoryID {
				before = &book.Sorts[i]
			}
		}
		return errors.Join(e.Store.SaveSort(ctx, brandID, s), e.record(ctx, "category.sorted", "Category", in.CategoryID, before, s))
	})
}

// Pins are the open pins of a category, by position.
func (e *Editor) Pins(ctx context.Context, categoryID uuid.UUID) ([]Pin, error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	book, err := e.Store.Book(ctx, channel.From(ctx).BrandID)
	if err != nil {
		return nil, err
	}
	pins := []Pin{}
	for _, p := range book.Pins {
		if p.CategoryID == categoryID && p.ClosedAt == nil {
			pins = append(pins, p)
		}
	}
	slices.SortFunc(pins, func(a, b Pin) int { return a.Position - b.Position })
	return pins, nil
}

var codes = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,49}$`)

// SaveBadgeInput makes a badge, or replaces the one with the id.
type SaveBadgeInput struct {
	ID         *uuid.UUID
	Code       string
	Kind       BadgeKind
	Label      i18n.Text
	Target     *scope.TargetInput // all goods if nil
	Channel    *string
	ValidFrom  *time.Time
	ValidUntil *time.Time
	Days       *int // for NEW
	Position   int
}

func (in SaveBadgeInput) badge() (Badge, error) {
	b := Badge{Code: in.Code, Kind: in.Kind, Label: in.Label, Target: in.Target.Target(), Window: scope.NewWindow(in.ValidFrom, in.ValidUntil), Days: in.Days, Position: in.Position}
	all := []error{b.Target.Validate(), b.Window.Validate()}
	if !codes.MatchString(in.Code) {
		all = append(all, ErrCode.At("code"))
	}
	if in.Label[i18n.Default] == "" {
		all = append(all, fault.ErrRequired.At("label"))
	}
	for _, text := range in.Label {
		if utf8.RuneCountInString(text) > maxName {
			all = append(all, ErrName.At("label"))
		}
	}
	if (in.Kind == BadgeNew) != (in.Days != nil) || in.Days != nil && (*in.Days < 1 || *in.Days > 365) {
		all = append(all, ErrDays.At("days"))
	}
	if b.Target.Kind == scope.Variant {
		all = append(all, ErrBadgeTarget.At("target"))
	}
	return b, errors.Join(all...)
}

// SaveBadge makes or replaces a badge. Definitions may share a code: NEW for one
// category shows longer than for all.
func (e *Editor) SaveBadge(ctx context.Context, in SaveBadgeInput) (*Badge, error) {
	b, invalid := in.badge()
	err := e.write(ctx, invalid, func(ctx context.Context) error {
		b.ID, b.BrandID, b.CreatedAt = id.New(), channel.From(ctx).BrandID, e.Now()
		before, err := e.badge(ctx, in.ID)
		if err != nil {
			return err
		}
		if before != nil {
			b.ID, b.CreatedAt = before.ID, before.CreatedAt
		}
		if err := e.known(ctx, nil, b.Target); err != nil {
			return err
		}
		if b.ChannelID, err = e.channel(ctx, in.Channel); err != nil {
			return err
		}
		b.Channel = in.Channel
		return errors.Join(e.Store.SaveBadge(ctx, b), e.record(ctx, "badge.saved", "Badge", b.ID, before, b))
	})
	if err != nil {
		return nil, err
	}
	return &b, nil
}

// CloseBadge takes a badge off for good.
func (e *Editor) CloseBadge(ctx context.Context, in CloseInput) (*Badge, error) {
	var closed *Badge
	err := e.write(ctx, nil, func(ctx context.Context) error {
		b, err := e.badge(ctx, &in.ID)
		if err != nil {
			return err
		}
		before, now := *b, e.Now()
		b.ClosedAt, closed = &now, b
		return errors.Join(e.Store.SaveBadge(ctx, *b), e.record(ctx, "badge.closed", "Badge", b.ID, before, b))
	})
	return closed, err
}

// badge is the open badge with the id; nil without one.
func (e *Editor) badge(ctx context.Context, badgeID *uuid.UUID) (*Badge, error) {
	if badgeID == nil {
		return nil, nil
	}
	all, err := e.Store.Badges(ctx, channel.From(ctx).BrandID)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].ID == *badgeID {
			return &all[i], nil
		}
	}
	return nil, fault.ErrNotFound.At("id")
}

// Badges are the brand's open badges.
func (e *Editor) Badges(ctx context.Context) ([]Badge, error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	return e.Store.Badges(ctx, channel.From(ctx).BrandID)
}
