// Package shipping is how goods reach the customer, and for what fee.
package shipping

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
)

// Method is one way to ship, for a flat fee.
type Method struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	Code        string
	Name        i18n.Text
	Description i18n.Text // what a customer should know: days, limits
	FeeMinor    int64     `db:"fee"` // minor units, as the brand's channels show prices
	TaxClass    money.TaxClass
	Position    int
	Active      bool
}

// GlobalID is the method's id in the schema.
func (m Method) GlobalID() string { return id.Global("ShippingMethod", m.ID) }

// Fee is the method's fee as the pricing engine takes it.
func (m Method) Fee() *pricing.Fee {
	return &pricing.Fee{Label: m.Name, Source: m.ID, Amount: m.FeeMinor, TaxClass: m.TaxClass}
}

// Cost is the fee in the channel's currency.
func (m Method) Cost(ctx context.Context) money.Money {
	return money.Of(m.FeeMinor, money.Currency(channel.From(ctx).Currency))
}

// Store keeps shipping methods.
type Store interface {
	// ShippingMethods are the brand's active methods, in its order.
	ShippingMethods(ctx context.Context, brandID uuid.UUID) ([]Method, error)
}

// Service answers how goods can be shipped.
type Service struct{ store Store }

// New makes the shipping service.
func New(store Store) *Service { return &Service{store} }

// Methods are what the request's channel offers.
func (s *Service) Methods(ctx context.Context) ([]Method, error) {
	return s.store.ShippingMethods(ctx, channel.From(ctx).BrandID)
}
