package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// A page has 20 products; behind 999 of them stands page 1,000.
const (
	pageSize  = 20
	deep      = 999 * pageSize
	catalogue = 30_000
)

// asked remembers the list that was asked of the database last.
type asked struct {
	mu  sync.Mutex
	sql string
	arg pgx.NamedArgs
}

func (a *asked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "LIMIT @limit") && !strings.HasPrefix(data.SQL, "EXPLAIN") {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sql, a.arg = data.SQL, data.Args[0].(pgx.NamedArgs)
	}
	return ctx
}

func (*asked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// buffers is how many blocks the last list touches, in memory or on disk.
func (a *asked) buffers(t *testing.T, db *postgres.DB) int {
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	require.NoError(t, db.Pool().QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+a.sql, a.arg).Scan(&plans))
	return plans[0].Plan.Hit + plans[0].Plan.Read
}

// behind is the cursor of the row that n rows stand before, and the id of the next.
func (a *asked) behind(t *testing.T, db *postgres.DB, sort catalog.Sort, n int) (cursor string, next uuid.UUID) {
	a.mu.Lock()
	sql, args := strings.Replace(a.sql, "LIMIT @limit", "OFFSET @offset LIMIT 2", 1), pgx.NamedArgs{"offset": n - 1}
	for name, value := range a.arg {
		args[name] = value
	}
	a.mu.Unlock()
	rows, err := db.Pool().Query(t.Context(), `SELECT id, sort_time, sort_number, sort_text, sort_rank FROM (`+sql+`) AS list`, args)
	require.NoError(t, err)
	type key struct {
		ID     uuid.UUID    `json:"i"`
		Time   *time.Time   `json:"t"`
		Number *int64       `json:"n"`
		Text   *string      `json:"x"`
		Rank   *float64     `json:"r"`
		Sort   catalog.Sort `json:"s"`
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k key, err error) {
		k.Sort = sort
		return k, row.Scan(&k.ID, &k.Time, &k.Number, &k.Text, &k.Rank)
	})
	require.NoError(t, err)
	require.Len(t, keys, 2)
	return page.Cursor(keys[0]), keys[1].ID
}

func TestPageOneThousandCostsWhatPageOneCosts(t *testing.T) {
	t.Parallel()
	url, watched := pgtest.URL(t), new(asked)
	db, err := postgres.Open(t.Context(), url, postgres.WithMaxConns(2), postgres.WithTracer(watched))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	shop, words := pgtest.FillShop(t, db), search.NewAnalyzer()
	category := fillCatalogue(t, shop, words)
	store := postgres.NewCatalog(db)
	yes, low := true, decimal.NewFromInt(50)

	for name, c := range map[string]struct {
		sort   catalog.Sort
		filter catalog.Filter
	}{
		"newest":                {catalog.SortNewest, catalog.Filter{}},
		"cheapest":              {catalog.SortPriceAsc, catalog.Filter{}},
		"dearest":               {catalog.SortPriceDesc, catalog.Filter{}},
		"name":                  {catalog.SortName, catalog.Filter{}},
		"best match":            {catalog.SortRelevance, catalog.Filter{Query: "犬"}},
		"newest in stock":       {catalog.SortNewest, catalog.Filter{InStock: &yes}},
		"cheapest of a shelf":   {catalog.SortPriceAsc, catalog.Filter{Categories: []string{category}}},
		"dearest from a price":  {catalog.SortPriceDesc, catalog.Filter{MinPrice: &low}},
		"name with a word":      {catalog.SortName, catalog.Filter{Query: "犬"}},
		"newest of shelf, word": {catalog.SortNewest, catalog.Filter{Categories: []string{category}, Query: "犬", InStock: &yes}},
	} {
		q := catalog.ListQuery{ChannelID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY", At: pgtest.Epoch.AddDate(10, 0, 0), Filter: c.filter, Sort: c.sort}
		if c.filter.Query != "" {
			q.Words = words.Query(c.filter.Query, nil)
		}
		_, err := store.Listed(t.Context(), q)
		require.NoError(t, err)
		first := watched.buffers(t, db)
		cursor, next := watched.behind(t, db, c.sort, deep)
		q.Page.After = &cursor
		last, err := store.Listed(t.Context(), q)
		require.NoError(t, err)
		require.Len(t, last.Edges, pageSize, name)
		require.Equal(t, next, last.Edges[0].Node.ID, "%s: page 1,000 begins where 19,980 products end", name)
		thousandth := watched.buffers(t, db)
		t.Logf("%-22s page 1: %6d blocks, page 1,000: %6d", name, first, thousandth)
		require.LessOrEqual(t, thousandth, first*3/2+20, name)
	}
}

// fillCatalogue writes a catalogue in which many products share a price, and some
// are hidden.
func fillCatalogue(t *testing.T, shop *pgtest.Shop, words *search.Analyzer) (category string) {
	shelf := id.New()
	_, err := shop.DB.Pool().Exec(t.Context(), `INSERT INTO categories (id, brand_id, slug, name) VALUES ($1, $2, 'dogs', '{"ja":"犬"}')`, shelf, shop.BrandID)
	require.NoError(t, err)
	bulk, dogs := postgres.NewBulk(shop.DB), []string{
		words.Vector(search.Field{Weight: search.Name, Text: "犬のごはん"}),
		words.Vector(search.Field{Weight: search.Tag, Text: "犬"}),
		words.Vector(search.Field{Weight: search.Description, Text: "犬と暮らす"}),
	}
	var bundles []catalog.Bundle
	for i := range catalogue {
		at := pgtest.Epoch.Add(time.Duration(i*7919%catalogue) * time.Minute)
		p := catalog.Product{
			ID: id.New(), BrandID: shop.BrandID, Slug: fmt.Sprintf("p-%d", i), Name: i18n.Text{"ja": fmt.Sprintf("品 %d", i)},
			Description: i18n.Text{}, SEOTitle: i18n.Text{}, SEODescription: i18n.Text{}, Options: []catalog.Option{}, Tags: []string{},
			Status: catalog.StatusActive, TaxClass: money.TaxStandard, CreatedAt: at, UpdatedAt: at,
		}
		price := int64(i * 31 % 500)
		bundles = append(bundles, catalog.Bundle{
			Product: p, Categories: []uuid.UUID{shelf}, Index: catalog.IndexEntry{Vector: dogs[i%len(dogs)]},
			Listings: []catalog.Listing{{
				ChannelID: shop.ChannelID, ProductID: p.ID, Published: i%50 != 0, PublishedAt: at, MinPrice: &price, MaxPrice: &price,
				InStock: i%10 != 0, NameKey: fmt.Sprintf("%05d", i*104_729%catalogue),
			}},
		})
		if len(bundles) == 5000 {
			require.NoError(t, bulk.Load(t.Context(), bundles))
			bundles = bundles[:0]
		}
	}
	_, err = shop.DB.Pool().Exec(t.Context(), `VACUUM ANALYZE`)
	require.NoError(t, err)
	return "dogs"
}
