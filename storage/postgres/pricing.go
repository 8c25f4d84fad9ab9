package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Pricing keeps price lists and the rules of prices in PostgreSQL.
type Pricing struct{ db *DB }

// NewPricing makes the store of prices.
func NewPricing(db *DB) *Pricing { return &Pricing{db} }

// priceColumns are the columns of pricing.Price, for the alias r. Open ends of a
// window become the ends of the calendar.
const priceColumns = `r.id, r.price_list_id AS list_id, r.variant_id, r.min_quantity,
	greatest(r.valid_from, '0001-01-01Z') AS valid_from, least(r.valid_until, '9999-12-31Z') AS valid_until,
	r.amount, r.compare_at`

// goodsColumns are what rules ask of the variant v of the product p.
const goodsColumns = `p.product_brand_id, p.tags, v.cost,
	ARRAY(SELECT c.category_id FROM product_categories c WHERE c.product_id = p.id ORDER BY c.position, c.category_id) AS categories,
	ARRAY(SELECT a.attribute_id || '=' || a.value FROM product_attribute_values a WHERE a.product_id = p.id) AS attributes`

// noGoods stands for goodsColumns where no rule asks for them.
const noGoods = `NULL::uuid AS product_brand_id, NULL::text[] AS tags, NULL::bigint AS cost,
	NULL::uuid[] AS categories, NULL::text[] AS attributes`

// rulesVersion is the number of the brand's rules.
const rulesVersion = `coalesce((SELECT b.version FROM rulebooks b WHERE b.brand_id = @brand), 0)`

// goodsRow is the goods of a row of prices or of a cart.
type goodsRow struct {
	ProductBrandID *uuid.UUID
	Tags           []string
	Cost           *int64
	Categories     []uuid.UUID
	Attributes     []string // "attribute id=value"
}

// sheet is what the row says of the variant.
func (r goodsRow) sheet(variant, product uuid.UUID) *pricing.Sheet {
	s := &pricing.Sheet{Goods: scope.Goods{VariantID: variant, ProductID: product, Tags: r.Tags, Categories: r.Categories}, Cost: r.Cost}
	if r.ProductBrandID != nil {
		s.BrandID = *r.ProductBrandID
	}
	const idLength = 36
	for _, a := range r.Attributes {
		if key, err := uuid.Parse(a[:min(len(a), idLength)]); err == nil && len(a) > idLength {
			s.Attributes = append(s.Attributes, scope.AttributeValue{ID: key, Value: a[idLength+1:]})
		}
	}
	return s
}

// Sheets are what is known of the variants, and the version of the brand's rules,
// in one statement. There is a row even where there is no price: the version is
// always told.
func (s *Pricing) Sheets(ctx context.Context, q pricing.SheetQuery) (pricing.Book, int64, error) {
	type row struct {
		Version   int64
		VariantID *uuid.UUID
		ProductID *uuid.UUID
		goodsRow
		ID          *uuid.UUID
		ListID      *uuid.UUID
		MinQuantity *int
		ValidFrom   *time.Time
		ValidUntil  *time.Time
		Amount      *int64
		CompareAt   *int64
	}
	from, goods := `LEFT JOIN prices r ON r.variant_id = ANY(@variants) AND r.price_list_id = ANY(@lists) AND r.valid_until > @at`, noGoods
	variant, product := `r.variant_id`, `NULL::uuid`
	if q.Goods {
		goods, variant, product = goodsColumns, `v.id`, `v.product_id`
		from = `LEFT JOIN (variants v JOIN products p ON p.id = v.product_id) ON v.id = ANY(@variants)
			LEFT JOIN prices r ON r.variant_id = v.id AND r.price_list_id = ANY(@lists) AND r.valid_until > @at`
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT n.version, `+variant+` AS variant_id, `+product+` AS product_id, `+goods+`, r.id, r.price_list_id AS list_id, r.min_quantity,
			greatest(r.valid_from, '0001-01-01Z') AS valid_from, least(r.valid_until, '9999-12-31Z') AS valid_until, r.amount, r.compare_at
		FROM (SELECT `+rulesVersion+` AS version) n `+from,
		pgx.NamedArgs{"brand": q.BrandID, "variants": q.Variants, "lists": q.Lists, "at": q.At})
	if err != nil {
		return nil, 0, err
	}
	book := make(pricing.Book, len(q.Variants))
	var version int64
	for _, r := range rows {
		version = r.Version
		if r.VariantID == nil {
			continue
		}
		sheet := book[*r.VariantID]
		if sheet == nil {
			var product uuid.UUID
			if r.ProductID != nil {
				product = *r.ProductID
			}
			sheet = r.sheet(*r.VariantID, product)
			book[*r.VariantID] = sheet
		}
		if r.ID != nil {
			sheet.Prices = append(sheet.Prices, pricing.Price{
				ID: *r.ID, ListID: *r.ListID, VariantID: *r.VariantID, MinQuantity: *r.MinQuantity,
				ValidFrom: *r.ValidFrom, ValidUntil: *r.ValidUntil, Amount: *r.Amount, CompareAt: r.CompareAt,
			})
		}
	}
	return book, version, nil
}

// The columns of the rules; open ends of a window become the ends of the calendar.
const (
	windowColumns = `greatest(valid_from, '0001-01-01Z') AS valid_from, least(valid_until, '9999-12-31Z') AS valid_until`
	scopeColumns  = `audience_kind, audience_id, target_kind, target_id, target_value, ` + windowColumns

	rateColumns     = `id, brand_id, kind, name, ` + scopeColumns + `, percent, rounding, round_to, below_floor, created_at, closed_at`
	discountColumns = `id, brand_id, name, ` + scopeColumns + `, mixed, on_customer_price, rounding, round_to, tiers, created_at, closed_at`
)

// ruleMemory is how long a rule that is over stays in the rulebook, so that staff
// who ask why a price changed find it.
const ruleMemory = `valid_until > now() - interval '400 days'`

// Rules are the brand's rules. The version is read first: rules that change while
// they are read are newer than it says, and are read again.
func (s *Pricing) Rules(ctx context.Context, brandID uuid.UUID) (pricing.Rules, error) {
	var rules pricing.Rules
	args := pgx.NamedArgs{"brand": brandID}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+rulesVersion, args).QueryRow(func(row pgx.Row) error { return row.Scan(&rules.Version) })
	const open = ` WHERE brand_id = @brand AND closed_at IS NULL AND ` + ruleMemory
	queueRows(batch, &rules.Lists, nil, `SELECT `+listColumns+` FROM price_lists l`+open, args)
	queueRows(batch, &rules.Rates, nil, `SELECT `+rateColumns+` FROM rates`+open, args)
	queueRows(batch, &rules.Discounts, nil, `SELECT `+discountColumns+` FROM quantity_discounts`+open, args)
	queueRows(batch, &rules.Sets, nil, `SELECT `+setColumns+` FROM sets z WHERE z.brand_id = @brand`, args)
	queueRows(batch, &rules.Samples, nil, `SELECT `+termsColumns+` FROM sale_terms WHERE brand_id = @brand AND kind = 'SAMPLE'`, args)
	queueRows(batch, &rules.Parents, nil, `SELECT id, parent_id FROM categories WHERE brand_id = @brand`, args)
	return rules, s.db.unavailable(ctx, s.db.conn(ctx).SendBatch(ctx, batch).Close())
}
