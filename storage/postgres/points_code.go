package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/points"
)

const pointCodeColumns = `id, programme_id, brand_id, code, name, points, daily, shop_id, valid_from, valid_until, most_uses, uses, created_at, closed_at, life_days`

// InsertCode keeps a new code.
func (s *Points) InsertCode(ctx context.Context, c points.Code) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_codes (`+pointCodeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		c.ID, c.ProgrammeID, c.BrandID, c.Code, c.Name, c.Points, c.Daily, c.ShopID, c.ValidFrom, c.ValidUntil, c.MostUses, c.Uses, c.CreatedAt, c.ClosedAt, c.LifeDays)
	return pointCode(err)
}

// CloseCode ends a code of the brand that goes on.
func (s *Points) CloseCode(ctx context.Context, brandID, codeID uuid.UUID, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE point_codes SET closed_at = $3 WHERE id = $2 AND brand_id = $1 AND closed_at IS NULL`, brandID, codeID, at)
	return tag.RowsAffected() > 0, err
}

// Codes are the brand's codes, the newest first.
func (s *Points) Codes(ctx context.Context, brandID uuid.UUID) ([]points.Code, error) {
	return collect[points.Code](ctx, s.db, `SELECT `+pointCodeColumns+` FROM point_codes WHERE brand_id = $1 ORDER BY created_at DESC, id DESC LIMIT 500`, brandID)
}

// CodeOf is the brand's code of the text.
func (s *Points) CodeOf(ctx context.Context, brandID uuid.UUID, text string) (*points.Code, error) {
	return first[points.Code](ctx, s.db, `SELECT `+pointCodeColumns+` FROM point_codes WHERE brand_id = $1 AND code = $2`, brandID, text)
}

// ShopOf reports whether the brand has the shop.
func (s *Points) ShopOf(ctx context.Context, brandID, shopID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM locations WHERE id = $2 AND brand_id = $1 AND kind IN ('SHOP', 'EVENT'))`, brandID, shopID)
}

// UseCode notes that a member used the code for the day.
func (s *Points) UseCode(ctx context.Context, codeID, memberID uuid.UUID, day, at time.Time) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO point_code_uses (code_id, member_id, day, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, codeID, memberID, day, at)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return points.ErrCodeUsed.At("code")
	}
	tag, err = s.db.conn(ctx).Exec(ctx, `UPDATE point_codes SET uses = uses + 1 WHERE id = $1 AND (most_uses IS NULL OR uses < most_uses)`, codeID)
	if err == nil && tag.RowsAffected() == 0 {
		return points.ErrCodeFull.At("code")
	}
	return err
}
