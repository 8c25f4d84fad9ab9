package statistics

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/sheet"
)

// LinkPath is where files of figures are served.
const LinkPath = "/statistic-exports/"

// Sheet says which figures a CSV has.
type Sheet string

// The sheets.
const (
	SheetPurchases     Sheet = "PURCHASES"
	SheetCards         Sheet = "CARDS"
	SheetRegistrations Sheet = "REGISTRATIONS"
	SheetPoints        Sheet = "POINTS"
	SheetLiabilities   Sheet = "LIABILITIES"
	SheetStorePoints   Sheet = "STORE_POINTS"
)

// ofPoints reports whether the sheet is of programmes, not of stores.
func (s Sheet) ofPoints() bool { return s == SheetPoints || s == SheetLiabilities }

// ExportInput asks for a file of figures. Points have neither stores nor groupings.
type ExportInput struct {
	Sheet    Sheet
	From     time.Time // a day
	To       time.Time // a day, with it
	StoreID  *uuid.UUID
	By       Grouping
	Encoding sheet.Encoding
}

// Export is a file of figures that somebody asked for.
type Export struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	Sheet       Sheet
	Encoding    sheet.Encoding
	From        time.Time `db:"first_day"`
	To          time.Time `db:"last_day"`
	By          Grouping  `db:"grouping"`
	Stores      []uuid.UUID
	ActorRole   access.Role
	ActorID     *uuid.UUID
	RequestedAt time.Time
}

// Link leads to a file until it expires.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// Failures of files of figures.
var (
	ErrSheet    = fault.Invalid(fault.CodeInvalid, "出力する集計の種類が正しくありません", "There is no such sheet of figures")
	ErrNoStores = fault.Invalid(fault.CodeInvalid, "ポイントの集計は店舗別に出力できません", "Points belong to no store")
)

// Export is a link to a file of figures: of stores as the caller sees them, of points for
// the head office.
func (s *Service) Export(ctx context.Context, in ExportInput) (*Link, error) {
	stores, err := exportable(ctx, in)
	if err != nil {
		return nil, err
	}
	now, actor := s.Now(), access.From(ctx)
	e := Export{
		ID: id.New(), BrandID: channel.From(ctx).BrandID, Sheet: in.Sheet, Encoding: in.Encoding, From: in.From, To: in.To, By: in.By, Stores: stores,
		ActorRole: actor.Role, RequestedAt: now,
	}
	if actor.ID != uuid.Nil {
		e.ActorID = &actor.ID
	}
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.InsertExport(ctx, e); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "statistics.export_requested", "StatisticExport", e.ID, map[string]any{
			"sheet": e.Sheet, "from": e.From.Format(time.DateOnly), "to": e.To.Format(time.DateOnly), "stores": e.Stores,
		}))
	})
	if err != nil {
		return nil, err
	}
	return &Link{URL: s.Links.To(e.ID), ExpiresAt: now.Add(link.Holds).Truncate(time.Second)}, nil
}

// exportable checks what is asked for, and answers the stores that it is narrowed to.
func exportable(ctx context.Context, in ExportInput) ([]uuid.UUID, error) {
	q := Query{From: in.From, To: in.To, StoreID: in.StoreID, By: in.By}
	_, figures := columns[in.Sheet]
	switch {
	case figures:
		return reach(ctx, q, access.OrderRead)
	case in.Sheet == SheetStorePoints:
		return reach(ctx, q, access.PointRead)
	case !in.Sheet.ofPoints():
		return nil, ErrSheet.At("sheet")
	case in.StoreID != nil:
		return nil, ErrNoStores.At("storeId")
	}
	return nil, ofProgrammes(ctx, in.From, in.To)
}

// Open is the export that a link leads to.
func (s *Service) Open(ctx context.Context, exportID, expires, signature string) (*Export, error) {
	key, err := s.Links.Check(exportID, expires, signature)
	if err != nil {
		return nil, err
	}
	e, err := s.Store.ExportByID(ctx, key)
	if err == nil && e == nil {
		err = link.ErrInvalid
	}
	return e, err
}

// portion is how many rows of a file are in memory at a time.
const portion = 1000

// Write writes the export's file, a portion of rows at a time.
func (s *Service) Write(ctx context.Context, e Export, w io.Writer) error {
	out, err := sheet.NewCSV(w, e.Encoding)
	if err != nil {
		return err
	}
	switch e.Sheet {
	case SheetPoints:
		err = written(out, pointColumns, Points.Key, Points.row, func(after *PointsKey, most int) ([]Points, error) {
			return s.Store.Points(ctx, e.BrandID, e.From, e.To, after, most)
		})
	case SheetLiabilities:
		err = written(out, liabilityColumns, Liability.Key, Liability.row, func(after *LiabilityKey, most int) ([]Liability, error) {
			return s.Store.Liabilities(ctx, e.BrandID, e.From, e.To, after, most)
		})
	case SheetStorePoints:
		err = written(out, storePointColumns, StorePoints.Key, StorePoints.row, func(after *StorePointsKey, most int) ([]StorePoints, error) {
			return s.Store.StorePoints(ctx, e.BrandID, e.Stores, Query{From: e.From, To: e.To}, after, most)
		})
	default:
		err = s.writeFigures(ctx, e, out)
	}
	return errors.Join(err, out.Close())
}

func (s *Service) writeFigures(ctx context.Context, e Export, out *sheet.CSV) error {
	c := columns[e.Sheet]
	return written(out, e.By.cells("day", "store", c.headings), Figures.Key, func(f Figures) []string { return f.row(e.By, c.values(f)) },
		func(after *FiguresKey, most int) ([]Figures, error) {
			if e.Stores != nil && len(e.Stores) == 0 {
				return nil, nil
			}
			return s.Store.Figures(ctx, e.BrandID, e.Stores, Query{From: e.From, To: e.To, By: e.By}, after, most)
		})
}

// written writes all that read answers.
func written[T, K any](out *sheet.CSV, headings []string, key func(T) K, row func(T) []string, read func(after *K, most int) ([]T, error)) error {
	if err := out.Row(headings); err != nil {
		return err
	}
	for after := (*K)(nil); ; {
		rows, err := read(after, portion)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := out.Row(row(r)); err != nil {
				return err
			}
		}
		if len(rows) < portion {
			return nil
		}
		last := key(rows[len(rows)-1])
		after = &last
	}
}

// columns are a sheet's figures by their headings.
var columns = map[Sheet]struct {
	headings []string
	values   func(Figures) []string
}{
	SheetPurchases: {[]string{"receipts", "returned", "items", "total", "member_receipts", "member_total", "currency"}, func(f Figures) []string {
		return []string{strconv.Itoa(f.Receipts), strconv.Itoa(f.Returned), strconv.Itoa(f.Items), f.Total().Amount().String(),
			strconv.Itoa(f.MemberReceipts), f.MemberTotal().Amount().String(), string(f.Currency)}
	}},
	SheetCards: {[]string{"physical_cards", "digital_cards", "reissued_cards"}, func(f Figures) []string {
		return []string{strconv.Itoa(f.PhysicalCards), strconv.Itoa(f.DigitalCards), strconv.Itoa(f.ReissuedCards)}
	}},
	SheetRegistrations: {[]string{"registrations", "withdrawals"}, func(f Figures) []string { return []string{strconv.Itoa(f.Registrations), strconv.Itoa(f.Withdrawals)} }},
}

// cells are a row's: day and store as they were asked for, and what follows.
func (g Grouping) cells(day, store string, values []string) []string {
	var cells []string
	if g != ByStore {
		cells = append(cells, day)
	}
	if g != ByDay {
		cells = append(cells, store)
	}
	return append(cells, values...)
}

func (f Figures) row(by Grouping, values []string) []string {
	day, store := "", f.StoreName["ja"]
	if f.Day != nil {
		day = f.Day.Format(time.DateOnly)
	}
	if f.StoreID == nil {
		store = "オンライン"
	}
	return by.cells(day, store, values)
}

var pointColumns = []string{"day", "programme", "earned", "granted", "refunded", "used", "expired", "exchanges", "exchanged", "sent", "received", "outstanding"}

func (p Points) row() []string {
	cells := []string{p.Day.Format(time.DateOnly), p.Code}
	for _, n := range []int64{p.Earned, p.Granted, p.Refunded, p.Used, p.Expired, int64(p.Exchanges), p.Exchanged, p.Sent, p.Received, p.Outstanding} {
		cells = append(cells, strconv.FormatInt(n, 10))
	}
	return cells
}

var storePointColumns = []string{"day", "programme", "store", "exchanges", "exchanged", "outstanding"}

func (p StorePoints) row() []string {
	outstanding := ""
	if p.Outstanding != nil {
		outstanding = strconv.FormatInt(*p.Outstanding, 10)
	}
	return []string{p.Day.Format(time.DateOnly), p.Code, p.StoreName["ja"], strconv.Itoa(p.Exchanges), strconv.FormatInt(p.Exchanged, 10), outstanding}
}

var liabilityColumns = []string{"day", "programme", "expires", "points", "pending"}

func (l Liability) row() []string {
	month := ""
	if l.Month != nil {
		month = l.Month.Format("2006-01")
	}
	return []string{l.Day.Format(time.DateOnly), l.Code, month, strconv.FormatInt(l.Points, 10), strconv.FormatInt(l.Pending, 10)}
}
