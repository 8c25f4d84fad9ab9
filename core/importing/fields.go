package importing

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// fields reads the values of one product and collects what is wrong with them.
type fields struct {
	o        Options
	slug     string
	problems []Rejection
	failed   bool
}

func (f *fields) fail(line int, column, value, ja, en string, args ...any) {
	r := reject(line, column, value, ja, en, args...)
	r.Slug = f.slug
	f.problems, f.failed = append(f.problems, r), true
}

func (f *fields) warn(line int, column, value, ja, en string, args ...any) {
	r := reject(line, column, value, ja, en, args...)
	r.Slug, r.Warning = f.slug, true
	f.problems = append(f.problems, r)
}

// bad collects the rows that could not be read.
func (f *fields) bad(group []row) {
	for _, r := range group {
		if r.bad != nil {
			problem := *r.bad
			problem.Slug = f.slug
			f.problems, f.failed = append(f.problems, problem), true
		}
	}
}

// amount reads a price in major units into minor ones; nil if the cell is empty.
func (f *fields) amount(r row, column string) *int64 {
	text := number(r.get(column))
	if text == "" {
		return nil
	}
	value, err := Number(text)
	if err != nil || value.IsNegative() {
		f.fail(r.line, column, r.get(column), "0以上の金額ではありません", "This is not an amount of 0 or more")
		return nil
	}
	exact := value.Shift(f.o.Currency.Digits())
	if !exact.IsInteger() && f.o.Exact {
		f.fail(r.line, column, r.get(column), "%sでは小数点以下の桁数が多すぎます", "This has more decimals than %s", f.o.Currency)
		return nil
	}
	if exact.GreaterThan(decimal.NewFromInt(money.Max)) {
		f.fail(r.line, column, r.get(column), "金額が大きすぎます", "The amount is too large")
		return nil
	}
	minor := money.RoundHalfUp.Round(exact)
	if !exact.IsInteger() {
		f.warn(r.line, column, r.get(column), "%sに丸めました", "Rounded to %s", money.Of(minor, f.o.Currency))
	}
	return &minor
}

// whole reads a whole number of at least 0; 0 if the cell is empty.
func (f *fields) whole(r row, column string, scale decimal.Decimal) int {
	text := number(r.get(column))
	if text == "" {
		return 0
	}
	value, err := Number(text)
	if err == nil {
		value = value.Mul(scale).Round(0)
	}
	if err != nil || value.IsNegative() || value.GreaterThan(decimal.NewFromInt(1<<31-1)) {
		f.fail(r.line, column, r.get(column), "0以上の整数ではありません", "This is not a whole number of 0 or more")
		return 0
	}
	return int(value.IntPart())
}

// yes reads a truth value; nil if the cell is empty.
func (f *fields) yes(r row, column string) *bool {
	yes := false
	switch strings.ToLower(r.get(column)) {
	case "":
		return nil
	case "true", "1", "yes", "y", "○", "はい":
		yes = true
	case "false", "0", "no", "n", "×", "いいえ":
	default:
		f.fail(r.line, column, r.get(column), "true か false で指定してください", "This is neither true nor false")
	}
	return &yes
}

// japan is the zone of moments that a file writes without one.
var japan = time.FixedZone("JST", 9*60*60)

// moment reads a date or a time; nil if the cell is empty.
func (f *fields) moment(r row, column string) *time.Time {
	text := r.get(column)
	if text == "" {
		return nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04", "2006/01/02 15:04", "2006/1/2 15:04", "2006-01-02", "2006/01/02", "2006/1/2"} {
		if t, err := time.ParseInLocation(form, text, japan); err == nil {
			t = t.UTC()
			return &t
		}
	}
	if serial, err := strconv.ParseFloat(text, 64); err == nil && serial > 20_000 && serial < 80_000 { // a date cell of Excel
		if t, err := excelize.ExcelDateToTime(serial, false); err == nil {
			t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, japan).UTC()
			return &t
		}
	}
	f.fail(r.line, column, text, "日付は 2026-11-23 の形で書いてください", "A date is written as 2026-11-23")
	return nil
}

// plain is a number that fits into memory and a database: 1e999999999 does not.
var plain = regexp.MustCompile(`^[+-]?\d{1,20}(\.\d{1,25})?([eE][+-]?\d{1,2})?$`)

var errNumber = errors.New("this is not a number")

// Number reads a decimal number of ordinary size.
func Number(s string) (decimal.Decimal, error) {
	if !plain.MatchString(s) {
		return decimal.Decimal{}, errNumber
	}
	return decimal.NewFromString(s)
}

// number folds full-width digits and drops grouping, ¥ and 円.
func number(s string) string {
	s = norm.NFKC.String(s)
	return strings.TrimSpace(strings.NewReplacer(",", "", "¥", "", "\\", "", "円", "").Replace(s))
}

// list splits a cell at the separator and drops what is empty.
func list(cell, separator string) []string {
	var all []string
	for _, part := range strings.Split(cell, separator) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func position(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// say rejects a cell for the failures that a rule of the trade found.
func (f *fields) say(line int, column, value string, err error) {
	for _, x := range fault.All(err) {
		f.fail(line, column, value, x.JA, x.EN)
	}
}
