package order

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/payment"
)

// ErrSeveralShipments says that an order is not given up for one of its parcels.
var ErrSeveralShipments = fault.Conflict("ORDER_SEVERAL_SHIPMENTS", "複数の出荷がある注文です。受取拒否は出荷ごとに登録してください", "Several shipments of the order have left: record which of them was refused")

// errCameBack says that goods of a shipment were accepted, as they came back as a return.
var errCameBack = fault.Conflict(ErrShipmentStatus.Code, "返品として入庫済みの商品を含むため、受取拒否として登録できません", "Goods of it were received as a return: it was accepted")

// Owed is what the order asks for, less what was refused at the door.
func (o Order) Owed() int64 { return o.TotalMinor - o.RefusedMinor }

// Refused is what of the total is not owed, or has gone back, because parcels were
// refused.
func (o Order) Refused() money.Money { return money.Of(o.RefusedMinor, o.Currency) }

// RefuseShipmentInput says that a shipment came back unopened (受取拒否).
type RefuseShipmentInput struct {
	IdempotencyKey string
	ShipmentID     uuid.UUID
	LocationID     *uuid.UUID // whose shelves the goods go on; nil: those that they left
	Restock        bool       // false: they are not to be sold again
	Reason         string     // the customer reads it
}

// RefuseShipment takes a shipment back that its customer did not accept, for staff: its
// goods go on the shelves, its share of the money goes back or is not owed, and the
// invoice is corrected. Where the order stands follows from its other shipments; without
// any it is given up. Of an order that was given up before, only the goods are received.
func (s *Service) RefuseShipment(ctx context.Context, in RefuseShipmentInput) (Moved, error) {
	if err := short("reason", in.Reason, maxReason); err != nil {
		return Moved{}, err
	}
	orderID, err := idempotency.Once(ctx, s.keys, "recordRefusedShipment", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		done, err := s.move(ctx, in.ShipmentID, "order.shipment_refused", func(ctx context.Context, m *moving) error { return s.refuse(ctx, m, in) })
		if err != nil {
			return uuid.Nil, err
		}
		return done.Order.ID, nil
	})
	if err != nil {
		return Moved{}, err
	}
	o, err := s.ByID(ctx, orderID)
	if err != nil {
		return Moved{}, err
	}
	h, err := s.store.Shipment(ctx, in.ShipmentID)
	return Moved{o, h}, err
}

func (s *Service) refuse(ctx context.Context, m *moving, in RefuseShipmentInput) error {
	returned, err := s.mayRefuse(ctx, m, in)
	if err != nil {
		return err
	}
	collects := m.collects()
	m.said.Reason, m.shipment.Status = in.Reason, ShipmentRefused
	reason := cmp.Or(in.Reason, "受取拒否")
	o, share := m.order, m.shipment.TotalMinor
	if o.Status == Cancelled { // its money is settled
		share = 0
	}
	o.RefusedMinor += share
	if err := s.store.SaveRefused(ctx, *o, m.shipment.ID, reason, s.now(), access.From(ctx).ID); err != nil {
		return err
	}
	if o.Status == Cancelled {
		return s.takeIn(ctx, m, in)
	}
	if o.OnAccount() && o.CompanyID != nil {
		if share > 0 {
			if err := s.trade.GoodsReturned(ctx, company.Goods{
				OrderID: o.ID, CompanyID: *o.CompanyID, BrandID: o.BrandID, ReceiptID: m.shipment.ID, Minor: share, Reference: o.Number,
			}); err != nil {
				return err
			}
		}
	} else if err := s.books.ParcelRefused(ctx, ledger.Returned{
		OrderID: o.ID, BrandID: o.BrandID, CauseID: m.shipment.ID, Currency: o.Currency, Minor: share, Reference: o.Number,
	}, collects); err != nil {
		return err
	}
	if standing(m.shipments, m.held) == Cancelled {
		refund, err := s.giveUpMoney(ctx, o, reason)
		if err != nil {
			return err
		}
		if err := s.takeIn(ctx, m, in); err != nil {
			return err
		}
		return s.giveUpGoods(ctx, o, reason, refund)
	}
	return s.refusedPart(ctx, m, in, refusal{share, collects, returned, reason})
}

// refusal is what is refused with one shipment of an order.
type refusal struct {
	share    int64 // of the order's total
	collects bool  // the carrier was to collect the money with it
	returned bool  // goods of the order came back before
	reason   string
}

// mayRefuse fails unless the shipment is out and can have been refused, and answers whether
// goods of the order came back by returns. Where, without it,
// less of a line would be left with the customer than came back by returns, it was not: its
// goods would be received, and paid back, twice.
func (s *Service) mayRefuse(ctx context.Context, m *moving, in RefuseShipmentInput) (returned bool, _ error) {
	switch {
	case m.shipment.Status != ShipmentShipped:
		return false, ErrShipmentStatus.With(m.shipment.Status)
	case m.order.PickedUp():
		return false, ErrPickUp
	case !access.WorksAt(ctx, in.place(m)):
		return false, fault.ErrForbidden
	}
	others := slices.DeleteFunc(slices.Clone(m.shipments), func(h Shipment) bool { return h.ID == m.shipment.ID })
	back, err := s.store.CameBack(ctx, m.order.ID)
	if err != nil {
		return false, err
	}
	for _, l := range m.lines {
		if m.shipment.holds(l.ID) && back[l.ID] > l.Shipped(others) {
			return false, errCameBack.At("shipmentId")
		}
	}
	return len(back) > 0, nil
}

// holds reports whether pieces of the line are in the shipment.
func (s Shipment) holds(lineID uuid.UUID) bool {
	return slices.ContainsFunc(s.Lines, func(p Packed) bool { return p.LineID == lineID })
}

// place is the location that takes the goods in.
func (in RefuseShipmentInput) place(m *moving) uuid.UUID {
	if in.LocationID != nil {
		return *in.LocationID
	}
	return m.shipment.LocationID
}

// refusedPart settles the money of a shipment while the rest of its order stands, and
// takes its goods in. When the rest was returned, all of the order is back.
func (s *Service) refusedPart(ctx context.Context, m *moving, in RefuseShipmentInput, r refusal) error {
	o := m.order
	var given int64
	var credit func(context.Context) error
	var err error
	if r.returned {
		if given, credit, err = s.exchanges.Refused(ctx, o.ID, m.shipment.ID); err != nil {
			return err
		}
	}
	back, err := s.refusedMoney(ctx, m, r)
	if err != nil {
		return err
	}
	if err := s.takeIn(ctx, m, in); err != nil {
		return err
	}
	if err := s.refusedPapers(ctx, m, r, credit); err != nil {
		return err
	}
	return s.mail(ctx, *o, m.shipment.ID.String()+" refused", messaging.OrderChanged{
		Name: o.ShippingAddress.Name, OrderNumber: o.Number, Reason: r.reason, Currency: o.Currency, Lines: mailed(Draft{Order: *o, Lines: m.kept()}),
		Shipping: o.ShippingMinor, Tax: o.TaxMinor, Total: o.Owed(), Difference: -r.share, Refund: given + back,
	})
}

// refusedMoney gives a shipment's share of the money back, or does not ask for it, and says
// whether the order is paid. It answers what goes back.
func (s *Service) refusedMoney(ctx context.Context, m *moving, r refusal) (back int64, err error) {
	o := m.order
	if o.OnAccount() {
		if o.CompanyID != nil && !o.Paid {
			o.Paid, err = s.trade.Covered(ctx, *o.CompanyID, o.ID)
		}
		return 0, err
	}
	after, err := s.payments.Refused(ctx, payment.RefusedInput{OrderID: o.ID, CauseID: m.shipment.ID, Minor: r.share, Uncollected: r.collects, Reference: o.Number})
	if err != nil {
		return 0, err
	}
	o.Paid = after.Covered >= o.Owed()
	return after.Refund, nil
}

// refusedPapers corrects what was invoiced, late: whoever draws a number holds up others who do.
func (s *Service) refusedPapers(ctx context.Context, m *moving, r refusal, credit func(context.Context) error) error {
	if s.documents != nil {
		before := Shipment{TotalMinor: m.order.TotalMinor, Taxes: slices.Clone(m.order.Taxes)}
		before.less(*m.shipment)
		after := *m.order
		after.Taxes = before.Taxes
		if err := s.documents.Reduced(ctx, *m.order, after, r.reason); err != nil {
			return err
		}
	}
	if credit == nil {
		return nil
	}
	return credit(ctx)
}

// takeIn puts the goods on the shelves, each into the lot that it left.
func (s *Service) takeIn(ctx context.Context, m *moving, in RefuseShipmentInput) error {
	if !in.Restock {
		return nil
	}
	place := in.place(m)
	there, err := s.store.Unship(ctx, *m.shipment, place, s.now())
	if err != nil {
		return err
	}
	if !there {
		return inventory.ErrNoLocation.At("locationId")
	}
	back := inventory.CameBack{LocationID: place, At: s.now(), Reference: m.order.Number}
	var variants []uuid.UUID
	for _, p := range m.shipment.Lines {
		variants = append(variants, p.VariantID)
		back.Lines = append(back.Lines, inventory.ReturnedLine{LineID: p.LineID, VariantID: p.VariantID, Quantity: p.Quantity})
	}
	slices.SortFunc(variants, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return errors.Join(s.lots.Return(ctx, back), s.stockFlipped(ctx, slices.Compact(variants)))
}

// collects reports whether the carrier was to collect the order's money with the
// shipment: with the first that stands.
func (m *moving) collects() bool {
	if !m.order.OnDelivery() || m.order.Paid {
		return false
	}
	for _, h := range m.shipments {
		if h.Nth < m.shipment.Nth && h.Status != ShipmentCancelled && h.Status != ShipmentRefused {
			return false
		}
	}
	return true
}

// kept are the order's lines without those of which every piece was refused.
func (m *moving) kept() []Line {
	return slices.DeleteFunc(slices.Clone(m.lines), func(l Line) bool {
		for _, h := range l.holds() {
			back := 0
			for _, s := range m.shipments {
				if s.Status == ShipmentRefused {
					back += s.packed(l.ID, h.VariantID)
				}
			}
			if back < h.Quantity {
				return false
			}
		}
		return true
	})
}
