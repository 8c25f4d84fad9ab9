package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
)

// leavesNoMore is the condition that the lot t may not leave on the day, by the tracking r.
const leavesNoMore = `(t.blocked_at IS NOT NULL OR t.expires_on < @day::date + r.min_days)`

// Unfit are lots with pieces that could leave but may not on the day any more, of one brand.
func (s *Inventory) Unfit(ctx context.Context, day time.Time, most int) ([]inventory.LotStock, error) {
	found, err := collect[inventory.LotStock](ctx, s.db, `
		SELECT `+lotStockColumns+`
		FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id JOIN stock_tracking r ON r.variant_id = k.variant_id
		WHERE k.available > 0 AND `+leavesNoMore+` ORDER BY t.brand_id, t.id, k.location_id LIMIT @most`, pgx.NamedArgs{"day": day, "most": most})
	return ofFirst(found, func(l inventory.LotStock) uuid.UUID { return l.BrandID }), err
}

// Warn marks lots that will stop leaving soon, of which nobody was warned, and gives them,
// of one brand.
func (s *Inventory) Warn(ctx context.Context, day, at time.Time, most int) ([]inventory.Expiring, error) {
	type row struct {
		LotID, LocationID uuid.UUID
		inventory.Expiring
	}
	found, err := collect[row](ctx, s.db, `
		SELECT k.lot_id, k.location_id, t.brand_id, v.sku, p.name, o.name AS location, t.number, t.expires_on, k.available AS pieces
		FROM stock_lot_levels k JOIN stock_lots t ON t.id = k.lot_id JOIN stock_tracking r ON r.variant_id = k.variant_id
		JOIN locations o ON o.id = k.location_id JOIN variants v ON v.id = k.variant_id JOIN products p ON p.id = v.product_id
		WHERE k.available > 0 AND k.warned_at IS NULL AND `+stopsSoon+`
		ORDER BY t.brand_id, o.priority, o.code, t.expires_on, t.id LIMIT @most`, pgx.NamedArgs{"day": day, "most": most})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	found = ofFirst(found, func(r row) uuid.UUID { return r.BrandID })
	lots, locations, soon := make([]uuid.UUID, len(found)), make([]uuid.UUID, len(found)), make([]inventory.Expiring, len(found))
	for i, r := range found {
		lots[i], locations[i], soon[i] = r.LotID, r.LocationID, r.Expiring
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		UPDATE stock_lot_levels k SET warned_at = $3 FROM unnest($1::uuid[], $2::uuid[]) AS n (lot, location)
		WHERE k.lot_id = n.lot AND k.location_id = n.location`, lots, locations, at)
	return soon, err
}

// stopsSoon is the condition that staff are to be warned of the lot t, by the tracking r.
const stopsSoon = `t.blocked_at IS NULL AND t.expires_on BETWEEN @day::date + r.min_days AND @day::date + r.min_days + r.alert_days`

// ofFirst are the rows of the same brand as the first.
func ofFirst[T any](rows []T, brand func(T) uuid.UUID) []T {
	if end := slices.IndexFunc(rows, func(r T) bool { return brand(r) != brand(rows[0]) }); end >= 0 {
		return rows[:end]
	}
	return rows
}

// dayKey is where a list by day goes on; what has no day comes last.
type dayKey struct {
	Day time.Time `json:"d"`
	ID  uuid.UUID `json:"i"`
}

var noDay = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Lots are one page of the brand's lots, the first to expire first.
func (s *Inventory) Lots(ctx context.Context, brandID uuid.UUID, f inventory.LotFilter, in page.Args) (page.Connection[inventory.Lot], error) {
	where, args := `t.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if f.VariantID != nil {
		where, args["variant"] = where+` AND t.variant_id = @variant`, *f.VariantID
	}
	if f.Number != "" {
		where, args["number"] = where+` AND t.number = @number`, f.Number
	}
	if f.Blocked {
		where += ` AND t.blocked_at IS NOT NULL`
	}
	lies := ``
	if f.LocationID != nil {
		lies, args["location"] = ` AND k.location_id = @location`, *f.LocationID
	}
	if f.LocationID != nil || f.InStock || f.ExpiringSoon {
		where += ` AND EXISTS (SELECT FROM stock_lot_levels k WHERE k.lot_id = t.id AND k.available + k.quarantined > 0` + lies + `)`
	}
	if f.ExpiringSoon {
		where, args["day"] = where+` AND EXISTS (SELECT FROM stock_tracking r WHERE r.variant_id = t.variant_id AND `+stopsSoon+`)`, f.Day
	}
	found, err := keyset(ctx, s.db, in, lotColumns+` FROM stock_lots t`, where, `(coalesce(t.expires_on, 'infinity'), t.id)`, `coalesce(t.expires_on, 'infinity'), t.id`, args,
		func(k dayKey) []any {
			if k.Day.Equal(noDay) {
				return []any{"infinity", k.ID}
			}
			return []any{k.Day.Format(time.DateOnly), k.ID}
		},
		func(l inventory.Lot) dayKey {
			if l.ExpiresOn == nil {
				return dayKey{noDay, l.ID}
			}
			return dayKey{*l.ExpiresOn, l.ID}
		})
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM stock_lots t WHERE `+where, args)
	}
	return found, err
}

// Lot is a lot of the brand; nil if there is none.
func (s *Inventory) Lot(ctx context.Context, brandID, lotID uuid.UUID) (*inventory.Lot, error) {
	return first[inventory.Lot](ctx, s.db, `SELECT `+lotColumns+` FROM stock_lots t WHERE t.id = $1 AND t.brand_id = $2`, lotID, brandID)
}

// LotByCode is the lot of the brand with the code; nil if there is none.
func (s *Inventory) LotByCode(ctx context.Context, brandID uuid.UUID, code string) (*inventory.Traced, error) {
	return first[inventory.Traced](ctx, s.db, `
		SELECT p.name AS product, v.sku, `+lotColumns+`
		FROM stock_lots t JOIN variants v ON v.id = t.variant_id JOIN products p ON p.id = v.product_id
		WHERE t.code = $1 AND t.brand_id = $2 AND t.number <> ''`, code, brandID)
}

// LotMovements are one page of what came and went of a lot, the latest first.
func (s *Inventory) LotMovements(ctx context.Context, lotID uuid.UUID, in page.Args) (page.Connection[inventory.LotMovement], error) {
	return latest(ctx, s.db, in, `m.id, m.at, m.location_id, m.kind, m.available, m.quarantined, m.reference`, `stock_lot_movements m`, `m.lot_id = @lot`,
		`m.at`, `m.id`, pgx.NamedArgs{"lot": lotID}, func(m inventory.LotMovement) timeKey { return timeKey{m.At, m.ID} })
}

// recipientRow is who got a piece, with what is sealed with the order.
type recipientRow struct {
	MovementID uuid.UUID
	To         customer.Address
	inventory.Recipient
}

// Sealed are the values that are sealed with the order.
func (r *recipientRow) Sealed() (uuid.UUID, []sealing.Column) {
	return r.OrderID, []sealing.Column{{Field: "email", Value: sealing.Text(&r.Email)}, {Field: "shipping_address", Value: customer.AddressValue(&r.To)}}
}

// Recipients are one page of who got pieces of the lot, the first first.
func (s *Inventory) Recipients(ctx context.Context, lotID uuid.UUID, locations []uuid.UUID, in page.Args) (page.Connection[inventory.Recipient], error) {
	where, args := `m.lot_id = @lot AND m.kind = 'SHIPMENT'`, pgx.NamedArgs{"lot": lotID}
	if len(locations) > 0 {
		where, args["locations"] = where+` AND m.location_id = ANY(@locations)`, locations
	}
	found, err := keyset(ctx, s.db, in, `m.id AS movement_id, m.shipment_id, o.id AS order_id, m.line_id, o.number AS order_number, o.shipping_address AS "to", '' AS name,
		o.email, '' AS phone, m.at AS shipped_at, -(m.available + m.quarantined) AS quantity,
		(SELECT coalesce(sum(b.available + b.quarantined), 0)::int FROM stock_lot_movements b WHERE b.lot_id = m.lot_id AND b.line_id = m.line_id AND b.kind = 'RETURN') AS returned
		FROM stock_lot_movements m JOIN shipments h ON h.id = m.shipment_id JOIN orders o ON o.id = h.order_id`, where, `(m.at, m.id)`, `m.at, m.id`, args,
		func(k timeKey) []any { return []any{k.At, k.ID} }, func(r recipientRow) timeKey { return timeKey{r.ShippedAt, r.MovementID} })
	whom := page.Map(found, func(r recipientRow) inventory.Recipient {
		r.Name, r.Phone = r.To.Name, r.To.Phone
		return r.Recipient
	})
	whom.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM stock_lot_movements m WHERE `+where, args)
	}
	return whom, err
}

// ShippedLots are the lots that left with shipments.
func (s *Inventory) ShippedLots(ctx context.Context, shipmentIDs []uuid.UUID) ([]inventory.ShippedLot, error) {
	return collect[inventory.ShippedLot](ctx, s.db, `
		SELECT m.shipment_id, h.order_id, m.line_id, `+lotColumns+`, -(m.available + m.quarantined) AS quantity
		FROM stock_lot_movements m JOIN stock_lots t ON t.id = m.lot_id JOIN shipments h ON h.id = m.shipment_id JOIN order_lines l ON l.id = m.line_id
		WHERE m.shipment_id = ANY($1) AND m.kind = 'SHIPMENT' ORDER BY m.shipment_id, l.position, t.variant_id, t.expires_on, t.id`, shipmentIDs)
}

// fallingShort is the condition that more of the level s is reserved than may leave.
const fallingShort = `s.tracked AND s.withheld > 0 AND s.reserved > s.on_hand - s.withheld`

// Shortfalls are one page of the levels of which more is reserved than may leave.
func (s *Inventory) Shortfalls(ctx context.Context, brandID uuid.UUID, in page.Args) (page.Connection[inventory.Shortfall], error) {
	const from, short = `stock_levels s JOIN locations o ON o.id = s.location_id`, `o.brand_id = @brand AND ` + fallingShort
	type key struct {
		Variant  uuid.UUID `json:"v"`
		Location uuid.UUID `json:"l"`
	}
	args := pgx.NamedArgs{"brand": brandID}
	found, err := keyset(ctx, s.db, in, levelColumns+` FROM `+from, short, `(s.variant_id, s.location_id)`, `s.variant_id, s.location_id`, args,
		func(k key) []any { return []any{k.Variant, k.Location} }, func(f inventory.Shortfall) key { return key{f.VariantID, f.LocationID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM `+from+` WHERE `+short, args)
	}
	return found, err
}
