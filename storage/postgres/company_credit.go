package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/page"
)

// SetCredit sets what a company may owe; what it owes is not touched.
func (s *Companies) SetCredit(ctx context.Context, companyID uuid.UUID, limit int64, policy company.Policy) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE company_credit SET credit_limit = $2, policy = $3 WHERE company_id = $1`, companyID, limit, policy)
	return err
}

// Credit is what the company may owe and owes.
func (s *Companies) Credit(ctx context.Context, companyID uuid.UUID) (company.Credit, error) {
	c, err := first[company.Credit](ctx, s.db, `SELECT currency, credit_limit, used, policy FROM company_credit WHERE company_id = $1`, companyID)
	if err != nil || c == nil {
		return company.Credit{}, err
	}
	return *c, nil
}

// insertEntry writes the entry that "moved" answers the balance of.
const insertEntry = `
	INSERT INTO credit_entries (id, company_id, at, kind, amount, balance, order_id, reference, actor_id)
	SELECT @id, @company, @at, @kind, moved.amount, moved.used, @order, @reference, @actor FROM moved`

func entryArgs(e company.Entry) pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": e.ID, "company": e.CompanyID, "at": e.At, "kind": e.Kind, "amount": e.AmountMinor,
		"order": e.OrderID, "reference": e.Reference, "actor": e.ActorID,
	}
}

// Charge adds the entry if the limit reaches, sets what is owed after it, and reports whether
// it did. Two that charge at once wait for each other on the company's row.
func (s *Companies) Charge(ctx context.Context, e *company.Entry) (bool, error) {
	err := s.db.conn(ctx).QueryRow(ctx, `
		WITH moved AS (
			UPDATE company_credit SET used = used + @amount WHERE company_id = @company AND (used + @amount <= credit_limit OR @amount < 0)
			RETURNING used, @amount::bigint AS amount
		)`+insertEntry+` RETURNING balance`, entryArgs(*e)).Scan(&e.BalanceMinor)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Return adds the entry with the amount that its order took, unless that was none or
// has been given back.
func (s *Companies) Return(ctx context.Context, e *company.Entry) (bool, error) {
	err := s.db.conn(ctx).QueryRow(ctx, `
		WITH charged AS (
			SELECT sum(o.amount)::bigint AS amount FROM credit_entries o WHERE o.order_id = @order AND o.kind IN ('ORDER', 'ADJUSTMENT') AND o.company_id = @company
			AND NOT EXISTS (SELECT 1 FROM credit_entries r WHERE r.order_id = @order AND r.kind = 'CANCELLATION')
			HAVING sum(o.amount) <> 0
		), moved AS (
			UPDATE company_credit SET used = used - charged.amount FROM charged WHERE company_id = @company
			RETURNING used, -charged.amount AS amount
		)`+insertEntry+` RETURNING amount, balance`, entryArgs(*e)).Scan(&e.AmountMinor, &e.BalanceMinor)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// Lessen adds an entry that lessens what the company owes, whatever its limit.
func (s *Companies) Lessen(ctx context.Context, e company.Entry) error {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		WITH moved AS (
			UPDATE company_credit SET used = used + @amount WHERE company_id = @company RETURNING used, @amount::bigint AS amount
		)`+insertEntry, entryArgs(e))
	return errors.Join(err, errNoCredit(tag.RowsAffected()))
}

// LockOwed locks the company's orders that are not paid, in the order of their keys.
func (s *Companies) LockOwed(ctx context.Context, companyID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		SELECT FROM orders WHERE company_id = $1 AND payment_method = 'ON_ACCOUNT' AND NOT paid AND status <> 'CANCELLED' ORDER BY id FOR UPDATE`, companyID)
	return err
}

// openOrders are the orders on account of the company @company that took credit and are not
// paid, with when they first did and what they come to.
const openOrders = `
	SELECT o.id, n.at, n.net FROM orders o
	CROSS JOIN LATERAL (SELECT min(e.at) AS at, sum(e.amount)::bigint AS net FROM credit_entries e WHERE e.order_id = o.id) n
	WHERE o.company_id = @company AND o.payment_method = 'ON_ACCOUNT' AND NOT o.paid AND o.status <> 'CANCELLED' AND n.at IS NOT NULL`

// OwedAfter is what the company's open orders come to that took credit after this one.
func (s *Companies) OwedAfter(ctx context.Context, companyID, orderID uuid.UUID) (int64, error) {
	return one[int64](ctx, s.db, `
		SELECT coalesce(sum(l.net), 0)::bigint FROM (`+openOrders+`) l
		WHERE (l.at, l.id) > ((SELECT min(at) FROM credit_entries WHERE order_id = @order), @order)`, pgx.NamedArgs{"company": companyID, "order": orderID})
}

// Cover marks those of the company's open orders paid that what it owes does not reach. It is
// owed for the newest: where it owes no more than what follows an order, that is paid.
func (s *Companies) Cover(ctx context.Context, companyID, besides uuid.UUID, now time.Time) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		WITH covered AS (
			SELECT l.id FROM (
				SELECT id, coalesce(sum(net) OVER (ORDER BY at DESC, id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS after FROM (`+openOrders+`) o
			) l, company_credit w WHERE w.company_id = @company AND w.used <= l.after AND l.id <> @besides
		), free AS (
			SELECT o.id FROM orders o JOIN covered c ON c.id = o.id WHERE NOT o.paid FOR UPDATE OF o SKIP LOCKED
		)
		UPDATE orders SET paid = true, updated_at = @now WHERE id IN (SELECT id FROM free) RETURNING id`,
		pgx.NamedArgs{"company": companyID, "besides": besides, "now": now})
}

// errNoCredit says that a company lost its credit row, which cannot be.
func errNoCredit(rows int64) error {
	if rows == 1 {
		return nil
	}
	return errors.New("the company has no row of credit")
}

const entryColumns = `e.id, e.company_id, e.at, e.kind, e.amount, e.balance, e.order_id, e.reference, e.actor_id, w.currency`

const entryFrom = ` FROM credit_entries e JOIN company_credit w ON w.company_id = e.company_id JOIN companies c ON c.id = e.company_id `

// Entry is one entry; nil if there is none.
func (s *Companies) Entry(ctx context.Context, entryID uuid.UUID) (*company.Entry, error) {
	return first[company.Entry](ctx, s.db, `SELECT `+entryColumns+entryFrom+`WHERE e.id = $1`, entryID)
}

// Entries is one page of what changed what a company owes, newest first.
func (s *Companies) Entries(ctx context.Context, v company.Viewer, companyID uuid.UUID, args page.Args) (page.Connection[company.Entry], error) {
	return keyset(ctx, s.db, args, entryColumns+entryFrom, `e.company_id = ANY(@ids) AND `+visibleCompany, `(e.at, e.id)`, `e.at DESC, e.id DESC`,
		viewerArgs(v, []uuid.UUID{companyID}),
		func(k placedKey) []any { return []any{k.At, k.ID} }, func(e company.Entry) placedKey { return placedKey{e.At, e.ID} })
}
