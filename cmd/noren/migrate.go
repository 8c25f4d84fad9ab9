package main

import (
	"context"
	"fmt"

	"github.com/noren-commerce/noren/storage/postgres"
)

// databaseFlags name the database that a command works on.
type databaseFlags struct {
	DatabaseURL string `env:"DATABASE_URL" required:"" help:"PostgreSQL to use: postgres://user:password@host:5432/name."`
}

type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Bring the database to this version's schema."`
	Down   migrateDown   `cmd:"" help:"Take back the newest migration."`
	Status migrateStatus `cmd:"" help:"List the migrations and whether each is applied."`
}

type migrateUp struct{ databaseFlags }

// Run applies what is missing.
func (c migrateUp) Run(ctx context.Context) error { return postgres.Migrate(ctx, c.DatabaseURL) }

type migrateDown struct{ databaseFlags }

// Run takes the newest migration back.
func (c migrateDown) Run(ctx context.Context) error { return postgres.MigrateDown(ctx, c.DatabaseURL) }

type migrateStatus struct{ databaseFlags }

// Run lists the migrations.
func (c migrateStatus) Run(ctx context.Context) error {
	lines, err := postgres.MigrationStatus(ctx, c.DatabaseURL)
	for _, line := range lines {
		fmt.Println(line)
	}
	return err
}
