package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/purchase"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Migrations are the SQL files that make the schema, by name.
func Migrations() fs.FS {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return files
}

// Migrate brings the database to this version's schema, the job queue's tables
// included. Several processes may call it at once; one does the work.
func Migrate(ctx context.Context, url string) error {
	return withProvider(ctx, url, func(p *goose.Provider) error {
		if err := migrateJobs(ctx, url); err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return err
		}
		return partition(ctx, url)
	})
}

// partition makes the first months' partitions of events and purchases; the worker makes
// those that follow.
func partition(ctx context.Context, url string) error {
	db, err := Open(ctx, url, WithMaxConns(1))
	if err != nil {
		return err
	}
	defer db.Close()
	now := clock.System()
	return errors.Join(NewEvents(db).Partition(ctx, now), NewPurchases(db).Room(ctx, purchase.Ahead(now)))
}

// MigrateDown takes the newest migration back.
func MigrateDown(ctx context.Context, url string) error {
	return withProvider(ctx, url, func(p *goose.Provider) error {
		_, err := p.Down(ctx)
		return err
	})
}

// MigrationStatus lists the migrations, a line each.
func MigrationStatus(ctx context.Context, url string) ([]string, error) {
	var lines []string
	err := withProvider(ctx, url, func(p *goose.Provider) error {
		all, err := p.Status(ctx)
		for _, m := range all {
			lines = append(lines, fmt.Sprintf("%-8s %s", m.State, m.Source.Path))
		}
		return err
	})
	return lines, err
}

func withProvider(ctx context.Context, url string, f func(*goose.Provider) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("DATABASE_URL must be a PostgreSQL URL such as postgres://user:password@host:5432/name: %w", err)
	}
	db := stdlib.OpenDB(*config)
	defer func(db *sql.DB) { _ = db.Close() }(db)
	if err := db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the database: %w", err)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, Migrations(),
		goose.WithSessionLocker(locker), goose.WithAllowOutofOrder(true))
	if err != nil {
		return err
	}
	return f(provider)
}

// migrateJobs brings the job queue's own tables up to date.
func migrateJobs(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	defer pool.Close()
	turn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer turn.Release()
	// Processes that start together take turns, and the later find nothing to do.
	if _, err := turn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('noren jobs schema'))`); err != nil {
		return err
	}
	defer func() { _, _ = turn.Exec(ctx, `SELECT pg_advisory_unlock_all()`) }()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate the job queue: %w", err)
	}
	return nil
}
