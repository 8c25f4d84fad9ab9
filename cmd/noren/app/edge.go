package app

import (
	"context"
	"net/http"
	"strings"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/generated"
	"github.com/noren-commerce/noren/graph/server"
	"github.com/noren-commerce/noren/storage/redis"
	"github.com/noren-commerce/noren/telemetry"
)

// newEdge makes the GraphQL endpoint over the resolvers.
func (a *App) newEdge() (*server.Server, error) {
	a.Operations = a.newRegistry()
	return server.New(server.Config{
		Schema: generated.NewExecutableSchema(generated.Config{
			Resolvers:  a.Resolvers,
			Directives: graph.Directives(),
		}),
		Limits:        a.Config.limits(),
		Origins:       a.Config.CORSOrigins,
		Introspection: a.mayIntrospect,
		Prepare:       a.Resolvers.WithLoaders,
		Connect:       a.connect,
		Scope:         a.answerScope,
		Documents:     registered{a.Operations},
		Policy:        a.policy,
		Answers:       a.answers,
		Automatic:     redis.NewDocuments(a.Redis),
		Observer:      a.observer(),
		Field:         a.tracing.Field(),
		RequestID:     telemetry.RequestID,
	})
}

// mayIntrospect lets staff read the schema, and the public where it is set so.
func (a *App) mayIntrospect(ctx context.Context) bool {
	return a.Config.Dev || a.Config.Introspection || access.From(ctx).Is(access.RoleStaff, access.RoleAdmin)
}

// answerScope shares public answers between shoppers of a channel and language:
// guests with guests, and buyers with those who have the same terms.
func (a *App) answerScope(ctx context.Context) (context.Context, server.AnswerScope, bool) {
	ctx, terms, ok := a.Resolvers.Companies.Shared(ctx)
	return ctx, server.AnswerScope{Channel: channel.From(ctx).ID, Language: i18n.Language(ctx), Prices: terms}, ok
}

// connect takes what a WebSocket's connection_init carries for the headers that a
// browser cannot set on it: {"Authorization": "Bearer …", "X-Cart-Token": "…"}.
// The connection lasts as long as the access token: then the client reconnects
// with a new one.
func (a *App) connect(ctx context.Context, payload map[string]any) (context.Context, context.CancelFunc, error) {
	actor, authorization := access.From(ctx), ""
	for name, value := range payload {
		switch text, ok := value.(string); {
		case ok && strings.EqualFold(name, "X-Cart-Token"):
			actor.CartToken = text
		case ok && strings.EqualFold(name, "Authorization"):
			authorization = text
		}
	}
	if authorization == "" {
		return access.With(ctx, actor), func() {}, nil
	}
	actor, until, err := a.bearer(ctx, authorization, actor)
	if err != nil {
		return ctx, func() {}, err
	}
	ctx, cancel := context.WithDeadline(access.With(ctx, actor), until)
	return ctx, cancel, nil
}

// guarded puts what protects every page and answer in front of the handler.
func (a *App) guarded(next http.Handler) http.Handler {
	tls := strings.HasPrefix(a.Config.PublicURL, "https://")
	return server.SecurityHeaders(tls)(server.CORS(a.Config.CORSOrigins)(next))
}
