// Package pgtest gives every test its own migrated PostgreSQL database, cloned
// from a template in some ten milliseconds.
package pgtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/embedded"
	"github.com/noren-commerce/noren/storage/postgres"
)

// connections bounds a test's pool; a server allows about a hundred in all.
const connections = 4

// turns bounds how many tests of one package have databases open at once. A test that has
// one opens more without waiting, so that no two wait for each other.
var turns = struct {
	sync.Mutex
	free chan struct{}
	open map[string]int // by test
}{free: make(chan struct{}, 6), open: map[string]int{}}

// takeTurn waits for the test's turn to open a database, until its end.
func takeTurn(t testing.TB) {
	test, _, _ := strings.Cut(t.Name(), "/")
	turns.Lock()
	turns.open[test]++
	waits := turns.open[test] == 1
	turns.Unlock()
	if waits {
		turns.free <- struct{}{}
	}
	t.Cleanup(func() {
		turns.Lock()
		defer turns.Unlock()
		if turns.open[test]--; turns.open[test] == 0 {
			<-turns.free
		}
	})
}

// server is the PostgreSQL of this test binary: DATABASE_URL's, or an embedded
// one that stops with the process.
var server = sync.OnceValues(func() (string, error) {
	if named := os.Getenv("DATABASE_URL"); named != "" {
		return named, nil
	}
	cluster, err := embedded.StartPostgres(context.Background(), embedded.PostgresOptions{Throwaway: true})
	if err != nil {
		return "", err
	}
	return cluster.URL, nil
})

// template is the migrated database that clones are made of. Its name holds a
// hash of the migrations, so that it is made once for each version of them.
var template = sync.OnceValues(func() (string, error) {
	base, err := server()
	if err != nil {
		return "", err
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return "", fmt.Errorf("reach the test server: %w", err)
	}
	defer conn.Close(ctx)
	name := "noren_template_" + fingerprint()
	// Test binaries run side by side: one makes the template, the others wait.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('noren test template'))`); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&there); err != nil || there {
		return name, err
	}
	for _, sql := range []string{`DROP DATABASE IF EXISTS ` + name, `CREATE DATABASE ` + name} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return "", err
		}
	}
	if err := postgres.Migrate(ctx, at(base, name)); err != nil {
		return "", err
	}
	// Marked as a template only when whole: a broken-off one is made again.
	_, err = conn.Exec(ctx, `ALTER DATABASE `+name+` IS_TEMPLATE true`)
	return name, err
})

// New opens a migrated database that is this test's alone.
func New(t testing.TB) *postgres.DB {
	t.Helper()
	db, err := postgres.Open(t.Context(), URL(t), postgres.WithMaxConns(connections))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// URL makes a migrated database that is this test's alone and names it.
func URL(t testing.TB) string {
	t.Helper()
	source, err := template()
	require.NoError(t, err)
	base, err := server()
	require.NoError(t, err)
	takeTurn(t)
	name := "noren_test_" + strings.ReplaceAll(id.New().String(), "-", "")
	run(t, base, `CREATE DATABASE `+name+` TEMPLATE `+source)
	t.Cleanup(func() { run(t, base, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`) })
	return at(base, name)
}

func run(t testing.TB, url, sql string) {
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	require.NoError(t, err)
}

// at is the URL of another database on the same server. No commit waits for the disk: what a
// test wrote need not outlive the server.
func at(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	settings := u.Query()
	settings.Set("synchronous_commit", "off")
	u.Path, u.RawQuery = "/"+name, settings.Encode()
	return u.String()
}

func fingerprint() string {
	hash := sha256.New()
	_ = fs.WalkDir(postgres.Migrations(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(postgres.Migrations(), path)
		fmt.Fprintf(hash, "%s\n%s", path, raw)
		return err
	})
	return fmt.Sprintf("%x", hash.Sum(nil))[:16]
}
