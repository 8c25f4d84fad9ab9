package pricing

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/money"
)

// Store keeps price lists.
type Store interface {
	// Prices are the rows of the list for the variants, in one statement.
	Prices(ctx context.Context, priceListID uuid.UUID, variantIDs []uuid.UUID) ([]Price, error)
}

// Service prices for the channel of the request.
type Service struct {
	store  Store
	engine *Engine
	now    clock.Clock
}

// New makes the pricing service.
func New(store Store, now clock.Clock) *Service {
	return &Service{store: store, engine: NewEngine(), now: now}
}

// Prices are the rows of the channel's price list for the variants.
func (s *Service) Prices(ctx context.Context, variantIDs []uuid.UUID) ([]Price, error) {
	return s.store.Prices(ctx, channel.From(ctx).PriceListID, variantIDs)
}

// Quote prices the items as the channel sells them now.
func (s *Service) Quote(ctx context.Context, items []Item, shipping *Fee) (Quote, error) {
	variants := make([]uuid.UUID, len(items))
	for i, item := range items {
		variants[i] = item.VariantID
	}
	rows, err := s.Prices(ctx, variants)
	if err != nil {
		return Quote{}, err
	}
	return s.QuoteFrom(ctx, NewBook(rows), items, shipping)
}

// QuoteFrom prices the items from price rows that were read before.
func (s *Service) QuoteFrom(ctx context.Context, book Book, items []Item, shipping *Fee) (Quote, error) {
	return s.engine.Quote(QuoteInput{Terms: s.Terms(ctx), Book: book, Items: items, Shipping: shipping})
}

// Terms are the channel's terms at this moment.
func (s *Service) Terms(ctx context.Context) Terms {
	c := channel.From(ctx)
	return Terms{Currency: money.Currency(c.Currency), TaxInclusive: c.TaxInclusive, Rounding: money.RoundDown, At: s.now()}
}

// NewBook orders price rows by variant.
func NewBook(rows []Price) Book {
	book := make(Book, len(rows))
	for _, row := range rows {
		book[row.VariantID] = append(book[row.VariantID], row)
	}
	return book
}

// One prices a quantity of one variant from its price rows; nil if it has no price.
func (s *Service) One(ctx context.Context, rows []Price, item Item) (*Line, error) {
	if item.Quantity < 1 || item.Quantity > MaxQuantity {
		return nil, ErrQuantity.At("quantity")
	}
	quote, err := s.QuoteFrom(ctx, Book{item.VariantID: rows}, []Item{item}, nil)
	if err != nil || quote.Lines[0].Err != nil {
		return nil, err
	}
	return &quote.Lines[0], nil
}

// Range is the span of the prices of one piece of each variant; nil if none has one.
func (s *Service) Range(ctx context.Context, book Book) (*Range, error) {
	var span *Range
	for variant := range book {
		line, err := s.One(ctx, book[variant], Item{VariantID: variant, Quantity: 1})
		if err != nil {
			return nil, err
		}
		switch {
		case line == nil:
		case span == nil:
			span = &Range{line.Unit, line.Unit}
		case line.Unit.Minor < span.Min.Minor:
			span.Min = line.Unit
		case line.Unit.Minor > span.Max.Minor:
			span.Max = line.Unit
		}
	}
	return span, nil
}
