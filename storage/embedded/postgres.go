// Package embedded brings up a PostgreSQL and a Redis on this machine, for
// `noren dev` and for tests, where no URL names real ones.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// startWithin is how long a cluster may take to accept connections; recovery
// after a crash is part of it.
const startWithin = 60 * time.Second

// leaveWithin is how long a cluster of a noren that has just ended may take to
// leave the data directory.
const leaveWithin = 2 * time.Second

// PostgresOptions say where and how the cluster runs.
type PostgresOptions struct {
	DataDir   string // absolute; made when missing
	Throwaway bool   // for tests: a temporary directory, in memory if there is room, no fsync, gone when the cluster stops
	Port      int    // of 127.0.0.1; 0 takes a free one
	Programs         // where initdb and postgres are
}

// Postgres is a running cluster. It stops with this process, however that ends.
type Postgres struct {
	URL     string // the database "noren" as its owner
	Port    int    // of 127.0.0.1
	DataDir string // where the data really is
	leash   io.Closer
	ended   chan struct{}
}

// StartPostgres starts the cluster in the data directory, making it first when
// there is none. It uses the machine's PostgreSQL, else downloads one.
func StartPostgres(ctx context.Context, options PostgresOptions) (*Postgres, error) {
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	bin, err := options.folder(owner)
	if err != nil {
		return nil, err
	}
	dir := options.DataDir
	if options.Throwaway {
		if dir, err = temporary(owner); err != nil {
			return nil, err
		}
	}
	if dir, err = reachable(dir, owner); err != nil {
		return nil, err
	}
	c := cluster{bin: bin, dir: dir, owner: owner, throwaway: options.Throwaway, port: options.Port}
	if err := c.initialise(ctx); err != nil {
		return nil, err
	}
	return c.start(ctx)
}

// Stop ends the cluster and waits until it has.
func (p *Postgres) Stop() error {
	err := p.leash.Close()
	<-p.ended
	return err
}

type cluster struct {
	bin, dir  string
	owner     *owner
	throwaway bool
	port      int
}

// initialise makes the cluster's files, unless they are there.
func (c cluster) initialise(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.dir, "PG_VERSION")); err == nil {
		return nil
	}
	password, err := c.password()
	if err != nil {
		return err
	}
	file := c.dir + ".password"
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	if err := c.owner.own(file); err != nil {
		return err
	}
	args := []string{"-D", c.dir, "-U", "noren", "-E", "UTF8", "--no-locale", "--auth=scram-sha-256", "--pwfile=" + file}
	if c.throwaway {
		args = append(args, "--no-sync")
	}
	command := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), args...) //nolint:gosec // the binaries were looked up, not given
	c.owner.run(command)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL cluster in %s: %w\n%s", c.dir, err, out)
	}
	return nil
}

// start runs the server on a leash: a shell that ends it when its standard input
// closes, which the kernel does for us if this process dies.
func (c cluster) start(ctx context.Context) (*Postgres, error) {
	if err := c.notRunning(ctx); err != nil {
		return nil, err
	}
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	port := c.port
	if port == 0 {
		if port, err = freePort(); err != nil {
			return nil, err
		}
	}
	command := exec.Command("sh", "-c", c.script(), "sh", filepath.Join(c.bin, "postgres"), c.dir, strconv.Itoa(port)) //nolint:gosec // fixed script
	c.owner.run(command)
	leash, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	p := &Postgres{DataDir: c.dir, Port: port, leash: leash, ended: make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(p.ended)
	}()
	p.URL = fmt.Sprintf("postgres://noren:%s@127.0.0.1:%d/", password, port)
	if err := p.ready(ctx, c.dir+".log"); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	p.URL += "noren?sslmode=disable"
	return p, nil
}

// script starts the server and stops it at the end of input. Signals that a
// terminal sends to everybody are for noren to act on first.
func (c cluster) script() string {
	settings, after := " -c shared_buffers=512MB", "" // PostgreSQL's own 128 MB are for the smallest of machines
	if c.throwaway {
		settings, after = " -c shared_buffers=128MB -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_wal_size=256MB", `; rm -rf "$(dirname "$2")"`
	}
	return `trap '' INT TERM HUP
exec 3<&0
"$1" -D "$2" -p "$3" -h 127.0.0.1 -k '' -c max_connections=200` + settings + ` >"$2.log" 2>&1 </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; kill -INT $server 2>/dev/null) &
wait $server` + after
}

// ready waits until the server answers, and makes noren's database.
func (p *Postgres) ready(ctx context.Context, logFile string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, p.URL+"postgres?sslmode=disable")
		if err == nil {
			defer func() { _ = conn.Close(ctx) }()
			return createDatabase(ctx, conn)
		}
		select {
		case <-p.ended:
			return fmt.Errorf("PostgreSQL ended while starting; see %s:\n%s", logFile, tail(logFile))
		case <-ctx.Done():
			return fmt.Errorf("PostgreSQL does not answer after %s; see %s: %w", startWithin, logFile, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func createDatabase(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'noren')`).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, `CREATE DATABASE noren`)
	}
	return err
}

// notRunning fails when another noren holds the data directory. One that is just
// going gets a moment to be gone.
func (c cluster) notRunning(ctx context.Context) error {
	pid := c.running()
	for deadline := time.Now().Add(leaveWithin); pid != "" && time.Now().Before(deadline) && ctx.Err() == nil; pid = c.running() {
		time.Sleep(50 * time.Millisecond)
	}
	if pid == "" {
		return nil
	}
	return fmt.Errorf("another noren runs on %s (PostgreSQL pid %s): stop it, or choose another --data-dir", c.dir, pid)
}

// running is the process id of the server that works in the data directory;
// empty if none does. The file alone proves nothing: a crash leaves it behind,
// and the number may be another program's by now.
func (c cluster) running() string {
	raw, err := os.ReadFile(filepath.Join(c.dir, "postmaster.pid"))
	if err != nil {
		return ""
	}
	pid, _, _ := strings.Cut(string(raw), "\n")
	if cwd, err := os.Readlink(filepath.Join("/proc", pid, "cwd")); err != nil || cwd != c.dir {
		return ""
	}
	return pid
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func tail(file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2000):])
}
