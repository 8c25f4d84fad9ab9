// Command noren is a GraphQL backend-for-frontend over a headless commerce core.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands are what noren can be told to do.
type commands struct {
	Dev        devCommand        `cmd:"" help:"Run everything on this machine: PostgreSQL, Redis, sample data, worker and server."`
	Serve      serveCommand      `cmd:"" help:"Answer clients, over the PostgreSQL and Redis that are named."`
	Worker     workerCommand     `cmd:"" help:"Do the background work: mails, payments, deadlines."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database to this version's schema, or back."`
	Import     importCommand     `cmd:"" help:"Import a file; an interrupted import goes on where it stopped."`
	Export     exportCommand     `cmd:"" help:"Write a file in the form in which it is imported."`
	Seed       seedCommand       `cmd:"" help:"Fill the database with a sample pet retailer, or with a catalog of any size."`
	Operations operationsCommand `cmd:"" help:"Build, register, list and retire the operations that clients may run."`
	Books      booksCommand      `cmd:"" help:"Look for stock that given-up orders still hold, and give it back."`
	Draw       drawCommand       `cmd:"" help:"Draw a published draw again, and say whether it holds."`
	Keys       keysCommand       `cmd:"" help:"Look after the keys that sign access tokens and seal personal data."`
	Schema     schemaCommand     `cmd:"" help:"Print the whole GraphQL schema."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	var cli commands
	parsed := kong.Parse(&cli,
		kong.Name("noren"),
		kong.Description("noren (暖簾): a GraphQL backend-for-frontend over a headless commerce core.\nEvery flag can be set by the environment variable named beside it."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "noren:", err)
		os.Exit(1)
	}
}
