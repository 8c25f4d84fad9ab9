package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// ExpireJob is the regular job that sets lots apart that may not leave any more, and warns
// of those that will not for long.
type ExpireJob struct{}

// Kind is the job's name in the queue.
func (ExpireJob) Kind() string { return "lots_expire" }

// Expire sets apart what may not leave any more today, so that nobody is promised it, and
// warns of what will soon not.
func (b *Lots) Expire(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	for {
		done := false
		if err := b.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			done, err = b.expire(ctx)
			return err
		}); err != nil {
			return err
		}
		if done {
			return b.warn(ctx)
		}
	}
}

// expire sets apart what may not leave, for one brand; done if there is nothing left.
func (b *Lots) expire(ctx context.Context) (done bool, err error) {
	unfit, err := b.Store.Unfit(ctx, dayAt(ctx, b.Now()), watchAtOnce)
	if err != nil || len(unfit) == 0 {
		return true, err
	}
	ctx = channel.With(ctx, channel.Channel{BrandID: unfit[0].BrandID})
	lots := make([]uuid.UUID, len(unfit))
	events := make([]event.Event, len(unfit))
	for i, l := range unfit {
		lots[i] = l.ID
		events[i] = event.New(ctx, b.Now(), "lot.expired", "StockLot", l.ID, map[string]any{"locationId": l.LocationID, "expiresOn": l.ExpiresOn, "quantity": l.Available})
	}
	moved, err := b.sortLots(ctx, lots, false)
	if err != nil {
		return false, err
	}
	return moved == 0, b.Events.Record(ctx, events...)
}

// warn mails what will soon stop leaving to the staff who keep stock, once.
func (b *Lots) warn(ctx context.Context) error {
	for {
		var soon []Expiring
		if err := b.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			now := b.Now()
			if soon, err = b.Store.Warn(ctx, dayAt(ctx, now), now, watchAtOnce); err != nil || len(soon) == 0 {
				return err
			}
			return b.tell(channel.With(ctx, channel.Channel{BrandID: soon[0].BrandID}), soon)
		}); err != nil || len(soon) == 0 {
			return err
		}
	}
}

func (b *Lots) tell(ctx context.Context, soon []Expiring) error {
	keepers, err := b.Store.Keepers(ctx)
	if err != nil {
		return err
	}
	ctx = i18n.WithLanguage(ctx, i18n.Default)
	lines := make([]messaging.LotLine, len(soon))
	for i, e := range soon {
		lines[i] = messaging.LotLine{
			SKU: e.SKU, Name: e.Name.In(i18n.Default), Location: e.Location.In(i18n.Default), Lot: e.Number, ExpiresOn: e.ExpiresOn.Format(time.DateOnly), Pieces: e.Pieces,
		}
	}
	occasion := id.New().String()
	mails := make([]messaging.Message, len(keepers))
	for i, to := range keepers {
		if mails[i], err = messaging.New(ctx, to, occasion+"/"+to.Email, messaging.LotsExpiring{Name: to.Name, Lines: lines}); err != nil {
			return err
		}
	}
	return b.Outbox.Enqueue(ctx, mails...)
}
