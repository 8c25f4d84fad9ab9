package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/core/fault"
)

const toySDL = `
directive @allow(anyone: Boolean! = false) on FIELD_DEFINITION
directive @public on FIELD_DEFINITION
directive @fleeting on FIELD_DEFINITION
directive @cost(weight: Int, size: Int) on FIELD_DEFINITION
directive @takes(seconds: Int!) on FIELD_DEFINITION
scalar Upload
type Query {
  hello(name: String): String! @allow(anyone: true) @public
  self: Query @allow(anyone: true)
  books(first: Int): BookConnection! @allow(anyone: true) @public
  secret: String @allow @public
  mine: String @allow(anyone: true)
  fail(how: String!): String @allow(anyone: true)
  flaky: String @allow(anyone: true) @public
  patient: String @allow(anyone: true) @takes(seconds: 120)
}
type BookConnection { nodes: [Book!]! }
type Book { title: String! lent: String @fleeting cost: Int @allow tags: [Tag!]! @cost(size: 3) }
type Tag { name: String! }
type Mutation {
  rename(name: String!): String!
  send(file: Upload, files: [Upload!]): String!
}
type Subscription { count(to: Int!): Int! forever: Int! refuse: Int! }
`

// toy is a small executable schema, made by hand: it resolves as generated code
// does, with gqlgen's own contexts.
type toy struct {
	schema  *ast.Schema
	hellos  atomic.Int64  // how often hello was resolved
	entered chan struct{} // told when a slow resolver begins
	release chan struct{} // lets slow resolvers go on
	stopped chan struct{} // told when a subscription's context has ended
}

func newToy() *toy {
	return &toy{
		schema:  gqlparser.MustLoadSchema(&ast.Source{Name: "toy", Input: toySDL}),
		entered: make(chan struct{}, 100), release: make(chan struct{}), stopped: make(chan struct{}, 100),
	}
}

func (t *toy) Schema() *ast.Schema { return t.schema }

func (t *toy) Complexity(context.Context, string, string, int, map[string]any) (int, bool) {
	return 0, false
}

func (t *toy) Exec(ctx context.Context) graphql.ResponseHandler {
	op := graphql.GetOperationContext(ctx)
	if op.Operation.Operation == ast.Subscription {
		return t.subscribe(ctx, op)
	}
	kind := map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation"}[op.Operation.Operation]
	return func(ctx context.Context) *graphql.Response {
		return &graphql.Response{Data: t.object(ctx, op, kind, op.Operation.SelectionSet)}
	}
}

func (t *toy) object(ctx context.Context, op *graphql.OperationContext, kind string, set ast.SelectionSet) []byte {
	out := bytes.NewBufferString("{")
	for i, f := range graphql.CollectFields(op, set, []string{kind}) {
		if i > 0 {
			out.WriteByte(',')
		}
		name, _ := json.Marshal(f.Alias)
		out.Write(append(name, ':'))
		out.Write(t.field(ctx, op, kind, f))
	}
	return append(out.Bytes(), '}')
}

func (t *toy) field(ctx context.Context, op *graphql.OperationContext, kind string, f graphql.CollectedField) (raw []byte) {
	fc := &graphql.FieldContext{Object: kind, Field: f, Args: f.ArgumentMap(op.Variables)}
	ctx = graphql.WithFieldContext(ctx, fc)
	defer func() {
		if r := recover(); r != nil {
			op.Error(ctx, op.Recover(ctx, r))
			raw = []byte("null")
		}
	}()
	value, err := t.resolve(ctx, f.Name, fc.Args)
	if err != nil {
		graphql.AddError(ctx, err)
		return []byte("null")
	}
	switch f.Name {
	case "self":
		return t.object(ctx, op, "Query", f.Selections)
	case "books":
		return t.object(ctx, op, "BookConnection", f.Selections)
	case "nodes":
		return append(append([]byte("["), t.object(ctx, op, "Book", f.Selections)...), ']')
	}
	raw, _ = json.Marshal(value)
	return raw
}

func (t *toy) resolve(ctx context.Context, name string, args map[string]any) (any, error) {
	switch name {
	case "hello":
		t.hellos.Add(1)
		if args["name"] == "slow" {
			t.entered <- struct{}{}
			<-t.release
		}
		return "hello", nil
	case "fail", "flaky":
		return t.fail(ctx, args["how"])
	case "send":
		return readUploads(args)
	case "patient":
		until, _ := ctx.Deadline()
		return time.Until(until).Round(time.Minute).String(), nil
	}
	return name, nil
}

func (t *toy) fail(ctx context.Context, how any) (any, error) {
	switch how {
	case "fault":
		return nil, fault.Conflict("SOLD_OUT", "売り切れです", "Sold out").At("lines.0")
	case "panic":
		panic("the resolver's secret")
	case "down":
		return nil, fault.ErrUnavailable
	case "slow":
		t.entered <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, errors.New("password=hunter2 leaked from SQL")
}

func readUploads(args map[string]any) (any, error) {
	text := ""
	list, _ := args["files"].([]any)
	if one, ok := args["file"].(graphql.Upload); ok {
		list = append(list, one)
	}
	for _, v := range list {
		raw, err := io.ReadAll(v.(graphql.Upload).File)
		if err != nil {
			return nil, err
		}
		text += string(raw)
	}
	if len(text) > 100 {
		text = text[:100]
	}
	return text, nil
}

func (t *toy) subscribe(ctx context.Context, op *graphql.OperationContext) graphql.ResponseHandler {
	f := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Subscription"})[0]
	if f.Name == "refuse" {
		graphql.AddError(ctx, fault.ErrForbidden)
		return nil
	}
	to, _ := f.ArgumentMap(op.Variables)["to"].(int64)
	n := int64(0)
	context.AfterFunc(ctx, func() { t.stopped <- struct{}{} })
	return func(event context.Context) *graphql.Response {
		if f.Name == "forever" && n > 0 {
			<-ctx.Done()
			return nil
		}
		if n++; f.Name == "count" && n > to {
			return nil
		}
		raw, _ := json.Marshal(map[string]int64{f.Alias: n})
		return &graphql.Response{Data: raw}
	}
}
