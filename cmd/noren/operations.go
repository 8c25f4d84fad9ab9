package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/noren-commerce/noren/clients"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/operation"
	"github.com/noren-commerce/noren/graph/manifest"
	"github.com/noren-commerce/noren/storage/postgres"
)

// operationsCommand keeps the operations that clients have registered.
type operationsCommand struct {
	Build    operationsBuild    `cmd:"" help:"Make manifests out of each client's .graphql files."`
	Register operationsRegister `cmd:"" help:"Register the operations of a manifest; those registered before stay."`
	List     operationsList     `cmd:"" help:"List registered operations and how often they are used."`
	Retire   operationsRetire   `cmd:"" help:"Make operations unrunnable: the named ones, or those that nobody uses any more."`
}

// Names of the files that build writes beside a client's operations.
const (
	apolloFile = "persisted-query-manifest.json"
	relayFile  = "persisted-documents.json"
)

type operationsBuild struct {
	Dir string `default:"clients" help:"Folder with one folder of .graphql files for each client."`
	Out string `help:"Folder to write to, one folder for each client; --dir unless said otherwise."`
}

// Run writes both manifests of every client.
func (c operationsBuild) Run() error {
	if c.Out == "" {
		c.Out = c.Dir
	}
	clients, err := os.ReadDir(c.Dir)
	if err != nil {
		return err
	}
	for _, client := range clients {
		if !client.IsDir() {
			continue
		}
		operations, err := manifest.Read(os.DirFS(c.Dir), client.Name(), app.Schema())
		if err != nil {
			return err
		}
		if err := writeManifests(filepath.Join(c.Out, client.Name()), operations); err != nil {
			return err
		}
		fmt.Printf("%s: %d operations\n", client.Name(), len(operations))
	}
	return nil
}

func writeManifests(dir string, operations []manifest.Operation) error {
	apollo, err := manifest.Apollo(operations)
	if err != nil {
		return err
	}
	relay, err := manifest.Relay(operations)
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(dir, 0o750),
		os.WriteFile(filepath.Join(dir, apolloFile), apollo, 0o600),
		os.WriteFile(filepath.Join(dir, relayFile), relay, 0o600),
	)
}

// withRegistry runs f over the registry of the database.
func (c databaseFlags) withRegistry(ctx context.Context, f func(*operation.Registry) error) error {
	db, err := postgres.Open(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer db.Close()
	return f(operation.New(postgres.NewOperations(db), manifest.Check(app.Schema()), clock.System))
}

type operationsRegister struct {
	databaseFlags
	Client string `help:"Whose operations they are: app, web, admin, partner."`
	File   string `arg:"" optional:"" help:"A manifest of Apollo's or Relay's format, or a folder of .graphql files; without one, the clients that ship with noren are registered."`
}

// Run registers all operations of the manifest, or none if one does not fit.
func (c operationsRegister) Run(ctx context.Context) error {
	if c.File == "" {
		return c.withRegistry(ctx, func(r *operation.Registry) error { return registerShipped(ctx, r) })
	}
	if c.Client == "" {
		return errors.New("--client must say whose operations they are")
	}
	entries, err := c.read()
	if err != nil {
		return err
	}
	return c.withRegistry(ctx, func(r *operation.Registry) error { return register(ctx, r, c.Client, entries) })
}

func (c operationsRegister) read() ([]manifest.Operation, error) {
	if info, err := os.Stat(c.File); err == nil && info.IsDir() {
		return manifest.Read(os.DirFS(c.File), ".", app.Schema())
	}
	raw, err := os.ReadFile(c.File)
	if err != nil {
		return nil, err
	}
	return manifest.Parse(raw)
}

func register(ctx context.Context, r *operation.Registry, client string, entries []manifest.Operation) error {
	operations := make([]operation.Operation, len(entries))
	for i, e := range entries {
		operations[i] = operation.Operation{ID: e.ID, Name: e.Name, Kind: e.Type, Source: e.Body}
	}
	added, err := r.Register(ctx, client, operations)
	if err == nil {
		fmt.Printf("Operations   %d of client %s, %d of them new\n", len(operations), client, added)
	}
	return err
}

// registerShipped registers the operations of the clients that ship with noren.
func registerShipped(ctx context.Context, r *operation.Registry) error {
	files, err := fs.Glob(clients.Manifests, "*/"+apolloFile)
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := fs.ReadFile(clients.Manifests, file)
		if err != nil {
			return err
		}
		entries, err := manifest.Parse(raw)
		if err != nil {
			return err
		}
		if err := register(ctx, r, path.Dir(file), entries); err != nil {
			return err
		}
	}
	return nil
}

type operationsList struct {
	databaseFlags
	Client string `help:"Whose; everyone's unless said."`
}

// Run prints a line for each operation.
func (c operationsList) Run(ctx context.Context) error {
	return c.withRegistry(ctx, func(r *operation.Registry) error {
		operations, err := r.List(ctx, c.Client)
		if err != nil {
			return err
		}
		out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
		_, _ = fmt.Fprintln(out, "CLIENT\tNAME\tKIND\tID\tREGISTERED\tUSES\tLAST USED\tSTATE")
		for _, o := range operations {
			state, last := "runnable", "never"
			if o.RetiredAt != nil {
				state = "retired " + o.RetiredAt.Format(time.DateOnly)
			}
			if o.LastUsedAt != nil {
				last = o.LastUsedAt.Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%.12s\t%s\t%d\t%s\t%s\n", o.Client, o.Name, o.Kind, o.ID,
				o.RegisteredAt.Format(time.DateOnly), o.Uses, last, state)
		}
		return out.Flush()
	})
}

type operationsRetire struct {
	databaseFlags
	Client string        `required:"" help:"Whose operations."`
	Unused time.Duration `default:"720h" help:"Without ids: retire what nobody has run for this long."`
	Keep   string        `help:"Without ids: a manifest whose operations stay in any case."`
	IDs    []string      `arg:"" optional:"" name:"id" help:"Retire these, used or not."`
}

// Run retires and says how many.
func (c operationsRetire) Run(ctx context.Context) error {
	retirement := operation.Retirement{Client: c.Client, IDs: c.IDs, UnusedSince: clock.System().Add(-c.Unused)}
	if c.Keep != "" {
		raw, err := os.ReadFile(c.Keep)
		if err != nil {
			return err
		}
		keep, err := manifest.Parse(raw)
		if err != nil {
			return err
		}
		for _, o := range keep {
			retirement.Keep = append(retirement.Keep, o.ID)
		}
	}
	return c.withRegistry(ctx, func(r *operation.Registry) error {
		n, err := r.Retire(ctx, retirement)
		if err == nil {
			fmt.Printf("%d operations of %s retired\n", n, c.Client)
		}
		return err
	})
}
