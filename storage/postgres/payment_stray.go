package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
)

const strayColumns = `id, brand_id, gateway, reference, payment_id, amount, currency, cause, state, reason, reported_at, settled_at, settled_by`

// InsertStray adds a stray unless it was reported before.
func (s *Payments) InsertStray(ctx context.Context, t payment.Stray) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO stray_payments (`+strayColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (gateway, reference, cause, amount) DO NOTHING`,
		t.ID, t.BrandID, t.Gateway, t.Reference, t.PaymentID, t.AmountMinor, t.Currency, t.Cause, t.State, t.Reason, t.ReportedAt, t.SettledAt, t.SettledBy)
	return err
}

// Strays are one page of the brand's strays and of those of no brand, newest first.
func (s *Payments) Strays(ctx context.Context, q payment.StrayQuery) (page.Connection[payment.Stray], error) {
	where, args := `(brand_id = @brand OR brand_id IS NULL)`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.States) > 0 {
		where, args["states"] = where+` AND state = ANY(@states)`, q.States
	}
	connection, err := keyset(ctx, s.db, q.Page, strayColumns+` FROM stray_payments`, where, `id`, `id DESC`, args,
		func(k uuid.UUID) []any { return []any{k} }, func(t payment.Stray) uuid.UUID { return t.ID })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM stray_payments WHERE `+where, args)
	}
	return connection, err
}

// Stray is one of the brand's or of no brand, locked; nil if there is none.
func (s *Payments) Stray(ctx context.Context, brandID, strayID uuid.UUID) (*payment.Stray, error) {
	return first[payment.Stray](ctx, s.db, `
		SELECT `+strayColumns+` FROM stray_payments WHERE id = $1 AND (brand_id = $2 OR brand_id IS NULL) FOR UPDATE`, strayID, brandID)
}

// UpdateStray stores how a stray was settled.
func (s *Payments) UpdateStray(ctx context.Context, t payment.Stray) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE stray_payments SET brand_id = $2, payment_id = $3, state = $4, reason = $5, settled_at = $6, settled_by = $7 WHERE id = $1`,
		t.ID, t.BrandID, t.PaymentID, t.State, t.Reason, t.SettledAt, t.SettledBy)
	return err
}
