package points

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
)

// Outgoing is a file of transfers for another point system.
type Outgoing struct {
	BatchID uuid.UUID
	Count   int
	More    bool // some wait for another file
	CSV     string
}

// ExportInput asks for a file for a partner.
type ExportInput struct {
	IdempotencyKey string
	PartnerID      uuid.UUID
}

// exportedAtOnce is how many transfers a file has at most: it is made in memory, and answered
// by a file that is read so.
const exportedAtOnce = 20_000

// ExportTransfers writes what is reserved for a partner into a file, and counts it as
// sent (the system's API client, or staff of the head office, with POINT_WRITE). The same key gives the same file again.
func (s *Service) ExportTransfers(ctx context.Context, in ExportInput) (*Outgoing, error) {
	partnerID := in.PartnerID
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	partner, err := s.partner(ctx, partnerID)
	if err != nil {
		return nil, err
	}
	if partner.Way != WayFile {
		return nil, ErrPartner.At("partnerId")
	}
	batch, err := idempotency.Once(ctx, s.Keys, "exportPointTransfers", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		batch := id.New()
		if err := s.Store.MarkBatch(ctx, partnerID, batch, exportedAtOnce, s.Now()); err != nil {
			return batch, err
		}
		return batch, s.Events.Record(ctx, event.New(ctx, s.Now(), "point_transfer.exported", "PointPartner", partnerID, map[string]any{"batchId": batch}))
	})
	if err != nil {
		return nil, err
	}
	all, err := s.Store.Batch(ctx, partnerID, batch)
	if err != nil {
		return nil, err
	}
	more := false
	if len(all) == exportedAtOnce {
		if more, err = s.Store.Reserved(ctx, partnerID); err != nil {
			return nil, err
		}
	}
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"id", "member", "points", "requested_at"}) // a buffer takes everything
	for _, t := range all {
		_ = sheet.Write([]string{t.ID.String(), safe(t.TheirMember), strconv.FormatInt(t.TheirPoints, 10), t.CreatedAt.UTC().Format(time.RFC3339)})
	}
	sheet.Flush()
	return &Outgoing{batch, len(all), more, text.String()}, sheet.Error()
}

// safe keeps a spreadsheet from reading a member's text as a formula.
func safe(text string) string {
	if strings.ContainsAny(text[:min(1, len(text))], "=+-@\t\r") {
		return "'" + text
	}
	return text
}

// Import is what became of a file from another point system.
type Import struct {
	Acknowledged int
	Returned     int
	Repeated     int // answered before, the same way
	Problems     []error
}

// maxRows bounds a file.
const maxRows = 100_000

// ImportInput is a partner's answers.
type ImportInput struct {
	PartnerID uuid.UUID
	CSV       io.Reader
}

// ImportAnswers reads a partner's answers: id, result (OK or NG), reference, reason
// (the system's API client with POINT_WRITE, or staff of the head office with POINT_ADMIN).
// A file that cannot be read changes nothing; a line that does
// not fit is left out and told.
func (s *Service) ImportAnswers(ctx context.Context, in ImportInput) (*Import, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	if _, err := s.settling(ctx, in.PartnerID); err != nil {
		return nil, err
	}
	rows, err := sheetOf(in.CSV, 4)
	if err != nil {
		return nil, err
	}
	done := &Import{}
	for some := range slices.Chunk(answersOf(rows, done), receivedAtOnce) {
		var part Import
		if err := s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
			part, err = s.answerSome(ctx, in.PartnerID, some)
			return err
		}); err != nil {
			return done, err
		}
		done.add(part)
	}
	return done, nil
}

func (i *Import) add(more Import) {
	i.Acknowledged, i.Returned, i.Repeated = i.Acknowledged+more.Acknowledged, i.Returned+more.Returned, i.Repeated+more.Repeated
	i.Problems = append(i.Problems, more.Problems...)
}

// answerLine is a line of a partner's answers that can be read.
type answerLine struct {
	line       int
	transferID uuid.UUID
	Answer
}

// answersOf are the rows that can be read; the others are told.
func answersOf(rows [][]string, done *Import) (all []answerLine) {
	for i, row := range rows {
		key, err := uuid.Parse(row[0])
		if err != nil || (row[1] != "OK" && row[1] != "NG") {
			done.Problems = append(done.Problems, ErrFile.With(i+2, "id, OK/NG"))
			continue
		}
		all = append(all, answerLine{i + 2, key, Answer{row[1] == "OK", row[2], row[3]}})
	}
	return all
}

// answerSome writes some answers down in the transaction of the context.
func (s *Service) answerSome(ctx context.Context, partnerID uuid.UUID, some []answerLine) (done Import, err error) {
	keys := make([]uuid.UUID, len(some))
	for i, l := range some {
		keys[i] = l.transferID
	}
	locked, err := s.Store.LockTransfers(ctx, keys)
	if err != nil {
		return done, err
	}
	theirs := map[uuid.UUID]*Transfer{}
	for i := range locked {
		if t := &locked[i]; t.PartnerID == partnerID && t.Outgoing {
			theirs[t.ID] = t
		}
	}
	var answered []*Transfer
	for _, l := range some {
		t := theirs[l.transferID]
		switch {
		case t == nil:
			done.Problems = append(done.Problems, onLine(l.line, ErrPartner))
		case !t.open() && !t.agrees(l.Answer):
			done.Problems = append(done.Problems, onLine(l.line, ErrState.With(t.State)))
		case !t.open():
			done.Repeated++
		default:
			t.answer(l.Answer, s.Now())
			answered = append(answered, t)
			if l.Accepted {
				done.Acknowledged++
			} else {
				done.Returned++
			}
		}
	}
	return done, s.settleTransfers(ctx, answered)
}

// sheetOf reads a CSV file with a heading and so many columns.
func sheetOf(file io.Reader, columns int) ([][]string, error) {
	text := bufio.NewReader(file)
	if mark, _ := text.Peek(len(byteOrder)); string(mark) == byteOrder {
		_, _ = text.Discard(len(byteOrder)) // they were just seen
	}
	r := csv.NewReader(text)
	r.FieldsPerRecord = columns
	var rows [][]string
	for line := 1; ; line++ {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			return rows, nil
		case err != nil:
			return nil, ErrFile.With(line, err.Error()).At("csv")
		case len(rows) >= maxRows:
			return nil, ErrFile.With(line, "too many lines").At("csv")
		case line > 1:
			rows = append(rows, row)
		}
	}
}

// byteOrder is what spreadsheets write before their text.
const byteOrder = "\ufeff"

// DifferenceCause is how books differ.
type DifferenceCause string

// The causes.
const (
	MissingThere DifferenceCause = "MISSING_THERE" // we have it as taken, they do not
	MissingHere  DifferenceCause = "MISSING_HERE"  // they have it, we do not, or as turned down
	PointsDiffer DifferenceCause = "POINTS"
	StillUnsaid  DifferenceCause = "OPEN" // they have it, and have not answered us
)

// Difference is a transfer of which we and another system say different things.
type Difference struct {
	ID        string // of the transfer, or their reference where we have none
	Cause     DifferenceCause
	OurPoints int64 // theirs, by our books
	Told      int64 // by their statement
}

// Reconciliation is our transfers of a time beside another system's statement.
type Reconciliation struct {
	Matched     int
	Differences []Difference
}

// ReconcileInput is a partner's statement of a time.
type ReconcileInput struct {
	PartnerID uuid.UUID
	From      time.Time
	Until     time.Time
	CSV       io.Reader
	Incoming  bool // of what came from there: by their references
}

// Reconcile compares a partner's statement (id, points) with the transfers that went
// there in a time, or that came from there (staff with POINT_READ). What the statement tells
// of is looked for at any time. Ours are read some at a time.
func (s *Service) Reconcile(ctx context.Context, in ReconcileInput) (*Reconciliation, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	if in.Until.Before(in.From) || in.Until.Sub(in.From) > longestPeriod {
		return nil, ErrPeriod.At("until")
	}
	if _, err := s.partner(ctx, in.PartnerID); err != nil {
		return nil, err
	}
	rows, err := sheetOf(in.CSV, 2)
	if err != nil {
		return nil, err
	}
	c := comparison{incoming: in.Incoming, told: map[string]int64{}, seen: map[string]bool{}}
	for i, row := range rows {
		n, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return nil, ErrFile.With(i+2, "points").At("csv")
		}
		c.told[row[0]] += n
	}
	if err := s.compare(ctx, in, &c); err != nil {
		return nil, err
	}
	return &c.Reconciliation, nil
}

const (
	longestPeriod   = 366 * 24 * time.Hour // of a statement
	comparedAtOnce  = 5000
	mostDifferences = 10_000
)

// compare compares the transfers of the time, and then those that the statement tells of and
// that are not of the time: they had them in their books later than we, or earlier.
func (s *Service) compare(ctx context.Context, in ReconcileInput, c *comparison) error {
	q := PeriodQuery{PartnerID: in.PartnerID, Outgoing: !in.Incoming, From: in.From, Until: in.Until, Most: comparedAtOnce}
	for {
		ours, err := s.Store.Between(ctx, q)
		if err != nil {
			return err
		}
		if c.with(ours); len(c.Differences) > mostDifferences {
			return ErrDifferent.With(mostDifferences).At("csv")
		}
		if len(ours) < comparedAtOnce {
			break
		}
		last := ours[len(ours)-1]
		q.From, q.After = last.CreatedAt, last.ID
	}
	more, err := s.beyond(ctx, in, c)
	if err != nil {
		return err
	}
	c.with(more)
	c.rest()
	return nil
}

// beyond are the transfers that the statement tells of and that nobody has seen yet.
func (s *Service) beyond(ctx context.Context, in ReconcileInput, c *comparison) ([]Transfer, error) {
	var references []string
	var keys []uuid.UUID
	for name := range c.told {
		if c.seen[name] {
			continue
		}
		references = append(references, name)
		if key, err := uuid.Parse(name); err == nil {
			keys = append(keys, key)
		}
	}
	switch {
	case len(references) == 0:
		return nil, nil
	case in.Incoming:
		return s.Store.Incoming(ctx, in.PartnerID, references)
	}
	return s.Store.Named(ctx, in.PartnerID, keys)
}

// named is what the other system calls the transfer: by our id, or by their reference if it
// came from there.
func (t Transfer) named(incoming bool) string {
	if incoming {
		return t.Reference
	}
	return t.ID.String()
}

// comparison is what we have beside what they told. It is pure.
type comparison struct {
	incoming bool
	told     map[string]int64
	seen     map[string]bool // of what they told
	Reconciliation
}

// with compares some of ours.
func (c *comparison) with(ours []Transfer) {
	for _, t := range ours {
		if t.Outgoing == c.incoming {
			continue
		}
		key, moved := t.named(c.incoming), c.incoming || t.State == StateAcknowledged
		n, there := c.told[key]
		if there {
			c.seen[key] = true
		}
		switch {
		case moved && !there:
			c.differ(key, MissingThere, t.TheirPoints, 0)
		case moved && n == t.TheirPoints:
			c.Matched++
		case moved:
			c.differ(key, PointsDiffer, t.TheirPoints, n)
		case there && t.open():
			c.differ(key, StillUnsaid, t.TheirPoints, n)
		case there:
			c.differ(key, MissingHere, 0, n)
		}
	}
}

// rest are those of theirs that we have nothing of.
func (c *comparison) rest() {
	for key, n := range c.told {
		if !c.seen[key] {
			c.differ(key, MissingHere, 0, n)
		}
	}
}

func (c *comparison) differ(key string, cause DifferenceCause, ours, told int64) {
	c.Differences = append(c.Differences, Difference{key, cause, ours, told})
}
