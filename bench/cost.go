package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// spent is what has been used up to a moment: processor time by who used it, and
// what PostgreSQL has written.
type spent struct {
	load, server, database time.Duration
	orders                 int
	wal                    int64 // bytes
	transactions           int64 // that wrote something, and so were committed to disk
}

// minus is what was used between two moments.
func (s spent) minus(before spent) spent {
	return spent{
		load: s.load - before.load, server: s.server - before.server, database: s.database - before.database,
		orders: s.orders - before.orders, wal: s.wal - before.wal, transactions: s.transactions - before.transactions,
	}
}

// String is what one order cost.
func (s spent) String() string {
	if s.orders == 0 {
		return "nothing was ordered"
	}
	each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(s.orders) }
	return fmt.Sprintf("CPU ms an order: %.2f noren, %.2f PostgreSQL, %.2f load, together %.2f; %.1f kB WAL, %.2f writing transactions",
		each(s.server), each(s.database), each(s.load), each(s.server+s.database+s.load),
		float64(s.wal)/float64(s.orders)/1000, float64(s.transactions)/float64(s.orders))
}

// spentBy looks at this process, the server and the database's processes. Those of
// a database on another machine are not seen and count as nothing.
func spentBy(ctx context.Context, server *child, database string) (s spent, err error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return s, err
	}
	defer func() { _ = conn.Close(ctx) }()
	err = conn.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM orders), pg_current_wal_insert_lsn() - '0/0', pg_snapshot_xmax(pg_current_snapshot())::text::bigint`).
		Scan(&s.orders, &s.wal, &s.transactions)
	if err != nil {
		return s, err
	}
	rows, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()`)
	if err != nil {
		return s, err
	}
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return s, err
	}
	parents := map[int]bool{}
	for _, pid := range pids {
		if p := look(pid); p.name == "postgres" {
			s.database += p.used
			parents[p.parent] = true
		}
	}
	for pid := range parents { // what has ended, such as a vacuum, is its parent's
		p := look(pid)
		s.database += p.used + p.ofEnded
	}
	s.server, s.load = look(server.command.Process.Pid).used, look(os.Getpid()).used
	return s, nil
}

// tick is the unit of /proc's processor times: Linux shows hundredths everywhere.
const tick = 10 * time.Millisecond

// process is what /proc tells of a process; zero if there is none.
type process struct {
	name    string
	parent  int
	used    time.Duration
	ofEnded time.Duration // used by its children that have ended
}

func look(pid int) (p process) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p
	}
	head, tail, _ := strings.Cut(string(raw), ") ") // the name may hold blanks
	_, p.name, _ = strings.Cut(head, "(")
	fields := strings.Fields(tail)
	if len(fields) < 15 {
		return p
	}
	number := func(i int) int { n, _ := strconv.Atoi(fields[i]); return n }
	p.parent = number(1)
	p.used = time.Duration(number(11)+number(12)) * tick
	p.ofEnded = time.Duration(number(13)+number(14)) * tick
	return p
}
