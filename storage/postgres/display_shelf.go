package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/display"
)

// Badges are the brand's open badges.
func (s *Display) Badges(ctx context.Context, brandID uuid.UUID) ([]display.Badge, error) {
	return collect[display.Badge](ctx, s.db, `
		SELECT `+badgeColumns+` FROM badges WHERE brand_id = @brand AND closed_at IS NULL ORDER BY position, code, created_at`,
		pgx.NamedArgs{"brand": brandID})
}

// SaveBadge writes a badge, new or not, and moves the rulebook.
func (s *Display) SaveBadge(ctx context.Context, b display.Badge) error {
	return s.move(ctx, b.BrandID, `
		INSERT INTO badges (id, brand_id, code, kind, label, target_kind, target_id, target_value, valid_from, valid_until,
			channel_id, days, position, created_at, closed_at)
		VALUES (@id, @brand, @code, @kind, @label, @target_kind, @target, @value, @from, @until, @channel, @days, @position, @created, @closed)
		ON CONFLICT (id) DO UPDATE SET code = excluded.code, kind = excluded.kind, label = excluded.label, target_kind = excluded.target_kind,
			target_id = excluded.target_id, target_value = excluded.target_value, valid_from = excluded.valid_from,
			valid_until = excluded.valid_until, channel_id = excluded.channel_id, days = excluded.days,
			position = excluded.position, closed_at = excluded.closed_at`,
		pgx.NamedArgs{"id": b.ID, "brand": b.BrandID, "code": b.Code, "kind": b.Kind, "label": b.Label, "target_kind": b.Target.Kind,
			"target": b.Target.ID, "value": b.Value, "from": b.From, "until": b.Until, "channel": b.ChannelID,
			"days": b.Days, "position": b.Position, "created": b.CreatedAt, "closed": b.ClosedAt})
}

// move runs a statement that changes what decides display, and moves the rulebook.
func (s *Display) move(ctx context.Context, brandID uuid.UUID, sql string, args pgx.NamedArgs) error {
	if _, err := s.db.conn(ctx).Exec(ctx, sql, args); err != nil {
		return err
	}
	return s.db.moveRules(ctx, brandID, rulesMoved{})
}

// LockShelf reads the open pins of a category of the brand, one writer at a time.
func (s *Display) LockShelf(ctx context.Context, brandID, categoryID uuid.UUID) ([]display.Pin, bool, error) {
	args := pgx.NamedArgs{"brand": brandID, "category": categoryID}
	known, err := read(ctx, s.db, `SELECT id FROM categories WHERE brand_id = @brand AND id = @category FOR NO KEY UPDATE`, []any{args}, collectIDs)
	if err != nil || len(known) == 0 {
		return nil, false, err
	}
	pins, err := collect[display.Pin](ctx, s.db, `SELECT `+pinColumns+` FROM category_pins WHERE category_id = @category AND closed_at IS NULL`, args)
	return pins, true, err
}

// OnShelf reports whether the product stands in the category or below it.
func (s *Display) OnShelf(ctx context.Context, categoryID, productID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		WITH RECURSIVE below AS (
			SELECT @category::uuid AS id UNION SELECT c.id FROM categories c JOIN below b ON c.parent_id = b.id
		) SELECT EXISTS (SELECT FROM product_categories pc JOIN below b ON b.id = pc.category_id WHERE pc.product_id = @product)`,
		pgx.NamedArgs{"category": categoryID, "product": productID})
}

// LockPin reads a pin of the brand for changing; nil if there is none.
func (s *Display) LockPin(ctx context.Context, brandID, pinID uuid.UUID) (*display.Pin, error) {
	return first[display.Pin](ctx, s.db, `SELECT `+pinColumns+` FROM category_pins WHERE brand_id = @brand AND id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": pinID})
}

// SavePin adds a pin, or closes it, and moves the rulebook.
func (s *Display) SavePin(ctx context.Context, p display.Pin) error {
	return s.move(ctx, p.BrandID, `
		INSERT INTO category_pins (id, brand_id, category_id, channel_id, product_id, position, valid_from, valid_until, created_at, closed_at)
		VALUES (@id, @brand, @category, @channel, @product, @position, @from, @until, @created, @closed)
		ON CONFLICT (id) DO UPDATE SET closed_at = excluded.closed_at`,
		pgx.NamedArgs{"id": p.ID, "brand": p.BrandID, "category": p.CategoryID, "channel": p.ChannelID, "product": p.ProductID,
			"position": p.Position, "from": p.From, "until": p.Until, "created": p.CreatedAt, "closed": p.ClosedAt})
}

// SaveSort writes the order of a category, or removes it if it is empty.
func (s *Display) SaveSort(ctx context.Context, brandID uuid.UUID, sort display.ShelfSort) error {
	args := pgx.NamedArgs{"category": sort.CategoryID, "brand": brandID, "sort": sort.Sort}
	if sort.Sort == "" {
		return s.move(ctx, brandID, `DELETE FROM category_sorts WHERE category_id = @category`, args)
	}
	return s.move(ctx, brandID, `
		INSERT INTO category_sorts (category_id, brand_id, sort) VALUES (@category, @brand, @sort)
		ON CONFLICT (category_id) DO UPDATE SET sort = excluded.sort`, args)
}

// Policies are the brand's sold-out policies.
func (s *Display) Policies(ctx context.Context, brandID uuid.UUID) ([]display.Policy, error) {
	return collect[display.Policy](ctx, s.db, `
		SELECT id, brand_id, target_kind, target_id, target_value, policy, back_order_limit, promise, created_at, updated_at
		FROM sold_out_policies WHERE brand_id = @brand ORDER BY created_at, id`, pgx.NamedArgs{"brand": brandID})
}

// SavePolicy writes the policy, or removes it if it says nothing, and restates the
// brand's listings that it changes.
func (s *Display) SavePolicy(ctx context.Context, p display.Policy) error {
	args := pgx.NamedArgs{"id": p.ID, "brand": p.BrandID, "kind": p.Kind, "target": p.Target.ID, "value": p.Value,
		"policy": p.Policy, "most": p.BackOrderLimit, "promise": p.Promise, "created": p.CreatedAt, "updated": p.UpdatedAt}
	sql := `
		INSERT INTO sold_out_policies (id, brand_id, target_kind, target_id, target_value, policy, back_order_limit, promise, created_at, updated_at)
		VALUES (@id, @brand, @kind, @target, @value, @policy, @most, @promise, @created, @updated)
		ON CONFLICT (brand_id, target_kind, target_id) DO UPDATE SET policy = excluded.policy,
			back_order_limit = excluded.back_order_limit, promise = excluded.promise, updated_at = excluded.updated_at`
	if p.Policy == "" {
		sql = `DELETE FROM sold_out_policies WHERE brand_id = @brand AND target_kind = @kind AND target_id = @target`
	}
	if err := s.move(ctx, p.BrandID, sql, args); err != nil {
		return err
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE product_listings l SET sold_out = n.policy, sold_out_rule = n.rule,
			in_stock = CASE WHEN 'BACK_ORDER' IN (n.policy, l.sold_out) THEN orderable(l.product_id, n.rule) ELSE l.in_stock END
		FROM (
			SELECT p.id, o.id AS rule, coalesce(o.policy, 'SHOW') AS policy
			FROM (SELECT id, sold_out_rule(id) AS rule FROM products WHERE brand_id = @brand) p
			LEFT JOIN sold_out_policies o ON o.id = p.rule
		) n
		WHERE n.id = l.product_id AND (l.sold_out <> n.policy OR l.sold_out_rule IS DISTINCT FROM n.rule OR n.policy = 'BACK_ORDER')`, args)
	return err
}
