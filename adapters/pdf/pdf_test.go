package pdf_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hajimehoshi/ebiten/v2/examples/resources/fonts"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/pdf"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/money"
)

// draw is a directory into which the sample documents are drawn, to be looked at:
// go test ./adapters/pdf -run Samples -draw /tmp
var draw = flag.String("draw", "", "directory for the sample documents")

var issuedOn = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func issuer() invoice.Issuer {
	return invoice.Issuer{
		RegistrationNumber: "T9000000000000", Name: "株式会社わんこ堂", PostalCode: "1500001", Address: "東京都渋谷区神宮前9-9-9\nのれんビル 3階",
		Phone: "03-0000-0000", Email: "keiri@wanko.example.jp",
		Bank: "見本銀行　見本支店　普通 0000000\nカ）ワンコドウ\n振込手数料はお客様のご負担でお願いいたします。", Note: "ご不明な点は経理部までお問い合わせください。",
	}
}

func ptr[T any](v T) *T { return &v }

func goods(text, detail string, quantity int, unit int64, class money.TaxClass) invoice.Line {
	return invoice.Line{OrderLineID: ptr(id.New()), Text: text, Detail: detail, Quantity: quantity, Unit: &unit, Amount: ptr(unit * int64(quantity)), Class: class}
}

// sample is a document of the kind with so many lines.
func sample(kind invoice.Kind, lines int) invoice.Document {
	d := invoice.Document{
		ID: id.New(), Kind: kind, Serial: 42, IssuedAt: issuedOn.Add(3 * time.Hour), Currency: money.JPY,
		Content: invoice.Content{
			Issuer: issuer(), IssuedOn: issuedOn, Inclusive: true,
			To:    invoice.Party{PostalCode: "5300001", Address: []string{"大阪府大阪市北区梅田9-9-9", "梅田ペットタワー 12階"}, Company: "株式会社ふくふくペット", Name: "経理部　髙﨑 花子"},
			Order: &invoice.OrderOf{Number: "7K3M9-PQ2XA", PlacedOn: issuedOn.AddDate(0, 0, -3), SoldOn: issuedOn, Payment: "銀行振込（前払い）"},
		},
	}
	sums := map[money.TaxClass]int64{}
	add := func(l invoice.Line) {
		sums[l.Class] += *l.Amount
		d.Content.Lines = append(d.Content.Lines, l)
	}
	for i := range lines {
		switch i % 4 {
		case 0:
			add(goods("国産鹿肉ドッグフード 成犬用", "DF-0012 / 3kg", 2, 5980, money.TaxStandard))
		case 1:
			add(goods("わんこと一緒に食べるさつまいもクッキー", "CK-0003 / 12枚入り", 3, 648, money.TaxReduced))
		case 2:
			add(goods("本革リード＆首輪セット（手縫い・受注生産）名入れ刺繍つき、小型犬から中型犬まで使える長さ調節バックル式 Premium Edition", "LS-1180 / キャメル / M", 1, 12800, money.TaxStandard))
		default:
			add(goods("ペットシーツ レギュラー 厚型", "PS-0400 / 200枚", 10, 1480, money.TaxStandard))
		}
	}
	add(invoice.Line{Text: "値引き", Amount: ptr(int64(-1000)), Class: money.TaxStandard})
	add(invoice.Line{Text: "送料", Amount: ptr(int64(660)), Class: money.TaxStandard})
	for _, class := range money.TaxClasses {
		if sums[class] != 0 {
			t := money.TaxOf(class, money.Of(sums[class], money.JPY), true, money.RoundDown)
			d.Taxes, d.TotalMinor = append(d.Taxes, t), d.TotalMinor+t.Gross.Minor
		}
	}
	switch kind {
	case invoice.KindReceipt:
		d.Content.To, d.Content.Proviso = invoice.Party{Name: "株式会社ふくふくペット"}, "ペット用品代"
	case invoice.KindCreditNote:
		d.Content.Corrects = &invoice.Correction{Kind: invoice.KindInvoice, Number: "I-00000041", IssuedOn: issuedOn.AddDate(0, 0, -9)}
		d.Content.Reason = "お客様都合による返品"
	case invoice.KindStatement:
		d.Content.Balance = &invoice.Balance{
			From: ptr(issuedOn.AddDate(0, -1, -4)), ClosesOn: issuedOn.AddDate(0, 0, -5), DueOn: issuedOn.AddDate(0, 1, 5),
			Opening: 120000, Payments: 100000, Other: -330, Sales: d.TotalMinor, Closing: d.TotalMinor + 19670,
		}
		d.Content.Lines = nil
		for i := range lines {
			on := issuedOn.AddDate(0, 0, i-lines)
			d.Content.Lines = append(d.Content.Lines, invoice.Line{On: &on, Text: fmt.Sprintf("ご注文 7K3M9-PQ2X%d", i%10), Detail: fmt.Sprintf("I-%08d", i+1), Amount: ptr(int64(11080)), Shares: []invoice.Share{{Class: money.TaxStandard, Minor: 10000}, {Class: money.TaxReduced, Minor: 1080}}})
		}
		d.Content.To.Name = ""
		d.TotalMinor = d.Content.Balance.Closing
	}
	return d
}

func render(t testing.TB, p *pdf.Printer, d invoice.Document) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, p.Render(&out, d))
	return out.Bytes()
}

func newPrinter(t testing.TB) *pdf.Printer {
	t.Helper()
	p, err := pdf.NewPrinter(nil)
	require.NoError(t, err)
	return p
}

// said is the text of the PDF as pdftotext reads it; where there is none the test ends,
// but not in the gate, which installs it.
func said(t testing.TB, file []byte) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("pdftotext is not installed")
	}
	require.NoError(t, err)
	read := exec.Command(tool, "-layout", "-", "-")
	read.Stdin = bytes.NewReader(file)
	text, err := read.CombinedOutput()
	require.NoError(t, err, string(text))
	return strings.Join(strings.Fields(string(text)), " ")
}

func pages(file []byte) int { return bytes.Count(file, []byte("/Type /Page\n")) }

func TestSamplesOfAllKindsAreDrawn(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	direct := sample(invoice.KindDeliveryNote, 3)
	direct.Content.Unpriced = true
	again := sample(invoice.KindReceipt, 2)
	again.Content.ReissueOf = "R-00000007"
	plain := sample(invoice.KindInvoice, 2)
	plain.Content.Issuer.RegistrationNumber = ""
	documents := map[string]invoice.Document{"direct": direct, "reissue": again, "unregistered": plain, "long": sample(invoice.KindInvoice, 60), "long-statement": sample(invoice.KindStatement, 70)}
	for _, kind := range invoice.Kinds {
		documents[strings.ToLower(string(kind))] = sample(kind, 4)
	}
	for name, d := range documents {
		file := render(t, p, d)
		require.True(t, bytes.HasPrefix(file, []byte("%PDF-1.")), name)
		require.Less(t, len(file), 150<<10, "%s: the font is a subset", name)
		if *draw != "" {
			require.NoError(t, os.WriteFile(filepath.Join(*draw, name+".pdf"), file, 0o600))
		}
	}
	require.Equal(t, 1, pages(render(t, p, documents["invoice"])))
	require.Greater(t, pages(render(t, p, documents["long"])), 2)
}

func TestTheSameDocumentGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	p, d := newPrinter(t), sample(invoice.KindInvoice, 30)
	first := render(t, p, d)
	require.Equal(t, first, render(t, newPrinter(t), d), "from another process")
	var all sync.WaitGroup
	files := make([][]byte, 16)
	for i := range files {
		all.Go(func() { // others are drawn meanwhile
			if files[i] = first; i%2 == 0 {
				files[i] = render(t, p, d)
				return
			}
			render(t, p, sample(invoice.KindStatement, i))
		})
	}
	all.Wait()
	for _, file := range files {
		require.Equal(t, first, file)
	}
	d.Content.To.Name += "ら"
	require.NotEqual(t, first, render(t, p, d))
}

func TestDocumentsSayWhatTheLawAsksFor(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	text := said(t, render(t, p, sample(invoice.KindInvoice, 4)))
	for _, must := range []string{
		"請 求 書", "（適格請求書）", "I-00000042", "2026年11月25日", "株式会社わんこ堂", "T9000000000000", "〒150-0001", "のれんビル 3階",
		"〒530-0001", "株式会社ふくふくペット", "経理部 髙﨑 花子 様", "¥41,164", "7K3M9-PQ2XA", "2026年11月22日", "国産鹿肉ドッグフード 成犬用", "11,960",
		"さつまいもクッキー ※", "8%※", "10%対象", "39,220", "35,655", "3,565", "8%対象（軽減※）", "1,944", "1,800", "144", "※は軽減税率（8%）対象です。", "見本銀行", "カ）ワンコドウ",
	} {
		require.Contains(t, text, must)
	}
	require.NotContains(t, text, "〓")
	receipt := sample(invoice.KindReceipt, 1)
	receipt.Content.ReissueOf = "R-00000007"
	text = said(t, render(t, p, receipt))
	for _, must := range []string{"株式会社ふくふくペット 御中", "但 ペット用品代として", "上記正に領収いたしました。", "再発行", "R-00000007", "収入印紙は不要"} {
		require.Contains(t, text, must)
	}
	text = said(t, render(t, p, sample(invoice.KindCreditNote, 1)))
	require.Contains(t, text, "適 格 返 還 請 求 書")
	require.Contains(t, text, "請求書 No. I-00000041（2026年11月16日発行）")
	require.Contains(t, text, "お客様都合による返品")
	require.NotContains(t, text, "見本銀行", "nothing is to be paid")

	direct := sample(invoice.KindDeliveryNote, 3)
	direct.Content.Unpriced = true
	text = said(t, render(t, p, direct))
	require.Contains(t, text, "国産鹿肉")
	for _, never := range []string{"5,980", "金額", "税"} {
		require.NotContains(t, text, never, "the buyer's customer sees no prices")
	}
	for settled, word := range map[invoice.Settled]string{invoice.SettledPaid: "お支払い済みです。", invoice.SettledAccount: "お支払いは締め請求書にてお願いいたします。"} {
		paid := sample(invoice.KindInvoice, 1)
		paid.Content.Order.Settled = settled
		text = said(t, render(t, p, paid))
		require.Contains(t, text, word)
		require.NotContains(t, text, "見本銀行", "nobody pays twice")
	}
	plain := sample(invoice.KindInvoice, 1)
	plain.Content.Issuer.RegistrationNumber = ""
	text = said(t, render(t, p, plain))
	require.NotContains(t, text, "適格")
	require.NotContains(t, text, "登録番号")
}

func TestLongDocumentsRunOverPages(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	file := render(t, p, sample(invoice.KindInvoice, 60))
	text, n := strings.ReplaceAll(said(t, file), " / ", "/"), pages(file)
	for page := 1; page <= n; page++ {
		require.Contains(t, text, fmt.Sprintf("%d/%d", page, n))
	}
	require.Equal(t, n-1, strings.Count(text, "請求書（つづき）"))
	require.Equal(t, 15, strings.Count(text, "国産鹿肉ドッグフード"))
	text = said(t, render(t, p, sample(invoice.KindStatement, 70)))
	for _, must := range []string{"I-00000001", "I-00000070", "繰越金額", "19,670", "11月20日"} {
		require.Contains(t, text, must)
	}
}

func TestAnotherFontMayBeUsed(t *testing.T) {
	t.Parallel()
	p, err := pdf.NewPrinter(fonts.PressStart2P_ttf) // without kanji
	require.NoError(t, err)
	require.Contains(t, said(t, render(t, p, sample(invoice.KindInvoice, 1))), "I-00000042")
	_, err = pdf.NewPrinter([]byte("no font"))
	require.Error(t, err)
}

func TestCharactersThatTheFontLacksAreSeen(t *testing.T) {
	t.Parallel()
	d := sample(invoice.KindInvoice, 1)
	d.Content.To = invoice.Party{Company: "㈱の野🐟徳\tペット", Name: "鷗 邉\U000E0100 か\u3099"}
	text := said(t, render(t, newPrinter(t), d))
	require.Contains(t, text, "(株)の野〓徳 ペット", "what a character is made of, else 〓")
	require.Contains(t, text, "〓〓が様")
}
