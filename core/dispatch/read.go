package dispatch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/importing"
	"github.com/noren-commerce/noren/core/order"
)

// What a file of results may be at most.
const (
	maxFile = 8 << 20
	maxRows = 20_000
)

// Failures of a file of results as a whole.
var (
	ErrTooLarge   = fault.Invalid("FILE_TOO_LARGE", "ファイルが大きすぎます（8MB・20,000行まで）", "The file is larger than 8 MB or 20,000 rows")
	errNotText    = fault.Invalid("FILE_UNREADABLE", "CSVファイル（UTF-8またはシフトJIS）でもExcelファイルでもありません", "This is neither CSV in UTF-8 or CP932 nor xlsx")
	errEmpty      = fault.Invalid("FILE_UNREADABLE", "ファイルに出荷実績がありません", "The file has no rows")
	errUnreadable = fault.Invalid("FILE_UNREADABLE", "ファイルを読み取れません。%s", "The file cannot be read: %s")
)

// The columns of results, by one of the names that carriers give them.
const (
	columnReference = "お客様管理番号"
	columnTracking  = "伝票番号"
	columnShipped   = "出荷日"
	columnPlanned   = "出荷予定日"
	columnCarrier   = "運送会社"
)

// headings are how carriers and warehouses head the columns, after folding.
var headings = map[string]string{
	"お客様管理番号": columnReference, "お客様管理ナンバー": columnReference, "出荷番号": columnReference, "管理番号": columnReference, "shipment": columnReference,
	"伝票番号": columnTracking, "送り状番号": columnTracking, "お問い合せ送り状no.": columnTracking, "お問合せ送り状no": columnTracking, "お問い合わせ番号": columnTracking, "問合せ番号": columnTracking, "追跡番号": columnTracking, "tracking_number": columnTracking,
	"出荷日": columnShipped, "発送日": columnShipped, "出荷実績日": columnShipped, "shipped_on": columnShipped, "出荷予定日": columnPlanned,
	"運送会社": columnCarrier, "運送会社コード": columnCarrier, "配送業者": columnCarrier, "carrier": columnCarrier,
}

func named(heading string) string {
	folded := strings.ToLower(strings.Join(strings.Fields(norm.NFKC.String(strings.TrimPrefix(heading, "\ufeff"))), ""))
	if column, ok := headings[folded]; ok {
		return column
	}
	return heading
}

// ResultRow is one row of a file of results.
type ResultRow struct {
	Line      int        `json:"line"`
	Reference string     `json:"reference"`       // as it stands in the file
	Number    string     `json:"number"`          // the order's
	Nth       int        `json:"nth"`             // among the order's shipments; 0: not said
	Prize     string     `json:"prize,omitempty"` // the prize exchange's number, instead of an order's
	Tracking  string     `json:"tracking"`
	ShippedOn *time.Time `json:"shippedOn,omitempty"`
	Carrier   string     `json:"carrier,omitempty"` // a carrier's code
}

// Rejection is why a row was not taken.
type Rejection struct {
	Line   int       `json:"line"`
	Column string    `json:"column"`
	Value  string    `json:"value"`
	Reason i18n.Text `json:"reason"`
}

// results is a file of results that was read.
type results struct {
	digest     string
	rows       []ResultRow
	rejections []Rejection
}

// read reads a file of results; days are in the zone, and none lies behind now.
func read(r io.Reader, zone *time.Location, now time.Time) (*results, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the results: %w", err)
	case len(raw) > maxFile:
		return nil, ErrTooLarge.At("file")
	case bytes.IndexByte(raw, 0) >= 0 && !bytes.HasPrefix(raw, []byte("PK\x03\x04")): // UTF-16, or no text at all
		return nil, errNotText.At("file")
	}
	sum := sha256.Sum256(raw)
	found := &results{digest: hex.EncodeToString(sum[:])}
	for row, err := range importing.Rows(bytes.NewReader(raw), named, columnReference, columnTracking) {
		var bad importing.Rejection
		switch {
		case errors.As(err, &bad) && len(found.rows)+len(found.rejections) == 0:
			f := *errUnreadable.At("file")
			f.JA, f.EN = fmt.Sprintf(f.JA, bad.JA), fmt.Sprintf(f.EN, bad.EN)
			return nil, &f
		case errors.As(err, &bad): // the rest cannot be read: what came before can
			found.reject(bad)
		case err != nil:
			return nil, err
		case row.Bad != nil:
			found.reject(*row.Bad)
		default:
			found.take(row, zone, now)
		}
		if len(found.rows)+len(found.rejections) > maxRows {
			return nil, ErrTooLarge.At("file")
		}
	}
	if len(found.rows)+len(found.rejections) == 0 {
		return nil, errEmpty.At("file")
	}
	return found, nil
}

func (f *results) reject(bad importing.Rejection) {
	f.rejections = append(f.rejections, Rejection{bad.Line, bad.Column, strings.ToValidUTF8(strings.ReplaceAll(bad.Value, "\x00", ""), ""), i18n.Text{"ja": bad.JA, "en": bad.EN}})
}

// exponent is a number that a spreadsheet has rounded (4.91234E+11).
var exponent = regexp.MustCompile(`^[0-9.]+E\+?[0-9]+$`)

func (f *results) take(row importing.Row, zone *time.Location, now time.Time) {
	r := ResultRow{Line: row.Line, Reference: row.Get(columnReference), Tracking: strings.TrimSpace(norm.NFKC.String(row.Get(columnTracking))), Carrier: row.Get(columnCarrier)}
	refuse := func(column, value, ja, en string) {
		runes := []rune(value)
		f.rejections = append(f.rejections, Rejection{row.Line, column, string(runes[:min(len(runes), 100)]), i18n.Text{"ja": ja, "en": en}})
	}
	ok := true
	if r.Prize = prizeNumber(r.Reference); r.Prize == "" {
		r.Number, r.Nth, ok = reference(r.Reference)
	}
	if !ok {
		refuse(columnReference, r.Reference, "出荷番号（注文番号-連番）ではありません", "This is no shipment's number (the order's, a hyphen, its place)")
		return
	}
	switch {
	case exponent.MatchString(strings.ToUpper(r.Tracking)):
		refuse(columnTracking, r.Tracking, "表計算ソフトで丸められた番号です。文字列として保存してください", "A spreadsheet has rounded this number; save it as text")
		return
	case order.ParcelKey(r.Tracking) == "" || len([]rune(r.Tracking)) > 100:
		refuse(columnTracking, r.Tracking, "送り状番号がありません", "There is no tracking number")
		return
	}
	day := row.Get(columnShipped)
	if day == "" {
		day = row.Get(columnPlanned)
	}
	if day != "" {
		on, ok := dayOf(day, zone)
		if !ok || on.After(now) {
			refuse(columnShipped, day, "出荷日が読み取れないか、未来の日付です", "The day cannot be read, or is to come")
			return
		}
		r.ShippedOn = &on
	}
	f.rows = append(f.rows, r)
}

// prizeForm is the number of a prize exchange.
var prizeForm = regexp.MustCompile(`^PZ-[0-9A-F]{12}$`)

// prizeNumber reads the number of a prize exchange; empty if it is none.
func prizeNumber(text string) string {
	text = strings.ToUpper(strings.TrimSpace(norm.NFKC.String(text)))
	if !prizeForm.MatchString(text) {
		return ""
	}
	return text
}

// reference reads a shipment's number; nth is 0 where only the order's stands there.
func reference(text string) (number string, nth int, ok bool) {
	text = norm.NFKC.String(text)
	if i := strings.LastIndex(text, "-"); i > 0 {
		n, err := strconv.Atoi(strings.TrimSpace(text[i+1:]))
		if number, ok = order.ParseNumber(text[:i]); ok && err == nil && n > 0 && n < 10_000 {
			return number, n, true
		}
	}
	number, ok = order.ParseNumber(text)
	return number, 0, ok
}

// dayOf reads a day as carriers, warehouses and spreadsheets write it.
func dayOf(text string, zone *time.Location) (time.Time, bool) {
	text, _, _ = strings.Cut(strings.TrimSpace(norm.NFKC.String(text)), " ")
	for _, layout := range []string{"2006/1/2", "2006-1-2", "20060102", "2006年1月2日", time.RFC3339} {
		if day, err := time.ParseInLocation(layout, text, zone); err == nil {
			return day, day.Year() > 2000
		}
	}
	if serial, err := strconv.Atoi(text); err == nil && serial > 36_526 && serial < 100_000 { // days since 1899, as xlsx has them
		return time.Date(1899, 12, 30, 0, 0, 0, 0, zone).AddDate(0, 0, serial), true
	}
	return time.Time{}, false
}
