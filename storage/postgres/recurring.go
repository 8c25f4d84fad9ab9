package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/recurring"
)

// Recurring keeps recurring orders in PostgreSQL.
type Recurring struct{ db *DB }

// NewRecurring makes the recurring orders' store.
func NewRecurring(db *DB) *Recurring { return &Recurring{db} }

const recurringColumns = `r.id, r.number, r.brand_id, r.channel_id, r.member_id, r.buyer_role, r.name, r.email, r.language, r.state, r.revision, r.unit, r.every,
	r.first_on, r.next_on, r.announced_on, r.retry_at, r.attempts, r.accepted, r.shipping_address, r.billing_address, r.shipping_method_id, r.shipping_mode,
	r.payment_method, r.convenience_store, r.card_id, r.currency, r.created_at, r.updated_at`

var recurringBasket = holder{table: `recurring_orders`, lines: `recurring_order_lines`, coupons: `recurring_order_coupons`, key: `recurring_id`}

// Insert keeps a new recurring order.
func (s *Recurring) Insert(ctx context.Context, o recurring.Order) error {
	keyID, err := s.db.seal(ctx, &o)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO recurring_orders (id, number, brand_id, channel_id, member_id, buyer_role, name, email, language, state, revision, unit, every, first_on, next_on,
			attempts, accepted, shipping_address, billing_address, shipping_method_id, shipping_mode, payment_method, convenience_store, card_id, currency, created_at, updated_at, key_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $26, $27)`,
		o.ID, o.Number, o.BrandID, o.ChannelID, o.MemberID, o.BuyerRole, o.Name, o.Email, o.Language, o.State, o.Revision, o.Unit, o.Every, o.FirstOn, o.NextOn,
		o.Attempts, o.AcceptedMinor, o.ShippingAddress, o.BillingAddress, o.ShippingMethodID, o.ShippingMode, o.PaymentMethod, o.ConvenienceStore, o.CardID, o.Currency, o.CreatedAt, keyID)
	return s.db.later(ctx, batch)
}

// Save writes what may change in a recurring order.
func (s *Recurring) Save(ctx context.Context, o recurring.Order) error {
	keyID, err := s.db.seal(ctx, &o)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	batch.Queue(`
		UPDATE recurring_orders SET name = @name, email = @email, key_id = @key, state = @state, revision = @revision, unit = @unit, every = @every, first_on = @first, next_on = @next,
			announced_on = @announced, retry_at = @retry, attempts = @attempts, accepted = @accepted, shipping_address = @address, billing_address = @billing,
			shipping_method_id = @method, payment_method = @payment, convenience_store = @store, card_id = @card, updated_at = @at
		WHERE id = @id`, pgx.NamedArgs{
		"id": o.ID, "name": o.Name, "email": o.Email, "key": keyID, "state": o.State, "revision": o.Revision, "unit": o.Unit, "every": o.Every, "first": o.FirstOn, "next": o.NextOn,
		"announced": o.AnnouncedOn, "retry": o.RetryAt, "attempts": o.Attempts, "accepted": o.AcceptedMinor, "address": o.ShippingAddress, "billing": o.BillingAddress,
		"method": o.ShippingMethodID, "payment": o.PaymentMethod, "store": o.ConvenienceStore, "card": o.CardID, "at": o.UpdatedAt,
	})
	return s.db.later(ctx, batch)
}

// SetLines replaces the lines of the recurring order.
func (s *Recurring) SetLines(ctx context.Context, key uuid.UUID, lines []recurring.Line) error {
	type row struct {
		ID          uuid.UUID `json:"id"`
		RecurringID uuid.UUID `json:"recurring_id"`
		Position    int       `json:"position"`
		VariantID   uuid.UUID `json:"variant_id"`
		Quantity    int       `json:"quantity"`
	}
	rows := make([]row, len(lines))
	for i, l := range lines {
		rows[i] = row{l.ID, key, l.Position, l.VariantID, l.Quantity}
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write down the lines of a recurring order: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM recurring_order_lines WHERE recurring_id = $1`, key)
	batch.Queue(`
		INSERT INTO recurring_order_lines (id, recurring_id, position, variant_id, quantity)
		SELECT id, recurring_id, position, variant_id, quantity FROM jsonb_populate_recordset(NULL::recurring_order_lines, $1::jsonb)`, string(raw))
	return s.db.later(ctx, batch)
}

// SetCoupons replaces the coupons of the recurring order.
func (s *Recurring) SetCoupons(ctx context.Context, key uuid.UUID, couponIDs []uuid.UUID) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM recurring_order_coupons WHERE recurring_id = $1`, key)
	batch.Queue(`INSERT INTO recurring_order_coupons (recurring_id, coupon_id, entered_at) SELECT $1, unnest($2::uuid[]), now()`, key, couponIDs)
	return s.db.later(ctx, batch)
}

// Lock reads a recurring order and locks it; nil if there is none.
func (s *Recurring) Lock(ctx context.Context, key uuid.UUID) (*recurring.Order, error) {
	return first[recurring.Order](ctx, s.db, `SELECT `+recurringColumns+` FROM recurring_orders r WHERE r.id = $1 FOR UPDATE`, key)
}

// Basket is what the recurring order holds, as an order takes it.
func (s *Recurring) Basket(ctx context.Context, in cart.Lookup, o recurring.Order) (*cart.Basket, error) {
	return recurringBasket.basket(ctx, s.db, in, o.ID, cart.CustomerOf(&o.MemberID, o.Email))
}

// Note keeps what became of a due day, in place of what is noted of it. A day that was
// ordered stays so.
func (s *Recurring) Note(ctx context.Context, o recurring.Occurrence) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO recurring_occurrences AS n (recurring_id, due_on, result, order_id, problem_code, problem_text, attempts, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (recurring_id, due_on) DO UPDATE SET result = excluded.result, order_id = excluded.order_id, problem_code = excluded.problem_code,
			problem_text = excluded.problem_text, attempts = excluded.attempts, updated_at = excluded.updated_at
		WHERE n.result <> 'PLACED'`,
		o.RecurringID, o.DueOn, o.Result, o.OrderID, o.ProblemCode, o.ProblemText, o.Attempts, o.UpdatedAt)
	return s.db.later(ctx, batch)
}

// Due are active ones of the channel to be placed by the day, or tried again by the moment.
func (s *Recurring) Due(ctx context.Context, channelID uuid.UUID, day, at time.Time, from recurring.Place, most int) ([]recurring.Order, error) {
	return collect[recurring.Order](ctx, s.db, `SELECT `+recurringColumns+` FROM recurring_orders r
		WHERE r.channel_id = $1 AND r.state = 'ACTIVE' AND r.next_on <= $2 AND (r.retry_at IS NULL OR r.retry_at <= $3) AND (r.next_on, r.id) > ($4, $5)
		ORDER BY r.next_on, r.id LIMIT $6`, channelID, day, at, from.On, from.ID, most)
}

// Ahead are active ones due after a day and by another of which the member was not told.
func (s *Recurring) Ahead(ctx context.Context, channelID uuid.UUID, after, by time.Time, from recurring.Place, most int) ([]recurring.Order, error) {
	return collect[recurring.Order](ctx, s.db, `SELECT `+recurringColumns+` FROM recurring_orders r
		WHERE r.channel_id = $1 AND r.state = 'ACTIVE' AND r.next_on > $2 AND r.next_on <= $3 AND r.announced_on IS DISTINCT FROM r.next_on AND (r.next_on, r.id) > ($4, $5)
		ORDER BY r.next_on, r.id LIMIT $6`, channelID, after, by, from.On, from.ID, most)
}

// Attendants are the staff who see to what could not be placed.
func (s *Recurring) Attendants(ctx context.Context) ([]messaging.Address, error) {
	return staffMay(ctx, s.db, access.OrderWrite)
}

// Orders are the recurring orders with the ids.
func (s *Recurring) Orders(ctx context.Context, ids []uuid.UUID) ([]recurring.Order, error) {
	return collect[recurring.Order](ctx, s.db, `SELECT `+recurringColumns+` FROM recurring_orders r WHERE r.id = ANY($1)`, ids)
}

// List is one page of recurring orders, newest first.
func (s *Recurring) List(ctx context.Context, q recurring.Query) (page.Connection[recurring.Order], error) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID, "member": q.MemberID, "states": q.States}
	if q.MemberID != nil {
		where = append(where, `member_id = @member`)
	}
	if len(q.States) > 0 {
		where = append(where, `state = ANY(@states)`)
	}
	if q.Problem {
		where = append(where, `state = 'ACTIVE' AND attempts > 0`)
	}
	return newest(ctx, s.db, recurringColumns, `recurring_orders r`, where, args, q.Page, func(o recurring.Order) newestKey { return newestKey{o.CreatedAt, o.ID} })
}

// Lines are those of the recurring orders, each one's in its order.
func (s *Recurring) Lines(ctx context.Context, ids []uuid.UUID) ([]recurring.Line, error) {
	return collect[recurring.Line](ctx, s.db, `
		SELECT l.id, l.recurring_id, l.position, l.variant_id, v.sku, p.name, v.options, l.quantity
		FROM recurring_order_lines l JOIN variants v ON v.id = l.variant_id JOIN products p ON p.id = v.product_id
		WHERE l.recurring_id = ANY($1) ORDER BY l.recurring_id, l.position`, ids)
}

// Occurrences are the latest of each, the latest first, at most so many.
func (s *Recurring) Occurrences(ctx context.Context, ids []uuid.UUID, most int) ([]recurring.Occurrence, error) {
	return collect[recurring.Occurrence](ctx, s.db, `
		SELECT n.recurring_id, n.due_on, n.result, n.order_id, n.problem_code, n.problem_text, n.attempts, n.updated_at
		FROM unnest($1::uuid[]) AS asked (id) CROSS JOIN LATERAL (
			SELECT * FROM recurring_occurrences o WHERE o.recurring_id = asked.id ORDER BY o.due_on DESC LIMIT $2
		) n ORDER BY n.recurring_id, n.due_on DESC`, ids, most)
}
