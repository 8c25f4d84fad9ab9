package statistics

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"time"
)

// Sheet says which figures a CSV has.
type Sheet string

// The sheets.
const (
	SheetPurchases     Sheet = "PURCHASES"
	SheetCards         Sheet = "CARDS"
	SheetRegistrations Sheet = "REGISTRATIONS"
)

// columns are a sheet's figures by their headings.
var columns = map[Sheet]struct {
	headings []string
	values   func(Figures) []string
}{
	SheetPurchases: {[]string{"receipts", "returned", "items", "total", "member_receipts", "member_total", "currency"}, func(f Figures) []string {
		return []string{strconv.Itoa(f.Receipts), strconv.Itoa(f.Returned), strconv.Itoa(f.Items), f.Total().Amount().String(),
			strconv.Itoa(f.MemberReceipts), f.MemberTotal().Amount().String(), string(f.Currency)}
	}},
	SheetCards: {[]string{"physical_cards", "digital_cards", "reissued_cards"}, func(f Figures) []string {
		return []string{strconv.Itoa(f.PhysicalCards), strconv.Itoa(f.DigitalCards), strconv.Itoa(f.ReissuedCards)}
	}},
	SheetRegistrations: {[]string{"registrations"}, func(f Figures) []string { return []string{strconv.Itoa(f.Registrations)} }},
}

// CSV is the figures as a sheet, with day and store as they were asked for.
func CSV(sheet Sheet, by Grouping, all []Figures) (string, error) {
	c, ok := columns[sheet]
	if !ok {
		return "", ErrBy.At("sheet")
	}
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	of := func(day, store string) (cells []string) {
		if by != ByStore {
			cells = append(cells, day)
		}
		if by != ByDay {
			cells = append(cells, store)
		}
		return cells
	}
	_ = out.Write(append(of("day", "store"), c.headings...)) // a buffer takes everything
	for _, f := range all {
		day, store := "", f.StoreName["ja"]
		if f.Day != nil {
			day = f.Day.Format(time.DateOnly)
		}
		if f.StoreID == nil {
			store = "オンライン"
		}
		_ = out.Write(append(of(day, store), c.values(f)...))
	}
	out.Flush()
	return text.String(), out.Error()
}

// PointsCSV is the points' figures as a sheet.
func PointsCSV(all []Points) (string, error) {
	var text bytes.Buffer
	out := csv.NewWriter(&text)
	_ = out.Write([]string{"day", "programme", "earned", "granted", "used", "expired", "exchanged", "outstanding"}) // a buffer takes everything
	for _, p := range all {
		cells := []string{p.Day.Format(time.DateOnly), p.Code}
		for _, n := range []int64{p.Earned, p.Granted, p.Used, p.Expired, p.Exchanged, p.Outstanding} {
			cells = append(cells, strconv.FormatInt(n, 10))
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return text.String(), out.Error()
}
