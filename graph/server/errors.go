package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
)

// errPanic marks a failure that recoverPanic has already logged.
var errPanic = errors.New("a resolver panicked")

var (
	faultTimeout   = fault.Unavailable(CodeTimeout, "時間内に処理が終わりませんでした", "The operation took too long")
	faultCancelled = fault.Unavailable(CodeCancelled, "処理が中断されました", "The operation was cancelled")
	faultInternal  = fault.Unavailable(CodeInternal, "サーバーで問題が発生しました", "Something went wrong on our side")
)

// present turns any error of a resolver into what the client may know: a fault's
// code and sentence, or INTERNAL with the request's id; the cause goes to the log.
func (s *Server) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{}
	var located *gqlerror.Error
	if errors.As(err, &located) {
		if _, ok := located.Extensions["code"]; ok && len(fault.All(err)) == 0 {
			return located // a directive or resolver has said it all
		}
		out.Path, out.Locations = located.Path, located.Locations
	}
	if out.Path == nil && graphql.HasOperationContext(ctx) {
		out.Path = graphql.GetPath(ctx)
	}
	f := s.classify(ctx, err, located)
	out.Message = f.Message(i18n.Language(ctx))
	out.Extensions = map[string]any{"code": string(f.Code)}
	if f.Field != "" {
		out.Extensions["field"] = f.Field
	}
	if id := s.RequestID(ctx); id != "" && (f.Code == CodeInternal || f.Kind == fault.KindUnavailable) {
		out.Extensions["requestId"] = id
	}
	return out
}

func (s *Server) classify(ctx context.Context, err error, located *gqlerror.Error) *fault.Error {
	if faults := fault.All(err); len(faults) > 0 {
		if faults[0].Kind == fault.KindUnavailable {
			s.Log.LogAttrs(ctx, slog.LevelWarn, "unavailable", slog.Any("error", err), slog.String("request_id", s.RequestID(ctx)))
		}
		return faults[0]
	}
	switch {
	case errors.Is(err, errPanic):
		return faultInternal
	case errors.Is(err, context.DeadlineExceeded):
		return faultTimeout
	case errors.Is(err, context.Canceled):
		return faultCancelled
	case isArgumentError(ctx):
		message := err.Error()
		if located != nil {
			message = located.Message
		}
		return fault.Invalid(CodeBadUserInput, message, message)
	}
	s.Log.LogAttrs(ctx, slog.LevelError, "internal error",
		slog.Any("error", err), slog.String("request_id", s.RequestID(ctx)), slog.String("path", pathOf(ctx)))
	return faultInternal
}

// isArgumentError reports whether gqlgen failed while it read a field's arguments:
// then there are none yet although the operation gives some. What such an error
// says is about the client's input.
func isArgumentError(ctx context.Context) bool {
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && len(fc.Field.Arguments) > 0
}

func pathOf(ctx context.Context) string {
	if fc := graphql.GetFieldContext(ctx); fc != nil {
		return fc.Path().String()
	}
	return ""
}

// recoverPanic logs a panic with its stack; the client hears INTERNAL.
func (s *Server) recoverPanic(ctx context.Context, value any) error {
	s.Log.LogAttrs(ctx, slog.LevelError, "panic in a resolver",
		slog.String("panic", fmt.Sprint(value)), slog.String("path", pathOf(ctx)),
		slog.String("request_id", s.RequestID(ctx)), slog.String("stack", string(debug.Stack())))
	return errPanic
}

func codesOf(errs gqlerror.List) []string {
	codes := make([]string, 0, len(errs))
	for _, e := range errs {
		if code, ok := e.Extensions["code"].(string); ok {
			codes = append(codes, code)
		}
	}
	return codes
}
