package inventory

import (
	"context"
	"errors"
	"fmt"
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

// StocktakeState is where a stocktake stands.
type StocktakeState string

// The states of a stocktake. Only an open one changes.
const (
	StocktakeOpen    StocktakeState = "OPEN"    // 実施中
	StocktakeBooked  StocktakeState = "BOOKED"  // 確定
	StocktakeDropped StocktakeState = "DROPPED" // 取消
)

// maxCounted bounds what is counted in one request.
const maxCounted = 500

// Stocktake is a count of what lies at a location (棚卸).
type Stocktake struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	LocationID uuid.UUID
	State      StocktakeState
	Note       string
	StartedAt  time.Time
	UpdatedAt  time.Time
}

// GlobalID is the stocktake's id in the schema.
func (s Stocktake) GlobalID() string { return id.Global("Stocktake", s.ID) }

// CountedLine is what was counted of a variant.
type CountedLine struct {
	StocktakeID uuid.UUID
	VariantID   uuid.UUID
	Book        int // what the books said at that moment
	Counted     int
	CountedAt   time.Time
	ActorID     *uuid.UUID
}

// Difference is how many pieces more there were than the books said.
func (l CountedLine) Difference() int { return l.Counted - l.Book }

// Tally is a stocktake in numbers: of variants, and of pieces.
type Tally struct {
	StocktakeID uuid.UUID
	Counted     int // variants
	Uncounted   int // variants of which something lies there by the books
	Differing   int // variants
	Surplus     int // pieces
	Shortage    int // pieces
}

// Failures of stocktakes.
var (
	ErrStocktakeOpen = fault.Conflict("STOCKTAKE_OPEN", "この拠点では棚卸を実施中です", "A stocktake is open at this location")
	ErrStocktakeOver = fault.Conflict("STOCKTAKE_OVER", "この棚卸はすでに終了しています", "The stocktake is over")
	ErrCountedLines  = fault.Invalid("STOCKTAKE_LINES_INVALID", "一度に入力できるのは1〜%d件で、同じ商品は1行にまとめてください", "1 to %d lines at once, each of another variant")
	ErrReservedShort = fault.Conflict("STOCK_BELOW_RESERVED", "店舗受取の注文に引き当てた数量を下回る商品が%d件あるため確定できません（例：%s）", "Of %d variants less would be left than orders hold that are picked up there, such as %s")
)

// ErrMoved says that stock went while it was being counted out; doing it anew helps.
var ErrMoved = errors.New("stock moved")

// maxBookings bounds how often a stocktake is booked anew because stock moved, each time
// after a longer pause, two seconds in all: orders that come meanwhile are done by then.
const (
	maxBookings  = 20
	bookingPause = 10 * time.Millisecond
)

// Shortage is how many pieces of a variant orders hold more than there are.
type Shortage struct {
	VariantID uuid.UUID
	SKU       string
	Missing   int
}

// shortfall says that orders hold more than was found.
type shortfall []Shortage

// Error says of how many variants.
func (s shortfall) Error() string { return fmt.Sprintf("%d variants are short", len(s)) }

// Claims are what orders hold.
type Claims interface {
	// LetGo lets orders let go of what a location has too little of, calls count, and looks
	// for the goods elsewhere, in the transaction of the context. It fails with
	// ErrReservedShort where orders hold more that must stay there, or with ErrMoved.
	LetGo(ctx context.Context, locationID uuid.UUID, short []Shortage, count func(ctx context.Context) error) error
}

// StocktakeStore keeps stocktakes; everything joins the transaction of the context.
type StocktakeStore interface {
	// InsertStocktake writes a new one; while one is open there it is ErrStocktakeOpen.
	InsertStocktake(ctx context.Context, s Stocktake) error
	// LockStocktake reads a stocktake of the brand and locks it; nil if there is none.
	LockStocktake(ctx context.Context, brandID, stocktakeID uuid.UUID) (*Stocktake, error)
	EndStocktake(ctx context.Context, s Stocktake) error
	// CountLines writes down what was counted, over what was counted before, with what
	// the books say now.
	CountLines(ctx context.Context, s Stocktake, lines []CountedLine) error
	// CountLots writes down what was counted of lots, as CountLines does: those of the
	// variants that are not named were not found.
	CountLots(ctx context.Context, s Stocktake, found []FoundLot) error
	// LotDifferences are the lots that differ.
	LotDifferences(ctx context.Context, s Stocktake) ([]FoundLot, error)
	// ZeroUncounted counts nothing of every variant that lies there by the books and
	// was not counted.
	ZeroUncounted(ctx context.Context, s Stocktake, at time.Time, actor *uuid.UUID) error
	// Short are variants of which less would be left than is reserved, were the
	// differences booked. The levels are locked.
	Short(ctx context.Context, s Stocktake) ([]Shortage, error)
	// BookDifferences changes the levels and adds a movement for each difference; it
	// answers the variants that differed.
	BookDifferences(ctx context.Context, s Stocktake, m Movement) ([]uuid.UUID, error)

	Stocktake(ctx context.Context, brandID, stocktakeID uuid.UUID) (*Stocktake, error)
	Stocktakes(ctx context.Context, brandID uuid.UUID, at At, args page.Args) (page.Connection[Stocktake], error)
	CountedLines(ctx context.Context, stocktakeID uuid.UUID, differing bool, args page.Args) (page.Connection[CountedLine], error)
	// FirstCounted are the first pages of CountedLines for many stocktakes.
	FirstCounted(ctx context.Context, wanted []page.First) (map[page.First]page.Connection[CountedLine], error)
	Tallies(ctx context.Context, stocktakeIDs []uuid.UUID) ([]Tally, error)
}

// StartStocktakeInput opens a count.
type StartStocktakeInput struct {
	LocationID uuid.UUID
	Note       string // at most 200 characters
}

// StartStocktake opens a count at a location. Trade goes on meanwhile.
func (k *Keeper) StartStocktake(ctx context.Context, in StartStocktakeInput) (*Stocktake, error) {
	if err := access.RequireAt(ctx, access.InventoryWrite, in.LocationID); err != nil {
		return nil, err
	}
	if err := (StockInput{Quantity: 1, Reference: in.Note}).check(1, 1, false); err != nil {
		return nil, at("note", err)
	}
	now := k.Now()
	s := Stocktake{ID: id.New(), BrandID: channel.From(ctx).BrandID, LocationID: in.LocationID, State: StocktakeOpen, Note: in.Note, StartedAt: now, UpdatedAt: now}
	err := k.Tx.InTx(ctx, func(ctx context.Context) error {
		if _, err := k.find(ctx, &in.LocationID); err != nil {
			return at("locationId", err)
		}
		if err := k.Stocktakes.InsertStocktake(ctx, s); err != nil {
			return at("locationId", err)
		}
		return k.Events.Record(ctx, event.New(ctx, now, "stocktake.started", "Stocktake", s.ID, map[string]any{"stocktake": s}))
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// CountedLineInput is how many pieces of a variant were found.
type CountedLineInput struct {
	VariantID uuid.UUID
	Counted   int
	Lots      []LotPieces // what was found of each, if the variant is tracked
}

// CountStocktakeInput is what was found. A variant that was counted before is counted anew.
type CountStocktakeInput struct {
	StocktakeID uuid.UUID
	Lines       []CountedLineInput
}

func (in CountStocktakeInput) check() error {
	if len(in.Lines) == 0 || len(in.Lines) > maxCounted {
		return ErrCountedLines.With(maxCounted).At("lines")
	}
	seen := map[uuid.UUID]bool{}
	for _, l := range in.Lines {
		if seen[l.VariantID] {
			return ErrCountedLines.With(maxCounted).At("lines")
		}
		seen[l.VariantID] = true
		if err := (StockInput{Quantity: l.Counted}).check(0, maxPieces, true); err != nil {
			return at("lines", err)
		}
	}
	return nil
}

// CountStocktake writes down what was found. The stock does not change yet.
func (k *Keeper) CountStocktake(ctx context.Context, in CountStocktakeInput) (*Stocktake, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return k.counting(ctx, in.StocktakeID, func(ctx context.Context, s *Stocktake) error {
		variants, lines := make([]uuid.UUID, len(in.Lines)), make([]CountedLine, len(in.Lines))
		for i, l := range in.Lines {
			variants[i] = l.VariantID
			lines[i] = CountedLine{StocktakeID: s.ID, VariantID: l.VariantID, Counted: l.Counted, CountedAt: k.Now(), ActorID: actor(ctx)}
		}
		if _, err := k.knownAll(ctx, variants, nil); err != nil {
			return err
		}
		found, err := k.Lots.found(ctx, *s, in.Lines)
		if err != nil {
			return err
		}
		if err := k.Stocktakes.CountLines(ctx, *s, lines); err != nil || len(found) == 0 {
			return err
		}
		return k.Stocktakes.CountLots(ctx, *s, found)
	})
}

// BookStocktakeInput ends a count.
type BookStocktakeInput struct {
	IdempotencyKey string
	StocktakeID    uuid.UUID
	// Zero takes what was not counted for gone; else it stays as it is.
	Zero bool
}

// BookStocktake makes the differences movements, and ends the count, once for each key. The shelf is what it
// is: orders that hold more than was found let go of it, the last placed first. These are
// locked before the stock, so what is short is found by a first try, which is taken back.
func (k *Keeper) BookStocktake(ctx context.Context, in BookStocktakeInput) (*Stocktake, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	var short shortfall
	for try := range maxBookings {
		booked, err := idempotency.OnceRead(ctx, k.Keys, "bookStocktake", in.IdempotencyKey, in, func(ctx context.Context) (*Stocktake, error) {
			return k.counting(ctx, in.StocktakeID, func(ctx context.Context, s *Stocktake) error { return k.bookStocktake(ctx, s, in, short) })
		}, func(ctx context.Context) (*Stocktake, error) {
			return k.Stocktakes.Stocktake(ctx, channel.From(ctx).BrandID, in.StocktakeID)
		})
		var found shortfall
		switch {
		case errors.As(err, &found):
			short = found
		case errors.Is(err, ErrMoved):
			short = nil
			select {
			case <-time.After(time.Duration(try) * bookingPause):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		default:
			return booked, err
		}
	}
	return nil, fault.ErrUnavailable
}

func (k *Keeper) bookStocktake(ctx context.Context, s *Stocktake, in BookStocktakeInput, short shortfall) error {
	if in.Zero {
		if err := k.Stocktakes.ZeroUncounted(ctx, *s, k.Now(), actor(ctx)); err != nil {
			return err
		}
	}
	if len(short) == 0 {
		return k.bookDifferences(ctx, s, in)
	}
	return at("stocktakeId", k.Claims.LetGo(ctx, s.LocationID, short, func(ctx context.Context) error {
		err := k.bookDifferences(ctx, s, in)
		if errors.As(err, &shortfall{}) { // orders have taken some since
			err = ErrMoved
		}
		return err
	}))
}

func (k *Keeper) bookDifferences(ctx context.Context, s *Stocktake, in BookStocktakeInput) error {
	short, err := k.Stocktakes.Short(ctx, *s)
	if err != nil {
		return err
	}
	if len(short) > 0 {
		return shortfall(short)
	}
	m := Movement{At: k.Now(), LocationID: s.LocationID, Kind: Count, Reference: s.GlobalID(), ActorID: actor(ctx)}
	differed, err := k.Stocktakes.BookDifferences(ctx, *s, m)
	if err != nil {
		return err
	}
	lots, err := k.bookLots(ctx, *s, m)
	if err != nil {
		return err
	}
	differed = union(differed, lots)
	if len(differed) > 0 {
		if err := k.Shown.Flipped(ctx, differed); err != nil {
			return err
		}
	}
	return k.end(ctx, s, StocktakeBooked, map[string]any{"differed": len(differed), "zero": in.Zero})
}

// DropStocktake ends a count without effect.
func (k *Keeper) DropStocktake(ctx context.Context, stocktakeID uuid.UUID) (*Stocktake, error) {
	return k.counting(ctx, stocktakeID, func(ctx context.Context, s *Stocktake) error {
		return k.end(ctx, s, StocktakeDropped, map[string]any{})
	})
}

func (k *Keeper) end(ctx context.Context, s *Stocktake, state StocktakeState, said map[string]any) error {
	s.State, s.UpdatedAt = state, k.Now()
	if err := k.Stocktakes.EndStocktake(ctx, *s); err != nil {
		return err
	}
	said["stocktake"] = *s
	return k.Events.Record(ctx, event.New(ctx, k.Now(), "stocktake.ended", "Stocktake", s.ID, said))
}

// counting lets f act on an open stocktake.
func (k *Keeper) counting(ctx context.Context, stocktakeID uuid.UUID, f func(ctx context.Context, s *Stocktake) error) (*Stocktake, error) {
	if err := access.Require(ctx, access.InventoryWrite); err != nil {
		return nil, err
	}
	var stocktake *Stocktake
	err := k.Tx.InTx(ctx, func(ctx context.Context) error {
		s, err := k.Stocktakes.LockStocktake(ctx, channel.From(ctx).BrandID, stocktakeID)
		if err != nil {
			return err
		}
		if s == nil {
			return fault.ErrNotFound.At("stocktakeId")
		}
		if !access.WorksAt(ctx, s.LocationID) {
			return fault.ErrForbidden
		}
		if s.State != StocktakeOpen {
			return ErrStocktakeOver.At("stocktakeId")
		}
		stocktake = s
		return f(ctx, s)
	})
	if err != nil {
		return nil, err
	}
	return stocktake, nil
}
