package sheet_test

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/sheet"
)

func TestRecordsAreReadWithTheLinesOnWhichTheyBegin(t *testing.T) {
	t.Parallel()
	r := sheet.NewReader(strings.NewReader("a;b\n\"two\nlines\";x\n\n暖簾;\"y\"\n"), ';', 1<<20)
	for _, want := range []struct {
		line  int
		cells []string
	}{{1, []string{"a", "b"}}, {2, []string{"two\nlines", "x"}}, {5, []string{"暖簾", "y"}}} {
		cells, line, err := r.Read()
		require.NoError(t, err)
		require.Equal(t, want.line, line)
		require.Equal(t, want.cells, cells)
	}
	_, _, err := r.Read()
	require.ErrorIs(t, err, io.EOF)
}

func TestARecordHasABound(t *testing.T) {
	t.Parallel()
	row := strings.Repeat("x", 5000) + "\n"
	r := sheet.NewReader(strings.NewReader(strings.Repeat(row, 20)+"\""+strings.Repeat(row, 20)), ',', 10_000)
	for line := 1; ; line++ {
		cells, at, err := r.Read()
		require.Equal(t, line, at)
		if line <= 20 {
			require.NoError(t, err, "each record has a bound of its own")
			require.Len(t, cells[0], 5000)
			continue
		}
		require.ErrorIs(t, err, sheet.ErrTooLong)
		break
	}
	_, line, err := sheet.NewReader(strings.NewReader("a\nb\n\"c"), ',', 100).Read()
	require.NoError(t, err)
	require.Equal(t, 1, line)
	open := sheet.NewReader(strings.NewReader("a\n\"b\nc"), ',', 100)
	_, _, err = open.Read()
	require.NoError(t, err)
	_, line, err = open.Read()
	var syntax *csv.ParseError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, 2, line)
	_, err = io.ReadAll(sheet.AtMost(strings.NewReader("12345"), 4))
	require.True(t, errors.Is(err, sheet.ErrTooLong))
}

func TestTheBeginningOfAFileMayEndWithinACharacter(t *testing.T) {
	t.Parallel()
	for n := range len("暖簾") + 1 {
		require.True(t, sheet.IsUTF8([]byte("暖簾")[:n]), n)
	}
	require.False(t, sheet.IsUTF8([]byte("\x82\xa0ab")), "CP932")
	require.True(t, sheet.IsUTF8(nil))
}
