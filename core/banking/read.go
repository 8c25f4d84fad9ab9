package banking

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// What a statement may be at most.
const (
	maxFile = 8 << 20
	maxRows = 20_000
)

// Failures of a file as a whole.
var (
	ErrTooLarge = fault.Invalid("FILE_TOO_LARGE", "ファイルが大きすぎます（8MB・20,000行まで）", "The file is larger than 8 MB or 20,000 rows")
	ErrEmpty    = fault.Invalid("FILE_UNREADABLE", "ファイルに明細がありません", "The file has no lines")
	ErrColumns  = fault.Invalid("FILE_UNREADABLE", "「%s」の列が見つかりません。列の設定を確認してください", "There is no column for %s; look at the profile")
	ErrNotText  = fault.Invalid("FILE_UNREADABLE", "CSVファイル（UTF-8またはシフトJIS）ではありません", "This is not CSV in UTF-8 or CP932")
)

// Row is one deposit of a statement.
type Row struct {
	Line   int
	On     time.Time // the bank's day, at midnight in the zone
	Minor  int64
	Payer  string
	Text   string // all that the bank says
	Finger string // tells it from any other row of the file, and is the same in another file

	Account string // of the shop, that it came to; empty where the file does not say
	Mark    string // tells it from rows that look alike; empty if nothing does
}

// File is a statement that was read.
type File struct {
	Digest string
	Rows   []Row // deposits; what went out is passed over
	Others int   // rows that are skipped: what went out, sums, the ends of 全銀 files
	Vague  bool  // the bank's numbers only count the file's rows
	Errors []ledger.BadRow
}

// Read reads a statement: CSV by its profile, or a 全銀 file of fixed length, which its
// content tells. A row that cannot be read is an error of its line and
// column; what is wrong with the file as a whole fails.
func Read(r io.Reader, p Profile, currency money.Currency, zone *time.Location) (*File, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the statement: %w", err)
	}
	if len(raw) > maxFile {
		return nil, ErrTooLarge.At("file")
	}
	sum := sha256.Sum256(raw)
	reading := &reading{currency: currency, zone: zone, file: &File{Digest: hex.EncodeToString(sum[:])}, seen: map[string]int{}, numbers: numbering{}}
	if records := zenginRecords(raw); records != nil {
		err := reading.fixed(records)
		reading.file.Vague = reading.numbers.counts()
		return reading.file, err
	}
	text, err := decode(raw)
	if err != nil {
		return nil, err
	}
	reading.csv = csv.NewReader(strings.NewReader(text))
	reading.csv.FieldsPerRecord, reading.csv.LazyQuotes = -1, true
	reading.kinds = hasKinds(text, p)
	err = reading.all(p)
	reading.file.Vague = reading.numbers.counts()
	return reading.file, err
}

// decode is the text of a file: UTF-8, or what Japanese banks write.
func decode(raw []byte) (string, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(raw, 0) >= 0 {
		return "", ErrNotText.At("file")
	}
	if utf8.Valid(raw) {
		return string(raw), nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(raw)
	if err != nil {
		return "", ErrNotText.At("file")
	}
	return string(text), nil
}

type reading struct {
	csv      *csv.Reader
	file     *File
	layout   layout
	kinds    bool // the first column looks like the kind of the record
	headings []string
	currency money.Currency
	zone     *time.Location
	seen     map[string]int // equal rows of one statement are told apart by their number
	numbers  numbering
}

func (r *reading) all(p Profile) error {
	skip := p.Skip
	for {
		fields, err := r.csv.Read()
		line, _ := 0, 0
		if len(fields) > 0 {
			line, _ = r.csv.FieldPos(0)
		}
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			if len(r.file.Rows)+len(r.file.Errors)+r.file.Others == 0 {
				return ErrEmpty.At("file")
			}
			return nil
		case errors.As(err, &syntax):
			r.refuse(syntax.StartLine, -1, "", "引用符の使い方が正しくありません", "The quotes are not right")
			continue
		case err != nil:
			return err
		}
		switch {
		case skip > 0:
			skip--
		case p.Heading && r.headings == nil:
			r.headings = fields
			var missing string
			if r.layout, missing = p.layout(fields); missing != "" {
				return ErrColumns.With(missing, missing).At("file")
			}
		default:
			if !p.Heading {
				r.layout, _ = p.layout(nil)
			}
			r.row(line, fields)
		}
		if len(r.file.Rows)+len(r.file.Errors)+r.file.Others > maxRows {
			return ErrTooLarge.At("file")
		}
	}
}

// row takes one row: a deposit, an error, or something else.
func (r *reading) row(line int, fields []string) {
	get := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return strings.TrimSpace(fields[i])
	}
	for i, field := range fields {
		if strings.ContainsRune(field, utf8.RuneError) {
			r.refuse(line, i, field, "文字コードが正しくありません", "The characters cannot be read")
			return
		}
	}
	number := cut(get(r.layout.number), maxMark)
	if number != "" {
		r.numbers.add("", number)
	}
	minor := r.deposit(line, get)
	if minor == 0 {
		return
	}
	on, ok := parseDay(get(r.layout.date), r.zone)
	if !ok {
		r.refuse(line, r.layout.date, get(r.layout.date), "日付が読み取れません", "The date cannot be read")
		return
	}
	payer := cut(get(r.layout.payer), 200)
	text := cut(strings.TrimSpace(payer+" "+get(r.layout.text)), 400)
	r.file.Rows = append(r.file.Rows, Row{
		Line: line, On: on, Minor: minor, Payer: payer, Text: text, Finger: r.finger(on, minor, text), Mark: mark(r.balance(get(r.layout.balance)), number),
	})
}

// maxMark bounds what tells a row apart, in characters.
const maxMark = 60

// balance is what was on the account after a row, however it is written; empty where the
// bank does not say.
func (r *reading) balance(text string) string {
	minor, ok := parseAmount(text, r.currency)
	if text == "" || !ok {
		return ""
	}
	return strconv.FormatInt(minor, 10)
}

// deposit is what came in by a row of which get answers the columns; 0 for one that is
// skipped or refused.
func (r *reading) deposit(line int, get func(int) string) int64 {
	amount, flag, flagged := get(r.layout.deposit), get(r.layout.direction), r.layout.direction >= 0
	minor, ok := parseAmount(amount, r.currency)
	switch {
	case r.envelope(get(0)), ok && minor == 0: // an end of the file, a sum, an empty row
		r.file.Others++
	case flagged && outgoing(flag), r.layout.shared && ok && minor < 0:
		r.file.Others++
	case flagged && !incoming(flag):
		r.refuse(line, r.layout.direction, flag, "入金か出金か読み取れません", "Whether it came in or went out cannot be read")
	case !ok || minor < 0:
		r.refuse(line, r.layout.deposit, amount, "入金額が読み取れません", "The amount cannot be read")
	default:
		return minor
	}
	return 0
}

// finger is the same for a row in whatever file the bank gives it out, and differs
// for equal deposits of one day by their number.
func (r *reading) finger(on time.Time, minor int64, text string) string {
	key := strings.Join([]string{on.Format(time.DateOnly), strconv.FormatInt(minor, 10), strings.Join(strings.Fields(norm.NFKC.String(text)), " ")}, "\x1f")
	r.seen[key]++
	sum := sha256.Sum256([]byte(key + "\x1f" + strconv.Itoa(r.seen[key])))
	return hex.EncodeToString(sum[:16])
}

func (r *reading) refuse(line, column int, value, ja, en string) {
	name := ""
	switch {
	case column >= 0 && column < len(r.headings):
		name = cut(r.headings[column], 100)
	case column >= 0:
		name = strconv.Itoa(column + 1)
	}
	r.file.Errors = append(r.file.Errors, ledger.BadRow{Line: line, Column: name, Value: cut(strings.ToValidUTF8(value, ""), 100), Reason: i18n.Text{"ja": ja, "en": en}})
}

// cut is the text without what a database cannot keep, and not longer than that.
func cut(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// parseAmount reads "12,345", "¥12,345", "１２３４５円", and below 0 "-5", "▲5".
func parseAmount(text string, currency money.Currency) (int64, bool) {
	text = norm.NFKC.String(text)
	text = strings.NewReplacer(",", "", "¥", "", "\\", "", "円", "", " ", "", "+", "", "▲", "-", "△", "-").Replace(text)
	whole, fraction, _ := strings.Cut(text, ".")
	digits := int(currency.Digits())
	for len(fraction) > digits && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	if len(fraction) > digits || whole == "" {
		return 0, text == ""
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", digits-len(fraction)), 10, 64)
	if err != nil || minor > money.Max || minor < -money.Max {
		return 0, false
	}
	return minor, true
}

// eras are the years before the first of each era, by what banks write for them.
var eras = map[string]int{"令和": 2018, "R": 2018, "平成": 1988, "H": 1988}

// parseDay reads "2026/4/1", "20260401", "2026年4月1日", "R8.4.1", "令和8年4月1日", and
// "080401", the year of the era as 全銀 files have it.
func parseDay(text string, zone *time.Location) (time.Time, bool) {
	text = strings.ToUpper(strings.TrimSpace(norm.NFKC.String(text)))
	base := 0
	for name, years := range eras {
		if rest, found := strings.CutPrefix(text, name); found {
			text, base = strings.Replace(rest, "元年", "1年", 1), years
		}
	}
	if i := strings.IndexByte(text, ' '); i > 0 { // a time of day
		text = text[:i]
	}
	parts, ofEra := dayParts(text)
	if ofEra && base == 0 {
		base = eras["令和"]
	}
	if len(parts) != 3 {
		return time.Time{}, false
	}
	var n [3]int
	for i, part := range parts {
		var err error
		if n[i], err = strconv.Atoi(part); err != nil || n[i] < 0 {
			return time.Time{}, false
		}
	}
	day := time.Date(n[0]+base, time.Month(n[1]), n[2], 0, 0, 0, 0, zone)
	if day.Year() < 1990 || day.Year() > 2200 || int(day.Month()) != n[1] || day.Day() != n[2] {
		return time.Time{}, false
	}
	return day, true
}

// dayParts are a day's year, month and day as written. ofEra says that the year is
// that of an era, though none is named: it has two digits.
func dayParts(text string) (parts []string, ofEra bool) {
	parts = strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/-.年月日", r) })
	if len(parts) != 1 {
		return parts, false
	}
	switch digits := parts[0]; len(digits) {
	case 8:
		return []string{digits[:4], digits[4:6], digits[6:]}, false
	case 6:
		return []string{digits[:2], digits[2:4], digits[4:]}, true
	}
	return nil, false
}
