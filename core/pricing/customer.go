package pricing

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// customerListName is what a price's explanation calls a customer's own prices.
var customerListName = i18n.Text{"ja": "特別価格", "en": "Your price"}

// CustomerList is the list of a customer's own prices (特価) in the channel's currency;
// it is made, or opened again, if there is none. It joins the transaction.
func (s *Lists) CustomerList(ctx context.Context, customer scope.Audience) (*List, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	if known, _, err := s.store.Known(ctx, ch.BrandID, customer, scope.Everything); err != nil || !known {
		if err == nil {
			err = fault.ErrNotFound.At("customerId")
		}
		return nil, err
	}
	list, err := s.store.CustomerList(ctx, ch.BrandID, customer, money.Currency(ch.Currency))
	if err != nil || list != nil && list.ClosedAt == nil {
		return list, err
	}
	in := SaveListInput{
		Code: "customer-" + strings.ReplaceAll(customer.ID.String(), "-", ""), Name: customerListName,
		Currency: money.Currency(ch.Currency), TaxInclusive: ch.TaxInclusive, Audience: &scope.AudienceInput{Kind: customer.Kind, ID: &customer.ID},
	}
	if list != nil {
		in.ID, in.Code, in.Name, in.TaxInclusive = &list.ID, list.Code, list.Name, list.TaxInclusive
		in.Precedence, in.BelowFloor = list.Precedence, list.BelowFloor
	}
	return s.write(ctx, in)
}

// CustomerPricesInput asks for one page of a customer's own prices.
type CustomerPricesInput struct {
	Customer scope.Audience
	Current  bool // only those that hold now or will
	Page     page.Args
}

// CustomerPrices is one page of a customer's own prices, by SKU and quantity.
func (s *Lists) CustomerPrices(ctx context.Context, in CustomerPricesInput) (page.Connection[Row], error) {
	none := page.Connection[Row]{Edges: []page.Edge[Row]{}}
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return none, err
	}
	ch := channel.From(ctx)
	list, err := s.store.CustomerList(ctx, ch.BrandID, in.Customer, money.Currency(ch.Currency))
	if err != nil || list == nil {
		return none, err
	}
	q := RowQuery{ListID: list.ID, Page: in.Page}
	if in.Current {
		q.EndsAfter = s.now()
	}
	return s.store.PriceRows(ctx, q)
}

// CloseCustomerPrice ends one of a customer's own prices.
func (s *Lists) CloseCustomerPrice(ctx context.Context, in ClosePriceInput) (*Row, error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return nil, err
	}
	personal, err := s.store.IsPersonal(ctx, channel.From(ctx).BrandID, in.ID)
	if err == nil && !personal {
		err = fault.ErrNotFound.At("id")
	}
	if err != nil {
		return nil, err
	}
	return s.ClosePrice(ctx, in)
}

// PriceChange is what happens to a price when its window turns.
type PriceChange string

// The changes.
const (
	PriceOpens  PriceChange = "OPENS"
	PriceCloses PriceChange = "CLOSES"
)

// Scheduled is a price that will begin or end.
type Scheduled struct {
	At        time.Time
	Change    PriceChange
	PriceList string // code
	Row
}

// ScheduledInput asks for one page of what lies ahead.
type ScheduledInput struct {
	Until *time.Time // at the latest; nil: whenever
	Page  page.Args
}

// Scheduled is one page of the prices that will begin or end, the next first.
func (s *Lists) Scheduled(ctx context.Context, in ScheduledInput) (page.Connection[Scheduled], error) {
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return page.Connection[Scheduled]{}, err
	}
	return s.store.ScheduledPrices(ctx, channel.From(ctx).BrandID, s.now(), in)
}

// TurnJob is the background job that acts when windows of prices open and close.
type TurnJob struct {
	At time.Time `json:"at"` // zero for the regular round
}

// Kind is the job's name in the queue.
func (TurnJob) Kind() string { return "turn_prices" }

// Turned is what windows that opened or closed concern.
type Turned struct {
	Brands   []uuid.UUID
	Products []uuid.UUID // whose listed price may be another one
}

// turnChunk is how many products are brought in step by one statement.
const turnChunk = 500

// Turn brings lists and kept answers in step with the windows that have opened or
// closed since the last time: product lists are sorted and filtered by copies of
// prices. Prices themselves need no turn: each is asked with the moment in hand.
func (s *Lists) Turn(ctx context.Context) error {
	return s.tx.InTx(ctx, func(ctx context.Context) error {
		now := s.now()
		turned, err := s.store.Turn(ctx, now)
		if err != nil {
			return err
		}
		for rest := turned.Products; len(rest) > 0; {
			some := rest[:min(len(rest), turnChunk)]
			if err := s.shelves.Relist(ctx, now, some...); err != nil {
				return err
			}
			rest = rest[len(some):]
		}
		for _, brand := range turned.Brands {
			inBrand := channel.With(ctx, channel.Channel{BrandID: brand})
			if err := s.events.Record(inBrand, event.New(inBrand, now, "prices.turned", "PriceList", id.New(), nil)); err != nil {
				return err
			}
		}
		return nil
	})
}
