package pricing

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Store keeps price lists and rules.
type Store interface {
	// Sheets are what is known of the variants, and the version of the brand's rules
	// at that moment, in one statement.
	Sheets(ctx context.Context, q SheetQuery) (Book, int64, error)
	// Rules are the brand's rules that are not closed, all of one version.
	Rules(ctx context.Context, brandID uuid.UUID) (Rules, error)
}

// SheetQuery asks for the sheets of variants.
type SheetQuery struct {
	BrandID  uuid.UUID
	Variants []uuid.UUID
	Lists    []uuid.UUID // whose prices are wanted
	At       time.Time   // prices whose window was over then are left out
	Goods    bool        // brand, categories, tags and cost too: there are rules that ask for them
}

// Buyers know who is buying.
type Buyers interface {
	// Buyer is the actor of the context.
	Buyer(ctx context.Context) (scope.Buyer, error)
	// BuyerOf is the member with the id, for staff who ask what the member sees.
	BuyerOf(ctx context.Context, memberID uuid.UUID) (scope.Buyer, error)
	// BuyerOfCompany is whoever buys for the company with the id.
	BuyerOfCompany(ctx context.Context, companyID uuid.UUID) (scope.Buyer, error)
}

// Campaigns know what campaigns a buyer may meet.
type Campaigns interface {
	// Offers are the brand's campaigns at the version of its rules, as far as they
	// concern the terms; nil if none does.
	Offers(ctx context.Context, version int64, terms Terms) (Offers, error)
}

// Service prices for the channel and the buyer of the request.
type Service struct {
	store     Store
	buyers    Buyers
	campaigns Campaigns
	engine    *Engine
	now       clock.Clock

	loading singleflight.Group
	books   sync.Map // brand id → *Rulebook
}

// New makes the pricing service. Without campaigns there are none.
func New(store Store, buyers Buyers, campaigns Campaigns, now clock.Clock) *Service {
	return &Service{store: store, buyers: buyers, campaigns: campaigns, engine: NewEngine(), now: now}
}

// rulebook is the brand's rules, at least as new as the version; 0 takes what is
// in memory, whatever it is.
func (s *Service) rulebook(ctx context.Context, brand uuid.UUID, version int64) (*Rulebook, error) {
	if kept, ok := s.books.Load(brand); ok && kept.(*Rulebook).Version >= version {
		return kept.(*Rulebook), nil
	}
	loaded, err, _ := s.loading.Do(brand.String(), func() (any, error) {
		rules, err := s.store.Rules(context.WithoutCancel(ctx), brand)
		if err != nil {
			return nil, err
		}
		book := NewRulebook(rules)
		s.books.Store(brand, book)
		return book, nil
	})
	if err != nil {
		return nil, err
	}
	if book := loaded.(*Rulebook); book.Version >= version {
		return book, nil
	}
	// The load that was joined began before the change that is asked for.
	rules, err := s.store.Rules(ctx, brand)
	return NewRulebook(rules), err
}

// Ask says for whom, when and whereto prices are asked for.
type Ask struct {
	At   time.Time      // now, if zero
	Mode ShippingMode   // normal, if empty
	As   scope.Audience // the member or company that staff ask for; the caller, if zero
	// Region is the prefecture that the goods go to, where it is known.
	Region string
	Trace  bool
	Placed *Placed // the order that is priced again; nil for one to come
}

// Desk opens a desk for the channel of the context. Only who may read prices asks
// for another buyer, or for a trace.
func (s *Service) Desk(ctx context.Context, ask Ask) (*Desk, error) {
	if ask.As != (scope.Audience{}) || ask.Trace {
		if err := access.Require(ctx, access.PricingRead); err != nil {
			return nil, err
		}
	}
	buyer, err := s.buyer(ctx, ask.As)
	if err != nil {
		return nil, err
	}
	c := channel.From(ctx)
	buyer.Region = ask.Region
	d := &Desk{s: s, brand: c.BrandID, own: c.PriceListID}
	terms := Terms{
		Currency: money.Currency(c.Currency), TaxInclusive: c.TaxInclusive, Rounding: cmp.Or(buyer.TaxRounding, money.RoundDown),
		At: ask.At, Zone: c.Zone(), ChannelID: c.ID, Mode: cmp.Or(ask.Mode, ShipNormal), Buyer: buyer, Trace: ask.Trace, Placed: ask.Placed,
	}
	if ask.Placed != nil {
		terms.TaxInclusive = ask.Placed.TaxInclusive
	}
	if terms.At.IsZero() {
		terms.At = s.now()
	}
	return d, d.open(ctx, terms, 0)
}

// Agreement is what a quotation offers: pieces at agreed prices, and a fee.
type Agreement struct {
	Buyer        scope.Audience // a member or a company
	Currency     money.Currency
	TaxInclusive bool
	Items        []Item // each with its agreed price
	Shipping     int64  // minor units, taxed at the standard rate
}

// Agree prices an agreement, which nothing else changes: an order of it costs the same.
func (s *Service) Agree(ctx context.Context, a Agreement) (Quote, error) {
	buyer, err := s.standsFor(ctx, a.Buyer)
	if err != nil {
		return Quote{}, err
	}
	terms := Terms{Currency: a.Currency, TaxInclusive: a.TaxInclusive, Rounding: cmp.Or(buyer.TaxRounding, money.RoundDown), At: s.now(), Buyer: buyer}
	return s.engine.Quote(QuoteInput{Terms: terms, Items: a.Items, Shipping: &Fee{Amount: a.Shipping, TaxClass: money.TaxStandard}})
}

// buyer is the member or company that is meant; whoever asks, if none is.
func (s *Service) buyer(ctx context.Context, as scope.Audience) (scope.Buyer, error) {
	switch as.Kind {
	case "":
		return s.buyers.Buyer(ctx)
	case scope.Member:
		return s.buyers.BuyerOf(ctx, as.ID)
	case scope.Company:
		return s.buyers.BuyerOfCompany(ctx, as.ID)
	}
	return scope.Buyer{}, scope.ErrAudience.At("as")
}

// Bounds are, of the brand's rules, those that still hold for a price that is settled:
// the lowest allowed prices and the surcharges of direct shipment.
func (s *Service) Bounds(ctx context.Context, brandID uuid.UUID) (*Rulebook, error) {
	rules, err := s.store.Rules(ctx, brandID)
	if err != nil {
		return nil, err
	}
	rates := slices.DeleteFunc(rules.Rates, func(r Rate) bool { return r.Kind == RateCustomer })
	return NewRulebook(Rules{Version: rules.Version, Rates: rates, Parents: rules.Parents}), nil
}
