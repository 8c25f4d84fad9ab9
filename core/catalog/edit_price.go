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
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// PriceBooks know what a list of prices may hold, and which is a customer's own.
type PriceBooks interface {
	// Allow refuses prices of the list that are below the lowest allowed ones.
	Allow(ctx context.Context, listID uuid.UUID, prices []pricing.Price) error
	// CustomerList is the list of a customer's own prices, made if there is none.
	CustomerList(ctx context.Context, customer scope.Audience) (*pricing.List, error)
	// Await asks that lists and caches be brought in step when the windows turn.
	Await(ctx context.Context, prices []pricing.Price) error
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
	if err := errors.Join(access.RequireEverywhere(ctx, access.PricingWrite), in.Validate()); err != nil {
		return nil, err
	}
	var products []uuid.UUID
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		listID, currency, err := e.priceList(ctx, in.PriceList)
		if err == nil {
			products, err = e.setPrices(ctx, listID, currency, in.Prices)
		}
		return err
	})
	return products, err
}

// SetCustomerPricesInput sets a customer's own prices, all or none.
type SetCustomerPricesInput struct {
	CustomerID string // the global id of a member or a company
	Prices     []PriceInput
}

// SetCustomerPrices writes a customer's own prices (特価) like SetPrices. The list that
// holds them is made with the first.
func (e *Editor) SetCustomerPrices(ctx context.Context, in SetCustomerPricesInput) ([]uuid.UUID, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PricingWrite), SetPricesInput{Prices: in.Prices}.Validate()); err != nil {
		return nil, err
	}
	customer, ok := scope.Customer(in.CustomerID)
	if !ok || e.prices == nil {
		return nil, fault.ErrNotFound.At("customerId")
	}
	var products []uuid.UUID
	err := e.tx.InTx(ctx, func(ctx context.Context) error {
		list, err := e.prices.CustomerList(ctx, customer)
		if err == nil {
			products, err = e.setPrices(ctx, list.ID, list.Currency, in.Prices)
		}
		return err
	})
	return products, err
}

func (e *Editor) setPrices(ctx context.Context, listID uuid.UUID, currency money.Currency, in []PriceInput) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(in))
	for i, p := range in {
		ids[i] = p.VariantID
	}
	owners, err := e.store.VariantOwners(ctx, channel.From(ctx).BrandID, ids)
	if err != nil {
		return nil, err
	}
	rows, err := priceRows(in, owners, currency)
	if err != nil {
		return nil, err
	}
	var products []uuid.UUID
	for _, owner := range owners {
		if !slices.Contains(products, owner) {
			products = append(products, owner)
		}
	}
	slices.SortFunc(products, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	if err := e.allow(ctx, listID, rows); err != nil {
		return nil, err
	}
	return products, errors.Join(
		e.store.SavePrices(ctx, listID, rows),
		e.store.Relist(ctx, e.now(), products...),
		e.record(ctx, "prices.set", "PriceList", listID, nil, rows),
	)
}

// allow holds prices against what their list may have, and has their windows awaited.
func (e *Editor) allow(ctx context.Context, listID uuid.UUID, rows []PriceRow) error {
	if e.prices == nil {
		return nil
	}
	prices := make([]pricing.Price, len(rows))
	for i, r := range rows {
		prices[i] = pricing.Price{ListID: listID, VariantID: r.VariantID, MinQuantity: r.MinQuantity, ValidFrom: r.ValidFrom, ValidUntil: r.ValidUntil, Amount: r.Amount}
	}
	if err := e.prices.Allow(ctx, listID, prices); err != nil {
		return err
	}
	return e.prices.Await(ctx, prices)
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
