package sheet_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/sheet"
)

func TestNumbersStayNumbersAndFormulasDoNot(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	file, err := sheet.NewCSV(&out, sheet.UTF8)
	require.NoError(t, err)
	require.NoError(t, file.Row([]string{"-1500", "-12.50", "-1+2", "-", "=A1", "@x", "+81"}))
	require.NoError(t, file.Close())
	require.Equal(t, "\ufeff-1500,-12.50,'-1+2,'-,'=A1,'@x,'+81\r\n", out.String())
}
