package telemetry

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/noren-commerce/noren/graph/server"
)

// Names that stand for operations without one of their own in the metrics.
const (
	unnamed = "anonymous"
	foreign = "other" // named by a client that may name anything
)

// namesMost bounds the operation names that metrics are kept by.
const namesMost = 1000

// Operations observes every GraphQL operation: metrics, a span, and a line in the
// log for those that are slow or fail. It is the edge's Observer.
type Operations struct {
	Metrics *Metrics
	Tracing *Tracing // nil when off
	Log     *slog.Logger
	// Slow is the time from which an operation is logged as slow; zero never.
	Slow time.Duration
	// Count begins counting the SQL statements of a context; nil means not at all.
	Count func(context.Context) (context.Context, func() int)
	// Known reports whether an ad-hoc operation's name is one of noren's own
	// clients'; nil means that no such name is. Registered operations are known.
	Known func(name string) bool

	names sync.Map // those that metrics are kept by
	kept  int
	mu    sync.Mutex
}

// Begin is told of an operation before it runs.
func (o *Operations) Begin(ctx context.Context, op server.Operation) (context.Context, func(server.Outcome)) {
	label := o.label(op)
	if op.Name != "" {
		ctx = withOperation(ctx, op.Name)
	}
	ctx, span := o.Tracing.operation(ctx, op.Name, op.Kind, op.Hash)
	count := func() int { return 0 }
	if o.Count != nil {
		ctx, count = o.Count(ctx)
	}
	o.Metrics.running.Inc()
	return ctx, func(outcome server.Outcome) {
		o.Metrics.running.Dec()
		o.measure(label, op, outcome, count())
		o.report(ctx, op, outcome, count())
		span.SetAttributes(attribute.Bool("noren.cached", outcome.Cached), attribute.Int("noren.statements", count()))
		if len(outcome.Codes) > 0 {
			span.SetStatus(codes.Error, outcome.Codes[0])
		}
		span.End()
	}
}

func (o *Operations) measure(label string, op server.Operation, outcome server.Outcome, statements int) {
	if outcome.Refused {
		for _, code := range outcome.Codes {
			o.Metrics.refused.WithLabelValues(code).Inc()
		}
		return
	}
	for _, code := range outcome.Codes {
		o.Metrics.errors.WithLabelValues(label, code).Inc()
	}
	if op.Kind == "subscription" {
		return // it lasts as long as the client likes
	}
	o.Metrics.duration.WithLabelValues(label, op.Kind, strconv.FormatBool(outcome.Cached)).Observe(outcome.Elapsed.Seconds())
	o.Metrics.statements.WithLabelValues(label).Observe(float64(statements))
}

func (o *Operations) report(ctx context.Context, op server.Operation, outcome server.Outcome, statements int) {
	level, message := slog.LevelDebug, "operation"
	if o.Slow > 0 && outcome.Elapsed >= o.Slow && op.Kind != "subscription" {
		level, message = slog.LevelWarn, "slow operation"
	}
	if !o.Log.Enabled(ctx, level) {
		return
	}
	o.Log.LogAttrs(ctx, level, message,
		slog.String("kind", op.Kind), slog.String("document", op.Hash), slog.String("source", op.Source),
		slog.Float64("ms", float64(outcome.Elapsed.Microseconds())/1000), slog.Int("statements", statements),
		slog.Bool("cached", outcome.Cached), slog.Int("bytes", outcome.Bytes), slog.Any("codes", outcome.Codes))
}

// label is the name that metrics are kept by: a client's own choice of names must
// not become as many time series.
func (o *Operations) label(op server.Operation) string {
	switch {
	case op.Name == "":
		return unnamed
	case op.Source != "registered" && (o.Known == nil || !o.Known(op.Name)):
		return foreign
	}
	if _, kept := o.names.Load(op.Name); kept {
		return op.Name
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.kept >= namesMost {
		return foreign
	}
	if _, kept := o.names.LoadOrStore(op.Name, true); !kept {
		o.kept++
	}
	return op.Name
}
