package catalog

import (
	"context"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/search"
)

// Document is what of a product can be searched for.
type Document struct {
	ProductID   uuid.UUID
	BrandID     uuid.UUID
	Name        i18n.Text
	Description i18n.Text
	Tags        []string
	Maker       i18n.Text   // the product brand's name
	Shelves     []i18n.Text // names of its categories and of those above them
	Codes       []string    // SKUs, barcodes and option values of its variants
	Values      []i18n.Text // values of its attributes, as shoppers read them
}

// Shelf is a category or product brand that can be searched for.
type Shelf struct {
	Kind    SuggestionKind // SuggestCategory or SuggestBrand
	ID      uuid.UUID
	BrandID uuid.UUID
	Name    i18n.Text
}

// IndexEntry is what search keeps of one document.
type IndexEntry struct {
	Kind    SuggestionKind
	ID      uuid.UUID
	BrandID uuid.UUID
	Vector  string   // text form of a tsvector
	NameKey string   // what its name sorts by; products only
	Keys    []string // beginnings by which it is suggested
}

// IndexStore reads what is searched for and keeps how.
type IndexStore interface {
	Documents(ctx context.Context, productIDs []uuid.UUID) ([]Document, error)
	Shelves(ctx context.Context, ids []uuid.UUID) ([]Shelf, error)
	WriteIndex(ctx context.Context, entries []IndexEntry) error
	// Unindexed are up to limit products that search does not know yet, after the id.
	Unindexed(ctx context.Context, after uuid.UUID, limit int) ([]uuid.UUID, error)
	UnindexedShelves(ctx context.Context) ([]uuid.UUID, error)
}

// Indexer keeps what search knows in step with the catalog.
type Indexer struct {
	store IndexStore
	words *search.Analyzer
}

// NewIndexer makes the indexer.
func NewIndexer(store IndexStore, words *search.Analyzer) *Indexer { return &Indexer{store, words} }

// Products reads the products anew, in the transaction of the context.
func (x *Indexer) Products(ctx context.Context, ids ...uuid.UUID) error {
	documents, err := x.store.Documents(ctx, ids)
	if err != nil || len(documents) == 0 {
		return err
	}
	entries := make([]IndexEntry, len(documents))
	for i, d := range documents {
		entries[i] = x.Entry(d)
	}
	return x.store.WriteIndex(ctx, entries)
}

// Shelves reads categories and product brands anew.
func (x *Indexer) Shelves(ctx context.Context, ids ...uuid.UUID) error {
	shelves, err := x.store.Shelves(ctx, ids)
	if err != nil || len(shelves) == 0 {
		return err
	}
	entries := make([]IndexEntry, len(shelves))
	for i, s := range shelves {
		entries[i] = IndexEntry{
			Kind: s.Kind, ID: s.ID, BrandID: s.BrandID, Keys: x.keys(s.Name),
			Vector: x.words.Vector(fields(search.Name, s.Name)...),
		}
	}
	return x.store.WriteIndex(ctx, entries)
}

// indexChunk is how many products are indexed at once.
const indexChunk = 500

// Missing indexes what was written past the services, as bulk loading does.
func (x *Indexer) Missing(ctx context.Context, progress func(done int)) error {
	shelves, err := x.store.UnindexedShelves(ctx)
	if err == nil {
		err = x.Shelves(ctx, shelves...)
	}
	if err != nil {
		return fmt.Errorf("index categories and brands: %w", err)
	}
	after, done := uuid.Nil, 0
	for {
		ids, err := x.store.Unindexed(ctx, after, indexChunk)
		if err == nil && len(ids) > 0 {
			err = x.Products(ctx, ids...)
		}
		if err != nil {
			return fmt.Errorf("index products: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		after, done = ids[len(ids)-1], done+len(ids)
		if progress != nil {
			progress(done)
		}
	}
}

// Entry is what search keeps of a product, for whoever writes it in bulk.
func (x *Indexer) Entry(d Document) IndexEntry {
	all := append(fields(search.Name, d.Name), fields(search.Shelf, append(d.Shelves, d.Maker)...)...)
	all = append(all, fields(search.Tag, d.Values...)...)
	for _, text := range append(d.Codes, d.Tags...) {
		all = append(all, search.Field{Weight: search.Tag, Text: text})
	}
	for _, text := range d.Description {
		all = append(all, search.Field{Weight: search.Description, Text: plainText(text)})
	}
	return IndexEntry{
		Kind: SuggestProduct, ID: d.ProductID, BrandID: d.BrandID, Keys: x.keys(d.Name),
		Vector: x.words.Vector(all...), NameKey: x.words.SortKey(d.Name.In(i18n.Default)),
	}
}

func (x *Indexer) keys(name i18n.Text) []string {
	var keys []string
	for _, text := range name {
		keys = append(keys, x.words.Keys(text)...)
	}
	return keys
}

func fields(w search.Weight, texts ...i18n.Text) []search.Field {
	var all []search.Field
	for _, text := range texts {
		for _, s := range text {
			all = append(all, search.Field{Weight: w, Text: s})
		}
	}
	return all
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plainText is HTML without its tags.
func plainText(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	return html.UnescapeString(tags.ReplaceAllString(s, " "))
}
