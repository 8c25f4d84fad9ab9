package purchase

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// maxJournal is how many bytes a journal has at most.
const maxJournal = 64 << 20

// maxErrors is how many errors of a journal are kept.
const maxErrors = 100

// columns of a journal, and those without which it is none.
var (
	columns  = []string{"店舗コード", "端末番号", "レシート番号", "営業日", "明細数", "商品コード", "数量", "金額", "時刻", "会員番号", "商品名", "合計"}
	required = columns[:8]
)

// Taken is a receipt that is whole, ready for the history.
type Taken struct {
	Purchase
	Lines []Line
}

// Journal is what a file of tills says.
type Journal struct {
	Digest   string
	Rows     int
	Receipts []Taken
	Refused  int
	Errors   []BadRow
}

// reading is a journal while it is read.
type reading struct {
	journal  Journal
	at       [12]int // of each column; -1: not there
	stores   map[string]uuid.UUID
	brand    uuid.UUID
	currency money.Currency
	zone     *time.Location
	now      time.Time
	open     map[receiptKey]*openReceipt
	order    []*openReceipt
	days     map[string]time.Time
	last     *openReceipt
}

type receiptKey struct{ store, till, receipt, day string }

// openReceipt is a receipt of which some rows have been read.
type openReceipt struct {
	Taken
	announced int // lines, as every row of it says
	total     *int64
	rows      int
	first     int // row of the file
	broken    bool
}

// Read reads a journal: UTF-8, or CP932 as tills write it. stores are the brand's, by
// code. A row with an error refuses its receipt and no other; so does a row that is
// missing, by the number of lines that each row of a receipt says.
func Read(file io.Reader, brand uuid.UUID, stores map[string]uuid.UUID, currency money.Currency, zone *time.Location, now time.Time) (*Journal, error) {
	raw, err := io.ReadAll(io.LimitReader(file, maxJournal+1))
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	if len(raw) > maxJournal {
		return nil, ErrTooLarge.With(maxJournal >> 20).At("file")
	}
	sum := sha256.Sum256(raw)
	text, err := decode(raw)
	if err != nil {
		return nil, err
	}
	r := &reading{
		journal: Journal{Digest: hex.EncodeToString(sum[:])}, stores: stores, brand: brand, currency: currency, zone: zone, now: now,
		open: map[receiptKey]*openReceipt{}, days: map[string]time.Time{},
	}
	if err := r.all(text); err != nil {
		return nil, err
	}
	r.close()
	return &r.journal, nil
}

// decode is the text of a file. What is in neither encoding is refused as a whole:
// characters read wrongly would be kept for ever.
func decode(raw []byte) (string, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(raw, 0) >= 0 {
		return "", ErrFile.At("file")
	}
	if utf8.Valid(raw) {
		return string(raw), nil
	}
	text, err := japanese.ShiftJIS.NewDecoder().Bytes(raw)
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", ErrFile.At("file")
	}
	return string(text), nil
}

func (r *reading) all(text string) error {
	source := csv.NewReader(strings.NewReader(text))
	source.FieldsPerRecord, source.ReuseRecord, source.LazyQuotes = -1, true, true
	heading, err := source.Read()
	if errors.Is(err, io.EOF) {
		return ErrEmpty.At("file")
	}
	if err != nil {
		return ErrFile.At("file")
	}
	if err := r.headed(heading); err != nil {
		return err
	}
	width := len(heading)
	for {
		fields, err := source.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line := r.journal.Rows + 2
		if len(fields) > 0 {
			line, _ = source.FieldPos(0)
		}
		r.journal.Rows++
		switch {
		case err != nil:
			r.refuse(line, "", "", "引用符の使い方が正しくありません", "The quotes are not right")
		case len(fields) == 1 && strings.TrimSpace(fields[0]) == "":
			r.journal.Rows--
		case len(fields) != width:
			r.short(line, fields)
		default:
			r.row(line, fields)
		}
	}
	if r.journal.Rows == 0 {
		return ErrEmpty.At("file")
	}
	r.ended(text)
	return nil
}

// ended refuses a last row without an end, which may lack digits of its amount: only a
// total would tell.
func (r *reading) ended(text string) {
	if r.last != nil && r.last.total == nil && !r.last.broken && !strings.HasSuffix(text, "\n") {
		r.last.broken = true
		r.refuse(r.journal.Rows+1, "", "", "最後の行が改行で終わっていません。ファイルが途中で切れている可能性があります", "The last row does not end; perhaps the file breaks off here")
	}
}

// headed finds the columns by their headings.
func (r *reading) headed(heading []string) error {
	for i, name := range columns {
		r.at[i] = slices.IndexFunc(heading, func(h string) bool { return strings.TrimSpace(h) == name })
		if r.at[i] < 0 && i < len(required) {
			return ErrColumns.With(name).At("file")
		}
	}
	return nil
}

func (r *reading) get(fields []string, column int) string {
	if i := r.at[column]; i >= 0 && i < len(fields) {
		return strings.TrimSpace(fields[i])
	}
	return ""
}

// short refuses a row that breaks off, and with it the receipt that it names, if it does.
// What stood there is not kept: it is a whole purchase with whose card it was.
func (r *reading) short(line int, fields []string) {
	r.refuse(line, "", "", "列の数が見出しと違います。ファイルが途中で切れている可能性があります", "The row has not as many columns as the heading; perhaps the file breaks off here")
	if found := r.open[r.key(fields)]; found != nil {
		found.broken = true
	}
}

func (r *reading) key(fields []string) receiptKey {
	return receiptKey{r.get(fields, 0), r.get(fields, 1), r.get(fields, 2), r.get(fields, 3)}
}

// row adds a row to its receipt.
func (r *reading) row(line int, fields []string) {
	key := r.key(fields)
	receipt := r.open[key]
	if receipt == nil {
		receipt = &openReceipt{first: line}
		r.open[owned(key)] = receipt
		r.order = append(r.order, receipt)
		receipt.broken = !r.head(line, fields, receipt)
	}
	receipt.rows++
	r.last = receipt
	quantity, err1 := strconv.Atoi(half(r.get(fields, 6)))
	amount, err2 := strconv.ParseInt(strings.ReplaceAll(half(r.get(fields, 7)), ",", ""), 10, 64)
	code, name := half(r.get(fields, 5)), r.get(fields, 10)
	bad := true
	switch {
	case err1 != nil || quantity == 0 || quantity > maxQuantity || quantity < -maxQuantity:
		r.bad(line, 6, fields, "数量が正しくありません", "The quantity is not right")
	case err2 != nil || amount > maxAmount || amount < -maxAmount:
		r.bad(line, 7, fields, "金額が正しくありません", "The amount is not right")
	case code == "" || len(code) > maxCode:
		r.bad(line, 5, fields, "商品コードは1〜64文字で指定してください", "The code has 1 to 64 characters")
	case utf8.RuneCountInString(name) > maxText:
		r.bad(line, 10, fields, "商品名が長すぎます", "The name is too long")
	default:
		bad = false
	}
	if bad {
		receipt.broken = true
		return
	}
	receipt.Lines = append(receipt.Lines, Line{Position: len(receipt.Lines) + 1, Code: code, Name: strings.Clone(name), Quantity: quantity, AmountMinor: amount})
	receipt.Items += quantity
	receipt.TotalMinor += amount
}

// Bounds of one line.
const (
	maxQuantity = 100_000
	maxAmount   = 10_000_000_000
	maxCode     = 64
	maxText     = 200
)

// owned is the key in memory of its own: the reader uses its record again.
func owned(k receiptKey) receiptKey {
	return receiptKey{strings.Clone(k.store), strings.Clone(k.till), strings.Clone(k.receipt), strings.Clone(k.day)}
}

// head reads what all rows of a receipt say; false if it is wrong.
func (r *reading) head(line int, fields []string, to *openReceipt) bool {
	store, known := r.stores[r.get(fields, 0)]
	day, err := r.day(r.get(fields, 3))
	announced, err2 := strconv.Atoi(half(r.get(fields, 4)))
	card := cardNumber(r.get(fields, 9))
	till, number := half(r.get(fields, 1)), half(r.get(fields, 2))
	switch {
	case !known:
		r.bad(line, 0, fields, "店舗コードが登録されていません", "There is no such store")
	case till == "" || len(till) > maxCode:
		r.bad(line, 1, fields, "端末番号がありません", "The till is missing")
	case number == "" || len(number) > maxCode:
		r.bad(line, 2, fields, "レシート番号がありません", "The receipt's number is missing")
	case err != nil:
		r.bad(line, 3, fields, "営業日が正しくありません（2026/01/31 または 20260131）", "The business day is not right (2026/01/31 or 20260131)")
	case !traded(day, r.now):
		r.bad(line, 3, fields, "営業日が"+tradedJA+"ではありません", "The business day is not "+tradedEN)
	case err2 != nil || announced < 1:
		r.bad(line, 4, fields, "明細数が正しくありません", "The number of lines is not right")
	case len(card) > maxCode:
		r.bad(line, 9, fields, "会員番号が長すぎます", "The member number is too long")
	default:
		at, err := r.moment(day, r.get(fields, 8))
		if err != nil {
			r.bad(line, 8, fields, "時刻が正しくありません（13:05）", "The time is not right (13:05)")
			return false
		}
		if text := strings.ReplaceAll(half(r.get(fields, 11)), ",", ""); text != "" {
			total, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				r.bad(line, 11, fields, "合計が正しくありません", "The total is not right")
				return false
			}
			to.total = &total
		}
		to.announced = announced
		to.Purchase = Purchase{
			ID: id.New(), BoughtOn: day, BoughtAt: at, BrandID: r.brand, CardNumber: strings.Clone(card), Source: InStore, StoreID: &store,
			Till: strings.Clone(till), Receipt: strings.Clone(number), Currency: r.currency,
		}
		return true
	}
	return false
}

// traded reports whether a receipt can be of the day: none is kept for longer, and the day of
// a till may be ahead by its zone. The history makes room for each month that it is told of.
func traded(day, now time.Time) bool {
	return !day.Before(now.AddDate(-maxYears, 0, 0)) && !day.After(now.AddDate(0, 0, 1))
}

const (
	maxYears = 20
	tradedJA = "過去20年以内（未来は翌日まで）の日付"
	tradedEN = "within the last 20 years, nor tomorrow"
)

// half is the text with full-width digits and letters made half-width.
func half(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return strings.TrimSpace(norm.NFKC.String(s))
		}
	}
	return s
}

// cardNumber is the form in which cards are known: without spaces around it and hyphens, in
// half width.
func cardNumber(typed string) string {
	return strings.ReplaceAll(strings.TrimSpace(half(typed)), "-", "")
}

func (r *reading) day(text string) (time.Time, error) {
	if day, ok := r.days[text]; ok {
		return day, nil
	}
	clean := half(text)
	for _, layout := range []string{"2006/1/2", "2006-1-2", "20060102"} {
		if day, err := time.Parse(layout, clean); err == nil {
			r.days[strings.Clone(text)] = day
			return day, nil
		}
	}
	return time.Time{}, errors.New("no day")
}

// moment is the time of the business day; noon where the till says none. Hours beyond 24
// belong to the business day before (25:30 is half past one at night).
func (r *reading) moment(day time.Time, text string) (time.Time, error) {
	hour, minute, second := 12, 0, 0
	if text != "" {
		parts := strings.Split(half(text), ":")
		if len(parts) < 2 || len(parts) > 3 {
			return time.Time{}, errors.New("no time")
		}
		for i, to := range []*int{&hour, &minute, &second}[:len(parts)] {
			n, err := strconv.Atoi(parts[i])
			if err != nil || n < 0 || n > 59 || i == 0 && n > 29 {
				return time.Time{}, errors.New("no time")
			}
			*to = n
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), hour, minute, second, 0, r.zone).UTC(), nil
}

func (r *reading) bad(line, column int, fields []string, ja, en string) {
	r.refuse(line, columns[column], r.get(fields, column), ja, en)
}

// refuse notes why a row is not taken.
func (r *reading) refuse(line int, column, value, ja, en string) {
	if len(r.journal.Errors) < maxErrors {
		if runes := []rune(value); len(runes) > maxText {
			value = string(runes[:maxText])
		}
		r.journal.Errors = append(r.journal.Errors, BadRow{Line: line, Column: column, Value: strings.Clone(value), Reason: i18n.Text{"ja": ja, "en": en}})
	}
}

// close takes the receipts that are whole and refuses the others.
func (r *reading) close() {
	taken := 0
	for _, receipt := range r.order {
		if !receipt.broken && receipt.rows != receipt.announced {
			receipt.broken = true
			r.refuse(receipt.first, "明細数", strconv.Itoa(receipt.announced),
				fmt.Sprintf("レシート %s の明細が%d行しかありません（%d行のはずです）。取り込みませんでした", receipt.Receipt, receipt.rows, receipt.announced),
				fmt.Sprintf("The receipt %s has %d lines and should have %d; it was not taken", receipt.Receipt, receipt.rows, receipt.announced))
		}
		if !receipt.broken && receipt.total != nil && *receipt.total != receipt.TotalMinor {
			receipt.broken = true
			r.refuse(receipt.first, "合計", strconv.FormatInt(*receipt.total, 10),
				fmt.Sprintf("レシート %s の明細の合計は%d円で、合計と一致しません。取り込みませんでした", receipt.Receipt, receipt.TotalMinor),
				fmt.Sprintf("The lines of receipt %s come to %d, not to its total; it was not taken", receipt.Receipt, receipt.TotalMinor))
		}
		if !receipt.broken {
			r.journal.Receipts = append(r.journal.Receipts, receipt.Taken)
			taken += receipt.rows
		}
	}
	r.journal.Refused = r.journal.Rows - taken
}
