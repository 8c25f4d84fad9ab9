package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/operation"
)

const shelf = `query Shelf($n: Int) { products(first: $n) { nodes { slug } } }`

func register(t *testing.T, a *apptest.App, client string, operations ...operation.Operation) {
	t.Helper()
	_, err := a.App.Operations.Register(t.Context(), client, operations)
	require.NoError(t, err)
}

// raw sends a body that is not made of a query alone.
func raw(t *testing.T, a *apptest.App, body map[string]any, headers ...string) apptest.Answer {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+"/graphql", bytes.NewReader(text))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return do(t, request)
}

func do(t *testing.T, request *http.Request) apptest.Answer {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer := apptest.Answer{Status: response.StatusCode, Header: response.Header}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

func TestRegisteredOperationsRunUntilRetired(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t, func(c *app.Config) { c.RegisteredOnly = true })
	a.AddProduct(t, "leash", 1980)
	register(t, a, "app", operation.Operation{ID: "abc", Name: "Shelf", Kind: "query", Source: shelf})
	added, err := a.App.Operations.Register(t.Context(), "app", []operation.Operation{{ID: "abc", Name: "Shelf", Kind: "query", Source: shelf}})
	require.NoError(t, err)
	require.Zero(t, added)

	var got struct {
		Products struct{ Nodes []struct{ Slug string } }
	}
	raw(t, a, map[string]any{"documentId": "sha256:abc", "variables": map[string]any{"n": 1}}).Into(t, &got)
	require.Equal(t, "leash", got.Products.Nodes[0].Slug)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/graphql?"+url.Values{"documentId": {"abc"}}.Encode(), nil)
	require.NoError(t, err)
	do(t, request).Into(t, &got)
	raw(t, a, map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": "abc"}}}).Into(t, &got)

	require.Equal(t, "REGISTERED_OPERATIONS_ONLY", a.Do(t, shelf, nil).Code())
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", raw(t, a, map[string]any{"documentId": "zzz"}).Code())

	require.NoError(t, a.App.Operations.Flush(t.Context()))
	list, err := a.App.Operations.List(t.Context(), "app")
	require.NoError(t, err)
	require.EqualValues(t, 3, list[0].Uses)
	require.NotNil(t, list[0].LastUsedAt)

	n, err := a.App.Operations.Retire(t.Context(), operation.Retirement{Client: "app", UnusedSince: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	require.Zero(t, n, "it is in use")
	n, err = a.App.Operations.Retire(t.Context(), operation.Retirement{Client: "app", UnusedSince: time.Now().Add(time.Hour), Keep: []string{"abc"}})
	require.NoError(t, err)
	require.Zero(t, n, "it is kept")
	n, err = a.App.Operations.Retire(t.Context(), operation.Retirement{Client: "app", IDs: []string{"abc"}})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", raw(t, a, map[string]any{"documentId": "abc"}).Code())
}

func TestOnlyWhatFitsTheSchemaIsRegistered(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	_, err := a.App.Operations.Register(t.Context(), "app", []operation.Operation{
		{ID: "good", Name: "Good", Kind: "query", Source: shelf},
		{ID: "bad", Name: "Bad", Kind: "query", Source: "query Bad { nothing }"},
		{ID: "", Name: "Nameless", Kind: "query", Source: shelf},
		{ID: "two", Name: "Two", Kind: "query", Source: "query A{__typename} query B{__typename}"},
	})
	require.ErrorIs(t, err, operation.ErrInvalid)
	require.ErrorContains(t, err, "nothing")
	list, err := a.App.Operations.List(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, list)
}
