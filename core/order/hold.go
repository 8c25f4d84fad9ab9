package order

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/shipping"
)

// HoldReason is why an order may not leave.
type HoldReason string

// The reasons to hold an order.
const (
	HoldFraud   HoldReason = "FRAUD"   // it may not be the customer who ordered
	HoldCredit  HoldReason = "CREDIT"  // the customer may not be able to pay
	HoldAddress HoldReason = "ADDRESS" // the address must be asked for
	HoldStock   HoldReason = "STOCK"   // the goods must be looked at
	HoldOther   HoldReason = "OTHER"
)

// ErrHeld says that the order is held.
var ErrHeld = fault.Conflict("ORDER_HELD", "この注文は保留中です", "The order is held")

// HeldBecause is why the order may not leave; nil if it may.
func (o Order) HeldBecause() *HoldReason {
	if o.Held == "" {
		return nil
	}
	return &o.Held
}

// HoldInput keeps an order from leaving.
type HoldInput struct {
	OrderID uuid.UUID
	Reason  HoldReason
	Note    string
}

// Hold keeps an order from leaving until it is released, for staff (出荷保留).
func (s *Service) Hold(ctx context.Context, in HoldInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if err := short("note", in.Note, maxReason); err != nil {
		return nil, err
	}
	return s.change(ctx, in.OrderID, "order.held", func(_ context.Context, o *Order, c *Change) error {
		if slices.Contains([]Status{Shipped, Delivered, Cancelled}, o.Status) {
			return ErrTransition.With(o.Status)
		}
		o.Held, o.HeldNote, c.Note = in.Reason, in.Note, strings.TrimSpace(string(in.Reason)+" "+in.Note)
		return nil
	})
}

// ReleaseHoldInput names an order that is held.
type ReleaseHoldInput struct{ OrderID uuid.UUID }

// ReleaseHold lets an order leave again, for staff. If it should have left meanwhile its
// customer is told another day.
func (s *Service) ReleaseHold(ctx context.Context, in ReleaseHoldInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	return s.change(ctx, in.OrderID, "order.released", func(ctx context.Context, o *Order, _ *Change) error {
		if o.Held, o.HeldNote = "", ""; !o.broken(shipping.DayOf(s.today(ctx))) {
			return nil
		}
		return s.promiseAnew(ctx, o, becauseHeld)
	})
}

// TagInput replaces the tags of an order.
type TagInput struct {
	OrderID uuid.UUID
	Tags    []string
}

// Bounds on tags.
const (
	maxTags = 20
	maxTag  = 40
)

var errTags = fault.Invalid("TAGS_INVALID", "タグは20個まで、それぞれ1〜40文字で指定してください", "An order has at most 20 tags, each of 1 to 40 characters")

// Tag replaces what staff know an order by; orders can be listed by a tag.
func (s *Service) Tag(ctx context.Context, in TagInput) (*Order, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	tags := make([]string, 0, len(in.Tags))
	for _, t := range in.Tags {
		t = strings.TrimSpace(t)
		if t == "" || short("tags", t, maxTag) != nil {
			return nil, errTags.At("tags")
		}
		tags = append(tags, t)
	}
	slices.Sort(tags)
	if tags = slices.Compact(tags); len(tags) > maxTags {
		return nil, errTags.At("tags")
	}
	return s.change(ctx, in.OrderID, "order.tagged", func(ctx context.Context, o *Order, c *Change) error {
		o.Tags, c.Tags = tags, tags
		return s.store.SaveTags(ctx, *o)
	})
}
