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
	"time"
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
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// ReconcileInput is a gateway's report of some days.
type ReconcileInput struct {
	Gateway  string
	Days     Days
	File     io.Reader
	BookFees bool // write the report's fees into the journal, once for each day
}

// Difference is one payment on which the journal and the report disagree.
type Difference struct {
	ID               uuid.UUID
	BrandID          uuid.UUID
	ReconciliationID uuid.UUID
	Gateway          string
	MadeAt           time.Time
	Kind             DifferenceKind
	Reference        string // the gateway's own id of the payment
	Currency         money.Currency
	JournalMinor     int64 `db:"journal"`
	ReportMinor      int64 `db:"report"`
	ResolvedAt       *time.Time
	ResolvedBy       *uuid.UUID
	Note             string // what became of it
}

// GlobalID is the difference's id in the schema.
func (d Difference) GlobalID() string { return id.Global("GatewayDifference", d.ID) }

// OfReconciliation is the compared report's id in the schema.
func (d Difference) OfReconciliation() string {
	return id.Global("GatewayReconciliation", d.ReconciliationID)
}

// Accountant is the id in the schema of who noted what became of it; nil while it is open.
func (d Difference) Accountant() *string { return id.GlobalOrNone("Account", d.ResolvedBy) }

// Journal is what the journal says.
func (d Difference) Journal() money.Money { return money.Of(d.JournalMinor, d.Currency) }

// Report is what the report says.
func (d Difference) Report() money.Money { return money.Of(d.ReportMinor, d.Currency) }

// DifferenceFilter says which differences are wanted; what is nil does not count.
type DifferenceFilter struct {
	ReconciliationID *uuid.UUID
	Gateway          *string
	Open             *bool
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
	ID         uuid.UUID
	BrandID    uuid.UUID
	Gateway    string
	From       time.Time `db:"from_on"`
	To         time.Time `db:"to_on"`
	Digest     string    // of the file
	MadeAt     time.Time
	Rows       int
	Agreed     int // payments on which both say the same
	Differing  int // payments on which they do not
	Open       int // of them nobody has noted what became
	Currency   money.Currency
	GrossMinor int64 `db:"gross"`
	FeesMinor  int64 `db:"fees"`
	BadRows    []BadRow
	FeeEntryID *uuid.UUID
}

// maxBadRows bounds how many rows that cannot be read are kept.
const maxBadRows = 1000

// GlobalID is the compared report's id in the schema.
func (r Reconciliation) GlobalID() string { return id.Global("GatewayReconciliation", r.ID) }

// Gross is what the report's payments come to.
func (r Reconciliation) Gross() money.Money { return money.Of(r.GrossMinor, r.Currency) }

// Fees is what its fees come to.
func (r Reconciliation) Fees() money.Money { return money.Of(r.FeesMinor, r.Currency) }

// FeeEntry is the id of the entry with the fees in the schema; nil if none was written.
func (r Reconciliation) FeeEntry() *string { return id.GlobalOrNone("JournalEntry", r.FeeEntryID) }

// Failures of a report.
var (
	ErrReport  = fault.Invalid("FILE_UNREADABLE", "「%s」の列が見つかりません", "There is no column for %s")
	errTooBig  = fault.Invalid("FILE_TOO_LARGE", "ファイルが大きすぎます（16MBまで）", "The file is larger than 16 MB")
	errGateway = fault.ErrRequired.At("gateway")

	ErrGateway     = fault.Invalid("GATEWAY_UNKNOWN", "決済代行「%s」は設定されていません（%s）", "There is no gateway %s; those that are set up: %s")
	ErrReportBad   = fault.Invalid("GATEWAY_REPORT_BAD_ROWS", "読み取れない行が%d行あるため、手数料を記帳できません。手数料を記帳せずに照合すると行を確認できます", "%d of its rows cannot be read, so its fees are not booked; compare it without booking them to see which")
	ErrFeesBooked  = fault.Conflict("GATEWAY_FEES_BOOKED", "%s〜%sの手数料は記帳済みです。訂正するには、その仕訳を取り消してから記帳してください", "The fees of %s to %s are booked; to correct them, reverse that entry first")
	ErrReportKnown = fault.Conflict("GATEWAY_REPORT_KNOWN", "このファイルは%sに照合済みです", "This file was compared on %s")
	ErrResolved    = fault.Conflict("GATEWAY_DIFFERENCE_RESOLVED", "この差異は処理済みです", "What became of it has been noted already")
)

const maxReport = 16 << 20

// columns of a report, by the names that gateways give them.
var columns = map[string][]string{
	"reference": {"payment_intent_id", "reference", "payment_id", "source_id", "決済番号", "取引id", "オーダーid"},
	"kind":      {"reporting_category", "type", "種別", "処理区分"},
	"gross":     {"gross", "amount", "金額", "取引金額", "利用金額"},
	"fee":       {"fee", "手数料", "決済手数料"},
}

// ReconciliationStore keeps compared reports.
type ReconciliationStore interface {
	// Compared is the brand's compared report of the file, locked; nil if there is none.
	Compared(ctx context.Context, brandID uuid.UUID, gateway, digest string) (*Reconciliation, error)
	// InsertReconciliation writes a compared report down, and reports whether the file is new.
	InsertReconciliation(ctx context.Context, r Reconciliation, all []Difference) (bool, error)
	// FeesBooked is a compared report of the gateway, of a day that r is of too, whose fees are
	// booked and not taken back; nil if there is none. Until the transaction ends, nobody else
	// is told of the gateway.
	FeesBooked(ctx context.Context, r Reconciliation) (*Reconciliation, error)
	// SaveFeeEntry notes with which entry the fees are booked.
	SaveFeeEntry(ctx context.Context, r Reconciliation) error
	Reconciliations(ctx context.Context, brandID uuid.UUID, gateway *string, args page.Args) (page.Connection[Reconciliation], error)
	Differences(ctx context.Context, brandID uuid.UUID, f DifferenceFilter, args page.Args) (page.Connection[Difference], error)
	// LockDifference is nil if the brand has none such.
	LockDifference(ctx context.Context, brandID, differenceID uuid.UUID) (*Difference, error)
	SaveDifference(ctx context.Context, d Difference) error
}

// Reconcile compares a gateway's report with what the journal says of its payments, and
// keeps on what they disagree (accountants). A file is compared once; that its fees be
// booked may be said later. They are booked only if all of it can be read, and once for
// each day.
func (s *Service) Reconcile(ctx context.Context, in ReconcileInput) (*Reconciliation, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if err := s.knows(in.Gateway); err != nil {
		return nil, err
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
	books := in.BookFees && r.fees > 0
	if books && len(r.bad) > 0 {
		return nil, ErrReportBad.With(len(r.bad)).At("bookFees")
	}
	var done *Reconciliation
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		done, err = s.reconcile(ctx, in, r, span, books)
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// reconcile compares a report if it is new, and books its fees if it is to.
func (s *Service) reconcile(ctx context.Context, in ReconcileInput, r *report, span Span, books bool) (*Reconciliation, error) {
	found, err := s.Store.Compared(ctx, span.BrandID, in.Gateway, r.digest)
	if err != nil {
		return nil, err
	}
	if found != nil && (!books || found.FeeEntryID != nil) {
		zone := channel.From(ctx).Zone()
		return nil, ErrReportKnown.With(found.MadeAt.In(zone).Format("2006-01-02 15:04")).At("file")
	}
	if found == nil {
		if found, err = s.compare(ctx, in, r, span); err != nil {
			return nil, err
		}
	}
	if !books {
		return found, nil
	}
	return found, s.bookFees(ctx, found, r)
}

// knows fails for a gateway that is not set up.
func (s *Service) knows(gateway string) error {
	switch {
	case gateway == "":
		return errGateway
	case !slices.Contains(s.Gateways, gateway):
		return ErrGateway.With(gateway, strings.Join(s.Gateways, ", ")).At("gateway")
	}
	return nil
}

// compare compares a report that is new, and writes down what came of it.
func (s *Service) compare(ctx context.Context, in ReconcileInput, r *report, span Span) (*Reconciliation, error) {
	ours, err := s.Store.Cleared(ctx, in.Gateway, span)
	if err != nil {
		return nil, err
	}
	all, agreed := r.compare(ours)
	found := &Reconciliation{
		ID: id.New(), BrandID: span.BrandID, Gateway: in.Gateway, From: in.Days.From, To: in.Days.To, Digest: r.digest, MadeAt: s.books.now(),
		Rows: r.rows, Agreed: agreed, Differing: len(all), Open: len(all), Currency: r.currency, GrossMinor: r.gross, FeesMinor: r.fees,
		BadRows: r.bad[:min(len(r.bad), maxBadRows)],
	}
	for i := range all {
		d := &all[i]
		d.ID, d.BrandID, d.ReconciliationID, d.Gateway, d.MadeAt, d.Currency = id.New(), found.BrandID, found.ID, found.Gateway, found.MadeAt, r.currency
	}
	kept, err := s.Store.InsertReconciliation(ctx, *found, all)
	if err == nil && !kept { // somebody sent it at the same moment
		err = ErrReportKnown.With(found.MadeAt.In(channel.From(ctx).Zone()).Format("2006-01-02 15:04")).At("file")
	}
	if err != nil {
		return nil, err
	}
	return found, s.Events.Record(ctx, event.New(ctx, found.MadeAt, "journal.reconciled", "GatewayReconciliation", found.ID, map[string]any{
		"gateway": in.Gateway, "from": span.From, "until": span.Until, "rows": r.rows, "agreed": agreed, "differences": len(all), "fees": r.fees, "digest": r.digest,
	}))
}

// Reconciliations is one page of the reports that were compared, the newest first
// (accountants).
func (s *Service) Reconciliations(ctx context.Context, gateway *string, args page.Args) (page.Connection[Reconciliation], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Reconciliation]{}, err
	}
	return s.Store.Reconciliations(ctx, channel.From(ctx).BrandID, gateway, args)
}

// Differences is one page of what reports and the journal disagree on, the newest first
// (accountants).
func (s *Service) Differences(ctx context.Context, f DifferenceFilter, args page.Args) (page.Connection[Difference], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Difference]{}, err
	}
	return s.Store.Differences(ctx, channel.From(ctx).BrandID, f, args)
}

var errNote = fault.Invalid(fault.CodeTooLong, "1〜500文字で入力してください", "The note has 1 to 500 characters").At("note")

// ResolveInput says what became of a difference.
type ResolveInput struct {
	DifferenceID uuid.UUID
	Note         string
}

// Resolve notes what became of a payment on which a report and the journal disagree
// (accountants).
func (s *Service) Resolve(ctx context.Context, in ResolveInput) (*Difference, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	switch n := len([]rune(in.Note)); {
	case n == 0:
		return nil, fault.ErrRequired.At("note")
	case n > 500:
		return nil, errNote
	}
	var d *Difference
	err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if d, err = s.Store.LockDifference(ctx, channel.From(ctx).BrandID, in.DifferenceID); err != nil {
			return err
		}
		switch {
		case d == nil:
			return fault.ErrNotFound.At("differenceId")
		case d.ResolvedAt != nil:
			return ErrResolved.At("differenceId")
		}
		now, who := s.books.now(), access.From(ctx).ID
		d.ResolvedAt, d.ResolvedBy, d.Note = &now, &who, in.Note
		return errors.Join(s.Store.SaveDifference(ctx, *d), s.Events.Record(ctx, event.New(ctx, now, "journal.difference_resolved", "GatewayDifference", d.ID, map[string]any{
			"gateway": d.Gateway, "reference": d.Reference, "note": d.Note,
		})))
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// bookFees writes the fees of a compared report down, once for each day.
func (s *Service) bookFees(ctx context.Context, of *Reconciliation, r *report) error {
	booked, err := s.Store.FeesBooked(ctx, *of)
	switch {
	case err != nil:
		return err
	case booked != nil:
		return ErrFeesBooked.With(booked.From.Format(time.DateOnly), booked.To.Format(time.DateOnly)).At("bookFees")
	}
	source := "fees:" + of.Gateway + ":" + r.digest
	e := Entry{ID: uuid.NewSHA1(of.BrandID, []byte(source)), BrandID: of.BrandID, Kind: KindFee, Source: source, Currency: r.currency, Reference: of.Gateway, Memo: "決済手数料"}
	e.DebitTo(Fees, "", r.fees)
	e.CreditTo(Clearing, of.Gateway, r.fees)
	if err := s.books.Post(ctx, e); err != nil {
		return err
	}
	of.FeeEntryID = &e.ID
	return s.Store.SaveFeeEntry(ctx, *of)
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

// compare lists where the report and the journal differ, and counts where they agree.
func (r *report) compare(ours map[string]int64) (all []Difference, agreed int) {
	add := func(kind DifferenceKind, reference string, journal, report int64) {
		all = append(all, Difference{Kind: kind, Reference: reference, JournalMinor: journal, ReportMinor: report})
	}
	for reference, theirs := range r.moved {
		mine, known := ours[reference]
		switch {
		case !known && theirs != 0:
			add(OnlyInReport, reference, 0, theirs)
		case mine != theirs:
			add(OtherAmount, reference, mine, theirs)
		default:
			agreed++
		}
	}
	for reference, mine := range ours {
		if _, known := r.moved[reference]; !known && mine != 0 {
			add(OnlyInJournal, reference, mine, 0)
		}
	}
	slices.SortFunc(all, func(a, b Difference) int { return strings.Compare(a.Reference, b.Reference) })
	return all, agreed
}
