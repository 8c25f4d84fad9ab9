package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
)

// Payments keeps payments in PostgreSQL.
type Payments struct{ db *DB }

// NewPayments makes the payments' store.
func NewPayments(db *DB) *Payments { return &Payments{db} }

const paymentColumns = `id, brand_id, order_id, method, gateway, status, currency, amount, authorised, captured, refunded,
	reference, instructions, failure_code, due_at, created_at, updated_at, till, as_points, card_id, owed_back, set_off, uncollected`

// Insert adds a payment.
func (s *Payments) Insert(ctx context.Context, p payment.Payment) error {
	batch := &pgx.Batch{}
	queuePayment(batch, p)
	return s.db.conn(ctx).SendBatch(ctx, batch).Close()
}

func queuePayment(batch *pgx.Batch, p payment.Payment) {
	batch.Queue(`
		INSERT INTO payments (`+paymentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		p.ID, p.BrandID, p.OrderID, p.Method, p.Gateway, p.Status, p.Currency, p.AmountMinor, p.AuthorisedMinor,
		p.CapturedMinor, p.RefundedMinor, p.Reference, p.Instructions, p.FailureCode, p.DueAt, p.CreatedAt, p.UpdatedAt, p.Till, p.AsPointsMinor, p.CardID, p.OwedBackMinor, p.SetOffMinor, p.Uncollected)
}

// Update stores what may change of a payment.
func (s *Payments) Update(ctx context.Context, p payment.Payment) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE payments SET status = $2, authorised = $3, captured = $4, refunded = $5, reference = $6,
			instructions = $7, failure_code = $8, due_at = $9, updated_at = $10, amount = $11, as_points = $12, owed_back = $13, set_off = $14, uncollected = $15
		WHERE id = $1`,
		p.ID, p.Status, p.AuthorisedMinor, p.CapturedMinor, p.RefundedMinor, p.Reference, p.Instructions, p.FailureCode, p.DueAt, p.UpdatedAt, p.AmountMinor, p.AsPointsMinor, p.OwedBackMinor, p.SetOffMinor, p.Uncollected)
	return err
}

// TillCode is the code of the brand's location that is open; empty if there is none.
func (s *Payments) TillCode(ctx context.Context, brandID, locationID uuid.UUID) (string, error) {
	return one[string](ctx, s.db, `SELECT coalesce((SELECT code FROM locations WHERE id = $2 AND brand_id = $1 AND active), '')`, brandID, locationID)
}

// Payment is the payment with the id; nil if there is none.
func (s *Payments) Payment(ctx context.Context, id uuid.UUID) (*payment.Payment, error) {
	return first[payment.Payment](ctx, s.db, `SELECT `+paymentColumns+` FROM payments WHERE id = $1`, id)
}

// Payments are the payments with the ids.
func (s *Payments) Payments(ctx context.Context, ids []uuid.UUID) ([]payment.Payment, error) {
	return collect[payment.Payment](ctx, s.db, `SELECT `+paymentColumns+` FROM payments WHERE id = ANY($1)`, ids)
}

// ByReference is the payment that the gateway knows by the reference; nil if there is none.
func (s *Payments) ByReference(ctx context.Context, gateway, reference string) (*payment.Payment, error) {
	return first[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM payments WHERE gateway = $1 AND reference = $2 AND reference <> '' ORDER BY id LIMIT 1`, gateway, reference)
}

// LockedOf are the payments of one order, locked, oldest first.
func (s *Payments) LockedOf(ctx context.Context, orderID uuid.UUID) ([]payment.Payment, error) {
	return collect[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM payments WHERE order_id = $1 ORDER BY id FOR UPDATE`, orderID)
}

// OfOrders are the payments of many orders, oldest first.
func (s *Payments) OfOrders(ctx context.Context, orderIDs []uuid.UUID) ([]payment.Payment, error) {
	return collect[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM payments WHERE order_id = ANY($1) ORDER BY id`, orderIDs)
}

// Overdue are open payments past their due moment for which nothing has come in, and the
// last of orders that wait for money by none that is open: those behind one of them.
func (s *Payments) Overdue(ctx context.Context, at time.Time, behind payment.Payment, limit int) ([]payment.Payment, error) {
	return collect[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM (
			(SELECT * FROM payments
			WHERE status IN ('PENDING', 'FAILED') AND captured = 0 AND due_at <= @at AND (@due::timestamptz IS NULL OR (due_at, id) > (@due, @id)) ORDER BY due_at, id LIMIT @limit)
			UNION ALL
			(SELECT p.* FROM orders o CROSS JOIN LATERAL (SELECT * FROM payments WHERE order_id = o.id AND due_at IS NOT NULL ORDER BY id DESC LIMIT 1) p
			WHERE o.status = 'PENDING_PAYMENT' AND p.status = 'CANCELLED' AND p.captured = 0 AND p.due_at <= @at AND (@due::timestamptz IS NULL OR (p.due_at, p.id) > (@due, @id))
			ORDER BY p.due_at, p.id LIMIT @limit)
		) p ORDER BY due_at, id LIMIT @limit`, pgx.NamedArgs{"at": at, "due": behind.DueAt, "id": behind.ID, "limit": limit})
}

const operationColumns = `id, payment_id, kind, status, amount, points, (SELECT currency FROM payments WHERE payments.id = payment_id) AS currency, client_key, input_hash, reason, attempts, detail, created_at, last_call_at, answered_at, lookups, look_at`

// InsertOperation adds an operation.
func (s *Payments) InsertOperation(ctx context.Context, o payment.Operation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO payment_operations (id, payment_id, kind, status, amount, client_key, input_hash, reason, attempts, detail, created_at, last_call_at, answered_at, points)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		o.ID, o.PaymentID, o.Kind, o.Status, o.AmountMinor, o.ClientKey, o.InputHash, o.Reason, o.Attempts, o.Detail, o.CreatedAt, o.LastCallAt, o.AnsweredAt, o.Points)
	return err
}

// UpdateOperation stores what may change of an operation. One that has been
// answered stays as it is.
func (s *Payments) UpdateOperation(ctx context.Context, o payment.Operation) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE payment_operations SET status = $2, attempts = $3, detail = $4, last_call_at = $5, answered_at = $6
		WHERE id = $1 AND status = 'OUTSTANDING'`,
		o.ID, o.Status, o.Attempts, o.Detail, o.LastCallAt, o.AnsweredAt)
	return err
}

// Operation is the operation with the id; nil if there is none.
func (s *Payments) Operation(ctx context.Context, id uuid.UUID) (*payment.Operation, error) {
	return first[payment.Operation](ctx, s.db, `SELECT `+operationColumns+` FROM payment_operations WHERE id = $1`, id)
}

// OperationByClientKey is what a client asked for an order under its key; nil if
// it never has.
func (s *Payments) OperationByClientKey(ctx context.Context, orderID uuid.UUID, key string) (*payment.Operation, error) {
	return first[payment.Operation](ctx, s.db, `
		SELECT `+operationColumns+` FROM payment_operations
		WHERE payment_id IN (SELECT id FROM payments WHERE order_id = $1) AND client_key = $2`, orderID, key)
}

// Outstanding are the unanswered operations of one payment, oldest first.
func (s *Payments) Outstanding(ctx context.Context, paymentID uuid.UUID) ([]payment.Operation, error) {
	return collect[payment.Operation](ctx, s.db, `
		SELECT `+operationColumns+` FROM payment_operations WHERE payment_id = $1 AND status = 'OUTSTANDING' ORDER BY id`, paymentID)
}

// Unanswered are operations that have had no answer since before and are to be looked up now,
// oldest first: those behind one of them, from the first behind none.
func (s *Payments) Unanswered(ctx context.Context, now, before time.Time, behind payment.Operation, limit int) ([]payment.Operation, error) {
	return collect[payment.Operation](ctx, s.db, `
		SELECT `+operationColumns+` FROM payment_operations
		WHERE status = 'OUTSTANDING' AND created_at <= $1 AND (last_call_at IS NULL OR last_call_at <= $1)
		  AND (look_at IS NULL OR look_at <= $2) AND (created_at, id) > ($3, $4)
		ORDER BY created_at, id LIMIT $5`, before, now, behind.CreatedAt, behind.ID, limit)
}

// LookAgain writes down how often the operations were looked up, and when they are next.
func (s *Payments) LookAgain(ctx context.Context, all []payment.Operation) error {
	ids, lookups, next := make([]uuid.UUID, len(all)), make([]int, len(all)), make([]*time.Time, len(all))
	for i, o := range all {
		ids[i], lookups[i], next[i] = o.ID, o.Lookups, o.LookAt
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE payment_operations o SET lookups = l.lookups, look_at = l.look_at
		FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS l (id, lookups, look_at) WHERE o.id = l.id`, ids, lookups, next)
	return err
}

// InsertNotice remembers a webhook's event and reports whether it is new.
func (s *Payments) InsertNotice(ctx context.Context, gateway string, n payment.Notice, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO payment_notices (gateway, event_id, type, at, taken_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`, gateway, n.EventID, n.Type, n.At, at)
	return tag.RowsAffected() == 1, err
}

// ForgetNotices drops the events that were taken in before.
func (s *Payments) ForgetNotices(ctx context.Context, before time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `DELETE FROM payment_notices WHERE taken_at < $1`, before)
	return err
}

const transferColumns = `id, payment_id, amount, (SELECT currency FROM payments WHERE payments.id = payment_id) AS currency, payer_name, received_at, note, client_key, recorded_by, created_at`

// InsertTransfer adds an incoming bank transfer.
func (s *Payments) InsertTransfer(ctx context.Context, t payment.Transfer) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO bank_transfers (id, payment_id, amount, payer_name, received_at, note, client_key, recorded_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.PaymentID, t.AmountMinor, t.PayerName, t.ReceivedAt, t.Note, t.ClientKey, t.RecordedBy, t.CreatedAt)
	return err
}

// TransferByKey is the transfer recorded under the client's key; nil if there is none.
func (s *Payments) TransferByKey(ctx context.Context, paymentID uuid.UUID, key string) (*payment.Transfer, error) {
	return first[payment.Transfer](ctx, s.db, `
		SELECT `+transferColumns+` FROM bank_transfers WHERE payment_id = $1 AND client_key = $2`, paymentID, key)
}

// TransfersOf are the transfers that came in for many payments, oldest first.
func (s *Payments) TransfersOf(ctx context.Context, paymentIDs []uuid.UUID) ([]payment.Transfer, error) {
	return collect[payment.Transfer](ctx, s.db, `SELECT `+transferColumns+` FROM bank_transfers WHERE payment_id = ANY($1) ORDER BY id`, paymentIDs)
}

// OperationsOf are the operations of many payments, oldest first.
func (s *Payments) OperationsOf(ctx context.Context, paymentIDs []uuid.UUID) ([]payment.Operation, error) {
	return collect[payment.Operation](ctx, s.db, `SELECT `+operationColumns+` FROM payment_operations WHERE payment_id = ANY($1) ORDER BY id`, paymentIDs)
}

// List is one page of a brand's payments, newest first. Keys are UUIDv7, so their
// order is the order of time.
func (s *Payments) List(ctx context.Context, q payment.Query) (page.Connection[payment.Payment], error) {
	var none page.Connection[payment.Payment]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after uuid.UUID
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	where, args := paymentFilter(q)
	keyset := ""
	if behind {
		keyset = ` AND id < @after`
	}
	args["limit"], args["after"] = size+1, after
	rows, err := collect[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM payments WHERE `+where+keyset+` ORDER BY id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(p payment.Payment) any { return p.ID })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM payments WHERE `+where, args)
	}
	return connection, nil
}

func paymentFilter(q payment.Query) (string, pgx.NamedArgs) {
	where, args := `brand_id = @brand`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.Statuses) > 0 {
		where, args["statuses"] = where+` AND status = ANY(@statuses)`, q.Statuses
	}
	if q.Method != "" {
		where, args["method"] = where+` AND method = @method`, q.Method
	}
	if q.Reference != "" {
		where, args["reference"] = where+` AND reference = @reference`, q.Reference
	}
	if len(q.Stores) > 0 {
		where, args["stores"] = where+` AND order_id IN (SELECT o.id FROM orders o WHERE o.id = order_id AND `+ofStores+`)`, q.Stores
	}
	if q.Attention {
		where += ` AND id IN (` + attended + `)`
	}
	return where, args
}

// attended are the brand's payments that staff should look at, each found by an index of
// what is so: of one payment or all of an order too much, paid short, there before the rest,
// lapsed, refused or unanswered by the gateway.
const attended = `
	SELECT p.id FROM payments p WHERE p.brand_id = @brand AND p.captured - p.refunded > p.amount
	UNION SELECT p.id FROM payments p WHERE p.brand_id = @brand AND p.status = 'PENDING' AND p.captured > 0
	UNION SELECT p.id FROM orders o JOIN payments p ON p.order_id = o.id AND p.captured > p.refunded WHERE o.brand_id = @brand AND o.overpaid > 0
	UNION SELECT p.id FROM orders o JOIN payments p ON p.order_id = o.id AND p.captured > p.refunded WHERE o.brand_id = @brand AND o.status = 'PENDING_PAYMENT'
	UNION SELECT p.id FROM orders o JOIN payments p ON p.order_id = o.id AND p.status = 'CANCELLED'
		WHERE o.brand_id = @brand AND NOT o.paid AND o.payment_method NOT IN ('ON_ACCOUNT', 'CASH_ON_DELIVERY')
		AND o.status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED', 'SHIPPED', 'DELIVERED')
	UNION SELECT p.id FROM payment_operations u JOIN payments p ON p.id = u.payment_id AND p.brand_id = @brand
		WHERE u.status IN ('OUTSTANDING', 'REFUSED') AND u.kind <> 'START'`

// Waiting counts what keeps payments from being settled, for those who watch:
// operations without an answer, operations that a gateway refused in the last
// week, and payments past their time.
func (s *Payments) Waiting(ctx context.Context) (map[string]float64, error) {
	type row struct {
		What string
		N    float64
	}
	rows, err := collect[row](ctx, s.db, `
		SELECT 'unanswered' AS what, count(*)::float8 AS n FROM payment_operations WHERE status = 'OUTSTANDING'
		UNION ALL
		SELECT 'refused', count(*) FROM payment_operations WHERE status = 'REFUSED' AND kind <> 'START' AND created_at > now() - interval '7 days'
		UNION ALL
		SELECT 'overdue', count(*) FROM payments WHERE status IN ('PENDING', 'FAILED') AND captured = 0 AND due_at <= now()`)
	counts := map[string]float64{}
	for _, r := range rows {
		counts[r.What] = r.N
	}
	return counts, err
}
