package returns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// AskInput asks to give goods of an order back.
type AskInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	Outcome        Outcome
	Lines          []AskedLine
	Text           string
	RefundAs       Form // as what the money shall go back; AsMoney if empty
	BeyondRules    bool // staff only: the rule does not matter
}

// AskedLine is pieces of an order line that are to be given back.
type AskedLine struct {
	LineID            uuid.UUID
	Quantity          int
	Reason            Reason
	Opened            bool
	ExchangeVariantID *uuid.UUID // nil: the same again
}

const maxLines = 200

func (in AskInput) validate() error {
	all := []error{short("text", in.Text, maxText)}
	switch {
	case len(in.Lines) == 0:
		all = append(all, fault.ErrRequired.At("lines"))
	case len(in.Lines) > maxLines:
		all = append(all, fault.Invalid(fault.CodeTooMany, "明細は%d件以内で指定してください", "This has at most %d lines").With(maxLines).At("lines"))
	}
	for i, l := range in.Lines {
		at := fmt.Sprintf("lines.%d", i)
		if l.Quantity < 1 {
			all = append(all, fault.Invalid(fault.CodeInvalid, "数量は1以上で指定してください", "The quantity is at least 1").At(at+".quantity"))
		}
		if slices.ContainsFunc(in.Lines[:i], func(m AskedLine) bool { return m.LineID == l.LineID }) {
			all = append(all, fault.Invalid(fault.CodeInvalid, "同じ明細が2回指定されています", "A line is named twice").At(at+".lineId"))
		}
		if l.ExchangeVariantID != nil && in.Outcome != Exchange {
			all = append(all, fault.Invalid(fault.CodeInvalid, "交換の場合だけ指定できます", "Only an exchange names other goods").At(at+".exchangeVariantId"))
		}
	}
	return errors.Join(all...)
}

// Ask asks to give goods back, once for each key: for the order's customer within the
// brand's rule, for staff beyond it too.
func (s *Service) Ask(ctx context.Context, in AskInput) (*Return, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	if in.BeyondRules {
		if err := staffOnly(ctx); err != nil {
			return nil, err
		}
	}
	returnID, err := idempotency.Once(ctx, s.Keys, "requestReturn", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.ask(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(ctx, returnID)
}

func (s *Service) ask(ctx context.Context, in AskInput) (uuid.UUID, error) {
	standing, err := s.Orders.LockStanding(ctx, in.OrderID)
	if err != nil {
		return uuid.Nil, err
	}
	o := standing.Order
	earlier, err := s.Store.OfOrders(ctx, []uuid.UUID{o.ID})
	if err != nil {
		return uuid.Nil, err
	}
	now := s.Now()
	r := Return{
		ID: id.New(), OrderID: o.ID, OrderNumber: o.Number, BrandID: o.BrandID, Nth: len(earlier) + 1, Status: Requested, Outcome: in.Outcome,
		Currency: o.Currency, Text: in.Text, BeyondRules: in.BeyondRules, RequestedAt: now, UpdatedAt: now,
	}
	r.Wished = cmp.Or(in.RefundAs, AsMoney)
	r.RefundAs = r.Wished
	if err := r.payable(o); err != nil {
		return uuid.Nil, err
	}
	rule, err := s.rule(ctx, o.BrandID)
	if err != nil {
		return uuid.Nil, err
	}
	r.Terms = rule.Terms
	if r.Lines, err = s.lines(ctx, in, rule, standing, earlier); err != nil {
		return uuid.Nil, err
	}
	if err := s.exchangeable(ctx, r, standing); err != nil {
		return uuid.Nil, err
	}
	return r.ID, errors.Join(s.Store.Insert(ctx, r), s.record(ctx, "order.return_requested", r), s.tell(ctx, notice{standing, r, rule}, "REQUESTED"))
}

// payable fails if the money cannot go back as it is to: points are for members, and for
// money.
func (r Return) payable(o order.Order) error {
	switch {
	case r.RefundAs != AsPoints:
		return nil
	case r.Outcome != Refund:
		return fault.Invalid(fault.CodeInvalid, "返金の場合だけ指定できます", "Only a refund goes back as points").At("refundAs")
	case o.MemberID == nil || o.CompanyID != nil:
		return points.ErrGuest.At("refundAs")
	}
	return nil
}

// lines are those that are asked for, if there are so many pieces and the rule allows
// it.
func (s *Service) lines(ctx context.Context, in AskInput, rule Rule, standing order.Standing, earlier []Return) ([]Line, error) {
	goods, err := s.goodsOf(ctx, rule, standing.Lines)
	if err != nil {
		return nil, err
	}
	var lines []Line
	var all []error
	for i, asked := range in.Lines {
		at := fmt.Sprintf("lines.%d", i)
		found := slices.IndexFunc(standing.Lines, func(l order.Line) bool { return l.ID == asked.LineID })
		if found < 0 {
			all = append(all, ErrUnknownLine.At(at+".lineId"))
			continue
		}
		l := standing.Lines[found]
		w := Wish{Line: l, Shipments: standing.Shipments, Goods: goodsIn(l, goods), Reason: asked.Reason, Opened: asked.Opened}
		err := rule.Allowed(w, s.Now())
		if in.BeyondRules && !errors.Is(err, ErrNotShipped) {
			err = nil
		}
		left := l.Shipped(standing.Shipments) - Claimed(earlier, l.ID)
		if err == nil && asked.Quantity > left {
			err = ErrTooMany.With(left).At("quantity")
		}
		all = append(all, under(at, err))
		line := Line{ID: id.New(), OrderID: l.OrderID, LineID: l.ID, Reason: asked.Reason, Opened: asked.Opened, Asked: asked.Quantity, ExchangeVariantID: asked.ExchangeVariantID}
		if in.Outcome == Exchange && line.ExchangeVariantID == nil {
			line.ExchangeVariantID = &l.VariantID
		}
		lines = append(lines, line)
	}
	return lines, errors.Join(all...)
}

// under puts the fields that failures are about below another.
func under(field string, err error) error {
	var all []error
	for _, f := range fault.All(err) {
		if f.Field == "" {
			all = append(all, f.At(field))
		} else {
			all = append(all, f.At(field+"."+f.Field))
		}
	}
	if len(all) == 0 {
		return err
	}
	return errors.Join(all...)
}

// goodsOf is what the rule asks of the lines' goods; nothing if it asks nothing.
func (s *Service) goodsOf(ctx context.Context, rule Rule, lines []order.Line) ([]scope.Goods, error) {
	if len(rule.Excluded) == 0 {
		return nil, nil
	}
	return s.Store.Goods(ctx, VariantsIn(lines))
}

// VariantsIn are the variants of the lines and of the parts of their sets.
func VariantsIn(lines []order.Line) []uuid.UUID {
	var all []uuid.UUID
	for _, l := range lines {
		all = append(all, l.VariantID)
		for _, p := range l.Parts {
			all = append(all, p.VariantID)
		}
	}
	slices.SortFunc(all, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(all)
}

// goodsIn are those of the goods that the line holds.
func goodsIn(l order.Line, all []scope.Goods) []scope.Goods {
	var found []scope.Goods
	held := VariantsIn([]order.Line{l})
	for _, g := range all {
		if slices.Contains(held, g.VariantID) {
			found = append(found, g)
		}
	}
	return found
}

// exchangeable fails unless what is wanted instead may replace what it is wanted for, and
// notes what both cost, for whoever asks and now. A set is wanted again as it was.
func (s *Service) exchangeable(ctx context.Context, r Return, standing order.Standing) error {
	if r.Outcome != Exchange {
		return nil
	}
	var variants []uuid.UUID
	var others []*Line // that want other goods
	for i := range r.Lines {
		l := &r.Lines[i]
		of := lineOf(standing, *l)
		if *l.ExchangeVariantID == of.VariantID {
			continue
		}
		if len(of.Parts) > 0 {
			return ErrSet.At(fmt.Sprintf("lines.%d", i))
		}
		others, variants = append(others, l), append(variants, of.VariantID, *l.ExchangeVariantID)
	}
	units, err := s.units(ctx, variants)
	if err != nil {
		return err
	}
	for _, l := range others {
		of := lineOf(standing, *l)
		had, sold := units[of.VariantID]
		wants, offered := units[*l.ExchangeVariantID]
		if !sold || !offered {
			return ErrPrice.At("lines")
		}
		if l.HadMinor, l.WantsMinor = had, wants; had < wants {
			if err := s.dearer(ctx, of, *l.ExchangeVariantID); err != nil {
				return under("lines", err)
			}
		}
	}
	return nil
}

// units are what a piece of each of the variants costs whoever asks, where it has a price.
func (s *Service) units(ctx context.Context, variants []uuid.UUID) (map[uuid.UUID]int64, error) {
	if len(variants) == 0 {
		return nil, nil
	}
	desk, err := s.Prices.Desk(ctx, pricing.Ask{At: s.Now()})
	if err != nil {
		return nil, err
	}
	book, err := desk.Sheets(ctx, variants)
	if err != nil {
		return nil, err
	}
	units := map[uuid.UUID]int64{}
	for _, v := range variants {
		if book[v] == nil {
			continue
		}
		piece, err := desk.Piece(book[v], pricing.Item{VariantID: v, Quantity: 1})
		if err != nil {
			return nil, err
		}
		if piece != nil {
			units[v] = piece.Unit.Minor
		}
	}
	return units, nil
}

// lineOf is the line of the order that the return's line is of.
func lineOf(standing order.Standing, l Line) order.Line {
	return standing.Lines[slices.IndexFunc(standing.Lines, func(o order.Line) bool { return o.ID == l.LineID })]
}

// WithdrawInput names a return that is given up.
type WithdrawInput struct{ ReturnID uuid.UUID }

// Withdraw gives a return up before anything of it came: for the order's customer, and
// staff.
func (s *Service) Withdraw(ctx context.Context, in WithdrawInput) (*Return, error) {
	return s.change(ctx, in.ReturnID, "order.return_withdrawn", func(_ context.Context, c changing) error {
		if c.r.Status != Requested && c.r.Status != Approved {
			return ErrStatus.With(c.r.Status)
		}
		now := s.Now()
		c.r.Status, c.r.EndedAt = Withdrawn, &now
		return nil
	})
}
