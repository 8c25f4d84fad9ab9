package dispatch

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/order"
)

var (
	tokyo = time.FixedZone("JST", 9*60*60)
	noon  = time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
)

func number(t *testing.T) string {
	t.Helper()
	n, err := order.NewNumber()
	require.NoError(t, err)
	return n
}

func TestResultsAreReadAsCarriersWriteThem(t *testing.T) {
	t.Parallel()
	first, second := number(t), number(t)
	b2 := "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日\r\n" + first + "-1,0,0,4912-3456-7890,2026/11/27\r\n" + second + ",0,0,491234567891,\r\n"
	sjis, err := japanese.ShiftJIS.NewEncoder().String(b2)
	require.NoError(t, err)
	for name, content := range map[string]string{"utf-8": b2, "with a mark": "\ufeff" + b2, "cp932": sjis} {
		found, err := read(strings.NewReader(content), tokyo, noon)
		require.NoError(t, err, name)
		require.Empty(t, found.rejections)
		day := time.Date(2026, 11, 27, 0, 0, 0, 0, tokyo)
		require.Len(t, found.rows, 2)
		require.True(t, found.rows[0].ShippedOn.Equal(day))
		found.rows[0].ShippedOn = nil
		require.Equal(t, []ResultRow{
			{Line: 2, Reference: first + "-1", Number: first, Nth: 1, Tracking: "4912-3456-7890"}, {Line: 3, Reference: second, Number: second, Tracking: "491234567891"},
		}, found.rows)
	}
	sagawa := "お問い合せ送り状No.,お客様管理番号,出荷日,運送会社\n123456789012,\"" + strings.ToLower(first) + "-12\",20261128,kamome\n"
	found, err := read(strings.NewReader(sagawa), tokyo, noon)
	require.NoError(t, err)
	require.Equal(t, 12, found.rows[0].Nth)
	require.Equal(t, "kamome", found.rows[0].Carrier)
}

func TestBrokenResultsAreRejectedRowByRow(t *testing.T) {
	t.Parallel()
	n := number(t)
	file := "お客様管理番号,伝票番号,出荷日\n" +
		"A-1001-1,1,2026/11/27\n" + // not ours
		n + "-1,4.91234E+11,2026/11/27\n" + // rounded by a spreadsheet
		n + "-1,,2026/11/27\n" +
		n + "-1,5,2026/12/01\n" + // to come
		n + "-1,5,きのう\n" +
		n + "-1,6,2026/11/27,多い,列\n" +
		n + "-1,7,2026-11-27\n"
	found, err := read(strings.NewReader(file), tokyo, noon)
	require.NoError(t, err)
	require.Len(t, found.rows, 1, "the rest goes on")
	require.Equal(t, "7", found.rows[0].Tracking)
	var lines []int
	for _, r := range found.rejections {
		lines = append(lines, r.Line)
		require.NotEmpty(t, r.Reason["ja"])
		require.NotEmpty(t, r.Reason["en"])
	}
	require.Equal(t, []int{2, 3, 4, 5, 6, 7}, lines)
}

func TestAFileThatIsNone(t *testing.T) {
	t.Parallel()
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("お客様管理番号,伝票番号\nX,1\n")
	require.NoError(t, err)
	for name, content := range map[string]string{
		"empty": "", "only headings": "お客様管理番号,伝票番号\n", "UTF-16": utf16, "no tracking numbers": "お客様管理番号,出荷日\nX,2026/11/27\n", "a picture": "\x89PNG\r\n\x1a\n\x00\x00",
	} {
		_, err := read(strings.NewReader(content), tokyo, noon)
		faults := fault.All(err)
		require.Len(t, faults, 1, name)
		require.Equal(t, fault.Code("FILE_UNREADABLE"), faults[0].Code, name)
		require.Equal(t, "file", faults[0].Field)
		require.NotContains(t, faults[0].JA, "%!", name)
	}
	_, err = read(strings.NewReader(strings.Repeat("x", maxFile+1)), tokyo, noon)
	require.ErrorIs(t, err, ErrTooLarge)
}

func FuzzResults(f *testing.F) {
	f.Add([]byte("お客様管理番号,伝票番号\n7KXQ9-B4TMH-1,1\n"))
	f.Add([]byte("\"お客様管理番号,伝票番号\n\x8f"))
	f.Fuzz(func(t *testing.T, content []byte) {
		found, err := read(strings.NewReader(string(content)), tokyo, noon)
		if err == nil && len(found.rows)+len(found.rejections) == 0 {
			t.Fatal("read nothing and said nothing")
		}
	})
}
