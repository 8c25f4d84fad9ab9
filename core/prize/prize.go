// Package prize is what members get for their points (景品交換): the catalogue of prizes,
// what they exchanged, and how it reaches them.
package prize

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Kind is what a prize is.
type Kind string

// The kinds.
const (
	Goods    Kind = "GOODS"     // sent to an address
	Voucher  Kind = "VOUCHER"   // a code of ours, used at shops, online or at events
	GiftCode Kind = "GIFT_CODE" // a supplier's code
)

// Prize is one thing that points are exchanged for.
type Prize struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	ProgrammeID uuid.UUID // whose points it costs
	Kind        Kind
	Code        string // as the warehouse calls it
	Name        i18n.Text
	Description i18n.Text
	Points      int64 // of one piece; 0: not to be had for points, but in draws
	Stock       int64 // pieces that are left
	MemberLimit *int  // pieces that one member gets within LimitDays
	LimitDays   *int  // the last days, today included; nil: ever
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	MinRankID   *uuid.UUID // the least rank of those who may have it
	SegmentID   *uuid.UUID // whose members may have it
	BatchID     *uuid.UUID // of codes: that they are taken from
	CreatedAt   time.Time
	UpdatedAt   time.Time
	ClosedAt    *time.Time
}

// GlobalID is the prize's id in the schema.
func (p Prize) GlobalID() string { return id.Global("Prize", p.ID) }

// OfProgramme is the programme's id in the schema.
func (p Prize) OfProgramme() string { return id.Global("PointProgramme", p.ProgrammeID) }

// LeastRank is the id, in the schema, of the least rank; nil for none.
func (p Prize) LeastRank() *string { return id.GlobalOrNone("MemberRank", p.MinRankID) }

// OfSegment is the segment's id in the schema; nil for none.
func (p Prize) OfSegment() *string { return id.GlobalOrNone("Segment", p.SegmentID) }

// OfBatch is the id, in the schema, of the batch of codes; nil for goods.
func (p Prize) OfBatch() *string { return id.GlobalOrNone("VoucherBatch", p.BatchID) }

// SoldOut reports whether no piece is left.
func (p Prize) SoldOut() bool { return p.Stock < 1 }

// problem is why nobody can exchange points for the prize at the moment; nil if one can.
func (p Prize) problem(at time.Time) *fault.Error {
	switch {
	case p.ClosedAt != nil, p.Points == 0:
		return ErrUnknown
	case p.ValidFrom != nil && at.Before(*p.ValidFrom), p.ValidUntil != nil && !at.Before(*p.ValidUntil):
		return ErrPeriod
	}
	return nil
}

// State is how far an exchange has come.
type State string

// The states.
const (
	Requested State = "REQUESTED"
	Packed    State = "PACKED"
	Shipped   State = "SHIPPED"
	Delivered State = "DELIVERED"
	Cancelled State = "CANCELLED" // points and pieces went back
)

// next are the states that each may be moved on to.
var next = map[State][]State{
	Requested: {Packed, Shipped},
	Packed:    {Shipped},
	Shipped:   {Delivered},
}

// Exchange is points that a member gave for a prize, or a prize that a member won.
type Exchange struct {
	ID             uuid.UUID
	PrizeID        uuid.UUID
	BrandID        uuid.UUID
	ProgrammeID    uuid.UUID
	MemberID       uuid.UUID
	Quantity       int
	Points         int64 // for all pieces; 0 for what was won
	State          State
	Address        *customer.Address `db:"-"` // nil: nowhere, or hidden from whoever reads this
	Carrier        string
	TrackingNumber string
	Reason         string // why it was cancelled
	CreatedAt      time.Time
	UpdatedAt      time.Time
	ShippedAt      *time.Time
	DeliveredAt    *time.Time
	ExportedAt     *time.Time // into a carrier's file, the last time
	ShopID         *uuid.UUID // at whose counter it was asked for; nil: at none
	ServedBy       *uuid.UUID // who of the staff served the member
	HandedOver     bool       `db:"-"` // from the shop's own pieces, as it is taken
	PrizeName      i18n.Text
	PrizeCode      string
	PrizeKind      Kind
}

// Reference is by what labels and carriers' files call the exchange.
func (e Exchange) Reference() string {
	return referencePrefix + strings.ToUpper(e.ID.String()[referenceFrom:])
}

// An exchange is called by the last twelve digits of its id, which are random.
const (
	referencePrefix = "PZ-"
	referenceFrom   = 24
)

// GlobalID is the exchange's id in the schema.
func (e Exchange) GlobalID() string { return id.Global("PrizeExchange", e.ID) }

// OfPrize is the prize's id in the schema.
func (e Exchange) OfPrize() string { return id.Global("Prize", e.PrizeID) }

// OfMember is the member's id in the schema.
func (e Exchange) OfMember() string { return id.Global("Member", e.MemberID) }

// OfProgramme is the programme's id in the schema.
func (e Exchange) OfProgramme() string { return id.Global("PointProgramme", e.ProgrammeID) }

// useKey is the key of the posting that took the points.
func (e Exchange) useKey() string { return "prize:" + e.ID.String() }

// Bounds of prizes.
const (
	MaxPieces = 99
	maxStock  = 1_000_000
	maxName   = 60
	maxText   = 2000
	maxCode   = 40
	maxReason = 200
	maxMoves  = 200
	maxShip   = 5000 // rows of a file
)

// Failures of prizes. A prize that is unknown, closed or another brand's answers the same.
var (
	ErrUnknown     = fault.NotFound("PRIZE_UNKNOWN", "この景品は見つかりません", "There is no such prize")
	ErrPeriod      = fault.Conflict("PRIZE_NOT_OFFERED", "この景品は現在お申し込みいただけません", "This prize is not offered now")
	ErrSoldOut     = fault.Conflict("PRIZE_SOLD_OUT", "この景品は在庫がなくなりました", "This prize is sold out")
	ErrLimit       = fault.Conflict("PRIZE_LIMIT", "この景品の交換は期間内に%d個までです", "At most %d pieces of this prize for each member in the period")
	ErrIneligible  = fault.Conflict("PRIZE_NOT_ELIGIBLE", "この景品の交換条件を満たしていません", "This prize is for other members")
	ErrCost        = fault.Conflict("PRIZE_POINTS_CHANGED", "必要なポイント数が変わりました（%dポイント）。ご確認ください", "It costs %d points now; please look again")
	ErrAddress     = fault.Invalid("PRIZE_ADDRESS_REQUIRED", "お届け先を入力してください", "Say where the prize is to be sent")
	ErrQuantity    = fault.Invalid(fault.CodeInvalid, "数量は1〜%dで指定してください", "From 1 to %d pieces")
	ErrReference   = fault.NotFound("SHIPMENT_UNKNOWN", "この番号の景品交換は見つかりません", "There is no exchange of a prize with this number")
	ErrState       = fault.Conflict("PRIZE_EXCHANGE_STATE", "交換の状態が%sのため、この操作はできません", "The exchange is %s; this cannot be done now")
	ErrStock       = fault.Conflict("PRIZE_STOCK", "在庫を0未満にはできません", "There are not so many pieces")
	ErrCodes       = fault.Conflict("PRIZE_CODES_SHORT", "発行単位で渡せるコードは%d件です。景品の在庫と抽選の確保数（合計%d件）をそれ以下にしてください", "The batch has %d codes to hand out, and its prizes have %d pieces in stock or held for draws")
	ErrMembersOnly = fault.Forbidden("PRIZE_MEMBERS_ONLY", "景品の交換は会員の方のみご利用いただけます", "Prizes are for members")
)
