// Package telemetry shows what noren is doing: its log, its metrics, its traces,
// and whether it is ready for work.
package telemetry

import (
	"context"
	"net/http"

	"github.com/noren-commerce/noren/core/id"
)

// requestHeader carries the request's id in and out.
const requestHeader = "X-Request-Id"

type requestKey struct{}

// request is what the log wants to know of the request a context belongs to.
type request struct {
	id        string
	operation string
}

func from(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

// RequestID is the id by which a person finds the context's request in the log;
// empty outside of requests.
func RequestID(ctx context.Context) string { return from(ctx).id }

// withOperation names the operation that runs in the context.
func withOperation(ctx context.Context, name string) context.Context {
	r := from(ctx)
	r.operation = name
	return context.WithValue(ctx, requestKey{}, r)
}

// Identified gives every request an id: the one that a proxy in front has given
// it, if that is a sensible one, else a new one. The answer carries it too.
func Identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get(requestHeader)
		if !sensible(given) {
			given = id.New().String()
		}
		w.Header().Set(requestHeader, given)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, request{id: given})))
	})
}

// sensible ids are short and cannot break a line of the log or forge another.
func sensible(given string) bool {
	if len(given) < 8 || len(given) > 64 {
		return false
	}
	for _, c := range []byte(given) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}
