// Package catalog is what the shop sells: products and their variants, the
// categories they stand in, the brands they carry.
package catalog

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Status is where a product stands in its life.
type Status string

// The life of a product.
const (
	StatusDraft    Status = "DRAFT"    // being written
	StatusActive   Status = "ACTIVE"   // sold in the channels that list it
	StatusArchived Status = "ARCHIVED" // no longer sold, kept for its orders
)

// Product is one thing that is sold, in one or more variants.
type Product struct {
	ID             uuid.UUID
	BrandID        uuid.UUID
	ProductBrandID *uuid.UUID
	Slug           string
	Name           i18n.Text
	Description    i18n.Text
	SEOTitle       i18n.Text
	SEODescription i18n.Text
	Options        []Option
	Tags           []string
	Status         Status
	TaxClass       money.TaxClass
	InternalNote   string
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// GlobalID is the product's id in the schema.
func (p Product) GlobalID() string { return id.Global("Product", p.ID) }

// Option is one way in which a product's variants differ (サイズ, 味).
type Option struct {
	Name   i18n.Text `json:"name"`
	Values []string  `json:"values"`
}

// Variant is what is put into a cart: one choice of every option (SKU).
type Variant struct {
	ID        uuid.UUID
	BrandID   uuid.UUID
	ProductID uuid.UUID
	SKU       string
	Barcode   string
	Options   []string // chosen values, in the order of the product's options
	Weight    int      // grams
	Cost      *int64   // minor units; staff only
	Position  int
	Active    bool
}

// GlobalID is the variant's id in the schema.
func (v Variant) GlobalID() string { return id.Global("Variant", v.ID) }

// Category is one shelf in the tree of shelves.
type Category struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ParentID    *uuid.UUID
	Slug        string
	Name        i18n.Text
	Description i18n.Text
	Position    int
}

// GlobalID is the category's id in the schema.
func (c Category) GlobalID() string { return id.Global("Category", c.ID) }

// ProductBrand is the manufacturer's brand that a product carries.
type ProductBrand struct {
	ID       uuid.UUID
	BrandID  uuid.UUID
	Slug     string
	Name     i18n.Text
	Position int
}

// GlobalID is the product brand's id in the schema.
func (b ProductBrand) GlobalID() string { return id.Global("ProductBrand", b.ID) }

// AttributeType is what values an attribute has.
type AttributeType string

// The types of attribute.
const (
	AttributeText    AttributeType = "TEXT"
	AttributeNumber  AttributeType = "NUMBER"  // with the attribute's unit
	AttributeBoolean AttributeType = "BOOLEAN" // "true" or "false"
	AttributeSelect  AttributeType = "SELECT"  // one of the attribute's choices
	AttributeDate    AttributeType = "DATE"    // "2026-11-23"
)

// Attribute is one thing that is known of products (原産国, 対象年齢).
type Attribute struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	Code       string
	Name       i18n.Text
	Type       AttributeType
	Unit       string
	Choices    []Choice
	Filterable bool
	Position   int
}

// GlobalID is the attribute's id in the schema.
func (a Attribute) GlobalID() string { return id.Global("Attribute", a.ID) }

// Choice is one value that a SELECT attribute may have.
type Choice struct {
	Value string    `json:"value"`
	Label i18n.Text `json:"label"`
}
