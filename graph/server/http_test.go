package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/graph/server"
)

// edge is a running endpoint over the toy schema.
type edge struct {
	*server.Server
	toy *toy
	url string
	log *bytes.Buffer
}

func serve(t *testing.T, change ...func(*server.Config)) *edge {
	t.Helper()
	e := &edge{toy: newToy(), log: &bytes.Buffer{}}
	cfg := server.Config{
		Schema: e.toy, Log: slog.New(slog.NewTextHandler(e.log, nil)),
		RequestID: func(context.Context) string { return "req-1" },
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := server.New(cfg)
	require.NoError(t, err)
	e.Server = s
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := access.With(i18n.WithLanguage(r.Context(), "en"), access.Guest)
		if l := r.Header.Get("Accept-Language"); l != "" {
			ctx = i18n.WithLanguage(ctx, l)
		}
		s.ServeHTTP(w, r.WithContext(ctx))
	}))
	t.Cleanup(web.Close)
	e.url = web.URL
	return e
}

type reply struct {
	status int
	header http.Header
	raw    string
	Data   map[string]any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

func (r reply) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	return fmt.Sprint(r.Errors[0].Extensions["code"])
}

func (e *edge) send(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, e.url+path, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	r := reply{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if strings.Contains(response.Header.Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(raw, &r), r.raw)
	}
	return r
}

const (
	legacy = "application/json"
	modern = "application/graphql-response+json"
)

func (e *edge) post(t *testing.T, accept string, body any, headers ...string) reply {
	t.Helper()
	text, ok := body.(string)
	if !ok {
		raw, err := json.Marshal(body)
		require.NoError(t, err)
		text = string(raw)
	}
	return e.send(t, http.MethodPost, "/", text, append([]string{"Content-Type", "application/json", "Accept", accept}, headers...)...)
}

func query(q string) map[string]any { return map[string]any{"query": q} }

func TestAnswersUnderTheMediaTypeAsked(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for accept, want := range map[string]string{
		"": legacy, "*/*": legacy, legacy: legacy, modern: modern,
		modern + ", application/json;q=0.9":                  modern,
		"application/json, " + modern:                        legacy,
		"application/json;q=0.5, " + modern + ";q=0.6":       modern,
		"text/html,application/xhtml+xml,*/*;q=0.8":          legacy,
		"application/*;q=0.1":                                legacy,
		"text/event-stream;q=0.1, application/json;q=0.2":    legacy,
		"application/json;q=0, " + modern + ", */*;q=0.0001": modern,
	} {
		r := e.post(t, accept, query("{hello}"))
		require.Equal(t, 200, r.status, accept)
		require.Equal(t, want+"; charset=utf-8", r.header.Get("Content-Type"), accept)
		require.Equal(t, "hello", r.Data["hello"])
	}
	require.Equal(t, 406, e.post(t, "text/html", query("{hello}")).status)
	require.Equal(t, 406, e.post(t, "application/json;q=0", query("{hello}")).status)
}

func TestRequestErrorsAnswerByMediaType(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for name, c := range map[string]struct {
		body string
		code string
	}{
		"parse":       {`{"query":"{"}`, "GRAPHQL_PARSE_FAILED"},
		"validate":    {`{"query":"{ nothing }"}`, "GRAPHQL_VALIDATION_FAILED"},
		"coerce":      {`{"query":"query($to: ID!){ __typename }","variables":{"to":null}}`, ""},
		"coerce used": {`{"query":"query($how: String!){ fail(how: $how) }","variables":{}}`, "BAD_USER_INPUT"},
		"operation":   {`{"query":"query a{hello} query b{hello}"}`, "OPERATION_RESOLUTION_FAILURE"},
		"no op":       {`{"query":"fragment F on Query {hello}"}`, "OPERATION_RESOLUTION_FAILURE"},
		"introspect":  {`{"query":"{__schema{queryType{name}}}"}`, "INTROSPECTION_DISABLED"},
		"defer":       {`{"query":"{... @defer {hello}}"}`, "DEFER_NOT_SUPPORTED"},
		"nul":         {`{"query":"query($n:String){hello(name:$n)}","variables":{"n":"a\u0000b"}}`, "BAD_USER_INPUT"},
	} {
		old, now := e.post(t, legacy, c.body), e.post(t, modern, c.body)
		require.Equal(t, 200, old.status, name)
		require.Equal(t, 400, now.status, name)
		require.NotContains(t, now.raw, `"data"`, name)
		require.NotEmpty(t, now.Errors, name)
		if c.code != "" {
			require.Equal(t, c.code, now.code(), name)
			require.Equal(t, c.code, old.code(), name)
		}
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for _, body := range []string{
		``, `nonsense`, `{"query":`, `{}`, `{"qeury":"{hello}"}`, `null`, `{"query":{"a":1}}`, `{"query":0}`, `{"query":["a"]}`,
		`{"query":"{hello}","operationName":0}`, `{"query":"{hello}","variables":"x"}`, `{"query":"{hello}","variables":[1]}`,
		`{"query":"{hello}","extensions":[1]}`, `{"query":"{hello}"} {"query":"{hello}"}`,
		`{"query":"{hello}","extensions":{"persistedQuery":3}}`,
	} {
		for _, accept := range []string{legacy, modern} {
			r := e.post(t, accept, body)
			require.Equal(t, 400, r.status, body)
			require.Equal(t, "BAD_REQUEST", r.code(), body)
		}
	}
	require.Equal(t, 200, e.post(t, legacy, `{"query":"{hello}","operationName":null,"variables":null,"extensions":null}`).status)
	batch := e.post(t, legacy, `[{"query":"{hello}"},{"query":"{hello}"}]`)
	require.Equal(t, 400, batch.status)
	require.Equal(t, "BATCHING_NOT_SUPPORTED", batch.code())
	bad := e.post(t, legacy, "{\"query\":\"{hello(name:\\\"\xff\xfe\\\")}\"}")
	require.Equal(t, 400, bad.status)
	require.Equal(t, "INVALID_UTF8", bad.code())
}

func TestMethodsAndContentTypes(t *testing.T) {
	t.Parallel()
	e := serve(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		r := e.send(t, method, "/", `{"query":"{hello}"}`, "Content-Type", legacy)
		require.Equal(t, 405, r.status)
		require.Equal(t, "GET, POST, OPTIONS", r.header.Get("Allow"))
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/graphql", "", "application/json; charset=shift_jis"} {
		r := e.send(t, http.MethodPost, "/", `{"query":"{hello}"}`, "Content-Type", media)
		require.Equal(t, 415, r.status, media)
		require.Equal(t, "UNSUPPORTED_MEDIA_TYPE", r.code())
	}
	require.Equal(t, 200, e.send(t, http.MethodPost, "/", `{"query":"{hello}"}`, "Content-Type", "application/json; charset=UTF-8").status)
}

func TestGETRunsQueriesOnly(t *testing.T) {
	t.Parallel()
	e := serve(t)
	get := func(values url.Values, headers ...string) reply {
		return e.send(t, http.MethodGet, "/?"+values.Encode(), "", headers...)
	}
	r := get(url.Values{"query": {"query($n:String){hello(name:$n)}"}, "variables": {`{"n":"a"}`}, "operationName": {""}})
	require.Equal(t, 200, r.status)
	require.Equal(t, "hello", r.Data["hello"])
	for _, accept := range []string{legacy, modern} {
		r = get(url.Values{"query": {`mutation{rename(name:"x")}`}}, "Accept", accept)
		require.Equal(t, 405, r.status)
		require.Equal(t, "POST", r.header.Get("Allow"))
	}
	require.Equal(t, 400, get(url.Values{"query": {"{hello}"}, "variables": {"[1]"}}).status)
	require.Equal(t, 400, get(url.Values{"query": {"{hello}"}, "extensions": {"x"}}).status)
	require.Equal(t, 400, get(nil).status)
	require.Equal(t, "INVALID_UTF8", get(url.Values{"query": {"{hello}\xff"}}).code())
	r = get(url.Values{"query": {"{hello}"}}, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
	require.Equal(t, 403, r.status)
	require.Equal(t, "CSRF_PREVENTED", r.code())
	require.Equal(t, 200, get(url.Values{"query": {"{hello}"}}, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors").status)
}

func TestHostileDocumentsAreRefusedByName(t *testing.T) {
	t.Parallel()
	e := serve(t)
	deep := strings.Repeat("{self", 50) + "{hello}" + strings.Repeat("}", 50)
	var aliases, roots, same strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&aliases, "a%d:hello ", i)
	}
	for i := range 150 {
		fmt.Fprintf(&roots, "a%d:hello ", i)
	}
	for range 2_000 {
		same.WriteString("hello ")
	}
	laughs := "query{...A0}" // doubles 40 times when spread
	for i := range 40 {
		laughs += fmt.Sprintf("fragment A%d on Query{self{...A%d} x:self{...A%d}}", i, i+1, i+1)
	}
	laughs += "fragment A40 on Query{hello}"
	for name, c := range map[string]struct{ query, code string }{
		"50 deep":             {deep, "QUERY_TOO_DEEP"},
		"10,000 aliases":      {"{" + aliases.String() + "}", "TOO_MANY_TOKENS"},
		"150 aliases":         {"{" + roots.String() + "}", "TOO_MANY_ALIASES"},
		"same field":          {"{" + same.String() + "}", "TOO_MANY_FIELDS"},
		"40 roots":            {"{" + strings.Repeat("hello ", 40) + "}", "TOO_MANY_ROOT_FIELDS"},
		"directives":          {"{" + "hello " + strings.Repeat("@include(if:true) ", 60) + "}", "TOO_MANY_DIRECTIVES"},
		"self cycle":          {"{...A} fragment A on Query{self{...A}}", "FRAGMENT_CYCLE"},
		"long cycle":          {"{...A} fragment A on Query{self{...B}} fragment B on Query{self{...C}} fragment C on Query{...A}", "FRAGMENT_CYCLE"},
		"unused cycle":        {"{hello} fragment A on Query{...A}", "FRAGMENT_CYCLE"},
		"a billion laughs":    {laughs, "QUERY_TOO_DEEP"},
		"costly":              {"{books(first:100){nodes{tags{name} " + manyTags(40) + "}}}", "QUERY_TOO_COSTLY"},
		"deep by fragment":    {"{...A} fragment A on Query{self{self{self{self{self{self{self{self{...B}}}}}}}}} fragment B on Query{self{self{self{self{self{self{self{self{hello}}}}}}}}}", "QUERY_TOO_DEEP"},
		"deep introspection":  {"{__schema{types{fields{type{fields{type{fields{type{fields{type{name}}}}}}}}}}}", ""},
		"suggestions are off": {"{helo}", "GRAPHQL_VALIDATION_FAILED"},
	} {
		started := time.Now()
		r := e.post(t, modern, query(c.query))
		require.Equal(t, 400, r.status, name)
		require.NotContains(t, r.raw, "Did you mean", name)
		if c.code != "" {
			require.Equal(t, c.code, r.code(), name)
		}
		require.Less(t, time.Since(started), 2*time.Second, name)
	}
	require.Zero(t, e.toy.hellos.Load())
}

func manyTags(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d:tags{name} ", i)
	}
	return b.String()
}

func TestCostCountsPagesByVariable(t *testing.T) {
	t.Parallel()
	e := serve(t)
	q := "query($n:Int){books(first:$n){nodes{" + manyTags(40) + "}}}"
	small := e.post(t, modern, map[string]any{"query": q, "variables": map[string]any{"n": 2}})
	require.Equal(t, 200, small.status, small.raw)
	large := e.post(t, modern, map[string]any{"query": q, "variables": map[string]any{"n": 100}})
	require.Equal(t, "QUERY_TOO_COSTLY", large.code())
	require.EqualValues(t, 10_000, large.Errors[0].Extensions["limit"])
	staff := serve(t, func(c *server.Config) {
		c.Limits = server.DefaultLimits()
		c.Limits.CostByRole[access.RoleGuest] = 50_000
	})
	require.Equal(t, 200, staff.post(t, modern, map[string]any{"query": q, "variables": map[string]any{"n": 100}}).status)
}

func TestBodyOfTenMegabytesIsRefused(t *testing.T) {
	t.Parallel()
	e := serve(t)
	body := `{"query":"{hello}","variables":{"x":"` + strings.Repeat("x", 10<<20) + `"}}`
	r := e.post(t, legacy, body)
	require.Equal(t, 413, r.status)
	require.Equal(t, "BODY_TOO_LARGE", r.code())
}

func TestErrorsTellWhatTheCallerMayKnow(t *testing.T) {
	t.Parallel()
	e := serve(t)
	fail := func(how string, headers ...string) reply {
		return e.post(t, modern, query(`{hello fail(how:"`+how+`")}`), headers...)
	}
	r := fail("fault")
	require.Equal(t, 200, r.status)
	require.Equal(t, "SOLD_OUT", r.code())
	require.Equal(t, "Sold out", r.Errors[0].Message)
	require.Equal(t, "lines.0", r.Errors[0].Extensions["field"])
	require.Equal(t, []any{"fail"}, r.Errors[0].Path)
	require.Equal(t, "hello", r.Data["hello"])
	require.Equal(t, "売り切れです", fail("fault", "Accept-Language", "ja").Errors[0].Message)
	r = fail("sql")
	require.Equal(t, "INTERNAL", r.code())
	require.Equal(t, "req-1", r.Errors[0].Extensions["requestId"])
	require.NotContains(t, r.raw, "hunter2")
	r = fail("panic")
	require.Equal(t, "INTERNAL", r.code())
	require.NotContains(t, r.raw, "secret")
	require.Contains(t, e.log.String(), "hunter2")
	require.Contains(t, e.log.String(), "the resolver's secret")
}

func TestSlowOperationTimesOut(t *testing.T) {
	t.Parallel()
	e := serve(t, func(c *server.Config) {
		c.Limits = server.DefaultLimits()
		c.Limits.Timeout = 20 * time.Millisecond
	})
	r := e.post(t, modern, query(`{fail(how:"slow")}`))
	require.Equal(t, 200, r.status)
	require.Equal(t, "TIMEOUT", r.code())
	require.Equal(t, "2m0s", e.post(t, modern, query(`{...on Query{hello patient}}`)).Data["patient"], "what says so may take longer")
}

func TestUploads(t *testing.T) {
	t.Parallel()
	e := serve(t, func(c *server.Config) {
		c.Limits = server.DefaultLimits()
		c.Limits.Upload, c.Limits.UploadMemory = 4096, 100
	})
	const one = `{"query":"mutation($f:Upload){send(file:$f)}","variables":{"f":null}}`
	const two = `{"query":"mutation($f:[Upload!]){send(files:$f)}","variables":{"f":[null,null]}}`
	send := func(headers []string, parts ...string) reply {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for i := 0; i < len(parts); i += 2 {
			if parts[i] == "operations" || parts[i] == "map" {
				require.NoError(t, form.WriteField(parts[i], parts[i+1]))
				continue
			}
			w, err := form.CreateFormFile(parts[i], "f.csv")
			require.NoError(t, err)
			_, err = w.Write([]byte(parts[i+1]))
			require.NoError(t, err)
		}
		require.NoError(t, form.Close())
		return e.send(t, http.MethodPost, "/", body.String(), append(headers, "Content-Type", form.FormDataContentType())...)
	}
	safe := []string{"X-Noren-CSRF", "1"}
	r := send(safe, "operations", one, "map", `{"0":["variables.f"]}`, "0", "犬のおやつ")
	require.Equal(t, "犬のおやつ", r.Data["send"], r.raw)
	r = send([]string{"Apollo-Require-Preflight", "true"}, "operations", two, "map", `{"a":["variables.f.0"],"b":["variables.f.1"]}`,
		"a", strings.Repeat("a", 50), "b", strings.Repeat("b", 500))
	require.Equal(t, strings.Repeat("a", 50)+strings.Repeat("b", 50), r.Data["send"], r.raw)

	r = send(nil, "operations", one, "map", `{"0":["variables.f"]}`, "0", "x")
	require.Equal(t, 403, r.status)
	require.Equal(t, "CSRF_PREVENTED", r.code())
	require.Equal(t, 413, send(safe, "operations", one, "map", `{"0":["variables.f"]}`, "0", strings.Repeat("x", 8000)).status)
	for name, parts := range map[string][]string{
		"map first":     {"map", `{}`, "operations", one},
		"no map":        {"operations", one, "0", "x"},
		"map malformed": {"operations", one, "map", `[1]`, "0", "x"},
		"unmapped file": {"operations", one, "map", `{}`, "0", "x"},
		"missing file":  {"operations", one, "map", `{"0":["variables.f"]}`},
		"no such path":  {"operations", one, "map", `{"0":["variables.g"]}`, "0", "x"},
		"bad index":     {"operations", two, "map", `{"0":["variables.f.9"]}`, "0", "x"},
		"negative":      {"operations", two, "map", `{"0":["variables.f.-1"]}`, "0", "x"},
		"not variables": {"operations", one, "map", `{"0":["query"]}`, "0", "x"},
		"into a leaf":   {"operations", `{"query":"{hello}","variables":{"f":"x"}}`, "map", `{"0":["variables.f.0"]}`, "0", "x"},
		"batch":         {"operations", "[" + one + "]", "map", `{}`},
	} {
		require.Equal(t, 400, send(safe, parts...).status, name)
	}
}
