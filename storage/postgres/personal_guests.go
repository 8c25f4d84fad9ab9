package postgres

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// clearGuest is the condition that a guest is counted by the mail address in clear.
const clearGuest = `customer LIKE '` + clearMark + `%'`

// guestCounts are what guests have of variants under names in clear, and the names that they
// get instead.
type guestCounts struct {
	variants      []uuid.UUID
	before, after []string
}

// hashGuests lets limits count guests by hashes whom older versions counted in clear. The
// orders are locked first, as by whoever gives back what an order took: neither reads a
// name that the other changes. Then the terms are locked, as by whoever takes.
func (s *Personal) hashGuests(ctx context.Context, _ string) (n int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		c, err := s.clearCounts(ctx)
		if n = len(c.variants); err != nil || n == 0 {
			return err
		}
		args := pgx.NamedArgs{"variants": c.variants, "before": c.before, "after": c.after}
		batch := &pgx.Batch{}
		batch.Queue(`
			SELECT FROM orders WHERE id IN (
				SELECT m.order_id FROM sale_movements m JOIN unnest(@variants::uuid[], @before::text[]) AS w (variant_id, customer) USING (variant_id, customer))
			ORDER BY id FOR NO KEY UPDATE`, args)
		batch.Queue(`SELECT FROM sale_terms WHERE variant_id = ANY(@variants) ORDER BY variant_id FOR UPDATE`, args)
		batch.Queue(`
			UPDATE sale_movements m SET customer = w.after FROM unnest(@variants::uuid[], @before::text[], @after::text[]) AS w (variant_id, before, after)
			WHERE m.variant_id = w.variant_id AND m.customer = w.before`, args)
		batch.Queue(`
			WITH gone AS (
				DELETE FROM sale_customers c USING unnest(@variants::uuid[], @before::text[], @after::text[]) AS w (variant_id, before, after)
				WHERE c.variant_id = w.variant_id AND c.customer = w.before RETURNING c.variant_id, w.after, c.taken
			)
			INSERT INTO sale_customers AS c (variant_id, customer, taken) SELECT variant_id, after, sum(taken) FROM gone GROUP BY variant_id, after
			ON CONFLICT (variant_id, customer) DO UPDATE SET taken = c.taken + excluded.taken`, args)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("hash guests that limits count", err)
}

func (s *Personal) clearCounts(ctx context.Context) (c guestCounts, err error) {
	type row struct {
		VariantID uuid.UUID
		Customer  string
	}
	rows, err := collect[row](ctx, s.db, `SELECT variant_id, customer FROM sale_customers WHERE `+clearGuest+` LIMIT $1`, resealAtOnce)
	if err != nil {
		return c, err
	}
	for _, r := range rows {
		name, err := guest(ctx, s.keys, strings.TrimPrefix(r.Customer, clearMark))
		if err != nil {
			return c, err
		}
		if name == nil {
			continue
		}
		c.variants, c.before, c.after = append(c.variants, r.VariantID), append(c.before, r.Customer), append(c.after, *name)
	}
	return c, nil
}
