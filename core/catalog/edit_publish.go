package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
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

// PriceRow is one price of a variant in a price list, in minor units.
type PriceRow struct {
	VariantID   uuid.UUID
	MinQuantity int
	ValidFrom   time.Time
	ValidUntil  time.Time
	Amount      int64
	CompareAt   *int64
}

// PriceInput is one price as staff write it, in major units.
type PriceInput struct {
	VariantID   uuid.UUID
	MinQuantity *int // 1 if nil
	Amount      decimal.Decimal
	CompareAt   *decimal.Decimal // crossed out beside it
	ValidFrom   *time.Time
	ValidUntil  *time.Time
}

// SetPricesInput sets prices in a price list, all or none.
type SetPricesInput struct {
	PriceList string // code; the channel's list if empty
	Prices    []PriceInput
}

// Validate checks quantities and windows.
func (in SetPricesInput) Validate() error {
	all := []error{}
	if len(in.Prices) == 0 {
		all = append(all, fault.ErrRequired.At("prices"))
	}
	if len(in.Prices) > 1000 {
		all = append(all, ErrTooMany.With(1000).At("prices"))
	}
	for i, p := range in.Prices {
		field := fmt.Sprintf("prices.%d", i)
		if p.MinQuantity != nil && (*p.MinQuantity < 1 || *p.MinQuantity > 99_999) {
			all = append(all, fault.Invalid(fault.CodeInvalid, "数量は1〜99999で指定してください", "The quantity is 1 to 99,999").At(field+".minQuantity"))
		}
		if p.ValidFrom != nil && p.ValidUntil != nil && !p.ValidUntil.After(*p.ValidFrom) {
			all = append(all, ErrWindow.At(field+".validUntil"))
		}
	}
	return errors.Join(all...)
}

// SetPrices writes prices; one for the same variant, quantity and beginning
// replaces the one before. It answers the products whose prices changed.
func (e *Editor) SetPrices(ctx context.Context, in SetPricesInput) ([]uuid.UUID, error) {
	if err := errors.Join(access.Require(ctx, access.PricingWrite), in.Validate()); err != nil {
		return nil, err
	}
	var products []uuid.UUID
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		listID, currency, err := e.priceList(ctx, in.PriceList)
		if err != nil {
			return err
		}
		ids := make([]uuid.UUID, len(in.Prices))
		for i, p := range in.Prices {
			ids[i] = p.VariantID
		}
		owners, err := e.store.VariantOwners(ctx, brandID, ids)
		if err != nil {
			return err
		}
		rows, err := priceRows(in.Prices, owners, currency)
		if err != nil {
			return err
		}
		products = products[:0]
		for _, owner := range owners {
			if !slices.Contains(products, owner) {
				products = append(products, owner)
			}
		}
		slices.SortFunc(products, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
		return errors.Join(
			e.store.SavePrices(ctx, listID, rows),
			e.store.Relist(ctx, e.now(), products...),
			e.record(ctx, "prices.set", "PriceList", listID, nil, rows),
		)
	})
	return products, err
}

func (e *Editor) priceList(ctx context.Context, code string) (uuid.UUID, money.Currency, error) {
	c := channel.From(ctx)
	if code == "" {
		return c.PriceListID, money.Currency(c.Currency), nil
	}
	listID, currency, err := e.store.PriceList(ctx, c.BrandID, code)
	if err == nil && listID == uuid.Nil {
		err = fault.ErrNotFound.At("priceList")
	}
	return listID, currency, err
}

func priceRows(in []PriceInput, owners map[uuid.UUID]uuid.UUID, currency money.Currency) ([]PriceRow, error) {
	var all []error
	rows := make([]PriceRow, len(in))
	for i, p := range in {
		field := fmt.Sprintf("prices.%d", i)
		if _, ok := owners[p.VariantID]; !ok {
			all = append(all, fault.ErrNotFound.At(field+".variantId"))
		}
		row := PriceRow{VariantID: p.VariantID, MinQuantity: 1, ValidFrom: beginning, ValidUntil: forever}
		set(&row.MinQuantity, p.MinQuantity)
		set(&row.ValidFrom, p.ValidFrom)
		set(&row.ValidUntil, p.ValidUntil)
		price, err := money.Parse(p.Amount, currency)
		if err != nil || price.Minor < 0 {
			all = append(all, ErrPrice.At(field+".amount"))
		}
		row.Amount = price.Minor
		if p.CompareAt != nil {
			before, err := money.Parse(*p.CompareAt, currency)
			if err != nil || before.Minor < 0 {
				all = append(all, ErrPrice.At(field+".compareAt"))
			}
			row.CompareAt = &before.Minor
		}
		rows[i] = row
	}
	return rows, errors.Join(all...)
}
