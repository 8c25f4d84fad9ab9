package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres"
)

// shelf is a shop with shelves, brands and an attribute to browse by.
type shelf struct {
	*apptest.App
	ids map[string]any
}

func newShelf(t *testing.T, options ...func(*app.Config)) shelf {
	s := shelf{apptest.Start(t, options...), map[string]any{}}
	s.category(t, "dog", "", "犬用品")
	s.category(t, "dog-food", "dog", "ドッグフード")
	s.category(t, "cat", "", "猫用品")
	s.maker(t, "royal", "ロイヤルペット")
	s.maker(t, "sakura", "さくら製菓")
	s.exec(t, "attr", `INSERT INTO attributes (id, brand_id, code, name, type, choices, filterable) VALUES (@id, @brand, 'age', '{"ja":"年齢"}', 'SELECT',
		'[{"value":"puppy","label":{"ja":"子犬"}},{"value":"adult","label":{"ja":"成犬"}}]', true)`, nil)
	s.exec(t, "attr2", `INSERT INTO attributes (id, brand_id, code, name, type, unit, filterable) VALUES (@id, @brand, 'weight', '{"ja":"内容量"}', 'NUMBER', 'kg', true)`, nil)
	s.product(t, "p1", "大型犬用ドッグフード 3kg", 2980, "dog-food", "royal", "adult", 3)
	s.product(t, "p2", "子犬のおやつ", 480, "dog", "sakura", "puppy", 0.1)
	s.product(t, "p3", "猫砂 ひのき", 1200, "cat", "sakura", "", 5)
	s.product(t, "p4", "ドッグフード 小型犬", 5980, "dog-food", "royal", "adult", 1)
	s.product(t, "p5", "いぬのおもちゃ", 900, "dog", "royal", "puppy", 0.2)
	s.index(t)
	return s
}

func (s shelf) index(t *testing.T) {
	require.NoError(t, catalog.NewIndexer(postgres.NewCatalog(s.DB), search.NewAnalyzer()).Missing(t.Context(), nil))
}

func (s shelf) exec(t *testing.T, name, sql string, args pgx.NamedArgs) {
	all := pgx.NamedArgs{"id": id.New(), "brand": s.BrandID, "channel": s.ChannelID}
	for k, v := range args {
		all[k] = v
	}
	s.ids[name] = all["id"]
	_, err := s.DB.Pool().Exec(t.Context(), sql, all)
	require.NoError(t, err)
}

func (s shelf) category(t *testing.T, slug, parent, name string) {
	s.exec(t, slug, `INSERT INTO categories (id, brand_id, parent_id, slug, name) VALUES (@id, @brand, @parent, @slug, jsonb_build_object('ja', @name::text))`,
		pgx.NamedArgs{"parent": s.ids[parent], "slug": slug, "name": name})
}

func (s shelf) maker(t *testing.T, slug, name string) {
	s.exec(t, slug, `INSERT INTO product_brands (id, brand_id, slug, name) VALUES (@id, @brand, @slug, jsonb_build_object('ja', @name::text))`,
		pgx.NamedArgs{"slug": slug, "name": name})
}

func (s shelf) product(t *testing.T, slug, name string, price int64, category, maker, age string, weight float64) {
	p := s.AddProduct(t, slug, price)
	args := pgx.NamedArgs{"product": p.ID, "name": name, "maker": s.ids[maker], "category": s.ids[category], "attr": s.ids["attr"], "attr2": s.ids["attr2"], "age": age, "weight": fmt.Sprint(weight)}
	s.exec(t, slug, `UPDATE products SET name = jsonb_build_object('ja', @name::text), product_brand_id = @maker WHERE id = @product`, args)
	s.exec(t, slug, `INSERT INTO product_categories (product_id, category_id) VALUES (@product, @category)`, args)
	s.exec(t, slug, `INSERT INTO product_attribute_values (product_id, attribute_id, value, number) VALUES (@product, @attr2, @weight::text, @weight::text::numeric)`, args)
	if age != "" {
		s.exec(t, slug, `INSERT INTO product_attribute_values (product_id, attribute_id, value) VALUES (@product, @attr, @age)`, args)
	}
	s.ids[slug] = p.ID
}

type facets struct {
	Products struct {
		TotalCount int
		Nodes      []struct{ Slug string }
		Facets     []struct {
			Kind, Code, Name string
			Values           []struct {
				Value, Label, Parent string
				Count                int
				Selected             bool
			}
		}
	}
}

// counts are the counts of one facet by value.
func (f facets) counts(kind, code string) map[string]int {
	counts := map[string]int{}
	for _, facet := range f.Products.Facets {
		if facet.Kind == kind && facet.Code == code {
			for _, v := range facet.Values {
				counts[v.Value] = v.Count
			}
		}
	}
	return counts
}

func (f facets) slugs() []string {
	slugs := []string{}
	for _, n := range f.Products.Nodes {
		slugs = append(slugs, n.Slug)
	}
	return slugs
}

const facetQuery = `query($filter: ProductFilter, $sort: ProductSort) { products(filter: $filter, sort: $sort) {
	totalCount nodes { slug } facets { kind code name values { value label parent count selected } }
} }`

func TestFacetsCountWhatEachChoiceWouldLeave(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var got facets
	s.Do(t, facetQuery, nil).Into(t, &got)
	require.Equal(t, map[string]int{"dog": 4, "dog-food": 2, "cat": 1}, got.counts("CATEGORY", ""))
	require.Equal(t, map[string]int{"royal": 3, "sakura": 2}, got.counts("BRAND", ""))
	require.Equal(t, map[string]int{"0": 2, "1": 2, "3": 1}, got.counts("PRICE", ""))
	require.Equal(t, map[string]int{"IN_STOCK": 5}, got.counts("AVAILABILITY", ""))
	require.Equal(t, map[string]int{"puppy": 2, "adult": 2}, got.counts("ATTRIBUTE", "age"))

	// A facet's own choice does not narrow it; the other facets it does.
	s.Do(t, facetQuery, apptest.Variables{"filter": apptest.Variables{"brands": []string{"royal"}, "attributes": []apptest.Variables{{"code": "age", "values": []string{"adult"}}}}}).Into(t, &got)
	require.ElementsMatch(t, []string{"p1", "p4"}, got.slugs())
	require.Equal(t, 2, got.Products.TotalCount)
	require.Equal(t, map[string]int{"royal": 2}, got.counts("BRAND", ""))
	require.Equal(t, map[string]int{"puppy": 1, "adult": 2}, got.counts("ATTRIBUTE", "age"))
	require.Equal(t, map[string]int{"dog": 2, "dog-food": 2}, got.counts("CATEGORY", ""))
}

func TestFiltersNarrowTheList(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for _, c := range []struct {
		filter apptest.Variables
		want   []string
	}{
		{apptest.Variables{"categories": []string{"dog"}}, []string{"p1", "p2", "p4", "p5"}},
		{apptest.Variables{"categories": []string{"nothing"}}, []string{}},
		{apptest.Variables{"minPrice": "900", "maxPrice": "1200"}, []string{"p3", "p5"}},
		{apptest.Variables{"query": "いぬ"}, []string{"p1", "p2", "p4", "p5"}},
		{apptest.Variables{"query": "ﾌｰﾄﾞ"}, []string{"p1", "p4"}},
		{apptest.Variables{"query": "ロイヤル"}, []string{"p1", "p4", "p5"}},
		{apptest.Variables{"query": "p3-1"}, []string{"p3"}},
		{apptest.Variables{"query": "!!"}, []string{}},
		{apptest.Variables{"attributes": []apptest.Variables{{"code": "weight", "min": "1", "max": "3"}}}, []string{"p1", "p4"}},
		{apptest.Variables{"attributes": []apptest.Variables{{"code": "unknown", "values": []string{"x"}}}}, []string{}},
		{apptest.Variables{"inStock": false}, []string{}},
	} {
		var got facets
		s.Do(t, facetQuery, apptest.Variables{"filter": c.filter}).Into(t, &got)
		require.ElementsMatch(t, c.want, got.slugs(), "%v", c.filter)
		require.Equal(t, len(c.want), got.Products.TotalCount)
	}
}

func TestImpossibleFiltersAreRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t)
	many := make([]string, 51)
	for _, filter := range []apptest.Variables{
		{"minPrice": "-1"}, {"minPrice": "10", "maxPrice": "5"}, {"minPrice": "1.5"}, {"brands": many},
		{"attributes": []apptest.Variables{{"code": "age"}}},
		{"attributes": []apptest.Variables{{"code": "a", "min": "1"}, {"code": "a", "min": "2"}}},
	} {
		require.NotEmpty(t, s.Do(t, facetQuery, apptest.Variables{"filter": filter}).Errors, "%v", filter)
	}
}

func TestEverySortIsPagedToTheEnd(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	_, err := s.DB.Pool().Exec(t.Context(), `UPDATE product_listings SET min_price = NULL WHERE product_id = $1`, s.ids["p3"])
	require.NoError(t, err)
	for sort, want := range map[string][]string{
		"PRICE_ASC":  {"p2", "p5", "p1", "p4", "p3"},
		"PRICE_DESC": {"p4", "p1", "p5", "p2", "p3"},
		"NAME":       {"p5", "p1", "p2", "p4", "p3"}, // いぬ, おおがた, こいぬ, どっぐ, ねこ
		"NEWEST":     {"p5", "p4", "p3", "p2", "p1"},
		"RELEVANCE":  {"p5", "p4", "p3", "p2", "p1"},
	} {
		require.Equal(t, want, s.walk(t, sort, nil), sort)
	}
	require.Len(t, s.walk(t, "RELEVANCE", apptest.Variables{"query": "いぬ"}), 4)
}

// walk reads a list two by two.
func (s shelf) walk(t *testing.T, sort string, filter apptest.Variables) []string {
	var slugs []string
	after := ""
	for range 10 {
		var got struct {
			Products struct {
				Nodes    []struct{ Slug string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
			}
		}
		s.Do(t, `query($sort: ProductSort, $after: String, $filter: ProductFilter) { products(first: 2, sort: $sort, after: $after, filter: $filter) { nodes { slug } pageInfo { hasNextPage endCursor } } }`,
			apptest.Variables{"sort": sort, "after": after, "filter": filter}).Into(t, &got)
		for _, n := range got.Products.Nodes {
			slugs = append(slugs, n.Slug)
		}
		if after = got.Products.PageInfo.EndCursor; !got.Products.PageInfo.HasNextPage {
			break
		}
	}
	return slugs
}

func TestCursorOfAnotherSortIsRefused(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var got struct {
		Products struct{ PageInfo struct{ EndCursor string } }
	}
	s.Do(t, `{ products(first: 1, sort: NAME) { pageInfo { endCursor } } }`, nil).Into(t, &got)
	for _, cursor := range []string{got.Products.PageInfo.EndCursor, "%%%", "e30", "bnVsbA"} {
		answer := s.Do(t, `query($after: String) { products(first: 1, sort: PRICE_ASC, after: $after) { nodes { slug } } }`, apptest.Variables{"after": cursor})
		require.Equal(t, "INVALID", answer.Code(), cursor)
	}
}

const searchQuery = `query($q: String!, $first: Int, $after: String) { search(query: $q, first: $first, after: $after) {
	totalCount pageInfo { hasNextPage endCursor }
	nodes { __typename ... on Product { slug name variants { sku availability price { total { amount } } } } ... on Category { slug } ... on ProductBrand { slug } }
} }`

type found struct {
	Search struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage bool
			EndCursor   string
		}
		Nodes []struct {
			Typename string `json:"__typename"`
			Slug     string
			Variants []struct{ Availability string }
		}
	}
}

func TestSearchFindsShelvesAndProducts(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	var seen []string
	after := ""
	for range 5 {
		var got found
		s.Do(t, searchQuery, apptest.Variables{"q": "ドッグフード", "first": 2, "after": after}).Into(t, &got)
		require.Equal(t, 3, got.Search.TotalCount)
		for _, n := range got.Search.Nodes {
			seen = append(seen, n.Typename+":"+n.Slug)
		}
		if after = got.Search.PageInfo.EndCursor; !got.Search.PageInfo.HasNextPage {
			break
		}
	}
	require.Len(t, seen, 3)
	require.Equal(t, "Category:dog-food", seen[0])
	require.ElementsMatch(t, []string{"Product:p1", "Product:p4"}, seen[1:])
	for _, nothing := range []string{"", "  ", "存在しない商品", "'\\|&:*"} {
		var got found
		s.Do(t, searchQuery, apptest.Variables{"q": nothing}).Into(t, &got)
		require.Empty(t, got.Search.Nodes, nothing)
		require.Zero(t, got.Search.TotalCount)
	}
}

func TestSearchCostsAsManyStatementsForManyAsForOne(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	query := `query($first: Int) { search(query: "いぬ", first: $first) { edges { node { ... on Product { name priceRange { min { amount } } variants { sku availability price { total { amount } } } } } } } }`
	s.Do(t, query, apptest.Variables{"first": 2}) // the rules are in memory from here on
	one := s.Do(t, query, apptest.Variables{"first": 2})
	all := s.Do(t, query, apptest.Variables{"first": 100})
	require.Equal(t, 5, one.Statements, "shelves, page, variants, prices, stock")
	require.Equal(t, one.Statements, all.Statements)
}

func TestFacetedListCostsTwoStatements(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.Do(t, facetQuery, nil)
	query := `query($filter: ProductFilter) { products(filter: $filter) { nodes { slug } facets { kind values { count } } } }`
	require.Equal(t, 2, s.Do(t, query, apptest.Variables{"filter": apptest.Variables{"categories": []string{"dog"}, "attributes": []apptest.Variables{{"code": "age", "values": []string{"adult", "puppy"}}}}}).Statements)
}

func TestSynonymsAreFound(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.exec(t, "syn", `INSERT INTO search_synonyms (id, brand_id, words) VALUES (@id, @brand, '{キャットリター,猫砂}')`, nil)
	var got found
	s.Do(t, searchQuery, apptest.Variables{"q": "ｷｬｯﾄﾘﾀｰ"}).Into(t, &got)
	require.Len(t, got.Search.Nodes, 1)
	require.Equal(t, "p3", got.Search.Nodes[0].Slug)
}

func TestSuggestionsUnderstandHalfTypedWords(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	s.Do(t, `{ categories { slug } }`, nil) // the channel is read once a process
	for prefix, want := range map[string]string{
		"どっぐ": "dog-food", "ﾄﾞｯｸﾞ": "dog-food", "doggu": "dog-food", "犬": "dog", "ろいや": "royal", "roiya": "royal",
		"おもち": "p5", "omoc": "p5", "ねこす": "p3", "猫砂": "p3", "ひのき": "p3",
	} {
		var got struct {
			SearchSuggestions []struct{ Kind, Text, Slug string }
		}
		answer := s.Do(t, `query($p: String!) { searchSuggestions(prefix: $p) { kind text slug } }`, apptest.Variables{"p": prefix})
		answer.Into(t, &got)
		require.Equal(t, 1, answer.Statements)
		require.NotEmpty(t, got.SearchSuggestions, prefix)
		require.Equal(t, want, got.SearchSuggestions[0].Slug, "%s: %v", prefix, got.SearchSuggestions)
	}
	for _, nothing := range []string{"", "''", "zzzz"} {
		var got struct{ SearchSuggestions []struct{ Slug string } }
		s.Do(t, `query($p: String!) { searchSuggestions(prefix: $p) { slug } }`, apptest.Variables{"p": nothing}).Into(t, &got)
		require.Empty(t, got.SearchSuggestions)
	}
	require.NotEmpty(t, s.Do(t, `{ searchSuggestions(prefix: "い", first: 21) { slug } }`, nil).Errors)
}

func TestScheduledProductsAppearWithoutAJob(t *testing.T) {
	t.Parallel()
	s := newShelf(t)
	for i, window := range []string{`published_at = now() + interval '1 hour'`, `published_at = now() - interval '2 hour', retired_at = now() - interval '1 hour'`, `published = false`} {
		_, err := s.DB.Pool().Exec(t.Context(), `UPDATE product_listings SET `+window+` WHERE product_id = $1`, s.ids[fmt.Sprintf("p%d", i+1)])
		require.NoError(t, err)
	}
	var got facets
	s.Do(t, facetQuery, nil).Into(t, &got)
	require.ElementsMatch(t, []string{"p4", "p5"}, got.slugs())
	require.Equal(t, map[string]int{"dog": 2, "dog-food": 1}, got.counts("CATEGORY", ""))
}

func globalID(kind string, key any) string { return id.Global(kind, key.(uuid.UUID)) }

func joined(path []string) string { return strings.Join(path, ".") }

func remarshal(t *testing.T, from, to any) {
	raw, err := json.Marshal(from)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, to))
}
