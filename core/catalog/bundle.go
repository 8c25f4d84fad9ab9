package catalog

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
)

// Bundle is a product with all that belongs to it, to be written in bulk.
type Bundle struct {
	Product    Product
	Variants   []Variant
	Categories []uuid.UUID
	Media      []Media
	Attributes []AttributeValue
	Listings   []Listing
	Prices     []ListPrice
	Stock      []Stock
	Index      IndexEntry // what search keeps; empty leaves it to Indexer.Missing
}

// Media is a picture, film or document of a product.
type Media struct {
	ID        uuid.UUID
	ProductID uuid.UUID
	VariantID *uuid.UUID
	Kind      MediaKind
	URL       string
	Alt       i18n.Text
	Position  int
}

// AttributeValue is one value of an attribute of a product, in canonical form.
type AttributeValue struct {
	ProductID   uuid.UUID
	AttributeID uuid.UUID
	Value       string
	Number      *string // the exact value of a NUMBER, to filter by range
}

// Listing is what a channel shows of a product: prices in minor units, the time
// window, and the key that its name sorts by.
type Listing struct {
	ChannelID   uuid.UUID
	ProductID   uuid.UUID
	Published   bool
	PublishedAt time.Time
	RetiredAt   time.Time // zero for never
	MinPrice    *int64
	MaxPrice    *int64
	InStock     bool
	NameKey     string
	Popularity  int64
}

// ListPrice is the price of one piece of a variant in a price list, minor units.
type ListPrice struct {
	PriceListID uuid.UUID
	VariantID   uuid.UUID
	Amount      int64
	CompareAt   *int64
}

// Stock is how many pieces of a variant a location begins with.
type Stock struct {
	VariantID  uuid.UUID
	LocationID uuid.UUID
	OnHand     int
}
