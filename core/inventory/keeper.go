package inventory

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// maxPieces bounds a quantity; stock is kept in 32 bits.
const maxPieces = 1_000_000

// Level is how much of a variant a location has. OnHand and Reserved are
// the sums of the movements.
type Level struct {
	VariantID    uuid.UUID
	LocationID   uuid.UUID
	OnHand       int
	Reserved     int
	Incoming     int
	Safety       int // pieces that are not offered (安全在庫)
	Withheld     int // pieces that may not leave: expired, recalled, set apart
	Tracking     TrackMode
	ReorderPoint *int // at so many pieces there or coming, or fewer, more should be ordered (発注点)
	ReorderTo    *int // up to so many; with ReorderPoint
}

// Free is what can still be promised.
func (l Level) Free() int { return max(0, l.Unreserved()-l.Safety) }

// Unreserved is what no order holds, and may leave.
func (l Level) Unreserved() int { return l.OnHand - l.Reserved - l.Withheld }

// Place is where the level is of what.
func (l Level) Place() Place { return Place{l.VariantID, l.LocationID} }

// Short is how many pieces should be ordered; 0 above the reorder point.
func (l Level) Short() int {
	if there := l.Unreserved() + l.Incoming; l.ReorderPoint != nil && there <= *l.ReorderPoint {
		return *l.ReorderTo - there
	}
	return 0
}

// Failures of stock.
var (
	ErrQuantity     = fault.Invalid("STOCK_QUANTITY_INVALID", "数量は%dから%dまでの0以外の整数で指定してください", "The quantity is a whole number from %d to %d, and not 0")
	ErrBelowZero    = fault.Conflict("STOCK_BELOW_RESERVED", "引当済みの数量を下回るため変更できません", "Less would be left than is reserved")
	ErrNoLocation   = fault.Invalid("LOCATION_UNKNOWN", "指定された拠点はありません", "There is no such location")
	ErrLocationUsed = fault.Conflict("LOCATION_IN_USE", "在庫が残っているため停止できません", "The location still has stock")
)

// KeepStore keeps stock; everything joins the transaction of the context.
type KeepStore interface {
	Variants(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error)
	// LockLevel reads a level for changing, and makes it where there is none.
	LockLevel(ctx context.Context, variantID, locationID uuid.UUID) (Level, error)
	SaveLevel(ctx context.Context, l Level) error
	Move(ctx context.Context, m Movement) error

	Locations(ctx context.Context, brandID uuid.UUID) ([]Location, error)
	SaveLocation(ctx context.Context, l Location) error
	HasStock(ctx context.Context, locationID uuid.UUID) (bool, error)
	Levels(ctx context.Context, variantIDs []uuid.UUID) ([]Level, error)
	Movements(ctx context.Context, q MovementQuery) (page.Connection[Movement], error)
}

// Keeper is how staff change stock. Each change is one transaction, one movement
// and one event.
type Keeper struct{ KeeperParts }

// KeeperParts are what the keeper stands on.
type KeeperParts struct {
	Tx interface {
		InTx(ctx context.Context, f func(context.Context) error) error
	}
	Store      KeepStore
	Transfers  TransferStore
	Stocktakes StocktakeStore
	Lots       *Lots
	Claims     Claims
	Waiters    Waiters // nil: nobody waits
	Keys       *idempotency.Keys
	Shown      *Shown
	Events     event.Recorder
	Now        clock.Clock
}

// NewKeeper makes the keeper.
func NewKeeper(p KeeperParts) *Keeper { return &Keeper{p} }

// StockInput is a change of what a location has of a variant.
type StockInput struct {
	IdempotencyKey string
	VariantID      uuid.UUID
	LocationID     uuid.UUID
	Quantity       int
	Reference      string // delivery note, reason
	Lots           []LotPieces
}

func (in StockInput) check(least, most int, zero bool) error {
	var all []error
	if in.Quantity < least || in.Quantity > most || (in.Quantity == 0 && !zero) {
		all = append(all, ErrQuantity.With(least, most).At("quantity"))
	}
	if len(in.Reference) > 200 {
		all = append(all, fault.Invalid(fault.CodeTooLong, "200文字以内で入力してください", "At most 200 characters are allowed").At("reference"))
	}
	return errors.Join(all...)
}

// Receive adds pieces that arrived unannounced. The same key adds once.
func (k *Keeper) Receive(ctx context.Context, in StockInput) (Level, error) {
	return k.once(ctx, "receiveStock", in, Receipt, in.check(1, maxPieces, false), func(*Level) int { return in.Quantity })
}

// Adjust adds or takes pieces off, for a reason. The same key does it once.
func (k *Keeper) Adjust(ctx context.Context, in StockInput) (Level, error) {
	return k.once(ctx, "adjustStock", in, Adjustment, in.check(-maxPieces, maxPieces, false), func(*Level) int { return in.Quantity })
}

// Count sets what was counted; the difference becomes the movement. The same key sets it
// once: a call that comes again says nothing of what has moved since.
func (k *Keeper) Count(ctx context.Context, in StockInput) (Level, error) {
	return k.once(ctx, "countStock", in, Count, in.check(0, maxPieces, true), func(l *Level) int { return in.Quantity - l.OnHand })
}

// once moves what f says, once for each key; a call that comes again is answered with the
// level as the first one left it.
func (k *Keeper) once(ctx context.Context, operation string, in StockInput, kind MovementKind, invalid error, f func(l *Level) int) (Level, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.LocationID); err != nil {
		return Level{}, err
	}
	if invalid != nil {
		return Level{}, invalid
	}
	return idempotency.Once(ctx, k.Keys, operation, in.IdempotencyKey, in, func(ctx context.Context) (Level, error) {
		return k.move(ctx, in, kind, f)
	})
}

// move changes a level, in the transaction of the context.
func (k *Keeper) move(ctx context.Context, in StockInput, kind MovementKind, f func(l *Level) int) (Level, error) {
	if err := k.known(ctx, in); err != nil {
		return Level{}, err
	}
	before, err := k.Store.LockLevel(ctx, in.VariantID, in.LocationID)
	if err != nil {
		return Level{}, err
	}
	level := before
	difference := f(&level)
	if level.OnHand += difference; level.OnHand < level.Reserved {
		return Level{}, ErrBelowZero.At("quantity")
	}
	if level.OnHand > maxPieces*100 {
		return Level{}, ErrQuantity.With(0, maxPieces).At("quantity")
	}
	m := Movement{ID: id.New(), At: k.Now(), VariantID: in.VariantID, LocationID: in.LocationID, Kind: kind, Quantity: difference, Reference: in.Reference, ActorID: actor(ctx)}
	if level.Withheld, err = k.apply(ctx, before, level, m, in.Lots); err != nil {
		return Level{}, err
	}
	return level, k.Events.Record(ctx, event.New(ctx, k.Now(), "stock.changed", "Stock", in.VariantID, map[string]any{
		"kind": kind, "reference": in.Reference, "before": before, "after": level,
	}))
}

// apply writes a changed level down with its movement and its lots, and answers how much
// of it may not leave.
func (k *Keeper) apply(ctx context.Context, before, after Level, m Movement, lots []LotPieces) (int, error) {
	entries, err := k.Lots.plan(ctx, m, []moving{{before, m.Quantity, lots}})
	if err != nil {
		return 0, err
	}
	if m.Kind == Adjustment && m.Quantity < 0 && takenOf(entries)[before.Place()] > before.Unreserved() {
		return 0, ErrBelowZero.At("quantity")
	}
	if err := k.Store.SaveLevel(ctx, after); err != nil {
		return 0, err
	}
	if m.Quantity != 0 {
		if err := k.Store.Move(ctx, m); err != nil {
			return 0, err
		}
	}
	if err := k.Lots.book(ctx, m, entries); err != nil {
		return 0, err
	}
	withheld := before.Withheld
	for _, e := range entries {
		withheld += e.Quarantined
	}
	if m.Quantity == 0 && len(entries) == 0 {
		return withheld, nil
	}
	return withheld, k.Shown.Flipped(ctx, []uuid.UUID{m.VariantID})
}

// actor is who acts; nil for noren itself.
func actor(ctx context.Context) *uuid.UUID {
	if who := access.From(ctx).ID; who != uuid.Nil {
		return &who
	}
	return nil
}

// at names the field that a failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// known fails unless variant and location are the brand's.
func (k *Keeper) known(ctx context.Context, in StockInput) error {
	brandID := channel.From(ctx).BrandID
	variants, err := k.Store.Variants(ctx, brandID, []uuid.UUID{in.VariantID})
	if err != nil {
		return err
	}
	if len(variants) == 0 {
		return fault.ErrNotFound.At("variantId")
	}
	locations, err := k.Store.Locations(ctx, brandID)
	if err != nil {
		return err
	}
	for _, l := range locations {
		if l.ID == in.LocationID {
			return nil
		}
	}
	return ErrNoLocation.At("locationId")
}

// Levels are what the locations have of many variants; staff only.
func (k *Keeper) Levels(ctx context.Context, variantIDs []uuid.UUID) ([]Level, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return k.Store.Levels(ctx, variantIDs)
}
