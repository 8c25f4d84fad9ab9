package catalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
)

// PublishInput shows a product in channels within a window. No job is needed for
// it to begin or end: lists compare the window with the clock.
type PublishInput struct {
	ID       uuid.UUID
	Version  *int
	Channels []string   // codes; the request's channel if empty
	From     *time.Time // now if nil
	Until    *time.Time // for good if nil
}

// Validate checks the window.
func (in PublishInput) Validate() error {
	if in.From != nil && in.Until != nil && !in.Until.After(*in.From) {
		return ErrWindow.At("until")
	}
	return checkCount("channels", len(in.Channels))
}

// Publish shows a product that has an active variant.
func (e *Editor) Publish(ctx context.Context, in PublishInput) (*Product, error) {
	return e.list(ctx, in, "product.published", true)
}

// Unpublish takes a product out of channels, keeping its window.
func (e *Editor) Unpublish(ctx context.Context, in PublishInput) (*Product, error) {
	return e.list(ctx, in, "product.unpublished", false)
}

func (e *Editor) list(ctx context.Context, in PublishInput, eventType string, published bool) (*Product, error) {
	var changed *Product
	err := e.write(ctx, in, func(ctx context.Context) (err error) {
		changed, err = e.change(ctx, in.ID, in.Version, eventType, func(ctx context.Context, p *Product) error {
			return e.relisted(ctx, p, in, published)
		})
		return err
	})
	return changed, err
}

func (e *Editor) relisted(ctx context.Context, p *Product, in PublishInput, published bool) error {
	if published {
		if err := e.publishable(ctx, p); err != nil {
			return err
		}
		p.Status = StatusActive
	}
	channels, err := e.channels(ctx, in.Channels)
	if err != nil {
		return err
	}
	listing := Listing{ProductID: p.ID, Published: published, PublishedAt: e.now(), RetiredAt: forever}
	set(&listing.PublishedAt, in.From)
	set(&listing.RetiredAt, in.Until)
	if !listing.RetiredAt.After(listing.PublishedAt) {
		return ErrWindow.At("until")
	}
	for _, c := range channels {
		listing.ChannelID = c
		if err := e.store.SaveListing(ctx, listing); err != nil {
			return err
		}
	}
	return nil
}

func (e *Editor) publishable(ctx context.Context, p *Product) error {
	if p.Status == StatusArchived {
		return ErrArchived
	}
	variants, err := e.store.AllVariants(ctx, p.ID)
	if err == nil && !slices.ContainsFunc(variants, func(v Variant) bool { return v.Active }) {
		err = ErrNoVariant
	}
	return err
}

func (e *Editor) channels(ctx context.Context, codes []string) ([]uuid.UUID, error) {
	c := channel.From(ctx)
	if len(codes) == 0 {
		return []uuid.UUID{c.ID}, nil
	}
	known, err := e.store.ChannelsByCode(ctx, c.BrandID, codes)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(codes))
	for i, code := range codes {
		key, ok := known[code]
		if !ok {
			return nil, ErrNoChannel.At(fmt.Sprintf("channels.%d", i))
		}
		ids[i] = key
	}
	return ids, nil
}
