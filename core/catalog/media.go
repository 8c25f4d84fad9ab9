package catalog

import (
	"context"
	"errors"
	"io"
	"net/url"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// MediaKind is what a medium is.
type MediaKind string

// The kinds of media.
const (
	MediaImage    MediaKind = "IMAGE"
	MediaVideo    MediaKind = "VIDEO"
	MediaDocument MediaKind = "DOCUMENT"
)

// GlobalID is the medium's id in the schema.
func (m Media) GlobalID() string { return id.Global("Media", m.ID) }

// Assets keeps uploaded files. What it keeps never changes under its address.
type Assets interface {
	// Put reads a file to its end, tells its kind by its content, and answers the
	// address it is served under. A kind that is not served or a file that is too
	// large is a fault, and nothing is kept.
	Put(ctx context.Context, content io.Reader) (kind MediaKind, address string, err error)
}

// AddMediaInput adds a medium to a product, by address or by file.
type AddMediaInput struct {
	ProductID uuid.UUID
	VariantID *uuid.UUID
	URL       *string
	File      io.Reader
	Kind      *MediaKind // of an address; IMAGE if nil
	Alt       i18n.Text
	Position  int
}

// Validate checks that there is one source, and that an address is https.
func (in AddMediaInput) Validate() error {
	if (in.URL == nil) == (in.File == nil) {
		return fault.ErrRequired.At("url")
	}
	if in.URL != nil {
		u, err := url.Parse(*in.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || len(*in.URL) > 2000 {
			return ErrMediaURL.At("url")
		}
	}
	return checkText("alt", in.Alt, maxName, false)
}

// AddMedia adds a medium to a product.
func (e *Editor) AddMedia(ctx context.Context, in AddMediaInput) (*Product, error) {
	if err := access.RequireEverywhere(ctx, access.CatalogWrite); err != nil {
		return nil, err
	}
	if err := in.Validate(); err != nil {
		return nil, err
	}
	m, err := e.medium(ctx, in) // before the transaction, which may run twice
	if err != nil {
		return nil, err
	}
	var changed *Product
	err = e.write(ctx, in, func(ctx context.Context) (err error) {
		changed, err = e.change(ctx, in.ProductID, nil, "product.media_added", func(ctx context.Context, p *Product) error {
			if err := e.ownVariant(ctx, *p, in.VariantID); err != nil {
				return err
			}
			return errors.Join(e.store.SaveMedia(ctx, m), e.record(ctx, "media.added", "Media", m.ID, nil, m))
		})
		return err
	})
	return changed, err
}

func (e *Editor) medium(ctx context.Context, in AddMediaInput) (m Media, err error) {
	m = Media{ID: id.New(), ProductID: in.ProductID, VariantID: in.VariantID, Kind: MediaImage, Alt: orEmpty(in.Alt), Position: in.Position}
	if in.File == nil {
		m.URL = *in.URL
		set(&m.Kind, in.Kind)
		return m, nil
	}
	m.Kind, m.URL, err = e.assets.Put(ctx, in.File)
	return m, err
}

func (e *Editor) ownVariant(ctx context.Context, p Product, variantID *uuid.UUID) error {
	if variantID == nil {
		return nil
	}
	owners, err := e.store.VariantOwners(ctx, p.BrandID, []uuid.UUID{*variantID})
	if err == nil && owners[*variantID] != p.ID {
		err = fault.ErrNotFound.At("variantId")
	}
	return err
}

// RemoveMedia takes a medium off its product.
func (e *Editor) RemoveMedia(ctx context.Context, in ProductInput) (*Product, error) {
	var changed *Product
	err := e.write(ctx, in, func(ctx context.Context) error {
		owner, err := e.store.MediaOwner(ctx, channel.From(ctx).BrandID, in.ID)
		if err != nil {
			return err
		}
		if owner == uuid.Nil {
			return fault.ErrNotFound.At("id")
		}
		changed, err = e.change(ctx, owner, nil, "product.media_removed", func(ctx context.Context, p *Product) error {
			removed, err := e.store.DeleteMedia(ctx, p.ID, in.ID)
			return errors.Join(err, e.record(ctx, "media.removed", "Media", in.ID, removed, nil))
		})
		return err
	})
	return changed, err
}
