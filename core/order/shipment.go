package order

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/shipping"
)

// ShipmentStatus is where a shipment stands.
type ShipmentStatus string

// The life of a shipment.
const (
	ShipmentInstructed ShipmentStatus = "INSTRUCTED" // the location is told to send it (出荷指示)
	ShipmentShipped    ShipmentStatus = "SHIPPED"    // handed to the carrier
	ShipmentDelivered  ShipmentStatus = "DELIVERED"  // received by the customer
	ShipmentCancelled  ShipmentStatus = "CANCELLED"  // called off before it left
	ShipmentRefused    ShipmentStatus = "REFUSED"    // not accepted at the door; its goods came back (受取拒否)
)

// Left reports whether its goods have left the house.
func (s ShipmentStatus) Left() bool { return s == ShipmentShipped || s == ShipmentDelivered }

// sold reports whether it was worth something: refused or not, it has left.
func (s ShipmentStatus) sold() bool { return s.Left() || s == ShipmentRefused }

// Shipment is goods of one order that leave one location together (出荷). What it was
// worth, in minor units, is known when it leaves: the shipments of an order that left
// whole come to the order's total.
type Shipment struct {
	ID             uuid.UUID
	OrderID        uuid.UUID
	BrandID        uuid.UUID
	LocationID     uuid.UUID
	Nth            int // among the order's shipments, from 1
	Status         ShipmentStatus
	CarrierID      *uuid.UUID
	Carrier        string // as the customer reads it
	TrackingNumber string
	TrackingURL    string
	Currency       money.Currency
	TotalMinor     int64 `db:"total"`
	ShippingMinor  int64 `db:"shipping_fee"`
	ChargeMinor    int64 `db:"charge"`
	Taxes          []money.Taxed
	Lines          []Packed
	ShipBy         *time.Time     // the day by which it is to leave; nil if nobody was promised one
	DeliverOn      *time.Time     // the day that the customer wishes for; nil: the earliest
	Band           *shipping.Band // the part of the day; nil: any
	InstructedAt   time.Time
	ExportedAt     *time.Time // into a file of instructions; nil if it never was
	ShippedAt      *time.Time
	DeliveredAt    *time.Time
	UpdatedAt      time.Time
}

// DeliveryBand is the code of the part of the day; empty: any.
func (s Shipment) DeliveryBand() string { return codeOf(s.Band) }

// GlobalID is the shipment's id in the schema.
func (s Shipment) GlobalID() string { return id.Global("Shipment", s.ID) }

// From is the global id of the location that it leaves.
func (s Shipment) From() string { return id.Global("Location", s.LocationID) }

// Total is what the shipment was worth, tax included; zero until it leaves.
func (s Shipment) Total() money.Money { return money.Of(s.TotalMinor, s.Currency) }

// Packed is pieces of a line that go with a shipment: of a set, of one of its parts.
type Packed struct {
	OrderID   uuid.UUID `json:"orderId"`
	LineID    uuid.UUID `json:"lineId"`
	VariantID uuid.UUID `json:"variantId"`
	Quantity  int       `json:"quantity"`
}

// Shipped is how many pieces of the line have left the house: of a set, how many whole
// ones.
func (l Line) Shipped(shipments []Shipment) int { return l.packedIn(shipments, ShipmentStatus.Left) }

// Refused is how many whole pieces of the line came back because nobody accepted them.
func (l Line) Refused(shipments []Shipment) int {
	return l.packedIn(shipments, func(s ShipmentStatus) bool { return s == ShipmentRefused })
}

// packedIn is how many whole pieces of the line are in the shipments of some statuses.
func (l Line) packedIn(shipments []Shipment, some func(ShipmentStatus) bool) int {
	whole := l.Quantity
	for _, h := range l.holds() {
		left := 0
		for _, s := range shipments {
			if some(s.Status) {
				left += s.packed(l.ID, h.VariantID)
			}
		}
		whole = min(whole, left*l.Quantity/h.Quantity)
	}
	return whole
}

// pieces is how many are in the shipment.
func (s Shipment) pieces() (n int) {
	for _, p := range s.Lines {
		n += p.Quantity
	}
	return n
}

func (s Shipment) packed(lineID, variantID uuid.UUID) (n int) {
	for _, p := range s.Lines {
		if p.LineID == lineID && p.VariantID == variantID {
			n += p.Quantity
		}
	}
	return n
}

// holds is what the line takes from the shelves: its variant, or the parts of its set.
func (l Line) holds() []Reservation {
	if len(l.Parts) == 0 {
		return []Reservation{{VariantID: l.VariantID, Quantity: l.Quantity}}
	}
	all := make([]Reservation, 0, len(l.Parts))
	for _, p := range l.Parts {
		all = merged(all, []Reservation{{VariantID: p.VariantID, Quantity: p.Quantity}})
	}
	return all
}

// Failures of a shipment.
var (
	ErrShipment       = fault.NotFound("SHIPMENT_UNKNOWN", "指定した出荷がありません", "There is no such shipment")
	ErrShipmentStatus = fault.Conflict("SHIPMENT_STATUS_CONFLICT", "出荷の状態が%sのため、この操作はできません", "The shipment is %s; this cannot be done now")
	ErrNothingToShip  = fault.Conflict("NOTHING_TO_SHIP", "出荷できる商品がありません", "The order has nothing left that could be shipped")
	ErrNotAllocated   = fault.Conflict("SHIPMENT_NOT_ALLOCATED", "引き当てた数量を超えています（出荷できる数量は%d個）", "That is more than is allocated: %d can be shipped")
	ErrUnknownLine    = fault.NotFound("ORDER_LINE_UNKNOWN", "指定した明細がこの注文にありません", "The order has no such line")
	ErrTrackingNumber = fault.Conflict("TRACKING_NUMBER_TAKEN", "このお問い合わせ番号は別の注文の出荷で使われています", "A shipment of another order has this tracking number")
)

// ShipmentQuery asks for one page of the brand's shipments, who waits longest first.
// Zero fields do not filter.
type ShipmentQuery struct {
	BrandID        uuid.UUID
	Statuses       []ShipmentStatus
	LocationIDs    []uuid.UUID
	TrackingNumber string
	Exported       *bool // in a file of instructions, or in none; nil: either
	PickUp         *bool // only those that are picked up, or only those that are not
	Late           bool  // only those that should have left before Today
	Today          time.Time
	Page           page.Args
}

// ShipmentList filters a list of shipments.
type ShipmentList struct {
	Statuses       []ShipmentStatus
	LocationID     *uuid.UUID
	TrackingNumber string
	Exported       *bool
	PickUp         *bool
	Late           bool
	Page           page.Args
}

// ListShipments is one page of the brand's shipments, for staff; for those of a shop,
// of its own.
func (s *Service) ListShipments(ctx context.Context, in ShipmentList) (page.Connection[Shipment], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Shipment]{}, err
	}
	q := ShipmentQuery{BrandID: channel.From(ctx).BrandID, Statuses: in.Statuses, TrackingNumber: in.TrackingNumber, Exported: in.Exported, PickUp: in.PickUp, Late: in.Late, Today: shipping.DayOf(s.today(ctx)), Page: in.Page}
	actor := access.From(ctx)
	if in.LocationID != nil {
		q.LocationIDs = []uuid.UUID{*in.LocationID}
	} else if actor.Is(access.RoleStoreStaff) {
		q.LocationIDs = actor.Stores
	}
	if actor.Is(access.RoleStoreStaff) && (len(q.LocationIDs) == 0 || !within(actor.Stores, q.LocationIDs)) {
		return page.Connection[Shipment]{}, nil
	}
	return s.store.ListShipments(ctx, q)
}

func within(all, some []uuid.UUID) bool {
	return !slices.ContainsFunc(some, func(one uuid.UUID) bool { return !slices.Contains(all, one) })
}

// Shipments are those of orders that were read through this service, in their order.
func (s *Service) Shipments(ctx context.Context, orderIDs []uuid.UUID) ([]Shipment, error) {
	return s.store.Shipments(ctx, orderIDs)
}

// Shipment is the shipment, if the actor may see its order; else nil.
func (s *Service) Shipment(ctx context.Context, shipmentID uuid.UUID) (*Shipment, error) {
	found, err := s.store.Shipment(ctx, shipmentID)
	if err != nil || found == nil {
		return nil, err
	}
	orders, err := s.ByIDs(ctx, []uuid.UUID{found.OrderID})
	if err != nil || len(orders) == 0 {
		return nil, err
	}
	return found, nil
}

// ShipmentsByID are those of the shipments whose orders the actor may see.
func (s *Service) ShipmentsByID(ctx context.Context, shipmentIDs []uuid.UUID) ([]Shipment, error) {
	found, err := s.store.ShipmentsByID(ctx, shipmentIDs)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(found))
	for i, h := range found {
		ids[i] = h.OrderID
	}
	orders, err := s.ByIDs(ctx, ids)
	return slices.DeleteFunc(found, func(h Shipment) bool {
		return !slices.ContainsFunc(orders, func(o Order) bool { return o.ID == h.OrderID })
	}), err
}
