package migration

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
)

// batchSize is how many rows are in memory, and are taken in one transaction.
const batchSize = 1000

// taking is a run that is being read, and taken if apply is said.
type taking struct {
	*Service
	run     *Run
	mapping *Mapping
	apply   bool
	at      time.Time
	actor   access.Actor
}

func (t *taking) actorID() *uuid.UUID {
	if t.actor.ID == uuid.Nil {
		return nil
	}
	return &t.actor.ID
}

// result is what became of the rows of a batch that were not refused.
type result struct{ accepted, repeated, proposals int }

// taken is a batch that was read; write puts it into the database, in a transaction.
type taken struct {
	write func(ctx context.Context) (result, error)
}

// taker takes rows of a kind.
type taker interface {
	batch(ctx context.Context, rows []*reading) (taken, error)
}

func isFault(err error) bool { return len(fault.All(err)) > 0 }

// run reads a run's file from where it stands, a batch at a time, to its end. What makes
// the file unreadable fails the run, not the caller: what was taken before stays.
func (s *Service) run(ctx context.Context, run *Run, file func() (io.ReadCloser, error), apply bool, progress func(int64)) error {
	m, err := ReadMapping([]byte(run.Mapping), run.Kind)
	if err != nil {
		return err
	}
	t := &taking{Service: s, run: run, mapping: m, apply: apply, at: s.Now(), actor: access.From(ctx)}
	kind, err := t.taker(ctx)
	if err != nil {
		return err
	}
	if run.Kind == Members {
		if err := s.index(ctx); err != nil {
			return err
		}
	}
	opened, err := file()
	if err != nil {
		return err
	}
	why := t.all(ctx, kind, &counted{r: opened, told: progress})
	if err := opened.Close(); err != nil && why == nil {
		why = err
	}
	if reason, ok := unreadableBy(why); ok {
		return s.end(ctx, run, Failed, reason.JA+" / "+reason.EN)
	}
	if why != nil {
		return why
	}
	if apply {
		return s.end(ctx, run, Committed, "")
	}
	return s.end(ctx, run, Previewed, "")
}

// unreadableBy is what of a failure is the file's.
func unreadableBy(err error) (Reason, bool) {
	var why Reason
	var where unreadable
	switch {
	case errors.As(err, &where):
		return where.reason(), true
	case errors.As(err, &why):
		return why, true
	}
	return why, false
}

func (t *taking) taker(ctx context.Context) (taker, error) {
	switch t.run.Kind {
	case Points:
		programme, err := t.Points.Coded(ctx, t.mapping.Programme)
		return &takingPoints{t, programme}, err
	case Purchases:
		return &takingPurchases{t}, nil
	}
	stores, err := t.Store.Stores(ctx, channel.From(ctx).BrandID)
	return &takingMembers{t, stores}, err
}

// index makes all members comparable with those that come.
func (s *Service) index(ctx context.Context) error {
	for behind := uuid.Nil; ; {
		last, err := s.Store.Index(ctx, behind, batchSize)
		if err != nil || last == behind {
			return err
		}
		behind = last
	}
}

// all takes the file batch by batch.
func (t *taking) all(ctx context.Context, kind taker, file io.Reader) error {
	src, err := open(file, t.mapping.Encoding, t.mapping.delimiter())
	if err != nil {
		return err
	}
	b, err := bind(t.mapping, src.headers)
	if err != nil {
		return err
	}
	rows := &rowReader{src: src, behind: t.run.Position}
	if p, ok := kind.(*takingPurchases); ok {
		rows.together = func(a, c row) bool {
			return p.receiptKey(&reading{binding: b, row: a}) == p.receiptKey(&reading{binding: b, row: c})
		}
	}
	for {
		some, err := rows.batch()
		if err != nil && !errors.Is(err, io.EOF) {
			some = rows.whole(some)
		}
		if len(some) > 0 {
			if err := t.step(ctx, kind, b, some); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// step takes a batch: what it brings, its remarks and how far the run is are written
// together, or not at all.
func (t *taking) step(ctx context.Context, kind taker, b *binding, some []row) error {
	var readings []*reading
	var kept Run
	once := func(ctx context.Context) error {
		readings = readings[:0]
		for _, x := range some {
			r := &reading{binding: b, row: x, done: Conversions{}}
			if x.bad != nil {
				r.reject("", "", *x.bad)
			}
			readings = append(readings, r)
		}
		read, err := kind.batch(ctx, usable(kind, readings))
		if err != nil {
			return err
		}
		before := make([]reading, len(readings))
		for i, r := range readings {
			before[i] = *r
		}
		return t.Store.InTx(ctx, func(ctx context.Context) error {
			for i := range before { // the transaction may be a second try
				*readings[i] = before[i]
			}
			done, err := read.write(ctx)
			if err != nil {
				return err
			}
			var remarks []Remark
			kept, remarks = t.after(readings, done)
			return t.Store.Note(ctx, kept, t.run.Position, remarks)
		})
	}
	err := once(ctx)
	for tries := 0; errors.Is(err, ErrDrawn) && tries < 3; tries++ {
		err = once(ctx)
	}
	if err == nil {
		*t.run = kept
	}
	return err
}

// usable are the rows that can be read; of receipts all, as one spoils the others.
func usable(kind taker, all []*reading) []*reading {
	if _, ok := kind.(*takingPurchases); ok {
		return all
	}
	var some []*reading
	for _, r := range all {
		if !r.failed {
			some = append(some, r)
		}
	}
	return some
}

// after is the run behind a batch, and the remarks on it.
func (t *taking) after(all []*reading, done result) (Run, []Remark) {
	run := *t.run
	run.Conversions = Conversions{}
	run.Conversions.join(t.run.Conversions)
	var remarks []Remark
	for _, r := range all {
		run.Position = max(run.Position, r.line)
		run.Conversions.join(r.done)
		if r.failed {
			run.Rejected++
		}
		for _, m := range r.remarks {
			run.Remarks++
			m.Number = run.Remarks
			remarks = append(remarks, m)
		}
	}
	run.Rows += len(all)
	run.Accepted, run.Repeated, run.Proposals = run.Accepted+done.accepted, run.Repeated+done.repeated, run.Proposals+done.proposals
	if !t.apply {
		run.State = Reading
	}
	return run, remarks
}

// end notes that a run is over.
func (s *Service) end(ctx context.Context, run *Run, state State, failure string) error {
	now := s.Now()
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		held, err := s.Store.Lock(ctx, run.BrandID, run.ID)
		if err != nil || held == nil {
			return err
		}
		if held.State == Discarded {
			return nil
		}
		run.State, run.Failure = state, failure
		if state == Previewed {
			run.PreviewedAt = &now
		} else {
			run.FinishedAt = &now
			if err := s.Store.Forget(ctx, run.ID); err != nil {
				return err
			}
		}
		if err := s.Store.Save(ctx, *run); err != nil {
			return err
		}
		return s.record(ctx, map[State]string{Previewed: "migration.previewed", Committed: "migration.taken", Failed: "migration.failed"}[state], run)
	})
}

// rowReader reads rows behind a line, in batches. Rows that belong together stay so.
type rowReader struct {
	src      *source
	behind   int
	together func(a, b row) bool // nil: each row stands alone
	next     *row
	ended    error
}

// one is the next row behind the line.
func (r *rowReader) one() (row, error) {
	if r.next != nil {
		x := *r.next
		r.next = nil
		return x, nil
	}
	for r.ended == nil {
		rec, err := r.src.next()
		if err != nil {
			r.ended = err
			break
		}
		if rec.line > r.behind && !empty(rec.cells) {
			return row{rec.line, append([]string(nil), rec.cells...), rec.bad}, nil
		}
	}
	return row{}, r.ended
}

func empty(cells []string) bool {
	for _, c := range cells {
		if c != "" {
			return false
		}
	}
	return true
}

// batch is the next rows; with io.EOF they are the last.
func (r *rowReader) batch() ([]row, error) {
	var some []row
	for {
		x, err := r.one()
		if err != nil {
			return some, err
		}
		if n := len(some); n >= batchSize && (r.together == nil || !r.together(some[n-1], x)) {
			r.next = &x
			return some, nil
		}
		some = append(some, x)
	}
}

// whole is the rows without those that belong together with what cannot be read any more:
// the other rows of the last receipt may stand there.
func (r *rowReader) whole(some []row) []row {
	n := len(some)
	for r.together != nil && n > 0 && r.together(some[n-1], some[len(some)-1]) {
		n--
	}
	return some[:n]
}

// counted tells how much of a file was read.
type counted struct {
	r    io.Reader
	n    int64
	told func(int64)
}

// Read reads on.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.n += int64(n); c.told != nil {
		c.told(c.n)
	}
	return n, err
}
