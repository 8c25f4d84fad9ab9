package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/draw"
)

// Unsettled are cancelled draws of which not all entrants were seen to.
func (s *Draws) Unsettled(ctx context.Context) ([]draw.Draw, error) {
	return collect[draw.Draw](ctx, s.db, `SELECT `+drawColumns+` FROM draws WHERE state = 'CANCELLED' AND settled_at IS NULL ORDER BY id LIMIT 100`)
}

// Waiting are some of the draw's entrants behind the id who were not seen to.
func (s *Draws) Waiting(ctx context.Context, drawID, behind uuid.UUID, most int) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `SELECT member_id FROM draw_entrants WHERE draw_id = $1 AND member_id > $2 AND settled_at IS NULL ORDER BY member_id LIMIT $3`, drawID, behind, most)
}

// entrantPayment is an entrant with one of their payments, or with none.
type entrantPayment struct {
	MemberID uuid.UUID
	HolderID uuid.UUID
	Bought   int
	Key      *string
	Points   *int64
}

// plainly keeps PostgreSQL from compiling the plan, which takes longer than to run it, until
// the transaction ends.
const plainly = `SELECT set_config('jit', 'off', true)`

// paid is what entrants have paid: it stands in the account of who they are now, or in one
// that was merged into it. Each is looked for in an index, whatever is thought of the tables.
const paid = `
	WITH RECURSIVE chain AS (
		SELECT x AS entrant, x AS id, (SELECT m.merged_into FROM members m WHERE m.id = x) AS next FROM unnest($2::uuid[]) x
		UNION ALL SELECT c.entrant, c.next, (SELECT m.merged_into FROM members m WHERE m.id = c.next) FROM chain c WHERE c.next IS NOT NULL
	)
	SELECT c.entrant AS member_id, c.id AS holder_id, cardinality(e.ids) AS bought, p.key, p.points FROM chain c
	CROSS JOIN LATERAL (
		SELECT ARRAY(SELECT e.id FROM draw_entries e WHERE e.draw_id = $1 AND e.member_id = c.entrant AND e.source = 'POINTS') AS ids,
			ARRAY(SELECT a.id FROM point_accounts a WHERE a.programme_id = $3 AND a.member_id = c.id) AS own
	) e
	LEFT JOIN LATERAL (
		SELECT p.key, p.points FROM unnest(e.ids) i
		CROSS JOIN LATERAL (SELECT unnest(e.own || ARRAY(SELECT g.id FROM point_accounts g WHERE g.merged_into = ANY(e.own))) AS id) x
		CROSS JOIN LATERAL (SELECT p.key, p.points FROM point_entries p WHERE p.account_id = x.id AND p.key = 'draw:' || i AND p.kind = 'PRIZE' LIMIT 1) p
	) p ON true
	WHERE c.next IS NULL ORDER BY c.entrant, p.key`

// LockEntrants are those of the entrants who were not seen to, locked, with what they paid
// as it is read after that.
func (s *Draws) LockEntrants(ctx context.Context, d draw.Draw, memberIDs []uuid.UUID) ([]draw.Entrant, error) {
	batch := &pgx.Batch{}
	batch.Queue(plainly)
	if err := s.db.later(ctx, batch); err != nil {
		return nil, err
	}
	locked, err := column[uuid.UUID](ctx, s.db, `
		SELECT member_id FROM draw_entrants WHERE draw_id = $1 AND member_id = ANY($2) AND settled_at IS NULL ORDER BY member_id FOR UPDATE`, d.ID, memberIDs)
	if err != nil || len(locked) == 0 {
		return nil, err
	}
	rows, err := collect[entrantPayment](ctx, s.db, paid, d.ID, locked, d.ProgrammeID)
	if err != nil {
		return nil, err
	}
	var all []draw.Entrant
	for _, r := range rows {
		if n := len(all); n == 0 || all[n-1].MemberID != r.MemberID {
			all = append(all, draw.Entrant{MemberID: r.MemberID, HolderID: r.HolderID, Bought: r.Bought})
		}
		if r.Key != nil {
			last := &all[len(all)-1]
			last.Payments = append(last.Payments, draw.Payment{Key: *r.Key, Points: *r.Points})
		}
	}
	return all, nil
}

// SettleEntrants notes that the entrants were seen to.
func (s *Draws) SettleEntrants(ctx context.Context, drawID uuid.UUID, memberIDs []uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE draw_entrants SET settled_at = $3 WHERE draw_id = $1 AND member_id = ANY($2)`, drawID, memberIDs, at)
	return err
}

// Settle notes that all entrants of a cancelled draw were seen to, if they were.
func (s *Draws) Settle(ctx context.Context, drawID uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE draws d SET settled_at = $2 WHERE d.id = $1 AND d.state = 'CANCELLED'
			AND NOT EXISTS (SELECT FROM draw_entrants x WHERE x.draw_id = d.id AND x.settled_at IS NULL)`, drawID, at)
	return err
}
