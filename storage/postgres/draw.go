package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/page"
)

// Draws keeps draws in PostgreSQL.
type Draws struct{ db *DB }

// NewDraws makes the draws' store.
func NewDraws(db *DB) *Draws { return &Draws{db} }

const (
	drawColumns = `id, brand_id, programme_id, name, description, points, per_minor, max_entries, opens_at, closes_at, draws_at, answer_days, runners_up,
		min_rank_id, segment_id, state, commitment, sealed, seed, digest, entries, reason, created_at, updated_at, closed_at, drawn_at, cancelled_at`
	winnerColumns = `w.id, w.draw_id, w.place, w.entry_id, w.member_id, w.outcome, w.rank, w.answer_by, w.exchange_id, w.updated_at, coalesce(p.name, '{}') AS prize_name, d.name AS draw_name`
	winnerRows    = `draw_winners w JOIN draws d ON d.id = w.draw_id LEFT JOIN draw_ranks r ON r.draw_id = w.draw_id AND r.position = w.rank LEFT JOIN prizes p ON p.id = r.prize_id`
)

// Insert keeps a new draw with its ranks.
func (s *Draws) Insert(ctx context.Context, d draw.Draw, ranks []draw.Rank) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO draws (`+drawColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`,
		d.ID, d.BrandID, d.ProgrammeID, d.Name, d.Description.OrNone(), d.Points, d.PerMinor, d.MaxEntries, d.OpensAt, d.ClosesAt, d.DrawsAt, d.AnswerDays, d.RunnersUp,
		d.MinRankID, d.SegmentID, d.State, d.Commitment, d.Sealed, d.Seed, d.Digest, d.Entries, d.Reason, d.CreatedAt, d.UpdatedAt, d.ClosedAt, d.DrawnAt, d.CancelledAt)
	positions, prizes, counts := make([]int, len(ranks)), make([]uuid.UUID, len(ranks)), make([]int, len(ranks))
	for i, r := range ranks {
		positions[i], prizes[i], counts[i] = r.Position, r.PrizeID, r.Count
	}
	batch.Queue(`INSERT INTO draw_ranks (draw_id, position, prize_id, count) SELECT $1, * FROM unnest($2::int[], $3::uuid[], $4::int[])`, d.ID, positions, prizes, counts)
	return s.db.later(ctx, batch)
}

// Draw is nil if there is none.
func (s *Draws) Draw(ctx context.Context, drawID uuid.UUID) (*draw.Draw, error) {
	return first[draw.Draw](ctx, s.db, `SELECT `+drawColumns+` FROM draws WHERE id = $1`, drawID)
}

// Share is the draw, which nobody closes meanwhile.
func (s *Draws) Share(ctx context.Context, drawID uuid.UUID) (*draw.Draw, error) {
	return first[draw.Draw](ctx, s.db, `SELECT `+drawColumns+` FROM draws WHERE id = $1 FOR SHARE`, drawID)
}

// Lock is the draw, which nobody enters meanwhile.
func (s *Draws) Lock(ctx context.Context, drawID uuid.UUID) (*draw.Draw, error) {
	return first[draw.Draw](ctx, s.db, `SELECT `+drawColumns+` FROM draws WHERE id = $1 FOR UPDATE`, drawID)
}

// Update keeps how far a draw has come.
func (s *Draws) Update(ctx context.Context, d draw.Draw) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE draws SET state = $2, sealed = $3, seed = $4, digest = $5, entries = $6, updated_at = $7, closed_at = $8, drawn_at = $9, reason = $10, cancelled_at = $11 WHERE id = $1`,
		d.ID, d.State, d.Sealed, d.Seed, d.Digest, d.Entries, d.UpdatedAt, d.ClosedAt, d.DrawnAt, d.Reason, d.CancelledAt)
	return err
}

// Describe keeps what a draw is called and described as.
func (s *Draws) Describe(ctx context.Context, d draw.Draw) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE draws SET name = $2, description = $3, updated_at = $4 WHERE id = $1`, d.ID, d.Name, d.Description.OrNone(), d.UpdatedAt)
	return err
}

// List is one page of a brand's draws, newest first.
func (s *Draws) List(ctx context.Context, q draw.ListQuery) (page.Connection[draw.Draw], error) {
	return newest(ctx, s.db, drawColumns, `draws`, []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID}, q.Page,
		func(d draw.Draw) newestKey { return newestKey{d.CreatedAt, d.ID} })
}

// Ranks are the prizes of the draws, the best first.
func (s *Draws) Ranks(ctx context.Context, drawIDs []uuid.UUID) ([]draw.Rank, error) {
	return collect[draw.Rank](ctx, s.db, `
		SELECT r.draw_id, r.position, r.prize_id, r.count, p.name AS prize_name FROM draw_ranks r JOIN prizes p ON p.id = r.prize_id
		WHERE r.draw_id = ANY($1) ORDER BY r.draw_id, r.position`, drawIDs)
}

// Entrant reports whether there is somebody of the id to enter a draw, who is held.
func (s *Draws) Entrant(ctx context.Context, memberID uuid.UUID) (bool, error) {
	found, err := first[struct{ Stands bool }](ctx, s.db, `SELECT merged_into IS NULL AND erased_at IS NULL AS stands FROM members WHERE id = $1 FOR SHARE`, memberID)
	if err != nil || found != nil {
		return found != nil && found.Stands, err
	}
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM accounts WHERE id = $1 AND closed_at IS NULL AND role IN ('MEMBER', 'COMPANY_BUYER'))`, memberID)
}

// Enter adds entries of one member, whose row is locked by it.
func (s *Draws) Enter(ctx context.Context, d draw.Draw, entries []draw.Entry) error {
	n := len(entries)
	counted, err := one[int](ctx, s.db, `
		INSERT INTO draw_entrants AS x (draw_id, member_id, entries) VALUES ($1, $2, $3)
		ON CONFLICT (draw_id, member_id) DO UPDATE SET entries = x.entries + $3 RETURNING entries`, d.ID, entries[0].MemberID, n)
	if err != nil {
		return err
	}
	if counted > d.MaxEntries {
		return draw.ErrLimit.With(d.MaxEntries).At("count")
	}
	ids := make([]uuid.UUID, n)
	for i, e := range entries {
		ids[i] = e.ID
	}
	batch := &pgx.Batch{}
	batch.Queue(`INSERT INTO draw_entries (id, draw_id, member_id, source, created_at) SELECT x, $2, $3, $4, $5 FROM unnest($1::uuid[]) x`,
		ids, d.ID, entries[0].MemberID, entries[0].Source, entries[0].CreatedAt)
	return s.db.later(ctx, batch)
}

// Earn adds the entries that purchases have earned, up to what each member may have.
func (s *Draws) Earn(ctx context.Context, d draw.Draw, only []uuid.UUID, at time.Time) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH spent AS (
			SELECT p.member_id, floor(sum(p.total) / @per)::int AS due FROM purchases p
			JOIN memberships j ON j.member_id = p.member_id AND j.brand_id = @brand AND j.ended_at IS NULL
			LEFT JOIN member_ranks has ON has.id = j.rank_id LEFT JOIN member_ranks least ON least.id = @rank
			WHERE p.brand_id = @brand AND p.bought_at >= @opens AND p.bought_at < @closes AND (@only::uuid[] IS NULL OR p.member_id = ANY(@only))
				AND (@rank::uuid IS NULL OR has.min_spend >= least.min_spend)
			GROUP BY p.member_id HAVING sum(p.total) >= @per
		), fresh AS (
			SELECT s.member_id, least(s.due - coalesce(x.earned, 0), @most - coalesce(x.entries, 0)) AS n
			FROM spent s LEFT JOIN draw_entrants x ON x.draw_id = @draw AND x.member_id = s.member_id
		), entered AS (
			INSERT INTO draw_entrants AS x (draw_id, member_id, entries, earned) SELECT @draw, member_id, n, n FROM fresh WHERE n > 0
			ON CONFLICT (draw_id, member_id) DO UPDATE SET entries = x.entries + EXCLUDED.entries, earned = x.earned + EXCLUDED.earned RETURNING member_id
		)
		INSERT INTO draw_entries (id, draw_id, member_id, source, created_at)
		SELECT gen_random_uuid(), @draw, f.member_id, 'PURCHASE', @at FROM entered JOIN fresh f USING (member_id) CROSS JOIN generate_series(1, f.n)`,
		pgx.NamedArgs{"draw": d.ID, "brand": d.BrandID, "per": d.PerMinor, "most": d.MaxEntries, "opens": d.OpensAt, "closes": d.ClosesAt, "rank": d.MinRankID, "only": only, "at": at})
	return int(tag.RowsAffected()), err
}

// EntriesOf are the member's entries, oldest first.
func (s *Draws) EntriesOf(ctx context.Context, drawID, memberID uuid.UUID) ([]draw.Entry, error) {
	return collect[draw.Entry](ctx, s.db, `
		SELECT id, draw_id, member_id, source, created_at FROM draw_entries WHERE draw_id = $1 AND member_id = $2 ORDER BY created_at, id LIMIT 1000`, drawID, memberID)
}

// Entered is how many members entered.
func (s *Draws) Entered(ctx context.Context, drawID uuid.UUID) (int, error) {
	return one[int](ctx, s.db, `SELECT count(*) FROM draw_entrants WHERE draw_id = $1`, drawID)
}

// TicketsAfter are some entries as the public list has them, behind the entry. Both are read
// out of an index, whatever is thought of tables that have just been filled.
func (s *Draws) TicketsAfter(ctx context.Context, drawID, after uuid.UUID, most int) ([]draw.Ticket, error) {
	return collect[draw.Ticket](ctx, s.db, `
		SELECT e.id AS entry, (SELECT x.tag FROM draw_entrants x WHERE x.draw_id = e.draw_id AND x.member_id = e.member_id) AS entrant
		FROM draw_entries e WHERE e.draw_id = $1 AND e.id > $2 ORDER BY e.draw_id, e.id LIMIT $3`, drawID, after, most)
}

// Entrants are whose the entries are: who their entrants have become.
func (s *Draws) Entrants(ctx context.Context, entryIDs []uuid.UUID) (map[uuid.UUID]uuid.UUID, error) {
	rows, err := collect[struct{ ID, MemberID uuid.UUID }](ctx, s.db, `
		WITH RECURSIVE chain AS (
			SELECT e.id, e.member_id, m.merged_into FROM draw_entries e LEFT JOIN members m ON m.id = e.member_id WHERE e.id = ANY($1)
			UNION ALL SELECT c.id, m.id, m.merged_into FROM chain c JOIN members m ON m.id = c.merged_into
		)
		SELECT id, member_id FROM chain WHERE merged_into IS NULL`, entryIDs)
	whose := make(map[uuid.UUID]uuid.UUID, len(rows))
	for _, r := range rows {
		whose[r.ID] = r.MemberID
	}
	return whose, err
}

// InsertWinners keeps who was called.
func (s *Draws) InsertWinners(ctx context.Context, all []draw.Winner) error {
	batch := &pgx.Batch{}
	for _, w := range all {
		batch.Queue(`INSERT INTO draw_winners (id, draw_id, place, entry_id, member_id, outcome, rank, answer_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			w.ID, w.DrawID, w.Place, w.EntryID, w.MemberID, w.Outcome, w.Rank, w.AnswerBy, w.UpdatedAt)
	}
	return s.db.later(ctx, batch)
}

func (s *Draws) winners(ctx context.Context, rest string, args ...any) ([]draw.Winner, error) {
	return collect[draw.Winner](ctx, s.db, `SELECT `+winnerColumns+` FROM `+winnerRows+` `+rest, args...)
}

// Winners are those of the draws, in the order in which they were called.
func (s *Draws) Winners(ctx context.Context, drawIDs []uuid.UUID) ([]draw.Winner, error) {
	return s.winners(ctx, `WHERE w.draw_id = ANY($1) ORDER BY w.draw_id, w.place`, drawIDs)
}

// OfMember are the member's, the newest first.
func (s *Draws) OfMember(ctx context.Context, brandID, memberID uuid.UUID) ([]draw.Winner, error) {
	return s.winners(ctx, `WHERE w.member_id = $2 AND d.brand_id = $1 ORDER BY w.updated_at DESC, w.id LIMIT 100`, brandID, memberID)
}

func (s *Draws) winner(ctx context.Context, rest string, args ...any) (*draw.Winner, error) {
	all, err := s.winners(ctx, rest, args...)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// LockWinner is the winner, locked; nil if there is none.
func (s *Draws) LockWinner(ctx context.Context, winnerID uuid.UUID) (*draw.Winner, error) {
	return s.winner(ctx, `WHERE w.id = $1 FOR NO KEY UPDATE OF w`, winnerID)
}

// NextReserve is the first who stands by and has not won by another entry, locked. Two places that are free at once wait
// for each other: nobody is passed over.
func (s *Draws) NextReserve(ctx context.Context, drawID uuid.UUID) (*draw.Winner, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM draws WHERE id = $1 FOR NO KEY UPDATE`, drawID); err != nil {
		return nil, err
	}
	return s.winner(ctx, `
		WHERE w.draw_id = $1 AND w.outcome = 'RESERVE'
			AND NOT EXISTS (SELECT FROM draw_winners x WHERE x.draw_id = w.draw_id AND x.member_id = w.member_id AND x.outcome IN ('WON', 'ACCEPTED'))
		ORDER BY w.place LIMIT 1 FOR NO KEY UPDATE OF w`, drawID)
}

// UpdateWinner keeps what became of a winner.
func (s *Draws) UpdateWinner(ctx context.Context, w draw.Winner) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE draw_winners SET outcome = $2, rank = $3, answer_by = $4, exchange_id = $5, updated_at = $6 WHERE id = $1`,
		w.ID, w.Outcome, w.Rank, w.AnswerBy, w.ExchangeID, w.UpdatedAt)
	return err
}

// Due are draws in the state whose time has come.
func (s *Draws) Due(ctx context.Context, state draw.State, at time.Time) ([]draw.Draw, error) {
	return collect[draw.Draw](ctx, s.db, `
		SELECT `+drawColumns+` FROM draws WHERE state = $1 AND CASE WHEN state = 'OPEN' THEN closes_at ELSE draws_at END <= $2 ORDER BY id LIMIT 100`, state, at)
}

// Late are winners who have not answered in time.
func (s *Draws) Late(ctx context.Context, at time.Time, most int) ([]uuid.UUID, error) {
	return read(ctx, s.db, `SELECT id FROM draw_winners WHERE outcome = 'WON' AND answer_by < $1 ORDER BY answer_by LIMIT $2`, []any{at, most},
		func(rows pgx.Rows) ([]uuid.UUID, error) { return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]) })
}
