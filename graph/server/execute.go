package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/graph/run"
)

// call is one operation that a caller may run, with its variables read.
type call struct {
	operation  *operation
	variables  map[string]any
	introspect bool
	source     string // how the document was sent
}

// answer is a GraphQL response as bytes.
type answer struct {
	body        []byte
	codes       []string
	cached      bool
	unavailable bool // nothing could be answered because something noren needs is down
}

// prepare finds, checks and admits the operation that the parameters ask for.
func (s *Server) prepare(ctx context.Context, p *params) (*call, *refusal) {
	source, how, refused := s.resolve(ctx, p)
	if refused != nil {
		return nil, refused
	}
	introspect := s.Introspection(ctx)
	doc, refused := s.documents.open(ctx, source, introspect)
	if refused != nil {
		return nil, refused
	}
	if p.remember {
		s.Automatic.Put(ctx, doc.hash, doc.source)
	}
	op := doc.named(p.operationName)
	if op == nil {
		return nil, refuseOperation(ctx, CodeOperationUnknown,
			"operationNameで実行する操作を1つ指定してください", "operationName does not name one operation of the document")
	}
	if op.introspect && !introspect {
		return nil, refuseOperation(ctx, CodeIntrospectionDisabled,
			"スキーマの参照は許可されていません", "Introspection is not allowed here")
	}
	c := &call{operation: op, introspect: introspect, source: how}
	if c.variables, refused = s.coerce(op, p.variables); refused != nil {
		return nil, refused
	}
	return c, s.checkCost(ctx, c)
}

func (s *Server) checkCost(ctx context.Context, c *call) *refusal {
	budget := s.Limits.budget(ctx)
	if c.operation.ceiling <= budget {
		return nil
	}
	cost := costOf(c.operation.definition, c.variables, true)
	if cost <= budget {
		return nil
	}
	r := refuseOperation(ctx, CodeTooCostly, "", "")
	r.errors[0].Message = fault.Invalid(CodeTooCostly,
		"クエリのコストが%dで、上限の%dを超えています", "The operation costs %d, more than the %d allowed").
		With(cost, budget).Message(languageOf(ctx))
	r.errors[0].Extensions["cost"] = cost
	r.errors[0].Extensions["limit"] = budget
	return r
}

func (s *Server) coerce(op *operation, given map[string]any) (map[string]any, *refusal) {
	if len(op.definition.VariableDefinitions) == 0 {
		return nil, nil
	}
	variables, err := validator.VariableValues(s.Schema.Schema(), op.definition, given)
	if err != nil {
		var g *gqlerror.Error
		if !errors.As(err, &g) {
			g = gqlerror.Errorf("%s", err)
		}
		return nil, refuseInvalid(CodeBadUserInput, gqlerror.List{g})
	}
	return variables, nil
}

// operationContext is what gqlgen's generated code wants to know of the operation.
func (s *Server) operationContext(c *call) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery: c.operation.document.source, Variables: c.variables,
		OperationName: c.operation.definition.Name,
		Doc:           c.operation.document.parsed, Operation: c.operation.definition,
		DisableIntrospection: !c.introspect,
		RecoverFunc:          s.recoverPanic,
		ResolverMiddleware:   s.field,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
			return next(ctx)
		},
	}
}

// field wraps the fields that gqlgen itself resolves, those with a directive.
func (s *Server) field(ctx context.Context, next graphql.Resolver) (any, error) {
	if s.Field == nil {
		return next(ctx)
	}
	return s.Field(ctx, next)
}

// begin makes the context that the call executes in.
func (s *Server) begin(ctx context.Context, c *call) context.Context {
	plans := c.operation.document.plans
	if plans == nil {
		plans = run.NewPlans()
	}
	return run.Begin(graphql.WithOperationContext(s.Prepare(ctx), s.operationContext(c)), plans, s.Field)
}

// answer runs a query or mutation, or answers it from the cache.
func (s *Server) answer(ctx context.Context, c *call) answer {
	ctx, cancel := context.WithTimeout(ctx, max(s.Limits.Timeout, c.operation.takes))
	defer cancel()
	if shared, key := s.cacheKey(ctx, c); key != "" {
		return s.answerCached(shared, c, key)
	}
	return s.execute(ctx, c)
}

func (s *Server) execute(ctx context.Context, c *call) (a answer) {
	defer func() {
		if value := recover(); value != nil {
			a = s.failed(ctx, s.recoverPanic(ctx, value))
		}
	}()
	ctx = s.begin(ctx, c)
	next := s.Schema.Exec(graphql.WithResponseContext(ctx, s.present, s.recoverPanic))
	ctx = graphql.WithResponseContext(ctx, s.present, s.recoverPanic)
	return encode(ctx, next(ctx))
}

// stream starts a subscription. next gives one answer after another until it
// reports false: the stream ended, or its context did.
func (s *Server) stream(ctx context.Context, c *call) (next func() (answer, bool), _ *refusal) {
	ctx = s.begin(ctx, c)
	starting := graphql.WithResponseContext(ctx, s.present, s.recoverPanic)
	events := s.Schema.Exec(starting)
	if errs := graphql.GetErrors(starting); len(errs) > 0 {
		return nil, &refusal{status: http.StatusOK, graphql: true, errors: errs}
	}
	return func() (a answer, more bool) {
		if ctx.Err() != nil {
			return answer{}, false
		}
		defer func() {
			if value := recover(); value != nil {
				a, more = s.failed(ctx, s.recoverPanic(ctx, value)), true
			}
		}()
		event := graphql.WithResponseContext(s.Prepare(ctx), s.present, s.recoverPanic)
		response := events(event)
		if response == nil {
			return answer{}, false
		}
		return encode(event, response), true
	}, nil
}

func (s *Server) failed(ctx context.Context, err error) answer {
	errs := gqlerror.List{s.present(ctx, err)}
	return answer{body: appendResponse(nil, []byte("null"), errs, nil), codes: codesOf(errs), unavailable: isUnavailable(errs)}
}

func encode(ctx context.Context, response *graphql.Response) answer {
	if response == nil {
		response = &graphql.Response{}
	}
	errs := append(response.Errors, graphql.GetErrors(ctx)...)
	const most = 100 // a list of failing rows is not reported row by row for ever
	if len(errs) > most {
		errs = errs[:most]
	}
	data := response.Data
	if len(data) == 0 {
		data = []byte("null")
	}
	a := answer{body: appendResponse(make([]byte, 0, len(data)+32), data, errs, graphql.GetExtensions(ctx))}
	if len(errs) > 0 {
		a.codes = codesOf(errs)
		a.unavailable = (bytes.Equal(data, []byte("null")) && isUnavailable(errs)) ||
			(isBlank(data) && allAre(errs, fault.CodeUnavailable))
	}
	return a
}

// isBlank reports whether the data holds nothing at all: every root field is null.
func isBlank(data []byte) bool {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return false
	}
	for _, value := range fields {
		if !bytes.Equal(value, []byte("null")) {
			return false
		}
	}
	return true
}

// isUnavailable reports whether the errors say that all of it may work later.
func isUnavailable(errs gqlerror.List) bool {
	return allAre(errs, fault.CodeUnavailable, CodeTimeout)
}

// allAre reports whether there are errors and all have one of the codes.
func allAre(errs gqlerror.List, allowed ...fault.Code) bool {
	for _, code := range codesOf(errs) {
		if !slices.Contains(allowed, fault.Code(code)) {
			return false
		}
	}
	return len(errs) > 0
}

// appendResponse writes the response's JSON around data, which is JSON already.
// nil data is left out: the operation never ran.
func appendResponse(dst, data []byte, errs gqlerror.List, extensions map[string]any) []byte {
	dst = append(dst, '{')
	separator := ""
	if len(errs) > 0 {
		dst = appendMember(dst, separator, "errors", mustJSON(errs))
		separator = ","
	}
	if data != nil {
		dst = appendMember(dst, separator, "data", data)
		separator = ","
	}
	if len(extensions) > 0 {
		dst = appendMember(dst, separator, "extensions", mustJSON(extensions))
	}
	return append(dst, '}')
}

func appendMember(dst []byte, separator, name string, value []byte) []byte {
	dst = append(dst, separator...)
	dst = append(dst, '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return append(dst, value...)
}

// mustJSON encodes what is made of strings and numbers only; null if it is not.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return raw
}

func (c *call) isSubscription() bool { return c.operation.definition.Operation == ast.Subscription }
