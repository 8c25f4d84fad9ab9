package ledger

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/sheet"
)

// Row is one line of the settlement file.
type Row struct {
	EntryID   uuid.UUID
	At        time.Time
	Kind      Kind
	Reference string
	Company   string // its code
	Gateway   string // the gateway's own id of the payment
	Memo      string
	Currency  money.Currency
	Position  int16
	Account   Account
	Sub       string
	Debit     int64
	Credit    int64
}

// Span is the rows of a brand from one moment on and before another: by when the money
// moved, or if Posted by when they were written down.
type Span struct {
	BrandID     uuid.UUID
	From, Until time.Time
	Zone        *time.Location // in which days are written
	Posted      bool
	WrittenBy   *time.Time // what was written down later is not wanted; nil: all
}

// ReportStore reads the journal as files have it.
type ReportStore interface {
	// Rows gives the span's rows to each, one by one, in the order of time: however
	// many there are, few are in memory.
	Rows(ctx context.Context, s Span, each func(*Row) error) error
	// Cleared are what the gateway's payments moved in the span, by its own ids.
	Cleared(ctx context.Context, gateway string, s Span) (map[string]int64, error)
}

// header is the first line of the settlement file.
var header = []string{"日付", "伝票番号", "区分", "勘定科目コード", "勘定科目", "補助科目", "借方", "貸方", "通貨", "参照", "得意先コード", "決済番号", "摘要"}

// writer writes rows as CSV.
type writer struct {
	csv    *csv.Writer
	zone   *time.Location
	record []string
	names  map[Account]string
	day    time.Time // of the last row, and how it is written
	ends   time.Time
	text   string
}

func newWriter(w io.Writer, zone *time.Location) *writer {
	out := &writer{csv: csv.NewWriter(w), zone: zone, record: make([]string, len(header)), names: map[Account]string{}}
	out.csv.UseCRLF = true
	for _, a := range Accounts {
		out.names[a] = a.Name().In("ja")
	}
	return out
}

func (w *writer) row(r *Row) error {
	if r.At.Before(w.day) || !r.At.Before(w.ends) {
		year, month, day := r.At.In(w.zone).Date()
		w.day = time.Date(year, month, day, 0, 0, 0, 0, w.zone)
		w.ends, w.text = w.day.AddDate(0, 0, 1), w.day.Format(time.DateOnly)
	}
	w.record[0], w.record[1], w.record[2], w.record[3], w.record[4], w.record[5] = w.text, r.EntryID.String(), string(r.Kind), string(r.Account), w.names[r.Account], safe(r.Sub)
	w.record[6], w.record[7] = side(r.Debit, r.Currency), side(r.Credit, r.Currency)
	w.record[8], w.record[9], w.record[10], w.record[11], w.record[12] = string(r.Currency), safe(r.Reference), safe(r.Company), safe(r.Gateway), safe(r.Memo)
	return w.csv.Write(w.record)
}

func side(minor int64, currency money.Currency) string {
	switch {
	case minor == 0:
		return ""
	case currency == money.JPY:
		return strconv.FormatInt(minor, 10)
	}
	return money.Of(minor, currency).String()
}

// safe keeps a spreadsheet from taking people's words for a formula.
func safe(text string) string {
	if text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		return "'" + text
	}
	return text
}

// Days are whole days of a zone.
type Days struct{ From, To time.Time }

// errDays says that the days are in the wrong order.
var errDays = fault.Invalid(fault.CodeInvalid, "終了日は開始日以降を指定してください", "The last day is not before the first")

// span is the days as moments, the last day included.
func (d Days) span(zone *time.Location) (from, until time.Time, err error) {
	if d.To.Before(d.From) {
		return from, until, errDays.At("to")
	}
	begin := func(day time.Time) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
	}
	return begin(d.From), begin(d.To.AddDate(0, 0, 1)), nil
}

// Export writes the settlement file of the days: every line of the journal, for the
// accounts department. It streams: memory does not grow with the journal.
func (s *Service) Export(ctx context.Context, d Days, encoding sheet.Encoding, to io.Writer) (lines int, err error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return 0, err
	}
	ch := channel.From(ctx)
	span := Span{BrandID: ch.BrandID, Zone: ch.Zone()}
	if span.From, span.Until, err = d.span(ch.Zone()); err != nil {
		return 0, err
	}
	return s.stream(ctx, span, encoding, to)
}

func (s *Service) stream(ctx context.Context, span Span, encoding sheet.Encoding, to io.Writer) (lines int, err error) {
	buffered := bufio.NewWriterSize(to, 256<<10)
	var out io.Writer = buffered
	if encoding == sheet.CP932 {
		out = &cp932{to: buffered, encode: japanese.ShiftJIS.NewEncoder().Bytes}
	} else if _, err := buffered.WriteString("\ufeff"); err != nil {
		return 0, err
	}
	w := newWriter(out, span.Zone)
	err = w.csv.Write(header)
	if err == nil {
		err = s.Store.Rows(ctx, span, func(r *Row) error {
			lines++
			return w.row(r)
		})
	}
	w.csv.Flush()
	return lines, errors.Join(err, w.csv.Error(), buffered.Flush())
}

// cp932 writes what comes as Windows-31J; what it has no character for becomes 〓.
type cp932 struct {
	to     io.Writer
	encode func([]byte) ([]byte, error)
	rest   []byte // of a character that a write has cut in two
}

// Write encodes p.
func (c *cp932) Write(p []byte) (int, error) {
	whole := append(c.rest, p...)
	end := len(whole)
	for i := 1; i <= min(3, end); i++ {
		if b := whole[end-i]; b >= 0xc0 { // a first byte whose others are not there yet
			if need := 2 + b2i(b >= 0xe0) + b2i(b >= 0xf0); i < need {
				end -= i
			}
			break
		} else if b < 0x80 {
			break
		}
	}
	text := whole[:end]
	encoded, err := c.encode(text)
	if err != nil {
		var all strings.Builder
		for _, r := range string(text) {
			if _, err := c.encode([]byte(string(r))); err != nil {
				r = '〓'
			}
			all.WriteRune(r)
		}
		if encoded, err = c.encode([]byte(all.String())); err != nil {
			return 0, fmt.Errorf("write as CP932: %w", err)
		}
	}
	c.rest = append([]byte(nil), whole[end:]...)
	if _, err := c.to.Write(encoded); err != nil {
		return 0, err
	}
	return len(p), nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
