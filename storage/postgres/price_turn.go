package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/pricing"
)

// scheduledKey is the sort key of what lies ahead.
type scheduledKey struct {
	At     time.Time           `json:"a"`
	ID     uuid.UUID           `json:"i"`
	Change pricing.PriceChange `json:"c"`
}

// ScheduledPrices is one page of the brand's prices that will begin or end, the next
// first.
func (s *Pricing) ScheduledPrices(ctx context.Context, brandID uuid.UUID, now time.Time, in pricing.ScheduledInput) (page.Connection[pricing.Scheduled], error) {
	var none page.Connection[pricing.Scheduled]
	size, err := in.Page.Size()
	if err != nil {
		return none, err
	}
	var after scheduledKey
	behind, err := in.Page.Start(&after)
	if err != nil {
		return none, err
	}
	args := pgx.NamedArgs{"brand": brandID, "now": now, "limit": size + 1, "at": after.At, "id": after.ID, "change": after.Change, "until": in.Until}
	turns := `(
		SELECT r.*, r.valid_from AS at, 'OPENS' AS change FROM prices r WHERE r.valid_from > @now
		UNION ALL
		SELECT r.*, r.valid_until AS at, 'CLOSES' AS change FROM prices r WHERE r.valid_until > @now AND r.valid_until < 'infinity'
	) r JOIN variants v ON v.id = r.variant_id JOIN price_lists l ON l.id = r.price_list_id
	WHERE l.brand_id = @brand AND l.closed_at IS NULL AND (@until::timestamptz IS NULL OR r.at <= @until)`
	keyset := ``
	if behind {
		keyset = ` AND (r.at, r.id, r.change) > (@at, @id, @change)`
	}
	rows, err := collect[pricing.Scheduled](ctx, s.db, `SELECT r.at, r.change, l.code AS price_list, `+rowColumns+` FROM `+turns+keyset+`
		ORDER BY r.at, r.id, r.change LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(c pricing.Scheduled) any { return scheduledKey{c.At, c.ID, c.Change} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+turns, args)
	}
	return connection, nil
}

// lateWrites is how far back a round looks beyond the last one: a price whose window
// opened while its transaction was still running is found by the next.
const lateWrites = time.Minute

// Turn notes that all windows up to the moment have been acted on and tells what
// those concern that have opened or closed since it was noted last, the release of
// what was sold in advance among them. One process at a time does so.
func (s *Pricing) Turn(ctx context.Context, now time.Time) (pricing.Turned, error) {
	var turned pricing.Turned
	done, err := one[time.Time](ctx, s.db, `SELECT done_until FROM price_turns FOR UPDATE`)
	if err != nil || !now.After(done) {
		return turned, err
	}
	args := pgx.NamedArgs{"since": done.Add(-lateWrites), "now": now, "none": uuid.Nil}
	type row struct{ BrandID, ProductID uuid.UUID }
	rows, err := collect[row](ctx, s.db, `
		WITH turned AS (
			SELECT price_list_id, variant_id FROM prices WHERE valid_from > @since AND valid_from <= @now
			UNION SELECT price_list_id, variant_id FROM prices WHERE valid_until > @since AND valid_until <= @now
		)
		SELECT DISTINCT l.brand_id, v.product_id
		FROM turned t JOIN price_lists l ON l.id = t.price_list_id JOIN variants v ON v.id = t.variant_id
		UNION
		SELECT t.brand_id, v.product_id FROM sale_terms t JOIN variants v ON v.id = t.variant_id
		WHERE t.kind = 'ADVANCE' AND t.release_at > @since AND t.release_at <= @now -- from now on only what is in stock is sold
		UNION
		SELECT brand_id, @none::uuid FROM (
			SELECT brand_id, valid_from, valid_until FROM rates WHERE closed_at IS NULL
			UNION ALL SELECT brand_id, valid_from, valid_until FROM quantity_discounts WHERE closed_at IS NULL
			UNION ALL SELECT brand_id, valid_from, valid_until FROM price_lists WHERE closed_at IS NULL
		) rules
		WHERE valid_from > @since AND valid_from <= @now OR valid_until > @since AND valid_until <= @now
		ORDER BY 1, 2`, args)
	if err != nil {
		return turned, err
	}
	for _, r := range rows {
		if r.ProductID != uuid.Nil {
			turned.Products = append(turned.Products, r.ProductID)
		}
		if n := len(turned.Brands); n == 0 || turned.Brands[n-1] != r.BrandID {
			turned.Brands = append(turned.Brands, r.BrandID)
		}
	}
	_, err = s.db.conn(ctx).Exec(ctx, `UPDATE price_turns SET done_until = $1`, now)
	return turned, err
}
