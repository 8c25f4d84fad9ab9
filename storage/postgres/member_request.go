package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
)

// Buyer reports whether the account is a company's buyer.
func (s *Members) Buyer(ctx context.Context, accountID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM accounts WHERE id = $1 AND role = 'COMPANY_BUYER' AND closed_at IS NULL)`, accountID)
}

const memberRequestColumns = `id, member_id, brand_id, kind, state, waits_for, actor_role, actor_id, requested_at, done_at`

// InsertRequest keeps a new request.
func (s *Members) InsertRequest(ctx context.Context, r member.Request) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO member_requests (`+memberRequestColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.MemberID, r.BrandID, r.Kind, r.State, r.WaitsFor, r.ActorRole, r.ActorID, r.RequestedAt, r.DoneAt)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "member_requests_erasure" {
		return member.ErrErasureOpen
	}
	return err
}

// UpdateRequest keeps what became of a request.
func (s *Members) UpdateRequest(ctx context.Context, r member.Request) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE member_requests SET state = $2, waits_for = $3, done_at = $4 WHERE id = $1`, r.ID, r.State, r.WaitsFor, r.DoneAt)
	return err
}

// LockRequest is the request, locked; nil if there is none.
func (s *Members) LockRequest(ctx context.Context, requestID uuid.UUID) (*member.Request, error) {
	return first[member.Request](ctx, s.db, `SELECT `+memberRequestColumns+` FROM member_requests WHERE id = $1 FOR UPDATE`, requestID)
}

// WaitingErasures are the requests that wait behind the one given.
func (s *Members) WaitingErasures(ctx context.Context, after uuid.UUID, most int) ([]member.Request, error) {
	return collect[member.Request](ctx, s.db, `
		SELECT `+memberRequestColumns+` FROM member_requests WHERE kind = 'ERASURE' AND state = 'WAITING' AND id > $1 ORDER BY id LIMIT $2`, after, most)
}

// Erasing are those of the members whose erasure waits.
func (s *Members) Erasing(ctx context.Context, memberIDs []uuid.UUID) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT member_id FROM member_requests WHERE member_id = ANY($1) AND kind = 'ERASURE' AND state = 'WAITING' ORDER BY member_id`, memberIDs)
}

// Requests is one page of a brand's requests, newest first.
func (s *Members) Requests(ctx context.Context, q member.RequestQuery) (page.Connection[member.Request], error) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID, "state": q.State}
	if q.State != "" {
		where = append(where, `state = @state`)
	}
	from := `(SELECT *, requested_at AS created_at FROM member_requests) r`
	return newest(ctx, s.db, memberRequestColumns, from, where, args, q.Page, func(r member.Request) newestKey { return newestKey{r.RequestedAt, r.ID} })
}

// Waiting are the requests about the members that still wait: erasures alone do. One is asked
// for in one brand and is of all, so that the brand does not narrow.
func (s *Members) Waiting(ctx context.Context, memberIDs []uuid.UUID) ([]member.Request, error) {
	return collect[member.Request](ctx, s.db, `
		SELECT `+memberRequestColumns+` FROM member_requests WHERE member_id = ANY($1) AND kind = 'ERASURE' AND state = 'WAITING' ORDER BY requested_at DESC, id DESC`, memberIDs)
}

// Unfinished counts the member's orders and prizes that have not left, and returns under way.
func (s *Members) Unfinished(ctx context.Context, memberID uuid.UUID) (orders, returns int, err error) {
	counts, err := first[struct{ Orders, Returns int }](ctx, s.db, `
		SELECT (SELECT count(*) FROM orders WHERE member_id = $1 AND status NOT IN ('SHIPPED', 'DELIVERED', 'CANCELLED'))
				+ (SELECT count(*) FROM prize_exchanges WHERE member_id = $1 AND state IN ('REQUESTED', 'PACKED')) AS orders,
			(SELECT count(*) FROM returns r JOIN orders o ON o.id = r.order_id
				WHERE o.member_id = $1 AND r.status NOT IN ('COMPLETED', 'REJECTED', 'WITHDRAWN')) AS returns`, memberID)
	if err != nil || counts == nil {
		return 0, 0, err
	}
	return counts.Orders, counts.Returns, nil
}

// Erase removes the member's personal data, and what stayed with members who became this
// one. Orders, purchases and entries stay; an account keeps its row under a name that is
// nobody's.
func (s *Members) Erase(ctx context.Context, memberID uuid.UUID, at time.Time) error {
	memberIDs, err := column[uuid.UUID](ctx, s.db, `SELECT id FROM (`+mergedToo+`) m`, []uuid.UUID{memberID})
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, table := range []string{"profiles", "saved_addresses", "pets"} {
		batch.Queue(`DELETE FROM `+table+` WHERE member_id = ANY($1)`, memberIDs)
	}
	batch.Queue(`DELETE FROM carts WHERE member_id = ANY($1)`, memberIDs)
	batch.Queue(`DELETE FROM one_time_tokens WHERE account_id = ANY($1)`, memberIDs)
	batch.Queue(`DELETE FROM return_photos p USING returns r, orders o WHERE r.id = p.return_id AND o.id = r.order_id AND o.member_id = ANY($1)`, memberIDs)
	batch.Queue(`UPDATE accounts SET email = id::text || '@erased.invalid', name = '', address_hash = NULL, key_id = NULL, updated_at = $2 WHERE id = ANY($1)`, memberIDs, at)
	batch.Queue(`UPDATE members SET household_id = NULL, erased_at = $2, updated_at = $2 WHERE id = ANY($1)`, memberIDs, at)
	queueForget(batch, memberIDs, at)
	queueLeave(batch, memberIDs, at)
	batch.Queue(`UPDATE purchase_corrections SET reason = '' WHERE (from_id = ANY($1) OR to_id = ANY($1)) AND reason <> ''`, memberIDs)
	// What staff said of a card names who was erased no more, nor do receipts to come; what
	// they said of a receipt of theirs is a person's words too.
	batch.Queue(`UPDATE purchase_problems SET member_id = NULL, reason = '', state = 'IGNORED' WHERE member_id = ANY($1)`, memberIDs)
	batch.Queue(`
		UPDATE purchase_problems SET reason = '' WHERE kind = 'RECEIPT' AND reason <> '' AND purchase_id IN (
			SELECT id FROM purchases WHERE member_id = ANY($1) OR voided_of = ANY($1)
			UNION SELECT purchase_id FROM purchase_corrections WHERE from_id = ANY($1) OR to_id = ANY($1))`, memberIDs)
	batch.Queue(`UPDATE duplicate_members SET reason = '' WHERE (member_id = ANY($1) OR other_id = ANY($1)) AND reason <> ''`, memberIDs)
	batch.Queue(`UPDATE recurring_orders SET name = '', email = '', shipping_address = '{}', billing_address = NULL, updated_at = $2 WHERE member_id = ANY($1)`, memberIDs, at)
	batch.Queue(`UPDATE quotations SET name = '', email = '', found = NULL, internal_note = '', updated_at = $2 WHERE member_id = ANY($1)`, memberIDs, at)
	batch.Queue(`UPDATE quotation_lines l SET note = '' FROM quotations q WHERE q.id = l.quotation_id AND q.member_id = ANY($1) AND l.note <> ''`, memberIDs)
	batch.Queue(`UPDATE quotation_offers o SET message = '' FROM quotations q WHERE q.id = o.quotation_id AND q.member_id = ANY($1) AND o.message <> ''`, memberIDs)
	batch.Queue(`
		UPDATE draft_orders SET name = '', phone = '', email = '', found = NULL, note = '', message = '', shipping_address = NULL, billing_address = NULL, updated_at = $2
		WHERE member_id = ANY($1)`, memberIDs, at)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}
