package inventory

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// ErrReorder says that the bounds of reordering contradict each other.
var ErrReorder = fault.Invalid("REORDER_INVALID", "発注点と補充数は両方指定し、補充数は発注点より大きくしてください", "Give the reorder point and what to fill up to, the latter greater, or neither")

// Alert is a level that fell to its reorder point and is not above it again.
type Alert struct {
	ID       uuid.UUID
	BrandID  uuid.UUID
	OpenedAt time.Time
	Level
}

// GlobalID is the alert's id in the schema.
func (a Alert) GlobalID() string { return id.Global("StockAlert", a.ID) }

// Opened is an alert as its mail tells it.
type Opened struct {
	ID       uuid.UUID
	BrandID  uuid.UUID
	SKU      string
	Name     i18n.Text
	Location i18n.Text
	Level
}

// Ended is an alert whose level needs no more.
type Ended struct{ ID, BrandID uuid.UUID }

// SupplyStore keeps how stock is replenished; everything joins the transaction of
// the context.
type SupplyStore interface {
	InsertDelivery(ctx context.Context, d Delivery, lines []DeliveryLine) error
	// LockDelivery reads a delivery of the brand and locks it; nil if there is none.
	LockDelivery(ctx context.Context, brandID, deliveryID uuid.UUID) (*Delivery, error)
	SaveDelivery(ctx context.Context, d Delivery, lines []DeliveryLine) error
	Delivery(ctx context.Context, brandID, deliveryID uuid.UUID) (*Delivery, error)
	Deliveries(ctx context.Context, brandID uuid.UUID, f DeliveryFilter, args page.Args) (page.Connection[Delivery], error)
	DeliveryLines(ctx context.Context, deliveryIDs []uuid.UUID) ([]DeliveryLine, error)

	// Watch ends the alerts of levels that are above their reorder point again, makes
	// those of at most so many levels that are not any more, and gives what it made and ended.
	Watch(ctx context.Context, at time.Time, most int) ([]Opened, []Ended, error)
	Alerts(ctx context.Context, brandID uuid.UUID, at At, args page.Args) (page.Connection[Alert], error)
	// Keepers are the staff who keep stock.
	Keepers(ctx context.Context) ([]messaging.Address, error)
}

// Supply is how staff see to it that there is stock: what is announced, what is kept
// back, and when more is needed.
type Supply struct {
	*Keeper
	Supplies SupplyStore
	Outbox   messaging.Outbox
}

// Waiters are orders that wait for goods.
type Waiters interface {
	// ComesOtherwise says, in the transaction of the context, that goods come on another day
	// than was announced, or not at all.
	ComesOtherwise(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) error
}

// RulesInput is how a location keeps a variant.
type RulesInput struct {
	VariantID    uuid.UUID
	LocationID   uuid.UUID
	Safety       int
	ReorderPoint *int
	ReorderTo    *int
}

// Validate checks the rules by themselves.
func (in RulesInput) Validate() error {
	var all []error
	if in.Safety < 0 || in.Safety > maxPieces {
		all = append(all, ErrQuantity.With(0, maxPieces).At("safety"))
	}
	switch point, to := in.ReorderPoint, in.ReorderTo; {
	case point == nil && to == nil:
	case point == nil || to == nil, *point < 0, *to <= *point, *to > maxPieces:
		all = append(all, ErrReorder.At("reorderPoint"))
	}
	return errors.Join(all...)
}

// SetRules says what a location keeps back of a variant, and when it needs more.
func (s *Supply) SetRules(ctx context.Context, in RulesInput) (Level, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.LocationID); err != nil {
		return Level{}, err
	}
	if err := in.Validate(); err != nil {
		return Level{}, err
	}
	var level Level
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.known(ctx, StockInput{VariantID: in.VariantID, LocationID: in.LocationID}); err != nil {
			return err
		}
		before, err := s.Store.LockLevel(ctx, in.VariantID, in.LocationID)
		if err != nil {
			return err
		}
		level = before
		level.Safety, level.ReorderPoint, level.ReorderTo = in.Safety, in.ReorderPoint, in.ReorderTo
		if err := s.Store.SaveLevel(ctx, level); err != nil {
			return err
		}
		if level.Free() != before.Free() {
			if err := s.Shown.Flipped(ctx, []uuid.UUID{in.VariantID}); err != nil {
				return err
			}
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "stock.rules_set", "Stock", in.VariantID, map[string]any{"before": before, "after": level}))
	})
	return level, err
}

// Alerts are the levels that need more, the newest alert first, for staff; those of a shop see
// their own.
func (s *Supply) Alerts(ctx context.Context, locationID *uuid.UUID, args page.Args) (page.Connection[Alert], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Alert]{}, err
	}
	stores, narrowed := access.StoresOf(ctx)
	if narrowed && len(stores) == 0 {
		return page.Connection[Alert]{}, nil
	}
	return s.Supplies.Alerts(ctx, channel.From(ctx).BrandID, At{locationID, stores}, args)
}

// WatchJob is the regular job that looks for levels that need more.
type WatchJob struct{}

// Kind is the job's name in the queue.
func (WatchJob) Kind() string { return "stock_watch" }

// watchAtOnce bounds one mail of Watch.
const watchAtOnce = 200

// Watch opens and ends alerts, and mails the new ones to the staff who keep stock.
func (s *Supply) Watch(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	for {
		var opened []Opened
		err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			var ended []Ended
			if opened, ended, err = s.Supplies.Watch(ctx, s.Now(), watchAtOnce); err != nil {
				return err
			}
			if err := s.noticed(ctx, opened, ended); err != nil || len(opened) == 0 {
				return err
			}
			return s.tell(ctx, opened)
		})
		if err != nil || len(opened) < watchAtOnce {
			return err
		}
	}
}

// noticed writes down which alerts began and which ended.
func (s *Supply) noticed(ctx context.Context, opened []Opened, ended []Ended) error {
	all := make([]event.Event, 0, len(opened)+len(ended))
	note := func(what string, alertID, brandID uuid.UUID, data any) {
		e := event.New(ctx, s.Now(), what, "StockAlert", alertID, data)
		e.BrandID = brandID
		all = append(all, e)
	}
	for _, o := range opened {
		note("stock_alert.opened", o.ID, o.BrandID, map[string]any{"variantId": o.VariantID, "locationId": o.LocationID, "order": o.Short()})
	}
	for _, o := range ended {
		note("stock_alert.ended", o.ID, o.BrandID, map[string]any{})
	}
	return s.Events.Record(ctx, all...)
}

// tell mails what needs more.
func (s *Supply) tell(ctx context.Context, opened []Opened) error {
	keepers, err := s.Supplies.Keepers(ctx)
	if err != nil {
		return err
	}
	ctx = i18n.WithLanguage(ctx, i18n.Default)
	lines := make([]messaging.StockLine, len(opened))
	for i, o := range opened {
		lines[i] = messaging.StockLine{
			SKU: o.SKU, Name: o.Name.In(i18n.Default), Location: o.Location.In(i18n.Default), Left: o.Unreserved(), Incoming: o.Incoming, Order: o.Short(),
		}
	}
	occasion := id.New().String()
	mails := make([]messaging.Message, len(keepers))
	for i, to := range keepers {
		if mails[i], err = messaging.New(ctx, to, occasion+"/"+to.Email, messaging.StockLow{Name: to.Name, Lines: lines}); err != nil {
			return err
		}
	}
	return s.Outbox.Enqueue(ctx, mails...)
}
