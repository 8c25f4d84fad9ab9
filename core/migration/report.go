package migration

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/sheet"
)

// reportPortion is how many remarks of a report are in memory at a time.
const reportPortion = 1000

// WriteReport writes the report of a run as CSV: what was done to the values of each
// column, and each remark on a row. Values are masked.
func (s *Service) WriteReport(ctx context.Context, run Run, w io.Writer) error {
	out, err := sheet.NewCSV(w, sheet.UTF8)
	if err != nil {
		return err
	}
	err = out.Row([]string{"line", "column", "value", "kind", "count", "理由", "reason"})
	for _, c := range run.Converted() {
		err = errors.Join(err, out.Row([]string{"", c.Column, "", string(c.Conversion), strconv.Itoa(c.Count), "変換", "converted"}))
	}
	for behind := 0; err == nil; {
		some, failed := s.Store.RemarksBehind(ctx, run.ID, behind, reportPortion)
		err = failed
		for _, r := range some {
			err = errors.Join(err, out.Row([]string{strconv.Itoa(r.Line), r.Column, r.Value, string(r.Kind), "1", r.JA, r.EN}))
			behind = r.Number
		}
		if len(some) < reportPortion {
			break
		}
	}
	return errors.Join(err, out.Close())
}

// ReportPath is where reports are served.
const ReportPath = "/migration-reports/"

// Link leads to a report until it expires.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// Report is a link to the report of a run of the brand.
func (s *Service) Report(ctx context.Context, in RunInput) (*Link, error) {
	run, err := s.ByID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	if err := s.record(ctx, "migration.report_requested", run); err != nil {
		return nil, err
	}
	return &Link{URL: s.Links.To(run.ID), ExpiresAt: now.Add(link.Holds).Truncate(time.Second)}, nil
}

// Open is the run whose report a link leads to.
func (s *Service) Open(ctx context.Context, runID, expires, signature string) (*Run, error) {
	key, err := s.Links.Check(runID, expires, signature)
	if err != nil {
		return nil, err
	}
	run, err := s.Store.Run(ctx, uuid.Nil, key)
	if err == nil && run == nil {
		err = link.ErrInvalid
	}
	return run, err
}
