package seed

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/storage/postgres"
)

// chunk is how many products travel in one COPY, and in one transaction.
const chunk = 1000

// Options say what to write.
type Options struct {
	Scale    int            // products of the first brand; 0 is the sample's own
	Progress func(done int) // told of products of a brand that are written; may be nil
	// Index makes what search keeps of a product while it is loaded; nil leaves that to catalog.Indexer.
	Index    func(catalog.Document) catalog.IndexEntry
	Password string // of the sample accounts; empty is the constant of that name
}

// Count is the number of products that the options write.
func (o Options) Count() int {
	n := 0
	for i, b := range Brands() {
		for range b.Products(o.scaleOf(i)) {
			n++
		}
	}
	return n
}

func (o Options) scaleOf(brand int) int {
	if brand == 0 {
		return o.Scale
	}
	return 0
}

// Write puts the sample retailer into the database. What is there is left as it
// is, so that writing twice, or going on after a break, is one shop.
func Write(ctx context.Context, db *postgres.DB, o Options) error {
	for i, b := range Brands() {
		if err := b.frame(ctx, db); err != nil {
			return fmt.Errorf("write the brand %s: %w", b.Code, err)
		}
		if err := b.fill(ctx, db, o, o.scaleOf(i)); err != nil {
			return fmt.Errorf("write the products of %s: %w", b.Code, err)
		}
		if err := b.packed(ctx, db); err != nil {
			return fmt.Errorf("write how goods of %s travel: %w", b.Code, err)
		}
	}
	if err := writePeople(ctx, db, o.Password); err != nil {
		return fmt.Errorf("write the sample accounts: %w", err)
	}
	if err := writeCompanies(ctx, db); err != nil {
		return err
	}
	return nil
}

// fill writes the products that are missing. One hand makes them, and as many
// load them as there are processors; the chunks between them bound the memory.
func (b Brand) fill(ctx context.Context, db *postgres.DB, o Options, scale int) error {
	loading, ctx := errgroup.WithContext(ctx)
	chunks := make(chan []catalog.Bundle)
	loading.Go(func() error {
		defer close(chunks)
		return b.cut(ctx, scale, chunks)
	})
	var told sync.Mutex
	done := 0
	for range max(runtime.GOMAXPROCS(0), 1) {
		loading.Go(func() error {
			for pending := range chunks {
				if err := b.load(ctx, db, o, pending); err != nil {
					return err
				}
				told.Lock()
				done += len(pending)
				if o.Progress != nil {
					o.Progress(done)
				}
				told.Unlock()
			}
			return nil
		})
	}
	return loading.Wait()
}

// cut sends the products in chunks, until ctx ends.
func (b Brand) cut(ctx context.Context, scale int, chunks chan<- []catalog.Bundle) error {
	var pending []catalog.Bundle
	send := func() error {
		select {
		case chunks <- pending:
			pending = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for bundle := range b.Products(scale) {
		if pending = append(pending, bundle); len(pending) == chunk {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}

// load writes those of the bundles that the database does not have.
func (b Brand) load(ctx context.Context, db *postgres.DB, o Options, bundles []catalog.Bundle) error {
	missing, err := absent(ctx, db, bundles)
	if err != nil || len(missing) == 0 {
		return err
	}
	if o.Index != nil {
		for i := range missing {
			missing[i].Index = o.Index(b.document(missing[i]))
			for j := range missing[i].Listings {
				missing[i].Listings[j].NameKey = missing[i].Index.NameKey
			}
		}
	}
	return postgres.NewBulk(db).Load(ctx, missing)
}

// absent are those of the bundles whose products are not in the database.
func absent(ctx context.Context, db *postgres.DB, bundles []catalog.Bundle) ([]catalog.Bundle, error) {
	ids := make([]any, 0, len(bundles))
	for _, b := range bundles {
		ids = append(ids, b.Product.ID)
	}
	rows, err := db.Pool().Query(ctx, `SELECT id::text FROM products WHERE id = ANY($1::uuid[])`, ids)
	if err != nil {
		return nil, err
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	known := make(map[string]bool, len(there))
	for _, id := range there {
		known[id] = true
	}
	var missing []catalog.Bundle
	for _, b := range bundles {
		if !known[b.Product.ID.String()] {
			missing = append(missing, b)
		}
	}
	return missing, nil
}

// frame writes what products hang on: the brand with its channel, price list,
// locations, shipping methods, shelves, makers and attributes.
func (b Brand) frame(ctx context.Context, db *postgres.DB) error {
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO brands (id, code, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, b.ID, b.Code, b.Name)
	batch.Queue(`INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive) VALUES ($1, $2, 'standard', $3, 'JPY', true) ON CONFLICT DO NOTHING`,
		b.PriceListID, b.ID, i18n.Text{"ja": "標準価格", "en": "Standard prices"})
	batch.Queue(`INSERT INTO channels (id, brand_id, code, name, currency, price_list_id) VALUES ($1, $2, $3, $4, 'JPY', $5) ON CONFLICT DO NOTHING`,
		b.ChannelID, b.ID, b.Code, b.Name, b.PriceListID)
	for _, l := range append(slices.Clone(b.Shops), b.van()) {
		batch.Queue(`INSERT INTO locations (id, brand_id, code, name, kind, address, priority, ships) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
			l.ID, b.ID, l.Code, l.Name, l.Kind, l.Address.Normalised(), l.Priority, l.Kind == "WAREHOUSE")
	}
	b.queueShops(batch)
	b.queueShipping(batch)
	b.queueCalendars(batch)
	for i, s := range shelves {
		var parent any
		if s.parent != "" {
			parent = b.CategoryID(s.parent)
		}
		batch.Queue(`INSERT INTO categories (id, brand_id, parent_id, slug, name, position) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
			b.CategoryID(s.slug), b.ID, parent, s.slug, i18n.Text{"ja": s.ja, "en": s.en}, i)
	}
	for i, m := range makers {
		batch.Queue(`INSERT INTO product_brands (id, brand_id, slug, name, position) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			b.MakerID(m.slug), b.ID, m.slug, i18n.Text{"ja": m.ja, "en": m.en}, i)
	}
	for i, a := range attributes {
		batch.Queue(`INSERT INTO attributes (id, brand_id, code, name, type, choices, filterable, position) VALUES ($1, $2, $3, $4, 'SELECT', $5, true, $6) ON CONFLICT DO NOTHING`,
			b.AttributeID(a.code), b.ID, a.code, a.name, a.choices, i)
	}
	b.writeSynonyms(batch)
	return db.Pool().SendBatch(ctx, batch).Close()
}

// choice is one value of a SELECT attribute.
type choice struct {
	Value string    `json:"value"`
	Label i18n.Text `json:"label"`
}

var attributes = []struct {
	code    string
	name    i18n.Text
	choices []choice
}{
	{"pet", i18n.Text{"ja": "対象のペット", "en": "Pet"}, []choice{
		{"dog", i18n.Text{"ja": "犬", "en": "Dog"}}, {"cat", i18n.Text{"ja": "猫", "en": "Cat"}}, {"small", i18n.Text{"ja": "小動物", "en": "Small animal"}},
		{"bird", i18n.Text{"ja": "鳥", "en": "Bird"}}, {"fish", i18n.Text{"ja": "魚", "en": "Fish"}}, {"reptile", i18n.Text{"ja": "爬虫類", "en": "Reptile"}},
		{"human", i18n.Text{"ja": "飼い主さん", "en": "Owner"}},
	}},
	{"stage", i18n.Text{"ja": "ライフステージ", "en": "Life stage"}, []choice{
		{"puppy", i18n.Text{"ja": "子犬", "en": "Puppy"}}, {"kitten", i18n.Text{"ja": "子猫", "en": "Kitten"}},
		{"adult", i18n.Text{"ja": "成犬・成猫", "en": "Adult"}}, {"senior", i18n.Text{"ja": "シニア", "en": "Senior"}},
	}},
	{"origin", i18n.Text{"ja": "原産国", "en": "Country of origin"}, []choice{
		{"jp", i18n.Text{"ja": "日本", "en": "Japan"}}, {"nz", i18n.Text{"ja": "ニュージーランド", "en": "New Zealand"}}, {"fr", i18n.Text{"ja": "フランス", "en": "France"}},
	}},
}
