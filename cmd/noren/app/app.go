// Package app puts noren together: stores into services, services into
// resolvers, resolvers into a server. It is the one place that knows everything.
package app

import (
	"net/http"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/go-chi/chi/v5"

	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/graph"
	"github.com/noren-commerce/noren/graph/generated"
	"github.com/noren-commerce/noren/resolvers"
	"github.com/noren-commerce/noren/storage/postgres"
)

// App is a noren put together.
type App struct {
	Config    Config
	DB        *postgres.DB
	Channels  *channel.Service
	Resolvers *resolvers.Resolver
	Payments  *payment.Service
	Sender    *messaging.Sender
	Mailbox   *mailbox.Mailbox // keeps the mails; nil if a mail server is set
	now       clock.Clock
}

// New puts noren together over an open, migrated database.
func New(cfg Config, db *postgres.DB, now clock.Clock) (*App, error) {
	jobs, err := postgres.NewJobs(db)
	if err != nil {
		return nil, err
	}
	sender, box, err := newSender(cfg.MailConfig, db, now)
	if err != nil {
		return nil, err
	}
	return &App{
		Config:   cfg,
		DB:       db,
		Channels: channel.New(postgres.NewChannels(db), now),
		Resolvers: &resolvers.Resolver{
			Catalog:   catalog.New(postgres.NewCatalog(db), now),
			Pricing:   pricing.New(postgres.NewPricing(db), now),
			Inventory: inventory.New(postgres.NewInventory(db)),
		},
		Payments: newPayments(cfg, db, jobs, now),
		Sender:   sender,
		Mailbox:  box,
		now:      now,
	}, nil
}

// Handler answers every HTTP request.
func (a *App) Handler() http.Handler {
	r := chi.NewRouter()
	r.With(a.inScope).Handle("/graphql", a.graphql())
	a.webhooks(r)
	if a.Config.Dev && a.Mailbox != nil {
		r.Method(http.MethodGet, "/dev/mail", a.Mailbox)
	}
	return r
}

func (a *App) graphql() http.Handler {
	server := handler.New(generated.NewExecutableSchema(generated.Config{
		Resolvers:  a.Resolvers,
		Directives: graph.Directives(),
	}))
	server.AddTransport(transport.POST{})
	return server
}
