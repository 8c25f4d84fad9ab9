package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/voucher"
)

// Vouchers keeps vouchers in PostgreSQL.
type Vouchers struct{ db *DB }

// NewVouchers makes the vouchers' store.
func NewVouchers(db *DB) *Vouchers { return &Vouchers{db} }

const (
	voucherBatchColumns  = `id, brand_id, name, source, state, for_prizes, value, currency, count, made, expires_at, secret, note, created_at, updated_at, exported_at`
	voucherColumns       = `id, batch_id, brand_id, serial, ending, state, value, balance, currency, source, secret, member_id, exchange_id, expires_at, reason, created_at, updated_at`
	joinedVoucherColumns = `v.id, v.batch_id, v.brand_id, v.serial, v.ending, v.state, b.value, v.balance, b.currency, b.source, v.secret, v.member_id, v.exchange_id, v.expires_at, v.reason, v.created_at, v.updated_at`
	voucherByHash        = `SELECT ` + joinedVoucherColumns + `, v.code_hash FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id WHERE v.brand_id = $1 AND v.code_hash = ANY($2)`
	voucherRows          = `(SELECT v.*, b.value, b.currency, b.source FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id) v`
)

// InsertBatch keeps a new batch.
func (s *Vouchers) InsertBatch(ctx context.Context, b voucher.Batch) error {
	_, err := s.db.conn(ctx).Exec(ctx, `INSERT INTO voucher_batches (`+voucherBatchColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		b.ID, b.BrandID, b.Name, b.Source, b.State, b.ForPrizes, b.ValueMinor, b.Currency, b.Count, b.Made, b.ExpiresAt, b.Secret, b.Note, b.CreatedAt, b.UpdatedAt, b.ExportedAt)
	return err
}

// LockBatch is the batch, locked; of any brand for none.
func (s *Vouchers) LockBatch(ctx context.Context, brandID, batchID uuid.UUID) (*voucher.Batch, error) {
	return first[voucher.Batch](ctx, s.db, `
		SELECT `+voucherBatchColumns+` FROM voucher_batches WHERE id = $2 AND (brand_id = $1 OR $1 = '00000000-0000-0000-0000-000000000000') FOR NO KEY UPDATE`, brandID, batchID)
}

// Batch is nil if there is none.
func (s *Vouchers) Batch(ctx context.Context, batchID uuid.UUID) (*voucher.Batch, error) {
	return first[voucher.Batch](ctx, s.db, `SELECT `+voucherBatchColumns+` FROM voucher_batches WHERE id = $1`, batchID)
}

// UpdateBatch keeps what may change of a batch.
func (s *Vouchers) UpdateBatch(ctx context.Context, b voucher.Batch) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE voucher_batches SET state = $2, made = $3, secret = $4, updated_at = $5, exported_at = $6 WHERE id = $1`,
		b.ID, b.State, b.Made, b.Secret, b.UpdatedAt, b.ExportedAt)
	return err
}

// Batches is one page of a brand's batches, newest first.
func (s *Vouchers) Batches(ctx context.Context, brandID uuid.UUID, p page.Args) (page.Connection[voucher.Batch], error) {
	return newest(ctx, s.db, voucherBatchColumns, `voucher_batches`, []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": brandID}, p,
		func(b voucher.Batch) newestKey { return newestKey{b.CreatedAt, b.ID} })
}

// Insert writes vouchers, by COPY.
func (s *Vouchers) Insert(ctx context.Context, all []voucher.NewVoucher) error {
	if err := s.db.flush(ctx); err != nil {
		return err
	}
	columns := []string{"id", "batch_id", "brand_id", "serial", "code_hash", "ending", "state", "balance", "secret", "expires_at", "created_at", "updated_at"}
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"vouchers"}, columns, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
		v := all[i]
		return []any{v.ID, v.BatchID, v.BrandID, v.Serial, v.Hash, v.Ending, v.Kept, v.BalanceMinor, v.Secret, v.ExpiresAt, v.CreatedAt, v.UpdatedAt}, nil
	}))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "vouchers_code_hash_key" {
		return voucher.ErrThere.At("codes")
	}
	return err
}

// ByHash are the brand's vouchers with the hashes.
func (s *Vouchers) ByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]voucher.NewVoucher, error) {
	return collect[voucher.NewVoucher](ctx, s.db, voucherByHash, brandID, hashes)
}

// LockByHash are the same, locked by their ids' order.
func (s *Vouchers) LockByHash(ctx context.Context, brandID uuid.UUID, hashes [][]byte) ([]voucher.NewVoucher, error) {
	return collect[voucher.NewVoucher](ctx, s.db, voucherByHash+` ORDER BY v.id FOR NO KEY UPDATE OF v`, brandID, hashes)
}

// Lock are the brand's vouchers with the ids, locked by their order.
func (s *Vouchers) Lock(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID) ([]voucher.Voucher, error) {
	return collect[voucher.Voucher](ctx, s.db, `
		SELECT `+joinedVoucherColumns+` FROM vouchers v JOIN voucher_batches b ON b.id = v.batch_id
		WHERE v.brand_id = $1 AND v.id = ANY($2) ORDER BY v.id FOR NO KEY UPDATE OF v`, brandID, ids)
}

// locked are vouchers of the ids that a statement locks.
func (s *Vouchers) locked(ctx context.Context, lock string, args ...any) ([]voucher.Voucher, error) {
	ids, err := read(ctx, s.db, lock, args, func(rows pgx.Rows) ([]uuid.UUID, error) { return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]) })
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return collect[voucher.Voucher](ctx, s.db, `SELECT `+voucherColumns+` FROM `+voucherRows+` WHERE id = ANY($1) ORDER BY id`, ids)
}

// LockFree are vouchers that nobody has.
func (s *Vouchers) LockFree(ctx context.Context, batchID uuid.UUID, at time.Time, most int) ([]voucher.Voucher, error) {
	return s.locked(ctx, `
		SELECT id FROM vouchers WHERE batch_id = $1 AND state = 'ISSUED' AND (expires_at IS NULL OR expires_at > $2)
		ORDER BY serial LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED`, batchID, at, most)
}

// LockLive are the brand's vouchers that are worth something yet, or got money back when
// they were void.
func (s *Vouchers) LockLive(ctx context.Context, brandID uuid.UUID, ids []uuid.UUID, batchID *uuid.UUID, most int) ([]voucher.Voucher, error) {
	return s.locked(ctx, `
		SELECT id FROM vouchers WHERE brand_id = $1 AND (state NOT IN ('REDEEMED', 'VOID') OR balance > 0) AND id = ANY(ARRAY(
			SELECT unnest($2::uuid[]) UNION ALL (SELECT id FROM vouchers WHERE batch_id = $3 AND (state NOT IN ('REDEEMED', 'VOID') OR balance > 0) ORDER BY id LIMIT $4)))
		ORDER BY id LIMIT $4 FOR NO KEY UPDATE`, brandID, ids, batchID, most)
}

// LockExpired are vouchers with money on them whose time is over.
func (s *Vouchers) LockExpired(ctx context.Context, at time.Time, most int) ([]voucher.Voucher, error) {
	return s.locked(ctx, `SELECT id FROM vouchers WHERE expires_at <= $1 AND balance > 0 AND state <> 'VOID' ORDER BY id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED`, at, most)
}

// Update keeps what became of vouchers, and why.
func (s *Vouchers) Update(ctx context.Context, all []voucher.Voucher, entries []voucher.Entry) error {
	batch := &pgx.Batch{}
	queueVouchers(batch, all)
	queueVoucherEntries(batch, entries)
	return s.db.later(ctx, batch)
}

// queueVouchers queues one statement for all.
func queueVouchers(batch *pgx.Batch, all []voucher.Voucher) {
	n := len(all)
	ids, states, balances, secrets, reasons := make([]uuid.UUID, n), make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
	members, exchanges, updated, expiries := make([]*uuid.UUID, n), make([]*uuid.UUID, n), make([]time.Time, n), make([]*time.Time, n)
	for i, v := range all {
		ids[i], states[i], balances[i], secrets[i], reasons[i] = v.ID, string(v.Kept), v.BalanceMinor, v.Secret, v.Reason
		members[i], exchanges[i], updated[i], expiries[i] = v.MemberID, v.ExchangeID, v.UpdatedAt, v.ExpiresAt
	}
	batch.Queue(`
		UPDATE vouchers v SET state = u.state, balance = u.balance, secret = u.secret, member_id = u.member, exchange_id = u.exchange, reason = u.reason, updated_at = u.updated, expires_at = u.expiry
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[], $9::timestamptz[])
			AS u (id, state, balance, secret, member, exchange, reason, updated, expiry)
		WHERE v.id = u.id`, ids, states, balances, secrets, members, exchanges, reasons, updated, expiries)
}

// queueVoucherEntries queues one statement for all.
func queueVoucherEntries(batch *pgx.Batch, all []voucher.Entry) {
	n := len(all)
	if n == 0 {
		return
	}
	ids, vouchers, kinds, amounts := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]int64, n)
	places, references, actors, times := make([]string, n), make([]string, n), make([]*uuid.UUID, n), make([]time.Time, n)
	orders, payments := make([]*uuid.UUID, n), make([]*uuid.UUID, n)
	for i, e := range all {
		ids[i], vouchers[i], kinds[i], amounts[i] = e.ID, e.VoucherID, string(e.Kind), e.AmountMinor
		places[i], references[i], actors[i], times[i] = string(e.Place), e.Reference, e.ActorID, e.At
		orders[i], payments[i] = e.OrderID, e.PaymentID
	}
	batch.Queue(`
		INSERT INTO voucher_entries (id, voucher_id, kind, amount, place, reference, actor_id, at, order_id, payment_id)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::uuid[], $8::timestamptz[], $9::uuid[], $10::uuid[])`,
		ids, vouchers, kinds, amounts, places, references, actors, times, orders, payments)
}

// List is one page of a brand's vouchers, newest first.
func (s *Vouchers) List(ctx context.Context, q voucher.Query) (page.Connection[voucher.Voucher], error) {
	where := []string{`brand_id = @brand`}
	if q.BatchID != nil {
		where = append(where, `batch_id = @batch`)
	}
	if q.MemberID != nil {
		where = append(where, `member_id = @member`)
	}
	if q.Ending != "" {
		where = append(where, `ending = @ending`)
	}
	if q.State != nil {
		where = append(where, voucherIs(*q.State))
	}
	args := pgx.NamedArgs{"brand": q.BrandID, "batch": q.BatchID, "member": q.MemberID, "ending": q.Ending, "state": q.State, "at": q.At}
	return newest(ctx, s.db, voucherColumns, voucherRows, where, args, q.Page, func(v voucher.Voucher) newestKey { return newestKey{v.CreatedAt, v.ID} })
}

// voucherIs says that a voucher is in the state @state at the moment @at: what is neither used
// nor void is over when its time is.
func voucherIs(state voucher.State) string {
	switch state {
	case voucher.Expired:
		return `state NOT IN ('REDEEMED', 'VOID') AND expires_at <= @at`
	case voucher.Redeemed, voucher.Void:
		return `state = @state`
	}
	return `state = @state AND (expires_at IS NULL OR expires_at > @at)`
}

// OfMember are the member's vouchers, newest first.
func (s *Vouchers) OfMember(ctx context.Context, brandID, memberID uuid.UUID) ([]voucher.Voucher, error) {
	return collect[voucher.Voucher](ctx, s.db, `
		SELECT `+voucherColumns+` FROM `+voucherRows+` WHERE brand_id = $1 AND member_id = $2 ORDER BY updated_at DESC, id DESC LIMIT 500`, brandID, memberID)
}

// OfExchanges are the vouchers that were handed out for exchanges.
func (s *Vouchers) OfExchanges(ctx context.Context, exchangeIDs []uuid.UUID) ([]voucher.Voucher, error) {
	return collect[voucher.Voucher](ctx, s.db, `SELECT `+voucherColumns+` FROM `+voucherRows+` WHERE exchange_id = ANY($1) ORDER BY id`, exchangeIDs)
}

// HandedBy are the vouchers of an exchange with which one of the staff served a member since.
func (s *Vouchers) HandedBy(ctx context.Context, staffID, exchangeID uuid.UUID, since time.Time) ([]voucher.Voucher, error) {
	return collect[voucher.Voucher](ctx, s.db, `SELECT `+voucherColumns+` FROM `+voucherRows+` WHERE exchange_id = (
		SELECT id FROM prize_exchanges WHERE id = $1 AND served_by = $2 AND created_at > $3) ORDER BY id`, exchangeID, staffID, since)
}

// EntriesOf are the changes of the vouchers, oldest first.
func (s *Vouchers) EntriesOf(ctx context.Context, voucherIDs []uuid.UUID) ([]voucher.Entry, error) {
	return collect[voucher.Entry](ctx, s.db, `
		SELECT e.id, e.voucher_id, e.kind, e.amount, b.currency, e.place, e.reference, e.actor_id, e.at, e.order_id, e.payment_id
		FROM voucher_entries e JOIN vouchers v ON v.id = e.voucher_id JOIN voucher_batches b ON b.id = v.batch_id WHERE e.voucher_id = ANY($1) ORDER BY e.id`, voucherIDs)
}

// Failed counts a wrong code, and answers how many there were since.
func (s *Vouchers) Failed(ctx context.Context, who string, since, at time.Time) (int, error) {
	return one[int](ctx, s.db, `
		INSERT INTO voucher_locks AS l (who, failures, since) VALUES ($1, 1, $3)
		ON CONFLICT (who) DO UPDATE SET failures = CASE WHEN l.since < $2 THEN 1 ELSE l.failures + 1 END, since = CASE WHEN l.since < $2 THEN $3 ELSE l.since END
		RETURNING failures`, who, since, at)
}

// Forbid lets somebody enter no code until then.
func (s *Vouchers) Forbid(ctx context.Context, who string, until time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE voucher_locks SET until = $2, failures = 0 WHERE who = $1`, who, until)
	return err
}

// Forbidden is until when somebody may enter no code.
func (s *Vouchers) Forbidden(ctx context.Context, who string, at time.Time) (*time.Time, error) {
	found, err := first[struct{ Until time.Time }](ctx, s.db, `SELECT until FROM voucher_locks WHERE who = $1 AND until > $2`, who, at)
	if err != nil || found == nil {
		return nil, err
	}
	return &found.Until, nil
}
