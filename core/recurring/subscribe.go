package recurring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
)

// methods are the ways in which a recurring order can be paid; by card with one that the
// member has saved.
var methods = []payment.Method{
	payment.MethodCard, payment.MethodBankTransfer, payment.MethodOnAccount, payment.MethodConvenienceStore, payment.MethodCashOnDelivery,
}

// mostAhead is how far ahead a day may lie.
const mostAhead = 366

// LineInput is goods that come again.
type LineInput struct {
	VariantID uuid.UUID
	Quantity  int
}

// SubscribeInput is a member's word: these goods, so often, from that day on.
type SubscribeInput struct {
	IdempotencyKey   string
	MemberID         *uuid.UUID // for staff: for whom; the caller, if nil
	Unit             Unit
	Every            int
	FirstOn          time.Time
	Lines            []LineInput
	ShippingAddress  customer.Address
	BillingAddress   *customer.Address
	ShippingMethodID uuid.UUID
	PaymentMethod    payment.Method
	ConvenienceStore *payment.Chain
	CardID           *uuid.UUID // a saved card of the member's, for MethodCard
	Coupons          []string   // codes of coupons that hold for each order
}

// Subscribe begins a recurring order, for its member or, by staff of the whole brand, for
// one: once for each idempotency key.
func (s *Service) Subscribe(ctx context.Context, in SubscribeInput) (*Order, error) {
	actor := access.From(ctx)
	member := actor.ID
	if in.MemberID != nil && *in.MemberID != actor.ID {
		if err := access.RequireEverywhere(ctx, access.OrderWrite); err != nil {
			return nil, err
		}
		member = *in.MemberID
	}
	made, err := idempotency.Once(ctx, s.Keys, "subscribeRecurringOrder", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.subscribe(ctx, member, in)
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(ctx, made)
}

func (s *Service) subscribe(ctx context.Context, memberID uuid.UUID, in SubscribeInput) (uuid.UUID, error) {
	number, err := order.NewNumber()
	if err != nil {
		return uuid.Nil, err
	}
	now, ch := s.Now(), channel.From(ctx)
	m, err := s.Members.Member(ctx, ch.BrandID, memberID)
	if err == nil && m == nil {
		err = fault.ErrNotFound.At("memberId")
	}
	if err != nil {
		return uuid.Nil, err
	}
	o := Order{
		ID: id.New(), Number: "R-" + number, BrandID: ch.BrandID, ChannelID: ch.ID, MemberID: memberID, BuyerRole: m.Role, Name: m.Name, Email: m.Email, Language: m.Language,
		State: Active, ShippingMode: pricing.ShipNormal, Currency: ch.Money(), CreatedAt: now, UpdatedAt: now,
	}
	terms := Terms{
		Unit: &in.Unit, Every: &in.Every, NextOn: &in.FirstOn, Lines: in.Lines, ShippingAddress: &in.ShippingAddress, BillingAddress: in.BillingAddress,
		ShippingMethodID: &in.ShippingMethodID, PaymentMethod: &in.PaymentMethod, ConvenienceStore: in.ConvenienceStore, CardID: in.CardID, Coupons: in.Coupons,
	}
	if terms.Lines == nil {
		terms.Lines = []LineInput{}
	}
	if err := s.apply(ctx, &o, terms, s.Store.Insert); err != nil {
		return uuid.Nil, renamed(err, func(field string) string { return strings.Replace(field, "nextOn", "firstOn", 1) })
	}
	return o.ID, s.record(ctx, &o, "recurring_order.subscribed", Change{})
}

// Terms are what is to be otherwise; nil leaves as it is.
type Terms struct {
	Unit             *Unit
	Every            *int
	NextOn           *time.Time // the next order; the schedule counts from it
	Lines            []LineInput
	ShippingAddress  *customer.Address
	BillingAddress   *customer.Address
	ShippingMethodID *uuid.UUID
	PaymentMethod    *payment.Method
	ConvenienceStore *payment.Chain
	CardID           *uuid.UUID // a saved card of the member's, for MethodCard
	Coupons          []string
}

// ChangeInput changes a recurring order.
type ChangeInput struct {
	RecurringID uuid.UUID
	Revision    int // that was seen
	Terms       Terms
}

// Change changes what comes, when, whereto and how it is paid.
func (s *Service) Change(ctx context.Context, in ChangeInput) (*Order, error) {
	return s.change(ctx, in.RecurringID, "recurring_order.changed", func(ctx context.Context, o *Order, _ *Change) error {
		switch {
		case o.State == Cancelled:
			return ErrState.With(o.State)
		case o.Revision != in.Revision:
			return ErrChanged.At("revision")
		}
		o.Attempts, o.RetryAt = 0, nil
		return renamed(s.apply(ctx, o, in.Terms, s.Store.Save), func(field string) string { return "terms." + field })
	})
}

// renamed says the fields of business failures as the input has them.
func renamed(err error, field func(string) string) error {
	var all []error
	for _, e := range each(err) {
		var f *fault.Error
		if errors.As(e, &f) && f.Field != "" {
			e = f.At(field(f.Field))
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// each are the failures that one joins.
func each(err error) (all []error) {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // what it joins is looked at
	if !ok {
		return []error{err}
	}
	for _, e := range joined.Unwrap() {
		all = append(all, each(e)...)
	}
	return all
}

// apply brings what is said into the order, and checks that it can be ordered as things
// stand; a shortage of stock may be over by the day.
func (s *Service) apply(ctx context.Context, o *Order, t Terms, save func(context.Context, Order) error) error {
	if err := errors.Join(s.scheduled(ctx, o, t), t.addresses(o), s.tendered(ctx, o, t)); err != nil {
		return err
	}
	if err := save(ctx, *o); err != nil {
		return err
	}
	if t.Lines != nil {
		lines, err := s.lines(ctx, *o, t.Lines)
		if err != nil {
			return err
		}
		if err := s.Store.SetLines(ctx, o.ID, lines); err != nil {
			return err
		}
	}
	if t.Coupons != nil {
		if err := s.coupons(ctx, *o, t.Coupons); err != nil {
			return err
		}
	}
	priced, err := s.price(ctx, *o)
	if err != nil {
		return err
	}
	if err := lasting(order.Orderable(priced)); err != nil {
		return err
	}
	o.AcceptedMinor = priced.Quote.Total.Minor
	return nil
}

// lasting is a failure without what may be over by the day: too little stock.
func lasting(err error) error {
	return errors.Join(slices.DeleteFunc(each(err), func(e error) bool { return e == nil || errors.Is(e, cart.ErrSoldOut) })...)
}

// scheduled takes interval and next day.
func (s *Service) scheduled(ctx context.Context, o *Order, t Terms) error {
	if t.Unit == nil && t.Every == nil && t.NextOn == nil {
		return nil
	}
	plan := Schedule{o.Unit, o.Every, o.NextOn}
	if t.Unit != nil {
		plan.Unit = *t.Unit
	}
	if t.Every != nil {
		plan.Every = *t.Every
	}
	if t.NextOn != nil {
		plan.First = Today(*t.NextOn, time.UTC)
		today := Today(s.Now(), channel.From(ctx).Zone())
		if !plan.First.After(today) || plan.First.After(today.AddDate(0, 0, mostAhead)) {
			return ErrSchedule.At("nextOn")
		}
	}
	if !plan.Valid() {
		return ErrSchedule.At("every")
	}
	o.Unit, o.Every, o.FirstOn, o.NextOn, o.AnnouncedOn = plan.Unit, plan.Every, plan.First, plan.First, nil
	return nil
}

// addresses takes whereto the parcel goes, and the bill.
func (t Terms) addresses(o *Order) error {
	var all []error
	if t.ShippingAddress != nil {
		o.ShippingAddress = t.ShippingAddress.Normalised()
		all = append(all, o.ShippingAddress.Validate("shippingAddress"))
	}
	if t.BillingAddress != nil {
		normal := t.BillingAddress.Normalised()
		o.BillingAddress = &normal
		all = append(all, normal.Validate("billingAddress"))
	}
	return errors.Join(all...)
}

// tendered takes method and way to pay.
func (s *Service) tendered(ctx context.Context, o *Order, t Terms) error {
	if t.PaymentMethod != nil {
		if !slices.Contains(methods, *t.PaymentMethod) {
			return ErrMethod.At("paymentMethod")
		}
		o.PaymentMethod, o.ConvenienceStore = *t.PaymentMethod, ""
		if o.PaymentMethod != payment.MethodCard {
			o.CardID = nil
		}
	}
	if err := s.charged(ctx, o, t.CardID); err != nil {
		return err
	}
	if t.ConvenienceStore != nil {
		o.ConvenienceStore = *t.ConvenienceStore
	}
	if o.PaymentMethod == payment.MethodConvenienceStore && o.ConvenienceStore == "" {
		return fault.ErrRequired.At("convenienceStore")
	}
	if t.ShippingMethodID == nil {
		return nil
	}
	o.ShippingMethodID = *t.ShippingMethodID
	offered, _, err := s.Members.Offered(ctx, o.BrandID, t.ShippingMethodID, nil)
	if err == nil && !offered {
		err = cart.ErrUnknownMethod.At("shippingMethodId")
	}
	return err
}

// charged takes the card that pays: only the member says which of theirs.
func (s *Service) charged(ctx context.Context, o *Order, cardID *uuid.UUID) error {
	if cardID != nil && o.PaymentMethod == payment.MethodCard {
		o.CardID = nil
		c, err := s.Cards.Hold(ctx, *cardID)
		if err != nil {
			return err
		}
		if c != nil && c.State == cardfile.Kept && c.BrandID == o.BrandID && c.MemberID == o.MemberID && o.MemberID == access.From(ctx).ID {
			o.CardID = &c.ID
		}
	}
	if o.PaymentMethod == payment.MethodCard && o.CardID == nil {
		return payment.ErrCard.At("savedCardId")
	}
	return nil
}

func (s *Service) lines(ctx context.Context, o Order, wanted []LineInput) ([]Line, error) {
	switch {
	case len(wanted) == 0:
		return nil, ErrEmpty.At("lines")
	case len(wanted) > cart.MaxLines:
		return nil, cart.ErrTooManyLines.With(cart.MaxLines).At("lines")
	}
	variants := make([]uuid.UUID, len(wanted))
	for i, l := range wanted {
		variants[i] = l.VariantID
	}
	known, err := s.Members.Known(ctx, o.BrandID, variants)
	if err != nil {
		return nil, err
	}
	lines, all := make([]Line, len(wanted)), []error(nil)
	for i, l := range wanted {
		lines[i] = Line{ID: id.New(), RecurringID: o.ID, Position: i, VariantID: l.VariantID, Quantity: l.Quantity}
		if !slices.Contains(known, l.VariantID) {
			all = append(all, cart.ErrUnknownVariant.At(fmt.Sprintf("lines.%d.variantId", i)))
		}
		if l.Quantity < 1 || l.Quantity > pricing.MaxQuantity {
			all = append(all, pricing.ErrQuantity.At(fmt.Sprintf("lines.%d.quantity", i)))
		}
	}
	return lines, errors.Join(all...)
}

// maxCoupons is how many coupons hold for each order.
const maxCoupons = 3

func (s *Service) coupons(ctx context.Context, o Order, codes []string) error {
	if len(codes) > maxCoupons {
		return fault.Invalid(fault.CodeTooMany, "クーポンは%d枚までです", "A recurring order takes at most %d coupons").With(maxCoupons).At("coupons")
	}
	ids := make([]uuid.UUID, 0, len(codes))
	for i, code := range codes {
		c, err := s.Coupons.Find(ctx, code, o.MemberID)
		if err != nil {
			return at(fmt.Sprintf("coupons.%d", i), err)
		}
		if !slices.Contains(ids, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	return s.Store.SetCoupons(ctx, o.ID, ids)
}

// NameInput names a recurring order.
type NameInput struct {
	RecurringID uuid.UUID
	Reason      string
}

func (in NameInput) validate() error { return short("reason", in.Reason, 500) }

// Skip leaves the next order out.
func (s *Service) Skip(ctx context.Context, in NameInput) (*Order, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	return s.change(ctx, in.RecurringID, "recurring_order.skipped", func(ctx context.Context, o *Order, c *Change) error {
		if o.State != Active {
			return ErrState.With(o.State)
		}
		c.DueOn, c.Reason = o.NextOn.Format(time.DateOnly), in.Reason
		skipped := Occurrence{RecurringID: o.ID, DueOn: o.NextOn, Result: Skipped, Attempts: o.Attempts, UpdatedAt: s.Now()}
		o.advance(s.today(ctx))
		return s.Store.Note(ctx, skipped)
	})
}

// today is the day now in the channel.
func (s *Service) today(ctx context.Context) time.Time {
	return Today(s.Now(), channel.From(ctx).Zone())
}

// advance goes on to the next day that is not over.
func (o *Order) advance(today time.Time) {
	next := o.Schedule().After(o.NextOn)
	if next.Before(today) {
		next = o.Schedule().From(today)
	}
	o.NextOn, o.AnnouncedOn, o.Attempts, o.RetryAt = next, nil, 0, nil
}

// Pause stops orders until it is resumed.
func (s *Service) Pause(ctx context.Context, in NameInput) (*Order, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	return s.change(ctx, in.RecurringID, "recurring_order.paused", func(_ context.Context, o *Order, c *Change) error {
		if o.State != Active {
			return ErrState.With(o.State)
		}
		o.State, c.Reason = Paused, in.Reason
		return nil
	})
}

// ResumeInput goes on with a recurring order that was paused.
type ResumeInput struct {
	RecurringID uuid.UUID
	NextOn      *time.Time // from which the schedule counts; nil: as it was planned
}

// Resume goes on with orders, from tomorrow at the earliest; days that went by in the
// pause are not made up for.
func (s *Service) Resume(ctx context.Context, in ResumeInput) (*Order, error) {
	return s.change(ctx, in.RecurringID, "recurring_order.resumed", func(ctx context.Context, o *Order, _ *Change) error {
		if o.State != Paused {
			return ErrState.With(o.State)
		}
		o.State, o.Attempts, o.RetryAt = Active, 0, nil
		if in.NextOn != nil {
			return s.scheduled(ctx, o, Terms{NextOn: in.NextOn})
		}
		if today := s.today(ctx); !o.NextOn.After(today) {
			o.NextOn, o.AnnouncedOn = o.Schedule().After(today), nil
		}
		return nil
	})
}

// Cancel ends a recurring order for good; what was ordered stays ordered.
func (s *Service) Cancel(ctx context.Context, in NameInput) (*Order, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	return s.change(ctx, in.RecurringID, "recurring_order.cancelled", func(_ context.Context, o *Order, c *Change) error {
		if o.State == Cancelled {
			return ErrState.With(o.State)
		}
		o.State, c.Reason, o.RetryAt = Cancelled, in.Reason, nil
		return nil
	})
}

// RetryInput tries what could not be placed again, soon.
type RetryInput struct {
	RecurringID uuid.UUID
	AcceptPrice bool // what it costs now is accepted
}

// Retry lets an order that could not be placed be tried with the next round; with
// AcceptPrice at what it costs now.
func (s *Service) Retry(ctx context.Context, in RetryInput) (*Order, error) {
	return s.change(ctx, in.RecurringID, "recurring_order.retried", func(ctx context.Context, o *Order, _ *Change) error {
		if o.State != Active || o.Attempts == 0 {
			return ErrState.With(o.State)
		}
		if in.AcceptPrice {
			priced, err := s.price(ctx, *o)
			if err != nil {
				return err
			}
			o.AcceptedMinor = priced.Quote.Total.Minor
		}
		now := s.Now()
		o.RetryAt = &now
		return nil
	})
}
