package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// A thousand rules over ten thousand products leave page 1, and a page far behind,
// a walk along an index: nothing is sorted, and few rows are looked at.
func TestAThousandRulesLeaveAListAnIndexWalk(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	ctx := channel.With(t.Context(), channel.Channel{ID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY"})
	exec := func(sql string, args pgx.NamedArgs) {
		t.Helper()
		all := pgx.NamedArgs{"brand": shop.BrandID, "channel": shop.ChannelID}
		for k, v := range args {
			all[k] = v
		}
		_, err := shop.DB.Pool().Exec(ctx, sql, all)
		require.NoError(t, err)
	}
	exec(`INSERT INTO categories (id, brand_id, slug, name) SELECT gen_random_uuid(), @brand, 'c' || n, '{}' FROM generate_series(1, 100) n`, nil)
	exec(`INSERT INTO products (id, brand_id, slug, name, status, created_at, updated_at)
		SELECT gen_random_uuid(), @brand, 'p' || n, '{}', 'ACTIVE', now(), now() FROM generate_series(1, 10000) n`, nil)
	exec(`INSERT INTO product_listings (channel_id, product_id, published_at, min_price, in_stock, name_key)
		SELECT @channel, id, now() - random() * interval '300 days', (random() * 10000)::bigint, true, slug FROM products WHERE brand_id = @brand`, nil)
	exec(`INSERT INTO product_categories (product_id, category_id)
		SELECT p.id, c.id FROM products p JOIN categories c ON c.brand_id = p.brand_id AND c.slug = 'c' || (1 + hashtext(p.slug) & 63) WHERE p.brand_id = @brand`, nil)
	exec(`INSERT INTO display_rules (id, brand_id, name, audience_kind, target_kind, target_id, valid_from, valid_until, visible, created_at, updated_at)
		SELECT gen_random_uuid(), @brand, 'r', 'EVERYONE', 'PRODUCT', id, '0001-01-01Z', '9999-12-31Z', 'DENY', now(), now() FROM products WHERE brand_id = @brand ORDER BY id LIMIT 960`, nil)
	exec(`INSERT INTO display_rules (id, brand_id, name, audience_kind, target_kind, target_id, valid_from, valid_until, visible, created_at, updated_at)
		SELECT gen_random_uuid(), @brand, 'r', 'EVERYONE', 'CATEGORY', id, '0001-01-01Z', '9999-12-31Z', CASE WHEN slug < 'c3' THEN 'DENY' ELSE 'ALLOW' END, now(), now()
		FROM categories WHERE brand_id = @brand ORDER BY slug LIMIT 40`, nil)
	exec(`ANALYZE products, product_listings, product_categories`, nil)
	book, err := postgres.NewDisplay(shop.DB).Book(ctx, shop.BrandID)
	require.NoError(t, err)
	require.Len(t, book.Rules, 1000)
	rules := display.New(postgres.NewDisplay(shop.DB), nil, time.Now)
	require.NoError(t, rules.AsOf(ctx, shop.BrandID, 1))
	view, err := rules.View(ctx)
	require.NoError(t, err)
	require.False(t, view.Visible.Open())
	for _, sort := range []catalog.Sort{catalog.SortNewest, catalog.SortPriceAsc, catalog.SortPriceDesc, catalog.SortName} {
		q := catalog.ListQuery{ChannelID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY", At: time.Now(), Sort: sort, View: view}
		for name, cursor := range map[string]string{"page 1": "", "behind 5,000": cursorAt(t, shop, q, 5000)} {
			plan, looked := postgres.Explain(t, shop.DB, q, cursor)
			require.NotContains(t, plan, "Sort", "%s %s\n%s", sort, name, plan)
			require.Contains(t, plan, "Index", "%s %s", sort, name)
			require.Less(t, looked, 1000, "%s %s looked at too many rows\n%s", sort, name, plan)
		}
	}
}

// A thousand rules for single variants cost a list by price one look-up for each row:
// the products that have them are found once, and only theirs are reckoned.
func TestAThousandRulesForVariantsAreLookedUpOnce(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	ctx := channel.With(t.Context(), channel.Channel{ID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY"})
	for _, sql := range []string{
		`INSERT INTO products (id, brand_id, slug, name, status, created_at, updated_at)
			SELECT gen_random_uuid(), $1, 'p' || n, '{}', 'ACTIVE', now(), now() FROM generate_series(1, 5000) n WHERE $2::uuid IS NOT NULL`,
		`INSERT INTO variants (id, brand_id, product_id, sku) SELECT gen_random_uuid(), $1, id, slug FROM products WHERE brand_id = $1 AND $2::uuid IS NOT NULL`,
		`INSERT INTO product_listings (channel_id, product_id, published_at, min_price, in_stock, name_key)
			SELECT $2, id, now(), (random() * 10000)::bigint, true, slug FROM products WHERE brand_id = $1`,
		`INSERT INTO display_rules (id, brand_id, name, audience_kind, target_kind, target_id, valid_from, valid_until, price_shown, created_at, updated_at)
			SELECT gen_random_uuid(), $1, 'r', 'EVERYONE', 'VARIANT', id, '0001-01-01Z', '9999-12-31Z', 'DENY', now(), now()
			FROM variants WHERE brand_id = $1 AND $2::uuid IS NOT NULL ORDER BY id LIMIT 1000`,
		`ANALYZE products, variants, product_listings`,
	} {
		var args []any
		if strings.Contains(sql, "$") {
			args = []any{shop.BrandID, shop.ChannelID}
		}
		_, err := shop.DB.Pool().Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	rules := display.New(postgres.NewDisplay(shop.DB), nil, time.Now)
	require.NoError(t, rules.AsOf(ctx, shop.BrandID, 1))
	view, err := rules.View(ctx)
	require.NoError(t, err)
	require.False(t, view.Priced.Open())
	plan, _ := postgres.Explain(t, shop.DB, catalog.ListQuery{ChannelID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY", At: time.Now(), Sort: catalog.SortPriceAsc, View: view}, "")
	require.Contains(t, plan, "hashed SubPlan", plan)
	first := page.MaxSize
	began := time.Now()
	found, err := postgres.NewCatalog(shop.DB).Listed(ctx, catalog.ListQuery{ChannelID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY", At: time.Now(), Sort: catalog.SortPriceAsc, View: view, Page: page.Args{First: &first}})
	require.NoError(t, err)
	require.Len(t, found.Edges, first)
	t.Logf("a page by price: %s", time.Since(began))
}

// cursorAt is the cursor behind so many rows.
func cursorAt(t *testing.T, shop *pgtest.Shop, q catalog.ListQuery, rows int) (cursor string) {
	t.Helper()
	first := page.MaxSize
	for range rows / first {
		q.Page = page.Args{First: &first, After: &cursor}
		found, err := postgres.NewCatalog(shop.DB).Listed(t.Context(), q)
		require.NoError(t, err)
		cursor = *found.PageInfo.EndCursor
	}
	return cursor
}

// What SQL says of a product is what the pure judgement says.
func TestListsAgreeWithTheJudgement(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	ctx := channel.With(t.Context(), channel.Channel{ID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY"})
	store := postgres.NewDisplay(shop.DB)
	var products []uuid.UUID
	above, below := id.New(), id.New()
	for i, key := range []uuid.UUID{above, below} {
		_, err := shop.DB.Pool().Exec(ctx, `INSERT INTO categories (id, brand_id, parent_id, slug, name) VALUES ($1, $2, $3, $4, '{}')`, key, shop.BrandID, []any{nil, above}[i], fmt.Sprint("c", i))
		require.NoError(t, err)
	}
	for i := range 12 {
		p := shop.AddProduct(t, fmt.Sprint("p", i), 100)
		products = append(products, p.ID)
		_, err := shop.DB.Pool().Exec(ctx, `UPDATE products SET tags = $2 WHERE id = $1`, p.ID, strings.Split([]string{"a", "b", "a,b"}[i%3], ","))
		require.NoError(t, err)
		if i%4 > 0 {
			_, err = shop.DB.Pool().Exec(ctx, `INSERT INTO product_categories (product_id, category_id) VALUES ($1, $2)`, p.ID, []uuid.UUID{above, below}[i%2])
			require.NoError(t, err)
		}
	}
	targets := []scope.Target{scope.Everything, {Kind: scope.Tag, Value: "a"}, {Kind: scope.Tag, Value: "b"}, {Kind: scope.Category, ID: above}, {Kind: scope.Category, ID: below}, {Kind: scope.Product, ID: products[3]}, {Kind: scope.Product, ID: products[5]}}
	rules := display.New(store, nil, time.Now)
	for round := range 40 {
		// Every round another rule, by a walk that comes by all targets and effects.
		effect := []display.Effect{display.Deny, display.Allow}[(round/3)%2]
		r := display.Rule{ID: id.New(), BrandID: shop.BrandID, Name: "r", Audience: scope.All, Target: targets[(round*5)%len(targets)], Window: scope.Always,
			Visible: &effect, Message: i18n.Text{}, CreatedAt: time.Now(), UpdatedAt: time.Now().Add(time.Duration(round) * time.Second)}
		require.NoError(t, store.SaveRule(ctx, r))
		book, err := store.Book(ctx, shop.BrandID)
		require.NoError(t, err)
		facts, err := store.Facts(ctx, shop.BrandID, shop.ChannelID, products)
		require.NoError(t, err)
		tree := display.NewTree(book.Shelves)
		var want, got []uuid.UUID
		for _, f := range facts {
			q := display.Question{Goods: f.Goods(tree, uuid.Nil), ChannelID: shop.ChannelID, At: time.Now(), Zone: time.UTC}
			if display.Judge(book.Rules, tree, display.Visible, q).Allowed {
				want = append(want, f.ProductID)
			}
		}
		require.NoError(t, rules.Through(ctx, func(v *display.View) error {
			found, err := postgres.NewCatalog(shop.DB).Listed(ctx, catalog.ListQuery{ChannelID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY", At: time.Now(), Sort: catalog.SortNewest, View: v})
			got = nil
			for _, p := range found.Nodes() {
				got = append(got, p.ID)
			}
			return err
		}))
		require.ElementsMatch(t, want, got, "round %d", round)
	}
}
