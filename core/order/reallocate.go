package order

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
)

// ReallocateInput is goods of an order to look for elsewhere.
type ReallocateInput struct {
	IdempotencyKey string
	OrderID        uuid.UUID
	LocationID     uuid.UUID   // that cannot send them
	Lines          []AskedLine // empty: all that lies there for the order
	Missing        bool        // they are not where they should be
	Reason         string
}

// Reallocated is pieces that an order holds elsewhere now.
type Reallocated struct {
	SKU        string     `json:"sku"`
	VariantID  uuid.UUID  `json:"variantId"`
	Quantity   int        `json:"quantity"`
	LocationID *uuid.UUID `json:"locationId"` // nil: they are waited for
}

// At is the location's id in the schema; nil if they are waited for.
func (r Reallocated) At() *string { return id.GlobalOrNone("Location", r.LocationID) }

// ReallocationStore moves what orders hold.
type ReallocationStore interface {
	// Repack writes what is left in a shipment that has not left.
	Repack(ctx context.Context, h Shipment) error
	// Lost takes pieces that are not there off the stock of a location, each a movement,
	// and reports whether any are kept by lots.
	Lost(ctx context.Context, orderID uuid.UUID, gone []Reservation) (tracked bool, err error)
	// Wait gives pieces of an order that stands a place among those who wait, whatever the
	// limits of the variants' policies.
	Wait(ctx context.Context, waits []Reservation) error
	SaveAllocation(ctx context.Context, channelID uuid.UUID, preferences []channel.Preference) error
	// Claims are what orders hold of the variants at the location, of the last placed first.
	Claims(ctx context.Context, locationID uuid.UUID, variantIDs []uuid.UUID) ([]Claim, error)
	// Short is how much more of each variant orders hold at the brand's location than may leave.
	Short(ctx context.Context, brandID, locationID uuid.UUID) ([]Reservation, error)
}

// Reallocate looks for goods of an order elsewhere, for staff: a location runs out of
// them, or they are not where they should be (欠品). Other locations give them as the
// channel prefers; what is nowhere is waited for. Missing goods are taken off the stock
// too.
func (s *Service) Reallocate(ctx context.Context, in ReallocateInput) (*Order, []Reallocated, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, nil, err
	}
	if err := errors.Join(InstructInput{Lines: in.Lines}.validate(), short("reason", in.Reason, maxReason)); err != nil {
		return nil, nil, err
	}
	if !access.WorksAt(ctx, in.LocationID) {
		return nil, nil, fault.ErrForbidden.At("locationId")
	}
	for range maxPlans {
		moved, err := idempotency.Once(ctx, s.keys, "reallocateOrder", in.IdempotencyKey, in, func(ctx context.Context) (moved []Reallocated, err error) {
			_, err = s.change(ctx, in.OrderID, "order.reallocated", func(ctx context.Context, o *Order, c *Change) error {
				moved, err = s.reallocate(ctx, o, in, c)
				c.Reason, c.Moved = in.Reason, moved
				if err != nil {
					return err
				}
				return s.promiseAgain(ctx, o, c)
			})
			return moved, err
		})
		if errors.Is(err, errStockMoved) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		o, err := s.ByID(ctx, in.OrderID)
		return o, moved, err
	}
	return nil, nil, fault.ErrUnavailable
}

func (s *Service) reallocate(ctx context.Context, o *Order, in ReallocateInput, c *Change) ([]Reallocated, error) {
	p, err := s.moving(ctx, o, in.LocationID)
	if err != nil {
		return nil, err
	}
	gone, repacked, err := p.takeAway(in.Lines)
	if err != nil {
		return nil, err
	}
	return s.moveElsewhere(ctx, o, p, letGo{gone, repacked, in.Missing, in.Missing}, c)
}

// moving is what is left of an order whose goods are to be looked for elsewhere.
func (s *Service) moving(ctx context.Context, o *Order, locationID uuid.UUID) (packing, error) {
	switch {
	case o.PickedUp():
		return packing{}, ErrPickUp
	case !slices.Contains([]Status{PendingPayment, PendingApproval, Confirmed, Picking, PartiallyShipped}, o.Status):
		return packing{}, ErrTransition.With(o.Status)
	}
	p, err := s.packing(ctx, o.ID)
	p.only = locationID
	return p, err
}

// letGo is what an order gives up at a location.
type letGo struct {
	gone     []Reservation
	repacked []Shipment
	missing  bool // it is not there: it is taken off the stock, too
	waits    bool // what is nowhere is waited for; else it stays where it is
}

// moveElsewhere lets go of what an order gives up, and looks for the same elsewhere.
func (s *Service) moveElsewhere(ctx context.Context, o *Order, p packing, l letGo, c *Change) ([]Reallocated, error) {
	flipped, err := s.letGo(ctx, o, p, l, c)
	if err != nil {
		return nil, err
	}
	if l.missing {
		if err := s.lost(ctx, o.ID, l.gone); err != nil {
			return nil, err
		}
	}
	return s.elsewhere(ctx, o, p, l, flipped)
}

// letGo writes what is left in the shipments, and gives back what is gone.
func (s *Service) letGo(ctx context.Context, o *Order, p packing, l letGo, c *Change) (flipped []uuid.UUID, err error) {
	for _, h := range l.repacked {
		h.UpdatedAt = s.now()
		c.Shipments = append(c.Shipments, h.Nth)
		if err := s.store.Repack(ctx, h); err != nil {
			return nil, err
		}
		p.shipments[slices.IndexFunc(p.shipments, func(x Shipment) bool { return x.ID == h.ID })] = h
	}
	return s.store.Unreserve(ctx, o.ID, l.gone, nil, s.now())
}

// elsewhere takes what an order has let go from other locations, and notes where it is.
func (s *Service) elsewhere(ctx context.Context, o *Order, p packing, l letGo, flipped []uuid.UUID) ([]Reallocated, error) {
	there, waits, err := s.lookElsewhere(ctx, *o, p.only, l.gone)
	if err != nil {
		return nil, err
	}
	if len(waits) > 0 && !l.waits { // they are where they were
		return nil, ErrEditStock.At("lines")
	}
	if len(there) > 0 {
		more, err := s.store.Take(ctx, Taking{OrderID: o.ID, At: s.now(), Reservations: there})
		if err != nil {
			return nil, err
		}
		flipped = append(flipped, more...)
	}
	if err := s.store.Wait(ctx, waits); err != nil {
		return nil, err
	}
	found := slices.Concat(there, waits)
	if err := s.store.Reserve(ctx, o.ID, found); err != nil {
		return nil, err
	}
	if o.Status != PendingPayment && o.Status != PendingApproval {
		o.Status = standing(p.shipments, p.held)
	}
	return p.told(found), s.stockFlipped(ctx, slices.Concat(flipped, variantsOf(l.gone)))
}

// lookElsewhere plans which other locations give what is gone, as the order's channel
// prefers; the rest is waited for.
func (s *Service) lookElsewhere(ctx context.Context, o Order, locationID uuid.UUID, gone []Reservation) (there, waits []Reservation, err error) {
	goods, err := s.store.Goods(ctx, o.BrandID, uuid.Nil, "", variantsOf(gone))
	if err != nil {
		return nil, nil, err
	}
	job := Job{To: o.ShippingAddress.Prefecture}
	for _, g := range gone {
		job.Wants = append(job.Wants, cart.Want{Goods: cart.Goods{VariantID: g.VariantID}, Quantity: g.Quantity})
	}
	levels := slices.DeleteFunc(goods.Levels, func(l cart.Level) bool { return l.LocationID == locationID })
	placed, err := s.inChannel(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	levels = ranked(levels, job, channel.From(placed).Allocation)
	for _, w := range job.Wants {
		taken := planGoods(levels, w)
		there = append(there, taken...)
		if rest := w.Quantity - pieces(taken); rest > 0 {
			waits = append(waits, Reservation{VariantID: w.VariantID, Quantity: rest})
		}
	}
	return there, waits, nil
}

// told is where pieces of the order are now.
func (p packing) told(found []Reservation) []Reallocated {
	moved := make([]Reallocated, len(found))
	for i, r := range found {
		moved[i] = Reallocated{SKU: p.skuOf(r.VariantID), VariantID: r.VariantID, Quantity: r.Quantity}
		if !r.Waits() {
			moved[i].LocationID = &found[i].LocationID
		}
	}
	return moved
}

// lost takes pieces that are not there off the stock, unless they are kept by lots: nobody
// said of which, and they are taken off there.
func (s *Service) lost(ctx context.Context, orderID uuid.UUID, gone []Reservation) error {
	tracked, err := s.store.Lost(ctx, orderID, gone)
	if err == nil && tracked {
		err = inventory.ErrLotsNeeded.At("missing")
	}
	return err
}

// takeAway is what the order gives up at the one location, for the lines that are asked or
// all of it, and the shipments from there with less in them, called off if nothing is left.
func (p packing) takeAway(asked []AskedLine) (gone []Reservation, repacked []Shipment, err error) {
	if len(asked) == 0 {
		return p.takeAll()
	}
	unpacked, open, touched := p.free(), p.open(), map[uuid.UUID]bool{}
	for _, a := range asked {
		i := slices.IndexFunc(p.lines, func(l Line) bool { return l.ID == a.LineID })
		if i < 0 {
			return nil, nil, ErrUnknownLine.At("lines")
		}
		line := p.lines[i]
		for _, h := range line.holds() {
			want := h.Quantity * a.Quantity / line.Quantity
			left := unpack(open, touched, line.ID, h.VariantID, want)
			left = takeFree(unpacked, h.VariantID, left)
			if left > 0 {
				return nil, nil, ErrNotAllocated.With((want - left) * line.Quantity / h.Quantity).At("lines")
			}
			gone = merged(gone, []Reservation{{h.VariantID, p.only, want}})
		}
	}
	return gone, emptied(open, touched), nil
}

// open are copies of the shipments of the one location that have not left.
func (p packing) open() []Shipment {
	open := slices.DeleteFunc(slices.Clone(p.shipments), func(h Shipment) bool { return h.Status != ShipmentInstructed || h.LocationID != p.only })
	for i := range open {
		open[i].Lines = slices.Clone(open[i].Lines)
	}
	return open
}

// emptied are those of the shipments out of which something was taken.
func emptied(open []Shipment, touched map[uuid.UUID]bool) (repacked []Shipment) {
	for _, h := range open {
		if touched[h.ID] {
			repacked = append(repacked, h.emptied())
		}
	}
	return repacked
}

// emptied is the shipment without lines of which nothing is left, called off if none has.
func (s Shipment) emptied() Shipment {
	if s.Lines = slices.DeleteFunc(s.Lines, func(x Packed) bool { return x.Quantity == 0 }); len(s.Lines) == 0 {
		s.Status = ShipmentCancelled
	}
	return s
}

// takeAll is takeAway of all that lies at the location.
func (p packing) takeAll() (gone []Reservation, repacked []Shipment, err error) {
	for _, h := range p.held {
		if !h.Waits() && h.LocationID == p.only {
			gone = append(gone, h.Reservation)
		}
	}
	for _, h := range p.shipments {
		if h.Status == ShipmentInstructed && h.LocationID == p.only {
			h.Lines, h.Status = nil, ShipmentCancelled
			repacked = append(repacked, h)
		}
	}
	if len(gone) == 0 {
		return nil, nil, ErrNotAllocated.With(0).At("locationId")
	}
	return gone, repacked, nil
}

// unpack takes pieces of a line out of shipments, and answers how many are not in them.
func unpack(open []Shipment, touched map[uuid.UUID]bool, lineID, variantID uuid.UUID, want int) int {
	for i := range open {
		for n := range open[i].Lines {
			packed := &open[i].Lines[n]
			if packed.LineID != lineID || packed.VariantID != variantID {
				continue
			}
			take := min(packed.Quantity, want)
			packed.Quantity, want = packed.Quantity-take, want-take
			touched[open[i].ID] = touched[open[i].ID] || take > 0
		}
	}
	return want
}

// takeFree takes pieces that are in no shipment, and answers how many there are too few.
func takeFree(unpacked []Reservation, variantID uuid.UUID, want int) int {
	for i := range unpacked {
		if unpacked[i].VariantID == variantID {
			take := min(max(unpacked[i].Quantity, 0), want)
			unpacked[i].Quantity, want = unpacked[i].Quantity-take, want-take
		}
	}
	return want
}

func (p packing) skuOf(variantID uuid.UUID) string {
	for _, l := range p.lines {
		for _, h := range l.holds() {
			if h.VariantID == variantID {
				return l.SKUOf(variantID)
			}
		}
	}
	return ""
}
