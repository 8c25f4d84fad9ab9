package quotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/pricing"
)

// How long texts may be, in characters, and how far ahead dates may lie.
const (
	maxMessage = 2000
	maxNote    = 4000
	maxRemark  = 200
	maxAhead   = 5 * 366 * 24 * time.Hour
)

// AskedLine is goods that a buyer asks a price for.
type AskedLine struct {
	VariantID uuid.UUID
	Quantity  int
	Note      string
}

// RequestInput is what a buyer asks for: the lines, or else what is in the cart.
type RequestInput struct {
	IdempotencyKey string
	Lines          []AskedLine
	FromCart       bool
	ShippingMode   *pricing.ShippingMode // the cart's, or normal, if nil
	WishedFor      *time.Time            // a day
	Message        string
}

// Request asks for a quotation, once for each idempotency key, and tells the staff
// who answer.
func (s *Service) Request(ctx context.Context, in RequestInput) (*Quotation, error) {
	if !access.From(ctx).Is(access.RoleMember, access.RoleCompanyBuyer) {
		return nil, fault.ErrForbidden
	}
	made, err := idempotency.Once(ctx, s.Keys, "requestQuotation", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.request(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(ctx, made)
}

func (s *Service) request(ctx context.Context, in RequestInput) (uuid.UUID, error) {
	if err := s.Companies.May(ctx, company.FunctionQuote); err != nil {
		return uuid.Nil, err
	}
	if err := s.mayWrite(ctx); err != nil {
		return uuid.Nil, err
	}
	q, err := s.asked(ctx, in)
	if err != nil {
		return uuid.Nil, err
	}
	if in.FromCart {
		if err := s.fromCart(ctx, &in, &q); err != nil {
			return uuid.Nil, err
		}
	}
	if q.ShippingMode == pricing.ShipDirect {
		if err := s.Companies.May(ctx, company.FunctionDirectShipping); err != nil {
			return uuid.Nil, at("shippingMode", err)
		}
	}
	lines, err := s.askedLines(ctx, q, in.Lines)
	if err != nil {
		return uuid.Nil, err
	}
	if err := s.Store.Insert(ctx, q, lines); err != nil {
		return uuid.Nil, err
	}
	e := event.New(ctx, q.RequestedAt, "quotation.requested", "Quotation", q.ID, Change{After: q.State, Message: in.Message})
	if err := s.Events.Record(ctx, e); err != nil {
		return uuid.Nil, err
	}
	return q.ID, s.sendRequest(ctx, q, lines, in.Message)
}

// asked is the quotation that the input asks for, without its goods.
func (s *Service) asked(ctx context.Context, in RequestInput) (Quotation, error) {
	now, ch := s.Now(), channel.From(ctx)
	if err := errors.Join(short("message", in.Message, maxMessage), wished(in.WishedFor, now.In(ch.Zone()))); err != nil {
		return Quotation{}, err
	}
	number, err := order.NewNumber()
	if err != nil {
		return Quotation{}, err
	}
	seat, err := s.Companies.MySeat(ctx)
	if err != nil {
		return Quotation{}, err
	}
	memberID := access.From(ctx).ID
	asker, err := s.Store.Asker(ctx, memberID)
	if err != nil {
		return Quotation{}, err
	}
	q := Quotation{
		ID: id.New(), Number: "Q-" + number, BrandID: ch.BrandID, ChannelID: ch.ID, MemberID: memberID, Name: asker.Name, Email: asker.Email,
		Language: i18n.Language(ctx), State: Requested, ShippingMode: pricing.ShipNormal, Currency: money.Currency(ch.Currency), TaxInclusive: ch.TaxInclusive,
		WishedFor: in.WishedFor, RequestedAt: now, UpdatedAt: now,
	}
	if seat != nil {
		q.CompanyID = &seat.CompanyID
	}
	if in.ShippingMode != nil && *in.ShippingMode == pricing.ShipPickUp { // what is offered is shipped
		return q, fault.Invalid(fault.CodeInvalid, "見積では店舗受取を選択できません", "What is quoted cannot be picked up").At("shippingMode")
	}
	if in.ShippingMode != nil {
		q.ShippingMode = *in.ShippingMode
	}
	return q, nil
}

// wished fails unless the day, if there is one, is today or later.
func wished(day *time.Time, now time.Time) error {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	if day == nil || !day.Before(today) && day.Before(today.Add(maxAhead)) {
		return nil
	}
	return ErrPast.At("wishedFor")
}

// fromCart takes lines and mode from the actor's cart.
func (s *Service) fromCart(ctx context.Context, in *RequestInput, q *Quotation) error {
	if len(in.Lines) > 0 {
		return fault.Invalid(fault.CodeInvalid, "カートか商品のどちらかを指定してください", "Name lines, or the cart, not both").At("lines")
	}
	c, err := s.Carts.Mine(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return ErrEmpty.At("fromCart")
	}
	for _, l := range c.Lines {
		in.Lines = append(in.Lines, AskedLine{VariantID: l.VariantID, Quantity: l.Quantity})
	}
	if in.ShippingMode == nil && !c.PickedUp() {
		q.ShippingMode = c.ShippingMode
	}
	return nil
}

// askedLines are the lines as they are kept, if the buyer may ask for all of them.
func (s *Service) askedLines(ctx context.Context, q Quotation, asked []AskedLine) ([]Line, error) {
	kept, goods, err := s.linesOf(ctx, q, asked)
	if err != nil {
		return nil, err
	}
	variants, rules := []uuid.UUID(nil), int64(0)
	for _, l := range kept {
		g := goods[l.VariantID]
		variants, rules = append(append(variants, l.VariantID), g.Held...), g.Rules
	}
	standings, err := s.Rules.Standings(ctx, rules, variants)
	if err != nil {
		return nil, err
	}
	var all []error
	for i, l := range kept {
		g, field := goods[l.VariantID], fmt.Sprintf("lines.%d.variantId", i)
		if why := display.Found(standings, l.VariantID, false, g.Held).NotQuotable(cart.ErrUnknownVariant); !g.OnSale {
			all = append(all, cart.ErrUnknownVariant.At(field))
		} else if why != nil {
			all = append(all, why.At(field))
		}
	}
	return kept, errors.Join(all...)
}

// linesOf are lines of the next revision with their goods, if each names something of
// the brand once, and a quantity that can be had.
func (s *Service) linesOf(ctx context.Context, q Quotation, asked []AskedLine) ([]Line, map[uuid.UUID]Goods, error) {
	switch {
	case len(asked) == 0:
		return nil, nil, ErrEmpty.At("lines")
	case len(asked) > cart.MaxLines:
		return nil, nil, cart.ErrTooManyLines.With(cart.MaxLines).At("lines")
	}
	variants := make([]uuid.UUID, len(asked))
	for i, l := range asked {
		variants[i] = l.VariantID
	}
	found, err := s.Store.Goods(ctx, GoodsQuery{BrandID: q.BrandID, ChannelID: q.ChannelID, VariantIDs: variants, At: s.Now()})
	if err != nil {
		return nil, nil, err
	}
	goods := make(map[uuid.UUID]Goods, len(found))
	for _, g := range found {
		goods[g.VariantID] = g
	}
	lines, all := make([]Line, len(asked)), []error(nil)
	for i, l := range asked {
		field := fmt.Sprintf("lines.%d.", i)
		g, known := goods[l.VariantID]
		switch {
		case !known:
			all = append(all, cart.ErrUnknownVariant.At(field+"variantId"))
		case slices.Index(variants, l.VariantID) < i:
			all = append(all, ErrTwice.At(field+"variantId"))
		case g.Chosen:
			all = append(all, ErrChosen.At(field+"variantId"))
		}
		if l.Quantity < 1 || l.Quantity > pricing.MaxQuantity {
			all = append(all, pricing.ErrQuantity.At(field+"quantity"))
		}
		all = append(all, short(field+"note", l.Note, maxRemark))
		lines[i] = Line{
			ID: id.New(), QuotationID: q.ID, Revision: q.Revision, Position: i, VariantID: l.VariantID, SKU: g.SKU, Name: g.Name, Options: g.Options,
			Quantity: l.Quantity, Note: l.Note, Currency: q.Currency,
		}
	}
	return lines, goods, errors.Join(all...)
}

// short fails if the text of the input's field is longer than that.
func short(field, text string, longest int) error {
	if utf8.RuneCountInString(text) <= longest {
		return nil
	}
	return fault.Invalid(fault.CodeTooLong, "%d文字以内で入力してください", "This has at most %d characters").With(longest).At(field)
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}
