package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/run"
)

const sdl = `type Query { items: [Item!]! } type Item { id: Int! price: Int stock: Int! parts: [Item!]! }`

// itemNames are what an Item satisfies, as the generated code has them.
var itemNames = []string{"Item"}

// operation begins an operation of the document and returns the selections of its
// only root field.
func operation(t *testing.T, document string, plans *run.Plans) (context.Context, *graphql.OperationContext, ast.SelectionSet) {
	t.Helper()
	parsed, errs := gqlparser.LoadQueryWithRules(gqlparser.MustLoadSchema(&ast.Source{Input: sdl}), document, nil)
	require.Empty(t, errs)
	oc := &graphql.OperationContext{
		Doc: parsed, Operation: parsed.Operations[0],
		RecoverFunc:            quiet,
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
	}
	ctx := graphql.WithResponseContext(graphql.WithOperationContext(t.Context(), oc), graphql.DefaultErrorPresenter, quiet)
	return run.Begin(ctx, plans, nil), oc, parsed.Operations[0].SelectionSet[0].(*ast.Field).SelectionSet
}

// loaders are asked by the items for a price and for stock.
type loaders struct {
	prices, stock *graph.Loader[int, int]
	batches       *atomic.Int64
}

func newLoaders() loaders {
	l := loaders{batches: &atomic.Int64{}}
	fetch := func(_ context.Context, keys []int) (map[int]int, error) {
		l.batches.Add(1)
		found := map[int]int{}
		for _, key := range keys {
			found[key] = 100 * key
		}
		return found, nil
	}
	l.prices, l.stock = graph.NewLoader(fetch), graph.NewLoader(fetch)
	return l
}

// quiet tells of a panic without writing its stack into the test's log.
func quiet(_ context.Context, value any) error { return fmt.Errorf("panic: %v", value) }

func number(_ context.Context, _ ast.SelectionSet, n int) graphql.Marshaler {
	return graphql.MarshalInt(n)
}

// described is what the generated code says of a field with a resolver.
func described(_ context.Context, field graphql.CollectedField) (*graphql.FieldContext, error) {
	return &graphql.FieldContext{Object: "Item", Field: field, IsResolver: true}, nil
}

// item resolves an Item as the generated code does.
func (l loaders) item(ctx context.Context, oc *graphql.OperationContext, set ast.SelectionSet, id int, read func() int) graphql.Marshaler {
	plan := run.PlanOf(ctx, oc, set, itemNames)
	out := run.NewSet(plan)
	for i, field := range plan.Fields {
		switch field.Name {
		case "id":
			out.Values[i] = run.Leaf(ctx, oc, field, read, number)
		case "price":
			out.ResolveConcurrently(oc, nil, i, true, false, func(ctx context.Context) graphql.Marshaler {
				return run.Resolved(ctx, oc, field, described, func(ctx context.Context) (int, error) { return l.prices.Load(ctx, id) }, number, false)
			})
		case "stock":
			out.ResolveConcurrently(oc, nil, i, true, true, func(ctx context.Context) graphql.Marshaler {
				return run.Resolved(ctx, oc, field, described, func(ctx context.Context) (int, error) {
					if id == 13 {
						return 0, errors.New("nobody counted it")
					}
					return l.stock.Load(ctx, id)
				}, number, true)
			})
		case "parts":
			out.Values[i] = run.Value(ctx, oc, field, func() int { return 4 }, func(ctx context.Context, set ast.SelectionSet, size int) graphql.Marshaler {
				return run.List(ctx, size, func(ctx context.Context, part int) graphql.Marshaler {
					return l.item(ctx, oc, set, 1000*(id+1)+part, func() int { return part })
				})
			}, true)
		}
		if out.Values[i] == graphql.Null {
			atomic.AddUint32(&out.Invalids, 1)
		}
	}
	out.Dispatch(ctx)
	if out.Invalids > 0 {
		return graphql.Null
	}
	return out
}

func written(m graphql.Marshaler) string {
	var b bytes.Buffer
	m.MarshalGQL(&b)
	return b.String()
}

func TestWhatIsNotThereIsAskedForTogether(t *testing.T) {
	ctx, oc, set := operation(t, `{ items { id price stock parts { price stock } } }`, run.NewPlans())
	l := newLoaders()
	out := run.List(ctx, 12, func(ctx context.Context, i int) graphql.Marshaler {
		return l.item(ctx, oc, set, i, func() int { return i })
	})
	// Prices and stock, of the items and of their parts: four, although nothing was
	// fetched ahead; row by row it would be 120.
	require.EqualValues(t, 4, l.batches.Load())
	var items []struct {
		ID, Price, Stock int
		Parts            []struct{ Price, Stock int }
	}
	require.NoError(t, json.Unmarshal([]byte(written(out)), &items))
	require.Len(t, items, 12)
	for i, item := range items {
		require.Equal(t, i, item.ID)
		require.Equal(t, 100*i, item.Price)
		require.Equal(t, 100*i, item.Stock)
		require.Len(t, item.Parts, 4)
		for part, p := range item.Parts {
			require.Equal(t, 100*(1000*(i+1)+part), p.Price)
		}
	}
	require.Empty(t, graphql.GetErrors(ctx))
}

// A resolver that waits by itself for what another one of the operation must load
// first keeps the operation from coming to rest.
func TestBatchIsFetchedThoughSomebodyNeverRests(t *testing.T) {
	ctx, _, _ := operation(t, `{ items { id } }`, run.NewPlans())
	fetched := make(chan struct{})
	run.List(ctx, 2, func(ctx context.Context, i int) graphql.Marshaler {
		if i == 0 {
			run.NewBatch(ctx, func() { close(fetched) }).Wait(ctx)
		}
		<-fetched
		return graphql.True
	})
}

func TestWhatFailsTogetherFailsForEach(t *testing.T) {
	ctx, _, _ := operation(t, `{ items { id } }`, run.NewPlans())
	calls := 0
	loader := graph.NewLoader(func(context.Context, []int) (map[int]int, error) {
		calls++
		if calls == 1 {
			return nil, errors.New("no connection")
		}
		panic("no luck")
	})
	_, err := loader.LoadMany(ctx, []int{1, 2, 3})
	require.EqualError(t, err, "no connection")
	_, err = loader.Load(ctx, 2)
	require.EqualError(t, err, "no connection", "it was asked already")
	_, err = loader.Load(ctx, 4)
	require.ErrorContains(t, err, "no luck")
	require.Equal(t, 2, calls)
}

func TestWhatIsThereStartsNoGoroutine(t *testing.T) {
	ctx, oc, set := operation(t, `{ items { id price stock } }`, run.NewPlans())
	l := newLoaders()
	keys := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for _, loader := range []*graph.Loader[int, int]{l.prices, l.stock} {
		_, err := loader.Ahead(ctx, keys)
		require.NoError(t, err)
	}
	here := goroutine()
	var mu sync.Mutex
	seen := map[string]bool{}
	run.List(ctx, len(keys), func(ctx context.Context, i int) graphql.Marshaler {
		out := l.item(ctx, oc, set, i, func() int { return i })
		mu.Lock()
		defer mu.Unlock()
		seen[goroutine()] = true
		return out
	})
	require.Equal(t, map[string]bool{here: true}, seen)
	require.EqualValues(t, 2, l.batches.Load(), "the two fetched ahead")
}

func goroutine() string {
	text := make([]byte, 64)
	name, _, _ := strings.Cut(string(text[:runtime.Stack(text, false)]), "[")
	return name
}

func TestFailuresNameTheirFieldAndMakeNullWhatMayNotBeNull(t *testing.T) {
	ctx, oc, set := operation(t, `{ items { id stock price } }`, run.NewPlans())
	l := newLoaders()
	out := run.List(ctx, 15, func(ctx context.Context, i int) graphql.Marshaler {
		return l.item(ctx, oc, set, i, func() int {
			if i == 3 {
				panic("no number")
			}
			return i
		})
	})
	for i, m := range out {
		require.Equal(t, i == 3 || i == 13, m == graphql.Null, "item %d", i)
	}
	paths := []string{}
	for _, err := range graphql.GetErrors(ctx) {
		paths = append(paths, err.Path.String())
	}
	require.ElementsMatch(t, []string{"[3].id", "[13].stock"}, paths)
}

func TestPanicOfAnElementIsItsOwn(t *testing.T) {
	ctx, _, _ := operation(t, `{ items { id } }`, run.NewPlans())
	out := run.List(ctx, 3, func(ctx context.Context, i int) graphql.Marshaler {
		run.NewBatch(ctx, func() {}).Wait(ctx) // so that others resolve the rest
		if i == 1 {
			panic("lost")
		}
		return graphql.True
	})
	require.Equal(t, "[true,null,true]", written(out))
	require.Equal(t, "[1]", graphql.GetErrors(ctx)[0].Path.String())
}

func TestPlansAreMadeOnceForADocument(t *testing.T) {
	plans := run.NewPlans()
	ctx, oc, set := operation(t, `{ items { id a: price b: price id ... on Item { stock } } }`, plans)
	plan := run.PlanOf(ctx, oc, set, itemNames)
	require.Same(t, plan, run.PlanOf(ctx, oc, set, itemNames))
	require.NotSame(t, plan, run.PlanOf(run.Begin(t.Context(), run.NewPlans(), nil), oc, set, itemNames))
	s := run.NewSet(plan)
	for i := range s.Values {
		s.Values[i] = graphql.MarshalInt(i)
	}
	require.Equal(t, `{"id":0,"a":1,"b":2,"stock":3}`, written(s))
	require.Equal(t, `{}`, written(run.NewSet(run.PlanOf(ctx, oc, ast.SelectionSet{}, itemNames))))
}

func TestArgumentsThatAreDefaultsAreReadOnce(t *testing.T) {
	ctx, _, set := operation(t, `{ items { id } }`, run.NewPlans())
	field := graphql.CollectedField{Field: set[0].(*ast.Field)}
	reads := 0
	read := func(value any) func() (map[string]any, error) {
		return func() (map[string]any, error) {
			reads++
			return map[string]any{"quantity": value}, nil
		}
	}
	for range 3 {
		_, err := run.Args(ctx, field, read(&reads))
		require.NoError(t, err)
	}
	require.Equal(t, 3, reads, "what a resolver could change is its own")
	for range 3 {
		args, err := run.Args(ctx, field, read(1))
		require.NoError(t, err)
		require.Equal(t, 1, args["quantity"])
	}
	require.Equal(t, 4, reads)
}

func TestTextIsWrittenAsGqlgenWritesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		if got, want := written(run.Text(s)), written(graphql.MarshalString(s)); got != want {
			t.Fatalf("%q: %q, not %q", s, got, want)
		}
	})
}
