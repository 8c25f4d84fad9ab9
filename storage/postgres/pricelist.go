package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// listColumns are the columns of pricing.List, for the alias l.
const listColumns = `l.id, l.brand_id, l.code, l.name, l.currency, l.tax_inclusive, l.audience_kind, l.audience_id,
	` + windowColumns + `, l.precedence, l.below_floor, l.created_at, l.closed_at,
	ARRAY(SELECT c.code FROM channels c WHERE c.price_list_id = l.id ORDER BY c.code) AS channels`

// PriceLists are the brand's lists, closed ones included, by code; those of single
// customers are left out.
func (s *Pricing) PriceLists(ctx context.Context, brandID uuid.UUID) ([]pricing.List, error) {
	return collect[pricing.List](ctx, s.db, `SELECT `+listColumns+` FROM price_lists l WHERE l.brand_id = @brand AND l.audience_kind NOT IN ('MEMBER', 'COMPANY') ORDER BY l.code`,
		pgx.NamedArgs{"brand": brandID})
}

// LockPriceList reads a list of the brand and locks it; nil if there is none.
func (s *Pricing) LockPriceList(ctx context.Context, brandID, listID uuid.UUID) (*pricing.List, error) {
	return first[pricing.List](ctx, s.db, `SELECT `+listColumns+` FROM price_lists l WHERE l.brand_id = @brand AND l.id = @id FOR UPDATE OF l`,
		pgx.NamedArgs{"brand": brandID, "id": listID})
}

// PriceListByID is a list of the brand; nil if there is none.
func (s *Pricing) PriceListByID(ctx context.Context, brandID, listID uuid.UUID) (*pricing.List, error) {
	return first[pricing.List](ctx, s.db, `SELECT `+listColumns+` FROM price_lists l WHERE l.brand_id = @brand AND l.id = @id`,
		pgx.NamedArgs{"brand": brandID, "id": listID})
}

// CustomerList is the customer's own list in the currency; nil if there is none. In
// a transaction it waits for another that makes the list.
func (s *Pricing) CustomerList(ctx context.Context, brandID uuid.UUID, customer scope.Audience, currency money.Currency) (*pricing.List, error) {
	if Joined(ctx) {
		if _, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('prices of ' || $1::text, 0))`, customer.ID.String()); err != nil {
			return nil, err
		}
	}
	return first[pricing.List](ctx, s.db, `SELECT `+listColumns+` FROM price_lists l
		WHERE l.brand_id = @brand AND l.audience_kind = @kind AND l.audience_id = @id AND l.currency = @currency
		ORDER BY l.closed_at IS NOT NULL, l.closed_at DESC LIMIT 1`,
		pgx.NamedArgs{"brand": brandID, "kind": customer.Kind, "id": customer.ID, "currency": currency})
}

// IsPersonal reports whether the price is one of a single customer's own.
func (s *Pricing) IsPersonal(ctx context.Context, brandID, priceID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM prices r JOIN price_lists l ON l.id = r.price_list_id
		WHERE r.id = @id AND l.brand_id = @brand AND l.audience_kind IN ('MEMBER', 'COMPANY'))`, pgx.NamedArgs{"brand": brandID, "id": priceID})
}

// SavePriceList writes a list, new or not, and moves the brand's rules; currency and
// tax stay.
func (s *Pricing) SavePriceList(ctx context.Context, l pricing.List) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive, closed_at, created_at,
			audience_kind, audience_id, valid_from, valid_until, precedence, below_floor)
		VALUES (@id, @brand, @code, @name, @currency, @tax_inclusive, @closed, @created,
			@audience_kind, @audience, `+windowFrom+`, `+windowUntil+`, @precedence, @below)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, closed_at = excluded.closed_at,
			audience_kind = excluded.audience_kind, audience_id = excluded.audience_id, valid_from = excluded.valid_from,
			valid_until = excluded.valid_until, precedence = excluded.precedence, below_floor = excluded.below_floor`,
		pgx.NamedArgs{"id": l.ID, "brand": l.BrandID, "code": l.Code, "name": l.Name, "currency": l.Currency,
			"tax_inclusive": l.TaxInclusive, "closed": l.ClosedAt, "created": l.CreatedAt, "audience_kind": l.Kind, "audience": l.Audience.ID,
			"from": l.From, "until": l.Until, "precedence": l.Precedence, "below": l.BelowFloor})
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.ConstraintName {
		case "price_lists_brand_id_code_key":
			return pricing.ErrListCodeTaken.At("code")
		case "price_lists_customer":
			return pricing.ErrListCustomer.At("id")
		}
	}
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, l.BrandID, rulesMoved{For: []scope.Audience{l.Audience}})
}

// moveRulesOf queues the move of the brand's rules that goes with a change of prices
// in a list for an audience. Prices of a channel's own list are no rule.
func moveRulesOf(batch *pgx.Batch, listID uuid.UUID) {
	batch.Queue(`
		WITH l AS (SELECT brand_id, audience_kind, audience_id FROM price_lists WHERE id = $1 AND audience_kind <> ''),
		named AS (INSERT INTO named_members (brand_id, member_id) SELECT brand_id, audience_id FROM l WHERE audience_kind = 'MEMBER' ON CONFLICT DO NOTHING)
		INSERT INTO rulebooks AS r (brand_id, version) SELECT brand_id, 2 FROM l
		ON CONFLICT (brand_id) DO UPDATE SET version = r.version + 1`, listID)
}

const (
	rowColumns = priceColumns + `, v.product_id, v.sku, l.currency`
	rowTables  = `prices r JOIN variants v ON v.id = r.variant_id JOIN price_lists l ON l.id = r.price_list_id`
)

// rowKey is the sort key of a price in its list.
type rowKey struct {
	SKU      string    `json:"s"`
	Quantity int       `json:"q"`
	ID       uuid.UUID `json:"i"`
}

// PriceRows is one page of the prices of a list, by SKU and quantity.
func (s *Pricing) PriceRows(ctx context.Context, q pricing.RowQuery) (page.Connection[pricing.Row], error) {
	var none page.Connection[pricing.Row]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after rowKey
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	// NUL ends no text of PostgreSQL's, and no SKU has one.
	after.SKU = strings.ReplaceAll(after.SKU, "\x00", "")
	where := `r.price_list_id = @list AND v.brand_id = l.brand_id`
	args := pgx.NamedArgs{"list": q.ListID, "limit": size + 1, "sku": after.SKU, "quantity": after.Quantity, "id": after.ID}
	if q.VariantID != nil {
		where, args["variant"] = where+` AND r.variant_id = @variant`, *q.VariantID
	}
	if !q.EndsAfter.IsZero() {
		where, args["at"] = where+` AND r.valid_until > @at`, q.EndsAfter
	}
	keyset := ""
	if behind {
		keyset = ` AND (v.sku, r.min_quantity, r.id) > (@sku, @quantity, @id)`
	}
	rows, err := collect[pricing.Row](ctx, s.db, `SELECT `+rowColumns+` FROM `+rowTables+` WHERE `+where+keyset+`
		ORDER BY v.sku, r.min_quantity, r.id LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(r pricing.Row) any { return rowKey{r.SKU, r.MinQuantity, r.ID} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+rowTables+` WHERE `+where, args)
	}
	return connection, nil
}

// LockPriceRow reads a price of the brand and locks it; nil if there is none.
func (s *Pricing) LockPriceRow(ctx context.Context, brandID, priceID uuid.UUID) (*pricing.Row, error) {
	return first[pricing.Row](ctx, s.db, `SELECT `+rowColumns+` FROM `+rowTables+` WHERE r.id = @id AND l.brand_id = @brand FOR UPDATE OF r`,
		pgx.NamedArgs{"id": priceID, "brand": brandID})
}

// EndPrice ends a price; one that has not begun by then is withdrawn.
func (s *Pricing) EndPrice(ctx context.Context, brandID, priceID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM prices WHERE id = $1 AND valid_from >= $2`, priceID, at)
	batch.Queue(`UPDATE prices SET valid_until = $2 WHERE id = $1 AND valid_until > $2`, priceID, at)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}
