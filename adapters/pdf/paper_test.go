package pdf_test

import (
	"bytes"
	"fmt"
	"image/png"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/pdf"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/returns"
)

var (
	hanako = customer.Address{Name: "髙﨑 花子", PostalCode: "5300001", Prefecture: "OSAKA", City: "大阪市北区", Line1: "梅田9-9-9", Line2: "梅田ペットタワー 12階", Phone: "0900000000"}
	depot  = customer.Address{Name: "返品係", Company: "株式会社わんこ堂 物流センター", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前9-9-9", Phone: "0300000000"}
)

func slip() returns.Slip {
	return returns.Slip{
		Number: "7K3M9-PQ2XA-R2", OrderNumber: "7K3M9-PQ2XA", Outcome: returns.Refund, PrintedAt: issuedOn, To: depot, From: hanako, ByShop: true,
		How: "着払いでお送りください。", Note: "外箱も一緒にお願いします",
		Lines: []returns.SlipLine{{Name: "本革リード", Detail: "LS-1180 / キャメル", Reason: returns.Defective.Label(), Pieces: 2}},
	}
}

func packed(n int) dispatch.Packed {
	unit := int64(5980)
	return dispatch.Packed{
		Number: "7K3M9-PQ2XA", Nth: n, PlacedAt: issuedOn, To: hanako, Brand: "わんこ堂", Location: "埼玉倉庫", Temperature: "CHILLED", TimeBand: "14-16", DeliverOn: &issuedOn,
		Currency: money.JPY, TaxInclusive: true, Mode: pricing.ShipNormal,
		Lines: []dispatch.PackedLine{
			{SKU: "DF-0012", Barcode: "4900000000000", Name: "国産鹿肉ドッグフード", Options: []string{"3kg"}, Quantity: 2, UnitMinor: &unit},
			{SKU: "BW-0001", Name: "フードボウル", Set: "はじめてセット", Quantity: 1},
		},
	}
}

func each(all ...dispatch.Packed) iter.Seq2[dispatch.Packed, error] {
	return func(yield func(dispatch.Packed, error) bool) {
		for _, p := range all {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func drawn(t testing.TB, name string, f func(p *pdf.Printer, out *bytes.Buffer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, f(newPrinter(t), &out))
	if *draw != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*draw, name+".pdf"), out.Bytes(), 0o600))
	}
	return out.Bytes()
}

// scanned is what a reader of the codes sees on the first page at the resolution of an
// office printer; where there is no pdftoppm the test ends, but not in the gate.
func scanned(t testing.TB, file []byte, reader gozxing.Reader) string {
	t.Helper()
	tool, err := exec.LookPath("pdftoppm")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("pdftoppm is not installed")
	}
	require.NoError(t, err)
	render := exec.Command(tool, "-png", "-gray", "-r", "200", "-f", "1", "-l", "1", "-singlefile", "-")
	render.Stdin = bytes.NewReader(file)
	raw, err := render.Output()
	require.NoError(t, err)
	seen, err := png.Decode(bytes.NewReader(raw))
	require.NoError(t, err)
	bitmap, err := gozxing.NewBinaryBitmapFromImage(seen)
	require.NoError(t, err)
	read, err := reader.Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	require.NoError(t, err)
	return read.GetText()
}

func TestReturnSlipSaysWhatComesBackAndIsScanned(t *testing.T) {
	t.Parallel()
	file := drawn(t, "return-slip", func(p *pdf.Printer, out *bytes.Buffer) error { return p.ReturnSlip(out, slip()) })
	require.Equal(t, "7K3M9-PQ2XA-R2", scanned(t, file, oned.NewCode128Reader()))
	require.Equal(t, "7K3M9-PQ2XA-R2", scanned(t, file, qrcode.NewQRCodeReader()))
	text := said(t, file)
	for _, want := range []string{"返 品 票", "7K3M9-PQ2XA-R2", "〒150-0001", "東京都渋谷区神宮前9-9-9", "返品係 様", "〒530-0001", "本革リード", "LS-1180 / キャメル", "不良品", "送料着払い", "外箱も一緒に"} {
		require.Contains(t, text, want)
	}
	theirs := slip()
	theirs.ByShop, theirs.Outcome = false, returns.Exchange
	text = said(t, drawn(t, "exchange-slip", func(p *pdf.Printer, out *bytes.Buffer) error { return p.ReturnSlip(out, theirs) }))
	require.Contains(t, text, "お客様のご負担（元払い）")
	require.Contains(t, text, "交 換 票")
}

func TestReturnLabelSaysWhereTo(t *testing.T) {
	t.Parallel()
	file := drawn(t, "return-label", func(p *pdf.Printer, out *bytes.Buffer) error { return p.ReturnLabel(out, slip()) })
	require.Equal(t, "7K3M9-PQ2XA-R2", scanned(t, file, oned.NewCode128Reader()))
	text := said(t, file)
	for _, want := range []string{"返品在中", "着払い", "〒150-0001", "株式会社わんこ堂 物流センター", "〒530-0001", "髙﨑 花子"} {
		require.Contains(t, text, want)
	}
}

func TestPackingListsTellNoPriceToTheBuyersCustomer(t *testing.T) {
	t.Parallel()
	direct := packed(2)
	direct.Mode, direct.Buyer = pricing.ShipDirect, "株式会社ふくふくペット"
	text := said(t, drawn(t, "packing", func(p *pdf.Printer, out *bytes.Buffer) error { return p.PackingLists(out, each(packed(1)), issuedOn) }))
	for _, want := range []string{"7K3M9-PQ2XA-1", "わんこ堂", "5,980", "11,960", "冷蔵", "14-16時", "合計 3 点", "［はじめてセット］フードボウル"} {
		require.Contains(t, text, want)
	}
	text = said(t, drawn(t, "packing-direct", func(p *pdf.Printer, out *bytes.Buffer) error { return p.PackingLists(out, each(direct), issuedOn) }))
	require.Contains(t, text, "株式会社ふくふくペット")
	require.Contains(t, text, "国産鹿肉ドッグフード")
	for _, secret := range []string{"わんこ堂", "5,980", "11,960", "単価", "金額", "埼玉倉庫"} {
		require.NotContains(t, text, secret)
	}
	both := drawn(t, "packing-both", func(p *pdf.Printer, out *bytes.Buffer) error {
		return p.PackingLists(out, each(packed(1), direct, packed(3)), issuedOn)
	})
	require.Equal(t, 3, pages(both))
	require.Equal(t, "7K3M9-PQ2XA-1", scanned(t, both, oned.NewCode128Reader()))
	broken := func(yield func(dispatch.Packed, error) bool) { yield(dispatch.Packed{}, os.ErrDeadlineExceeded) }
	require.ErrorIs(t, newPrinter(t).PackingLists(&bytes.Buffer{}, broken, issuedOn), os.ErrDeadlineExceeded)
}

func TestPickListSumsWhatManyShipmentsTake(t *testing.T) {
	t.Parallel()
	var all []dispatch.Packed
	for n := range 100 {
		all = append(all, packed(n+1))
	}
	picked, err := dispatch.Pick(each(all...))
	require.NoError(t, err)
	require.Len(t, picked, 2)
	require.Equal(t, []int{100, 200}, []int{picked[0].Pieces, picked[1].Pieces})
	file := drawn(t, "pick-list", func(p *pdf.Printer, out *bytes.Buffer) error { return p.PickList(out, picked, len(all), issuedOn) })
	text := said(t, file)
	for _, want := range []string{"ピッキングリスト", "出荷 100件", "DF-0012", "4900000000000", "200", "7K3M9-PQ2XA-1 ×2", "ほか 70件", "合計 300 点"} {
		require.Contains(t, text, want)
	}
}

func format(t testing.TB, code string) label.Format {
	t.Helper()
	all, err := label.Formats()
	require.NoError(t, err)
	f, err := label.Find(all, code)
	require.NoError(t, err)
	return f
}

func addressed(n int) []label.Label {
	all := make([]label.Label, n)
	for i := range all {
		all[i] = label.Label{To: hanako, Mark: fmt.Sprintf("M-%05d", i+1)}
	}
	return all
}

func TestLabelsFillSheets(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{"a4-10": 4, "a4-12": 3, "a4-18": 2, "a4-24": 2} {
		file := drawn(t, "labels-"+code, func(p *pdf.Printer, out *bytes.Buffer) error {
			n, err := p.Labels(out, label.Sheet{Format: format(t, code), Skip: 3, Labels: label.Each(addressed(30))}, issuedOn)
			require.Equal(t, 30, n)
			return err
		})
		require.Equal(t, want, pages(file), code)
		text := said(t, file)
		require.Equal(t, 30, strings.Count(text, "〒530-0001"), code)
		require.Contains(t, text, "M-00030")
		require.Contains(t, text, "大阪府大阪市北区")
	}
	empty := drawn(t, "labels-none", func(p *pdf.Printer, out *bytes.Buffer) error {
		_, err := p.Labels(out, label.Sheet{Format: format(t, "a4-12"), Labels: label.Each(nil)}, issuedOn)
		return err
	})
	require.Equal(t, 1, pages(empty))
}

func TestPostalCodesStandInBoxes(t *testing.T) {
	t.Parallel()
	blank, foreign := label.Label{}, label.Label{To: hanako}
	foreign.To.PostalCode = ""
	for _, code := range []string{"a4-10", "a4-12", "a4-18", "a4-24"} {
		file := drawn(t, "boxes-"+code, func(p *pdf.Printer, out *bytes.Buffer) error {
			n, err := p.Labels(out, label.Sheet{Format: format(t, code), PostalBoxes: true, Labels: label.Each(append(addressed(2), blank, foreign))}, issuedOn)
			require.Equal(t, 4, n)
			return err
		})
		require.Equal(t, 1, pages(file), code)
		text := said(t, file)
		require.NotContains(t, text, "〒", code)
		require.Contains(t, strings.Join(strings.Fields(text), ""), "5300001", "digit by digit")
		require.Equal(t, 3, strings.Count(text, "大阪府大阪市北区"), "%s: one label stays blank", code)
	}
}

// An address as long as noren keeps any stays on its label.
func TestLongAddressesStayOnTheirLabels(t *testing.T) {
	t.Parallel()
	long := hanako
	long.Line1, long.Line2, long.Company = strings.Repeat("長い町名", 25), strings.Repeat("建物", 40), strings.Repeat("株式会社", 20)
	file := drawn(t, "labels-long", func(p *pdf.Printer, out *bytes.Buffer) error {
		_, err := p.Labels(out, label.Sheet{Format: format(t, "a4-24"), Labels: label.Each([]label.Label{{To: long}, {To: hanako, Mark: "NEXT"}})}, issuedOn)
		return err
	})
	require.Contains(t, said(t, file), "髙﨑 花子")
}

func TestLabelsOfManyMembersTakeLittleMemory(t *testing.T) {
	p, f := newPrinter(t), format(t, "a4-12")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	count := 0
	members := func(yield func(label.Label, error) bool) {
		for i := range label.Most {
			if count++; i == label.Most-1 {
				runtime.GC()
				runtime.ReadMemStats(&after)
				peak = after.HeapAlloc
			}
			if !yield(label.Label{To: hanako}, nil) {
				return
			}
		}
	}
	var out bytes.Buffer
	n, err := p.Labels(&out, label.Sheet{Format: f, Labels: members}, issuedOn)
	require.NoError(t, err)
	require.Equal(t, label.Most, n)
	require.Less(t, int64(peak)-int64(before.HeapAlloc), int64(96<<20), "all pages of the largest file")            //nolint:gosec // far from the edge
	t.Logf("%d labels: %d MiB held, a file of %d KiB", n, (int64(peak)-int64(before.HeapAlloc))>>20, out.Len()>>10) //nolint:gosec // as above
	_, err = p.Labels(&bytes.Buffer{}, label.Sheet{Format: f, Labels: label.Each(addressed(label.Most + 1))}, issuedOn)
	require.ErrorIs(t, err, label.ErrMost)
}
