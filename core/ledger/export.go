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

// RowKey is where a part of the file ended.
type RowKey struct {
	At       time.Time `json:"t"`
	EntryID  uuid.UUID `json:"e"`
	Position int16     `json:"p"`
}

// Span is the rows of a brand that moved from one moment on and before another,
// behind a key, at most so many; 0 for all.
type Span struct {
	BrandID     uuid.UUID
	From, Until time.Time
	After       *RowKey
	Limit       int
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

// Encoding is how a file's characters are written.
type Encoding string

// The encodings.
const (
	UTF8  Encoding = "utf-8" // with a byte order mark, for Excel
	CP932 Encoding = "cp932"
)

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
func (s *Service) Export(ctx context.Context, d Days, encoding Encoding, to io.Writer) (lines int, err error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return 0, err
	}
	ch := channel.From(ctx)
	span := Span{BrandID: ch.BrandID}
	if span.From, span.Until, err = d.span(ch.Zone()); err != nil {
		return 0, err
	}
	buffered := bufio.NewWriterSize(to, 256<<10)
	var out io.Writer = buffered
	if encoding == CP932 {
		out = &cp932{to: buffered, encode: japanese.ShiftJIS.NewEncoder().Bytes}
	} else if _, err := buffered.WriteString("\ufeff"); err != nil {
		return 0, err
	}
	w := newWriter(out, ch.Zone())
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

// Part is one part of the settlement file, for clients that fetch it piece by piece.
type Part struct {
	Text string
	Next string // where the next part begins; empty at the end
}

// PartInput asks for a part of the settlement file.
type PartInput struct {
	Days
	After string
}

// partRows is how many lines of the journal a part has.
const partRows = 2000

// ExportPart is one part of the file that Export writes; put the parts one behind the
// other.
func (s *Service) ExportPart(ctx context.Context, in PartInput) (Part, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return Part{}, err
	}
	ch := channel.From(ctx)
	span := Span{BrandID: ch.BrandID, Limit: partRows}
	var err error
	if span.From, span.Until, err = in.span(ch.Zone()); err != nil {
		return Part{}, err
	}
	var text strings.Builder
	w := newWriter(&text, ch.Zone())
	if in.After != "" {
		if span.After, err = parseKey(in.After); err != nil {
			return Part{}, err
		}
	} else if err := w.csv.Write(header); err != nil {
		return Part{}, err
	}
	n, last := 0, RowKey{}
	err = s.Store.Rows(ctx, span, func(r *Row) error {
		n, last = n+1, RowKey{r.At, r.EntryID, r.Position}
		return w.row(r)
	})
	w.csv.Flush()
	p := Part{Text: text.String()}
	if n == partRows {
		p.Next = last.String()
	}
	return p, errors.Join(err, w.csv.Error())
}

var errAfter = fault.Invalid(fault.CodeInvalid, "続きの位置が正しくありません", "This is not where a part ended").At("after")

// String is the key as clients hand it back.
func (k RowKey) String() string {
	return fmt.Sprintf("%d_%s_%d", k.At.UnixMicro(), k.EntryID, k.Position)
}

func parseKey(text string) (*RowKey, error) {
	parts := strings.Split(text, "_")
	if len(parts) != 3 {
		return nil, errAfter
	}
	micros, err1 := strconv.ParseInt(parts[0], 10, 64)
	entry, err2 := uuid.Parse(parts[1])
	position, err3 := strconv.ParseInt(parts[2], 10, 16)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, errAfter
	}
	return &RowKey{time.UnixMicro(micros).UTC(), entry, int16(position)}, nil
}
