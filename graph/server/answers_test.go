package server_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/graph/server"
)

// shelf is a cache of answers in a map.
type shelf struct {
	kept       sync.Map
	generation atomic.Uint64
	down       atomic.Bool
	asked      atomic.Int64
}

func (s *shelf) Generation(context.Context, uuid.UUID) (uint64, bool) {
	s.asked.Add(1)
	return s.generation.Load(), !s.down.Load()
}

func (s *shelf) Get(_ context.Context, key string) ([]byte, bool) {
	v, ok := s.kept.Load(key)
	if !ok {
		return nil, false
	}
	return v.([]byte), true
}

func (s *shelf) Set(_ context.Context, key string, answer []byte) { s.kept.Store(key, answer) }

func serveCached(t *testing.T) (*edge, *shelf) {
	s := &shelf{}
	return serve(t, func(c *server.Config) {
		c.Answers = s
		c.Scope = func(ctx context.Context) (context.Context, server.AnswerScope, bool) {
			return ctx, server.AnswerScope{Language: i18n.Language(ctx)}, true
		}
	}), s
}

func TestPublicAnswersAreKeptUntilTheGenerationMoves(t *testing.T) {
	t.Parallel()
	e, s := serveCached(t)
	ask := func(headers ...string) int64 {
		require.Equal(t, "hello", e.post(t, modern, query("{hello}"), headers...).Data["hello"])
		return e.toy.hellos.Load()
	}
	require.EqualValues(t, 1, ask())
	require.EqualValues(t, 1, ask())
	require.EqualValues(t, 2, s.asked.Load())
	require.EqualValues(t, 2, ask("Accept-Language", "ja"))
	s.generation.Add(1)
	require.EqualValues(t, 3, ask())
	require.EqualValues(t, 3, ask())
	s.down.Store(true)
	require.EqualValues(t, 4, ask())
	s.down.Store(false)
	require.EqualValues(t, 4, ask())
}

func TestOnlyWholePublicErrorFreeQueriesAreKept(t *testing.T) {
	t.Parallel()
	e, s := serveCached(t)
	for _, q := range []string{
		"{mine hello}", "{hello mine}", "{secret}", "{books{nodes{cost}}}", "{books{nodes{title lent}}}", "{...F} fragment F on Query{books{nodes{...B}}} fragment B on Book{title cost}",
		"{__typename}", "{flaky}", `mutation{rename(name:"a")}`,
	} {
		e.post(t, modern, query(q))
		s.kept.Range(func(key, _ any) bool { t.Errorf("%s was kept", q); return false })
	}
	variables := func(n int) map[string]any {
		return map[string]any{"query": "query($n:Int){books(first:$n){nodes{title}}}", "variables": map[string]any{"n": n}}
	}
	e.post(t, modern, variables(1))
	e.post(t, modern, variables(2))
	e.post(t, modern, variables(2))
	n := 0
	s.kept.Range(func(any, any) bool { n++; return true })
	require.Equal(t, 2, n)
}

func TestAStampedeRunsTheOperationOnce(t *testing.T) {
	t.Parallel()
	e, s := serveCached(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if r := e.post(t, modern, query(`{hello(name:"slow")}`)); r.Data["hello"] != "hello" {
				t.Errorf("answered %s", r.raw)
			}
		})
	}
	<-e.toy.entered
	for s.asked.Load() < 20 { // all of them are past the point where they could miss
		select {
		case <-t.Context().Done():
			return
		case <-e.toy.entered:
			t.Fatal("ran twice")
		default:
		}
	}
	close(e.toy.release)
	all.Wait()
	require.LessOrEqual(t, e.toy.hellos.Load(), int64(1))
}

// registry is a registry in a map.
type registry map[string]string

func (r registry) Document(_ context.Context, id string) (string, bool, error) {
	if id == "broken" {
		return "", false, errors.New("connection refused to 10.0.0.3")
	}
	source, ok := r[id]
	return source, ok, nil
}

// memory is an APQ store.
type memory struct{ sync.Map }

func (m *memory) Get(_ context.Context, hash string) (string, bool) {
	v, ok := m.Load(hash)
	if !ok {
		return "", false
	}
	return v.(string), true
}

func (m *memory) Put(_ context.Context, hash, source string) { m.Store(hash, source) }

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

func TestRegisteredOperationsRunById(t *testing.T) {
	t.Parallel()
	policy := server.Policy{}
	e := serve(t, func(c *server.Config) {
		c.Documents = registry{"abc": "query Hello($n:String){hello(name:$n)}", "bad": "{nothing}"}
		c.Automatic = &memory{}
		c.Policy = func(context.Context) server.Policy { return policy }
	})
	for _, body := range []map[string]any{
		{"documentId": "abc"}, {"documentId": "sha256:abc", "variables": map[string]any{"n": "x"}},
		{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": "abc"}}},
		{"documentId": "abc", "query": "{fail(how:\"x\")}"}, // the id decides
	} {
		r := e.post(t, modern, body)
		require.Equal(t, 200, r.status, r.raw)
		require.Equal(t, "hello", r.Data["hello"])
	}
	require.Equal(t, "hello", e.send(t, "GET", "/?documentId=abc", "").Data["hello"])

	r := e.post(t, modern, map[string]any{"documentId": "zzz"})
	require.Equal(t, 404, r.status)
	require.Equal(t, "PERSISTED_QUERY_NOT_FOUND", r.code())
	r = e.post(t, modern, query("{hello}"))
	require.Equal(t, 403, r.status)
	require.Equal(t, "REGISTERED_OPERATIONS_ONLY", r.code())
	r = e.post(t, modern, map[string]any{"query": "{hello}", "extensions": map[string]any{"persistedQuery": map[string]any{"sha256Hash": sum("{hello}")}}})
	require.Equal(t, "REGISTERED_OPERATIONS_ONLY", r.code())
	r = e.post(t, modern, map[string]any{"documentId": "bad"})
	require.Equal(t, "GRAPHQL_VALIDATION_FAILED", r.code())
	r = e.post(t, modern, map[string]any{"documentId": "broken"})
	require.Equal(t, 500, r.status)
	require.NotContains(t, r.raw, "10.0.0.3")
}

func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	kept := &memory{}
	e := serve(t, func(c *server.Config) { c.Automatic = kept })
	hashed := func(q, hash string) map[string]any {
		body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
		if q != "" {
			body["query"] = q
		}
		return body
	}
	r := e.post(t, legacy, hashed("", sum("{hello}")))
	require.Equal(t, 200, r.status)
	require.Equal(t, "PersistedQueryNotFound", r.Errors[0].Message)
	require.Equal(t, "hello", e.post(t, legacy, hashed("{hello}", sum("{hello}"))).Data["hello"])
	require.Equal(t, "hello", e.post(t, legacy, hashed("", sum("{hello}"))).Data["hello"])
	require.Equal(t, "PERSISTED_QUERY_HASH_MISMATCH", e.post(t, legacy, hashed("{hello}", sum("other"))).code())
	e.post(t, legacy, hashed("{nothing}", sum("{nothing}")))
	_, found := kept.Load(sum("{nothing}"))
	require.False(t, found, "an invalid document was remembered")
	none := serve(t)
	require.Equal(t, "PersistedQueryNotSupported", none.post(t, legacy, hashed("{hello}", sum("{hello}"))).Errors[0].Message)
}
