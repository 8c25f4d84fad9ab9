package cart

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
	"github.com/noren-commerce/noren/core/scope"
)

// Store keeps carts. Every change answers the basket after it, in one round trip.
type Store interface {
	// Basket is the owner's open cart in the channel; nil if there is none.
	Basket(ctx context.Context, in Lookup) (*Basket, error)
	// AddLine adds pieces of a variant, making the cart when there is none. Nothing
	// is added, and added is false, unless the channel sells the variant, as many
	// are free as the line then has, and the cart holds fewer than MaxLines others.
	AddLine(ctx context.Context, in Lookup, line NewLine) (basket *Basket, added bool, err error)
	// SetQuantity sets a line's pieces; 0 removes it. changed is false, and nothing
	// is, if there is no such line or fewer are free.
	SetQuantity(ctx context.Context, in Lookup, lineID uuid.UUID, quantity int) (basket *Basket, changed bool, err error)
	// Sellable tells whether the channel sells the line's variant and how many are free;
	// display.ErrMoved if the rules are not those of the lookup any more.
	Sellable(ctx context.Context, in Lookup, line NewLine) (Sale, error)
	// Stocked are variants that the channel sells, one piece of each; no sets that a
	// customer would have to choose for.
	Stocked(ctx context.Context, in Lookup, variantIDs []uuid.UUID) (Stocked, error)
	// InTx runs f in one transaction, which its failure undoes.
	InTx(ctx context.Context, f func(context.Context) error) error
	// Update writes what is not nil.
	Update(ctx context.Context, in Lookup, change Change) (*Basket, error)
	// EnterCoupon notes a coupon, unless the cart holds as many already.
	EnterCoupon(ctx context.Context, in Lookup, couponID uuid.UUID, most int) (*Basket, error)
	RemoveCoupon(ctx context.Context, in Lookup, couponID uuid.UUID) (*Basket, error)
	// Merge moves the guest's lines into the member's cart; quantities add up.
	Merge(ctx context.Context, guest []byte, memberID uuid.UUID, at time.Time) error
}

// Lookup says which cart is meant.
type Lookup struct {
	Owner      Owner
	BrandID    uuid.UUID
	ChannelID  uuid.UUID
	PriceLists []uuid.UUID // that concern the buyer
	At         time.Time
	Rules      int64 // version of the rulebook under which a line may be added
	desk       *pricing.Desk
	zone       *time.Location // of the channel
}

// NewLine is what is put into a cart.
type NewLine struct {
	CartID    uuid.UUID // for the cart if one has to be made
	LineID    uuid.UUID
	VariantID uuid.UUID
	Quantity  int
	Choices   []sale.Choice // of a set, sorted
	Fresh     bool          // the owner is made up now and has no cart yet
}

// Change is what a customer says about an order to come; nil leaves as it is.
type Change struct {
	Email            *string
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address
	BillToShipping   bool // forget the billing address: the bill goes with the parcel
	ShippingMethodID *uuid.UUID
	ShopID           *uuid.UUID
	NoShop           bool // forget the shop
	ShippingMode     *pricing.ShippingMode
	PaymentMethod    *payment.Method
	DeliverOn        *time.Time
	DeliveryBand     *string // empty forgets it
	AnyDelivery      bool    // forget the day and the band
	Recipient        *string
}

// Rules say how the actor of the context finds what is sold.
type Rules interface {
	// Through runs f with the actor's view, again when the rules have moved.
	Through(ctx context.Context, f func(*display.View) error) error
	// Standings are how the actor finds variants, under rules of the version or
	// newer ones; nil if everything is shown, sold and priced.
	Standings(ctx context.Context, version int64, variantIDs []uuid.UUID) (map[uuid.UUID]display.Standing, error)
}

// Service keeps customers' carts.
type Service struct {
	store     Store
	prices    *pricing.Service
	rules     Rules
	coupons   Coupons
	functions Functions
	ways      Ways
	now       clock.Clock
}

// Functions know what the context's actor may do.
type Functions interface {
	May(ctx context.Context, f company.Function) error
}

// New makes the cart service.
func New(store Store, prices *pricing.Service, rules Rules, coupons Coupons, functions Functions, now clock.Clock) *Service {
	return &Service{store: store, prices: prices, rules: rules, coupons: coupons, functions: functions, now: now}
}

// Lookup says which cart the actor of the context means, and what is read to
// price it.
func (s *Service) Lookup(ctx context.Context) (Lookup, error) {
	desk, err := s.prices.Desk(ctx, pricing.Ask{})
	if err != nil {
		return Lookup{}, err
	}
	c := channel.From(ctx)
	return Lookup{
		Owner: OwnerOf(access.From(ctx)), BrandID: c.BrandID,
		ChannelID: c.ID, PriceLists: desk.Lists(), At: desk.Terms().At, desk: desk, zone: c.Zone(),
	}, nil
}

// clock is the zone in which the shop's days begin.
func (l Lookup) clock() *time.Location {
	if l.zone == nil {
		return time.UTC
	}
	return l.zone
}

// Buyer is who is buying.
func (l Lookup) Buyer() scope.Buyer { return l.desk.Terms().Buyer }

// Mine is the actor's cart, priced now; nil if there is none.
func (s *Service) Mine(ctx context.Context) (*Priced, error) {
	if OwnerOf(access.From(ctx)).Nobody() {
		return nil, nil
	}
	in, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	basket, err := s.store.Basket(ctx, in)
	if err != nil || basket == nil {
		return nil, err
	}
	return s.Price(ctx, in, *basket)
}

// AddLineInput is what to put into the cart.
type AddLineInput struct {
	VariantID uuid.UUID
	Quantity  int
	Choices   []sale.Choice // what fills the slots of a set
}

// AddLine puts pieces of a variant into the actor's cart, which is made when there
// is none: a guest then finds the key to it in Priced.Token.
func (s *Service) AddLine(ctx context.Context, in AddLineInput) (*Priced, error) {
	if in.Quantity < 1 || in.Quantity > pricing.MaxQuantity {
		return nil, pricing.ErrQuantity.At("quantity")
	}
	lookup, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	token := ""
	if lookup.Owner.Nobody() {
		token = NewToken()
		lookup.Owner.TokenHash = HashToken(token)
	}
	line := NewLine{VariantID: in.VariantID, Quantity: in.Quantity, Choices: sale.Sorted(in.Choices), Fresh: token != ""}
	var basket *Basket
	err = s.rules.Through(ctx, func(v *display.View) (err error) {
		lookup.Rules = v.Version
		if err := s.refused(ctx, lookup, in); err != nil {
			return err
		}
		basket, err = s.addLine(ctx, lookup, line)
		return err
	})
	if err != nil {
		return nil, err
	}
	priced, err := s.Price(ctx, lookup, *basket)
	if err == nil {
		priced.Token = token
	}
	return priced, err
}

// maxCarts is how many carts a line is put into that are ordered meanwhile.
const maxCarts = 3

// addLine adds the line. A cart that is ordered by another device at that moment is gone
// when it is read again: the line then begins a new one. Each try has ids of its own, as the
// ordered cart keeps the line.
func (s *Service) addLine(ctx context.Context, lookup Lookup, line NewLine) (*Basket, error) {
	for range maxCarts {
		line.CartID, line.LineID = id.New(), id.New()
		basket, added, err := s.store.AddLine(ctx, lookup, line)
		if err == nil && !added {
			err = s.whyNotAdded(ctx, lookup, basket, line)
		}
		if err != nil || added && basket != nil && len(basket.Items) > 0 { // one without lines was emptied by the order
			return basket, err
		}
	}
	return nil, fault.ErrUnavailable
}

// SetQuantityInput is how many pieces a line shall have; 0 removes it.
type SetQuantityInput struct {
	LineID   uuid.UUID
	Quantity int
}

// SetQuantity changes a line of the actor's cart.
func (s *Service) SetQuantity(ctx context.Context, in SetQuantityInput) (*Priced, error) {
	if in.Quantity < 0 || in.Quantity > pricing.MaxQuantity {
		return nil, pricing.ErrQuantity.At("quantity")
	}
	lookup, err := s.Lookup(ctx)
	if err != nil {
		return nil, err
	}
	basket, changed, err := s.store.SetQuantity(ctx, lookup, in.LineID, in.Quantity)
	switch {
	case err != nil:
		return nil, err
	case !changed || basket == nil: // it was ordered meanwhile
		return nil, whyNotSet(lookup, basket, in)
	}
	return s.Price(ctx, lookup, *basket)
}

// refused is why the actor may not buy the variant as it is chosen; nil if nothing
// forbids it.
func (s *Service) refused(ctx context.Context, in Lookup, wanted AddLineInput) error {
	if _, err := in.desk.Current(ctx, in.Rules); err != nil {
		return err
	}
	if err := in.fits(ctx, wanted.VariantID, wanted.Choices); err != nil {
		return err
	}
	held := in.held(wanted)
	standings, err := s.rules.Standings(ctx, in.Rules, append(held, wanted.VariantID))
	standing := in.found(standings, wanted.VariantID, held)
	switch {
	case err != nil:
		return err
	case !standing.Visible:
		return ErrUnknownVariant.At("variantId")
	case standing.NotPurchasable != nil:
		return standing.NotPurchasable.At("variantId")
	}
	return nil
}

// fits fails unless the choices fill the slots of the set, or there are none and the
// variant is no set.
func (l Lookup) fits(ctx context.Context, variantID uuid.UUID, choices []sale.Choice) error {
	set := l.desk.Set(variantID)
	if set == nil {
		set = &sale.Set{}
	}
	return set.Fits(ctx, choices)
}

// whyNotAdded finds the reason after the fact, so that adding itself stays one
// round trip; nil if there is none, but that the cart was ordered at that moment.
func (s *Service) whyNotAdded(ctx context.Context, in Lookup, basket *Basket, wanted NewLine) error {
	found, err := s.store.Sellable(ctx, in, wanted)
	switch {
	case err != nil:
		return err
	case !found.OnSale:
		return ErrUnknownVariant.At("variantId")
	case basket != nil && len(basket.Items) >= MaxLines:
		return ErrTooManyLines.With(MaxLines).At("variantId")
	}
	there := line(basket, wanted) + wanted.Quantity
	if there <= found.Free && (found.Share == nil || there <= *found.Share) {
		return nil
	}
	return short(found.Free, found.Share, found.SoldAs, in.Buyer()).At("quantity")
}

// line is how many pieces the basket has of what is wanted, chosen alike.
func line(basket *Basket, wanted NewLine) int {
	if basket == nil {
		return 0
	}
	for _, item := range basket.Items {
		if item.VariantID == wanted.VariantID && slices.Equal(item.Choices, wanted.Choices) {
			return item.Quantity
		}
	}
	return 0
}

// short says that fewer pieces can be had than are wanted: a limit stands against
// it, or there are no more.
func short(free int, share *int, kind *sale.Kind, buyer scope.Buyer) *fault.Error {
	switch {
	case share != nil && *share < free:
		return beyondShare(kind).With(max(*share, 0))
	case buyer.StockHidden:
		return errTooFew
	}
	return ErrSoldOut.With(free)
}

func whyNotSet(in Lookup, basket *Basket, wanted SetQuantityInput) error {
	if basket != nil {
		for _, item := range basket.Items {
			if item.ID == wanted.LineID {
				free, beyond := basket.stock(in.Buyer()).there(item)
				return short(free+beyond, item.Share, item.SoldAs, in.Buyer()).At("quantity")
			}
		}
	}
	return ErrUnknownLine.At("lineId")
}

// MergeGuest moves the lines of the guest cart with the token into the member's.
func (s *Service) MergeGuest(ctx context.Context, token string, memberID uuid.UUID) error {
	if !isToken(token) {
		return nil
	}
	return s.store.Merge(ctx, HashToken(token), memberID, s.now())
}

// Price prices a basket as it was looked up, and says what stands against ordering
// it. Rules that moved since are read anew, and the sheets with them.
func (s *Service) Price(ctx context.Context, in Lookup, b Basket) (*Priced, error) {
	if err := in.refresh(ctx, &b); err != nil {
		return nil, err
	}
	standings, err := s.rules.Standings(ctx, b.Rules, b.variants())
	if err != nil {
		return nil, err
	}
	return in.price(ctx, b, standings)
}

// refresh places what was read with the basket in order, reads it anew if the rules have
// moved since.
func (l Lookup) refresh(ctx context.Context, b *Basket) error {
	current, err := l.desk.Current(ctx, b.Rules)
	if err != nil || current {
		l.desk.Place(b.Sheets)
		return err
	}
	b.Sheets, err = l.desk.Sheets(ctx, b.variants())
	return err
}

// price prices a basket whose variants the buyer finds like this.
func (l Lookup) price(ctx context.Context, b Basket, standings map[uuid.UUID]display.Standing) (*Priced, error) {
	b = b.atShop()
	b.Parcel = b.parcel(l)
	items := make([]pricing.Item, len(b.Items))
	for i, item := range b.Items {
		items[i] = item.priced()
	}
	l.hide(b.Sheets, standings)
	l.desk.Enter(b.Cart.region(), b.Cart.ShippingMode, b.Cart.shop(), usable(b.Cart.Entered, l.Owner, l.At))
	told := standings
	if b.Cart.QuotationID != nil {
		standings = nil // staff have offered it to the buyer by name
	}
	quote, verdict, err := l.shipped(b, items)
	if err == nil {
		quote, err = l.charged(b, items, quote, verdict)
	}
	if err != nil {
		return nil, err
	}
	return &Priced{
		Cart: b.Cart, Lines: secretive(l.lines(ctx, b, &quote, standings), told), Method: b.Method, Quote: quote, Verdict: verdict,
		Coupons:   outcomes(b.Cart.Entered, l.Owner, l.At, quote),
		Unpayable: b.Cart.payable(quote.Total, verdict),
		Arrival:   b.arrives(),
		parcel:    b.Parcel,
		alone:     func() (pricing.Quote, error) { return l.desk.Quote(b.Sheets, items, nil) },
	}, nil
}

// lines are the priced lines, each with what stands against ordering it.
func (l Lookup) lines(ctx context.Context, b Basket, q *pricing.Quote, standings map[uuid.UUID]display.Standing) []Line {
	lines := make([]Line, len(b.Items))
	shared, lacks := b.stock(l.Buyer()), l.lacks(b, q)
	for i, item := range b.Items {
		if item.stands() {
			lines[i] = Line{Item: item, Price: &q.Lines[i]}
			continue
		}
		line := shared.line(item.unnamed(standings), &q.Lines[i], item.standing(l, standings))
		if line.Problem == nil && item.Was == 0 && l.fits(ctx, item.VariantID, item.Choices) != nil {
			line.Problem = ErrSetChanged
		}
		if line.Problem == nil {
			line.Problem = item.NotInMode(b.Cart.ShippingMode, b.Cart.QuotationID != nil || item.Offered)
		}
		if line.Problem == nil {
			line.Problem = lacks(item)
		}
		lines[i] = line
	}
	return lines
}

// secretive marks the lines that hold something whose price the buyer is not told.
func secretive(lines []Line, standings map[uuid.UUID]display.Standing) []Line {
	if standings == nil { // everything is told
		return lines
	}
	for i := range lines {
		lines[i].Secret = display.Found(standings, lines[i].VariantID, false, lines[i].heldVariants()).Secret()
	}
	return lines
}

// variants are all that lines need, and what sets hold.
func (b Basket) variants() []uuid.UUID {
	all := make([]uuid.UUID, 0, len(b.Items))
	for _, item := range b.Items {
		all = append(all, item.VariantID)
		for _, p := range item.Parts {
			all = append(all, p.VariantID)
		}
	}
	return all
}

// Free sums the free pieces of each variant over the locations.
func (b Basket) Free() map[uuid.UUID]int {
	free := make(map[uuid.UUID]int, len(b.Items))
	for _, level := range b.Levels {
		free[level.VariantID] += max(level.Free, 0)
	}
	return free
}

func (s stock) line(item Item, price *pricing.Line, standing display.Standing) Line {
	free, beyond := s.there(item)
	there := inventory.Free{Pieces: free, Beyond: beyond, Hidden: s.hidden}
	l := Line{Item: item, Price: price, Availability: there.Availability(), BackOrdered: min(max(item.Quantity-free, 0), beyond)}
	if price.Err != nil {
		l.Price = nil
	}
	switch gone := item.gone(); {
	case !item.OnSale || !standing.Visible:
		l.Problem = ErrUnknownVariant
	case standing.NotPurchasable != nil:
		l.Problem = standing.NotPurchasable
	case gone != nil:
		l.Problem = ErrPartGone.With(gone.SKU)
	case price.Err != nil:
		l.Problem = pricing.ErrNoPrice
	default:
		l.Problem = s.short(item)
	}
	return l
}
