package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
)

const stockTransferColumns = `t.id, t.brand_id, t.from_id, t.to_id, t.state, t.kind, t.reference, t.expected_on, t.sent_at, t.updated_at`

// InsertTransfer writes a transfer with its lines.
func (s *Inventory) InsertTransfer(ctx context.Context, t inventory.Transfer, lines []inventory.TransferLine) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stock_transfers (id, brand_id, from_id, to_id, state, kind, reference, expected_on, sent_at, updated_at)
		VALUES (@id, @brand, @from, @to, @state, @kind, @reference, @expected, @sent, @updated)`,
		pgx.NamedArgs{"id": t.ID, "brand": t.BrandID, "from": t.FromID, "to": t.ToID, "state": t.State, "kind": t.Kind,
			"reference": t.Reference, "expected": t.ExpectedOn, "sent": t.SentAt, "updated": t.UpdatedAt})
	batch.Queue(`
		INSERT INTO stock_transfer_lines (transfer_id, variant_id, position, quantity)
		SELECT @id, l.variant, l.nth - 1, l.quantity FROM unnest(@variants::uuid[], @quantities::int[]) WITH ORDINALITY AS l (variant, quantity, nth)`,
		transferArgs(t, lines))
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func transferArgs(t inventory.Transfer, lines []inventory.TransferLine) pgx.NamedArgs {
	variants, quantities, arrived := make([]uuid.UUID, len(lines)), make([]int, len(lines)), make([]int, len(lines))
	for i, l := range lines {
		variants[i], quantities[i], arrived[i] = l.VariantID, l.Quantity, l.Arrived
	}
	return pgx.NamedArgs{"id": t.ID, "state": t.State, "expected": t.ExpectedOn, "updated": t.UpdatedAt, "variants": variants, "quantities": quantities, "arrived": arrived}
}

// SaveTransfer writes where a locked transfer stands, and what has arrived of it.
func (s *Inventory) SaveTransfer(ctx context.Context, t inventory.Transfer, lines []inventory.TransferLine) error {
	args, batch := transferArgs(t, lines), &pgx.Batch{}
	batch.Queue(`UPDATE stock_transfers SET state = @state, expected_on = @expected, updated_at = @updated WHERE id = @id`, args)
	batch.Queue(`
		UPDATE stock_transfer_lines l SET arrived = n.arrived FROM unnest(@variants::uuid[], @arrived::int[]) AS n (variant, arrived)
		WHERE l.transfer_id = @id AND l.variant_id = n.variant AND l.arrived <> n.arrived`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

// LockTransfer reads a transfer of the brand and locks it; nil if there is none.
func (s *Inventory) LockTransfer(ctx context.Context, brandID, transferID uuid.UUID) (*inventory.Transfer, error) {
	return first[inventory.Transfer](ctx, s.db, `SELECT `+stockTransferColumns+` FROM stock_transfers t WHERE t.id = @id AND t.brand_id = @brand FOR UPDATE`,
		pgx.NamedArgs{"id": transferID, "brand": brandID})
}

// Transfer is a transfer of the brand; nil if there is none.
func (s *Inventory) Transfer(ctx context.Context, brandID, transferID uuid.UUID) (*inventory.Transfer, error) {
	return first[inventory.Transfer](ctx, s.db, `SELECT `+stockTransferColumns+` FROM stock_transfers t WHERE t.id = @id AND t.brand_id = @brand`,
		pgx.NamedArgs{"id": transferID, "brand": brandID})
}

// TransferLines are what many transfers carry, in their order.
func (s *Inventory) TransferLines(ctx context.Context, transferIDs []uuid.UUID) ([]inventory.TransferLine, error) {
	return collect[inventory.TransferLine](ctx, s.db, `
		SELECT transfer_id, variant_id, position, quantity, arrived FROM stock_transfer_lines
		WHERE transfer_id = ANY(@ids) ORDER BY transfer_id, position`, pgx.NamedArgs{"ids": transferIDs})
}

// Transfers is one page of the brand's transfers, the last sent first.
func (s *Inventory) Transfers(ctx context.Context, brandID uuid.UUID, f inventory.TransferFilter, in page.Args) (page.Connection[inventory.Transfer], error) {
	where, args := `t.brand_id = @brand`, pgx.NamedArgs{"brand": brandID}
	if f.State != nil {
		where, args["state"] = where+` AND t.state = @state`, *f.State
	}
	if f.LocationID != nil {
		where, args["location"] = where+` AND @location IN (t.from_id, t.to_id)`, *f.LocationID
	}
	if len(f.Stores) > 0 {
		where, args["stores"] = where+` AND (t.from_id = ANY(@stores) OR t.to_id = ANY(@stores))`, f.Stores
	}
	if f.Late {
		where += ` AND t.state = 'IN_TRANSIT' AND t.expected_on < (@today::timestamptz AT TIME ZONE 'Asia/Tokyo')::date`
		args["today"] = f.Today
	}
	return latest(ctx, s.db, in, stockTransferColumns, `stock_transfers t`, where, `t.sent_at`, `t.id`, args,
		func(t inventory.Transfer) timeKey { return timeKey{t.SentAt, t.ID} })
}

// LockLevels reads levels and locks them in order, and makes those that are not there.
func (s *Inventory) LockLevels(ctx context.Context, places []inventory.Place) (levels []inventory.Level, err error) {
	variants, locations := make([]uuid.UUID, len(places)), make([]uuid.UUID, len(places))
	for i, p := range places {
		variants[i], locations[i] = p.VariantID, p.LocationID
	}
	args, batch := pgx.NamedArgs{"variants": variants, "locations": locations}, &pgx.Batch{}
	batch.Queue(`
		INSERT INTO stock_levels (variant_id, location_id)
		SELECT DISTINCT variant, location FROM unnest(@variants::uuid[], @locations::uuid[]) AS p (variant, location)
		ORDER BY variant, location ON CONFLICT DO NOTHING`, args)
	queueRows(batch, &levels, nil, `
		SELECT `+levelColumns+` FROM stock_levels s
		WHERE (variant_id, location_id) IN (SELECT variant, location FROM unnest(@variants::uuid[], @locations::uuid[]) AS p (variant, location))
		ORDER BY variant_id, location_id FOR UPDATE`, args)
	err = s.db.conn(ctx).SendBatch(ctx, batch).Close()
	return levels, err
}

// Shift changes locked levels and adds a movement for each that changes what lies
// there; of m the time, kind, reference and actor hold for all.
func (s *Inventory) Shift(ctx context.Context, shifts []inventory.Shift, m inventory.Movement) error {
	n := len(shifts)
	ids, variants, locations := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	onHand, incoming := make([]int, n), make([]int, n)
	for i, shift := range shifts {
		ids[i], variants[i], locations[i], onHand[i], incoming[i] = id.New(), shift.VariantID, shift.LocationID, shift.OnHand, shift.Incoming
	}
	args := acting(ctx, pgx.NamedArgs{"ids": ids, "variants": variants, "locations": locations, "on_hand": onHand, "incoming": incoming,
		"at": m.At, "kind": m.Kind, "reference": m.Reference})
	const steps = `unnest(@ids::uuid[], @variants::uuid[], @locations::uuid[], @on_hand::int[], @incoming::int[]) AS n (id, variant, location, on_hand, incoming)`
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE stock_levels s SET on_hand = s.on_hand + n.on_hand, incoming = greatest(0, s.incoming + n.incoming)
		FROM `+steps+` WHERE s.variant_id = n.variant AND s.location_id = n.location`, args)
	batch.Queue(`
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
		SELECT n.id, @at, n.variant, n.location, @kind, n.on_hand, @reference, @role, @actor::uuid FROM `+steps+` WHERE n.on_hand <> 0`, args)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
