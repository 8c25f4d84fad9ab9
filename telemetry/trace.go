package telemetry

import (
	"context"
	"fmt"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing follows requests: HTTP, operation, resolver, SQL. Where it is off (nil)
// it costs nothing.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracing sends traces to the OTLP endpoint (http://collector:4318). An empty
// endpoint turns tracing off: the result is nil, which may be used. The standard
// OTEL_* variables say the rest (headers, sampler, service name).
func NewTracing(ctx context.Context, endpoint, service string) (*Tracing, error) {
	if endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(tracesURL(endpoint)))
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT must be the URL of an OTLP collector such as http://localhost:4318: %w", err)
	}
	about, err := resource.Merge(resource.NewSchemaless(attribute.String("service.name", service)), resource.Environment())
	if err != nil {
		return nil, fmt.Errorf("read OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return TracingWith(sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))), nil
}

// TracingWith follows requests with the provider, which it owns from now on.
func TracingWith(provider *sdktrace.TracerProvider) *Tracing {
	return &Tracing{provider, provider.Tracer("github.com/noren-commerce/noren")}
}

// tracesURL is where the collector takes traces: below the endpoint, unless the
// endpoint says a path of its own.
func tracesURL(endpoint string) string {
	request, err := http.NewRequest(http.MethodPost, endpoint, nil) //nolint:noctx // only its URL is of use
	if err != nil {
		return endpoint
	}
	return request.URL.JoinPath("v1", "traces").String()
}

// Close sends what has not been sent.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// HTTP follows requests. A caller's own trace goes on.
func (t *Tracing) HTTP(next http.Handler) http.Handler {
	if t == nil {
		return next
	}
	return otelhttp.NewHandler(next, "http", otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithFilter(func(r *http.Request) bool { return !aboutNoren(r.URL.Path) }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))
}

// SQL follows statements; nil when tracing is off. Their arguments stay out: they
// are people's data.
func (t *Tracing) SQL() pgx.QueryTracer {
	if t == nil {
		return nil
	}
	return otelpgx.NewTracer(otelpgx.WithTracerProvider(t.provider), otelpgx.WithDisableConnectionDetailsInAttributes())
}

// Field follows the fields that have a resolver; nil when tracing is off.
func (t *Tracing) Field() graphql.FieldMiddleware {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		field := graphql.GetFieldContext(ctx)
		if field == nil || !field.IsResolver || !trace.SpanFromContext(ctx).IsRecording() {
			return next(ctx)
		}
		ctx, span := t.tracer.Start(ctx, field.Object+"."+field.Field.Name,
			trace.WithAttributes(attribute.String("graphql.field.path", field.Path().String())))
		defer span.End()
		result, err := next(ctx)
		if err != nil {
			span.RecordError(err)
		}
		return result, err
	}
}

// operation begins the span of an operation.
func (t *Tracing) operation(ctx context.Context, name, kind, hash string) (context.Context, trace.Span) {
	if t == nil {
		return ctx, trace.SpanFromContext(context.Background())
	}
	title := kind
	if title == "" {
		title = "operation"
	}
	if name != "" {
		title += " " + name
	}
	return t.tracer.Start(ctx, title, trace.WithAttributes(
		attribute.String("graphql.operation.name", name),
		attribute.String("graphql.operation.type", kind),
		attribute.String("graphql.document.hash", hash)))
}

// aboutNoren reports whether the path is for those who watch noren.
func aboutNoren(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}
