package wishlist

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// SaveWishInput puts a variant into a list, or changes what is said of it there; nil
// leaves a value as it is.
type SaveWishInput struct {
	ListID    *uuid.UUID // the member's first list, if nil; it is made if there is none
	VariantID uuid.UUID
	Quantity  *int
	Note      *string
	Notify    *bool
}

// SaveWish puts a variant into one of the actor's lists. A list holds a variant once.
func (s *Service) SaveWish(ctx context.Context, in SaveWishInput) (*List, error) {
	if in.Quantity != nil && (*in.Quantity < 1 || *in.Quantity > maxPieces) {
		return nil, ErrQuantity.At("quantity")
	}
	visible, err := s.Sold.Visible(ctx, in.VariantID)
	if err != nil {
		return nil, err
	}
	if !visible {
		return nil, ErrUnknownVariant.At("variantId")
	}
	return s.changeWishes(ctx, in.ListID, "wish.saved", func(ctx context.Context, l List, wishes []Wish, at time.Time) error {
		w, err := in.wish(ctx, l, wishes, at)
		if err != nil {
			return err
		}
		if w.Notify && w.Price == nil {
			if err := s.look(ctx, &w); err != nil {
				return err
			}
		}
		return s.Store.SaveWish(ctx, w)
	})
}

// wish is the wish after the change.
func (in SaveWishInput) wish(ctx context.Context, l List, wishes []Wish, at time.Time) (w Wish, err error) {
	if found := slices.IndexFunc(wishes, func(w Wish) bool { return w.VariantID == in.VariantID }); found >= 0 {
		w = wishes[found]
	} else if len(wishes) >= MaxWishes {
		return w, ErrTooManyWishes
	} else {
		w = Wish{ID: id.New(), ListID: l.ID, VariantID: in.VariantID, Quantity: 1, AddedAt: at}
	}
	w.ChannelID, w.Language = channel.From(ctx).ID, i18n.Language(ctx)
	if in.Quantity != nil {
		w.Quantity = *in.Quantity
	}
	if in.Notify != nil {
		if w.Notify = *in.Notify; !w.Notify {
			w.Price, w.SoldOut = nil, nil
		}
	}
	if in.Note != nil {
		w.Note, err = short("note", *in.Note, maxNote)
	}
	return w, err
}

// RemoveWish takes a variant out of one of the actor's lists.
func (s *Service) RemoveWish(ctx context.Context, in RemoveInput) (*List, error) {
	var changed *List
	err := s.own(ctx, func(ctx context.Context, lists []List, at time.Time) error {
		ids := make([]uuid.UUID, len(lists))
		for i, l := range lists {
			ids[i] = l.ID
		}
		wishes, err := s.Store.Wishes(ctx, ids)
		if err != nil {
			return err
		}
		found := slices.IndexFunc(wishes, func(w Wish) bool { return w.ID == in.ID })
		if found < 0 {
			return fault.ErrNotFound.At("id")
		}
		changed = &lists[slices.Index(ids, wishes[found].ListID)]
		return s.touched(ctx, changed, "wish.removed", at, func() error { return s.Store.RemoveWish(ctx, in.ID) })
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// changeWishes changes what one of the actor's lists holds.
func (s *Service) changeWishes(ctx context.Context, key *uuid.UUID, kind string, f func(ctx context.Context, l List, wishes []Wish, at time.Time) error) (*List, error) {
	var l List
	err := s.own(ctx, func(ctx context.Context, lists []List, at time.Time) (err error) {
		if key == nil && len(lists) > 0 {
			key = &lists[0].ID
		}
		if l, err = s.listOf(ctx, lists, key, at); err != nil {
			return err
		}
		if l.Name == "" {
			l.Name = defaultName.In(i18n.Language(ctx))
		}
		wishes, err := s.Store.Wishes(ctx, []uuid.UUID{l.ID})
		if err != nil {
			return err
		}
		return s.touched(ctx, &l, kind, at, func() error { return f(ctx, l, wishes, at) })
	})
	if err != nil {
		return nil, err
	}
	return &l, nil
}

// touched saves the list, does what changes it, and records that.
func (s *Service) touched(ctx context.Context, l *List, kind string, at time.Time, change func() error) error {
	l.UpdatedAt = at
	if err := s.Store.SaveList(ctx, *l); err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	return s.Events.Record(ctx, event.New(ctx, at, kind, "WishList", l.ID, nil))
}

// ViewInput names a product that was looked at.
type ViewInput struct{ ProductID uuid.UUID }

// View notes that the actor looked at a product: once, the last time.
func (s *Service) View(ctx context.Context, in ViewInput) error {
	known, err := s.Store.View(ctx, access.From(ctx).ID, channel.From(ctx), in.ProductID, MaxViews, s.Now())
	if err == nil && !known {
		err = fault.ErrNotFound.At("productId")
	}
	return err
}

// Viewed are the products that the actor looked at, the newest first.
func (s *Service) Viewed(ctx context.Context, most int) ([]uuid.UUID, error) {
	return s.Store.Viewed(ctx, channel.From(ctx).BrandID, access.From(ctx).ID, min(max(most, 0), MaxViews))
}
