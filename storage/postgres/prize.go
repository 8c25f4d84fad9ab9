package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/sealing"
)

// Prizes keeps prizes and exchanges in PostgreSQL.
type Prizes struct {
	db   *DB
	keys *sealing.Keys
}

// NewPrizes makes the prizes' store; keys seal addresses.
func NewPrizes(db *DB, keys *sealing.Keys) *Prizes { return &Prizes{db, keys} }

const (
	prizeColumns    = `id, brand_id, programme_id, kind, code, name, description, points, stock, member_limit, limit_days, valid_from, valid_until, min_rank_id, segment_id, batch_id, created_at, updated_at, closed_at`
	exchangeColumns = `id, prize_id, brand_id, programme_id, member_id, quantity, points, state, address AS stored, carrier, tracking_number, reason, created_at, updated_at, shipped_at, delivered_at, exported_at, shop_id, served_by, prize_name, prize_code, prize_kind`
	exchangeRows    = `(SELECT e.*, p.name AS prize_name, p.code AS prize_code, p.kind AS prize_kind FROM prize_exchanges e JOIN prizes p ON p.id = e.prize_id) e`
)

// Prizes are those of the ids.
func (s *Prizes) Prizes(ctx context.Context, prizeIDs []uuid.UUID) ([]prize.Prize, error) {
	return collect[prize.Prize](ctx, s.db, `SELECT `+prizeColumns+` FROM prizes WHERE id = ANY($1)`, prizeIDs)
}

// List is one page of a brand's prizes, newest first.
func (s *Prizes) List(ctx context.Context, q prize.ListQuery) (page.Connection[prize.Prize], error) {
	where := []string{`brand_id = @brand`}
	if !q.All {
		where = append(where, `closed_at IS NULL AND points > 0 AND (valid_from IS NULL OR valid_from <= @now) AND (valid_until IS NULL OR valid_until > @now)`)
	}
	return newest(ctx, s.db, prizeColumns, `prizes`, where, pgx.NamedArgs{"brand": q.BrandID, "now": q.At}, q.Page, func(p prize.Prize) newestKey { return newestKey{p.CreatedAt, p.ID} })
}

// Save inserts a prize, or changes what may change: not the stock.
func (s *Prizes) Save(ctx context.Context, p prize.Prize) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO prizes (`+prizeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (id) DO UPDATE SET code = $5, name = $6, description = $7, points = $8, member_limit = $10, limit_days = $11, valid_from = $12, valid_until = $13,
			min_rank_id = $14, segment_id = $15, batch_id = $16, updated_at = $18, closed_at = $19`,
		p.ID, p.BrandID, p.ProgrammeID, p.Kind, p.Code, p.Name, p.Description.OrNone(), p.Points, p.Stock, p.MemberLimit, p.LimitDays, p.ValidFrom, p.ValidUntil,
		p.MinRankID, p.SegmentID, p.BatchID, p.CreatedAt, p.UpdatedAt, p.ClosedAt)
	return err
}

// MoveStock adds pieces, or takes some away; false if there were fewer than none.
func (s *Prizes) MoveStock(ctx context.Context, prizeID uuid.UUID, by int64, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE prizes SET stock = stock + $2, updated_at = $3 WHERE id = $1 AND stock + $2 >= 0`, prizeID, by, at)
	return tag.RowsAffected() > 0, err
}

// MoveStocks adds so many pieces to each of the brand's prizes, locked in one order whoever
// asks; of those that there are it answers what became of it.
func (s *Prizes) MoveStocks(ctx context.Context, brandID uuid.UUID, by map[uuid.UUID]int64, at time.Time) (map[uuid.UUID]prize.Moved, error) {
	ids, pieces := make([]uuid.UUID, 0, len(by)), make([]int64, 0, len(by))
	for prizeID, n := range by {
		ids, pieces = append(ids, prizeID), append(pieces, n)
	}
	rows, err := collect[struct {
		ID uuid.UUID
		prize.Moved
	}](ctx, s.db, `
		WITH locked AS (
			SELECT p.id, p.stock, p.batch_id FROM prizes p WHERE p.brand_id = $1 AND p.id = ANY($2) ORDER BY p.id FOR NO KEY UPDATE
		), moved AS (
			UPDATE prizes p SET stock = p.stock + w.n, updated_at = $4 FROM locked l JOIN unnest($2::uuid[], $3::bigint[]) AS w (id, n) ON w.id = l.id
			WHERE p.id = l.id AND p.stock + w.n >= 0 RETURNING p.id
		)
		SELECT l.id, m.id IS NOT NULL AS enough, l.batch_id FROM locked l LEFT JOIN moved m ON m.id = l.id`, brandID, ids, pieces, at)
	moved := make(map[uuid.UUID]prize.Moved, len(rows))
	for _, r := range rows {
		moved[r.ID] = r.Moved
	}
	return moved, err
}

// Pools are what the batches have and promise. They are locked first, so that of two who
// promise at once the second counts what the first did.
func (s *Prizes) Pools(ctx context.Context, batchIDs []uuid.UUID, at time.Time) ([]prize.Pool, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM voucher_batches WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE`, batchIDs); err != nil {
		return nil, err
	}
	return collect[prize.Pool](ctx, s.db, `
		SELECT b.id AS batch_id,
			b.count - b.made + (SELECT count(*) FROM vouchers v WHERE v.batch_id = b.id AND v.state = 'ISSUED' AND (v.expires_at IS NULL OR v.expires_at > $2)) AS free,
			((SELECT coalesce(sum(p.stock), 0) FROM prizes p WHERE p.batch_id = b.id AND p.closed_at IS NULL)
			+ (SELECT coalesce(sum(r.count), 0) FROM prizes p JOIN draw_ranks r ON r.prize_id = p.id JOIN draws d ON d.id = r.draw_id WHERE p.batch_id = b.id AND d.state IN ('OPEN', 'CLOSED'))
			+ (SELECT count(*) FROM prizes p JOIN draw_ranks r ON r.prize_id = p.id JOIN draw_winners w ON w.draw_id = r.draw_id AND w.rank = r.position WHERE p.batch_id = b.id AND w.outcome = 'WON')
			)::bigint AS promised
		FROM voucher_batches b WHERE b.id = ANY($1)`, batchIDs, at)
}

// TakeStock takes pieces at what each costs, while it is offered.
func (s *Prizes) TakeStock(ctx context.Context, prizeID uuid.UUID, pieces int, each int64, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE prizes SET stock = stock - $2, updated_at = greatest(updated_at, $4) WHERE id = $1 AND stock >= $2 AND points = $3 AND closed_at IS NULL`, prizeID, pieces, each, at)
	return tag.RowsAffected() > 0, err
}

// Taken is how many pieces the member got since.
func (s *Prizes) Taken(ctx context.Context, prizeID, memberID uuid.UUID, since *time.Time) (int, error) {
	return one[int](ctx, s.db, `
		SELECT coalesce(sum(quantity), 0)::int FROM prize_exchanges
		WHERE prize_id = $1 AND member_id = $2 AND state <> 'CANCELLED' AND points > 0 AND ($3::timestamptz IS NULL OR created_at >= $3)`, prizeID, memberID, since)
}

// RankReached reports whether the member's rank is the rank, or one for more spend.
func (s *Prizes) RankReached(ctx context.Context, brandID, memberID, rankID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (
			SELECT FROM memberships j JOIN member_ranks has ON has.id = j.rank_id JOIN member_ranks least ON least.id = $3
			WHERE j.member_id = $2 AND j.brand_id = $1 AND j.ended_at IS NULL AND has.min_spend >= least.min_spend)`, brandID, memberID, rankID)
}

// RankOf reports whether the brand has the rank.
func (s *Prizes) RankOf(ctx context.Context, brandID, rankID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM member_ranks WHERE id = $2 AND brand_id = $1 AND closed_at IS NULL)`, brandID, rankID)
}

// sealed is the exchange's address as its column holds it.
func (s *Prizes) sealed(ctx context.Context, e prize.Exchange) (stored json.RawMessage, keyID *string, err error) {
	if e.Address == nil {
		return nil, nil, nil
	}
	stored, key, err := sealAddress(ctx, s.keys, e.ID, *e.Address)
	return stored, &key, err
}

// Insert keeps a new exchange.
func (s *Prizes) Insert(ctx context.Context, e prize.Exchange) error {
	stored, keyID, err := s.sealed(ctx, e)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO prize_exchanges (id, prize_id, brand_id, programme_id, member_id, quantity, points, state, address, key_id, created_at, updated_at, delivered_at, shop_id, served_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		e.ID, e.PrizeID, e.BrandID, e.ProgrammeID, e.MemberID, e.Quantity, e.Points, e.State, stored, keyID, e.CreatedAt, e.UpdatedAt, e.DeliveredAt, e.ShopID, e.ServedBy)
	return s.db.later(ctx, batch)
}

// storedExchange is an exchange as its row holds it.
type storedExchange struct {
	prize.Exchange
	Stored json.RawMessage
}

func (s *Prizes) opened(ctx context.Context, r storedExchange) (prize.Exchange, error) {
	if len(r.Stored) == 0 || string(r.Stored) == "null" {
		return r.Exchange, nil
	}
	a, err := openAddress(ctx, s.keys, r.ID, r.Stored)
	r.Address = &a
	return r.Exchange, err
}

func (s *Prizes) exchanges(ctx context.Context, rest string, args ...any) ([]prize.Exchange, error) {
	rows, err := collect[storedExchange](ctx, s.db, `SELECT `+exchangeColumns+` FROM `+exchangeRows+` `+rest, args...)
	if err != nil {
		return nil, err
	}
	all := make([]prize.Exchange, len(rows))
	for i, r := range rows {
		if all[i], err = s.opened(ctx, r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Exchange is nil if there is none.
func (s *Prizes) Exchange(ctx context.Context, exchangeID uuid.UUID) (*prize.Exchange, error) {
	all, err := s.exchanges(ctx, `WHERE id = $1`, exchangeID)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// Referred is the brand's exchange whose id ends so, locked.
func (s *Prizes) Referred(ctx context.Context, brandID uuid.UUID, ending string) (*prize.Exchange, error) {
	ids, err := column[uuid.UUID](ctx, s.db, `SELECT id FROM prize_exchanges WHERE brand_id = $1 AND right(id::text, 12) = $2 FOR NO KEY UPDATE`, brandID, ending)
	if err != nil || len(ids) != 1 {
		return nil, err
	}
	return s.Exchange(ctx, ids[0])
}

// Lock are the brand's exchanges of the ids, locked by their order.
func (s *Prizes) Lock(ctx context.Context, brandID uuid.UUID, exchangeIDs []uuid.UUID) ([]prize.Exchange, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, `SELECT FROM prize_exchanges WHERE brand_id = $1 AND id = ANY($2) ORDER BY id FOR NO KEY UPDATE`, brandID, exchangeIDs); err != nil {
		return nil, err
	}
	return s.exchanges(ctx, `WHERE brand_id = $1 AND id = ANY($2) ORDER BY id`, brandID, exchangeIDs)
}

// Update keeps how far exchanges have come.
func (s *Prizes) Update(ctx context.Context, all []prize.Exchange) error {
	n := len(all)
	ids, states, carriers, numbers, reasons := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	updated, shipped, delivered := make([]time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	for i, e := range all {
		ids[i], states[i], carriers[i], numbers[i], reasons[i] = e.ID, string(e.State), e.Carrier, e.TrackingNumber, e.Reason
		updated[i], shipped[i], delivered[i] = e.UpdatedAt, e.ShippedAt, e.DeliveredAt
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE prize_exchanges e SET state = u.state, carrier = u.carrier, tracking_number = u.number, reason = u.reason, updated_at = u.updated, shipped_at = u.shipped, delivered_at = u.delivered
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[])
			AS u (id, state, carrier, number, reason, updated, shipped, delivered)
		WHERE e.id = u.id`, ids, states, carriers, numbers, reasons, updated, shipped, delivered)
	return s.db.later(ctx, batch)
}

// Exchanges is one page of a brand's exchanges, newest first.
func (s *Prizes) Exchanges(ctx context.Context, q prize.ExchangeQuery) (page.Connection[prize.Exchange], error) {
	where := []string{`brand_id = @brand`}
	if q.MemberID != nil {
		where = append(where, `member_id = @member`)
	}
	if q.PrizeID != nil {
		where = append(where, `prize_id = @prize`)
	}
	if q.State != "" {
		where = append(where, `state = @state`)
	}
	if q.Exported != nil {
		where = append(where, `(exported_at IS NOT NULL) = @exported`)
	}
	if q.ToSend {
		where = append(where, `prize_kind = 'GOODS' AND state IN ('REQUESTED', 'PACKED')`)
	}
	args := pgx.NamedArgs{"brand": q.BrandID, "member": q.MemberID, "prize": q.PrizeID, "state": q.State, "exported": q.Exported}
	rows, err := newest(ctx, s.db, exchangeColumns, exchangeRows, where, args, q.Page, func(r storedExchange) newestKey { return newestKey{r.CreatedAt, r.ID} })
	if err != nil {
		return page.Connection[prize.Exchange]{}, err
	}
	for i := range rows.Edges {
		if rows.Edges[i].Node.Exchange, err = s.opened(ctx, rows.Edges[i].Node); err != nil {
			return page.Connection[prize.Exchange]{}, err
		}
	}
	return page.Map(rows, func(r storedExchange) prize.Exchange { return r.Exchange }), nil
}

// Accounts are where accounts that are open are written to.
func (s *Prizes) Accounts(ctx context.Context, memberIDs []uuid.UUID) ([]prize.Contact, error) {
	return collect[prize.Contact](ctx, s.db, `SELECT id, name, email, language FROM accounts WHERE id = ANY($1) AND closed_at IS NULL`, memberIDs)
}

// ToShip are exchanges of goods in the states, the oldest first, behind the one.
func (s *Prizes) ToShip(ctx context.Context, brandID uuid.UUID, states []prize.State, after *uuid.UUID, most int) ([]prize.Exchange, error) {
	return s.exchanges(ctx, `
		WHERE brand_id = $1 AND state = ANY($2) AND state IN ('REQUESTED', 'PACKED')
			AND ($3::uuid IS NULL OR (created_at, id) > (SELECT created_at, id FROM prize_exchanges WHERE id = $3))
		ORDER BY created_at, id LIMIT $4`, brandID, states, after, most)
}
