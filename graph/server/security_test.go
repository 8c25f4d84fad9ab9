package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/graph/server"
)

func TestCORSNamesOneOriginOrNone(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	handler := server.SecurityHeaders(true)(server.CORS([]string{"https://shop.example"})(ok))
	ask := func(origin string) http.Header {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/graphql", nil)
		r.Header.Set("Origin", origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "content-type,x-noren-csrf")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Header()
	}
	named := ask("https://shop.example")
	require.Equal(t, "https://shop.example", named.Get("Access-Control-Allow-Origin"))
	require.Equal(t, "true", named.Get("Access-Control-Allow-Credentials"))
	require.Contains(t, named.Get("Strict-Transport-Security"), "max-age")
	require.Empty(t, ask("https://evil.example").Get("Access-Control-Allow-Origin"))
	require.Empty(t, ask("https://shop.example.evil.example").Get("Access-Control-Allow-Origin"))
	require.Empty(t, ask("null").Get("Access-Control-Allow-Origin"))
}
