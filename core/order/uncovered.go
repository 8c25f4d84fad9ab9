package order

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/inventory"
)

// Claim is pieces that an order holds at a location.
type Claim struct {
	OrderID   uuid.UUID
	VariantID uuid.UUID
	Quantity  int
	PickedUp  bool // they stay at the shop where their customer fetches them
}

// Loss is what an order loses at a location.
type Loss struct {
	OrderID uuid.UUID     `json:"orderId"`
	Gone    []Reservation `json:"gone"`
}

// losses share what is short at a location out among those who hold it, in their order;
// left is what nobody gives up.
func losses(short []Reservation, claims []Claim) (lost []Loss, left []Reservation) {
	for _, r := range short {
		for _, c := range claims {
			take := min(c.Quantity, r.Quantity)
			if c.VariantID != r.VariantID || c.PickedUp || take <= 0 {
				continue
			}
			r.Quantity -= take
			i := slices.IndexFunc(lost, func(l Loss) bool { return l.OrderID == c.OrderID })
			if i < 0 {
				i, lost = len(lost), append(lost, Loss{OrderID: c.OrderID})
			}
			lost[i].Gone = append(lost[i].Gone, Reservation{c.VariantID, r.LocationID, take})
		}
		if r.Quantity > 0 {
			left = append(left, r)
		}
	}
	return lost, left
}

// takeSome takes pieces away at the one location, as far as the order holds them there:
// those that are in no shipment before those that are packed, the last packed first.
func (p packing) takeSome(wanted []Reservation) (gone []Reservation, repacked []Shipment) {
	open, touched := p.open(), map[uuid.UUID]bool{}
	slices.Reverse(open)
	for _, w := range wanted {
		held, packed := 0, 0
		for _, h := range p.held {
			if h.VariantID == w.VariantID && h.LocationID == p.only && !h.Waits() {
				held += h.Quantity
			}
		}
		for _, h := range open {
			for _, l := range h.Lines {
				if l.VariantID == w.VariantID {
					packed += l.Quantity
				}
			}
		}
		take := min(w.Quantity, held)
		if take == 0 {
			continue
		}
		out := max(0, take-(held-packed))
		for _, l := range p.lines {
			out = unpack(open, touched, l.ID, w.VariantID, out)
		}
		gone = append(gone, Reservation{w.VariantID, p.only, take})
	}
	return gone, emptied(open, touched)
}

// uncovering is an order that loses goods.
type uncovering struct {
	order   *Order
	packing packing
	letGo   letGo
	flipped []uuid.UUID
	said    Change
}

// LetGo lets orders that are placed last let go of what a location has too little of, lets
// count book what is there, and looks for the goods elsewhere: what is nowhere is waited
// for. It joins the transaction. If stock moves meanwhile it is inventory.ErrMoved, if
// orders that keep theirs hold too much inventory.ErrReservedShort, and the transaction
// must end.
func (s *Service) LetGo(ctx context.Context, locationID uuid.UUID, short []inventory.Shortage, count func(ctx context.Context) error) error {
	all, err := s.uncover(ctx, locationID, short)
	if err != nil {
		return moved(err)
	}
	if err := count(ctx); err != nil {
		return err
	}
	for _, u := range all {
		if err := s.covered(ctx, u); err != nil {
			return moved(err)
		}
	}
	return nil
}

// moved says in the words of the stock that it has moved.
func moved(err error) error {
	if errors.Is(err, errStockMoved) {
		return inventory.ErrMoved
	}
	return err
}

// uncover lets the orders go that lose something; they are locked in the order of their
// keys.
func (s *Service) uncover(ctx context.Context, locationID uuid.UUID, short []inventory.Shortage) ([]uncovering, error) {
	missing, variants := make([]Reservation, len(short)), make([]uuid.UUID, len(short))
	for i, m := range short {
		missing[i], variants[i] = Reservation{m.VariantID, locationID, m.Missing}, m.VariantID
	}
	claims, err := s.store.Claims(ctx, locationID, variants)
	if err != nil {
		return nil, err
	}
	lost, left := losses(missing, claims)
	if len(left) > 0 {
		i := slices.IndexFunc(short, func(m inventory.Shortage) bool { return m.VariantID == left[0].VariantID })
		return nil, inventory.ErrReservedShort.With(len(left), short[i].SKU)
	}
	slices.SortFunc(lost, func(a, b Loss) int { return bytes.Compare(a.OrderID[:], b.OrderID[:]) })
	all := make([]uncovering, len(lost))
	for i, l := range lost {
		if all[i], err = s.uncoverOne(ctx, locationID, l); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Service) uncoverOne(ctx context.Context, locationID uuid.UUID, l Loss) (u uncovering, err error) {
	if u.order, err = s.store.Lock(ctx, l.OrderID); err != nil || u.order == nil {
		return u, errors.Join(err, errStockMoved)
	}
	u.said.Before = u.order.Status
	if u.packing, err = s.packing(ctx, l.OrderID); err != nil {
		return u, err
	}
	u.packing.only = locationID
	gone, repacked := u.packing.takeSome(l.Gone)
	if pieces(gone) != pieces(l.Gone) { // it has let some go, or some has left
		return u, errStockMoved
	}
	u.letGo = letGo{gone: gone, repacked: repacked, waits: true}
	u.flipped, err = s.letGo(ctx, u.order, u.packing, u.letGo, &u.said)
	return u, err
}

// covered looks for what an order has let go elsewhere, and writes that down. One that was
// given up looks for nothing.
func (s *Service) covered(ctx context.Context, u uncovering) (err error) {
	o, c := u.order, &u.said
	if o.Status == Cancelled {
		return s.stockFlipped(ctx, u.flipped)
	}
	if c.Moved, err = s.elsewhere(ctx, o, u.packing, u.letGo, u.flipped); err != nil {
		return err
	}
	if err := s.promiseAgain(ctx, o, c); err != nil {
		return err
	}
	c.After, c.Reason, o.UpdatedAt = o.Status, "棚卸", s.now()
	return errors.Join(s.store.Update(ctx, *o), s.events.Record(ctx, event.New(ctx, o.UpdatedAt, "order.reallocated", "Order", o.ID, c)))
}
