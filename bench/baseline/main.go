// Command baseline answers noren's hot questions without GraphQL: net/http, the
// same SQL through the same pgx code, and encoding/json. It is what noren is
// measured against; it answers the same bytes.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	ctx := (&http.Request{}).Context()
	conns, err := strconv.Atoi(cmp.Or(os.Getenv("NOREN_MAX_CONNS"), "16"))
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), postgres.WithMaxConns(int32(conns))) //nolint:gosec // a handful
	if err != nil {
		return err
	}
	defer db.Close()
	channels, err := postgres.NewChannels(db).Channels(ctx)
	if err != nil {
		return err
	}
	s := &server{
		channel: channels[0], catalog: postgres.NewCatalog(db), prices: postgres.NewPricing(db), stock: postgres.NewInventory(db), sales: postgres.NewSales(db), words: search.NewAnalyzer(),
	}
	http.HandleFunc("POST /list", s.list)
	http.HandleFunc("POST /detail", s.detail)
	http.HandleFunc("POST /search", s.search)
	return (&http.Server{Addr: os.Getenv("NOREN_ADDR"), ReadHeaderTimeout: time.Second}).ListenAndServe()
}

type server struct {
	channel channel.Channel
	catalog *postgres.Catalog
	prices  *postgres.Pricing
	stock   *postgres.Inventory
	sales   *postgres.Sales
	words   *search.Analyzer
}

// shown is what a page needs beside its products.
type shown struct {
	variants map[uuid.UUID][]catalog.Variant
	prices   map[uuid.UUID]pricing.Price
	free     map[uuid.UUID]int
}

func (s *server) show(r *http.Request, products []catalog.Product, stock bool) (shown, error) {
	w := shown{map[uuid.UUID][]catalog.Variant{}, map[uuid.UUID]pricing.Price{}, map[uuid.UUID]int{}}
	ids := make([]uuid.UUID, len(products))
	for i, p := range products {
		ids[i] = p.ID
	}
	variants, err := s.catalog.VariantsOf(r.Context(), ids)
	if err != nil {
		return w, err
	}
	keys := make([]uuid.UUID, len(variants))
	for i, v := range variants {
		keys[i] = v.ID
		w.variants[v.ProductID] = append(w.variants[v.ProductID], v)
	}
	book, _, err := s.prices.Sheets(r.Context(), pricing.SheetQuery{
		BrandID: s.channel.BrandID, Variants: keys, Lists: []uuid.UUID{s.channel.PriceListID}, At: time.Now(),
	})
	for variant, sheet := range book {
		for _, p := range sheet.Prices {
			w.prices[variant] = p
		}
	}
	if err != nil || !stock {
		return w, err
	}
	free, err := s.stock.Free(r.Context(), s.channel.BrandID, keys)
	for _, f := range free {
		w.free[f.VariantID] = f.Pieces
	}
	return w, err
}

type amount struct {
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

type bare struct {
	Amount string `json:"amount"`
}

func (s *server) amount(minor int64) amount {
	return amount{money.Of(minor, money.Currency(s.channel.Currency)).String(), s.channel.Currency}
}

func (s *server) bare(minor int64) bare { return bare{s.amount(minor).Amount} }

type span struct {
	Min amount `json:"min"`
	Max amount `json:"max"`
}

func (s *server) span(w shown, product uuid.UUID) *span {
	var low, high *int64
	for _, v := range w.variants[product] {
		p, there := w.prices[v.ID]
		if !there {
			continue
		}
		if low == nil || p.Amount < *low {
			low = &p.Amount
		}
		if high == nil || p.Amount > *high {
			high = &p.Amount
		}
	}
	if low == nil {
		return nil
	}
	return &span{s.amount(*low), s.amount(*high)}
}

type price struct {
	Unit      amount  `json:"unit"`
	CompareAt *amount `json:"compareAt"`
}

func (s *server) price(w shown, variant uuid.UUID) *price {
	p, there := w.prices[variant]
	if !there {
		return nil
	}
	out := &price{Unit: s.amount(p.Amount)}
	if p.CompareAt != nil && *p.CompareAt > p.Amount {
		compare := s.amount(*p.CompareAt)
		out.CompareAt = &compare
	}
	return out
}

type pageInfo struct {
	HasNextPage bool    `json:"hasNextPage"`
	EndCursor   *string `json:"endCursor"`
}

type listVariant struct {
	ID           string                 `json:"id"`
	SKU          string                 `json:"sku"`
	Options      []string               `json:"options"`
	Availability inventory.Availability `json:"availability"`
	Price        *price                 `json:"price"`
}

type listProduct struct {
	ID         string        `json:"id"`
	Slug       string        `json:"slug"`
	Name       string        `json:"name"`
	PriceRange *span         `json:"priceRange"`
	Variants   []listVariant `json:"variants"`
}

type edge[T any] struct {
	Cursor string `json:"cursor"`
	Node   T      `json:"node"`
}

type connection[T any] struct {
	Edges    []edge[T] `json:"edges"`
	Facets   []facet   `json:"facets,omitempty"`
	PageInfo pageInfo  `json:"pageInfo"`
}

func (s *server) page(r *http.Request, filter catalog.Filter, sort catalog.Sort) (catalog.ProductPage, error) {
	first := 20
	return s.catalog.Listed(r.Context(), catalog.ListQuery{
		ChannelID: s.channel.ID, BrandID: s.channel.BrandID, Currency: money.Currency(s.channel.Currency), At: time.Now(),
		Filter: filter, Words: s.words.Query(filter.Query, nil), Sort: sort, Page: page.Args{First: &first},
	})
}

func (s *server) list(w http.ResponseWriter, r *http.Request) {
	found, err := s.page(r, catalog.Filter{}, catalog.SortNewest)
	if err != nil {
		fail(w, err)
		return
	}
	around, err := s.show(r, found.Nodes(), true)
	if err != nil {
		fail(w, err)
		return
	}
	out := connection[listProduct]{PageInfo: pageInfo{found.PageInfo.HasNextPage, found.PageInfo.EndCursor}}
	for _, e := range found.Edges {
		p := listProduct{ID: e.Node.GlobalID(), Slug: e.Node.Slug, Name: e.Node.Name.In("ja"), PriceRange: s.span(around, e.Node.ID)}
		for _, v := range around.variants[e.Node.ID] {
			p.Variants = append(p.Variants, listVariant{v.GlobalID(), v.SKU, v.Options, inventory.AvailabilityOf(around.free[v.ID]), s.price(around, v.ID)})
		}
		out.Edges = append(out.Edges, edge[listProduct]{e.Cursor, p})
	}
	answer(w, "products", out)
}

type facet struct {
	Kind   catalog.FacetKind `json:"kind"`
	Code   string            `json:"code"`
	Values []facetValue      `json:"values"`
}

type facetValue struct {
	Value string `json:"value"`
	Label string `json:"label"`
	Count int    `json:"count"`
}

type foundProduct struct {
	ID         string `json:"id"`
	Slug       string `json:"slug"`
	Name       string `json:"name"`
	PriceRange *span  `json:"priceRange"`
}

func (s *server) search(w http.ResponseWriter, r *http.Request) {
	in := true
	found, err := s.page(r, catalog.Filter{Query: r.URL.Query().Get("q"), InStock: &in}, catalog.SortRelevance)
	if err != nil {
		fail(w, err)
		return
	}
	around, err := s.show(r, found.Nodes(), false)
	if err != nil {
		fail(w, err)
		return
	}
	facets, err := found.CountFacets(r.Context())
	if err != nil {
		fail(w, err)
		return
	}
	out := connection[foundProduct]{PageInfo: pageInfo{found.PageInfo.HasNextPage, found.PageInfo.EndCursor}}
	for _, e := range found.Edges {
		out.Edges = append(out.Edges, edge[foundProduct]{e.Cursor, foundProduct{e.Node.GlobalID(), e.Node.Slug, e.Node.Name.In("ja"), s.span(around, e.Node.ID)}})
	}
	for _, f := range facets {
		shown := facet{Kind: f.Kind, Code: f.Code}
		for _, v := range f.Values {
			shown.Values = append(shown.Values, facetValue{v.Value, v.Label.In("ja"), v.Count})
		}
		out.Facets = append(out.Facets, shown)
	}
	answer(w, "products", out)
}

// answer writes the bytes that GraphQL would.
func answer(w http.ResponseWriter, field string, v any) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]any{"data": map[string]any{field: v}}); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	raw := bytes.TrimRight(body.Bytes(), "\n")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	_, _ = w.Write(raw)
}

func fail(w http.ResponseWriter, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}
