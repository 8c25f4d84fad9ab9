package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// EditStore writes the catalog. Everything joins the transaction of the context;
// a slug, SKU or code that is taken is ErrSlugTaken or ErrSKUTaken.
type EditStore interface {
	// LockProduct reads a product of the brand for changing; nil if there is none.
	LockProduct(ctx context.Context, brandID, productID uuid.UUID) (*Product, error)
	SaveProduct(ctx context.Context, p Product) error
	SetCategories(ctx context.Context, productID uuid.UUID, categoryIDs []uuid.UUID) error
	SetAttributes(ctx context.Context, productID uuid.UUID, values []AttributeValue) error
	// AllVariants are the product's variants, inactive ones included.
	AllVariants(ctx context.Context, productID uuid.UUID) ([]Variant, error)
	SaveVariants(ctx context.Context, variants []Variant) error
	// TakenSKUs are those of the SKUs that the brand has already.
	TakenSKUs(ctx context.Context, brandID uuid.UUID, skus []string) ([]string, error)
	VariantOwners(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) (map[uuid.UUID]uuid.UUID, error)
	ChannelsByCode(ctx context.Context, brandID uuid.UUID, codes []string) (map[string]uuid.UUID, error)
	SaveListing(ctx context.Context, l Listing) error
	// Relist copies prices and stock of the products into their listings.
	Relist(ctx context.Context, at time.Time, productIDs ...uuid.UUID) error

	PriceList(ctx context.Context, brandID uuid.UUID, code string) (listID uuid.UUID, currency money.Currency, err error)
	SavePrices(ctx context.Context, listID uuid.UUID, prices []PriceRow) error

	Categories(ctx context.Context, brandID uuid.UUID) ([]Category, error)
	LockCategories(ctx context.Context, brandID uuid.UUID) error
	SaveCategory(ctx context.Context, c Category) error
	DeleteCategory(ctx context.Context, brandID, categoryID uuid.UUID) (bool, error)
	ProductsBelow(ctx context.Context, categoryIDs []uuid.UUID) ([]uuid.UUID, error)
	BrandsByID(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]ProductBrand, error)
	SaveBrand(ctx context.Context, b ProductBrand) error
	ProductsOfBrand(ctx context.Context, productBrandID uuid.UUID) ([]uuid.UUID, error)
	Attributes(ctx context.Context, brandID uuid.UUID) ([]Attribute, error)
	SaveAttribute(ctx context.Context, a Attribute) error
	SaveMedia(ctx context.Context, m Media) error
	DeleteMedia(ctx context.Context, productID, mediaID uuid.UUID) (*Media, error)
	MediaOwner(ctx context.Context, brandID, mediaID uuid.UUID) (uuid.UUID, error)
	SaveSynonym(ctx context.Context, s Synonym) error
	DeleteSynonym(ctx context.Context, brandID, synonymID uuid.UUID) (*Synonym, error)
}

// Tx runs a use case in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Editor is how staff write the catalog. Each use case needs CatalogWrite (prices:
// PricingWrite), is one transaction, and leaves an event with before and after.
type Editor struct {
	tx     Tx
	store  EditStore
	index  *Indexer
	prices PriceBooks
	events event.Recorder
	assets Assets
	now    clock.Clock
}

// EditorParts are what the editor stands on.
type EditorParts struct {
	Tx     Tx
	Store  EditStore
	Index  *Indexer
	Prices PriceBooks // may be nil: then no price is too low, and no customer has their own
	Events event.Recorder
	Assets Assets
	Now    clock.Clock
}

// NewEditor makes the editor.
func NewEditor(p EditorParts) *Editor {
	return &Editor{tx: p.Tx, store: p.Store, index: p.Index, prices: p.Prices, events: p.Events, assets: p.Assets, now: p.Now}
}

// write runs f in a transaction for an actor that may write the catalog.
func (e *Editor) write(ctx context.Context, in interface{ Validate() error }, f func(context.Context) error) error {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return err
	}
	if err := in.Validate(); err != nil {
		return err
	}
	return e.tx.InTx(ctx, f)
}

// record keeps what changed.
func (e *Editor) record(ctx context.Context, eventType, subject string, key uuid.UUID, before, after any) error {
	return e.events.Record(ctx, event.New(ctx, e.now(), eventType, subject, key, map[string]any{"before": before, "after": after}))
}

// change locks a product, lets f act on it, and writes it down one version on.
// A version other than the present one, where one is given, is ErrVersion.
func (e *Editor) change(ctx context.Context, productID uuid.UUID, version *int, eventType string, f func(ctx context.Context, p *Product) error) (*Product, error) {
	p, err := e.store.LockProduct(ctx, channel.From(ctx).BrandID, productID)
	switch {
	case err != nil:
		return nil, err
	case p == nil:
		return nil, fault.ErrNotFound.At("id")
	case version != nil && int64(*version) != p.Version:
		return nil, ErrVersion.At("version")
	}
	before := *p
	if err := f(ctx, p); err != nil {
		return nil, err
	}
	p.Version, p.UpdatedAt = p.Version+1, e.now()
	if err := e.store.SaveProduct(ctx, *p); err != nil {
		return nil, err
	}
	return p, e.follow(ctx, eventType, &before, p)
}

// follow brings search and listings in step with a changed product.
func (e *Editor) follow(ctx context.Context, eventType string, before, after *Product) error {
	return errors.Join(
		e.store.Relist(ctx, after.UpdatedAt, after.ID),
		e.index.Products(ctx, after.ID),
		e.record(ctx, eventType, "Product", after.ID, before, after),
	)
}

// Create adds a product as a draft, with its variants and their prices.
func (e *Editor) Create(ctx context.Context, in CreateProductInput) (*Product, error) {
	var created *Product
	err := e.write(ctx, in, func(ctx context.Context) error {
		now, ch := e.now(), channel.From(ctx)
		p := Product{
			ID: id.New(), BrandID: ch.BrandID, ProductBrandID: in.ProductBrandID, Slug: in.Slug, Name: in.Name,
			Description: orEmpty(in.Description), SEOTitle: orEmpty(in.SEOTitle), SEODescription: orEmpty(in.SEODescription),
			Options: in.options(), Tags: orNone(in.Tags), Status: StatusDraft, TaxClass: in.TaxClass,
			InternalNote: in.InternalNote, Version: 1, CreatedAt: now, UpdatedAt: now,
		}
		if p.TaxClass == "" {
			p.TaxClass = money.TaxStandard
		}
		if err := e.known(ctx, in.ProductBrandID, in.CategoryIDs); err != nil {
			return err
		}
		if err := e.store.SaveProduct(ctx, p); err != nil {
			return err
		}
		if err := e.details(ctx, p.ID, in.CategoryIDs, in.Attributes); err != nil {
			return err
		}
		if len(in.Variants) > 0 {
			if err := e.addVariants(ctx, p, in.Variants); err != nil {
				return err
			}
		}
		created = &p
		return e.follow(ctx, "product.created", nil, &p)
	})
	return created, err
}

// Update changes what is given of a product.
func (e *Editor) Update(ctx context.Context, in UpdateProductInput) (*Product, error) {
	var updated *Product
	err := e.write(ctx, in, func(ctx context.Context) (err error) {
		updated, err = e.change(ctx, in.ID, in.Version, "product.updated", func(ctx context.Context, p *Product) error {
			in.apply(p)
			if err := e.known(ctx, in.ProductBrandID, in.CategoryIDs); err != nil {
				return err
			}
			if in.Options != nil {
				if err := e.optionsStillFit(ctx, *p); err != nil {
					return err
				}
			}
			return e.details(ctx, p.ID, in.CategoryIDs, in.Attributes)
		})
		return err
	})
	return updated, err
}

// Archive takes a product off sale for good; its orders keep it.
func (e *Editor) Archive(ctx context.Context, in ProductInput) (*Product, error) {
	return e.status(ctx, in, "product.archived", StatusArchived)
}

func (e *Editor) status(ctx context.Context, in ProductInput, eventType string, to Status) (*Product, error) {
	var changed *Product
	err := e.write(ctx, in, func(ctx context.Context) (err error) {
		changed, err = e.change(ctx, in.ID, in.Version, eventType, func(_ context.Context, p *Product) error {
			p.Status = to
			return nil
		})
		return err
	})
	return changed, err
}

// known fails on a product brand or category that the brand does not have.
func (e *Editor) known(ctx context.Context, productBrandID *uuid.UUID, categoryIDs []uuid.UUID) error {
	brandID := channel.From(ctx).BrandID
	if productBrandID != nil {
		found, err := e.store.BrandsByID(ctx, brandID, []uuid.UUID{*productBrandID})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return ErrNoBrand.At("productBrandId")
		}
	}
	if len(categoryIDs) == 0 {
		return nil
	}
	tree, err := e.store.Categories(ctx, brandID)
	if err != nil {
		return err
	}
	for _, wanted := range categoryIDs {
		if Find(tree, wanted) == nil {
			return ErrNoCategory.At("categoryIds")
		}
	}
	return nil
}

// details writes what is given of categories and attributes.
func (e *Editor) details(ctx context.Context, productID uuid.UUID, categoryIDs []uuid.UUID, attributes []AttributeInput) error {
	if categoryIDs != nil {
		if err := e.store.SetCategories(ctx, productID, categoryIDs); err != nil {
			return err
		}
	}
	if attributes == nil {
		return nil
	}
	all, err := e.store.Attributes(ctx, channel.From(ctx).BrandID)
	if err != nil {
		return err
	}
	values, err := valuesOf(productID, all, attributes)
	if err != nil {
		return err
	}
	return e.store.SetAttributes(ctx, productID, values)
}
