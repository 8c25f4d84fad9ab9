// Package channel knows the shop window a request came through: it fixes brand,
// currency, language, price list and time zone.
package channel

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Brand is one of the retailer's businesses (屋号). Rows that belong to a brand
// carry its id, and queries never cross brands by accident.
type Brand struct {
	ID   uuid.UUID
	Code string
	Name i18n.Text
}

// GlobalID is the brand's id in the schema.
func (b Brand) GlobalID() string { return id.Global("Brand", b.ID) }

// Channel is one way to the customer within a brand.
type Channel struct {
	ID            uuid.UUID
	BrandID       uuid.UUID
	Code          string
	Name          i18n.Text
	Currency      string
	DefaultLocale string
	Locales       []string
	TimeZone      string
	PriceListID   uuid.UUID
	Hosts         []string
	TaxInclusive  bool         // prices are shown with consumption tax (総額表示)
	Allocation    []Preference // what counts when the goods of orders are looked for, the most important first
	ApprovalDays  int          // for how many days orders wait for an approver
	zone          *time.Location
}

// Preference is what counts when the goods of an order are looked for, beside the order
// of the brand's locations.
type Preference string

// The preferences.
const (
	Nearest      Preference = "NEAREST"       // locations near to where the goods go come first
	SingleParcel Preference = "SINGLE_PARCEL" // locations that have everything come first
	ShopsLast    Preference = "SHOPS_LAST"    // shops come last
)

// GlobalID is the channel's id in the schema.
func (c Channel) GlobalID() string { return id.Global("Channel", c.ID) }

// Money is the currency that the channel sells in.
func (c Channel) Money() money.Currency { return money.Currency(c.Currency) }

// Zone is the channel's time zone, Asia/Tokyo when the name is unknown.
func (c Channel) Zone() *time.Location {
	if c.zone != nil {
		return c.zone
	}
	return loadZone(c.TimeZone)
}

func loadZone(name string) *time.Location {
	if loc, err := time.LoadLocation(name); err == nil && name != "" {
		return loc
	}
	return time.FixedZone("JST", 9*60*60)
}

type channelKey struct{}

// With puts the request's channel into the context.
func With(ctx context.Context, c Channel) context.Context {
	return context.WithValue(ctx, channelKey{}, c)
}

// From is the request's channel; the zero Channel if none was put there.
func From(ctx context.Context) Channel {
	c, _ := ctx.Value(channelKey{}).(Channel)
	return c
}
