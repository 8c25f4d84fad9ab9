package order

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// Books are where the sale of a shipment is written down when it leaves (売上計上).
type Books interface {
	Sold(ctx context.Context, s ledger.Sale) error
	// Refused takes the sale of an order back that its customer did not accept.
	Refused(ctx context.Context, m ledger.Movement) error
	// ParcelRefused takes the sale of one shipment back; uncollected: what the carrier
	// owes of it, it does not collect.
	ParcelRefused(ctx context.Context, r ledger.Returned, uncollected bool) error
}

// sold writes down the sale of a shipment that leaves, and takes the money that is
// held. What the carrier collects is found by the parcel's number.
func (s *Service) sold(ctx context.Context, m *moving) error {
	o, h := m.order, m.shipment
	if err := m.worth(); err != nil {
		return err
	}
	sale := ledger.Sale{
		ShipmentID: h.ID, OrderID: o.ID, BrandID: o.BrandID, Number: o.Number, Currency: o.Currency, Total: h.TotalMinor,
		Shipping: h.ShippingMinor, Charge: h.ChargeMinor, Inclusive: o.TaxInclusive, Taxes: h.Taxes, FeeClass: o.ShippingMethod.TaxClass,
	}
	if o.OnAccount() {
		sale.CompanyID = o.CompanyID
	}
	if o.OnDelivery() {
		sale.Owed = ledger.Carrier
		if m.collects() {
			if err := s.payments.Tracked(ctx, o.ID, h.TrackingNumber); err != nil {
				return err
			}
		}
	}
	if err := s.books.Sold(ctx, sale); err != nil {
		return err
	}
	if err := s.payments.Take(ctx, o.ID, o.Owed()); err != nil {
		return err
	}
	return s.invoiced(ctx, m) // late: whoever draws a number holds up others who do
}

// worth says what the leaving shipment is worth: what of the order's amounts belongs to
// all that has left, by the value of its goods, less what shipments before it were
// worth. So they come to the order's amounts to the yen when all has left.
func (m *moving) worth() error {
	o, h := m.order, m.shipment
	gone, all := m.valueGone()
	share := func(amount int64) (int64, error) {
		if len(m.held) == 0 {
			return amount, nil
		}
		return money.RoundDown.Portion(amount, gone, all, 1)
	}
	total, err := share(o.TotalMinor)
	if err != nil {
		return err
	}
	shipping, err := share(o.ShippingMinor)
	if err != nil {
		return err
	}
	charge, err := share(o.ChargeMinor)
	if err != nil {
		return err
	}
	h.TotalMinor, h.ShippingMinor, h.ChargeMinor, h.Taxes = total, shipping, charge, []money.Taxed{}
	for _, t := range o.Taxes {
		if t.Gross.Minor, err = share(t.Gross.Minor); err != nil {
			return err
		}
		if t.Tax.Minor, err = share(t.Tax.Minor); err != nil {
			return err
		}
		t.Net.Minor = t.Gross.Minor - t.Tax.Minor
		h.Taxes = append(h.Taxes, t)
	}
	for _, earlier := range m.shipments {
		if earlier.ID != h.ID && earlier.Status.sold() {
			h.less(earlier)
		}
	}
	return nil
}

// less takes off what an earlier shipment was worth.
func (s *Shipment) less(earlier Shipment) {
	s.TotalMinor -= earlier.TotalMinor
	s.ShippingMinor -= earlier.ShippingMinor
	s.ChargeMinor -= earlier.ChargeMinor
	for _, t := range earlier.Taxes {
		i := slices.IndexFunc(s.Taxes, func(own money.Taxed) bool { return own.Class == t.Class })
		if i < 0 { // nothing of the class is left
			none := money.Of(0, t.Gross.Currency)
			i, s.Taxes = len(s.Taxes), append(s.Taxes, money.Taxed{Class: t.Class, Net: none, Tax: none, Gross: none})
		}
		s.Taxes[i].Net.Minor -= t.Net.Minor
		s.Taxes[i].Tax.Minor -= t.Tax.Minor
		s.Taxes[i].Gross.Minor -= t.Gross.Minor
	}
}

// valueGone is what the goods that have left are worth, and what all are; where all
// cost nothing, every piece is worth the same.
func (m *moving) valueGone() (gone, all int64) {
	var goneFree, allFree int64
	for _, l := range m.lines {
		for _, h := range l.holds() {
			left := 0
			for _, s := range m.shipments {
				if s.Status.sold() {
					left += s.packed(l.ID, h.VariantID)
				}
			}
			value := l.worthOf(h.VariantID)
			gone += value * int64(left) / int64(h.Quantity)
			all += value
			goneFree, allFree = goneFree+int64(left), allFree+int64(h.Quantity)
		}
	}
	if all == 0 {
		return goneFree, allFree
	}
	return gone, all
}

// worthOf is what the pieces of the variant bear of the line's total.
func (l Line) worthOf(variantID uuid.UUID) (minor int64) {
	if len(l.Parts) == 0 {
		return l.TotalMinor
	}
	for _, p := range l.Parts {
		if p.VariantID == variantID {
			minor += p.Amount.Minor
		}
	}
	return minor
}

// part is the set's part with the variant; nil if the line is of the variant itself.
func (l Line) part(variantID uuid.UUID) *Part {
	i := slices.IndexFunc(l.Parts, func(p Part) bool { return p.VariantID == variantID })
	if i < 0 {
		return nil
	}
	return &l.Parts[i]
}

// has reports whether pieces of the variant belong to the line.
func (l Line) has(variantID uuid.UUID) bool {
	return slices.ContainsFunc(l.holds(), func(h Reservation) bool { return h.VariantID == variantID })
}

// NameOf is what the customer knows the line's pieces of the variant by.
func (l Line) NameOf(variantID uuid.UUID) i18n.Text {
	if p := l.part(variantID); p != nil {
		return p.Name
	}
	return l.Name
}

// SKUOf is the stock keeping unit of the line's pieces of the variant.
func (l Line) SKUOf(variantID uuid.UUID) string {
	if p := l.part(variantID); p != nil {
		return p.SKU
	}
	return l.SKU
}

// optionsOf are the options of the line's pieces of the variant.
func (l Line) optionsOf(variantID uuid.UUID) []string {
	if p := l.part(variantID); p != nil {
		return p.Options
	}
	return l.Options
}
