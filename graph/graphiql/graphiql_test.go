package graphiql_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/graph/graphiql"
)

func TestThePageAndItsFilesComeFromTheBinary(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(graphiql.Handler())
	t.Cleanup(server.Close)
	get := func(path string, headers ...string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		require.NoError(t, err)
		for i := 0; i+1 < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		return response, string(body)
	}
	response, page := get("/")
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Contains(t, response.Header.Get("Content-Type"), "text/html")
	require.Contains(t, response.Header.Get("Content-Security-Policy"), "script-src 'self';")
	require.NotContains(t, page, "://", "the page must load nothing from elsewhere")
	links := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(page, -1)
	require.Len(t, links, 2)
	for _, link := range links {
		response, body := get(link[1])
		require.Equal(t, http.StatusOK, response.StatusCode, link[1])
		require.Greater(t, len(body), 100_000)
		again, _ := get(link[1], "If-None-Match", response.Header.Get("ETag"))
		require.Equal(t, http.StatusNotModified, again.StatusCode)
	}
	for _, worker := range []string{"editor", "json", "graphql"} {
		response, body := get("/graphiql/"+worker+".worker.js", "Accept-Encoding", "identity")
		require.Equal(t, http.StatusOK, response.StatusCode)
		require.Contains(t, response.Header.Get("Content-Type"), "javascript")
		require.Contains(t, body, "function")
	}
	for _, path := range []string{"/graphiql/nothing.js", "/graphiql/../graphiql.go", "/graphiql/"} {
		response, _ := get(path)
		require.Equal(t, http.StatusNotFound, response.StatusCode, path)
	}
}
