package postgres

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/worklist"
)

// Worklists counts what waits for staff, in PostgreSQL.
type Worklists struct{ db *DB }

// NewWorklists makes the store of work lists.
func NewWorklists(db *DB) *Worklists { return &Worklists{db} }

// Count counts each list that may be read up to worklist.Most, all in one statement; none
// of its parts reads more than its list, by that list's index.
func (s *Worklists) Count(ctx context.Context, q worklist.Query) (worklist.Counts, error) {
	parts := slices.Concat(ofOrders(q), ofStock(q), ofBooks(q), []string{
		counted(q.Prizes, "prize_exchanges", `prize_exchanges x WHERE x.brand_id = @brand AND x.state IN ('REQUESTED', 'PACKED')`),
		counted(q.Points, "point_arrivals", `point_arrivals a WHERE a.state = 'OPEN' AND a.partner_id IN (
			SELECT p.id FROM point_partners p JOIN point_programmes g ON g.id = p.programme_id AND g.closed_at IS NULL WHERE g.shared OR g.brand_id = @brand)`),
		counted(q.Purchases, "purchase_problems", `purchase_problems x WHERE x.brand_id = @brand AND x.state = 'OPEN'`),
		counted(q.Pairs, "duplicate_members", `duplicate_members x WHERE x.brand_id = @brand AND x.state = 'OPEN'`),
		counted(q.Requests, "member_requests", `member_requests x WHERE x.brand_id = @brand AND x.state = 'WAITING'`),
		counted(q.Mailings, "paused_mailings", `mailings x WHERE x.brand_id = @brand AND x.state = 'PAUSED'`),
	})
	found, err := first[worklist.Counts](ctx, s.db, `SELECT `+strings.Join(parts, ", "), pgx.NamedArgs{"brand": q.BrandID, "stores": q.Stores, "now": q.At, "today": q.Today, "late": q.Late})
	if err != nil {
		return worklist.Counts{}, err
	}
	return *found, nil
}

// counted counts the rows of a list; null if it may not be read.
func counted(may bool, name, from string) string {
	if !may {
		return `NULL::bigint AS ` + name
	}
	return `(SELECT count(*) FROM (SELECT FROM ` + from + ` LIMIT ` + strconv.Itoa(worklist.Most) + `) n) AS ` + name
}

// ofOrders are the lists of who works on orders.
func ofOrders(q worklist.Query) []string {
	theirs, ofTheirs, atTheirs, ofTheirParcels, outOfTheirs, fromTheirs, elsewhere := ``, ``, ``, ``, ``, ``, ``
	if q.Stores != nil {
		theirs = ` AND o.shop_id = ANY(@stores)`
		ofTheirs = ` JOIN orders o ON o.id = x.order_id` + theirs
		atTheirs = ` AND u.shop_id = ANY(@stores)`
		ofTheirParcels = ` AND EXISTS (SELECT FROM shipments h WHERE h.id = i.shipment_id AND h.location_id = ANY(@stores))`
		outOfTheirs = ` AND h.location_id = ANY(@stores)`
		fromTheirs = ` AND ` + ofStores
		elsewhere = ` AND false` // these are of no shop
	}
	issues := `delivery_issues i WHERE (i.brand_id = @brand OR i.brand_id IS NULL) AND i.state = 'OPEN'` + ofTheirParcels
	return []string{
		counted(q.Orders, "to_ship", `orders o WHERE o.brand_id = @brand AND o.status = 'CONFIRMED' AND o.held = '' AND o.shipping_mode <> 'PICK_UP'`+theirs),
		counted(q.Orders, "on_hold", `orders o WHERE o.brand_id = @brand AND o.held <> ''`+theirs),
		counted(q.Orders, "late_orders", `orders o WHERE o.brand_id = @brand AND `+lateOrder+theirs),
		counted(q.Orders, "late_shipments", `shipments h WHERE h.brand_id = @brand AND `+lateShipment+outOfTheirs),
		counted(q.Orders, "pending_approval", `orders o WHERE o.brand_id = @brand AND o.status = 'PENDING_APPROVAL'`+theirs),
		counted(q.Orders, "payments", `(`+attended+`) p JOIN payments x ON x.id = p.id`+ofTheirs),
		counted(q.Orders, "returns", `returns x`+ofTheirs+` WHERE x.brand_id = @brand AND x.status = 'REQUESTED'`),
		counted(q.Orders, "recurring", `recurring_orders r WHERE r.brand_id = @brand AND r.state = 'ACTIVE' AND r.attempts > 0`+elsewhere),
		counted(q.Orders, "pick_ups", `pick_ups u JOIN orders o ON o.id = u.order_id AND o.status IN ('CONFIRMED', 'PICKING') WHERE u.brand_id = @brand AND u.state = 'REQUESTED'`+atTheirs),
		counted(q.Orders, "delivery_issues", issues),
		counted(q.Orders, "late_parcels", issues+` AND i.kind = 'LATE'`),
		counted(q.Orders, "stray_payments", `stray_payments y WHERE (y.brand_id = @brand OR y.brand_id IS NULL) AND y.state = 'OPEN'`+elsewhere),
		counted(q.Orders, "back_orders", `stock_reservations r JOIN orders o ON o.id = r.order_id
			WHERE o.brand_id = @brand AND r.location_id IS NULL AND r.state = 'OPEN'`+fromTheirs),
	}
}

// ofStock are the lists of who keeps stock. That of shortfalls is the whole brand's for
// staff of a shop, too.
func ofStock(q worklist.Query) []string {
	alertsThere, deliveriesThere := ``, ``
	if q.Stores != nil {
		alertsThere, deliveriesThere = ` AND a.location_id = ANY(@stores)`, ` AND d.location_id = ANY(@stores)`
	}
	return []string{
		counted(q.Stock, "shortfalls", `stock_levels s JOIN locations o ON o.id = s.location_id WHERE o.brand_id = @brand AND `+fallingShort),
		counted(q.Stock, "stock_alerts", `stock_alerts a WHERE a.brand_id = @brand AND a.closed_at IS NULL`+alertsThere),
		counted(q.Stock, "late_stock_deliveries", `stock_deliveries d WHERE d.brand_id = @brand`+lateDelivery+deliveriesThere),
	}
}

// ofBooks are the lists of who keeps the books.
func ofBooks(q worklist.Query) []string {
	return []string{
		counted(q.Books, "deposits", `bank_lines b WHERE b.brand_id = @brand AND b.state = 'OPEN'`),
		counted(q.Books, "gateway_differences", `gateway_differences d WHERE d.brand_id = @brand AND d.resolved_at IS NULL`),
		counted(q.Books, "overdue_accounts", `(
			SELECT DISTINCT ON (t.company_id) t.* FROM account_statements t WHERE t.brand_id = @brand AND NOT t.settled AND t.due_on < @late ORDER BY t.company_id, t.closes_on DESC
		) t WHERE t.closing > 0 AND `+accountRemaining+` > 0`),
	}
}
