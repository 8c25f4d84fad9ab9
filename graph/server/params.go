package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/noren-commerce/noren/core/i18n"
)

// params are the parameters of a GraphQL-over-HTTP request.
type params struct {
	query         string
	operationName string
	documentID    string
	hash          string // extensions.persistedQuery.sha256Hash
	variables     map[string]any
	files         []*os.File // temporary files of uploads
	remember      bool       // keep query under hash once it has proved valid
}

// wireParams is the JSON form. Pointers tell null and absent from empty.
type wireParams struct {
	Query         *string                    `json:"query"`
	OperationName *string                    `json:"operationName"`
	DocumentID    *string                    `json:"documentId"`
	Variables     map[string]any             `json:"variables"`
	Extensions    map[string]json.RawMessage `json:"extensions"`
}

func languageOf(ctx context.Context) string { return i18n.Language(ctx) }

// readParams reads the parameters of a GET or POST request.
func (s *Server) readParams(w http.ResponseWriter, r *http.Request) (*params, *refusal) {
	ctx := r.Context()
	if r.Method == http.MethodGet {
		return readQuery(ctx, r)
	}
	media, isUTF8 := contentType(r.Header.Get("Content-Type"))
	switch {
	case media == mediaForm:
		return s.readForm(w, r)
	case media != mediaJSON:
		return nil, refuseWith(ctx, http.StatusUnsupportedMediaType, CodeMediaTypeUnsupported,
			"Content-Typeはapplication/jsonにしてください", "The Content-Type must be application/json")
	case !isUTF8:
		return nil, refuseWith(ctx, http.StatusUnsupportedMediaType, CodeMediaTypeUnsupported,
			"文字コードはUTF-8にしてください", "The charset must be utf-8")
	}
	if r.ContentLength > s.Limits.Body {
		return nil, refuseBody(ctx, &http.MaxBytesError{Limit: s.Limits.Body})
	}
	limitBody(w, r, s.Limits.Body)
	body := bodies.Get().(*bytes.Buffer)
	defer func() {
		if body.Cap() <= keptBody {
			body.Reset()
			bodies.Put(body)
		}
	}()
	if _, err := body.ReadFrom(r.Body); err != nil {
		return nil, refuseBody(ctx, err)
	}
	return decodeParams(ctx, body.Bytes())
}

// bodies are read into buffers that are used again; nothing of a body is kept but
// copies of its texts.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptBody = 64 << 10

// decodeParams reads the JSON form of the parameters.
func decodeParams(ctx context.Context, body []byte) (*params, *refusal) {
	if !utf8.Valid(body) {
		return nil, refuseUTF8(ctx)
	}
	if first := bytes.TrimLeft(body, " \t\r\n"); len(first) > 0 && first[0] == '[' {
		return nil, refuseWith(ctx, http.StatusBadRequest, CodeBatchUnsupported,
			"複数の操作をまとめて送信することはできません", "Batches are not supported; send one operation per request")
	}
	if wire, ok := decodeQuickly(body); ok {
		return wire.params(ctx)
	}
	var wire wireParams // something is wrong: read again and see what
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&wire); err != nil {
		return nil, refuseJSON(ctx, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, refuseMalformed(ctx, "JSONの後に余分な文字があります", "There is something behind the JSON object")
	}
	return wire.params(ctx)
}

// decodeQuickly reads the JSON form without copying the body. It reports false for
// what is not in order.
func decodeQuickly(body []byte) (wireParams, bool) {
	var quick struct {
		wireParams
		Variables json.RawMessage `json:"variables"`
	}
	if json.Unmarshal(body, &quick) != nil {
		return wireParams{}, false
	}
	if len(quick.Variables) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(quick.Variables))
		decoder.UseNumber()
		if decoder.Decode(&quick.wireParams.Variables) != nil {
			return wireParams{}, false
		}
	}
	return quick.wireParams, true
}

func (wire wireParams) params(ctx context.Context) (*params, *refusal) {
	if containsNUL(wire.Variables) {
		return nil, refuseNUL(ctx)
	}
	p := &params{variables: wire.Variables}
	for _, f := range [...]struct {
		to   *string
		from *string
	}{{&p.query, wire.Query}, {&p.operationName, wire.OperationName}, {&p.documentID, wire.DocumentID}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if raw, ok := wire.Extensions["persistedQuery"]; ok {
		return p, p.readPersisted(ctx, raw)
	}
	return p, nil
}

func (p *params) readPersisted(ctx context.Context, raw json.RawMessage) *refusal {
	var persisted struct {
		SHA256 string `json:"sha256Hash"`
	}
	if err := json.Unmarshal(raw, &persisted); err != nil {
		return refuseMalformed(ctx, "extensions.persistedQueryの形式が正しくありません", "extensions.persistedQuery is malformed")
	}
	p.hash = persisted.SHA256
	return nil
}

// readQuery reads the parameters from the URL.
func readQuery(ctx context.Context, r *http.Request) (*params, *refusal) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuseMalformed(ctx, "URLの形式が正しくありません", "The URL's query is malformed")
	}
	for _, list := range values {
		for _, v := range list {
			if !utf8.ValidString(v) {
				return nil, refuseUTF8(ctx)
			}
		}
	}
	p := &params{query: values.Get("query"), operationName: values.Get("operationName"), documentID: values.Get("documentId")}
	if raw := values.Get("variables"); raw != "" {
		decoder := json.NewDecoder(bytes.NewReader([]byte(raw)))
		decoder.UseNumber()
		if err := decoder.Decode(&p.variables); err != nil {
			return nil, refuseJSON(ctx, err)
		}
		if containsNUL(p.variables) {
			return nil, refuseNUL(ctx)
		}
	}
	if raw := values.Get("extensions"); raw != "" {
		var extensions map[string]json.RawMessage
		if err := json.Unmarshal([]byte(raw), &extensions); err != nil {
			return nil, refuseJSON(ctx, err)
		}
		if persisted, ok := extensions["persistedQuery"]; ok {
			return p, p.readPersisted(ctx, persisted)
		}
	}
	return p, nil
}

func refuseUTF8(ctx context.Context) *refusal {
	return refuseWith(ctx, http.StatusBadRequest, CodeInvalidUTF8, "リクエストがUTF-8ではありません", "The request is not valid UTF-8")
}

func refuseJSON(ctx context.Context, err error) *refusal {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return refuseMalformed(ctx, wrongType.Field+"の型が正しくありません", "The parameter "+wrongType.Field+" has the wrong type")
	}
	return refuseMalformed(ctx, "リクエストがGraphQLのJSON形式ではありません", "The request is not a GraphQL request in JSON")
}

// containsNUL reports whether a text among the values has a NUL character, which
// JSON allows and PostgreSQL cannot keep.
func containsNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case map[string]any:
		for name, value := range v {
			if strings.ContainsRune(name, 0) || containsNUL(value) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, containsNUL)
	}
	return false
}

func refuseNUL(ctx context.Context) *refusal {
	return refuseOperation(ctx, CodeBadUserInput, "NUL文字は使用できません", "Texts must not contain the NUL character")
}
