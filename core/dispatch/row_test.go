package dispatch

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/pricing"
)

var (
	hanako = customer.Address{Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Line2: "のれんハイツ101", Phone: "09012345678"}
	shop   = Sender{Address: customer.Address{Company: "わんこ堂", Name: "出荷係", PostalCode: "5300001", Prefecture: "OSAKA", City: "大阪市北区", Line1: "梅田4-5-6", Phone: "0612345678"}, CustomerCode: "0612345678", FareCode: "01"}
	monday = time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
)

func delivery() Delivery {
	return Delivery{ID: id.New(), Number: "7KXQ9-B4TMH", Nth: 2, To: hanako, Mode: pricing.ShipNormal, Temperature: "AMBIENT", Goods: []Goods{{"首輪", 2}}}
}

// cells are the row's by heading.
func cells(t *testing.T, profile string, d Delivery) (map[string]string, []Remark) {
	t.Helper()
	all, err := Profiles()
	require.NoError(t, err)
	p := find(all, profile)
	require.NotNil(t, p)
	row, remarks := p.row(d, shop, monday)
	found := map[string]string{}
	for i, c := range p.Columns {
		if i < len(row) {
			require.LessOrEqual(t, size(row[i]), c.Width, c.Heading)
			found[c.Heading] = row[i]
		}
	}
	return found, remarks
}

func TestAParcelInTheStyleOfB2(t *testing.T) {
	t.Parallel()
	d := delivery()
	row, remarks := cells(t, "yamato-b2", d)
	require.Empty(t, remarks)
	for heading, want := range map[string]string{
		"お客様管理番号": "7KXQ9-B4TMH-2", "送り状種類": "0", "クール区分": "0", "出荷予定日": "2026/11/30", "お届け予定日": "", "お届け先電話番号": "09012345678", "お届け先郵便番号": "150-0001",
		"お届け先住所": "東京都渋谷区神宮前1-2-3", "お届け先アパートマンション名": "のれんハイツ101", "お届け先名": "山田 花子", "ご依頼主名": "わんこ堂 出荷係", "品名１": "首輪×2", "品名２": "",
		"ｺﾚｸﾄ代金引換額（税込)": "", "請求先顧客コード": "0612345678", "運賃管理番号": "01",
	} {
		require.Equal(t, want, row[heading], heading)
	}
	d.Temperature, d.CollectMinor, d.CollectTax, d.TimeBand = "FROZEN", 2970, 270, "14-16"
	d.DeliverOn = &monday
	d.Goods = []Goods{{"首輪", 1}, {"リード", 1}, {"おやつ", 3}}
	row, remarks = cells(t, "yamato-b2", d)
	require.Empty(t, remarks)
	require.Equal(t, []string{"2", "1", "2026/11/30", "1416", "2970", "270", "首輪×1", "リード×1ほか"},
		[]string{row["送り状種類"], row["クール区分"], row["お届け予定日"], row["配達時間帯"], row["ｺﾚｸﾄ代金引換額（税込)"], row["内消費税額等"], row["品名１"], row["品名２"]})
}

func TestAParcelInTheStyleOfEHiden(t *testing.T) {
	t.Parallel()
	d := delivery()
	d.Temperature, d.CollectMinor, d.CollectTax, d.TimeBand, d.DeliverOn = "CHILLED", 2970, 270, "08-12", &monday
	d.To.Company = "株式会社みほん"
	row, remarks := cells(t, "sagawa-ehiden", d)
	require.Empty(t, remarks)
	for heading, want := range map[string]string{
		"お客様管理番号": "7KXQ9-B4TMH-2", "お届け先住所１": "東京都渋谷区神宮前1-2-3", "お届け先住所２": "のれんハイツ101", "お届け先住所３": "", "お届け先名称１": "株式会社みほん", "お届け先名称２": "山田 花子",
		"クール便指定": "002", "配達日": "20261130", "配達指定時間帯": "01", "代引金額": "2970", "消費税": "270", "ご依頼主名称１": "わんこ堂", "出荷日": "2026/11/30",
	} {
		require.Equal(t, want, row[heading], heading)
	}
}

func TestADirectShipmentComesFromTheBuyer(t *testing.T) {
	t.Parallel()
	d := delivery()
	d.Mode, d.Buyer = pricing.ShipDirect, "フクフク商店"
	row, remarks := cells(t, "yamato-b2", d)
	require.Empty(t, remarks)
	require.Equal(t, "フクフク商店", row["ご依頼主名"])
	require.NotContains(t, strings.Join(slices.Collect(func(yield func(string) bool) {
		for _, v := range row {
			if !yield(v) {
				return
			}
		}
	}), ","), "わんこ堂")
	billed := customer.Address{Company: "フクフク商店", Name: "福田", PostalCode: "9800001", Prefecture: "MIYAGI", City: "仙台市", Line1: "1-1", Phone: "0221234567"}
	d.Billing = &billed
	row, _ = cells(t, "yamato-b2", d)
	require.Equal(t, []string{"フクフク商店 福田", "宮城県仙台市1-1", "0221234567"}, []string{row["ご依頼主名"], row["ご依頼主住所"], row["ご依頼主電話番号"]})
	d.Billing, d.Buyer = nil, ""
	_, remarks = cells(t, "yamato-b2", d)
	require.Len(t, remarks, 1)
	require.False(t, remarks[0].Taken, "the end customer must not read who supplied it")
}

func TestWhatALabelCannotSay(t *testing.T) {
	t.Parallel()
	d := delivery()
	d.To.Name, d.To.Line2, d.TimeBand = "𠮷田 花子😀", "パークサイド〜東−1", "09-11"
	row, remarks := cells(t, "yamato-b2", d)
	require.Equal(t, []string{"〓田 花子〓", "パークサイド～東－1", ""}, []string{row["お届け先名"], row["お届け先アパートマンション名"], row["配達時間帯"]})
	require.Len(t, remarks, 2)
	require.Equal(t, []string{"配達時間帯", "09-11", "お届け先名", "𠮷😀"}, []string{remarks[0].Column, remarks[0].Value, remarks[1].Column, remarks[1].Value})
	require.True(t, remarks[0].Taken && remarks[1].Taken)

	// A long street runs on where the building stands; what fits nowhere is no row.
	d = delivery()
	d.To.Line1 = strings.Repeat("町", 30)
	row, remarks = cells(t, "yamato-b2", d)
	require.Empty(t, remarks)
	require.Equal(t, "東京都渋谷区"+strings.Repeat("町", 26), row["お届け先住所"])
	require.Equal(t, strings.Repeat("町", 4)+" のれんハイツ101", row["お届け先アパートマンション名"])
	d.To.Line1 = strings.Repeat("町", 60)
	row, remarks = cells(t, "yamato-b2", d)
	require.Equal(t, "お届け先住所", remarks[0].Column)
	require.False(t, remarks[0].Taken)
	require.Contains(t, remarks[0].Value, d.To.Line1, "nothing of it is lost")
	require.Empty(t, row["お届け先住所"])
}

func TestAFileIsCP932AndHasNoRejectedRow(t *testing.T) {
	t.Parallel()
	all, err := Profiles()
	require.NoError(t, err)
	good, bad := delivery(), delivery()
	bad.To.Name = strings.Repeat("長", 40)
	var b Batch
	content, taken, err := all[0].file([]Delivery{bad, good}, shop, monday, &b)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{good.ID}, taken)
	require.Equal(t, 1, b.Shipments)
	require.Len(t, b.Remarks, 1)
	text, err := japanese.ShiftJIS.NewDecoder().String(string(content))
	require.NoError(t, err)
	require.Contains(t, text, "\r\n")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, all[0].Headings(), rows[0])
}

func TestNoCharacterOfAnAddressIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringMatching(`[東京都渋谷区ァ-ヶ0-9ｱ-ﾝ -]{0,40}`), 1, 3).Draw(t, "parts")
		for i, p := range parts {
			parts[i], _ = plain(p)
		}
		widths := rapid.SliceOfN(rapid.IntRange(2, 64), 1, 4).Draw(t, "widths")
		columns, ok := flow(parts, widths)
		tight := func(all []string) string { return strings.ReplaceAll(strings.Join(all, ""), " ", "") }
		if !ok {
			room := 0
			for _, w := range widths {
				room += w - 1 // a full-width character may not fit the last byte
			}
			require.Greater(t, size(strings.Join(parts, " ")), room)
			return
		}
		require.Equal(t, tight(parts), tight(columns))
		for i, c := range columns {
			require.LessOrEqual(t, size(c), widths[i])
		}
	})
}
