// Package apptest runs a whole noren in the test's process, over a real
// PostgreSQL, and speaks GraphQL to it as a client does.
package apptest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// App is a running noren and the shop it serves.
type App struct {
	*pgtest.Shop
	App *app.App
	URL string
}

// Start runs a noren over an empty test shop. The options change its settings.
func Start(t testing.TB, options ...func(*app.Config)) *App {
	shop := pgtest.NewShop(t)
	config := app.Config{Secret: app.DevSecret, Dev: true, AssetConfig: app.AssetConfig{AssetsDir: t.TempDir()}}
	for _, option := range options {
		option(&config)
	}
	return Serve(t, shop, config)
}

// Serve runs a noren over the shop, beside others that may serve it already.
func Serve(t testing.TB, shop *pgtest.Shop, config app.Config, options ...app.Option) *App {
	t.Helper()
	a, err := app.New(config, shop.DB, clock.System, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	server := httptest.NewServer(counted(a.Handler()))
	t.Cleanup(server.Close)
	return &App{Shop: shop, App: a, URL: server.URL}
}

// Work runs the background jobs until the test ends.
func (a *App) Work(t testing.TB) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.App.Work(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
}

// These carry the number of SQL statements that a request ran, and of its round
// trips to PostgreSQL.
const (
	statementsHeader = "X-Test-Statements"
	roundTripsHeader = "X-Test-Round-Trips"
)

// counted counts each request's SQL statements and says so in trailers.
func counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, statements := postgres.CountStatements(r.Context())
		w.Header().Set("Trailer", statementsHeader+", "+roundTripsHeader)
		next.ServeHTTP(w, r.WithContext(ctx))
		w.Header().Set(statementsHeader, strconv.Itoa(statements.Count()))
		w.Header().Set(roundTripsHeader, strconv.Itoa(statements.RoundTrips()))
	})
}

// Answer is what the endpoint said.
type Answer struct {
	Status int         `json:"-"`
	Header http.Header `json:"-"`
	// Statements is how many SQL statements the answer took, and RoundTrips how often
	// PostgreSQL was waited for.
	Statements int `json:"-"`
	RoundTrips int `json:"-"`

	Data   json.RawMessage `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
}

// Into reads the data into v; an answer with errors fails the test.
func (a Answer) Into(t testing.TB, v any) {
	t.Helper()
	require.Empty(t, a.Errors)
	require.NoError(t, json.Unmarshal(a.Data, v), string(a.Data))
}

// Code is the first error's code; empty if there is none.
func (a Answer) Code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	code, _ := a.Errors[0].Extensions["code"].(string)
	return code
}

// Variables are an operation's variables.
type Variables map[string]any

// Do sends one operation. Each header is a pair of name and value.
func (a *App) Do(t testing.TB, query string, variables Variables, headers ...string) Answer {
	t.Helper()
	return a.post(t, map[string]any{"query": query, "variables": variables}, headers)
}

// Registered runs the registered operation with the id.
func (a *App) Registered(t testing.TB, documentID string, variables Variables, headers ...string) Answer {
	t.Helper()
	return a.post(t, map[string]any{"documentId": documentID, "variables": variables}, headers)
}

func (a *App) post(t testing.TB, question map[string]any, headers []string) Answer {
	t.Helper()
	body, err := json.Marshal(question)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/graphql", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	return a.send(t, request, headers)
}

func (a *App) send(t testing.TB, request *http.Request, headers []string) Answer {
	t.Helper()
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &answer), string(raw))
	answer.Statements, _ = strconv.Atoi(response.Trailer.Get(statementsHeader))
	answer.RoundTrips, _ = strconv.Atoi(response.Trailer.Get(roundTripsHeader))
	return answer
}
