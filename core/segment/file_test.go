package segment

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"
)

func write(t *testing.T, format Format, encoding Encoding, rows ...[]string) []byte {
	t.Helper()
	var out bytes.Buffer
	table, err := newTable(format, encoding, &out)
	require.NoError(t, err)
	for _, row := range rows {
		require.NoError(t, table.row(row))
	}
	require.NoError(t, table.close())
	return out.Bytes()
}

func TestFilesHoldWhatMembersAreCalledAndNoFormulas(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"氏名", "番地"}, {"髙橋 𠮷野", "1〜2"}, {"=HYPERLINK(\"x\")", "a,b"}}
	require.Equal(t, "\ufeff氏名,番地\r\n髙橋 𠮷野,1〜2\r\n\"'=HYPERLINK(\"\"x\"\")\",\"a,b\"\r\n", string(write(t, CSV, UTF8, rows...)))
	decoded, err := japanese.ShiftJIS.NewDecoder().Bytes(write(t, CSV, CP932, rows[:2]...))
	require.NoError(t, err)
	require.Equal(t, "氏名,番地\r\n髙橋 〓野,1～2\r\n", string(decoded))
	book, err := excelize.OpenReader(bytes.NewReader(write(t, XLSX, UTF8, rows...)))
	require.NoError(t, err)
	read, err := book.GetRows(book.GetSheetName(0))
	require.NoError(t, err)
	require.Equal(t, rows, read)
}
