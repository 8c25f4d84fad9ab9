package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/page"
)

// Detail is what stands around a product: read in one statement for many.
type Detail struct {
	ProductID  uuid.UUID
	Brand      *ProductBrand
	Categories []Category
	Media      []Media
	Attributes []ProductAttribute
}

// ProductAttribute is what is known of a product in one respect.
type ProductAttribute struct {
	Code  string
	Name  i18n.Text
	Type  AttributeType
	Unit  string
	Value string    // canonical
	Label i18n.Text // of a choice; nil for other types
}

// Display is the value as shoppers read it.
func (a ProductAttribute) Display(ctx context.Context) string {
	switch {
	case len(a.Label) > 0:
		return a.Label.For(ctx)
	case a.Type == AttributeBoolean:
		return booleans[a.Value].For(ctx)
	case a.Unit != "":
		return a.Value + " " + a.Unit
	}
	return a.Value
}

var booleans = map[string]i18n.Text{"true": {"ja": "はい", "en": "Yes"}, "false": {"ja": "いいえ", "en": "No"}}

// ChannelListing is where and when a product is shown, for staff.
type ChannelListing struct {
	ProductID   uuid.UUID
	Channel     string // code
	Published   bool
	PublishedAt time.Time
	RetiredAt   *time.Time
}

// StaffQuery asks for one page of all products of the brand, newest first.
type StaffQuery struct {
	BrandID uuid.UUID
	Status  *Status
	Match   string // tsquery; empty for all
	Page    page.Args
}

// StaffStore reads the catalog as staff see it.
type StaffStore interface {
	AllProducts(ctx context.Context, q StaffQuery) (page.Connection[Product], error)
	AnyProduct(ctx context.Context, brandID, productID uuid.UUID) (*Product, error)
	ListingsOf(ctx context.Context, productIDs []uuid.UUID) ([]ChannelListing, error)
	Attributes(ctx context.Context, brandID uuid.UUID) ([]Attribute, error)
	ProductBrands(ctx context.Context, brandID uuid.UUID) ([]ProductBrand, error)
	Details(ctx context.Context, productIDs []uuid.UUID) ([]Detail, error)
}

// StaffListInput asks for products whatever their state.
type StaffListInput struct {
	Status *Status
	Query  string
	Page   page.Args
}

// All is one page of the brand's products, drafts and archived ones included.
func (s *Service) All(ctx context.Context, in StaffListInput) (page.Connection[Product], error) {
	if err := access.Require(ctx, access.CatalogRead); err != nil {
		return page.Connection[Product]{}, err
	}
	q := StaffQuery{BrandID: channel.From(ctx).BrandID, Status: in.Status, Page: in.Page}
	if in.Query != "" {
		words := s.words.Query(in.Query, nil)
		if words.Empty() {
			return page.Connection[Product]{Edges: []page.Edge[Product]{}}, nil
		}
		q.Match = words.Match
	}
	return s.store.AllProducts(ctx, q)
}

// Any is a product of the brand whatever its state; fault.CodeNotFound if there is none.
func (s *Service) Any(ctx context.Context, productID uuid.UUID) (*Product, error) {
	if err := access.Require(ctx, access.CatalogRead); err != nil {
		return nil, err
	}
	p, err := s.store.AnyProduct(ctx, channel.From(ctx).BrandID, productID)
	if err != nil || p == nil {
		return nil, orNotFound(err)
	}
	return p, nil
}

// Details are what stands around many products.
func (s *Service) Details(ctx context.Context, productIDs []uuid.UUID) ([]Detail, error) {
	return s.store.Details(ctx, productIDs)
}

// ListingsOf are where and when products are shown.
func (s *Service) ListingsOf(ctx context.Context, productIDs []uuid.UUID) ([]ChannelListing, error) {
	return s.store.ListingsOf(ctx, productIDs)
}

// Attributes are the brand's attributes.
func (s *Service) Attributes(ctx context.Context) ([]Attribute, error) {
	return s.store.Attributes(ctx, channel.From(ctx).BrandID)
}

// ProductBrands are the manufacturers' brands that the channel's brand carries.
func (s *Service) ProductBrands(ctx context.Context) ([]ProductBrand, error) {
	return s.store.ProductBrands(ctx, channel.From(ctx).BrandID)
}

// Synonyms are the brand's rules of other words.
func (s *Service) Synonyms(ctx context.Context) ([]Synonym, error) {
	return s.store.Synonyms(ctx, channel.From(ctx).BrandID)
}

// Trees are the categories of many brands, parents before children.
func (s *Service) Trees(ctx context.Context, brandIDs []uuid.UUID) ([]Category, error) {
	var all []Category
	for _, brandID := range brandIDs { // a request sees one brand
		tree, err := s.store.Categories(ctx, brandID)
		if err != nil {
			return nil, err
		}
		all = append(all, tree...)
	}
	return all, nil
}

// CategoryBySlug is the brand's category with the slug, or fault.CodeNotFound.
func (s *Service) CategoryBySlug(ctx context.Context, slug string) (*Category, error) {
	tree, err := s.Categories(ctx)
	if err != nil {
		return nil, err
	}
	for i := range tree {
		if tree[i].Slug == slug {
			return &tree[i], nil
		}
	}
	return nil, orNotFound(nil)
}
