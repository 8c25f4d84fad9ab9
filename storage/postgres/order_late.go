package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/order"
)

// lateOrder is the condition that the order o should have left before today, or that what
// its customer was promised was taken back. The index orders_to_leave has what it asks.
const lateOrder = `o.status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED') AND o.shipping_mode <> 'PICK_UP' AND o.ship_by IS NOT NULL
	AND (o.ship_by < @today::date OR o.promised_on IS NULL)`

// lateShipment is the condition that the shipment h was instructed and should have left
// before today: where no day was told, two days after it was instructed.
const lateShipment = `h.status = 'INSTRUCTED' AND coalesce(h.ship_by, (h.instructed_at AT TIME ZONE 'Asia/Tokyo')::date + 2) < @today::date
	AND NOT EXISTS (SELECT FROM pick_ups u WHERE u.order_id = h.order_id)`

// LateOrders are the first late orders of the brand, and the first of each shop.
func (s *Orders) LateOrders(ctx context.Context, brandID uuid.UUID, today time.Time, most int) ([]order.LateOrder, error) {
	return collect[order.LateOrder](ctx, s.db, `
		SELECT l.number, l.shop_id, l.ship_by, l.status, l.held, l.nth, l.whole, l.there FROM (
			SELECT o.id, o.number, o.shop_id, o.ship_by, o.status, o.held <> '' AS held,
				row_number() OVER (ORDER BY o.ship_by, o.id) AS nth, count(*) OVER () AS whole,
				row_number() OVER (PARTITION BY o.shop_id ORDER BY o.ship_by, o.id) AS nth_there, count(*) OVER (PARTITION BY o.shop_id) AS there
			FROM orders o WHERE o.brand_id = @brand AND `+lateOrder+`
		) l WHERE l.nth <= @most OR l.shop_id IS NOT NULL AND l.nth_there <= @most ORDER BY l.nth`,
		pgx.NamedArgs{"brand": brandID, "today": today, "most": most})
}

// Shippers are the staff who send orders; administrators where nobody does for the brand.
func (s *Orders) Shippers(ctx context.Context) ([]order.Shipper, error) {
	type shipper struct {
		contact
		InShop bool
		Stores []uuid.UUID
	}
	found, err := collect[shipper](ctx, s.db, `
		WITH able AS (
			SELECT a.id AS account_id, a.name, a.email, a.role = 'STORE_STAFF' AS in_shop, ARRAY(SELECT l.location_id FROM account_stores l WHERE l.account_id = a.id) AS stores
			FROM accounts a WHERE a.closed_at IS NULL AND a.role IN ('STAFF', 'STORE_STAFF') AND EXISTS (
				SELECT FROM account_groups m JOIN permission_groups g ON g.id = m.group_id WHERE m.account_id = a.id AND @permission = ANY(g.permissions))
		)
		SELECT * FROM able
		UNION ALL
		SELECT id, name, email, false, '{}' FROM accounts WHERE role = 'ADMIN' AND closed_at IS NULL AND NOT EXISTS (SELECT FROM able WHERE NOT in_shop)
		ORDER BY account_id LIMIT 1000`, pgx.NamedArgs{"permission": access.OrderWrite})
	all := make([]order.Shipper, len(found))
	for i, s := range found {
		all[i] = order.Shipper{Address: s.Address, InShop: s.InShop, Stores: s.Stores}
	}
	slices.SortFunc(all, func(a, b order.Shipper) int { return cmp.Compare(a.Email, b.Email) })
	return all, err
}

// MailLate notes that staff of the brand are mailed on the day, once.
func (s *Orders) MailLate(ctx context.Context, brandID uuid.UUID, today time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO late_order_mails AS m (brand_id, mailed_on) VALUES ($1, $2)
		ON CONFLICT (brand_id) DO UPDATE SET mailed_on = excluded.mailed_on WHERE m.mailed_on < excluded.mailed_on`, brandID, today)
	return tag.RowsAffected() == 1, err
}

// LateUntold are late orders whose customers have not been told.
func (s *Orders) LateUntold(ctx context.Context, brandID uuid.UUID, today time.Time, after uuid.UUID, most int) ([]uuid.UUID, error) {
	return column[uuid.UUID](ctx, s.db, `
		SELECT o.id FROM orders o LEFT JOIN order_delays d ON d.order_id = o.id
		WHERE o.brand_id = @brand AND `+lateOrder+` AND o.promised_on IS NOT NULL AND o.id > @after
		  AND d.told_for IS DISTINCT FROM o.ship_by AND d.seen_on IS DISTINCT FROM @today::date
		ORDER BY o.id LIMIT @most`, pgx.NamedArgs{"brand": brandID, "today": today, "after": after, "most": most})
}

// SeeLate notes that a late order was looked at, and of which day its customer was told.
func (s *Orders) SeeLate(ctx context.Context, orderID uuid.UUID, today time.Time, toldFor *time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`
		INSERT INTO order_delays AS d (order_id, seen_on, told_for) VALUES ($1, $2, $3)
		ON CONFLICT (order_id) DO UPDATE SET seen_on = excluded.seen_on, told_for = coalesce(excluded.told_for, d.told_for)`, orderID, today, toldFor)
	return s.db.later(ctx, batch)
}

// SaveApprovalDays writes for how many days orders of the channel wait for an approver.
func (s *Orders) SaveApprovalDays(ctx context.Context, channelID uuid.UUID, days int) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE channels SET approval_days = $2 WHERE id = $1`, channelID, days)
	return s.db.later(ctx, batch)
}

// DueApprovals are orders whose time is over, or if remind, ends within three days, or half
// of the time if that is less, and whose approvers were not reminded.
func (s *Orders) DueApprovals(ctx context.Context, at time.Time, remind bool, most int) ([]uuid.UUID, error) {
	due := `o.approve_by <= @at`
	if remind {
		due = `o.approve_by > @at AND o.approve_by <= @at::timestamptz + interval '3 days' AND o.approval_reminded_at IS NULL
			AND o.approve_by - (o.approve_by - o.placed_at) / 2 <= @at`
	}
	return column[uuid.UUID](ctx, s.db, `
		SELECT o.id FROM orders o WHERE o.status = 'PENDING_APPROVAL' AND `+due+` ORDER BY o.approve_by, o.id LIMIT @most`, pgx.NamedArgs{"at": at, "most": most})
}

// RemindApproval notes that approvers are reminded, once.
func (s *Orders) RemindApproval(ctx context.Context, orderID uuid.UUID, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE orders SET approval_reminded_at = $2 WHERE id = $1 AND approval_reminded_at IS NULL`, orderID, at)
	return tag.RowsAffected() == 1, err
}
