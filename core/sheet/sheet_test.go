package sheet_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/sheet"
)

// What is left out where CP932 has no character for it must not uncover a formula.
func TestWhatIsLeftOutHidesNoFormula(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file, err := sheet.NewCSV(&out, sheet.CP932)
	require.NoError(t, err)
	require.NoError(t, file.Row([]string{"\u200b=A1", "\ufe0f\u200b@x", "\u200b-12", "\u2212" + "1"}))
	require.NoError(t, file.Close())
	require.Equal(t, "'=A1,'@x,-12,\x81\x7c1\r\n", out.String())
}

func TestNumbersStayNumbersAndFormulasDoNot(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file, err := sheet.NewCSV(&out, sheet.UTF8)
	require.NoError(t, err)
	require.NoError(t, file.Row([]string{"-1500", "-12.50", "-1+2", "-", "=A1", "@x", "+81"}))
	require.NoError(t, file.Close())
	require.Equal(t, "\ufeff-1500,-12.50,'-1+2,'-,'=A1,'@x,'+81\r\n", out.String())
}
