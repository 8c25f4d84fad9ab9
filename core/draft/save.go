package draft

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sale"
)

// How long texts may be, how long a draft lasts, and how many coupons it holds.
const (
	maxName    = 100
	maxText    = 2000
	maxCoupons = 10
	lasts      = 14 * 24 * time.Hour
	mostAhead  = 366 * 24 * time.Hour
)

// methods are the ways in which a draft can be paid.
var methods = []payment.Method{
	payment.MethodCard, payment.MethodBankTransfer, payment.MethodOnAccount, payment.MethodConvenienceStore, payment.MethodCashOnDelivery, payment.MethodAtShop,
}

// Terms are what staff say of an order to come; nil leaves as it is.
type Terms struct {
	Name             *string
	Phone            *string
	Email            *string
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address
	BillToShipping   bool // forget the billing address
	ShippingMethodID *uuid.UUID
	ShippingMode     *pricing.ShippingMode
	ShopID           *uuid.UUID
	PaymentMethod    *payment.Method
	ConvenienceStore *payment.Chain
	Note             *string
	ExpiresAt        *time.Time
	Lines            []LineInput // all of them; nil leaves those there are
	Coupons          []string    // codes, all of them; nil leaves those there are
}

// LineInput is goods of a draft.
type LineInput struct {
	VariantID uuid.UUID
	Quantity  int
	Choices   []sale.Choice
	Unit      *decimal.Decimal // major units, as the channel shows prices; nil: the buyer's price
}

// CreateInput makes a draft for a member, or for a guest.
type CreateInput struct {
	MemberID *uuid.UUID
	Terms    Terms
}

// Create makes a draft, for staff. A member's name, address and role are taken from the
// account, which is written down as a view of the member; staff of a shop take those of
// their own members alone. Prices that staff set need PRICING_WRITE, and below the lowest
// allowed ones PRICING_BELOW.
func (s *Service) Create(ctx context.Context, in CreateInput) (*Draft, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	d, m, err := s.fresh(ctx, in.MemberID)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return s.insert(ctx, d, in.Terms, "draft_order.created")
	}
	if !m.readable(access.From(ctx)) {
		return nil, fault.ErrForbidden.At("memberId")
	}
	viewed := event.New(ctx, s.Now(), "member.viewed", "Member", *in.MemberID, map[string]any{"by": "draftOrder", "masked": false})
	return s.insert(ctx, d, in.Terms, "draft_order.created", viewed)
}

// fresh is a new draft for the member, who is answered too, or for a guest.
func (s *Service) fresh(ctx context.Context, memberID *uuid.UUID) (Draft, *Member, error) {
	number, err := order.NewNumber()
	if err != nil {
		return Draft{}, nil, err
	}
	now, ch, actor := s.Now(), channel.From(ctx), access.From(ctx)
	d := Draft{
		ID: id.New(), Number: "D-" + number, BrandID: ch.BrandID, ChannelID: ch.ID, MemberID: memberID, BuyerRole: access.RoleGuest, Language: ch.DefaultLocale,
		State: Open, Revision: 1, ShippingMode: pricing.ShipNormal, Currency: ch.Money(), ExpiresAt: now.Add(lasts), CreatedBy: actor.ID, CreatedAt: now, UpdatedAt: now,
	}
	if actor.Is(access.RoleStoreStaff) && len(actor.Stores) == 1 {
		d.ShopID = &actor.Stores[0]
	}
	if d.Language == "" {
		d.Language = i18n.Default
	}
	if memberID == nil {
		return d, nil, nil
	}
	m, err := s.Store.Member(ctx, ch.BrandID, *memberID)
	if err == nil && m == nil {
		err = ErrMember.At("memberId")
	}
	if err != nil {
		return d, nil, err
	}
	d.Name, d.Email, d.BuyerRole, d.Language, d.ShippingAddress = m.Name, m.Email, m.Role, m.Language, m.Address
	if m.Address != nil {
		d.Phone = m.Address.Phone
	}
	return d, m, nil
}

// insert writes a new draft down, with what else happened.
func (s *Service) insert(ctx context.Context, d Draft, t Terms, eventType string, also ...event.Event) (*Draft, error) {
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Insert(ctx, d); err != nil {
			return err
		}
		if err := s.apply(ctx, &d, t); err != nil {
			return err
		}
		return s.record(ctx, &d, eventType, Change{}, also...)
	})
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// UpdateInput changes a draft.
type UpdateInput struct {
	DraftID  uuid.UUID
	Revision int // that staff have seen
	Terms    Terms
}

// Update changes a draft that is not ordered, for staff. One that was sent is open
// again: the customer confirms what was sent, or nothing.
func (s *Service) Update(ctx context.Context, in UpdateInput) (*Draft, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	return s.change(ctx, in.DraftID, "draft_order.updated", func(ctx context.Context, d *Draft, _ *Change) error {
		switch {
		case d.State == Placed || d.State == Cancelled:
			return ErrState.With(d.State)
		case d.Revision != in.Revision:
			return ErrChanged.With(d.Revision).At("revision")
		case d.State == Expired && in.Terms.ExpiresAt == nil:
			d.ExpiresAt = s.Now().Add(lasts)
		}
		d.State, d.Revision, d.TokenHash = Open, d.Revision+1, nil
		return s.apply(ctx, d, in.Terms)
	})
}

// apply brings what is said into the draft, and prices it.
func (s *Service) apply(ctx context.Context, d *Draft, t Terms) error {
	if err := errors.Join(t.texts(d), t.addresses(d), s.chosen(ctx, d, t)); err != nil {
		return err
	}
	if t.Lines != nil {
		lines, err := s.lines(ctx, *d, t.Lines)
		if err != nil {
			return err
		}
		if err := s.Store.SetLines(ctx, d.ID, lines); err != nil {
			return err
		}
	}
	if t.Coupons != nil {
		if err := s.coupons(ctx, *d, t.Coupons); err != nil {
			return err
		}
	}
	if err := s.Store.Save(ctx, *d); err != nil {
		return err
	}
	priced, err := s.price(ctx, *d)
	if err == nil && priced != nil {
		d.TotalMinor = priced.Quote.Total.Minor
	}
	return err
}

// texts takes name, phone, mail address and note.
func (t Terms) texts(d *Draft) error {
	var all []error
	for field, text := range map[string]struct {
		from *string
		into *string
		most int
	}{"name": {t.Name, &d.Name, maxName}, "phone": {t.Phone, &d.Phone, 20}, "note": {t.Note, &d.Note, maxText}} {
		if text.from != nil {
			all = append(all, short("terms."+field, *text.from, text.most))
			*text.into = *text.from
		}
	}
	if t.Email != nil {
		email, err := identity.NormaliseEmail(*t.Email)
		if err != nil {
			all = append(all, cart.ErrEmail.At("terms.email"))
		}
		d.Email = email
	}
	return errors.Join(all...)
}

// addresses takes whereto the parcel goes, and the bill.
func (t Terms) addresses(d *Draft) error {
	if t.BillToShipping {
		d.BillingAddress = nil
		if t.BillingAddress != nil {
			return cart.ErrBilling.At("terms.billToShipping")
		}
	}
	var all []error
	for field, a := range map[string]struct {
		from *customer.Address
		into **customer.Address
	}{"shippingAddress": {t.ShippingAddress, &d.ShippingAddress}, "billingAddress": {t.BillingAddress, &d.BillingAddress}} {
		if a.from != nil {
			normal := a.from.Normalised()
			all = append(all, normal.Validate("terms."+field))
			*a.into = &normal
		}
	}
	return errors.Join(all...)
}

// chosen takes method, mode, shop, way to pay and expiry.
func (s *Service) chosen(ctx context.Context, d *Draft, t Terms) error {
	hasMethod, hasShop, err := s.Store.Offered(ctx, d.BrandID, t.ShippingMethodID, t.ShopID)
	if err != nil {
		return err
	}
	var all []error
	if t.ShippingMethodID != nil {
		d.ShippingMethodID = t.ShippingMethodID
		if !hasMethod {
			all = append(all, cart.ErrUnknownMethod.At("terms.shippingMethodId"))
		}
	}
	if t.ShopID != nil {
		d.ShopID = t.ShopID
		if !hasShop {
			all = append(all, cart.ErrUnknownShop.At("terms.shopId"))
		}
	}
	if !atTheirs(access.From(ctx), d.ShopID) {
		all = append(all, ErrShopOnly.At("terms.shopId"))
	}
	if t.ShippingMode != nil {
		d.ShippingMode = *t.ShippingMode
	}
	if t.PaymentMethod != nil {
		d.PaymentMethod, d.ConvenienceStore = t.PaymentMethod, ""
		if !slices.Contains(methods, *t.PaymentMethod) {
			all = append(all, ErrMethod.At("terms.paymentMethod"))
		}
	}
	if t.ConvenienceStore != nil {
		d.ConvenienceStore = *t.ConvenienceStore
	}
	if t.ExpiresAt != nil {
		d.ExpiresAt = *t.ExpiresAt
		if now := s.Now(); !d.ExpiresAt.After(now) || d.ExpiresAt.After(now.Add(mostAhead)) {
			all = append(all, ErrExpiry.At("terms.expiresAt"))
		}
	}
	return errors.Join(all...)
}

// lines are the lines as they are kept, if staff may set their prices.
func (s *Service) lines(ctx context.Context, d Draft, wanted []LineInput) ([]Line, error) {
	if len(wanted) > cart.MaxLines {
		return nil, cart.ErrTooManyLines.With(cart.MaxLines).At("terms.lines")
	}
	variants := make([]uuid.UUID, len(wanted))
	for i, l := range wanted {
		variants[i] = l.VariantID
	}
	known, err := s.Store.Known(ctx, d.BrandID, variants)
	if err != nil {
		return nil, err
	}
	lines, items, all := make([]Line, len(wanted)), make([]pricing.Item, len(wanted)), []error(nil)
	for i, l := range wanted {
		field := fmt.Sprintf("terms.lines.%d.", i)
		lines[i] = Line{ID: id.New(), DraftID: d.ID, Position: i, VariantID: l.VariantID, Quantity: l.Quantity, Choices: sale.Sorted(l.Choices)}
		items[i] = pricing.Item{VariantID: l.VariantID, Quantity: l.Quantity}
		if !slices.Contains(known, l.VariantID) {
			all = append(all, cart.ErrUnknownVariant.At(field+"variantId"))
		}
		if l.Quantity < 1 || l.Quantity > pricing.MaxQuantity {
			all = append(all, pricing.ErrQuantity.At(field+"quantity"))
		}
		if l.Unit == nil {
			continue
		}
		m, err := money.Parse(*l.Unit, d.Currency)
		if err == nil && m.Minor < 0 {
			err = ErrUnit
		}
		all = append(all, at(field+"unit", err))
		lines[i].UnitMinor, items[i].Agreed = &m.Minor, &pricing.Agreed{Amount: m.Minor}
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return lines, s.maySet(ctx, d, items)
}

// maySet fails unless the actor may set the prices.
func (s *Service) maySet(ctx context.Context, d Draft, items []pricing.Item) error {
	if !slices.ContainsFunc(items, func(i pricing.Item) bool { return i.Agreed != nil }) {
		return nil
	}
	if err := access.Require(ctx, access.PricingWrite); err != nil {
		return err
	}
	list := pricing.List{Audience: d.Buyer().Audience(), Currency: d.Currency}
	return pricing.NotBelow(ctx, s.Prices, list, items, func(i int) string { return fmt.Sprintf("terms.lines.%d.unit", i) })
}

// coupons enters the coupons with the codes, if the buyer can use them.
func (s *Service) coupons(ctx context.Context, d Draft, codes []string) error {
	if len(codes) > maxCoupons {
		return fault.Invalid(fault.CodeTooMany, "クーポンは%d枚までです", "A draft order takes at most %d coupons").With(maxCoupons).At("terms.coupons")
	}
	member := uuid.Nil
	if d.MemberID != nil {
		member = *d.MemberID
	}
	ids := make([]uuid.UUID, 0, len(codes))
	for i, code := range codes {
		c, err := s.Coupons.Find(ctx, code, member)
		if err != nil {
			return at(fmt.Sprintf("terms.coupons.%d", i), err)
		}
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return s.Store.SetCoupons(ctx, d.ID, ids)
}

// DuplicateInput names an order to be ordered again.
type DuplicateInput struct{ OrderID uuid.UUID }

// Duplicate makes a draft of what an order held (再注文), for staff: at the buyer's prices
// of today, without what campaigns gave. A set that the customer filled is to be filled
// again.
func (s *Service) Duplicate(ctx context.Context, in DuplicateInput) (*Draft, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	o, err := s.Orders.ByID(ctx, in.OrderID)
	if err != nil {
		return nil, at("orderId", err)
	}
	if o.Masked { // the copy would have the personal data of another shop's
		return nil, fault.ErrForbidden.At("orderId")
	}
	if o.ChannelID != channel.From(ctx).ID {
		return nil, ErrCopyChannel.At("orderId")
	}
	held, err := s.Orders.Lines(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return nil, err
	}
	d, _, err := s.fresh(ctx, o.MemberID)
	if err != nil {
		return nil, err
	}
	d.Email, d.Language, d.ShippingAddress, d.BillingAddress, d.ShippingMode = o.Email, o.Language, &o.ShippingAddress, o.BillingAddress, o.ShippingMode
	d.Name, d.Phone = o.ShippingAddress.Name, o.ShippingAddress.Phone
	if o.ShopID != nil {
		d.ShopID = o.ShopID
	}
	if slices.Contains(methods, o.PaymentMethod) {
		d.PaymentMethod = &o.PaymentMethod
	}
	if offered, _, err := s.Store.Offered(ctx, d.BrandID, &o.ShippingMethod.ID, nil); err != nil {
		return nil, err
	} else if offered {
		d.ShippingMethodID = &o.ShippingMethod.ID
	}
	return s.insert(ctx, d, Terms{Lines: again(held)}, "draft_order.duplicated")
}

// again are the goods of an order's lines that were paid for.
func again(held []order.Line) []LineInput {
	lines := make([]LineInput, 0, len(held))
	for _, l := range held {
		if l.TotalMinor > 0 {
			lines = append(lines, LineInput{VariantID: l.VariantID, Quantity: l.Quantity})
		}
	}
	return lines
}
