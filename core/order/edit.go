package order

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/promotion"
)

// EditInput changes what an order holds, or where it goes.
type EditInput struct {
	IdempotencyKey  string
	OrderID         uuid.UUID
	Lines           []EditedLine
	Add             []AddedLine
	ShippingFee     *decimal.Decimal  // major units; nil: as the order's method says
	ShippingAddress *customer.Address // nil: as it is
	Reason          string            // the customer reads it
	DryRun          bool              // only say what it would come to
}

// EditedLine is how many pieces of a line there are to be, and what one costs.
type EditedLine struct {
	LineID   uuid.UUID
	Quantity int              // 0 takes the line away
	Unit     *decimal.Decimal // major units; nil: as the rules say
}

// AddedLine is goods to be added, at the buyer's price of today or at the one given.
type AddedLine struct {
	VariantID uuid.UUID
	Quantity  int
	Unit      *decimal.Decimal // major units; nil: the buyer's price
}

// Failures of an edit.
var (
	ErrNothingToEdit = fault.Invalid("ORDER_EDIT_EMPTY", "変更する内容を指定してください", "Say what is to change")
	ErrLinePacked    = fault.Conflict("ORDER_LINE_PACKED", "出荷済み・出荷指示済みの数量（%d個）より少なくできません", "%d of the pieces are packed or have left")
	ErrEditEmpties   = fault.Conflict("ORDER_EDIT_EMPTIES", "すべての商品をなくす場合は注文をキャンセルしてください", "To take everything away, cancel the order")
	ErrEditLimited   = fault.Conflict("ORDER_EDIT_LIMITED", "販売方法が変わった商品です。数量を増やさず、商品を追加してください", "The goods are sold in another way than when they were ordered; add them instead")
	ErrEditGift      = fault.Conflict("ORDER_EDIT_GIFT", "プレゼントはキャンペーンに従って増減します。数量は指定できません", "A gift follows its campaign; its pieces cannot be set")
	ErrEditGoods     = fault.NotFound("VARIANT_UNKNOWN", "指定した商品がありません", "There are no such goods")
	ErrEditStock     = fault.Conflict("INSUFFICIENT_STOCK", "在庫が不足しています", "Not enough stock")
	ErrEditAddress   = fault.Conflict("ORDER_ADDRESS_PACKED", "出荷指示済み・店舗受取の注文のお届け先は変更できません（出荷指示を取り消すと変更できます）", "Where an order goes cannot change once it is packed, or if it is picked up; call its shipments off first")
	ErrEditExchange  = fault.Conflict("ORDER_REPLACES_RETURN", "差額をお支払いいただく交換の注文は変更できません。キャンセルのうえ、改めて承ってください", "An order of dearer goods that replace returned ones cannot be edited; cancel it")
	ErrEditCampaign  = fault.Conflict("CAMPAIGN_SPENT", "キャンペーンの予算が足りないため、この変更はできません", "A campaign has not enough of its budget left for this")
)

// Validate checks the edit by itself.
func (in EditInput) Validate() error {
	all := []error{short("reason", in.Reason, maxReason)}
	if in.empty() {
		all = append(all, ErrNothingToEdit)
	}
	if len(in.Lines)+len(in.Add) > maxLines {
		all = append(all, fault.Invalid(fault.CodeTooLong, "明細は%d件以内で指定してください", "This has at most %d lines").With(maxLines).At("lines"))
	}
	for i, l := range in.Lines {
		if l.Quantity < 0 || l.Quantity > pricing.MaxQuantity || negative(l.Unit) ||
			slices.ContainsFunc(in.Lines[:i], func(m EditedLine) bool { return m.LineID == l.LineID }) {
			all = append(all, errEditLine.At("lines"))
		}
	}
	for _, l := range in.Add {
		if l.Quantity < 1 || l.Quantity > pricing.MaxQuantity || negative(l.Unit) {
			all = append(all, errEditLine.At("add"))
		}
	}
	if negative(in.ShippingFee) {
		all = append(all, errEditLine.At("shippingFee"))
	}
	if in.ShippingAddress != nil {
		all = append(all, in.ShippingAddress.Normalised().Validate("shippingAddress"))
	}
	return errors.Join(all...)
}

func (in EditInput) empty() bool {
	return len(in.Lines)+len(in.Add) == 0 && in.ShippingFee == nil && in.ShippingAddress == nil
}

var errEditLine = fault.Invalid(fault.CodeInvalid, "数量・金額が正しくないか、同じ明細が2回指定されています", "A quantity or amount is out of bounds, or a line is named twice")

func negative(d *decimal.Decimal) bool { return d != nil && d.IsNegative() }

// pricesSet reports whether the edit names a price itself.
func (in EditInput) pricesSet() bool {
	return in.ShippingFee != nil || slices.ContainsFunc(in.Lines, func(l EditedLine) bool { return l.Unit != nil }) ||
		slices.ContainsFunc(in.Add, func(l AddedLine) bool { return l.Unit != nil })
}

// Edited is an order after an edit, or as it would be.
type Edited struct {
	Order      *Order
	Lines      []Line          // as they are after it
	Before     money.Money     // what it came to
	Difference money.Money     // what it comes to more; below zero, less
	Refund     money.Money     // what goes back to the customer
	Points     []points.Earned // that it earns as it stands after it
}

// Edit changes what an order holds or where it goes, for staff: it is priced again as a cart
// would be (see Requote); prices named by the edit need PRICING_WRITE and stay. Once some
// of it has left, pieces that have not may only be taken away, at what they cost. Campaigns,
// stock, money and credit follow in the same transaction: what is paid too much goes back,
// what is missing is asked for. What is packed cannot be taken away.
func (s *Service) Edit(ctx context.Context, in EditInput) (done Edited, err error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return Edited{}, err
	}
	if in.pricesSet() {
		if err := access.Require(ctx, access.PricingWrite); err != nil {
			return Edited{}, err
		}
	}
	if err := in.Validate(); err != nil {
		return Edited{}, err
	}
	act := s.editOnce
	if in.DryRun {
		act = s.tryEdit
	}
	for range maxPlans {
		done, err = act(ctx, in)
		if errors.Is(err, errStockMoved) { // what it waits for has come meanwhile
			continue
		}
		if again, err := s.refused(ctx, err); !again || err != nil {
			return done, err
		}
	}
	return Edited{}, fault.ErrUnavailable
}

func (s *Service) editOnce(ctx context.Context, in EditInput) (Edited, error) {
	done, err := idempotency.Once(ctx, s.keys, "editOrder", in.IdempotencyKey, in, func(ctx context.Context) (Edited, error) {
		done, err := s.edit(ctx, in)
		done.Order, done.Lines = nil, nil // read again: they need not be kept with the key
		return done, err
	})
	if err != nil {
		return Edited{}, err
	}
	if done.Order, err = s.ByID(ctx, in.OrderID); err == nil {
		done.Lines, err = s.Lines(ctx, []uuid.UUID{in.OrderID})
	}
	return done, err
}

var errTried = errors.New("only tried")

// tryEdit does the edit and takes it back, so that it fails of what the edit would, and of a
// campaign that the edit would end.
func (s *Service) tryEdit(ctx context.Context, in EditInput) (done Edited, _ error) {
	err := s.tx.InTx(ctx, func(ctx context.Context) (err error) {
		if done, err = s.edit(ctx, in); err != nil {
			return err
		}
		return errTried
	})
	var denied *promotion.Denied
	switch {
	case errors.Is(err, errTried):
		return done, nil
	case errors.As(err, &denied) && denied.Spent:
		return Edited{}, ErrEditCampaign
	}
	return Edited{}, err
}

// edit changes the order, and writes down what it was.
func (s *Service) edit(ctx context.Context, in EditInput) (done Edited, err error) {
	_, err = s.change(ctx, in.OrderID, "order.edited", func(ctx context.Context, o *Order, c *Change) error {
		a, err := s.amended(ctx, o, in)
		if err != nil {
			return err
		}
		c.Reason, c.Edit = in.Reason, a.summary()
		if done, err = s.applyEdit(ctx, a, in.Reason); err != nil || !a.more && in.ShippingAddress == nil {
			return err
		}
		return s.promiseAgain(ctx, o, c)
	})
	return done, err
}

// amended is the order as the edit wants it; nothing is written yet but what gifts take.
func (s *Service) amended(ctx context.Context, o *Order, in EditInput) (*amendment, error) {
	switch {
	case !in.fits(o.Status):
		return nil, ErrTransition.With(o.Status)
	case o.CarriedMinor > 0: // it is worth more than it asks for
		return nil, ErrEditExchange
	}
	if o.PickedUp() && o.Status == Picking { // it is ready, and its customer was told of what
		return nil, ErrPickUp
	}
	p, err := s.packing(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	if err := in.fitsPacked(*o, p); err != nil {
		return nil, err
	}
	a := &amendment{packing: p, order: o, before: *o}
	if a.begun() {
		lookup, err := s.carts.Reopen(ctx, cart.Reopened{MemberID: o.MemberID, CompanyID: o.CompanyID})
		if err != nil {
			return nil, err
		}
		return a, a.lessen(in, cmp.Or(lookup.Buyer().TaxRounding, money.RoundDown))
	}
	return a, s.requote(ctx, a, in)
}

// applyEdit writes the edit down: credit, money, campaigns, stock and lines.
func (s *Service) applyEdit(ctx context.Context, a *amendment, reason string) (Edited, error) {
	o := a.order
	done := Edited{Order: o, Lines: a.after, Before: money.Of(a.before.TotalMinor, o.Currency), Difference: a.difference(), Refund: money.Of(0, o.Currency)}
	if o.OnAccount() && o.CompanyID != nil && done.Difference.Minor != 0 { // credit before stock, as in placing
		paid, err := s.trade.Adjust(ctx, *o.CompanyID, o.ID, done.Difference.Minor)
		if err != nil {
			return done, err
		}
		o.Paid = paid || o.Paid && done.Difference.Minor < 0
	}
	if err := s.repay(ctx, a, &done); err != nil { // money before stock, too
		return done, err
	}
	if err := s.revise(ctx, a); err != nil {
		return done, err
	}
	if err := s.restock(ctx, a); err != nil {
		return done, err
	}
	if err := s.store.SaveEdit(ctx, *o, a.rewritten(), a.removed); err != nil {
		return done, err
	}
	if o.Status != PendingPayment {
		o.Status = standing(a.shipments, a.held)
	}
	if err := s.redocument(ctx, a, reason); err != nil {
		return done, err
	}
	var err error
	if done.Points, err = s.points.ToEarn(ctx, o.ID); err != nil {
		return done, err
	}
	return done, s.mail(ctx, *o, o.ID.String()+" "+s.now().String(), a.content(done, reason))
}

// content is what the customer is told of an edit: where the order goes, if that is new.
func (a *amendment) content(done Edited, reason string) messaging.OrderChanged {
	o := a.order
	c := messaging.OrderChanged{
		Name: o.ShippingAddress.Name, OrderNumber: o.Number, Reason: reason, Currency: o.Currency, Lines: mailed(Draft{Order: *o, Lines: a.after}),
		Shipping: o.ShippingMinor, Tax: o.TaxMinor, Total: o.TotalMinor, Difference: done.Difference.Minor, Refund: done.Refund.Minor,
		Missing: !o.Paid && !o.ShipsUnpaid(),
	}
	if a.before.ShippingAddress != o.ShippingAddress {
		c.Address = o.ShippingAddress.Lines()
	}
	return c
}

// revise lets campaigns count what they give the order now, if it was priced again; else
// only gifts may have become less.
func (s *Service) revise(ctx context.Context, a *amendment) error {
	if s.campaigns == nil {
		return nil
	}
	if !a.quoted {
		return s.lessGifts(ctx, a)
	}
	return s.campaigns.Revise(ctx, a.order.ID, a.buyer, a.applied)
}

// restock takes what the edit wants more, and returns what it wants less.
func (s *Service) restock(ctx context.Context, a *amendment) error {
	more, less := a.moves()
	moreLimited, lessLimited := a.limits()
	if a.more = len(more) > 0; a.more || len(moreLimited) > 0 {
		taken, err := a.take(a.levels, more)
		if err != nil {
			return err
		}
		flipped, err := s.store.Take(ctx, Taking{OrderID: a.order.ID, At: s.now(), Reservations: taken, Limited: moreLimited, Customer: a.order.Customer()})
		if errors.Is(err, ErrStockMoved) {
			return ErrEditStock
		}
		if err := errors.Join(err, s.store.Reserve(ctx, a.order.ID, taken), s.stockFlipped(ctx, flipped)); err != nil {
			return err
		}
	}
	if len(less)+len(lessLimited) == 0 {
		return nil
	}
	flipped, err := s.store.Unreserve(ctx, a.order.ID, less, lessLimited, s.now())
	return errors.Join(err, s.stockFlipped(ctx, flipped))
}

func variantsOf(all []Reservation) []uuid.UUID {
	ids := make([]uuid.UUID, len(all))
	for i, r := range all {
		ids[i] = r.VariantID
	}
	return ids
}
