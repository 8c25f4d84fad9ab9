package postgres

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// These rules are for an audience, which may be one member. They are the kept member's from a
// merge on.
var movedAudiences = []string{"rates", "quantity_discounts", "display_rules", "price_lists"}

// These documents name members inside. A key is like no other, so it is put in the place of
// the other wherever it stands.
var movedDocuments = []struct {
	holding
	where string
}{
	{holding{"campaigns", "audiences"}, `brand_id IN (` + namedBrands + `)`},
	{holding{"campaign_simulations", "campaign"}, `status = 'RUNNING'`},
	{holding{"shipping_methods", "tariff"}, `tariff ? 'free'`},
	{holding{"price_import_rows", "rate"}, stagedFor},
	{holding{"price_import_rows", "old_rate"}, stagedFor},
}

// stagedFor are rows of files of prices for the gone member that are not in force yet.
const stagedFor = `audience_kind = 'MEMBER' AND audience_id = $2 AND import_id IN (SELECT i.id FROM price_imports i WHERE i.finished_at IS NULL)`

// namedBrands are the brands whose rules name the gone member, or have named.
const namedBrands = `SELECT n.brand_id FROM named_members n WHERE n.member_id = $2`

// queueRules lets rules that name the gone member name the kept one: prices, rates, discounts,
// display, functions, campaigns, parcels that are free. Where both have a rule for the same,
// the kept one's holds.
func queueRules(batch *pgx.Batch, keptID, goneID uuid.UUID, at time.Time) {
	queueOwnPrices(batch, keptID, goneID, at)
	for _, d := range movedDocuments {
		batch.Queue(`UPDATE `+d.table+` SET `+d.column+` = replace(`+d.column+`::text, $2::uuid::text, $1::uuid::text)::jsonb
			WHERE `+d.where+` AND `+d.column+`::text LIKE '%' || $2::uuid::text || '%'`, keptID, goneID)
	}
	batch.Queue(`
		UPDATE campaigns SET audiences = (SELECT jsonb_agg(a ORDER BY place) FROM (
			SELECT a, min(place) AS place FROM jsonb_array_elements(audiences) WITH ORDINALITY AS e (a, place) GROUP BY a) once)
		WHERE brand_id IN (`+namedBrands+`) AND audiences @> jsonb_build_array(jsonb_build_object('Kind', 'MEMBER', 'ID', $1::uuid))`, keptID, goneID)
	batch.Queue(`UPDATE price_import_rows SET audience_id = $1 WHERE `+stagedFor, keptID, goneID)
	for _, table := range movedAudiences {
		batch.Queue(`UPDATE `+table+` SET audience_id = $1 WHERE audience_kind = 'MEMBER' AND audience_id = $2 AND brand_id IN (`+namedBrands+`)`, keptID, goneID)
	}
	batch.Queue(`
		WITH gone AS (DELETE FROM function_rules WHERE audience_kind = 'MEMBER' AND audience_id = $2 AND brand_id IN (`+namedBrands+`) RETURNING *)
		INSERT INTO function_rules (brand_id, audience_kind, audience_id, function, allowed) SELECT brand_id, audience_kind, $1::uuid, function, allowed FROM gone
		ON CONFLICT DO NOTHING`, keptID, goneID)
	batch.Queue(`
		WITH gone AS (DELETE FROM named_members WHERE member_id = $2 RETURNING brand_id),
		named AS (INSERT INTO named_members (brand_id, member_id) SELECT brand_id, $1::uuid FROM gone ON CONFLICT DO NOTHING)
		UPDATE rulebooks SET version = version + 1 WHERE brand_id IN (SELECT brand_id FROM gone)`, keptID, goneID)
}

// queueOwnPrices lets the kept member have the gone one's own prices (特価). A customer has one
// list in a currency: where both have one, the prices of goods for which the kept one has none
// go over to the kept one's list, and the other is closed. Nobody makes a list for either
// meanwhile.
func queueOwnPrices(batch *pgx.Batch, keptID, goneID uuid.UUID, at time.Time) {
	batch.Queue(`SELECT pg_advisory_xact_lock(hashtextextended('prices of ' || id::text, 0)) FROM unnest($1::uuid[]) AS w (id) ORDER BY id`, []uuid.UUID{keptID, goneID})
	const both = `price_lists g JOIN price_lists k ON k.brand_id = g.brand_id AND k.currency = g.currency AND k.audience_kind = 'MEMBER' AND k.audience_id = $1 AND k.closed_at IS NULL
		WHERE g.audience_kind = 'MEMBER' AND g.audience_id = $2 AND g.closed_at IS NULL AND g.brand_id IN (` + namedBrands + `)`
	batch.Queue(`
		INSERT INTO prices (id, price_list_id, variant_id, min_quantity, valid_from, valid_until, amount, compare_at)
		SELECT gen_random_uuid(), b.kept, p.variant_id, p.min_quantity, greatest(p.valid_from, b.valid_from, o.until), least(p.valid_until, b.valid_until), p.amount, p.compare_at
		FROM (SELECT g.id AS gone, k.id AS kept, g.valid_from, g.valid_until FROM `+both+` AND k.tax_inclusive = g.tax_inclusive) b JOIN prices p ON p.price_list_id = b.gone
		CROSS JOIN LATERAL (SELECT max(o.valid_until) AS until FROM prices o WHERE o.price_list_id = b.kept AND o.variant_id = p.variant_id) o
		WHERE p.valid_until > $3::timestamptz AND coalesce(o.until <= $3, true) AND greatest(p.valid_from, b.valid_from, o.until) < least(p.valid_until, b.valid_until)
		ORDER BY p.valid_from DESC ON CONFLICT DO NOTHING`, keptID, goneID, at)
	batch.Queue(`
		UPDATE price_import_rows r SET list_id = b.kept FROM (SELECT g.id AS gone, k.id AS kept FROM `+both+`) b
		WHERE r.audience_kind = 'MEMBER' AND r.audience_id = $2 AND r.list_id = b.gone AND r.import_id IN (SELECT i.id FROM price_imports i WHERE i.finished_at IS NULL)`, keptID, goneID)
	batch.Queue(`UPDATE price_lists SET closed_at = $3::timestamptz WHERE id IN (SELECT g.id FROM `+both+`)`, keptID, goneID, at)
}
