package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/display"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// LockRule reads a rule of the brand for changing; nil if there is none.
func (s *Display) LockRule(ctx context.Context, brandID, ruleID uuid.UUID) (*display.Rule, error) {
	return first[display.Rule](ctx, s.db, `SELECT `+ruleColumns+` FROM display_rules WHERE brand_id = @brand AND id = @id FOR UPDATE`,
		pgx.NamedArgs{"brand": brandID, "id": ruleID})
}

// SaveRule writes a rule, new or not, and moves the rulebook.
func (s *Display) SaveRule(ctx context.Context, r display.Rule) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO display_rules (id, brand_id, name, audience_kind, audience_id, target_kind, target_id, target_value, valid_from, valid_until,
			channel_id, season_from, season_until, visible, purchasable, price_shown, message, created_at, updated_at, closed_at)
		VALUES (@id, @brand, @name, @audience_kind, @audience, @target_kind, @target, @value, @from, @until,
			@channel, @season_from, @season_until, @visible, @purchasable, @price_shown, @message, @created, @updated, @closed)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, audience_kind = excluded.audience_kind, audience_id = excluded.audience_id,
			target_kind = excluded.target_kind, target_id = excluded.target_id, target_value = excluded.target_value,
			valid_from = excluded.valid_from, valid_until = excluded.valid_until, channel_id = excluded.channel_id,
			season_from = excluded.season_from, season_until = excluded.season_until, visible = excluded.visible,
			purchasable = excluded.purchasable, price_shown = excluded.price_shown, message = excluded.message,
			updated_at = excluded.updated_at, closed_at = excluded.closed_at`,
		pgx.NamedArgs{"id": r.ID, "brand": r.BrandID, "name": r.Name, "audience_kind": r.Audience.Kind, "audience": r.Audience.ID,
			"target_kind": r.Target.Kind, "target": r.Target.ID, "value": r.Value, "from": r.From, "until": r.Until,
			"channel": r.ChannelID, "season_from": r.SeasonFrom, "season_until": r.SeasonUntil, "visible": r.Visible,
			"purchasable": r.Purchasable, "price_shown": r.PriceShown, "message": r.Message, "created": r.CreatedAt, "updated": r.UpdatedAt, "closed": r.ClosedAt})
	if err != nil {
		return err
	}
	return s.db.moveRules(ctx, r.BrandID, rulesMoved{For: []scope.Audience{r.Audience}})
}

// Rules are one page of a brand's rules, newest first.
func (s *Display) Rules(ctx context.Context, q display.RulesQuery) (page.Connection[display.Rule], error) {
	var none page.Connection[display.Rule]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	type key struct {
		At time.Time `json:"t"`
		ID uuid.UUID `json:"i"`
	}
	var after key
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, args := `brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID, "limit": size + 1, "at": after.At, "id": after.ID}
	if !q.Closed {
		where += ` AND closed_at IS NULL`
	}
	if t := q.Target; t != nil {
		where += ` AND target_kind = @kind AND target_id = @target AND target_value = @value`
		args["kind"], args["target"], args["value"] = t.Kind, t.ID, t.Value
	}
	keyset := ``
	if behind {
		keyset = ` AND (created_at, id) < (@at, @id)`
	}
	rows, err := collect[display.Rule](ctx, s.db, `
		SELECT `+ruleColumns+` FROM display_rules WHERE `+where+keyset+` ORDER BY created_at DESC, id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	found := page.Of(rows, size, behind, func(r display.Rule) any { return key{r.CreatedAt, r.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM display_rules WHERE `+where, args)
	}
	return found, nil
}

// KnowsAudience reports whether the brand has whom the audience names. Members
// belong to no brand.
func (s *Display) KnowsAudience(ctx context.Context, brandID uuid.UUID, a scope.Audience) (bool, error) {
	sql, named := map[scope.AudienceKind]string{
		scope.Member:  `SELECT FROM accounts WHERE id = @id AND role IN ('MEMBER', 'COMPANY_BUYER') AND closed_at IS NULL`,
		scope.Company: `SELECT FROM companies WHERE id = @id AND brand_id = @brand AND closed_at IS NULL`,
		scope.Group:   `SELECT FROM customer_groups WHERE id = @id AND brand_id = @brand AND closed_at IS NULL`,
	}[a.Kind]
	if !named {
		return true, nil
	}
	return one[bool](ctx, s.db, `SELECT EXISTS (`+sql+`)`, pgx.NamedArgs{"id": a.ID, "brand": brandID})
}

// KnowsTarget reports whether the brand has the goods. Tags are free words.
func (s *Display) KnowsTarget(ctx context.Context, brandID uuid.UUID, t scope.Target) (bool, error) {
	table, named := map[scope.TargetKind]string{
		scope.Variant: `variants`, scope.Product: `products`, scope.Category: `categories`,
		scope.ProductBrand: `product_brands`, scope.Attribute: `attributes`,
	}[t.Kind]
	if !named {
		return true, nil
	}
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM `+table+` WHERE id = @id AND brand_id = @brand)`, pgx.NamedArgs{"id": t.ID, "brand": brandID})
}

// Channel is the brand's channel with the code; uuid.Nil if there is none.
func (s *Display) Channel(ctx context.Context, brandID uuid.UUID, code string) (uuid.UUID, error) {
	return one[uuid.UUID](ctx, s.db, `SELECT coalesce((SELECT id FROM channels WHERE brand_id = @brand AND code = @code), @none)`,
		pgx.NamedArgs{"brand": brandID, "code": code, "none": uuid.Nil})
}
