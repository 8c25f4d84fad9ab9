package returns

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/order"
)

// Pieces are how many pieces of each order line there are.
type Pieces map[uuid.UUID]int

// shares say what the pieces of an order cost its customer: their part of the order's
// total with tax and discounts, so that all of them come to it to the yen.
type shares struct {
	lines    []order.Line
	goods    int64 // what the goods bear of the total
	shipping int64 // what the shipping fee, and the charge of the way to pay, bear of it
	weights  map[uuid.UUID]int64
	all      int64 // of the weights
}

// sharesOf works out what the lines of an order bear of its total. Where prices are
// without tax, goods of a higher rate bear more of it.
func sharesOf(o order.Order, lines []order.Line) shares {
	s := shares{lines: lines, weights: map[uuid.UUID]int64{}, shipping: withTax(o, o.ShippingMinor, o.ChargeMinor)}
	s.shipping = min(s.shipping, o.TotalMinor)
	s.goods = o.TotalMinor - s.shipping
	for _, l := range lines {
		s.weights[l.ID] = weight(l, o.TaxInclusive)
		s.all += s.weights[l.ID]
	}
	if s.all == 0 { // the goods were free: all of it was for the shipping
		s.goods, s.shipping = 0, o.TotalMinor
	}
	return s
}

// withTax is what a fee of shipping and a charge of the way to pay come to with tax.
func withTax(o order.Order, shipping, charge int64) int64 {
	if o.TaxInclusive {
		return shipping + charge
	}
	gross := func(class money.TaxClass, fee int64) int64 {
		return money.TaxOf(class, money.Of(fee, o.Currency), false, money.RoundDown).Gross.Minor
	}
	if o.ShippingClass() == o.ChargeClass() {
		return gross(o.ShippingClass(), shipping+charge)
	}
	return gross(o.ShippingClass(), shipping) + gross(o.ChargeClass(), charge)
}

// refusedShipping is what of the shipping fee and the charge went back with parcels that
// were refused.
func refusedShipping(o order.Order, shipments []order.Shipment) int64 {
	var shipping, charge int64
	for _, h := range shipments {
		if h.Status == order.ShipmentRefused {
			shipping, charge = shipping+h.ShippingMinor, charge+h.ChargeMinor
		}
	}
	return withTax(o, shipping, charge)
}

// weight is what the line bears, in hundredths of minor units where tax is added. Sets
// are taxed by their parts.
func weight(l order.Line, inclusive bool) (sum int64) {
	if inclusive {
		return l.TotalMinor
	}
	if len(l.Parts) == 0 {
		return l.TotalMinor * (100 + l.TaxClass.Percent())
	}
	for _, p := range l.Parts {
		sum += p.Amount.Minor * (100 + p.TaxClass.Percent())
	}
	return sum
}

// of is what the pieces cost. It never falls when pieces are added, and is all that the
// goods bear when none is left out.
func (s shares) of(pieces Pieces) (int64, error) {
	if s.all == 0 {
		return 0, nil
	}
	var sum int64
	for _, l := range s.lines {
		weight, n, all := s.weights[l.ID], int64(pieces[l.ID]), int64(l.Quantity)
		sum += weight/all*n + weight%all*n/all // weight*n/all, which may not fit
	}
	return money.RoundDown.Portion(s.goods, sum, s.all, 1)
}

// back is what each line's pieces cost that come back after others have: one after the
// other, so that no yen is lost between them.
func (s shares) back(before, now Pieces) (amounts, error) {
	so := Pieces{}
	for line, n := range before {
		so[line] = n
	}
	found := amounts{}
	had, err := s.of(so)
	for _, l := range s.lines {
		if now[l.ID] == 0 || err != nil {
			continue
		}
		so[l.ID] += now[l.ID]
		var has int64
		has, err = s.of(so)
		found[l.ID], had = has-had, has
	}
	return found, err
}

// amounts are sums of money by order line, in minor units.
type amounts map[uuid.UUID]int64

// whole reports whether the pieces are all that was ordered, but for gifts.
func (s shares) whole(pieces Pieces) bool {
	for _, l := range s.lines {
		if pieces[l.ID] < l.Quantity && !l.IsGift() {
			return false
		}
	}
	return true
}
