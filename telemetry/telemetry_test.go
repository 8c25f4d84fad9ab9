package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/graph/server"
	"github.com/noren-commerce/noren/telemetry"
)

func TestRequestsAreIdentifiedAndForgedIDsAreNot(t *testing.T) {
	t.Parallel()
	var inside string
	h := telemetry.Identified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = telemetry.RequestID(r.Context()) }))
	for given, kept := range map[string]bool{
		"": false, "0191-abcdef.01_X": true, "short": false, strings.Repeat("x", 65): false,
		"two\nlines-of-log": false, `quote"quote`: false, "日本語日本語日本語": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header["X-Request-Id"] = []string{given}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, inside, w.Header().Get("X-Request-Id"))
		require.NotEmpty(t, inside)
		require.Equal(t, kept, inside == given, "%q", given)
	}
}

// observed is an observer whose log and metrics can be read.
type observed struct {
	telemetry.Operations
	log bytes.Buffer
}

func observe(level slog.Level) *observed {
	o := &observed{}
	o.Metrics, o.Log = telemetry.NewMetrics(), telemetry.NewLog(&o.log, level)
	o.Slow = 100 * time.Millisecond
	o.Count = func(ctx context.Context) (context.Context, func() int) { return ctx, func() int { return 4 } }
	return o
}

func (o *observed) metrics(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	o.Metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code)
	return w.Body.String()
}

func (o *observed) run(ctx context.Context, op server.Operation, outcome server.Outcome) {
	_, end := o.Begin(ctx, op)
	end(outcome)
}

func TestASlowOperationIsLoggedWithItsNameAndRequest(t *testing.T) {
	t.Parallel()
	o := observe(slog.LevelInfo)
	var ctx context.Context
	telemetry.Identified(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).
		ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil))

	o.run(ctx, server.Operation{Name: "Products", Kind: "query", Hash: "abc"}, server.Outcome{Elapsed: 99 * time.Millisecond})
	require.Zero(t, o.log.Len(), "not slow")
	o.run(ctx, server.Operation{Name: "Watch", Kind: "subscription"}, server.Outcome{Elapsed: time.Hour})
	require.Zero(t, o.log.Len(), "a subscription lasts")
	o.run(ctx, server.Operation{Name: "Products", Kind: "query", Hash: "abc"}, server.Outcome{Elapsed: 150 * time.Millisecond, Codes: []string{"TIMEOUT"}})
	var line map[string]any
	require.NoError(t, json.Unmarshal(o.log.Bytes(), &line), o.log.String())
	require.Equal(t, "slow operation", line["msg"])
	require.Equal(t, "Products", line["operation"])
	require.Equal(t, telemetry.RequestID(ctx), line["request_id"])
	require.EqualValues(t, 150, line["ms"])
	require.EqualValues(t, 4, line["statements"])
}

func TestMetricsCountOperationsByNamesThatClientsCannotMultiply(t *testing.T) {
	t.Parallel()
	o := observe(slog.LevelError)
	o.Known = func(name string) bool { return name == "Products" }
	for i := range 50 {
		o.run(t.Context(), server.Operation{Name: fmt.Sprint("Evil", i), Kind: "query", Source: "adhoc"}, server.Outcome{})
	}
	o.run(t.Context(), server.Operation{Name: "Products", Kind: "query", Source: "adhoc"}, server.Outcome{Elapsed: 3 * time.Millisecond, Cached: true})
	o.run(t.Context(), server.Operation{Name: "StockFeed", Kind: "query", Source: "registered"}, server.Outcome{Codes: []string{"FORBIDDEN"}})
	o.run(t.Context(), server.Operation{Kind: "mutation", Source: "adhoc"}, server.Outcome{})
	o.run(t.Context(), server.Operation{}, server.Outcome{Refused: true, Codes: []string{"PARSE_FAILED"}})
	text := o.metrics(t)
	require.NotContains(t, text, "Evil")
	for _, line := range []string{
		`noren_operation_duration_seconds_count{cached="false",kind="query",operation="other"} 50`,
		`noren_operation_duration_seconds_bucket{cached="true",kind="query",operation="Products",le="0.005"} 1`,
		`noren_operation_duration_seconds_count{cached="false",kind="mutation",operation="anonymous"} 1`,
		`noren_operation_errors_total{code="FORBIDDEN",operation="StockFeed"} 1`,
		`noren_operations_refused_total{code="PARSE_FAILED"} 1`,
		`noren_operation_statements_sum{operation="Products"} 4`,
		`noren_operations_running 0`,
	} {
		require.Contains(t, text, line+"\n")
	}
}

func TestRegisteredNamesAreBoundedToo(t *testing.T) {
	t.Parallel()
	o := observe(slog.LevelError)
	for i := range 1200 {
		o.run(t.Context(), server.Operation{Name: fmt.Sprint("Op", i), Kind: "query", Source: "registered"}, server.Outcome{})
	}
	require.Contains(t, o.metrics(t), `noren_operation_duration_seconds_count{cached="false",kind="query",operation="other"} 200`)
}

func TestWatchedNumbersAreReadWhenAskedAndLeftOutWhenTheyFail(t *testing.T) {
	t.Parallel()
	o := observe(slog.LevelError)
	broken := false
	o.Metrics.Watch(telemetry.Number{Name: "noren_jobs", Help: "Jobs.", Label: "state", Timeout: time.Second,
		Read: func(ctx context.Context) (map[string]float64, error) {
			if _, bounded := ctx.Deadline(); !bounded || broken {
				return nil, errors.New("down")
			}
			return map[string]float64{"available": 3}, nil
		}})
	require.Contains(t, o.metrics(t), `noren_jobs{state="available"} 3`)
	broken = true
	require.NotContains(t, o.metrics(t), "noren_jobs{")
}

func TestReadinessFollowsWhatIsVitalAndDraining(t *testing.T) {
	t.Parallel()
	var database, redis error
	h := &telemetry.Health{Checks: []telemetry.Check{
		{Name: "database", Vital: true, Look: func(context.Context) error { return database }},
		{Name: "redis", Look: func(context.Context) error { return redis }},
	}}
	ready := func() (int, map[string]string) {
		w := httptest.NewRecorder()
		h.Ready(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		var report map[string]string
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &report))
		return w.Code, report
	}
	status, report := ready()
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]string{"status": "ready", "database": "ok", "redis": "ok"}, report)
	redis = errors.New("connection refused to 10.0.0.7")
	status, report = ready()
	require.Equal(t, http.StatusOK, status, "noren works without Redis")
	require.Equal(t, "down", report["redis"], "and does not tell where it is")
	database = errors.New("gone")
	status, report = ready()
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "unready", report["status"])
	database, redis = nil, nil
	h.Drain()
	status, report = ready()
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "draining", report["status"])
	w := httptest.NewRecorder()
	h.Live(w, nil)
	require.Equal(t, http.StatusOK, w.Code, "it lives")
}

func TestTracesGoToTheCollectorThatIsSet(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 8)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent <- r.URL.Path + " " + string(body)
	}))
	t.Cleanup(collector.Close)
	tracing, err := telemetry.NewTracing(t.Context(), collector.URL, "noren")
	require.NoError(t, err)
	o := observe(slog.LevelError)
	o.Tracing = tracing
	o.run(t.Context(), server.Operation{Name: "Products", Kind: "query"}, server.Outcome{})
	require.NoError(t, tracing.Close(t.Context()))
	request := <-sent
	require.True(t, strings.HasPrefix(request, "/v1/traces "), request)
	require.Contains(t, request, "query Products", "protocol buffers carry text as it is")
	require.Contains(t, request, "service.name")

	off, err := telemetry.NewTracing(t.Context(), "", "noren")
	require.NoError(t, err)
	require.Nil(t, off)
	require.Nil(t, off.Field())
	require.Nil(t, off.SQL())
	require.NoError(t, off.Close(t.Context()))
}
