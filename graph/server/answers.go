package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"

	"github.com/google/uuid"
)

// Answers keeps whole answers to public operations. All of it may vanish at any
// time; then noren is slower and nothing else.
type Answers interface {
	// Generation is the version of everything that the channel shows. It moves
	// with every change that a public field could show, on commit; false means
	// that it cannot be known now, and nothing is read or kept. It is asked once
	// per request.
	Generation(ctx context.Context, channel uuid.UUID) (uint64, bool)
	// Get is the answer kept under the key. The caller does not change it.
	Get(ctx context.Context, key string) ([]byte, bool)
	// Set keeps an answer; whoever gets it later gets exactly these bytes.
	Set(ctx context.Context, key string, answer []byte)
}

// AnswerScope is what, beside operation and variables, decides a public answer.
type AnswerScope struct {
	Channel  uuid.UUID
	Language string
	Prices   string // price list or terms; empty when the channel's own
}

// cacheKey is the key of the call's answer and the context to find it in; empty when
// it must not be cached.
func (s *Server) cacheKey(ctx context.Context, c *call) (shared context.Context, key string) {
	if s.Answers == nil || !c.operation.public {
		return ctx, ""
	}
	shared, scope, ok := s.Scope(ctx)
	if !ok {
		return ctx, ""
	}
	generation, ok := s.Answers.Generation(ctx, scope.Channel)
	if !ok {
		return ctx, ""
	}
	h := sha256.New()
	write := func(part string) {
		_, _ = h.Write(append(strconv.AppendInt(nil, int64(len(part)), 10), ':'))
		_, _ = h.Write([]byte(part))
	}
	write(c.operation.document.hash)
	write(c.operation.definition.Name)
	write(strconv.FormatUint(generation, 36))
	write(scope.Channel.String())
	write(scope.Language)
	write(scope.Prices)
	if len(c.variables) > 0 {
		variables, err := json.Marshal(c.variables) // sorts the names
		if err != nil {
			return ctx, ""
		}
		write(string(variables))
	}
	return shared, "answer:" + hex.EncodeToString(h.Sum(nil))
}

// answerCached answers from the cache, or runs the operation once for everyone
// who asks for it now and keeps the answer if it is free of errors.
func (s *Server) answerCached(ctx context.Context, c *call, key string) answer {
	if body, ok := s.Answers.Get(ctx, key); ok {
		return answer{body: body, cached: true}
	}
	result := s.flights.DoChan(key, func() (any, error) {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Limits.Timeout)
		defer cancel()
		if body, ok := s.Answers.Get(detached, key); ok {
			return answer{body: body, cached: true}, nil // another flight has just landed
		}
		a := s.execute(detached, c)
		if len(a.codes) == 0 {
			s.Answers.Set(detached, key, a.body)
		}
		return a, nil
	})
	select {
	case r := <-result:
		a, ok := r.Val.(answer)
		if !ok || r.Err != nil {
			return s.execute(ctx, c)
		}
		return a
	case <-ctx.Done():
		return s.failed(ctx, ctx.Err())
	}
}
