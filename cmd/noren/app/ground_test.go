package app_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	corecatalog "github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/embedded"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
	"github.com/noren-commerce/noren/storage/redis"
	"github.com/noren-commerce/noren/telemetry"
)

const productName = `query Product($slug: String!) { product(slug: $slug) { name } }`

// nameOf asks for the product's name as a shopper does.
func nameOf(t *testing.T, a *apptest.App, slug string) (string, apptest.Answer) {
	t.Helper()
	answer := a.Do(t, productName, apptest.Variables{"slug": slug})
	var data struct{ Product struct{ Name string } }
	answer.Into(t, &data)
	return data.Product.Name, answer
}

// rename changes a product and records the event, as staff does.
func rename(ctx context.Context, db *postgres.DB, shop *pgtest.Shop, product uuid.UUID, name string) error {
	ctx = channel.With(ctx, channel.Channel{BrandID: shop.BrandID})
	if _, err := db.Pool().Exec(ctx, `UPDATE products SET name = jsonb_build_object('ja', @name::text) WHERE id = @id`,
		pgx.NamedArgs{"name": name, "id": product}); err != nil {
		return err
	}
	return postgres.NewEvents(db).Record(ctx, event.New(ctx, time.Now().UTC(), "product.updated", "Product", product, nil))
}

// two are two processes that serve the same shop over the same Redis.
func two(t *testing.T, redisURL string) (a, b *apptest.App) {
	shop := pgtest.NewShop(t)
	config := app.Config{Secret: app.DevSecret, Dev: true, RedisURL: redisURL}
	return apptest.Serve(t, shop, config), apptest.Serve(t, shop, config)
}

func TestAPublicAnswerIsKeptAndNeverOld(t *testing.T) {
	t.Parallel()
	a, b := two(t, pgtest.Redis(t).URL)
	p := a.AddProduct(t, "collar", 1200)
	require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, "首輪 0"))
	b.Do(t, `{ __typename }`, nil) // it knows the channels now
	_, first := nameOf(t, a, p.Slug)
	require.Positive(t, first.Statements)
	_, second := nameOf(t, a, p.Slug)
	require.Zero(t, second.Statements, "kept")
	_, other := nameOf(t, b, p.Slug)
	require.Zero(t, other.Statements, "kept for the other process too")

	for i := range 20 {
		name := "首輪 " + strings.Repeat("I", i+1)
		require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, name))
		for _, process := range []*apptest.App{a, b} {
			got, _ := nameOf(t, process, p.Slug)
			require.Equal(t, name, got)
		}
	}
}

// What is asked for by id is kept as well, for answers that are not kept whole.
func TestAProductAskedForByIDIsKeptAndNeverOld(t *testing.T) {
	t.Parallel()
	a, b := two(t, pgtest.Redis(t).URL)
	p := a.AddProduct(t, "harness", 3300)
	ask := func(process *apptest.App) (string, int) {
		answer := process.Do(t, `query($id: ID!) { node(id: $id) { ... on Product { name } } }`, apptest.Variables{"id": id.Global("Product", p.ID)})
		var data struct{ Node struct{ Name string } }
		answer.Into(t, &data)
		return data.Node.Name, answer.Statements
	}
	require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, "胴輪"))
	_, _ = ask(a)
	b.Do(t, `{ __typename }`, nil) // it knows the channels now
	for _, process := range []*apptest.App{a, b} {
		name, statements := ask(process)
		require.Equal(t, "胴輪", name)
		require.Zero(t, statements)
	}
	require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, "ハーネス"))
	for _, process := range []*apptest.App{b, a} {
		name, _ := ask(process)
		require.Equal(t, "ハーネス", name)
	}
	// Inside a transaction the store answers: what is read there is not yet anybody's.
	catalog := redis.NewCatalog(postgres.NewCatalog(a.DB), a.App.Redis, a.App.Generations, postgres.Joined)
	ctx := channel.With(t.Context(), channel.Channel{ID: a.ChannelID, BrandID: a.BrandID})
	byID := func(ctx context.Context) string {
		products, err := catalog.ProductsByID(ctx, corecatalog.Glance{ChannelID: a.ChannelID, At: time.Now()}, []uuid.UUID{p.ID})
		require.NoError(t, err)
		require.Len(t, products, 1)
		return products[0].Name["ja"]
	}
	require.Error(t, a.DB.InTx(ctx, func(ctx context.Context) error {
		ctx, statements := postgres.CountStatements(ctx)
		require.Equal(t, "ハーネス", byID(ctx))
		require.Equal(t, 2, statements.Count(), "begin, which comes with the first statement, and the store's")
		return context.Canceled
	}))
}

func TestAnswersStayRightWhenRedisGoesAway(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	a, b := two(t, server.URL)
	p := a.AddProduct(t, "lead", 1500)
	var written atomic.Int64
	const digits = "0123456789abcdefghijklmnopqrst"
	require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, "0"))
	ctx, stop := context.WithCancel(t.Context())
	var traffic sync.WaitGroup
	asked := make(chan struct{})
	for _, process := range []*apptest.App{a, b} {
		traffic.Go(func() {
			for ctx.Err() == nil {
				least := int(written.Load())
				got, _ := nameOf(t, process, p.Slug)
				assert.GreaterOrEqual(t, strings.Index(digits, got), least, "%q is old", got)
				select {
				case asked <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for n := 1; n < len(digits); n++ {
		switch n {
		case 8:
			server.Stop()
		case 16:
			require.NoError(t, server.Restart())
		case 20:
			server.Stop()
			server.Flush()
		case 24:
			require.NoError(t, server.Restart())
		}
		require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, digits[n:n+1]))
		written.Store(int64(n))
		for range 4 {
			<-asked
		}
	}
	stop()
	traffic.Wait()
}

// A process that dies after its commit tells no cache of the change; the relay,
// which finds the event in PostgreSQL, does.
func TestTheRelayMakesUpForAProcessThatDied(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	a, _ := two(t, server.URL)
	p := a.AddProduct(t, "bowl", 800)
	require.NoError(t, rename(t.Context(), a.DB, a.Shop, p.ID, "皿"))
	_, _ = nameOf(t, a, p.Slug)

	mute, err := postgres.Open(t.Context(), a.DB.Pool().Config().ConnString()) // tells nobody of commits
	require.NoError(t, err)
	t.Cleanup(mute.Close)
	require.NoError(t, rename(t.Context(), mute, a.Shop, p.ID, "水飲み皿"))
	got, _ := nameOf(t, a, p.Slug)
	require.Equal(t, "皿", got, "nobody has told")
	a.Work(t)
	require.Eventually(t, func() bool { got, _ := nameOf(t, a, p.Slug); return got == "水飲み皿" }, 3*time.Minute, 20*time.Millisecond)
	entries, err := server.Stream("noren:events")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(entries), 2)
	require.Equal(t, "product.updated", entries[len(entries)-1]["type"])
}

// PostgreSQL restarts under a running shop: whoever asks meanwhile gets a clear 503
// or, once it is back, an answer; nobody gets anything else, and the pool recovers.
func TestARestartOfPostgreSQLIsAnsweredClearly(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("/var/tmp", "noren-app-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(parent, 0o755)) //nolint:gosec // the cluster's user must reach it
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	options := embedded.PostgresOptions{DataDir: filepath.Join(parent, "postgres")}
	cluster, err := embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	t.Cleanup(func() { _ = cluster.Stop() })
	options.Port = cluster.Port
	require.NoError(t, postgres.Migrate(t.Context(), cluster.URL))
	db, err := postgres.Open(t.Context(), cluster.URL, postgres.WithMaxConns(4))
	require.NoError(t, err)
	shop := pgtest.FillShop(t, db)
	a := apptest.Serve(t, shop, app.Config{Secret: app.DevSecret, Dev: true})
	p := a.AddProduct(t, "fountain", 5200)
	_, _ = nameOf(t, a, p.Slug)

	require.NoError(t, cluster.Stop())
	for range 6 { // each connection that was open, and more
		answer := a.Do(t, productName, apptest.Variables{"slug": p.Slug})
		require.Equal(t, "UNAVAILABLE", answer.Code())
		require.Equal(t, http.StatusServiceUnavailable, answer.Status)
		require.NotContains(t, answer.Errors[0].Message, "127.0.0.1", "the cause is for the log")
	}
	status, _ := get(t, a.URL+"/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	cluster, err = embedded.StartPostgres(t.Context(), options)
	require.NoError(t, err)
	for range 6 {
		_, _ = nameOf(t, a, p.Slug)
	}
	status, _ = get(t, a.URL+"/readyz")
	require.Equal(t, http.StatusOK, status)
}

func TestDrainingFinishesWhatRunsAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p := a.AddProduct(t, "bed", 4000)
	status, _ := get(t, a.URL+"/readyz")
	require.Equal(t, http.StatusOK, status)

	// An operation that cannot end before the test lets it: its table is locked.
	lock, err := a.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `LOCK TABLE products`)
	require.NoError(t, err)
	answered := make(chan apptest.Answer, 1)
	go func() { answered <- a.Do(t, productName, apptest.Variables{"slug": p.Slug}) }()
	require.Eventually(t, func() bool {
		_, metrics := get(t, a.URL+"/metrics")
		return strings.Contains(metrics, "noren_operations_running 1")
	}, 3*time.Minute, 5*time.Millisecond)

	drained := make(chan error, 1)
	go func() { drained <- a.App.Drain(t.Context()) }()
	require.Eventually(t, func() bool { status, _ := get(t, a.URL+"/readyz"); return status == http.StatusServiceUnavailable }, 3*time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool { return a.Do(t, `{ __typename }`, nil).Status == http.StatusServiceUnavailable }, 3*time.Minute, 5*time.Millisecond)
	require.Equal(t, "UNAVAILABLE", a.Do(t, `{ __typename }`, nil).Code())
	status, _ = get(t, a.URL+"/healthz")
	require.Equal(t, http.StatusOK, status, "it lives: nobody should kill it")
	require.Empty(t, drained, "something runs yet")

	require.NoError(t, lock.Rollback(t.Context()))
	answer := <-answered
	require.Equal(t, http.StatusOK, answer.Status)
	require.Empty(t, answer.Errors)
	require.NoError(t, <-drained)
}

func TestDrainingGivesUpAtItsDeadline(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	lock, err := a.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `LOCK TABLE products`)
	require.NoError(t, err)
	answered := make(chan struct{})
	go func() { a.Do(t, productName, apptest.Variables{"slug": "x"}); close(answered) }()
	require.Eventually(t, func() bool {
		_, metrics := get(t, a.URL+"/metrics")
		return strings.Contains(metrics, "noren_operations_running 1")
	}, 3*time.Minute, 5*time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, a.App.Drain(ctx), context.DeadlineExceeded)
	require.NoError(t, lock.Rollback(t.Context()))
	<-answered
}

func TestMetricsShowOperationsPoolCacheAndJobs(t *testing.T) {
	t.Parallel()
	a, _ := two(t, pgtest.Redis(t).URL)
	p := a.AddProduct(t, "toy", 600)
	_, _ = nameOf(t, a, p.Slug)
	_, _ = nameOf(t, a, p.Slug)
	a.Do(t, `{ nonsense }`, nil)
	_, metrics := get(t, a.URL+"/metrics")
	for _, part := range []string{
		`noren_operation_duration_seconds_count{cached="true",kind="query",operation="Product"} 1`,
		`noren_operations_refused_total{code="`,
		`noren_answers_total{found="process"} 1`,
		`noren_database_connections{state="most"} 4`,
		`noren_jobs{state="available"} 0`,
		`noren_redis_up 1`,
		`go_goroutines`,
	} {
		require.Contains(t, metrics, part)
	}
}

func TestTracesLeadFromHTTPToSQL(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewInMemoryExporter()
	tracing := telemetry.TracingWith(sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)))
	shop := pgtest.NewShop(t)
	p := shop.AddProduct(t, "cage", 9800)
	traced, err := postgres.Open(t.Context(), shop.DB.Pool().Config().ConnString(), postgres.WithMaxConns(2), postgres.WithTracer(tracing.SQL()))
	require.NoError(t, err)
	t.Cleanup(traced.Close)
	shop.DB = traced
	a := apptest.Serve(t, shop, app.Config{Secret: app.DevSecret, Dev: true}, app.WithTracing(tracing))
	_, _ = nameOf(t, a, p.Slug)

	var chain []string
	require.Eventually(t, func() bool { // the outermost span ends after the answer
		chain = nil
		all := spans.GetSpans()
		byID := map[string]tracetest.SpanStub{}
		for _, s := range all {
			byID[s.SpanContext.SpanID().String()] = s
		}
		for _, s := range all {
			if strings.HasPrefix(s.Name, "SELECT") {
				names := []string{}
				for at, ok := s, true; ok; at, ok = byID[at.Parent.SpanID().String()] {
					names = append(names, at.Name)
				}
				if len(names) > len(chain) {
					chain = names
				}
			}
		}
		return len(chain) >= 4
	}, 3*time.Minute, 5*time.Millisecond, "%v", spans.GetSpans().Snapshots())
	require.Contains(t, chain, "Query.product")
	require.Contains(t, chain, "query Product")
	require.Equal(t, "POST /graphql", chain[len(chain)-1])
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(raw)
}

func TestRedisAbsentAtStartIsSlowerAndNothingElse(t *testing.T) {
	t.Parallel()
	server := pgtest.Redis(t)
	server.Stop()
	a, _ := two(t, server.URL)
	p := a.AddProduct(t, "mat", 2200)
	began := time.Now()
	for range 20 {
		_, answer := nameOf(t, a, p.Slug)
		require.Positive(t, answer.Statements, "from PostgreSQL")
	}
	require.Less(t, time.Since(began), 5*time.Second)
	status, report := get(t, a.URL+"/readyz")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, report, `"redis":"down"`)

	require.NoError(t, server.Restart())
	require.Eventually(t, func() bool { _, answer := nameOf(t, a, p.Slug); return answer.Statements == 0 }, 3*time.Minute, 5*time.Millisecond,
		"used as soon as it is there")
}

// A worker that is told to stop while a job runs lets it finish.
func TestAStoppingWorkerFinishesItsJob(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t, func(c *app.Config) { c.DrainTimeout = 20 * time.Second })
	jobs, err := postgres.NewJobs(a.DB)
	require.NoError(t, err)
	require.NoError(t, jobs.Insert(t.Context(), payment.ExpireJob{}))
	lock, err := a.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `LOCK TABLE payments`)
	require.NoError(t, err)
	state := func() (state string) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT state FROM river_job WHERE kind = $1`, payment.ExpireJob{}.Kind()).Scan(&state))
		return state
	}
	ctx, terminate := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.App.Work(ctx) }()
	require.Eventually(t, func() bool { return state() == "running" }, 3*time.Minute, 10*time.Millisecond)

	terminate()
	require.Never(t, func() bool { return len(ended) > 0 }, 200*time.Millisecond, 20*time.Millisecond, "the job runs yet")
	require.NoError(t, lock.Rollback(t.Context()))
	require.NoError(t, <-ended)
	require.Equal(t, "completed", state())
}
