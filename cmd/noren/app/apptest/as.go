package apptest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/storage/postgres"
)

// DoAs runs one operation as the actor, whom nobody has had to log in: for tests
// of what a role may do, not of how it proves itself.
func (a *App) DoAs(t testing.TB, actor access.Actor, query string, variables Variables) Answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	return a.askAs(t, actor, bytes.NewReader(body), "application/json")
}

func (a *App) askAs(t testing.TB, actor access.Actor, body io.Reader, contentType string) Answer {
	t.Helper()
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx, statements := postgres.CountStatements(t.Context())
	ctx = access.With(channel.With(ctx, ch), actor)
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", body)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-Noren-CSRF", "1")
	response := httptest.NewRecorder()
	a.App.Edge.ServeHTTP(response, request)
	answer := Answer{Status: response.Code, Header: response.Header()}
	require.NoError(t, json.Unmarshal(response.Body.Bytes(), &answer))
	answer.Statements, answer.RoundTrips = statements.Count(), statements.RoundTrips()
	return answer
}
