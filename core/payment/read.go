package payment

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/page"
)

// Option is one way to pay that the shop offers.
type Option struct {
	Method    Method
	Name      i18n.Text
	PublicKey string         // what the client's card form needs; empty where there is none
	Chains    []Chain        // of convenience stores, where it is paid there
	Bands     []DeliveryBand // what cash on delivery costs
}

// Published is a Gateway whose client library needs a public key.
type Published interface {
	Gateway
	// PublicKey is no secret: it only lets a client talk to the gateway.
	PublicKey() string
}

// Options are the ways to pay that the shop offers, in the order of its gateways.
func (s *Service) Options(ctx context.Context) ([]Option, error) {
	terms, err := s.Store.DeliveryTerms(ctx, channel.From(ctx).BrandID)
	if err != nil {
		return nil, err
	}
	all := make([]Option, 0, len(s.Gateways))
	for _, g := range s.Gateways {
		o := Option{Method: g.Method(), Name: g.Method().Name()}
		if g.Method() == MethodCashOnDelivery {
			if terms == nil || !terms.Active {
				continue
			}
			o.Bands = terms.Bands
		}
		if p, ok := g.(Published); ok {
			o.PublicKey = p.PublicKey()
		}
		if issuer, ok := g.(Issuer); ok {
			o.Chains = issuer.Chains()
		}
		all = append(all, o)
	}
	return all, nil
}

// OfOrders are the payments of many orders, oldest first. Whoever may see an
// order may see its payments: the orders were read through their service.
func (s *Service) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]Payment, error) {
	return s.Store.OfOrders(ctx, orderIDs)
}

// ByID is the payment, if the actor may see its order; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, paymentID uuid.UUID) (*Payment, error) {
	p, err := s.Store.Payment(ctx, paymentID)
	if err != nil {
		return nil, err
	}
	if p == nil || elsewhere(ctx, p.BrandID) {
		return nil, fault.ErrNotFound
	}
	if visible, err := s.orders.MaySee(ctx, p.OrderID); err != nil || !visible {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	return p, nil
}

// ByIDs are those of the payments that the brand has, for staff.
func (s *Service) ByIDs(ctx context.Context, paymentIDs []uuid.UUID) ([]Payment, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	all, err := s.Store.Payments(ctx, paymentIDs)
	return slices.DeleteFunc(all, func(p Payment) bool { return elsewhere(ctx, p.BrandID) }), err
}

// OperationsOf are what was asked of the gateways for payments, for staff.
func (s *Service) OperationsOf(ctx context.Context, paymentIDs []uuid.UUID) ([]Operation, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	return s.Store.OperationsOf(ctx, paymentIDs)
}

// TransfersOf are the bank transfers that came in for payments, for staff. Who paid is
// masked where the order is.
func (s *Service) TransfersOf(ctx context.Context, paymentIDs []uuid.UUID) ([]Transfer, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	all, err := s.Store.TransfersOf(ctx, paymentIDs)
	if err != nil || len(all) == 0 || !access.From(ctx).Is(access.RoleStoreStaff) {
		return all, err
	}
	payments, err := s.Store.Payments(ctx, paymentIDs)
	if err != nil {
		return nil, err
	}
	orders := map[uuid.UUID]uuid.UUID{}
	for _, p := range payments {
		orders[p.ID] = p.OrderID
	}
	open, err := s.orders.Unmasked(ctx, slices.Collect(maps.Values(orders)))
	for i, t := range all {
		if !slices.Contains(open, orders[t.PaymentID]) {
			all[i] = t.masked()
		}
	}
	return all, err
}

// Query asks for one page of payments, newest first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	Statuses  []Status
	Method    Method
	Reference string      // the gateway's id, or what the payer of a transfer writes
	Attention bool        // only what staff should look at: overpaid, short, owed back, refused
	Stores    []uuid.UUID // for orders of these shops only; empty: for all
	Page      page.Args
}

// List is one page of the brand's payments, for staff; for those of a shop, of the
// payments for orders of theirs.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Payment], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Payment]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	var narrowed bool
	if q.Stores, narrowed = access.StoresOf(ctx); narrowed && len(q.Stores) == 0 {
		return page.Connection[Payment]{}, nil
	}
	return s.Store.List(ctx, q)
}
