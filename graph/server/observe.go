package server

import (
	"context"
	"time"
)

// Observer watches operations.
type Observer interface {
	// Begin is told of an operation before it runs. The context it returns is
	// the one the operation runs in; the function is called once, at its end.
	Begin(ctx context.Context, op Operation) (context.Context, func(Outcome))
}

// Operation is what an observer learns of a request. What could not be read or
// was refused before its operation was known has empty fields.
type Operation struct {
	Name      string // as the client named it; empty for anonymous ones
	Kind      string // query, mutation or subscription
	Hash      string // SHA-256 of the document, hex
	Transport string // http, websocket or sse
	Source    string // adhoc, registered or automatic: how the document was sent
}

// Outcome is how an operation ended.
type Outcome struct {
	Codes   []string // extensions.code of its errors
	Refused bool     // it never ran
	Cached  bool     // it was answered from Answers
	Bytes   int      // of the answer
	Elapsed time.Duration
}

type blind struct{}

func (blind) Begin(ctx context.Context, _ Operation) (context.Context, func(Outcome)) {
	return ctx, func(Outcome) {}
}
