package migration

import (
	"context"
	"errors"
	"io"
	"strconv"

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
