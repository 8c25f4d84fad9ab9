// Package shipping is how goods reach the customer, and for what fee.
package shipping

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Method is one way to ship, for a flat fee or by a fee table.
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
	CarrierID   *uuid.UUID
	Tariff      Tariff
	Limits      Limits
	Schedule    Schedule
	Zones       []Zone    `json:"-"` // that the tariff, the limits and the schedule speak of
	Collects    *Calendar `json:"-"` // on which days the carrier collects; nil: every day
	Delivers    *Calendar `json:"-"` // on which days the carrier delivers; nil: every day
	Places      []Place   `json:"-"` // that ship, the first to ship first
}

// GlobalID is the method's id in the schema.
func (m Method) GlobalID() string { return id.Global("ShippingMethod", m.ID) }

// Cost is the fee in the channel's currency; of a fee table, the lowest.
func (m Method) Cost(ctx context.Context) money.Money {
	fee := m.FeeMinor
	for i, r := range m.Tariff.Rows {
		if i == 0 || r.FeeMinor < fee {
			fee = r.FeeMinor
		}
	}
	return in(ctx, fee)
}

// Carrier is the carrier's id in the schema; nil if it has none.
func (m Method) Carrier() *string { return id.GlobalOrNone("ShippingCarrier", m.CarrierID) }

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

// Options are what each method of the request's channel says of a parcel.
func (s *Service) Options(ctx context.Context, p Parcel) ([]Verdict, error) {
	methods, err := s.Methods(ctx)
	all := make([]Verdict, len(methods))
	for i, m := range methods {
		if all[i] = m.Assess(p); all[i].Available() {
			all[i].Window = m.Window(p)
		}
	}
	return all, err
}
