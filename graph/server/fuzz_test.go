package server_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/graph/server"
)

// FuzzRequests sends any bytes as a body: the answer is a GraphQL response, refused
// or not, and never noren's fault.
func FuzzRequests(f *testing.F) {
	for _, body := range []string{
		`{"query":"{hello}"}`, `{"query":"query($n:String){hello(name:$n)}","variables":{"n":"\u0000"}}`, `[]`, `{"query":1}`,
		`{"query":"{...A} fragment A on Query{...A}"}`, "\xff", `{"query":"{self{self{self{hello}}}}","operationName":"x"}`,
		`{"query":"{books(first:-1){nodes{title}}}"}`, `{"query":"subscription{forever}"}`, `{"query":"{hello @include(if:$x)}"}`,
		`{"documentId":"sha256:x"}`, `{"extensions":{"persistedQuery":{"sha256Hash":"x"}}}`,
	} {
		f.Add(body, "application/json", "application/graphql-response+json")
	}
	f.Add("--x\r\n", "multipart/form-data; boundary=x", "*/*")
	s, err := server.New(server.Config{Schema: newToy()})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body, media, accept string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		r.Header["Content-Type"], r.Header["Accept"], r.Header["X-Noren-Csrf"] = []string{media}, []string{accept}, []string{"1"}
		if strings.Contains(body, "slow") || strings.Contains(body, "fail") {
			t.Skip("the toy's resolvers misbehave on purpose")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Less(t, w.Code, 500, w.Body.String())
		if strings.Contains(w.Header().Get("Content-Type"), "json") {
			require.True(t, json.Valid(w.Body.Bytes()), w.Body.String())
		}
	})
}
