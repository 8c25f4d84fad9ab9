package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/points"
)

// Expire writes off the lots of at most so many accounts whose last day was before the
// day, and answers what each lost. Accounts that somebody works on are left for the next
// round, so nobody waits for it. A lot that was written off on its day before, and has something
// again, has a key with the entry's number: else it would keep all others from being written off.
func (s *Points) Expire(ctx context.Context, programmeID uuid.UUID, day, at time.Time, most int) (losses []points.Loss, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		locked, err := read(ctx, s.db, `
			SELECT a.id FROM (
				SELECT DISTINCT account_id FROM (
					SELECT account_id FROM point_lots WHERE programme_id = $1 AND expires_on < $2 AND remaining > 0 AND NOT pending
					ORDER BY expires_on, account_id LIMIT $3
				) l
			) l JOIN point_accounts a ON a.id = l.account_id ORDER BY a.id FOR NO KEY UPDATE OF a SKIP LOCKED`,
			[]any{programmeID, day, most}, collectIDs)
		if losses = nil; err != nil || len(locked) == 0 {
			return err
		}
		losses, err = collect[points.Loss](ctx, s.db, `
			WITH old AS (
				SELECT id, account_id, remaining, expires_on, 'expire:' || id || ':' || expires_on AS key, row_number() OVER (PARTITION BY account_id ORDER BY expires_on, id) AS nth,
					sum(remaining) OVER (PARTITION BY account_id ORDER BY expires_on, id) AS gone
				FROM point_lots WHERE account_id = ANY($1) AND programme_id = $2 AND expires_on < $3 AND remaining > 0 AND NOT pending
			), emptied AS (
				UPDATE point_lots l SET remaining = 0 FROM old WHERE l.id = old.id
			), sums AS (
				SELECT account_id, sum(remaining)::bigint AS points, count(*) AS lots FROM old GROUP BY account_id
			), balances AS (
				UPDATE point_accounts a SET available = a.available - sums.points, number = a.number + sums.lots FROM sums WHERE a.id = sums.account_id
				RETURNING a.id AS account_id, a.member_id, sums.points, a.available, a.pending
			), entries AS (
				INSERT INTO point_entries (account_id, number, programme_id, key, part, kind, debit, credit, points, available, pending, portions, at)
				SELECT a.id, a.number + old.nth, $2, old.key || CASE WHEN EXISTS (SELECT FROM point_entries x WHERE x.account_id = a.id AND x.key = old.key) THEN ':' || (a.number + old.nth) ELSE '' END, 0, 'EXPIRE', 'AVAILABLE', 'EXPIRED', old.remaining, a.available - old.gone, a.pending,
					jsonb_build_array(jsonb_build_object('lot', old.id, 'points', old.remaining, 'expiresOn', old.expires_on || 'T00:00:00Z')), $4
				FROM old JOIN point_accounts a ON a.id = old.account_id
			)
			SELECT account_id, member_id, points, available, pending FROM balances`, locked, programmeID, day, at)
		return err
	})
	return losses, err
}
