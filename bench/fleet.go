package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
)

// prepare makes a database of the benchmarks and fills it, unless it is there.
func prepare(ctx context.Context, server, name string, products int) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	name = fmt.Sprintf("noren_bench_%s%d", name, products)
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil {
		return "", err
	}
	if !there {
		if _, err := conn.Exec(ctx, `CREATE DATABASE `+name); err != nil {
			return "", err
		}
	}
	u.Path = "/" + name
	if err := postgres.Migrate(ctx, u.String()); err != nil {
		return "", err
	}
	db, err := postgres.Open(ctx, u.String())
	if err != nil {
		return "", err
	}
	defer db.Close()
	indexer := catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer().Remembering())
	if err := seed.Write(ctx, db, seed.Options{Scale: products, Index: indexer.Entry}); err != nil {
		return "", err
	}
	if err := indexer.Missing(ctx, nil); err != nil {
		return "", err
	}
	// Enough of everything, so that no checkout fails for want of stock.
	if _, err := db.Pool().Exec(ctx, `UPDATE stock_levels SET on_hand = 1000000 FROM locations l WHERE l.id = location_id AND l.ships AND on_hand < 500000 AND NOT tracked`); err != nil {
		return "", err
	}
	return u.String(), tidy(ctx, db)
}

// tidy does at once what autovacuum would do in time. Tables without rows are left
// alone, as it leaves them: PostgreSQL plans for some rows in a table that it does
// not know, and for none in one that it knows to be empty.
func tidy(ctx context.Context, db *postgres.DB) error {
	rows, _ := db.Pool().Query(ctx, `SELECT quote_ident(relname) FROM pg_stat_user_tables WHERE schemaname = 'public' AND pg_relation_size(relid) > 0`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = db.Pool().Exec(ctx, `VACUUM ANALYZE `+strings.Join(tables, ", "))
	return err
}

// build makes the binaries in a temporary folder.
func build(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "noren-bench-")
	if err != nil {
		return "", err
	}
	for name, pkg := range map[string]string{"noren": "./cmd/noren", "baseline": "./bench/baseline"} {
		command := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), pkg) //nolint:gosec // fixed arguments
		command.Stderr = os.Stderr
		if err := command.Run(); err != nil {
			return "", fmt.Errorf("build %s: %w", pkg, err)
		}
	}
	return dir, nil
}

// fleet is the servers that are compared.
type fleet struct {
	bin                     string // where the binaries are
	common                  []string
	baseline, plain, cached *child
	other                   *child // another noren to compare with; nil if none is named
}

// child is one server process.
type child struct {
	address string
	command *exec.Cmd
}

func startFleet(ctx context.Context, bin, other, database, redisURL string) (*fleet, error) {
	common := []string{
		"NOREN_MAX_CONNS=16", "NOREN_SECRET=benchmarks-need-a-secret-of-some-length",
		"NOREN_CORS_ORIGINS=https://bench.example", "SMTP_URL=smtp://127.0.0.1:1025", "MAIL_FROM=bench@example.jp", "NOREN_BANK_NAME=見本銀行", "NOREN_BANK_BRANCH=本店",
		"NOREN_BANK_ACCOUNT_NUMBER=0000000", "NOREN_BANK_ACCOUNT_HOLDER=ﾐﾎﾝ", "GOGC=200", "GOMEMLIMIT=128MiB",
	}
	f := &fleet{bin: bin, common: common}
	common = append(common[:len(common):len(common)], "DATABASE_URL="+database)
	var err error
	if f.baseline, err = start(ctx, filepath.Join(bin, "baseline"), nil, common); err != nil {
		return f, err
	}
	if f.plain, err = start(ctx, filepath.Join(bin, "noren"), []string{"serve"}, append(common, "REDIS_URL=")); err != nil {
		return f, err
	}
	if other != "" {
		if f.other, err = start(ctx, other, []string{"serve"}, append(common, "REDIS_URL=")); err != nil {
			return f, err
		}
	}
	f.cached, err = start(ctx, filepath.Join(bin, "noren"), []string{"serve"}, append(common, "REDIS_URL="+redisURL))
	return f, err
}

// start runs a server on a free port and waits until it answers.
func start(ctx context.Context, path string, args, env []string) (*child, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	_ = listener.Close()
	command := exec.CommandContext(ctx, path, args...) //nolint:gosec // built a moment ago
	command.Env = append(os.Environ(), append(env, "NOREN_ADDR="+address)...)
	log, err := os.Create(path + "-" + strings.TrimPrefix(address, "127.0.0.1:") + ".log")
	if err != nil {
		return nil, err
	}
	command.Stderr, command.Stdout = log, log
	if err := command.Start(); err != nil {
		return nil, err
	}
	c := &child{address, command}
	for range 100 {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = conn.Close()
			return c, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	raw, _ := os.ReadFile(log.Name())
	return c, fmt.Errorf("%s does not answer: %s", path, raw)
}

func (f *fleet) stop() {
	for _, c := range []*child{f.baseline, f.plain, f.cached, f.other} {
		if c != nil {
			_ = c.command.Process.Signal(syscall.SIGTERM)
			_ = c.command.Wait()
		}
	}
}

// memory is what the process has in memory now, in MiB.
func (c *child) memory() int { return memoryOf(c.command.Process.Pid, "VmRSS:") }

// memoryOf reads what the kernel says of a process's memory, in MiB: VmRSS is what it has
// now, VmHWM the most it ever had; 0 if it is gone.
func memoryOf(pid int, field string) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if value, ok := strings.CutPrefix(scanner.Text(), field); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return kib / 1024
		}
	}
	return 0
}

// cpu is the processor time that the process has used, in user and system mode.
func (c *child) cpu() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.command.Process.Pid))
	if err != nil {
		return 0
	}
	_, raw, _ = bytes.Cut(raw, []byte(") ")) // the name before it may hold anything
	fields := bytes.Fields(raw)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(string(fields[11]))
	system, _ := strconv.Atoi(string(fields[12]))
	const tick = 10 * time.Millisecond // Linux counts for programs in hundredths of a second
	return time.Duration(user+system) * tick
}

// json is the header of a request to noren's sample shop.
func jsonHeader(more ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "X-Noren-Channel": {"wanko"}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}
