package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/signal"
	"github.com/noren-commerce/noren/core/worklist"
	"github.com/noren-commerce/noren/graph/server"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/redis"
	"github.com/noren-commerce/noren/telemetry"
)

// WatchConfig says how noren is watched.
type WatchConfig struct {
	LogLevel      slog.Level    `env:"NOREN_LOG_LEVEL" default:"info" help:"Least level that is logged: debug (every operation), info, warn or error."`
	SlowOperation time.Duration `env:"NOREN_SLOW_OPERATION" default:"500ms" help:"Operations that take as long are logged; 0s for none."`
	MetricsAddr   string        `env:"NOREN_METRICS_ADDR" help:"Own address for /metrics, /healthz and /readyz. Without it serve answers them with everything else, and worker not at all."`
	OTLPEndpoint  string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"OpenTelemetry collector to send traces to: http://collector:4318."`
}

// Ground is what the services stand on beside PostgreSQL, and what watches them.
type Ground struct {
	Redis       *redis.Client
	Generations *redis.Generations
	Limiter     limit.Limiter
	Signals     signal.Board
	Health      *telemetry.Health
	Metrics     *telemetry.Metrics

	signals *redis.Signals
	answers *redis.Answers
	tracing *telemetry.Tracing
	gate    *gate
}

// Option adds something to an App that is not a setting.
type Option func(*Ground)

// WithTracing follows requests; the database must have been opened with the same.
func WithTracing(tracing *telemetry.Tracing) Option {
	return func(g *Ground) { g.tracing = tracing }
}

func newGround(cfg Config, db *postgres.DB, options []Option) (Ground, error) {
	client, err := redis.Open(cfg.RedisURL, slog.Default())
	if err != nil {
		return Ground{}, err
	}
	g := Ground{
		Redis: client, Generations: redis.NewGenerations(client, slog.Default()),
		Limiter: redis.NewLimiter(client), signals: redis.NewSignals(client),
		Metrics: telemetry.NewMetrics(), gate: newGate(),
	}
	g.Signals = g.signals
	g.answers = redis.NewAnswers(client, g.Generations)
	g.Health = &telemetry.Health{Checks: []telemetry.Check{
		{Name: "database", Vital: true, Look: db.Pool().Ping},
		{Name: "redis", Look: client.Ping},
	}}
	// The caches hear first: who is signalled reads again, and must not find the old.
	db.OnCommit(g.Generations.Committed)
	db.OnCommit(func(ctx context.Context, events []event.Event) { order.Signalled(ctx, g.Signals, events) })
	db.OnCommit(func(ctx context.Context, events []event.Event) { points.Signalled(ctx, g.Signals, events) })
	db.OnCommit(func(ctx context.Context, events []event.Event) { worklist.Signalled(ctx, g.Signals, events) })
	for _, option := range options {
		option(&g)
	}
	return g, nil
}

// Open reaches the database and puts a noren together, with its log and traces.
// Close ends it.
func Open(ctx context.Context, cfg Config) (*App, error) {
	slog.SetDefault(telemetry.NewLog(os.Stderr, cfg.LogLevel))
	redis.Silence()
	tracing, err := telemetry.NewTracing(ctx, cfg.OTLPEndpoint, "noren")
	if err != nil {
		return nil, err
	}
	options := []postgres.Option{postgres.WithMaxConns(cfg.MaxConns)}
	if sql := tracing.SQL(); sql != nil {
		options = append(options, postgres.WithTracer(sql))
	}
	db, err := postgres.Open(ctx, cfg.DatabaseURL, options...)
	if err != nil {
		return nil, err
	}
	a, err := New(cfg, db, clock.System, WithTracing(tracing))
	if err != nil {
		db.Close()
		return nil, err
	}
	return a, nil
}

// Close ends every connection. Traces that wait are sent.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := errors.Join(a.signals.Close(), a.Redis.Close(), a.tracing.Close(ctx))
	a.DB.Close()
	return err
}

// watching answers those who watch noren.
func (a *App) watching(r chi.Router) {
	r.Get("/healthz", a.Health.Live)
	r.Get("/readyz", a.Health.Ready)
	r.Method(http.MethodGet, "/metrics", a.Metrics.Handler())
}

// Watch answers /healthz, /readyz and /metrics at an address of their own, where
// one is set, until ctx ends.
func (a *App) Watch(ctx context.Context) error {
	if a.Config.MetricsAddr == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.MetricsAddr)
	if err != nil {
		return fmt.Errorf("NOREN_METRICS_ADDR: %w", err)
	}
	r := chi.NewRouter()
	a.watching(r)
	server := &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// admitted turns requests away once noren drains.
func (a *App) admitted(next http.Handler) http.Handler {
	return a.gate.through(next, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		a.Edge.WriteFault(w, r, fault.ErrUnavailable)
	})
}

// Drain makes noren unready, takes no new requests, ends subscriptions so that
// their clients reconnect to another process, and waits for what is running until
// ctx ends.
func (a *App) Drain(ctx context.Context) error {
	a.Health.Drain()
	if a.Config.DrainDelay > 0 {
		select {
		case <-time.After(a.Config.DrainDelay):
		case <-ctx.Done():
		}
	}
	a.gate.close()
	// What was only counted in memory is written down last.
	return errors.Join(a.Edge.Drain(ctx), a.gate.wait(ctx), a.Operations.Flush(ctx))
}

func (a *App) observer() server.Observer {
	return &telemetry.Operations{
		Metrics: a.Metrics, Tracing: a.tracing, Log: slog.Default(), Slow: a.Config.SlowOperation,
		Count: func(ctx context.Context) (context.Context, func() int) {
			ctx, statements := postgres.CountStatements(ctx)
			return ctx, statements.Count
		},
		Known: func(string) bool { return a.Config.Dev },
	}
}

// watch adds the numbers that are looked up when they are asked for.
func (a *App) watch(jobs *postgres.Jobs) {
	pool, answers := a.DB.Pool(), a.answers
	a.Metrics.Watch(
		telemetry.Number{Name: "noren_database_connections", Help: "Connections to PostgreSQL, by state.", Label: "state",
			Read: func(context.Context) (map[string]float64, error) {
				s := pool.Stat()
				return map[string]float64{"used": float64(s.AcquiredConns()), "idle": float64(s.IdleConns()), "most": float64(s.MaxConns())}, nil
			}},
		telemetry.Number{Name: "noren_database_waits_total", Help: "Statements that had to wait for a connection.", Counts: true,
			Read: func(context.Context) (map[string]float64, error) {
				return map[string]float64{"": float64(pool.Stat().EmptyAcquireCount())}, nil
			}},
		telemetry.Number{Name: "noren_answers_total", Help: "Look-ups of kept answers: found in the process, in Redis, not at all, or not looked up because Redis is away.", Label: "found", Counts: true,
			Read: func(context.Context) (map[string]float64, error) {
				s := answers.Stats()
				return map[string]float64{"process": float64(s.Here), "redis": float64(s.There), "no": float64(s.Missed), "off": float64(s.Blind)}, nil
			}},
		telemetry.Number{Name: "noren_redis_up", Help: "1 when Redis answered last time, 0 when not or when there is none.",
			Read: func(context.Context) (map[string]float64, error) {
				if a.Redis.Up() {
					return map[string]float64{"": 1}, nil
				}
				return map[string]float64{"": 0}, nil
			}},
		telemetry.Number{Name: "noren_jobs", Help: "Jobs of the whole installation that are not done, by state.", Label: "state", Timeout: time.Second,
			Read: jobs.Depth},
		telemetry.Number{Name: "noren_payments_waiting", Help: "What keeps payments of the whole installation from being settled: operations unanswered or refused, payments overdue.", Label: "what", Timeout: time.Second,
			Read: postgres.NewPayments(a.DB).Waiting},
	)
}
