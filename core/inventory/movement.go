package inventory

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
)

// MovementKind is why pieces came, went or were promised.
type MovementKind string

// The kinds of movement.
const (
	Receipt        MovementKind = "RECEIPT"          // 入荷
	Adjustment     MovementKind = "ADJUSTMENT"       // 調整: broken, lost, found
	Count          MovementKind = "COUNT"            // 棚卸: what a count differed by
	Shipment       MovementKind = "SHIPMENT"         // 出荷
	Return         MovementKind = "RETURN"           // 返品
	Transferred    MovementKind = "TRANSFER"         // 移動
	EventTakeOut   MovementKind = "EVENT_TAKE_OUT"   // イベント持出
	EventBringBack MovementKind = "EVENT_BRING_BACK" // イベント持帰
	Allocation     MovementKind = "ALLOCATION"       // 引当: promised to an order
	Released       MovementKind = "RELEASE"          // 引当解除
)

// MovementKinds lists every kind.
var MovementKinds = []MovementKind{Receipt, Adjustment, Count, Shipment, Return, Transferred, EventTakeOut, EventBringBack, Allocation, Released}

// transfers reports whether pieces go from one location to another: their lots go with them.
func (k MovementKind) transfers() bool {
	return k == Transferred || k == EventTakeOut || k == EventBringBack
}

// Movement is a change of a level. It never changes itself: what lies there and what is
// reserved are the sums of the movements.
type Movement struct {
	ID         uuid.UUID
	At         time.Time
	VariantID  uuid.UUID
	LocationID uuid.UUID
	Kind       MovementKind
	Quantity   int // by how many pieces what lies there changed
	Reserved   int // by how many what is promised to orders did
	Reference  string
	ActorRole  access.Role
	ActorID    *uuid.UUID
}

// GlobalID is the movement's id in the schema.
func (m Movement) GlobalID() string { return id.Global("StockMovement", m.ID) }

// CauseID is the global id of the order, transfer, delivery or stocktake that the
// reference names; nil for a note in words.
func (m Movement) CauseID() *string {
	if order, err := uuid.Parse(m.Reference); err == nil {
		cause := id.Global("Order", order)
		return &cause
	}
	if kind, _, err := id.Parse(m.Reference); err == nil && strings.HasPrefix(kind, "Stock") {
		return &m.Reference
	}
	return nil
}

// ActorAccount is the global id of the account that moved it; nil if noren itself, a
// partner or a guest did.
func (m Movement) ActorAccount() *string {
	if m.ActorID == nil || m.ActorRole == access.RolePartner {
		return nil
	}
	account := id.Global("Account", *m.ActorID)
	return &account
}

// MovementFilter says which movements of a variant are wanted; what is nil or empty does
// not count.
type MovementFilter struct {
	LocationID *uuid.UUID
	Kinds      []MovementKind
	From       *time.Time
	To         *time.Time // before it
}

// MovementQuery asks for one page of a variant's movements.
type MovementQuery struct {
	BrandID   uuid.UUID
	VariantID uuid.UUID
	MovementFilter
	Page page.Args
}

// Movements are one page of what came, went and was promised of a variant, newest first.
func (k *Keeper) Movements(ctx context.Context, variantID uuid.UUID, f MovementFilter, args page.Args) (page.Connection[Movement], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Movement]{}, err
	}
	if f.From != nil && f.To != nil && !f.From.Before(*f.To) {
		return page.Connection[Movement]{}, fault.ErrPeriod.At("filter.to")
	}
	return k.Store.Movements(ctx, MovementQuery{channel.From(ctx).BrandID, variantID, f, args})
}
