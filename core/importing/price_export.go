package importing

import (
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// ExportInput asks for a part of a file of prices.
type ExportInput struct {
	Kind  PriceKind
	List  string // code; all open lists if empty. Of list prices alone
	After string // where the part before ended; the beginning if empty
	Size  int    // rows at most
}

// ExportQuery is the question to the store.
type ExportQuery struct {
	BrandID  uuid.UUID
	Currency money.Currency // of customers' prices
	Kind     PriceKind
	List     string
	Now      time.Time
	After    ExportKey
	Size     int
}

// ExportKey is the place of a row in a file.
type ExportKey struct {
	Holder string    `json:"h"`
	SKU    string    `json:"s"`
	ID     uuid.UUID `json:"i"`
}

// ExportRow is one row of a file, by column. Moments are moments of the database.
type ExportRow struct {
	Key   ExportKey
	Cells map[string]string
	From  *time.Time
	Until *time.Time
}

// ExportPart is a part of a file: CSV, with the header where it is the first.
type ExportPart struct {
	Text string
	Next string // where the next part begins; empty behind the last
	Rows int
}

// ExportPage is a part of a file by cells, with the header where it is the first.
type ExportPage struct {
	Rows [][]string
	Next string // where the next part begins; empty behind the last
}

// Export writes the prices that hold now or will as CSV, in the form in which they are
// imported.
func (s *Prices) Export(ctx context.Context, in ExportInput) (ExportPart, error) {
	table, err := s.ExportRows(ctx, in)
	if err != nil {
		return ExportPart{}, err
	}
	part := ExportPart{Next: table.Next, Rows: len(table.Rows)}
	if in.After == "" {
		part.Rows-- // the header
	}
	var text strings.Builder
	_ = csv.NewWriter(&text).WriteAll(table.Rows) // a strings.Builder takes everything
	part.Text = text.String()
	return part, nil
}

// ExportRows are the prices that hold now or will, in the form in which they are
// imported. Whoever names single members must be one who may see them.
func (s *Prices) ExportRows(ctx context.Context, in ExportInput) (ExportPage, error) {
	var table ExportPage
	if err := access.RequireEverywhere(ctx, access.PricingWrite); err != nil {
		return table, err
	}
	if in.Kind != ListPrices {
		if err := access.Require(ctx, access.MemberRead); err != nil {
			return table, err
		}
	}
	ch := channel.From(ctx)
	q := ExportQuery{BrandID: ch.BrandID, Currency: money.Currency(ch.Currency), Kind: in.Kind, List: in.List, Now: s.Now(), Size: in.Size}
	after := page.Args{After: &in.After}
	if _, err := after.Start(&q.After); err != nil {
		return table, err
	}
	rows, err := s.Store.ExportPrices(ctx, q)
	if err != nil {
		return table, err
	}
	columns := PriceColumns(in.Kind)
	if in.After == "" {
		table.Rows = append(table.Rows, columns)
	}
	for _, r := range rows {
		r.finish()
		if in.Kind == RatePrices {
			r.Cells["id"] = id.Global("Rate", r.Key.ID)
		}
		r.Cells["valid_from"], r.Cells["valid_until"] = japaneseTime(r.From), japaneseTime(r.Until)
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = r.Cells[column]
		}
		table.Rows = append(table.Rows, cells)
	}
	if len(rows) == in.Size && in.Size > 0 {
		table.Next = page.Cursor(rows[len(rows)-1].Key)
	}
	return table, nil
}

// finish turns the row's amounts from minor units of its currency into major ones.
func (r *ExportRow) finish() {
	currency := money.Currency(r.Cells["currency"])
	for _, column := range []string{"price", "compare_at"} {
		if minor, err := strconv.ParseInt(r.Cells[column], 10, 64); err == nil {
			r.Cells[column] = money.Of(minor, currency).String()
		}
	}
}
