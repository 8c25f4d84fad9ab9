package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/inventory"
	"github.com/noren-commerce/noren/core/page"
)

// Variants are the brand's variants among ids.
func (s *Inventory) Variants(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM variants WHERE brand_id = @brand AND id = ANY(@ids)`,
		[]any{pgx.NamedArgs{"brand": brandID, "ids": variantIDs}}, collectIDs)
}

// levelColumns are the columns of inventory.Level, for the alias s.
const levelColumns = `s.variant_id, s.location_id, s.on_hand, s.reserved, s.incoming, s.safety, s.reorder_point, s.reorder_to, s.withheld,
	CASE WHEN s.tracked THEN (SELECT k.mode FROM stock_tracking k WHERE k.variant_id = s.variant_id) ELSE 'NONE' END AS tracking`

// LockLevel reads a level and locks it, and makes it where there is none.
func (s *Inventory) LockLevel(ctx context.Context, variantID, locationID uuid.UUID) (inventory.Level, error) {
	args := pgx.NamedArgs{"variant": variantID, "location": locationID}
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO stock_levels (variant_id, location_id) VALUES (@variant, @location) ON CONFLICT DO NOTHING`, args)
	if err != nil {
		return inventory.Level{}, err
	}
	level, err := first[inventory.Level](ctx, s.db, `
		SELECT `+levelColumns+` FROM stock_levels s
		WHERE variant_id = @variant AND location_id = @location FOR UPDATE`, args)
	if err != nil || level == nil {
		return inventory.Level{}, errors.Join(err, fault.ErrNotFound)
	}
	return *level, nil
}

// SaveLevel writes a locked level.
func (s *Inventory) SaveLevel(ctx context.Context, l inventory.Level) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE stock_levels SET on_hand = @on_hand, safety = @safety, reorder_point = @point, reorder_to = @to
		WHERE variant_id = @variant AND location_id = @location`,
		pgx.NamedArgs{"variant": l.VariantID, "location": l.LocationID, "on_hand": l.OnHand, "safety": l.Safety, "point": l.ReorderPoint, "to": l.ReorderTo})
	return err
}

// Move adds a movement.
func (s *Inventory) Move(ctx context.Context, m inventory.Movement) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO stock_movements (id, at, variant_id, location_id, kind, quantity, reference, actor_role, actor_id)
		VALUES (@id, @at, @variant, @location, @kind, @quantity, @reference, @role, @actor)`,
		acting(ctx, pgx.NamedArgs{"id": m.ID, "at": m.At, "variant": m.VariantID, "location": m.LocationID, "kind": m.Kind,
			"quantity": m.Quantity, "reference": m.Reference}))
	return err
}

// acting adds who moves stock to the arguments of a statement.
func acting(ctx context.Context, args pgx.NamedArgs) pgx.NamedArgs {
	who := access.From(ctx)
	args["role"], args["actor"] = who.Role, orNull(who.ID)
	return args
}

// Locations are the brand's locations, the first to ship first.
func (s *Inventory) Locations(ctx context.Context, brandID uuid.UUID) ([]inventory.Location, error) {
	return collect[inventory.Location](ctx, s.db, `
		SELECT id, brand_id, code, name, kind, priority, ships, active FROM locations
		WHERE brand_id = @brand ORDER BY priority, code`, pgx.NamedArgs{"brand": brandID})
}

// SaveLocation writes a location, new or not.
func (s *Inventory) SaveLocation(ctx context.Context, l inventory.Location) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO locations (id, brand_id, code, name, kind, priority, ships, active)
		VALUES (@id, @brand, @code, @name, @kind, @priority, @ships, @active)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, name = excluded.name, kind = excluded.kind,
			priority = excluded.priority, ships = excluded.ships, active = excluded.active`,
		pgx.NamedArgs{"id": l.ID, "brand": l.BrandID, "code": l.Code, "name": l.Name, "kind": l.Kind, "priority": l.Priority, "ships": l.Ships, "active": l.Active})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is already taken").At("code")
	}
	return err
}

// HasStock reports whether pieces lie at the location or are reserved there.
func (s *Inventory) HasStock(ctx context.Context, locationID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM stock_levels WHERE location_id = @location AND (on_hand > 0 OR reserved > 0))`,
		pgx.NamedArgs{"location": locationID})
}

// Levels are what the locations have of the variants, in one statement.
func (s *Inventory) Levels(ctx context.Context, variantIDs []uuid.UUID) ([]inventory.Level, error) {
	return collect[inventory.Level](ctx, s.db, `
		SELECT `+levelColumns+`
		FROM stock_levels s JOIN locations l ON l.id = s.location_id
		WHERE s.variant_id = ANY(@ids) ORDER BY s.variant_id, l.priority, l.code`, pgx.NamedArgs{"ids": variantIDs})
}

// Movements are one page of what moved of a variant of the brand, newest first.
func (s *Inventory) Movements(ctx context.Context, q inventory.MovementQuery) (page.Connection[inventory.Movement], error) {
	args := pgx.NamedArgs{"variant": q.VariantID, "brand": q.BrandID}
	from := ofKinds(q, args)
	where := `EXISTS (SELECT FROM variants v WHERE v.id = @variant AND v.brand_id = @brand)`
	if q.From != nil {
		where, args["from"] = where+` AND m.at >= @from`, *q.From
	}
	if q.To != nil {
		where, args["to"] = where+` AND m.at < @to`, *q.To
	}
	return latest(ctx, s.db, q.Page, `m.id, m.at, m.variant_id, m.location_id, m.kind, m.quantity, m.reserved, m.reference, m.actor_role, m.actor_id`, from, where,
		`m.at`, `m.id`, args, func(m inventory.Movement) timeKey { return timeKey{m.At, m.ID} })
}

// ofKinds are the variant's movements of each kind that is wanted, each walked by its own
// part of an index: a receipt is not looked for among all allocations since.
func ofKinds(q inventory.MovementQuery, args pgx.NamedArgs) string {
	where := `variant_id = @variant`
	if q.LocationID != nil {
		where, args["location"] = where+` AND location_id = @location`, *q.LocationID
	}
	kinds := q.Kinds
	if len(kinds) == 0 {
		kinds = inventory.MovementKinds
	}
	var parts []string
	for i, kind := range slices.Compact(slices.Sorted(slices.Values(kinds))) {
		name := "kind" + strconv.Itoa(i)
		args[name], parts = kind, append(parts, `(SELECT * FROM stock_movements WHERE `+where+` AND kind = @`+name+` ORDER BY at DESC, id DESC)`)
	}
	return `(` + strings.Join(parts, ` UNION ALL `) + `) m`
}
