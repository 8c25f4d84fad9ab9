package apptest

import (
	"encoding/json"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/generated"
	"github.com/noren-commerce/noren/storage/postgres"
)

// DoAs runs one operation as the actor, whom nobody has had to log in: for tests
// of what a role may do, not of how it proves itself.
func (a *App) DoAs(t testing.TB, actor access.Actor, query string, variables Variables) Answer {
	t.Helper()
	ch, err := a.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx, statements := postgres.CountStatements(t.Context())
	ctx = a.App.Resolvers.WithLoaders(access.With(channel.With(ctx, ch), actor))
	ctx = graphql.StartOperationTrace(ctx)
	exec := executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: a.App.Resolvers, Directives: graph.Directives()}))
	raw, err := json.Marshal(variables)
	require.NoError(t, err)
	params := &graphql.RawParams{Query: query}
	require.NoError(t, json.Unmarshal(raw, &params.Variables))
	operation, faults := exec.CreateOperationContext(ctx, params)
	require.Empty(t, faults)
	run, ctx := exec.DispatchOperation(ctx, operation)
	response, err := json.Marshal(run(ctx))
	require.NoError(t, err)
	var answer Answer
	require.NoError(t, json.Unmarshal(response, &answer))
	answer.Statements = statements.Count()
	return answer
}
