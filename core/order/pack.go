package order

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Held is goods that an order holds and that have not left: at a location, or waited
// for.
type Held struct {
	Reservation
	Early     bool       // they may not leave yet: their day of release is to come
	ReleaseAt *time.Time // when that is
}

// AskedLine is how many of a line to ship.
type AskedLine struct {
	LineID   uuid.UUID
	Quantity int
}

// packing is an order whose goods are about to be packed.
type packing struct {
	lines     []Line
	shipments []Shipment // so far, called-off ones included
	held      []Held
	only      uuid.UUID // the location to ship from; zero for all
}

// goods are pieces of a line that are still to be packed.
type goods struct {
	orderID, lineID, variantID uuid.UUID
	missing                    int
}

// pack shares what lies at each location out among the lines that lack it, and answers
// one list for each location. Nothing is packed twice, and nothing that the order does
// not hold there.
func (p packing) pack(asked []AskedLine) (map[uuid.UUID][]Packed, []uuid.UUID, error) {
	todo, err := p.todo(asked)
	if err != nil {
		return nil, nil, err
	}
	packed, places := map[uuid.UUID][]Packed{}, []uuid.UUID{}
	for _, h := range p.free() {
		left := h.Quantity
		for i := range todo {
			g := &todo[i]
			take := min(left, g.missing)
			if g.variantID != h.VariantID || take <= 0 {
				continue
			}
			if packed[h.LocationID] == nil {
				places = append(places, h.LocationID)
			}
			packed[h.LocationID] = append(packed[h.LocationID], Packed{g.orderID, g.lineID, g.variantID, take})
			left, g.missing = left-take, g.missing-take
		}
	}
	return packed, places, p.enough(asked, todo)
}

// todo are the pieces that the lines lack, less than all of them if fewer are asked for.
func (p packing) todo(asked []AskedLine) ([]goods, error) {
	var all []goods
	for _, l := range p.lines {
		part := l.Quantity
		if len(asked) > 0 {
			i := slices.IndexFunc(asked, func(a AskedLine) bool { return a.LineID == l.ID })
			if i < 0 {
				continue
			}
			part = asked[i].Quantity
		}
		for _, h := range l.holds() {
			missing := h.Quantity
			for _, s := range p.shipments {
				if s.Status != ShipmentCancelled {
					missing -= s.packed(l.ID, h.VariantID)
				}
			}
			wanted := missing
			if len(asked) > 0 {
				if wanted = h.Quantity * part / l.Quantity; wanted > missing {
					return nil, ErrNotAllocated.With(missing * l.Quantity / h.Quantity).At("lines")
				}
			}
			all = append(all, goods{l.OrderID, l.ID, h.VariantID, wanted})
		}
	}
	return all, nil
}

// free is what lies at locations for the order and is in no shipment yet.
func (p packing) free() []Reservation {
	var all []Reservation
	for _, h := range p.held {
		if h.Waits() || h.Early || (p.only != uuid.Nil && h.LocationID != p.only) {
			continue
		}
		r := h.Reservation
		for _, s := range p.shipments {
			if s.Status != ShipmentInstructed || s.LocationID != r.LocationID {
				continue
			}
			for _, packed := range s.Lines {
				if packed.VariantID == r.VariantID {
					r.Quantity -= packed.Quantity
				}
			}
		}
		all = append(all, r)
	}
	return all
}

// pieces is how many the order holds or waits for.
func (p packing) pieces() (n int) {
	for _, h := range p.held {
		n += h.Quantity
	}
	return n
}

// enough says what stands against shipping what is asked for, if something is missing.
func (p packing) enough(asked []AskedLine, todo []goods) error {
	for _, g := range todo {
		if g.missing == 0 {
			continue
		}
		if why := p.why(g.variantID); why != nil {
			return why
		}
		if len(asked) > 0 {
			there := 0
			for _, r := range p.free() {
				if r.VariantID == g.variantID {
					there += r.Quantity
				}
			}
			return ErrNotAllocated.With(there)
		}
	}
	return nil
}

// why says why goods of the variant cannot leave; nil if nothing stands against it.
func (p packing) why(variantID uuid.UUID) error {
	for _, h := range p.held {
		switch {
		case h.VariantID != variantID:
		case h.Waits():
			return ErrBackOrdered
		case h.Early:
			return ErrNotReleased
		}
	}
	return nil
}
