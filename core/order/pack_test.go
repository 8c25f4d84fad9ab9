package order

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/money"
)

// anOrder is an order of some lines, sets among them, all of which is held at two
// locations or waited for.
func anOrder(t *rapid.T) (Order, packing) {
	o := Order{ID: uuid.UUID{9}, Currency: money.JPY, Status: Confirmed, Paid: true}
	var p packing
	variant := func() uuid.UUID { return uuid.UUID{byte(rapid.IntRange(1, 4).Draw(t, "variant"))} }
	for i := range rapid.IntRange(1, 5).Draw(t, "lines") {
		l := Line{ID: uuid.UUID{20, byte(i)}, OrderID: o.ID, VariantID: variant(), Quantity: rapid.IntRange(1, 5).Draw(t, "quantity"), Currency: money.JPY}
		l.TotalMinor = int64(l.Quantity) * rapid.Int64Range(0, 3000).Draw(t, "unit")
		for range rapid.IntRange(0, 2).Draw(t, "parts") {
			part := Part{VariantID: variant(), Quantity: l.Quantity * rapid.IntRange(1, 2).Draw(t, "in each")}
			l.Parts = append(l.Parts, part)
		}
		for j := range l.Parts {
			l.Parts[j].Amount = money.Of(l.TotalMinor/int64(len(l.Parts)), money.JPY)
		}
		p.lines = append(p.lines, l)
	}
	for _, l := range p.lines {
		for _, h := range l.holds() {
			for range h.Quantity {
				at := uuid.UUID{}
				if n := rapid.IntRange(0, 2).Draw(t, "place"); n > 0 {
					at = uuid.UUID{50, byte(n)}
				}
				p.hold(h.VariantID, at, 1)
			}
		}
	}
	for _, class := range []money.TaxClass{money.TaxStandard, money.TaxReduced} {
		gross := rapid.Int64Range(0, 30_000).Draw(t, "gross")
		o.Taxes = append(o.Taxes, money.TaxOf(class, money.Of(gross, money.JPY), true, money.RoundDown))
		o.TotalMinor += gross
	}
	o.ShippingMinor = rapid.Int64Range(0, 800).Draw(t, "fee")
	return o, p
}

func (p *packing) hold(variantID, locationID uuid.UUID, n int) {
	for i := range p.held {
		if p.held[i].VariantID == variantID && p.held[i].LocationID == locationID {
			p.held[i].Quantity += n
			return
		}
	}
	p.held = append(p.held, Held{Reservation: Reservation{variantID, locationID, n}})
}

// In whatever parts an order leaves, no location sends more than it holds, no line gets
// more than was bought, each part is worth at least nothing, and together they are worth
// the order, tax and fee to the yen.
func TestPartsComeToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o, p := anOrder(t)
		for steps := 0; len(p.held) > 0 && steps < 200; steps++ {
			if i := rapid.IntRange(0, len(p.held)-1).Draw(t, "arrives"); p.held[i].Waits() {
				h := p.held[i]
				p.held = append(p.held[:i], p.held[i+1:]...)
				p.hold(h.VariantID, uuid.UUID{50, 1}, h.Quantity)
			}
			p.only = uuid.UUID{50, byte(rapid.IntRange(1, 2).Draw(t, "from"))}
			packed, places, _ := p.pack(nil)
			for _, place := range places {
				h := Shipment{ID: uuid.UUID{80, byte(len(p.shipments))}, LocationID: place, Nth: len(p.shipments) + 1, Status: ShipmentShipped, Lines: packed[place]}
				requireHeld(t, p.held, h)
				p.shipments = append(p.shipments, h)
				m := moving{packing: p, order: &o, shipment: &p.shipments[len(p.shipments)-1]}
				m.held = without(m.held, h)
				require.NoError(t, m.worth())
				require.GreaterOrEqual(t, m.shipment.TotalMinor, int64(0))
				p.held = m.held
			}
		}
		require.Empty(t, p.held)
		whole := Shipment{}
		taxes := map[money.TaxClass]int64{}
		for _, h := range p.shipments {
			whole.TotalMinor += h.TotalMinor
			whole.ShippingMinor += h.ShippingMinor
			for _, tax := range h.Taxes {
				taxes[tax.Class] += tax.Tax.Minor
			}
		}
		require.Equal(t, o.TotalMinor, whole.TotalMinor)
		require.Equal(t, o.ShippingMinor, whole.ShippingMinor)
		for _, tax := range o.Taxes {
			require.Equal(t, tax.Tax.Minor, taxes[tax.Class])
		}
		for _, l := range p.lines {
			require.Equal(t, l.Quantity, l.Shipped(p.shipments))
			for _, h := range l.holds() {
				sent := 0
				for _, s := range p.shipments {
					sent += s.packed(l.ID, h.VariantID)
				}
				require.Equal(t, h.Quantity, sent)
			}
		}
	})
}

// requireHeld fails if the shipment takes more of a variant than its location holds.
func requireHeld(t *rapid.T, held []Held, s Shipment) {
	want := map[uuid.UUID]int{}
	for _, p := range s.Lines {
		want[p.VariantID] += p.Quantity
	}
	for _, h := range held {
		if h.LocationID == s.LocationID {
			want[h.VariantID] -= h.Quantity
		}
	}
	for _, over := range want {
		require.LessOrEqual(t, over, 0)
	}
}
