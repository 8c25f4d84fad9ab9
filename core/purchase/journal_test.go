package purchase

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
)

const heading = "店舗コード,端末番号,レシート番号,営業日,時刻,会員番号,明細数,商品コード,商品名,数量,金額\n"

var (
	shibuya = id.New()
	jst     = time.FixedZone("JST", 9*60*60)
)

func read(text string) (*Journal, error) {
	return Read(strings.NewReader(text), id.New(), map[string]uuid.UUID{"shibuya": shibuya}, "JPY", jst, time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
}

func TestAJournalIsReadInEitherEncoding(t *testing.T) {
	t.Parallel()
	text := heading + "shibuya,1,100,2026/01/31,25:30,2900000000001,2,4900000000001,①髙級リード,１,1980\nshibuya,1,100,2026/01/31,25:30,2900000000001,2,4900000000002,おやつ,-1,-300\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(text)
	require.NoError(t, err)
	for name, file := range map[string]string{"UTF-8": text, "with BOM": "\xef\xbb\xbf" + text, "CP932": sjis} {
		j, err := read(file)
		require.NoError(t, err, name)
		require.Empty(t, j.Errors, name)
		require.Len(t, j.Receipts, 1, name)
		r := j.Receipts[0]
		require.Equal(t, 0, r.Items, "a piece bought and another given back")
		require.Equal(t, int64(1680), r.TotalMinor)
		require.Equal(t, "①髙級リード", r.Lines[0].Name, name)
		require.Equal(t, int64(-300), r.Lines[1].AmountMinor)
		require.Equal(t, time.Date(2026, 1, 31, 16, 30, 0, 0, time.UTC), r.BoughtAt, "half past one at night is of the business day before")
		require.Equal(t, "2026-01-31", r.BoughtOn.Format(time.DateOnly))
		require.Equal(t, shibuya, *r.StoreID)
	}
}

func TestAWrongEncodingIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	text := heading + "shibuya,1,100,2026/01/31,,,1,49,髙級リード,1,1980\n"
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	require.NoError(t, err)
	euc, err := japanese.EUCJP.NewEncoder().String(strings.ReplaceAll(text, "髙", "高"))
	require.NoError(t, err)
	for name, file := range map[string]string{"UTF-16": utf16, "EUC-JP": euc, "cut in a character": text[:len(text)-20] + "\xe3\x81,1,1980\n"} {
		_, err := read(file)
		require.Error(t, err, name)
		require.Contains(t, []fault.Code{"JOURNAL_UNREADABLE", "JOURNAL_COLUMNS"}, fault.All(err)[0].Code, name)
	}
}

func TestHalfAFileGivesWhatIsWhole(t *testing.T) {
	t.Parallel()
	whole := heading + "shibuya,1,100,2026/01/31,,,1,A,,1,100\nshibuya,1,101,2026/01/31,,,2,A,,1,100\nshibuya,1,101,2026/01/31,,,2,B,,1,200\n"
	for cut := 0; cut < len("shibuya,1,101,2026/01/31,,,2,B,,1,200"); cut++ {
		j, err := read(whole[:len(whole)-1-cut])
		require.NoError(t, err)
		require.Len(t, j.Receipts, 1, "cut by %d", cut)
		require.Equal(t, "100", j.Receipts[0].Receipt)
		require.NotEmpty(t, j.Errors)
		require.Equal(t, j.Rows-1, j.Refused)
	}
}

func TestATotalChecksTheLines(t *testing.T) {
	t.Parallel()
	totals := strings.TrimSuffix(heading, "\n") + ",合計\n"
	j, err := read(totals + "shibuya,1,100,2026/01/31,,,1,A,,1,100,100\nshibuya,1,101,2026/01/31,,,1,A,,1,20,200\nshibuya,1,102,2026/01/31,,,1,A,,1,100,100")
	require.NoError(t, err)
	require.Len(t, j.Receipts, 2, "with a total the last row needs no end")
	require.Len(t, j.Errors, 1)
	require.Equal(t, "合計", j.Errors[0].Column)
}

func TestABadRowRefusesItsReceiptAlone(t *testing.T) {
	t.Parallel()
	for column, row := range map[string]string{
		"店舗コード": "ginza,1,100,2026/01/31,,,1,A,,1,100", "端末番号": "shibuya,,100,2026/01/31,,,1,A,,1,100", "レシート番号": "shibuya,1,,2026/01/31,,,1,A,,1,100",
		"営業日": "shibuya,1,100,2026/02/30,,,1,A,,1,100", "時刻": "shibuya,1,100,2026/01/31,1時,,1,A,,1,100", "明細数": "shibuya,1,100,2026/01/31,,,0,A,,1,100",
		"商品コード": "shibuya,1,100,2026/01/31,,,1,,,1,100", "数量": "shibuya,1,100,2026/01/31,,,1,A,,0,100", "金額": "shibuya,1,100,2026/01/31,,,1,A,,1,百円",
	} {
		j, err := read(heading + row + "\nshibuya,1,200,2026/01/31,,,1,A,,1,100\n")
		require.NoError(t, err)
		require.Len(t, j.Receipts, 1, column)
		require.Equal(t, "200", j.Receipts[0].Receipt)
		require.Len(t, j.Errors, 1, column)
		require.Equal(t, column, j.Errors[0].Column)
		require.Equal(t, 2, j.Errors[0].Line)
		require.Equal(t, 1, j.Refused)
	}
}

func TestADayThatCannotBeRefusesItsReceipt(t *testing.T) {
	t.Parallel()
	row := func(receipt, day string) string { return "shibuya,1," + receipt + "," + day + ",,,1,A,,1,100\n" }
	j, err := read(heading + row("1", "2026/03/02") + row("2", "2026/03/03") + row("3", "2006/03/02") + row("4", "2006/02/28") + row("5", "9999/12/31") + row("6", "0001/01/01"))
	require.NoError(t, err)
	var taken []string
	for _, r := range j.Receipts {
		taken = append(taken, r.Receipt)
	}
	require.Equal(t, []string{"1", "3"}, taken)
	require.Len(t, j.Errors, 4)
	for _, e := range j.Errors {
		require.Equal(t, "営業日", e.Column)
		require.Contains(t, e.Reason["ja"], "20年")
	}
	bad := Receipt{Store: "shibuya", Till: "1", Receipt: "1", BoughtOn: time.Date(2062, 3, 1, 0, 0, 0, 0, time.UTC), Lines: []ReceiptLine{{Code: "A", Quantity: 1}}}
	_, err = bad.taken(id.New(), map[string]uuid.UUID{"shibuya": shibuya}, "JPY", jst, time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
	require.Equal(t, "boughtOn", fault.All(err)[0].Field)
}

func TestWhatIsNoJournal(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]fault.Code{"": "JOURNAL_EMPTY", heading: "JOURNAL_EMPTY", "a,b\n1,2\n": "JOURNAL_COLUMNS"} {
		_, err := read(text)
		require.Equal(t, code, fault.All(err)[0].Code, fmt.Sprintf("%q", text))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(heading + "shibuya,1,100,2026/01/31,,,1,A,,1,100\n")
	f.Fuzz(func(t *testing.T, text string) {
		j, err := read(text)
		if err != nil {
			return
		}
		lines := 0
		for _, r := range j.Receipts {
			require.NotEmpty(t, r.Lines)
			lines += len(r.Lines)
		}
		require.Equal(t, j.Rows, lines+j.Refused)
	})
}
