package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// shop is a shop with prices of two goods, and where its database is.
func shop(t *testing.T) (*pgtest.Shop, personalFlags) {
	t.Helper()
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	s := pgtest.FillShop(t, db)
	s.AddProduct(t, "food", 1000)
	s.AddProduct(t, "leash", 1980)
	return s, personalFlags{databaseFlags: databaseFlags{url}, Secret: "a secret"}
}

func written(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

// newestRun is the newest file of prices, with its counts.
func newestRun(t *testing.T, db *postgres.DB) (state importing.PriceState, c importing.Counts) {
	t.Helper()
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT state, added, changed, closed, unchanged, rejected FROM price_imports ORDER BY created_at DESC, id DESC LIMIT 1`).
		Scan(&state, &c.Added, &c.Changed, &c.Closed, &c.Unchanged, &c.Rejected))
	return state, c
}

func TestPricesAreImportedByTheCommand(t *testing.T) {
	t.Parallel()
	s, where := shop(t)
	amount := func() (yen int) {
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT p.amount FROM prices p JOIN variants v ON v.id = p.variant_id WHERE v.sku = 'food-1' AND p.min_quantity = 1`).Scan(&yen))
		return yen
	}
	file := written(t, "prices.csv", "商品コード,価格\nfood-1,1100\nleash-1,1980\nnothing-1,5\n")
	require.NoError(t, (&importPrices{personalFlags: where, File: file, DryRun: true, Yes: true}).Run(t.Context()))
	state, counts := newestRun(t, s.DB)
	require.Equal(t, importing.PricesDiscarded, state, "a dry run leaves nothing to commit")
	require.Equal(t, importing.Counts{Changed: 1, Unchanged: 1, Rejected: 1}, counts)
	require.Equal(t, 1000, amount())
	report, err := os.ReadFile(file + ".rejected.csv")
	require.NoError(t, err)
	require.Contains(t, string(report), "nothing-1")
	require.Equal(t, 2, strings.Count(string(report), "\n"), "the header and one row")

	require.NoError(t, (&importPrices{personalFlags: where, File: file, Report: filepath.Join(t.TempDir(), "r.csv")}).Run(t.Context()))
	require.Equal(t, 1000, amount(), "nobody said yes")
	require.NoError(t, (&importPrices{personalFlags: where, File: file, Yes: true}).Run(t.Context()))
	state, _ = newestRun(t, s.DB)
	require.Equal(t, importing.PricesCommitted, state)
	require.Equal(t, 1100, amount())

	require.ErrorIs(t, (&importPrices{personalFlags: where, File: written(t, "broken.csv", "sku,price\n\"food-1,1\n"), Yes: true}).Run(t.Context()), importing.ErrFile)
	require.ErrorContains(t, (&importPrices{personalFlags: where, File: file, Channel: "nowhere"}).Run(t.Context()), "--channel")
	require.Equal(t, 1100, amount())
}

func TestOnlyAYesIsOne(t *testing.T) {
	t.Parallel()
	for answer, yes := range map[string]bool{"y\n": true, " YES \n": true, "y": true, "\n": false, "": false, "no\n": false, "yesterday\n": false} {
		require.Equal(t, yes, agreed(strings.NewReader(answer)), "%q", answer)
	}
}

// The same file given again goes on where it broke off, and the report has the rows
// that were rejected before.
func TestAnInterruptedPreviewGoesOnByTheCommand(t *testing.T) {
	t.Parallel()
	s, where := shop(t)
	var rows strings.Builder
	rows.WriteString("sku,min_quantity,price\nnothing-1,1,1\n")
	for n := range 2500 {
		fmt.Fprintf(&rows, "food-1,%d,700\n", n+2)
	}
	rows.WriteString("nothing-2,1,1\n")
	file := written(t, "prices.csv", rows.String())
	_, err := s.DB.Pool().Exec(t.Context(), `ALTER TABLE price_import_rows ADD CONSTRAINT broken CHECK (line < 1500)`)
	require.NoError(t, err)
	command := &importPrices{personalFlags: where, File: file, Yes: true}
	require.Error(t, command.Run(t.Context()))
	state, counts := newestRun(t, s.DB)
	require.Equal(t, importing.PricesReading, state)
	require.Equal(t, importing.Counts{Added: 999, Rejected: 1}, counts, "one step of it is kept")
	_, err = s.DB.Pool().Exec(t.Context(), `ALTER TABLE price_import_rows DROP CONSTRAINT broken`)
	require.NoError(t, err)
	require.NoError(t, command.Run(t.Context()))
	state, counts = newestRun(t, s.DB)
	require.Equal(t, importing.PricesCommitted, state)
	require.Equal(t, importing.Counts{Added: 2500, Rejected: 2}, counts)
	var runs, prices int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM price_imports), (SELECT count(*) FROM prices WHERE amount = 700)`).Scan(&runs, &prices))
	require.Equal(t, [2]int{1, 2500}, [2]int{runs, prices}, "it was the same run")
	report, err := os.ReadFile(file + ".rejected.csv")
	require.NoError(t, err)
	require.Contains(t, string(report), "nothing-1")
	require.Contains(t, string(report), "nothing-2")
}

// The sample's prices, written and read again, change nothing, in every kind of file.
func TestTheSamplesPricesComeBackUnchanged(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	where := personalFlags{databaseFlags: databaseFlags{url}, Secret: "a secret"}
	db, err := where.open(t.Context())
	require.NoError(t, err)
	t.Cleanup(db.Close)
	require.NoError(t, writeSample(t.Context(), db, seed.Options{}))
	for _, kind := range []string{"prices", "customer-prices", "rates"} {
		rows := 0
		for _, c := range []exportPrices{{File: "p.csv", Encoding: "utf-8"}, {File: "p-sjis.csv", Encoding: "cp932"}, {File: "P.XLSX", Encoding: "utf-8"}} {
			name := kind + " " + c.File
			c.personalFlags, c.Kind, c.File = where, kind, filepath.Join(t.TempDir(), c.File)
			require.NoError(t, c.Run(t.Context()), name)
			require.NoError(t, (&importPrices{personalFlags: where, File: c.File, Yes: true}).Run(t.Context()), name)
			state, counts := newestRun(t, db)
			require.Equal(t, importing.PricesDiscarded, state, name)
			require.NotZero(t, counts.Unchanged, name)
			require.Equal(t, importing.Counts{Unchanged: counts.Unchanged}, counts, name)
			require.NoFileExists(t, c.File+".rejected.csv", name)
			if rows == 0 {
				rows = counts.Unchanged
			}
			require.Equal(t, rows, counts.Unchanged, "%s: as many as in the other kinds of file", name)
		}
	}
}

// Amounts are numbers in a workbook, and what is edited there is what changes.
func TestPricesAreEditedInAWorkbook(t *testing.T) {
	t.Parallel()
	s, where := shop(t)
	file := filepath.Join(t.TempDir(), "prices.xlsx")
	require.NoError(t, (&exportPrices{personalFlags: where, File: file, Kind: "prices"}).Run(t.Context()))
	book, err := excelize.OpenFile(file)
	require.NoError(t, err)
	sheet := book.GetSheetName(0)
	kind, err := book.GetCellType(sheet, "D2")
	require.NoError(t, err)
	require.NotContains(t, []excelize.CellType{excelize.CellTypeInlineString, excelize.CellTypeSharedString}, kind)
	rows, err := book.GetRows(sheet)
	require.NoError(t, err)
	require.Equal(t, []string{"list", "sku", "min_quantity", "price"}, rows[0][:4])
	require.Equal(t, []string{"standard", "food-1", "1", "1000"}, rows[1][:4])
	require.NoError(t, book.SetCellValue(sheet, "D2", 1250))
	require.NoError(t, book.Save())
	require.NoError(t, (&importPrices{personalFlags: where, File: file, Yes: true}).Run(t.Context()))
	state, counts := newestRun(t, s.DB)
	require.Equal(t, importing.PricesCommitted, state)
	require.Equal(t, importing.Counts{Changed: 1, Unchanged: 1}, counts)
}

func TestAWorkbookHoldsNumbersExactlyOrAsText(t *testing.T) {
	t.Parallel()
	for text, cell := range map[string]any{
		"1000": 1000.0, "19.80": 19.8, "65.5": 65.5, "0": 0.0, "": "", "abc": "abc",
		"123456789012345": 123456789012345.0, "1234567890123456": "1234567890123456", "0.1234567890123456": "0.1234567890123456",
	} {
		require.Equal(t, cell, exactly(text), text)
	}
}
