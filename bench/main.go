// Command bench measures noren beside a hand-written baseline, in one run on one
// machine, and prints ratios. It needs Go, and PostgreSQL as `noren dev` does.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/noren-commerce/noren/storage/embedded"
)

// settings are what the command line says.
type settings struct {
	products    int
	connections int
	seconds     float64
	rounds      int
	database    string
	only        string
	against     string
	members     int
	purchases   int
}

func main() {
	var s settings
	flag.IntVar(&s.products, "products", 10_000, "products of the first brand")
	flag.IntVar(&s.connections, "connections", 16, "connections that ask at once")
	flag.Float64Var(&s.seconds, "seconds", 5, "length of one measurement")
	flag.IntVar(&s.rounds, "rounds", 3, "measurements of each kind, in turn; the median counts")
	flag.StringVar(&s.database, "database", os.Getenv("DATABASE_URL"), "PostgreSQL to use; a database noren_bench is made there. Unsaid, an embedded one")
	flag.StringVar(&s.only, "only", "", "list, detail, search, checkout, trade, stock, orders, settlement, points or members; all but members if left out. members/search is one part of members, as are find, export, count, ingest and balances")
	flag.IntVar(&s.members, "members", 1_000_000, "members of -only members, kept in the database noren_bench_members")
	flag.IntVar(&s.purchases, "purchases", 12_000_000, "items that they bought")
	flag.StringVar(&s.against, "against", "", "binary of another noren, to take checkouts from both in turn")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

func run(ctx context.Context, s settings) error {
	if s.database == "" {
		dir, err := filepath.Abs(filepath.Join(".noren", "bench"))
		if err != nil {
			return err
		}
		cluster, err := embedded.StartPostgres(ctx, embedded.PostgresOptions{DataDir: dir})
		if err != nil {
			return err
		}
		defer func() { _ = cluster.Stop() }()
		s.database = cluster.URL
	}
	if s.only == "points" { // which needs no servers
		return loyalty(ctx, s)
	}
	if part, _, _ := strings.Cut(s.only, "/"); part == "members" {
		return membership(ctx, s)
	}
	if s.only == "stock" { // which needs no servers either
		url, err := prepare(ctx, s.database, "", s.products)
		if err != nil {
			return err
		}
		return stock(ctx, s, url)
	}
	return withFleet(ctx, s, func(f *fleet, database string) error { return measure(ctx, s, f, database) })
}

// withFleet prepares the database and runs the servers around f.
func withFleet(ctx context.Context, s settings, f func(fleet *fleet, database string) error) error {
	redis, err := embedded.StartRedis()
	if err != nil {
		return err
	}
	defer redis.Stop()
	url, err := prepare(ctx, s.database, "", s.products)
	if err != nil {
		return err
	}
	bin, err := build(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(bin) }()
	redisURL := redis.URL
	if named := os.Getenv("REDIS_URL"); named != "" {
		redisURL = named
	}
	fleet, err := startFleet(ctx, bin, s.against, url, redisURL)
	if err != nil {
		return err
	}
	defer fleet.stop()
	return f(fleet, url)
}

// measure puts the questions to the servers.
func measure(ctx context.Context, s settings, fleet *fleet, url string) error {
	fmt.Printf("%s, %d processors, %d connections, %d products, %d rounds of %.0f s, medians\n\n",
		runtime.Version(), runtime.NumCPU(), s.connections, s.products, s.rounds, s.seconds)
	for _, q := range questions {
		if s.only == "" || s.only == q.name {
			if err := compare(ctx, s, fleet, q); err != nil {
				return err
			}
		}
	}
	if s.only == "" || s.only == "checkout" {
		if err := checkouts(ctx, s, fleet, url); err != nil {
			return err
		}
	}
	for _, more := range []struct {
		name string
		take func() error
	}{
		{"trade", func() error { return trade(ctx, s, fleet) }},
		{"stock", func() error { return stock(ctx, s, url) }},
		{"orders", func() error { return manyOrders(ctx, s) }},
		{"settlement", func() error { return settlement(ctx, s, fleet.bin) }},
		{"points", func() error { return loyalty(ctx, s) }},
	} {
		if s.only == "" || s.only == more.name {
			if err := more.take(); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\nmemory after the load: uncached %d MiB, cached %d MiB, baseline %d MiB\n", fleet.plain.memory(), fleet.cached.memory(), fleet.baseline.memory())
	return nil
}

func (s settings) length() time.Duration { return time.Duration(s.seconds * float64(time.Second)) }
