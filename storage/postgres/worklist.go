package postgres

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/worklist"
)

// Worklists counts what waits for staff, in PostgreSQL.
type Worklists struct{ db *DB }

// NewWorklists makes the store of work lists.
func NewWorklists(db *DB) *Worklists { return &Worklists{db} }

// Count counts each list up to worklist.Most, in one statement; none of its parts reads
// more than its list, by that list's index.
func (s *Worklists) Count(ctx context.Context, brandID uuid.UUID, stores []uuid.UUID) (worklist.Counts, error) {
	theirs, ofTheirs, atTheirs, ofTheirParcels, elsewhere := ``, ``, ``, ``, ``
	if stores != nil {
		theirs = ` AND o.shop_id = ANY(@stores)`
		ofTheirs = ` JOIN orders o ON o.id = x.order_id` + theirs
		atTheirs = ` AND u.shop_id = ANY(@stores)`
		ofTheirParcels = ` AND EXISTS (SELECT FROM shipments h WHERE h.id = i.shipment_id AND h.location_id = ANY(@stores))`
		elsewhere = ` AND false` // these are of no shop
	}
	count := func(from string) string {
		return `(SELECT count(*) FROM (SELECT FROM ` + from + ` LIMIT ` + strconv.Itoa(worklist.Most) + `) n)`
	}
	found, err := first[worklist.Counts](ctx, s.db, `SELECT `+
		count(`orders o WHERE o.brand_id = @brand AND o.status = 'CONFIRMED' AND o.held = '' AND o.shipping_mode <> 'PICK_UP'`+theirs)+` AS to_ship, `+
		count(`orders o WHERE o.brand_id = @brand AND o.held <> ''`+theirs)+` AS on_hold, `+
		count(`orders o WHERE o.brand_id = @brand AND o.status = 'PENDING_APPROVAL'`+theirs)+` AS pending_approval, `+
		count(`payment_operations u JOIN payments x ON x.id = u.payment_id AND x.brand_id = @brand`+ofTheirs+`
			WHERE u.status IN ('OUTSTANDING', 'REFUSED') AND u.kind <> 'START'`)+` AS payments, `+
		count(`returns x`+ofTheirs+` WHERE x.brand_id = @brand AND x.status = 'REQUESTED'`)+` AS returns, `+
		count(`recurring_orders r WHERE r.brand_id = @brand AND r.state = 'ACTIVE' AND r.attempts > 0`+elsewhere)+` AS recurring, `+
		count(`pick_ups u JOIN orders o ON o.id = u.order_id AND o.status IN ('CONFIRMED', 'PICKING') WHERE u.brand_id = @brand AND u.state = 'REQUESTED'`+atTheirs)+` AS pick_ups, `+
		count(`delivery_issues i WHERE (i.brand_id = @brand OR i.brand_id IS NULL) AND i.state = 'OPEN'`+ofTheirParcels)+` AS delivery_issues, `+
		count(`stray_payments y WHERE y.brand_id = @brand AND y.state = 'OPEN'`+elsewhere)+` AS stray_payments, `+
		count(`bank_lines b WHERE b.brand_id = @brand AND b.state = 'OPEN'`+elsewhere)+` AS deposits`,
		pgx.NamedArgs{"brand": brandID, "stores": stores})
	if err != nil {
		return worklist.Counts{}, err
	}
	return *found, nil
}
