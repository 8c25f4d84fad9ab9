package points

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
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
	CSV     string
}

// ExportInput asks for a file for a partner.
type ExportInput struct {
	IdempotencyKey string
	PartnerID      uuid.UUID
}

// ExportTransfers writes what is reserved for a partner into a file, and counts it as
// sent (staff with POINT_WRITE). The same key gives the same file again.
func (s *Service) ExportTransfers(ctx context.Context, in ExportInput) (*Outgoing, error) {
	partnerID := in.PartnerID
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	partner, _, err := s.partner(ctx, partnerID)
	if err != nil {
		return nil, err
	}
	if partner.Way != WayFile {
		return nil, ErrPartner.At("partnerId")
	}
	batch, err := idempotency.Once(ctx, s.Keys, "exportPointTransfers", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		batch := id.New()
		if err := s.Store.MarkBatch(ctx, partnerID, batch, s.Now()); err != nil {
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
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"id", "member", "points", "requested_at"}) // a buffer takes everything
	for _, t := range all {
		_ = sheet.Write([]string{t.ID.String(), safe(t.TheirMember), strconv.FormatInt(t.TheirPoints, 10), t.CreatedAt.UTC().Format(time.RFC3339)})
	}
	sheet.Flush()
	return &Outgoing{batch, len(all), text.String()}, sheet.Error()
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
	CSV       string
}

// ImportAnswers reads a partner's answers: id, result (OK or NG), reference, reason
// (staff with POINT_WRITE). A file that cannot be read changes nothing; a line that does
// not fit is left out and told.
func (s *Service) ImportAnswers(ctx context.Context, in ImportInput) (*Import, error) {
	if err := access.Require(ctx, access.PointWrite); err != nil {
		return nil, err
	}
	if _, _, err := s.partner(ctx, in.PartnerID); err != nil {
		return nil, err
	}
	rows, err := sheetOf(in.CSV, 4)
	if err != nil {
		return nil, err
	}
	done := &Import{}
	for i, row := range rows {
		line := i + 2
		key, err := uuid.Parse(row[0])
		if err != nil || (row[1] != "OK" && row[1] != "NG") {
			done.Problems = append(done.Problems, ErrFile.With(line, "id, OK/NG"))
			continue
		}
		err = s.answer(ctx, done, in.PartnerID, key, Answer{row[1] == "OK", row[2], row[3]})
		var known bool
		if known = errors.Is(err, ErrState) || errors.Is(err, ErrPartner); known {
			done.Problems = append(done.Problems, ErrFile.With(line, err.Error()))
		}
		if err != nil && !known {
			return done, err
		}
	}
	return done, nil
}

func (s *Service) answer(ctx context.Context, done *Import, partnerID, transferID uuid.UUID, a Answer) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		t, err := s.Store.LockTransfer(ctx, transferID)
		if err != nil || t == nil || t.PartnerID != partnerID || !t.Outgoing {
			return orErr(err, ErrPartner)
		}
		open := t.open()
		if _, err := s.Answered(ctx, transferID, a); err != nil {
			return err
		}
		switch {
		case !open:
			done.Repeated++
		case a.Accepted:
			done.Acknowledged++
		default:
			done.Returned++
		}
		return nil
	})
}

// sheetOf reads a CSV file with a heading and so many columns.
func sheetOf(text string, columns int) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
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
	CSV       string
	Incoming  bool // of what came from there: by their references
}

// Reconcile compares a partner's statement (id, points) with the transfers that went
// there in a time, or that came from there (staff with POINT_READ).
func (s *Service) Reconcile(ctx context.Context, in ReconcileInput) (*Reconciliation, error) {
	if err := access.Require(ctx, access.PointRead); err != nil {
		return nil, err
	}
	if _, _, err := s.partner(ctx, in.PartnerID); err != nil {
		return nil, err
	}
	rows, err := sheetOf(in.CSV, 2)
	if err != nil {
		return nil, err
	}
	told := map[string]int64{}
	for i, row := range rows {
		n, err := strconv.ParseInt(row[1], 10, 64)
		if err != nil {
			return nil, ErrFile.With(i+2, "points").At("csv")
		}
		told[row[0]] += n
	}
	ours, err := s.Store.Between(ctx, in.PartnerID, in.From, in.Until)
	if err != nil {
		return nil, err
	}
	r := compared(ours, told, in.Incoming)
	return &r, nil
}

// compared is what we have beside what they told. It is pure.
func compared(ours []Transfer, told map[string]int64, incoming bool) (r Reconciliation) {
	seen := map[string]bool{}
	for _, t := range ours {
		if t.Outgoing == incoming {
			continue
		}
		key, moved := t.ID.String(), t.State == StateAcknowledged
		if incoming {
			key, moved = t.Reference, true
		}
		n, there := told[key]
		seen[key] = true
		switch {
		case moved && !there:
			r.Differences = append(r.Differences, Difference{key, MissingThere, t.TheirPoints, 0})
		case moved && n == t.TheirPoints:
			r.Matched++
		case moved:
			r.Differences = append(r.Differences, Difference{key, PointsDiffer, t.TheirPoints, n})
		case there && t.open():
			r.Differences = append(r.Differences, Difference{key, StillUnsaid, t.TheirPoints, n})
		case there:
			r.Differences = append(r.Differences, Difference{key, MissingHere, 0, n})
		}
	}
	for key, n := range told {
		if !seen[key] {
			r.Differences = append(r.Differences, Difference{key, MissingHere, 0, n})
		}
	}
	return r
}
