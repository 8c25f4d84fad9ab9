package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// ReconcileInput is a gateway's report of some days.
type ReconcileInput struct {
	Gateway  string
	Days     Days
	File     io.Reader
	BookFees bool // write the report's fees into the journal, once for each file
}

// Difference is one payment on which the journal and the report disagree.
type Difference struct {
	Kind      DifferenceKind
	Reference string // the gateway's own id of the payment
	Journal   money.Money
	Report    money.Money
}

// DifferenceKind is what is wrong.
type DifferenceKind string

// The kinds of difference.
const (
	OnlyInReport  DifferenceKind = "ONLY_IN_REPORT"
	OnlyInJournal DifferenceKind = "ONLY_IN_JOURNAL"
	OtherAmount   DifferenceKind = "OTHER_AMOUNT"
)

// BadRow is why a row of a file was not taken. The other rows are.
type BadRow struct {
	Line   int       `json:"line"`   // of the file, from 1
	Column string    `json:"column"` // its heading or number; empty if the row as a whole is meant
	Value  string    `json:"value"`  // what stood there
	Reason i18n.Text `json:"reason"`
}

// Reconciliation is a report compared with the journal.
type Reconciliation struct {
	Rows        int
	Agreed      int // payments on which both say the same
	Gross       money.Money
	Fees        money.Money
	Differences []Difference
	BadRows     []BadRow
	FeeEntryID  *uuid.UUID
}

// FeeEntry is the id of the entry with the fees in the schema; nil if none was written.
func (r Reconciliation) FeeEntry() *string { return global("JournalEntry", r.FeeEntryID) }

// Failures of a report.
var (
	ErrReport  = fault.Invalid("FILE_UNREADABLE", "「%s」の列が見つかりません", "There is no column for %s")
	errTooBig  = fault.Invalid("FILE_TOO_LARGE", "ファイルが大きすぎます（16MBまで）", "The file is larger than 16 MB")
	errGateway = fault.ErrRequired.At("gateway")
)

const maxReport = 16 << 20

// columns of a report, by the names that gateways give them.
var columns = map[string][]string{
	"reference": {"payment_intent_id", "reference", "payment_id", "source_id", "決済番号", "取引id", "オーダーid"},
	"kind":      {"reporting_category", "type", "種別", "処理区分"},
	"gross":     {"gross", "amount", "金額", "取引金額", "利用金額"},
	"fee":       {"fee", "手数料", "決済手数料"},
}

// Reconcile compares a gateway's report with what the journal says of its payments,
// and lists on what they disagree (accountants).
func (s *Service) Reconcile(ctx context.Context, in ReconcileInput) (*Reconciliation, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if in.Gateway == "" {
		return nil, errGateway
	}
	ch := channel.From(ctx)
	span := Span{BrandID: ch.BrandID}
	var err error
	if span.From, span.Until, err = in.Days.span(ch.Zone()); err != nil {
		return nil, err
	}
	r, err := readReport(in.File, ch.Money())
	if err != nil {
		return nil, err
	}
	ours, err := s.Store.Cleared(ctx, in.Gateway, span)
	if err != nil {
		return nil, err
	}
	found := r.compare(ours)
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if in.BookFees && r.fees > 0 {
			if found.FeeEntryID, err = s.bookFees(ctx, in.Gateway, r); err != nil {
				return err
			}
		}
		return s.Events.Record(ctx, event.New(ctx, s.books.now(), "journal.reconciled", "Brand", ch.BrandID, map[string]any{
			"gateway": in.Gateway, "from": span.From, "until": span.Until, "rows": found.Rows, "agreed": found.Agreed, "differences": len(found.Differences), "fees": r.fees, "digest": r.digest,
		}))
	})
	return found, err
}

// bookFees writes the fees of a report down, once for each file.
func (s *Service) bookFees(ctx context.Context, gateway string, r *report) (*uuid.UUID, error) {
	brandID := channel.From(ctx).BrandID
	source := "fees:" + gateway + ":" + r.digest
	e := Entry{ID: uuid.NewSHA1(brandID, []byte(source)), BrandID: brandID, Kind: KindFee, Source: source, Currency: r.currency, Reference: gateway, Memo: "決済手数料"}
	e.DebitTo(Fees, "", r.fees)
	e.CreditTo(Clearing, gateway, r.fees)
	return &e.ID, s.books.Post(ctx, e)
}

// report is a gateway's file, summed by payment.
type report struct {
	digest   string
	currency money.Currency
	rows     int
	gross    int64
	fees     int64
	moved    map[string]int64
	bad      []BadRow
}

func readReport(from io.Reader, currency money.Currency) (*report, error) {
	raw, err := io.ReadAll(io.LimitReader(from, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	if len(raw) > maxReport {
		return nil, errTooBig.At("file")
	}
	sum := sha256.Sum256(raw)
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		if raw, err = japanese.ShiftJIS.NewDecoder().Bytes(raw); err != nil {
			return nil, ErrReport.With("決済番号", "reference").At("file")
		}
	}
	r := &report{digest: hex.EncodeToString(sum[:]), currency: currency, moved: map[string]int64{}}
	rows := csv.NewReader(bytes.NewReader(raw))
	rows.FieldsPerRecord, rows.LazyQuotes = -1, true
	head, err := rows.Read()
	if err != nil {
		return nil, ErrReport.With("決済番号", "reference").At("file")
	}
	at := map[string]int{}
	for name, known := range columns {
		at[name] = slices.IndexFunc(head, func(h string) bool {
			return slices.Contains(known, strings.ToLower(strings.TrimSpace(norm.NFKC.String(h))))
		})
	}
	for _, must := range [][2]string{{"reference", "決済番号"}, {"gross", "金額"}} {
		if at[must[0]] < 0 {
			return nil, ErrReport.With(must[1], must[0]).At("file")
		}
	}
	return r, r.read(rows, head, at)
}

func (r *report) read(rows *csv.Reader, head []string, at map[string]int) error {
	for {
		fields, err := rows.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &syntax):
			r.bad = append(r.bad, BadRow{Line: syntax.StartLine, Reason: i18n.Text{"ja": "引用符の使い方が正しくありません", "en": "The quotes are not right"}})
			continue
		case err != nil:
			return err
		}
		line, _ := rows.FieldPos(0)
		r.add(line, fields, head, at)
	}
}

// add takes one row: a charge, or a refund, which counts less whatever its sign. Rows
// without a payment, such as payouts, are passed over.
func (r *report) add(line int, fields, head []string, at map[string]int) {
	get := func(column string) string {
		if i := at[column]; i >= 0 && i < len(fields) {
			return strings.TrimSpace(fields[i])
		}
		return ""
	}
	reference := get("reference")
	if reference == "" {
		return
	}
	amount := func(column string) (int64, bool) {
		text := strings.NewReplacer(",", "", "¥", "", "円", "").Replace(norm.NFKC.String(get(column)))
		if text == "" && column == "fee" {
			return 0, true
		}
		d, err := decimal.NewFromString(text)
		if err != nil || len(text) > 30 {
			r.refuse(line, head[at[column]], get(column))
			return 0, false
		}
		m, err := money.Parse(d, r.currency)
		if err != nil {
			r.refuse(line, head[at[column]], get(column))
		}
		return m.Minor, err == nil
	}
	gross, ok := amount("gross")
	if !ok {
		return
	}
	fee, ok := amount("fee")
	if !ok {
		return
	}
	if kind := strings.ToLower(get("kind")); gross > 0 && (strings.Contains(kind, "refund") || strings.Contains(kind, "返金") || strings.Contains(kind, "取消")) {
		gross = -gross
	}
	r.rows, r.gross, r.fees = r.rows+1, r.gross+gross, r.fees+fee
	r.moved[reference] += gross
}

func (r *report) refuse(line int, column, value string) {
	runes := []rune(strings.ToValidUTF8(value, ""))
	r.bad = append(r.bad, BadRow{line, column, string(runes[:min(len(runes), 100)]), i18n.Text{"ja": "金額が読み取れません", "en": "The amount cannot be read"}})
}

// compare lists where the report and the journal differ.
func (r *report) compare(ours map[string]int64) *Reconciliation {
	of := func(minor int64) money.Money { return money.Of(minor, r.currency) }
	found := &Reconciliation{Rows: r.rows, Gross: of(r.gross), Fees: of(r.fees), BadRows: r.bad}
	add := func(kind DifferenceKind, reference string, journal, report int64) {
		found.Differences = append(found.Differences, Difference{kind, reference, of(journal), of(report)})
	}
	for reference, theirs := range r.moved {
		mine, known := ours[reference]
		switch {
		case !known && theirs != 0:
			add(OnlyInReport, reference, 0, theirs)
		case mine != theirs:
			add(OtherAmount, reference, mine, theirs)
		default:
			found.Agreed++
		}
	}
	for reference, mine := range ours {
		if _, known := r.moved[reference]; !known && mine != 0 {
			add(OnlyInJournal, reference, mine, 0)
		}
	}
	slices.SortFunc(found.Differences, func(a, b Difference) int { return strings.Compare(a.Reference, b.Reference) })
	return found
}
