package inventory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// TransferState is where a transfer stands.
type TransferState string

// The states of a transfer. Only one in transit changes.
const (
	InTransit TransferState = "IN_TRANSIT" // 移動中
	Arrived   TransferState = "ARRIVED"    // 入庫済
	Lost      TransferState = "LOST"       // 不足のまま終了: the rest never arrived
	Returned  TransferState = "RETURNED"   // 差戻し: the rest is back where it came from
)

// maxTransferLines bounds what one transfer carries.
const maxTransferLines = 500

// Transfer is pieces on their way from one location to another (在庫移動).
type Transfer struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	FromID     uuid.UUID
	ToID       uuid.UUID
	State      TransferState
	Kind       MovementKind // of its movements
	Reference  string
	ExpectedOn *time.Time // a day
	SentAt     time.Time
	UpdatedAt  time.Time
}

// GlobalID is the transfer's id in the schema.
func (t Transfer) GlobalID() string { return id.Global("StockTransfer", t.ID) }

// TransferLine is the pieces of one variant in a transfer.
type TransferLine struct {
	TransferID uuid.UUID
	VariantID  uuid.UUID
	Position   int
	Quantity   int // that left
	Arrived    int // of them
}

// Missing is what has not arrived.
func (l TransferLine) Missing() int { return l.Quantity - l.Arrived }

// Failures of transfers.
var (
	ErrSameLocation  = fault.Invalid("TRANSFER_SAME_LOCATION", "移動元と移動先には別の拠点を指定してください", "A transfer goes to another location")
	ErrTransferLines = fault.Invalid("TRANSFER_LINES_INVALID", "明細は1〜%d件で、同じ商品は1行にまとめてください", "A transfer has 1 to %d lines, each of another variant")
	ErrNotFree       = fault.Conflict("STOCK_NOT_FREE", "移動できる数量は%d個までです", "No more than %d pieces are free to go")
	ErrTransferOver  = fault.Conflict("TRANSFER_OVER", "この移動はすでに終了しています", "The transfer is over")
	ErrArrived       = fault.Invalid("TRANSFER_ARRIVED_INVALID", "入庫数は、記録済みの数以上、移動数以下で指定してください", "What has arrived is no less than was booked before, and no more than left")
)

// Place is a variant at a location.
type Place struct {
	VariantID  uuid.UUID
	LocationID uuid.UUID
}

// Shift is a change of a level: what the movement adds, and what is on its way.
type Shift struct {
	Place
	OnHand   int
	Incoming int
	Lots     []LotPieces // which lots, if somebody said
}

// TransferFilter says which transfers are wanted; what is nil does not count.
type TransferFilter struct {
	State      *TransferState
	LocationID *uuid.UUID  // that it comes from or goes to
	Stores     []uuid.UUID // that it comes from or goes to one of; empty: any
	Late       bool        // in transit although it was expected before today
	Today      time.Time
}

// TransferStore keeps transfers; everything joins the transaction of the context.
type TransferStore interface {
	InsertTransfer(ctx context.Context, t Transfer, lines []TransferLine) error
	// LockTransfer reads a transfer of the brand and locks it; nil if there is none.
	LockTransfer(ctx context.Context, brandID, transferID uuid.UUID) (*Transfer, error)
	SaveTransfer(ctx context.Context, t Transfer, lines []TransferLine) error
	Transfer(ctx context.Context, brandID, transferID uuid.UUID) (*Transfer, error)
	Transfers(ctx context.Context, brandID uuid.UUID, f TransferFilter, args page.Args) (page.Connection[Transfer], error)
	TransferLines(ctx context.Context, transferIDs []uuid.UUID) ([]TransferLine, error)

	// LockLevels reads levels for changing, and makes those that are not there. They
	// are locked in one order, so that no two writers wait for each other.
	LockLevels(ctx context.Context, places []Place) ([]Level, error)
	// Shift changes locked levels and adds their movements.
	Shift(ctx context.Context, shifts []Shift, m Movement) error
}

// SendLineInput is pieces that leave.
type SendLineInput struct {
	VariantID uuid.UUID
	Quantity  int
	Lots      []LotPieces // which lots leave; what expires first if left out
}

// SendStockInput is pieces that leave one location for another.
type SendStockInput struct {
	IdempotencyKey string
	FromID         uuid.UUID
	ToID           uuid.UUID
	Lines          []SendLineInput
	ExpectedOn     *time.Time
	Reference      string // slip number, at most 200 characters
}

// Send takes free pieces off one location and announces them at another. The same
// key sends once.
func (k *Keeper) Send(ctx context.Context, in SendStockInput) (*Transfer, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.FromID); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	transferID, err := idempotency.Once(ctx, k.Keys, "sendStock", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return k.send(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return k.Transfers.Transfer(ctx, channel.From(ctx).BrandID, transferID)
}

func (in SendStockInput) check() error {
	if in.FromID == in.ToID {
		return ErrSameLocation.At("toId")
	}
	if len(in.Lines) == 0 || len(in.Lines) > maxTransferLines {
		return ErrTransferLines.With(maxTransferLines).At("lines")
	}
	seen := map[uuid.UUID]bool{}
	for _, l := range in.Lines {
		if seen[l.VariantID] {
			return ErrTransferLines.With(maxTransferLines).At("lines")
		}
		seen[l.VariantID] = true
		if err := (StockInput{Quantity: l.Quantity, Reference: in.Reference}).check(1, maxPieces, false); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keeper) send(ctx context.Context, in SendStockInput) (uuid.UUID, error) {
	now := k.Now()
	t := Transfer{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, FromID: in.FromID, ToID: in.ToID, State: InTransit,
		Reference: in.Reference, ExpectedOn: in.ExpectedOn, SentAt: now, UpdatedAt: now,
	}
	lines, shifts := make([]TransferLine, len(in.Lines)), make([]Shift, 0, 2*len(in.Lines))
	variants := make([]uuid.UUID, len(in.Lines))
	for i, l := range in.Lines {
		variants[i] = l.VariantID
		lines[i] = TransferLine{TransferID: t.ID, VariantID: l.VariantID, Position: i, Quantity: l.Quantity}
		shifts = append(shifts,
			Shift{Place: Place{l.VariantID, t.FromID}, OnHand: -l.Quantity, Lots: l.Lots},
			Shift{Place: Place{l.VariantID, t.ToID}, Incoming: l.Quantity})
	}
	at, err := k.knownAll(ctx, variants, map[string]uuid.UUID{"fromId": t.FromID, "toId": t.ToID})
	if err != nil {
		return uuid.Nil, err
	}
	t.Kind = between(at["fromId"], at["toId"])
	if err := k.Transfers.InsertTransfer(ctx, t, lines); err != nil {
		return uuid.Nil, err
	}
	if err := k.shift(ctx, k.moving(ctx, t), shifts, k.happened(ctx, "transfer.sent", t, lines)); err != nil {
		return uuid.Nil, err
	}
	return t.ID, k.arrivesOtherwise(ctx, Transfer{}, t, lines)
}

// arrivesOtherwise tells those who wait of goods that arrive on another day than was said
// before, or do not.
func (k *Keeper) arrivesOtherwise(ctx context.Context, before, after Transfer, lines []TransferLine) error {
	ended := after.State == Lost || after.State == Returned
	if after.State == Arrived || !ended && sameDay(before.ExpectedOn, after.ExpectedOn) {
		return nil
	}
	var variants []uuid.UUID
	for _, l := range lines {
		if l.Missing() > 0 {
			variants = append(variants, l.VariantID)
		}
	}
	return k.tellWaiters(ctx, after.BrandID, variants)
}

// tellWaiters tells those who wait of the goods.
func (k *Keeper) tellWaiters(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) error {
	if k.Waiters == nil || len(variantIDs) == 0 {
		return nil
	}
	return k.Waiters.ComesOtherwise(ctx, brandID, variantIDs)
}

// between is what a transfer is for the stock of a shop that takes goods to an event, and
// brings back what is left.
func between(from, to Location) MovementKind {
	switch out, back := to.Kind == EventStand, from.Kind == EventStand; {
	case out && !back:
		return EventTakeOut
	case back && !out:
		return EventBringBack
	}
	return Transferred
}

// moving is what the movements of a transfer have in common.
func (k *Keeper) moving(ctx context.Context, t Transfer) Movement {
	return Movement{At: k.Now(), Kind: t.Kind, Reference: t.GlobalID(), ActorID: actor(ctx)}
}

func (k *Keeper) happened(ctx context.Context, what string, t Transfer, lines []TransferLine) event.Event {
	return event.New(ctx, k.Now(), what, "StockTransfer", t.ID, map[string]any{"transfer": t, "lines": lines})
}

// shift applies a step to the stock with movements like m, and records it.
func (k *Keeper) shift(ctx context.Context, m Movement, shifts []Shift, e event.Event) error {
	places := make([]Place, len(shifts))
	for i, s := range shifts {
		places[i] = s.Place
	}
	levels, err := k.Transfers.LockLevels(ctx, places)
	if err != nil {
		return err
	}
	at := make(map[Place]Level, len(levels))
	for _, l := range levels {
		at[l.Place()] = l
	}
	var moves []moving
	for _, s := range shifts {
		if s.OnHand != 0 {
			moves = append(moves, moving{at[s.Place], s.OnHand, s.Lots})
		}
	}
	entries, err := k.Lots.plan(ctx, m, moves)
	if err != nil {
		return err
	}
	moved, err := goes(shifts, at, takenOf(entries))
	if err != nil {
		return err
	}
	if err := k.Transfers.Shift(ctx, shifts, m); err != nil {
		return err
	}
	if err := k.Lots.book(ctx, m, entries); err != nil {
		return err
	}
	if len(moved) > 0 {
		if err := k.Shown.Flipped(ctx, moved); err != nil {
			return err
		}
	}
	return k.Events.Record(ctx, e)
}

// goes are the variants of which pieces come or go, if those that go are free; taken is
// what goes of the lots of tracked ones, beside what is set apart.
func goes(shifts []Shift, at map[Place]Level, taken map[Place]int) (moved []uuid.UUID, err error) {
	for _, s := range shifts {
		l := at[s.Place]
		pieces := -s.OnHand
		if l.Tracking != Untracked {
			pieces = taken[s.Place]
		}
		if s.OnHand < 0 && (pieces > l.Unreserved() || l.OnHand+s.OnHand < l.Reserved) {
			return nil, ErrNotFree.With(max(0, l.Unreserved())).At("lines")
		}
		if s.OnHand != 0 {
			moved = append(moved, s.VariantID)
		}
	}
	return moved, nil
}

// knownAll are the locations, by field. It fails unless variants and locations are the
// brand's.
func (k *Keeper) knownAll(ctx context.Context, variantIDs []uuid.UUID, locations map[string]uuid.UUID) (map[string]Location, error) {
	brandID := channel.From(ctx).BrandID
	known, err := k.Store.Variants(ctx, brandID, variantIDs)
	if err != nil {
		return nil, err
	}
	if len(known) < len(variantIDs) {
		return nil, fault.ErrNotFound.At("lines")
	}
	all, err := k.Store.Locations(ctx, brandID)
	if err != nil {
		return nil, err
	}
	found := make(map[string]Location, len(locations))
	for _, field := range slices.Sorted(maps.Keys(locations)) {
		i := slices.IndexFunc(all, func(l Location) bool { return l.ID == locations[field] && l.Active })
		if i < 0 {
			return nil, ErrNoLocation.At(field)
		}
		found[field] = all[i]
	}
	return found, nil
}
