package importing_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/money"
)

// shopifyExport is a real export; it stands beside the repository.
const shopifyExport = "../../../shared/data/shopify-products.csv"

func yen() importing.Options { return importing.Options{Currency: money.JPY} }

// all reads a file to its end.
func all(t testing.TB, r io.Reader, o importing.Options) (drafts []importing.Draft, rejections []importing.Rejection, err error) {
	t.Helper()
	for p, failure := range importing.Products(r, o) {
		if failure != nil {
			return drafts, rejections, failure
		}
		if p.Draft != nil {
			drafts = append(drafts, *p.Draft)
		}
		rejections = append(rejections, p.Rejections...)
	}
	return drafts, rejections, nil
}

func TestRealShopifyExportIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	file := shopifyExport
	for range 3 { // worktrees may lie deeper
		if _, err := os.Stat(file); err == nil {
			break
		}
		file = "../" + file
	}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the shared data folder is not beside this repository")
	}
	require.NoError(t, err)
	defer f.Close()
	drafts, rejections, err := all(t, f, yen())
	require.NoError(t, err)
	require.Len(t, drafts, 50)
	variants, images := 0, 0
	for _, d := range drafts {
		variants += len(d.Variants)
		images += len(d.Images)
		require.NotEmpty(t, d.Name["ja"])
	}
	require.Equal(t, 89, variants)
	require.Positive(t, images)
	for _, r := range rejections {
		require.True(t, r.Warning, r.Error())
	}
	first := drafts[0]
	require.Equal(t, "sleek-black-dual-compartment-handbag", first.Slug)
	require.Empty(t, first.Options, "one variant, no option")
	require.Equal(t, int64(102), *first.Variants[0].Price)
	require.Equal(t, int64(115), *first.Variants[0].CompareAt)
	require.Equal(t, int64(30), *first.Variants[0].Cost)
	require.Equal(t, "9999917246094", first.Variants[0].Barcode)
	require.Equal(t, 3000, first.Variants[0].Weight)
	require.Len(t, first.Images, 3)
	require.Contains(t, first.Text["ja"], "<li>Material: Polyurethane</li>")
}

const table = `slug,name.ja,name.en,sku,price,option1,option1_value,tax_class,stock.main,attr.pet
leash,リード,Leash,L-S,1980,サイズ,S,,10,dog
,,,L-M,"2,180",,M,,5,
cookie,クッキー,,C-1,540,,,REDUCED,,
`

func TestOwnTableGroupsVariants(t *testing.T) {
	t.Parallel()
	drafts, rejections, err := all(t, strings.NewReader("\ufeff"+table), yen())
	require.NoError(t, err)
	require.Empty(t, rejections)
	require.Len(t, drafts, 2)
	leash := drafts[0]
	require.Equal(t, "Leash", leash.Name["en"])
	require.Equal(t, []string{"S", "M"}, leash.Options[0].Values)
	require.Equal(t, int64(2180), *leash.Variants[1].Price)
	require.Equal(t, map[string]int{"main": 5}, leash.Variants[1].Stock)
	require.Equal(t, map[string]string{"pet": "dog"}, leash.Attributes)
	require.Equal(t, money.TaxReduced, drafts[1].TaxClass)
}

func TestCP932IsRecognised(t *testing.T) {
	t.Parallel()
	encoded, err := japanese.ShiftJIS.NewEncoder().String(strings.ReplaceAll(table, "リード", "①髙品質リード"))
	if err != nil {
		encoded, err = japanese.ShiftJIS.NewEncoder().String(table)
		require.NoError(t, err)
	}
	drafts, rejections, err := all(t, strings.NewReader(encoded), yen())
	require.NoError(t, err)
	require.Empty(t, rejections)
	require.Contains(t, drafts[0].Name["ja"], "リード")
}

func TestWorkbookIsReadLikeATable(t *testing.T) {
	t.Parallel()
	book := excelize.NewFile()
	for i, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(table, `"2,180"`, "2180")), "\n") {
		cells := []any{}
		for _, c := range strings.Split(line, ",") {
			cells = append(cells, c)
		}
		require.NoError(t, book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &cells))
	}
	raw, err := book.WriteToBuffer()
	require.NoError(t, err)
	drafts, rejections, err := all(t, raw, yen())
	require.NoError(t, err)
	require.Empty(t, rejections)
	require.Len(t, drafts, 2)
	require.Len(t, drafts[0].Variants, 2)
}

func TestBadRowsAreNamedAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	head := "slug,name.ja,sku,price,tax_class,published_from\n"
	good := "good,よい品,G-1,100,,\n"
	for name, c := range map[string]struct {
		rows, column, value string
		line                int
	}{
		"no name":          {"x,,X-1,100,,\n", "name.ja", "", 2},
		"no SKU":           {"x,品,,100,,\n", "sku", "", 2},
		"price not number": {"x,品,X-1,abc,,\n", "price", "abc", 2},
		"negative price":   {"x,品,X-1,-5,,\n", "price", "-5", 2},
		"tax class":        {"x,品,X-1,100,LUXURY,\n", "tax_class", "LUXURY", 2},
		"date":             {"x,品,X-1,100,,2026-02-30\n", "published_from", "2026-02-30", 2},
		"too many columns": {"x,品,X-1,100,,,more\n", "", "", 2},
		"same SKU twice":   {"x,品,X-1,100,,\ny,品,X-1,100,,\n", "SKU", "X-1", 3},
	} {
		drafts, rejections, err := all(t, strings.NewReader(head+c.rows+good), yen())
		require.NoError(t, err, name)
		require.Equal(t, "good", drafts[len(drafts)-1].Slug, name)
		require.NotEmpty(t, rejections, name)
		require.Equal(t, c.line, rejections[0].Line, name)
		require.Equal(t, c.column, rejections[0].Column, name)
		require.Equal(t, c.value, rejections[0].Value, name)
		require.NotEmpty(t, rejections[0].JA, name)
	}
}

func TestProductIsAllOrNothing(t *testing.T) {
	t.Parallel()
	drafts, rejections, err := all(t, strings.NewReader("slug,name.ja,sku,price\nx,品,X-1,100\n,,X-2,abc\n"), yen())
	require.NoError(t, err)
	require.Empty(t, drafts)
	require.Len(t, rejections, 1)
	require.Equal(t, 3, rejections[0].Line)
}

func TestUnreadableFilesSayWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, reason string }{
		"empty":          {"", "empty"},
		"missing column": {"slug,sku,price\nx,X-1,100\n", "name.ja"},
		"unclosed quote": {"slug,name.ja,sku,price\nx,\"品,X-1,100\n", "quote"},
		"bare quote":     {"slug,name.ja,sku,price\nx,品\"質,X-1,100\n", "quote"},
	} {
		_, _, err := all(t, strings.NewReader(c.file), yen())
		require.ErrorIs(t, err, importing.ErrFile, name)
		require.ErrorContains(t, err, c.reason, name)
	}
	sjis, err := japanese.ShiftJIS.NewEncoder().String(table)
	require.NoError(t, err)
	_, rejections, err := all(t, strings.NewReader(sjis), importing.Options{Currency: money.JPY, Encoding: importing.EncodingUTF8})
	require.NoError(t, err)
	require.Contains(t, rejections[0].EN, "encoding")
}

func TestFineAmountsAreRoundedOrRejected(t *testing.T) {
	t.Parallel()
	file := "slug,name.ja,sku,price\nx,品,X-1,63.25\n"
	drafts, rejections, err := all(t, strings.NewReader(file), yen())
	require.NoError(t, err)
	require.Equal(t, int64(63), *drafts[0].Variants[0].Price)
	require.True(t, rejections[0].Warning)
	drafts, rejections, err = all(t, strings.NewReader(file), importing.Options{Currency: money.JPY, Exact: true})
	require.NoError(t, err)
	require.Empty(t, drafts)
	require.False(t, rejections[0].Warning)
	drafts, _, err = all(t, strings.NewReader(file), importing.Options{Currency: "USD"})
	require.NoError(t, err)
	require.Equal(t, int64(6325), *drafts[0].Variants[0].Price)
}

func TestScriptsDoNotReachDescriptions(t *testing.T) {
	t.Parallel()
	drafts, _, err := all(t, strings.NewReader("slug,name.ja,sku,price,description.ja\nx,品,X-1,100,<p onclick=alert(1)>よい<script>steal()</script></p>\n"), yen())
	require.NoError(t, err)
	require.Equal(t, "<p>よい</p>", drafts[0].Text["ja"])
}

// endless writes rows until size bytes are out.
type endless struct {
	size, n int
	rest    []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.size <= 0 {
			return 0, io.EOF
		}
		e.n++
		e.rest = fmt.Appendf(nil, "p-%d,品物%d,S-%d,100,%s\n", e.n, e.n, e.n, strings.Repeat("説明", 100))
		e.size -= len(e.rest)
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func TestLargeFilesStreamInBoundedMemory(t *testing.T) {
	t.Parallel()
	file := io.MultiReader(strings.NewReader("slug,name.ja,sku,price,description.ja\n"), &endless{size: 100 << 20})
	products, most := 0, uint64(0)
	for p, err := range importing.Products(file, yen()) {
		require.NoError(t, err)
		require.NotNil(t, p.Draft)
		if products++; products%20_000 == 0 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
	require.Greater(t, products, 100_000)
	require.Less(t, most, uint64(64<<20), "100 MB of file in less than 64 MB of heap")
}

func TestUnclosedQuoteDoesNotSwallowTheFile(t *testing.T) {
	t.Parallel()
	file := io.MultiReader(strings.NewReader("slug,name.ja,sku,price,description.ja\nx,\"品,X-1,100,\n"), &endless{size: 100 << 20})
	_, _, err := all(t, file, yen())
	require.ErrorIs(t, err, importing.ErrFile)
	require.ErrorContains(t, err, "line 2")
}

func FuzzProducts(f *testing.F) {
	f.Add([]byte(table))
	f.Add([]byte("Handle,Title\n\"a"))
	f.Add([]byte("PK\x03\x04broken"))
	f.Fuzz(func(_ *testing.T, file []byte) {
		for p, err := range importing.Products(strings.NewReader(string(file)), yen()) {
			if err == nil && p.Draft == nil && len(p.Rejections) == 0 {
				panic("a product without draft and without reason")
			}
		}
	})
}
