package label_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/label"
)

func TestSheetsLieOnA4(t *testing.T) {
	t.Parallel()
	all, err := label.Formats()
	require.NoError(t, err)
	sizes := map[string]int{}
	for _, f := range all {
		sizes[f.Code] = f.Labels()
		x, y := f.At(f.Labels() - 1)
		// What makers leave at the right and below is what they leave at the left and above.
		require.InDelta(t, f.Left, label.PageWidth-x-f.Width, 0.2, f.Code)
		require.InDelta(t, f.Top, label.PageHeight-y-f.Height, 0.2, f.Code)
	}
	require.Equal(t, map[string]int{"a4-10": 10, "a4-12": 12, "a4-18": 18, "a4-24": 24}, sizes)
	_, err = label.Find(all, "b5-99")
	require.ErrorIs(t, err, label.ErrFormat)
}

func TestSheetsThatCannotBePrintedAreRefused(t *testing.T) {
	t.Parallel()
	good := label.Format{Code: "x", Name: "x", Columns: 2, Rows: 6, Width: 86.4, Height: 42.3, Left: 18.6, Top: 21.6}
	require.NoError(t, good.Check())
	for name, change := range map[string]func(f *label.Format){
		"no name":       func(f *label.Format) { f.Name = "" },
		"no columns":    func(f *label.Format) { f.Columns = 0 },
		"beyond right":  func(f *label.Format) { f.Columns = 3 },
		"beyond bottom": func(f *label.Format) { f.GapY = 10 },
		"too small":     func(f *label.Format) { f.Height = 12 },
		"before left":   func(f *label.Format) { f.Left = -1 },
	} {
		bad := good
		change(&bad)
		require.Error(t, bad.Check(), name)
	}
	require.NoError(t, good.CheckSkip(11))
	require.ErrorIs(t, good.CheckSkip(12), label.ErrSkip)
	require.ErrorIs(t, good.CheckSkip(-1), label.ErrSkip)
}
