package pgtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
)

// Epoch is the moment at which a test shop's listings begin.
var Epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Shop is a small shop to test with: one brand, one channel, one warehouse.
type Shop struct {
	DB          *postgres.DB
	BrandID     uuid.UUID
	ChannelID   uuid.UUID
	PriceListID uuid.UUID
	WarehouseID uuid.UUID
}

// NewShop opens a test database with an empty shop whose channel code is "web".
func NewShop(t testing.TB) *Shop { return FillShop(t, New(t)) }

// FillShop puts such a shop into an empty, migrated database.
func FillShop(t testing.TB, db *postgres.DB) *Shop {
	s := &Shop{DB: db, BrandID: id.New(), ChannelID: id.New(), PriceListID: id.New(), WarehouseID: id.New()}
	s.exec(t, `INSERT INTO brands (id, code, name) VALUES (@brand, 'wan', '{"ja":"わんこ堂","en":"Wanko-do"}')`)
	s.exec(t, `INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive) VALUES (@list, @brand, 'standard', '{"ja":"標準"}', 'JPY', true)`)
	s.exec(t, `INSERT INTO channels (id, brand_id, code, name, currency, price_list_id) VALUES (@channel, @brand, 'web', '{"ja":"ウェブ"}', 'JPY', @list)`)
	s.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES (@warehouse, @brand, 'main', '{"ja":"本社倉庫"}', 'WAREHOUSE')`)
	return s
}

// Product is a product put into a test shop, with one variant for each price.
type Product struct {
	ID       uuid.UUID
	Slug     string
	Variants []uuid.UUID
}

// AddProduct lists a product whose variants cost the given prices (yen) and have
// 100 pieces each in the warehouse.
func (s *Shop) AddProduct(t testing.TB, slug string, prices ...int64) Product {
	p := Product{ID: id.New(), Slug: slug}
	s.exec(t, `
		INSERT INTO products (id, brand_id, slug, name, description, status, created_at, updated_at)
		VALUES (@id, @brand, @slug, jsonb_build_object('ja', 'しょうひん ' || @slug::text, 'en', 'Product ' || @slug::text), '{"ja":"説明"}', 'ACTIVE', @epoch, @epoch)`,
		pgx.NamedArgs{"id": p.ID, "slug": slug})
	for i, price := range prices {
		v := id.New()
		s.exec(t, `
			INSERT INTO variants (id, brand_id, product_id, sku, options, position) VALUES (@id, @brand, @product, @sku, '[]', @i)`,
			pgx.NamedArgs{"id": v, "product": p.ID, "sku": fmt.Sprintf("%s-%d", slug, i+1), "i": i})
		s.exec(t, `INSERT INTO prices (id, price_list_id, variant_id, amount) VALUES (@id, @list, @variant, @amount)`,
			pgx.NamedArgs{"id": id.New(), "variant": v, "amount": price})
		s.exec(t, `INSERT INTO stock_levels (variant_id, location_id, on_hand) VALUES (@variant, @warehouse, 100)`,
			pgx.NamedArgs{"variant": v})
		s.exec(t, `INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity) VALUES (@id, @epoch, @variant, @warehouse, 'RECEIPT', 100)`,
			pgx.NamedArgs{"id": id.New(), "variant": v})
		p.Variants = append(p.Variants, v)
	}
	s.exec(t, `
		INSERT INTO product_listings (channel_id, product_id, published_at, min_price, max_price, in_stock, name_key)
		SELECT @channel, @product, @epoch, min(amount), max(amount), true, @slug
		FROM prices WHERE variant_id = ANY(@variants)`,
		pgx.NamedArgs{"product": p.ID, "slug": slug, "variants": p.Variants})
	return p
}

// AddShipping adds a shipping method with a flat fee (yen).
func (s *Shop) AddShipping(t testing.TB, code string, fee int64) uuid.UUID {
	key := id.New()
	s.exec(t, `INSERT INTO shipping_methods (id, brand_id, code, name, fee) VALUES (@id, @brand, @code, '{"ja":"宅配便","en":"Parcel"}', @fee)`,
		pgx.NamedArgs{"id": key, "code": code, "fee": fee})
	return key
}

// SetStock sets the pieces of a variant in the warehouse.
func (s *Shop) SetStock(t testing.TB, variant uuid.UUID, onHand int) {
	s.exec(t, `
		WITH before AS (SELECT on_hand FROM stock_levels WHERE variant_id = @variant AND location_id = @warehouse), after AS (
			UPDATE stock_levels SET on_hand = @n WHERE variant_id = @variant AND location_id = @warehouse
		)
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity)
		SELECT gen_random_uuid(), @epoch, @variant, @warehouse, 'COUNT', @n - on_hand FROM before WHERE on_hand <> @n`,
		pgx.NamedArgs{"variant": variant, "n": onHand})
}

func (s *Shop) exec(t testing.TB, sql string, more ...pgx.NamedArgs) {
	args := pgx.NamedArgs{"brand": s.BrandID, "channel": s.ChannelID, "list": s.PriceListID, "warehouse": s.WarehouseID, "epoch": Epoch}
	for _, m := range more {
		for k, v := range m {
			args[k] = v
		}
	}
	_, err := s.DB.Pool().Exec(t.Context(), sql, args)
	require.NoError(t, err)
}
