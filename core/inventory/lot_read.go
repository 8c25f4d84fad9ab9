package inventory

import (
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/symbols"
)

// codeLength makes 29^20 codes: nobody guesses one.
const codeLength = 20

// List is one page of the brand's lots, the first to expire first; for staff.
func (b *Lots) List(ctx context.Context, f LotFilter, args page.Args) (page.Connection[Lot], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Lot]{}, err
	}
	f.Day = dayAt(ctx, b.Now())
	return b.Store.Lots(ctx, channel.From(ctx).BrandID, f, args)
}

// Lot is a lot of the brand; nil if there is none.
func (b *Lots) Lot(ctx context.Context, lotID uuid.UUID) (*Lot, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return b.Store.Lot(ctx, channel.From(ctx).BrandID, lotID)
}

// Levels are where the lots lie.
func (b *Lots) Levels(ctx context.Context, lotIDs []uuid.UUID) ([]LotStock, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return b.Store.LotsWith(ctx, lotIDs)
}

// Movements are one page of what came and went of a lot, the latest first.
func (b *Lots) Movements(ctx context.Context, lotID uuid.UUID, args page.Args) (page.Connection[LotMovement], error) {
	if err := b.known(ctx, lotID); err != nil {
		return page.Connection[LotMovement]{}, err
	}
	return b.Store.LotMovements(ctx, lotID, args)
}

func (b *Lots) known(ctx context.Context, lotID uuid.UUID) error {
	l, err := b.Lot(ctx, lotID)
	if err == nil && l == nil {
		return fault.ErrNotFound.At("lotId")
	}
	return err
}

// Recipient is a customer who got pieces of a lot with a shipment.
type Recipient struct {
	ShipmentID  uuid.UUID
	OrderID     uuid.UUID
	LineID      uuid.UUID
	OrderNumber string
	Name        string
	Email       string
	Phone       string
	ShippedAt   time.Time
	Quantity    int
	Returned    int // of them, to the lot
}

// From is the global id of the shipment.
func (r Recipient) From() string { return id.Global("Shipment", r.ShipmentID) }

// Recipients are one page of who got pieces of a lot, the first first; those of a shop see
// whom their shop sent them.
func (b *Lots) Recipients(ctx context.Context, lotID uuid.UUID, args page.Args) (page.Connection[Recipient], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Recipient]{}, err
	}
	if err := b.known(ctx, lotID); err != nil {
		return page.Connection[Recipient]{}, err
	}
	var locations []uuid.UUID
	if a := access.From(ctx); a.Is(access.RoleStoreStaff) {
		locations = append([]uuid.UUID{uuid.Nil}, a.Stores...)
	}
	return b.Store.Recipients(ctx, lotID, locations, args)
}

// FilePart is a part of a CSV file.
type FilePart struct {
	Text string
	Next string // where the next part begins; empty at the end
}

// partOfFile is how many rows a part has.
const partOfFile = 100

// RecipientsFile is a part of the list of who got pieces of a lot, as CSV.
func (b *Lots) RecipientsFile(ctx context.Context, lotID uuid.UUID, after string) (FilePart, error) {
	n := partOfFile
	args := page.Args{First: &n}
	if after != "" {
		args.After = &after
	}
	found, err := b.Recipients(ctx, lotID, args)
	if err != nil {
		return FilePart{}, err
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.UseCRLF = true
	if after == "" {
		_ = w.Write([]string{"注文番号", "出荷日", "氏名", "メールアドレス", "電話番号", "数量", "返品数"}) // the last error is asked for below
	}
	zone := channel.From(ctx).Zone()
	for _, r := range found.Nodes() {
		_ = w.Write([]string{
			r.OrderNumber, r.ShippedAt.In(zone).Format(time.DateOnly), plain(r.Name), plain(r.Email), plain(r.Phone), strconv.Itoa(r.Quantity), strconv.Itoa(r.Returned),
		})
	}
	w.Flush()
	part := FilePart{Text: text.String()}
	if found.PageInfo.HasNextPage && found.PageInfo.EndCursor != nil {
		part.Next = *found.PageInfo.EndCursor
	}
	return part, w.Error()
}

// plain keeps a spreadsheet from taking people's words for a formula.
func plain(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}

// Shipped are the lots that left with shipments that were read through the orders' service.
func (b *Lots) Shipped(ctx context.Context, shipmentIDs []uuid.UUID) ([]ShippedLot, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	return b.Store.ShippedLots(ctx, shipmentIDs)
}

// Shortfalls are levels of which orders hold more than may leave: the work list of what
// expired or was recalled after it was promised.
func (b *Lots) Shortfalls(ctx context.Context, args page.Args) (page.Connection[Shortfall], error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return page.Connection[Shortfall]{}, err
	}
	return b.Store.Shortfalls(ctx, channel.From(ctx).BrandID, args)
}

// Traced is what a customer learns of goods by their code.
type Traced struct {
	Product i18n.Text
	SKU     string
	Lot
}

// guesses is how often codes may be tried.
var guesses = limit.Guesses{
	Kind: "trace", PerBuyer: limit.Rate{Allowed: 30, Per: 10 * time.Minute}, PerAddress: limit.Rate{Allowed: 150, Per: 10 * time.Minute},
}

// Trace is what the code that goes with the goods says of them: whoever has the code may
// know. No goods but genuine ones have a code that is found.
func (b *Lots) Trace(ctx context.Context, typed string) (*Traced, error) {
	if err := b.tried(ctx); err != nil {
		return nil, err
	}
	code, ok := symbols.Read(typed, codeLength)
	if !ok {
		return nil, ErrTraceUnknown.At("code")
	}
	found, err := b.Store.LotByCode(ctx, channel.From(ctx).BrandID, code)
	if err == nil && found == nil {
		return nil, ErrTraceUnknown.At("code")
	}
	return found, err
}

func (b *Lots) tried(ctx context.Context) error {
	if seconds := guesses.Wait(ctx, b.Limiter); seconds > 0 {
		return ErrLotTries.With(seconds)
	}
	return nil
}
