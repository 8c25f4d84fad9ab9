package returns

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/points"
)

// ReceiveInput says what came back, where, and what becomes of it.
type ReceiveInput struct {
	IdempotencyKey string
	ReturnID       uuid.UUID
	LocationID     uuid.UUID
	Lines          []InspectedLine
	AsPoints       *decimal.Decimal   // of the refund, major units; nil: as was decided
	Tenders        []order.ShopTender // for dearer goods that are handed over instead
}

// InspectedLine is what becomes of pieces of a return's line (検品).
type InspectedLine struct {
	LineID  uuid.UUID // of the return
	Restock int
	Scrap   int
	Repair  int
	Lots    []inventory.LotPieces // of what is restocked, where it left from several lots
	Handed  []order.HandedLot     // of what the customer is handed instead over the counter
}

// maxPieces bounds a quantity; stock is kept in 32 bits.
const maxPieces = 1_000_000

func (in ReceiveInput) validate() error {
	var all []error
	if len(in.Lines) == 0 {
		all = append(all, fault.ErrRequired.At("lines"))
	}
	for i, l := range in.Lines {
		at := fmt.Sprintf("lines.%d", i)
		counts := []int{l.Restock, l.Scrap, l.Repair}
		if slices.Min(counts) < 0 || slices.Max(counts) > maxPieces || l.Restock+l.Scrap+l.Repair == 0 {
			all = append(all, fault.Invalid(fault.CodeInvalid, "数量は1以上で指定してください", "The quantity is at least 1").At(at))
		}
		if slices.ContainsFunc(in.Lines[:i], func(m InspectedLine) bool { return m.LineID == l.LineID }) {
			all = append(all, fault.Invalid(fault.CodeInvalid, "同じ明細が2回指定されています", "A line is named twice").At(at+".lineId"))
		}
	}
	for i, t := range in.Tenders {
		all = append(all, under(fmt.Sprintf("tenders.%d", i), t.Validate()))
	}
	return errors.Join(all...)
}

// Receive takes goods of an approved return in, at a warehouse or any shop, once for
// each key, for staff; those of a shop only at their own. What is to be sold again goes
// on the shelves, and the customer gets the money back, or the other goods.
func (s *Service) Receive(ctx context.Context, in ReceiveInput) (*Return, error) {
	if err := errors.Join(staffOnly(ctx), in.validate()); err != nil {
		return nil, err
	}
	if !access.WorksAt(ctx, in.LocationID) {
		return nil, fault.ErrForbidden
	}
	_, err := idempotency.Once(ctx, s.Keys, "receiveReturn", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		_, err := s.change(ctx, in.ReturnID, "order.return_received", func(ctx context.Context, c changing) error { return s.receive(ctx, c, in) })
		return in.ReturnID, err
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(ctx, in.ReturnID)
}

func (s *Service) receive(ctx context.Context, c changing, in ReceiveInput) error {
	if !c.r.Status.awaits() {
		return ErrStatus.With(c.r.Status)
	}
	if err := c.stands(); err != nil {
		return err
	}
	brandID, err := s.Store.LocationOf(ctx, in.LocationID)
	if err != nil {
		return err
	}
	if brandID != c.r.BrandID {
		return inventory.ErrNoLocation.At("locationId")
	}
	receipt := Receipt{ID: id.New(), OrderID: c.Order.ID, Nth: len(c.r.Receipts) + 1, LocationID: in.LocationID, At: s.Now(), Currency: c.r.Currency}
	if receipt.Lines, err = c.r.inspect(in.Lines); err != nil {
		return err
	}
	if err := c.out(receipt.Lines); err != nil {
		return err
	}
	if err := s.settle(ctx, c, &receipt, in); err != nil {
		return err
	}
	restocked := restocking(c.Lines, receipt)
	if err := s.Store.Receive(ctx, *c.r, receipt, restocked, access.From(ctx).ID); err != nil {
		return err
	}
	if err := s.intoLots(ctx, c, receipt, in.Lines); err != nil {
		return err
	}
	c.r.receive(receipt)
	if err := s.returnedToShelves(ctx, restocked); err != nil {
		return err
	}
	if err := s.credit(ctx, c, receipt); err != nil { // late: whoever draws a number holds up others who do
		return err
	}
	return s.tell(ctx, notice{Standing: c.Standing, r: *c.r}, "RECEIVED")
}

// stands fails where the order was given up after its goods had left: they were not accepted
// at the door, and came back then, with their money.
func (c changing) stands() error {
	if c.Order.Status == order.Cancelled {
		return order.ErrTransition.With(c.Order.Status).At("returnId")
	}
	return nil
}

// out fails for more pieces than are with the customer: a parcel may have been refused since
// its return was asked for.
func (c changing) out(lines []Inspected) error {
	var all []error
	came := map[uuid.UUID]int{}
	for i, p := range lines {
		came[p.LineID] += p.Pieces()
		found := slices.IndexFunc(c.Lines, func(l order.Line) bool { return l.ID == p.LineID })
		if found < 0 {
			continue
		}
		if left := c.Lines[found].Shipped(c.Shipments) - Received(c.all, p.LineID); came[p.LineID] > left {
			all = append(all, ErrTooMany.With(max(0, left)).At(fmt.Sprintf("lines.%d", i)))
		}
	}
	return errors.Join(all...)
}

// inspect is what came back by line, if so much was still to come.
func (r *Return) inspect(lines []InspectedLine) ([]Inspected, error) {
	var all []error
	var came []Inspected
	for i, in := range lines {
		at := fmt.Sprintf("lines.%d", i)
		found := slices.IndexFunc(r.Lines, func(l Line) bool { return l.ID == in.LineID })
		if found < 0 {
			all = append(all, ErrUnknownLine.At(at+".lineId"))
			continue
		}
		l := r.Lines[found]
		p := Inspected{OrderID: r.OrderID, LineID: l.LineID, ReturnLineID: l.ID, Restocked: in.Restock, Scrapped: in.Scrap, Repaired: in.Repair}
		if left := l.Approved - r.inspected(l.ID).Pieces(); p.Pieces() > left {
			all = append(all, ErrTooMany.With(left).At(at))
		}
		came = append(came, p)
	}
	return came, errors.Join(all...)
}

// receive adds the receipt; when nothing more is to come, the return is complete.
func (r *Return) receive(c Receipt) {
	r.Receipts = append(r.Receipts, c)
	r.Status = Completed
	for _, l := range r.Lines {
		if r.inspected(l.ID).Pieces() < l.Approved {
			r.Status = PartlyReceived
		}
	}
	if r.Status == Completed {
		at := c.At
		r.EndedAt = &at
	}
}

// restocking is what of the receipt goes back on the shelves, by variant: of sets, their
// parts.
func restocking(lines []order.Line, c Receipt) Pieces {
	found := Pieces{}
	for _, p := range c.Lines {
		l := lines[slices.IndexFunc(lines, func(l order.Line) bool { return l.ID == p.LineID })]
		if p.Restocked == 0 {
			continue
		}
		if len(l.Parts) == 0 {
			found[l.VariantID] += p.Restocked
		}
		for _, part := range l.Parts {
			found[part.VariantID] += part.Quantity / l.Quantity * p.Restocked
		}
	}
	return found
}

// intoLots says of which lots restocked pieces are: of sets, of their parts.
func (s *Service) intoLots(ctx context.Context, c changing, receipt Receipt, said []InspectedLine) error {
	back := inventory.CameBack{LocationID: receipt.LocationID, At: receipt.At, Reference: c.r.Number()}
	for i, p := range receipt.Lines {
		if p.Restocked == 0 {
			continue
		}
		l := c.Lines[slices.IndexFunc(c.Lines, func(l order.Line) bool { return l.ID == p.LineID })]
		if len(l.Parts) == 0 {
			back.Lines = append(back.Lines, inventory.ReturnedLine{LineID: l.ID, VariantID: l.VariantID, Quantity: p.Restocked, Lots: said[i].Lots})
		} else if len(said[i].Lots) > 0 {
			return inventory.ErrUntracked.At("lines")
		}
		for _, part := range l.Parts {
			back.Lines = append(back.Lines, inventory.ReturnedLine{LineID: l.ID, VariantID: part.VariantID, Quantity: part.Quantity / l.Quantity * p.Restocked})
		}
	}
	if len(back.Lines) == 0 || s.Lots == nil {
		return nil
	}
	return s.Lots.Return(ctx, back)
}

func (s *Service) returnedToShelves(ctx context.Context, restocked Pieces) error {
	if len(restocked) == 0 {
		return nil
	}
	variants := make([]uuid.UUID, 0, len(restocked))
	for v := range restocked {
		variants = append(variants, v)
	}
	slices.SortFunc(variants, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return s.Flips.Flipped(ctx, variants)
}

// settle gives the customer what the pieces are worth: money, or other goods.
func (s *Service) settle(ctx context.Context, c changing, receipt *Receipt, in ReceiveInput) error {
	if c.r.Outcome == Exchange {
		if c.wantsDearer() {
			if err := s.follow(ctx, &c); err != nil {
				return err
			}
		}
		if err := c.differs(receipt); err != nil {
			return err
		}
		if err := s.giveBack(ctx, c, receipt, nil); err != nil { // money before stock
			return err
		}
		if err := s.giveCarried(ctx, c, receipt); err != nil {
			return err
		}
		return s.exchange(ctx, c, receipt, in)
	}
	if len(in.Tenders) > 0 {
		return order.ErrTenders.With(money.Of(0, c.r.Currency)).At("tenders")
	}
	var err error
	if c.fates, err = s.fates(ctx, c.all); err != nil {
		return err
	}
	if err := c.worth(receipt); err != nil {
		return err
	}
	if err := s.giveBack(ctx, c, receipt, in.AsPoints); err != nil {
		return err
	}
	if err := s.giveCarried(ctx, c, receipt); err != nil {
		return err
	}
	if !c.completes(*receipt) {
		return nil
	}
	return s.allBack(ctx, c, receipt)
}

// allBack does what is due when all of the order is back with the receipt.
func (s *Service) allBack(ctx context.Context, c changing, receipt *Receipt) error {
	given, err := s.isBack(ctx, c)
	receipt.carriedBackMinor += given
	return err
}

// giveBack sends the money back the way it came, or as points; on account, less is owed.
func (s *Service) giveBack(ctx context.Context, c changing, receipt *Receipt, asPoints *decimal.Decimal) error {
	pointed, err := c.r.pointed(asPoints)
	if err != nil || receipt.RefundMinor == 0 {
		return err
	}
	if c.Order.OnAccount() && c.Order.CompanyID != nil {
		if pointed != nil {
			return points.ErrGuest.At("asPoints")
		}
		return s.Companies.GoodsReturned(ctx, company.Goods{
			OrderID: c.Order.ID, CompanyID: *c.Order.CompanyID, BrandID: c.Order.BrandID, ReceiptID: receipt.ID, Minor: receipt.RefundMinor, Reference: c.r.Number(),
		})
	}
	given, err := s.Payments.GiveBack(ctx, payment.GiveBackInput{
		OrderID: c.Order.ID, CauseID: receipt.ID, At: receipt.LocationID, Minor: receipt.RefundMinor, AsPoints: pointed, Reference: c.r.Number(),
	})
	receipt.RefundMinor, receipt.AsPointsMinor, receipt.Points = given.Minor, given.AsPoints, given.Points
	return err
}

// pointed is how much of the refund is given as points: what staff say, else what was
// decided. Nil is nothing.
func (r Return) pointed(asked *decimal.Decimal) (*payment.InPoints, error) {
	switch {
	case asked == nil && r.RefundAs == AsPoints:
		return &payment.InPoints{}, nil
	case asked == nil, asked.IsZero():
		return nil, nil
	case asked.IsNegative():
		return nil, payment.ErrAmount.At("asPoints")
	}
	amount, err := money.Parse(*asked, r.Currency)
	if err != nil {
		return nil, under("asPoints", err)
	}
	return &payment.InPoints{Minor: &amount.Minor}, nil
}

// exchange orders what replaces the pieces of the receipt. If it is not there, nothing
// is received.
func (s *Service) exchange(ctx context.Context, c changing, receipt *Receipt, said ReceiveInput) error {
	in := order.ExchangeInput{Of: c.Order, ReturnNumber: c.r.Number(), LocationID: receipt.LocationID, Tenders: said.Tenders}
	for i, p := range receipt.Lines {
		l := c.r.Lines[slices.IndexFunc(c.r.Lines, func(l Line) bool { return l.ID == p.ReturnLineID })]
		wanted := order.Wanted{VariantID: *l.ExchangeVariantID, Quantity: p.Pieces(), CarriedMinor: p.CarriedMinor, OwedMinor: p.owedMinor}
		if p.owedMinor > 0 {
			wanted.UnitMinor = l.WantsMinor
		}
		if of := c.Lines[slices.IndexFunc(c.Lines, func(o order.Line) bool { return o.ID == p.LineID })]; len(of.Parts) > 0 {
			wanted.Set = &of
		}
		in.Wanted = append(in.Wanted, wanted)
		for _, lot := range said.Lines[i].Handed {
			lot.VariantID = cmp.Or(lot.VariantID, l.ExchangeVariantID)
			in.Handed = append(in.Handed, lot)
		}
	}
	placed, err := s.Orders.Exchange(ctx, in)
	if err != nil {
		return err
	}
	receipt.ExchangeOrderID = &placed.ID
	return nil
}
