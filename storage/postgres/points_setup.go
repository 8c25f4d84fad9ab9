package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/points"
)

const (
	programmeColumns = `id, brand_id, shared, code, name, currency, unit_points, unit_minor, expiry, expiry_days, expiry_months, fiscal_month, confirm_days, grace_days, notice_days, transferable, grant_limit, zone, created_at, updated_at, closed_at`
	pointRuleColumns = `id, programme_id, name, terms, valid_from, valid_until, created_at, updated_at, closed_at`
)

// Programmes are all point programmes.
func (s *Points) Programmes(ctx context.Context) ([]points.Programme, error) {
	return collect[points.Programme](ctx, s.db, `SELECT `+programmeColumns+` FROM point_programmes ORDER BY shared, id`)
}

// Programme is nil if there is none.
func (s *Points) Programme(ctx context.Context, programmeID uuid.UUID) (*points.Programme, error) {
	return first[points.Programme](ctx, s.db, `SELECT `+programmeColumns+` FROM point_programmes WHERE id = $1`, programmeID)
}

// SaveProgramme inserts a programme, or changes what may change.
func (s *Points) SaveProgramme(ctx context.Context, p points.Programme) error {
	if p.Expiry == "" {
		p.Expiry = points.ByDays
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_programmes (`+programmeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		ON CONFLICT (id) DO UPDATE SET name = $5, expiry = $9, expiry_days = $10, expiry_months = $11, fiscal_month = $12, confirm_days = $13, grace_days = $14,
			notice_days = $15, transferable = $16, grant_limit = $17, updated_at = $20, closed_at = $21`,
		p.ID, p.BrandID, p.Shared, p.Code, p.Name, p.Currency, p.UnitPoints, p.UnitMinor, p.Expiry, p.ExpiryDays, p.ExpiryMonths, p.FiscalMonth, p.ConfirmDays, p.GraceDays,
		p.NoticeDays, p.Transferable, p.GrantLimit, p.Zone, p.CreatedAt, p.UpdatedAt, p.ClosedAt)
	return pointCode(err)
}

// pointCode names the violation of a unique code.
func pointCode(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" {
		return points.ErrCode.At("code")
	}
	return err
}

// Rates are the exchange rates from the programmes.
func (s *Points) Rates(ctx context.Context, fromIDs []uuid.UUID) ([]points.Rate, error) {
	return collect[points.Rate](ctx, s.db, `
		SELECT from_id, to_id, from_points, to_points, updated_at FROM point_rates WHERE from_id = ANY($1) ORDER BY from_id, to_id`, fromIDs)
}

// OtherRates are all rates of open programmes but the one between the same two, held
// against other changes.
func (s *Points) OtherRates(ctx context.Context, r points.Rate) ([]points.Rate, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('point_rates'))`); err != nil {
		return nil, err
	}
	return collect[points.Rate](ctx, s.db, `
		SELECT r.from_id, r.to_id, r.from_points, r.to_points, r.updated_at FROM point_rates r
		JOIN point_programmes f ON f.id = r.from_id AND f.closed_at IS NULL JOIN point_programmes t ON t.id = r.to_id AND t.closed_at IS NULL
		WHERE (r.from_id, r.to_id) <> ($1, $2)`, r.FromID, r.ToID)
}

// SaveRate sets a rate, or takes it away if it gives nothing.
func (s *Points) SaveRate(ctx context.Context, r points.Rate) error {
	if r.ToPoints == 0 {
		_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM point_rates WHERE from_id = $1 AND to_id = $2`, r.FromID, r.ToID)
		return err
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_rates (from_id, to_id, from_points, to_points, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (from_id, to_id) DO UPDATE SET from_points = $3, to_points = $4, updated_at = $5`, r.FromID, r.ToID, r.FromPoints, r.ToPoints, r.UpdatedAt)
	return err
}

// Rules are those of the programmes that stood at the moment.
func (s *Points) Rules(ctx context.Context, programmeIDs []uuid.UUID, at time.Time) ([]points.Rule, error) {
	return collect[points.Rule](ctx, s.db, `
		SELECT `+pointRuleColumns+` FROM point_rules WHERE programme_id = ANY($1) AND created_at <= $2 AND (closed_at IS NULL OR closed_at > $2)
		ORDER BY programme_id, id`, programmeIDs, at)
}

// InsertRule adds a rule.
func (s *Points) InsertRule(ctx context.Context, r points.Rule) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO point_rules (`+pointRuleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		r.ID, r.ProgrammeID, r.Name, r.Terms, r.ValidFrom, r.ValidUntil, r.CreatedAt, r.UpdatedAt, r.ClosedAt)
	return err
}

// CloseRule ends a rule that stands.
func (s *Points) CloseRule(ctx context.Context, programmeIDs []uuid.UUID, ruleID uuid.UUID, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE point_rules SET closed_at = $3, updated_at = $3 WHERE programme_id = ANY($1) AND id = $2 AND closed_at IS NULL`, programmeIDs, ruleID, at)
	return tag.RowsAffected() > 0, err
}
