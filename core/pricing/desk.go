package pricing

import (
	"context"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/sale"
)

// Desk prices for one buyer at one moment. Its rules are one version, so that the
// prices of an answer agree; many may ask it at once.
type Desk struct {
	s     *Service
	brand uuid.UUID
	own   uuid.UUID // the channel's price list
	terms atomic.Pointer[Terms]
}

// open takes rules that are at least as new as the version.
func (d *Desk) open(ctx context.Context, t Terms, version int64) (err error) {
	if t.Rules, err = d.s.rulebook(ctx, d.brand, version); err != nil {
		return err
	}
	t.Lists = t.Rules.Lists(t.Buyer, d.own, t.Currency, t.At)
	t.Offers = nil
	if d.s.campaigns != nil {
		if t.Offers, err = d.s.campaigns.Offers(ctx, t.Rules.Version, t); err != nil {
			return err
		}
	}
	d.terms.Store(&t)
	return nil
}

// Enter tells the desk what a cart says of its buyer: where the goods go, in which
// mode, at which shop they are bought (zero: at none), and which coupons were entered.
func (d *Desk) Enter(region string, mode ShippingMode, shop uuid.UUID, coupons []Coupon) {
	t := *d.terms.Load()
	t.Buyer.Region, t.Mode, t.ShopID, t.Coupons = region, mode, shop, coupons
	if t.Placed != nil {
		t.Coupons = append(t.Coupons, t.Placed.Used...)
	}
	d.terms.Store(&t)
}

// Terms are the terms that the desk prices under.
func (d *Desk) Terms() Terms { return *d.terms.Load() }

// Lists are the price lists that concern the buyer.
func (d *Desk) Lists() []uuid.UUID {
	t := d.terms.Load()
	lists := make([]uuid.UUID, len(t.Lists))
	for i, l := range t.Lists {
		lists[i] = l.ID
	}
	return lists
}

// Current reports whether the version, read beside sheets, is that of the desk's
// rules. If not, the desk takes the newer rules, and the sheets must be read again.
func (d *Desk) Current(ctx context.Context, version int64) (bool, error) {
	t := d.terms.Load()
	if version <= t.Rules.Version {
		return true, nil
	}
	return false, d.open(ctx, *t, version)
}

// Sheets are what must be known of the variants, in one statement; two when the
// rules have moved since the desk opened.
func (d *Desk) Sheets(ctx context.Context, variants []uuid.UUID) (Book, error) {
	for {
		t := d.terms.Load()
		book, version, err := d.s.store.Sheets(ctx, SheetQuery{
			BrandID: d.brand, Variants: t.Rules.withParts(variants), Lists: d.Lists(), At: t.At,
			Goods: t.Offers != nil || !t.Rules.quiet(t.Buyer),
		})
		if err != nil {
			return nil, err
		}
		if current, err := d.Current(ctx, version); err != nil || current {
			rules := d.terms.Load().Rules
			rules.open(book, variants)
			d.Place(book)
			rules.only(book, variants)
			return book, err
		}
	}
}

// Place completes sheets: it adds the categories that stand above the goods' own, and to
// those of sets what they may hold.
func (d *Desk) Place(book Book) { d.terms.Load().Rules.Place(book) }

// Sample is what a sample is sold under; nil if the variant is none.
func (d *Desk) Sample(variant uuid.UUID) *sale.Terms { return d.terms.Load().Rules.samples[variant] }

// Set is what the variant is made of; nil if it is no set. It never changes.
func (d *Desk) Set(variant uuid.UUID) *sale.Set { return d.terms.Load().Rules.sets[variant] }

// Quote prices a whole cart.
func (d *Desk) Quote(book Book, items []Item, shipping *Fee) (Quote, error) {
	return d.s.engine.Quote(QuoteInput{Terms: *d.terms.Load(), Book: book, Items: items, Shipping: shipping})
}

// Charged prices a whole cart with the charge of the way to pay.
func (d *Desk) Charged(book Book, items []Item, shipping *Fee, charge Fee) (Quote, error) {
	return d.s.engine.Quote(QuoteInput{Terms: *d.terms.Load(), Book: book, Items: items, Shipping: shipping, Charge: &charge})
}

// Piece prices a quantity of one variant by itself; nil if it has no price.
func (d *Desk) Piece(sheet *Sheet, item Item) (*Line, error) {
	line, err := d.Examine(sheet, item)
	if err != nil || line.Err != nil {
		return nil, err
	}
	return line, nil
}

// Examine prices like Piece, and gives the line also when it has no price.
func (d *Desk) Examine(sheet *Sheet, item Item) (*Line, error) {
	if item.Quantity < 1 || item.Quantity > MaxQuantity {
		return nil, ErrQuantity.At("quantity")
	}
	quote, err := d.s.engine.Pieces(QuoteInput{Terms: *d.terms.Load(), Book: Book{item.VariantID: sheet}, Items: []Item{item}})
	if err != nil {
		return nil, err
	}
	return &quote.Lines[0], nil
}

// Range is the span of the prices of one piece of each variant; nil if none has one.
func (d *Desk) Range(book Book) (*Range, error) {
	var span *Range
	for variant, sheet := range book {
		line, err := d.Piece(sheet, Item{VariantID: variant, Quantity: 1})
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
