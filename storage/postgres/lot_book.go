package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
)

const lotColumns = `t.id, t.brand_id, t.variant_id, t.number, t.expires_on, t.code, t.blocked_at, t.blocked_for, t.origin, t.materials, t.route, t.created_at`

// lotStockColumns are those of inventory.LotStock, for a lot t that lies at k.
const lotStockColumns = lotColumns + `, k.location_id, k.available, k.quarantined`

// Trackings are of those of the variants that are tracked.
func (s *Inventory) Trackings(ctx context.Context, variantIDs []uuid.UUID) ([]inventory.Tracking, error) {
	return collect[inventory.Tracking](ctx, s.db, `SELECT variant_id, mode, expires, min_days, alert_days FROM stock_tracking WHERE variant_id = ANY($1)`, variantIDs)
}

// SaveTracking writes how a variant is tracked; its levels are locked.
func (s *Inventory) SaveTracking(ctx context.Context, t inventory.Tracking, at time.Time) error {
	args, batch := pgx.NamedArgs{"variant": t.VariantID, "mode": t.Mode, "expires": t.Expires, "min": t.MinDays, "alert": t.AlertDays, "at": at}, &pgx.Batch{}
	if t.Mode == inventory.Untracked {
		batch.Queue(`DELETE FROM stock_tracking WHERE variant_id = @variant`, args)
	} else {
		batch.Queue(`
			INSERT INTO stock_tracking (variant_id, mode, expires, min_days, alert_days, updated_at) VALUES (@variant, @mode, @expires, @min, @alert, @at)
			ON CONFLICT (variant_id) DO UPDATE SET mode = excluded.mode, expires = excluded.expires, min_days = excluded.min_days,
				alert_days = excluded.alert_days, updated_at = excluded.updated_at`, args)
	}
	args["tracked"] = t.Mode != inventory.Untracked
	batch.Queue(`UPDATE stock_levels SET tracked = @tracked WHERE variant_id = @variant AND tracked <> @tracked`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// EnsureLots makes those lots that the variant has not, by number, and reads all of them,
// locked. made are those that are new.
func (s *Inventory) EnsureLots(ctx context.Context, lots []inventory.Lot) (all []inventory.Lot, made []uuid.UUID, err error) {
	n := len(lots)
	ids, numbers, codes, days := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]*time.Time, n)
	for i, l := range lots {
		ids[i], numbers[i], codes[i], days[i] = l.ID, l.Number, l.Code, l.ExpiresOn
	}
	args := pgx.NamedArgs{"ids": ids, "numbers": numbers, "codes": codes, "days": days, "brand": lots[0].BrandID, "variant": lots[0].VariantID, "at": lots[0].CreatedAt}
	batch := &pgx.Batch{}
	var fresh []struct{ ID uuid.UUID }
	queueRows(batch, &fresh, nil, `
		INSERT INTO stock_lots (id, brand_id, variant_id, number, expires_on, code, created_at)
		SELECT n.id, @brand, @variant, n.number, n.day, n.code, @at
		FROM unnest(@ids::uuid[], @numbers::text[], @days::date[], @codes::text[]) AS n (id, number, day, code)
		ORDER BY n.number ON CONFLICT (variant_id, number) DO NOTHING RETURNING id`, args)
	queueRows(batch, &all, nil, `SELECT `+lotColumns+` FROM stock_lots t WHERE t.variant_id = @variant AND t.number = ANY(@numbers) ORDER BY t.number FOR UPDATE`, args)
	err = s.db.conn(ctx).SendBatch(ctx, batch).Close()
	for _, f := range fresh {
		made = append(made, f.ID)
	}
	return all, made, err
}

// LotsAt are the lots of which pieces lie at the places, what expires first coming first.
// The lots are held: who recalls one waits.
func (s *Inventory) LotsAt(ctx context.Context, places []inventory.Place) ([]inventory.LotStock, error) {
	variants, locations := make([]uuid.UUID, len(places)), make([]uuid.UUID, len(places))
	for i, p := range places {
		variants[i], locations[i] = p.VariantID, p.LocationID
	}
	return collect[inventory.LotStock](ctx, s.db, `
		SELECT `+lotStockColumns+`
		FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id
		WHERE (k.variant_id, k.location_id) IN (SELECT variant, location FROM unnest($1::uuid[], $2::uuid[]) AS p (variant, location))
			AND k.available + k.quarantined > 0
		ORDER BY t.expires_on, t.created_at, t.id FOR SHARE OF t`, variants, locations)
}

// LotsWith are, by lot, the pieces that lie anywhere.
func (s *Inventory) LotsWith(ctx context.Context, lotIDs []uuid.UUID) ([]inventory.LotStock, error) {
	return collect[inventory.LotStock](ctx, s.db, `
		SELECT `+lotStockColumns+`
		FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id JOIN locations o ON o.id = k.location_id
		WHERE k.lot_id = ANY($1) AND k.available + k.quarantined > 0 ORDER BY k.lot_id, o.priority, o.code`, lotIDs)
}

// BookLots moves pieces of lots, and what of their levels is withheld.
func (s *Inventory) BookLots(ctx context.Context, entries []inventory.LotEntry, m inventory.Movement) error {
	n := len(entries)
	ids, lots, variants, locations := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	kinds, available, quarantined := make([]string, n), make([]int, n), make([]int, n)
	shipments, lines := make([]*uuid.UUID, n), make([]*uuid.UUID, n)
	for i, e := range entries {
		ids[i], lots[i], variants[i], locations[i], available[i], quarantined[i] = id.New(), e.LotID, e.VariantID, e.LocationID, e.Available, e.Quarantined
		shipments[i], lines[i] = e.ShipmentID, e.LineID
		if kinds[i] = string(e.Kind); e.Kind == "" {
			kinds[i] = string(m.Kind)
		}
	}
	args := pgx.NamedArgs{"ids": ids, "lots": lots, "variants": variants, "locations": locations, "kinds": kinds, "available": available, "quarantined": quarantined,
		"shipments": shipments, "lines": lines, "at": m.At, "reference": m.Reference, "actor": m.ActorID}
	const moves = `unnest(@ids::uuid[], @lots::uuid[], @variants::uuid[], @locations::uuid[], @kinds::text[], @available::int[], @quarantined::int[], @shipments::uuid[], @lines::uuid[])
		AS n (id, lot, variant, location, kind, available, quarantined, shipment, line)`
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stock_lot_levels (lot_id, variant_id, location_id)
		SELECT DISTINCT n.lot, n.variant, n.location FROM `+moves+` ORDER BY n.lot, n.location ON CONFLICT DO NOTHING`, args)
	batch.Queue(`
		UPDATE stock_lot_levels k SET available = k.available + g.available, quarantined = k.quarantined + g.quarantined
		FROM (SELECT n.lot, n.location, sum(n.available)::int AS available, sum(n.quarantined)::int AS quarantined FROM `+moves+` GROUP BY 1, 2) g
		WHERE k.lot_id = g.lot AND k.location_id = g.location`, args)
	batch.Queue(`
		INSERT INTO stock_lot_movements (id, at, lot_id, location_id, kind, available, quarantined, reference, shipment_id, line_id, actor_id)
		SELECT n.id, @at, n.lot, n.location, n.kind, n.available, n.quarantined, @reference, n.shipment, n.line, @actor::uuid FROM `+moves+`
		WHERE n.available <> 0 OR n.quarantined <> 0`, args)
	batch.Queue(`
		UPDATE stock_levels s SET withheld = s.withheld + g.quarantined
		FROM (SELECT n.variant, n.location, sum(n.quarantined)::int AS quarantined FROM `+moves+` GROUP BY 1, 2) g
		WHERE g.quarantined <> 0 AND s.variant_id = g.variant AND s.location_id = g.location`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// Away are the lots of what left under a reference and has not come back.
func (s *Inventory) Away(ctx context.Context, reference string) ([]inventory.LotStock, error) {
	return collect[inventory.LotStock](ctx, s.db, `
		SELECT `+lotColumns+`, @none::uuid AS location_id, a.pieces AS available, 0 AS quarantined
		FROM (
			SELECT lot_id, -sum(available + quarantined)::int AS pieces FROM stock_lot_movements
			WHERE kind IN ('TRANSFER', 'EVENT_TAKE_OUT', 'EVENT_BRING_BACK') AND reference = @reference GROUP BY lot_id
		) a JOIN stock_lots t ON t.id = a.lot_id WHERE a.pieces > 0 ORDER BY t.expires_on, t.created_at, t.id`,
		pgx.NamedArgs{"reference": reference, "none": uuid.Nil})
}

// Sold are the lots that left with the lines of orders and have not come back.
func (s *Inventory) Sold(ctx context.Context, lineIDs []uuid.UUID) ([]inventory.ShippedLot, error) {
	return collect[inventory.ShippedLot](ctx, s.db, `
		SELECT @none::uuid AS shipment_id, @none::uuid AS order_id, a.line_id, `+lotColumns+`, a.pieces AS quantity
		FROM (
			SELECT line_id, lot_id, -sum(available + quarantined)::int AS pieces FROM stock_lot_movements
			WHERE line_id = ANY(@lines) GROUP BY line_id, lot_id
		) a JOIN stock_lots t ON t.id = a.lot_id WHERE a.pieces > 0 ORDER BY t.expires_on, t.created_at, t.id`,
		pgx.NamedArgs{"lines": lineIDs, "none": uuid.Nil})
}

// LockLot reads a lot of the brand and locks it; nil if there is none.
func (s *Inventory) LockLot(ctx context.Context, brandID, lotID uuid.UUID) (*inventory.Lot, error) {
	return first[inventory.Lot](ctx, s.db, `SELECT `+lotColumns+` FROM stock_lots t WHERE t.id = $1 AND t.brand_id = $2 FOR UPDATE`, lotID, brandID)
}

// SaveLot writes what may change in a lot.
func (s *Inventory) SaveLot(ctx context.Context, l inventory.Lot) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE stock_lots SET blocked_at = $2, blocked_for = $3, origin = $4, materials = $5, route = $6 WHERE id = $1`,
		l.ID, l.BlockedAt, l.BlockedFor, l.Origin, l.Materials, orEmpty(l.Route))
	return err
}

// CountLots writes down what was counted of lots, with what the books say now: those of
// the variants that are not named were not found.
func (s *Inventory) CountLots(ctx context.Context, k inventory.Stocktake, found []inventory.FoundLot) error {
	args := stocktakeArgs(k)
	variants, lots, counted := make([]uuid.UUID, len(found)), make([]uuid.UUID, len(found)), make([]int, len(found))
	for i, f := range found {
		variants[i], lots[i], counted[i] = f.VariantID, f.LotID, f.Pieces
	}
	args["variants"], args["lots"], args["counted"] = variants, lots, counted
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM stocktake_lots WHERE stocktake_id = @id AND variant_id = ANY(@variants)`, args)
	batch.Queue(`
		INSERT INTO stocktake_lots (stocktake_id, variant_id, lot_id, book, counted)
		SELECT @id, coalesce(n.variant, k.variant_id), coalesce(n.lot, k.lot_id), coalesce(k.available + k.quarantined, 0), coalesce(n.counted, 0)
		FROM unnest(@variants::uuid[], @lots::uuid[], @counted::int[]) AS n (variant, lot, counted)
		FULL JOIN (
			SELECT * FROM stock_lot_levels WHERE location_id = @location AND variant_id = ANY(@variants) AND available + quarantined > 0
		) k ON k.lot_id = n.lot`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// LotDifferences are the lots of which a stocktake found another number than the books say.
func (s *Inventory) LotDifferences(ctx context.Context, k inventory.Stocktake) ([]inventory.FoundLot, error) {
	return collect[inventory.FoundLot](ctx, s.db, `
		SELECT l.variant_id, l.lot_id, t.number, l.counted - l.book AS pieces FROM stocktake_lots l JOIN stock_lots t ON t.id = l.lot_id
		WHERE l.stocktake_id = $1 AND l.counted <> l.book ORDER BY l.variant_id, l.lot_id`, k.ID)
}
