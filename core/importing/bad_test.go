package importing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
)

// TestWhatNoDatabaseTakesIsRejectedByRow: one such row must not break off the rest.
func TestWhatNoDatabaseTakesIsRejectedByRow(t *testing.T) {
	t.Parallel()
	const header = "slug,name.ja,sku,price,brand,categories,images,option1,option1_value,weight_g\n"
	long := strings.Repeat("長", 3000)
	for column, row := range map[string]string{
		"price":         "a,あ,A,1e999999999,,,,,,",
		"weight_g":      "a,あ,A,1,,,,,,1e999999999",
		"#2":            "a,あ\x00い,A,1,,,,,,",
		"#1":            "a\x00,あ,A,1,,,,,,",
		"slug":          long + ",あ,A,1,,,,,,",
		"name.ja":       "a," + long + ",A,1,,,,,,",
		"sku":           "a,あ," + long + ",1,,,,,,",
		"brand":         "a,あ,A,1," + long + ",,,,,",
		"categories":    "a,あ,A,1,,犬 > > 服,,,,",
		"option":        "a,あ,A,1,,,,サイズ," + long + ",",
		"images":        "a,あ,A,1,,,https://x.example/" + long + ",,,",
		"option1_value": "a,あ,A,1,,,,サイズ,,",
	} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			drafts, rejections, err := all(t, strings.NewReader(header+row+"\nfine,よい,F,100,,,,,,\n"), yen())
			require.NoError(t, err)
			require.Len(t, drafts, 1, "the next product is taken")
			require.Equal(t, "fine", drafts[0].Slug)
			require.NotEmpty(t, rejections)
			require.Equal(t, column, rejections[0].Column)
			require.Equal(t, 2, rejections[0].Line)
		})
	}
}

func TestImagesThatRunCodeAreRejected(t *testing.T) {
	t.Parallel()
	drafts, rejections, err := all(t, strings.NewReader("slug,name.ja,sku,price,images\na,あ,A,1,javascript:alert(1)\nb,い,B,1,/sample/dog/b.svg\n"), yen())
	require.NoError(t, err)
	require.Len(t, drafts, 1)
	require.Len(t, rejections, 1)
}

func TestSilentColumnsSayNothing(t *testing.T) {
	t.Parallel()
	drafts, _, err := all(t, strings.NewReader("slug,name.ja,sku,price\na,あ,A,1\n"), yen())
	require.NoError(t, err)
	require.Empty(t, drafts[0].TaxClass)
	require.Empty(t, drafts[0].Status)
	require.Nil(t, drafts[0].Published)
}

func TestExcelDatesAreRead(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	for cell, value := range map[string]any{
		"A1": "slug", "B1": "name.ja", "C1": "sku", "D1": "price", "E1": "published_from",
		"A2": "a", "B2": "あ", "C2": "A", "D2": 1980, "E2": time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
	} {
		require.NoError(t, book.SetCellValue("Sheet1", cell, value))
	}
	file, err := book.WriteToBuffer()
	require.NoError(t, err)
	drafts, rejections, err := all(t, file, yen())
	require.NoError(t, err)
	require.Empty(t, rejections)
	require.Equal(t, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), *drafts[0].From, "written in Japan's time")
}
