package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// NewLog writes a line of JSON for every record from the level on. What is logged
// with a request's context carries its request_id, operation and trace_id.
func NewLog(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(contextual{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})})
}

// contextual adds to each record what its context knows.
type contextual struct{ slog.Handler }

// Handle writes the record.
func (h contextual) Handle(ctx context.Context, record slog.Record) error {
	said := map[string]bool{}
	record.Attrs(func(a slog.Attr) bool {
		said[a.Key] = true
		return true
	})
	add := func(key, value string) {
		if value != "" && !said[key] {
			record.AddAttrs(slog.String(key, value))
		}
	}
	r := from(ctx)
	add("request_id", r.id)
	add("operation", r.operation)
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		add("trace_id", span.TraceID().String())
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs adds attributes to every record.
func (h contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextual{h.Handler.WithAttrs(attrs)}
}

// WithGroup puts what follows into a group.
func (h contextual) WithGroup(name string) slog.Handler { return contextual{h.Handler.WithGroup(name)} }
