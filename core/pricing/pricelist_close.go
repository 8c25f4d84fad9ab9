package pricing

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/scope"
)

// CloseListInput names the list to close.
type CloseListInput struct{ ID uuid.UUID }

// Close takes a list out of use; its prices stay to be read. One that a channel
// sells by cannot be closed.
func (s *Lists) Close(ctx context.Context, in CloseListInput) (*List, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	return s.change(ctx, &in.ID, "price_list.closed", func(l *List, _ bool) error {
		if len(l.Channels) > 0 {
			return ErrListUsed.With(strings.Join(l.Channels, ", ")).At("id")
		}
		if l.ClosedAt == nil {
			now := s.now()
			l.ClosedAt = &now
		}
		return nil
	})
}

// statedList is a list as events tell it: embedded alone it would hide whom it is for.
type statedList struct {
	List
	Audience *scope.Audience
}

func stateList(l *List) any {
	if l == nil {
		return nil
	}
	return statedList{*l, l.For()}
}

// change lets f act on the list with the id, or on a new one, and writes it down.
func (s *Lists) change(ctx context.Context, listID *uuid.UUID, eventType string, f func(l *List, known bool) error) (*List, error) {
	var saved *List
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		l, before := &List{ID: id.New(), BrandID: brandID, Window: scope.Always, Channels: []string{}, CreatedAt: s.now()}, (*List)(nil)
		if listID != nil {
			found, err := s.store.LockPriceList(ctx, brandID, *listID)
			if err != nil {
				return err
			}
			if found == nil {
				return fault.ErrNotFound.At("id")
			}
			was := *found
			l, before = found, &was
		}
		if err := f(l, before != nil); err != nil {
			return err
		}
		saved = l
		if err := s.store.SavePriceList(ctx, *l); err != nil {
			return err
		}
		if err := schedule(ctx, s.turns, l.Window, s.now()); err != nil {
			return err
		}
		data := map[string]any{"before": stateList(before), "after": stateList(l)}
		return s.events.Record(ctx, event.New(ctx, s.now(), eventType, "PriceList", l.ID, data))
	})
	return saved, err
}

// ClosePriceInput ends a price.
type ClosePriceInput struct {
	ID uuid.UUID
	At *time.Time // now if nil; not before
}

// ClosePrice ends one price, now or at a moment to come. One that would not have
// begun by then is withdrawn: it never held, and the event keeps it. What is over
// stays as it is.
func (s *Lists) ClosePrice(ctx context.Context, in ClosePriceInput) (*Row, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	now := s.now()
	at := now
	if in.At != nil {
		if in.At.Before(now) {
			return nil, ErrEnd.At("at")
		}
		at = *in.At
	}
	var closed *Row
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		row, err := s.store.LockPriceRow(ctx, channel.From(ctx).BrandID, in.ID)
		switch {
		case err != nil:
			return err
		case row == nil:
			return fault.ErrNotFound.At("id")
		}
		closed = row
		if !row.ValidUntil.After(at) {
			return nil
		}
		before := *row
		if row.ValidUntil = at; row.ValidFrom.After(at) {
			row.ValidUntil = row.ValidFrom // it never held
		}
		return errors.Join(
			s.store.EndPrice(ctx, channel.From(ctx).BrandID, row.ID, at),
			s.shelves.Relist(ctx, now, row.ProductID),
			schedule(ctx, s.turns, scope.Window{From: scope.Beginning, Until: at}, now),
			s.events.Record(ctx, event.New(ctx, now, "price.closed", "Price", row.ID, map[string]any{"before": before, "after": row})),
		)
	})
	return closed, err
}

// ErrEnd says that a price would end before it is told to.
var ErrEnd = fault.Invalid("WINDOW_INVALID", "終了日時は現在より後にしてください", "The end must not lie in the past")
