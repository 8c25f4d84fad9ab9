package main

import (
	"context"
	_ "embed" // the journal
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/noren-commerce/noren/storage/postgres"
)

//go:embed settlement.sql
var millionLines string

// settledLines is how many lines of the journal the settlement file is measured over.
const settledLines = 1_000_000

// settlement measures the settlement file of a year, as the command writes it, beside
// PostgreSQL's own COPY of the same lines.
func settlement(ctx context.Context, s settings, bin string) error {
	url, err := prepare(ctx, s.database, "settlement_", 0)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, url, postgres.WithMaxConns(2))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := fillJournal(ctx, db); err != nil {
		return err
	}
	var files, copies []float64
	var most int
	for range s.rounds {
		rate, memory, err := settle(ctx, bin, url)
		if err != nil {
			return err
		}
		files, most = append(files, rate), max(most, memory)
		if rate, err = copyOut(ctx, db); err != nil {
			return err
		}
		copies = append(copies, rate)
	}
	fmt.Printf("settlement %d lines: %.0f lines/s in at most %d MiB; COPY of the same %.0f lines/s = %.2f\n",
		settledLines, middle(files), most, middle(copies), middle(files)/middle(copies))
	return nil
}

// fillJournal writes the lines, unless they are there.
func fillJournal(ctx context.Context, db *postgres.DB) error {
	var there int
	if err := db.Pool().QueryRow(ctx, `SELECT count(*) FROM journal_lines`).Scan(&there); err != nil || there >= settledLines {
		return err
	}
	_, err := db.Pool().Exec(ctx, millionLines)
	if err == nil {
		_, err = db.Pool().Exec(ctx, `VACUUM ANALYZE journal_entries, journal_lines`)
	}
	return err
}

// settle writes the file once: its lines a second, and the most memory the process had, in
// MiB.
func settle(ctx context.Context, bin, url string) (rate float64, memory int, err error) {
	dir, err := os.MkdirTemp("", "noren-settlement-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	command := exec.CommandContext(ctx, filepath.Join(bin, "noren"), "export", "settlement", "--channel", "wanko", "--from", "2026-01-01", "--to", "2026-12-31", filepath.Join(dir, "settlement.csv")) //nolint:gosec // fixed arguments
	command.Env, command.Stderr = append(os.Environ(), "DATABASE_URL="+url), os.Stderr
	began := time.Now()
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	// Asked while it runs: what is told at its end counts this program's memory, too, which
	// it had before it became another.
	for watch := time.NewTicker(10 * time.Millisecond); ; {
		select {
		case err := <-done:
			watch.Stop()
			if err != nil {
				return 0, 0, fmt.Errorf("export the settlement: %w", err)
			}
			return settledLines / time.Since(began).Seconds(), memory, nil
		case <-watch.C:
			memory = max(memory, memoryOf(command.Process.Pid, "VmHWM:"))
		}
	}
}

// copyOut reads the same lines as fast as PostgreSQL gives them.
func copyOut(ctx context.Context, db *postgres.DB) (float64, error) {
	conn, err := db.Pool().Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	began := time.Now()
	_, err = conn.Conn().PgConn().CopyTo(ctx, io.Discard, `COPY (SELECT e.*, l.* FROM journal_entries e JOIN journal_lines l ON l.entry_id = e.id ORDER BY e.at, e.id, l.position) TO STDOUT (FORMAT csv)`)
	return settledLines / time.Since(began).Seconds(), err
}
