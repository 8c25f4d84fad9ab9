package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/tracking"
)

// Tracking keeps what carriers report of parcels in PostgreSQL.
type Tracking struct{ db *DB }

// NewTracking makes the store of carriers' reports.
func NewTracking(db *DB) *Tracking { return &Tracking{db} }

const issueColumns = `i.id, i.brand_id, i.shipment_id, i.kind, i.carrier, i.reference, i.tracking_number, i.detail, i.state, i.reason, i.reported_at, i.settled_at, i.settled_by`

// InsertIssue keeps an issue unless one with its finger is there.
func (s *Tracking) InsertIssue(ctx context.Context, i tracking.Issue, finger string) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO delivery_issues (id, brand_id, shipment_id, kind, carrier, reference, tracking_number, detail, finger, state, reported_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (finger) DO NOTHING`,
		i.ID, i.BrandID, i.ShipmentID, i.Kind, i.Carrier, i.Reference, i.TrackingNumber, i.Detail, finger, i.State, i.ReportedAt)
	return tag.RowsAffected() == 1, err
}

// Issues is one page of the brand's issues and of nobody's, who waits longest first.
func (s *Tracking) Issues(ctx context.Context, q tracking.IssueQuery) (page.Connection[tracking.Issue], error) {
	where, args := `(i.brand_id = @brand OR i.brand_id IS NULL)`, pgx.NamedArgs{"brand": q.BrandID}
	if len(q.States) > 0 {
		where, args["states"] = where+` AND i.state = ANY(@states)`, q.States
	}
	if len(q.Kinds) > 0 {
		where, args["kinds"] = where+` AND i.kind = ANY(@kinds)`, q.Kinds
	}
	if len(q.LocationIDs) > 0 {
		where, args["locations"] = where+` AND EXISTS (SELECT FROM shipments h WHERE h.id = i.shipment_id AND h.location_id = ANY(@locations))`, q.LocationIDs
	}
	found, err := keyset(ctx, s.db, q.Page, issueColumns+` FROM delivery_issues i`, where, `(i.reported_at, i.id)`, `i.reported_at, i.id`, args,
		func(k timeKey) []any { return []any{k.At, k.ID} }, func(i tracking.Issue) timeKey { return timeKey{i.ReportedAt, i.ID} })
	found.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM delivery_issues i WHERE `+where, args)
	}
	return found, err
}

// LockIssue is an issue of the brand's or of nobody's; nil if there is none.
func (s *Tracking) LockIssue(ctx context.Context, brandID, issueID uuid.UUID) (*tracking.Issue, error) {
	return first[tracking.Issue](ctx, s.db, `SELECT `+issueColumns+` FROM delivery_issues i WHERE i.id = $2 AND (i.brand_id = $1 OR i.brand_id IS NULL) FOR UPDATE`, brandID, issueID)
}

// SaveIssue writes how far an issue has been dealt with.
func (s *Tracking) SaveIssue(ctx context.Context, i tracking.Issue) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE delivery_issues SET state = $2, reason = $3, settled_at = $4, settled_by = $5 WHERE id = $1`, i.ID, i.State, i.Reason, i.SettledAt, i.SettledBy)
	return err
}

// followedColumns are those of tracking.Followed, for a shipment h and its parcel p, if it
// has one.
const followedColumns = `coalesce(p.id, h.id) AS parcel_id, h.id AS shipment_id, h.order_id, h.brand_id, h.nth, h.status, h.carrier, coalesce(p.tracking_number, '') AS number,
	h.carrier_id IS NOT NULL AND p.id IS NOT NULL AS told,
	(SELECT r.promised_on FROM orders r WHERE r.id = h.order_id) AS promised_on,
	coalesce((SELECT max(e.at) FROM tracking_events e WHERE e.parcel_id = p.id), h.shipped_at, p.created_at) AS moved_at`

// Followed locks and reads the parcels with the key that left with the carrier.
func (s *Tracking) Followed(ctx context.Context, carrier, key string) ([]tracking.Followed, error) {
	return collect[tracking.Followed](ctx, s.db, `
		SELECT `+followedColumns+` FROM parcels p JOIN shipments h ON h.id = p.shipment_id JOIN shipping_carriers c ON c.id = h.carrier_id
		WHERE p.key = $2 AND c.code = $1 AND h.status IN ('SHIPPED', 'DELIVERED') ORDER BY p.id FOR UPDATE OF p`, carrier, key)
}

// Note keeps an event of a parcel, once, and reports whether it is new.
func (s *Tracking) Note(ctx context.Context, parcelID uuid.UUID, e order.TrackingEvent, at time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO tracking_events (id, parcel_id, status, at, place, received_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		id.New(), parcelID, e.Status, e.At, e.Place, at)
	return tag.RowsAffected() == 1, err
}

// longest is for how many days after it left a parcel is asked for.
const longest = 60

// OnTheWay are parcels of the carrier that have not come to an end and that it was not
// asked for since.
func (s *Tracking) OnTheWay(ctx context.Context, carrier string, since time.Time, limit int) ([]tracking.Followed, error) {
	return collect[tracking.Followed](ctx, s.db, `
		SELECT `+followedColumns+` FROM shipping_carriers c JOIN shipments h ON h.carrier_id = c.id AND h.status = 'SHIPPED' JOIN parcels p ON p.shipment_id = h.id
		WHERE c.code = $1 AND (p.asked_at IS NULL OR p.asked_at < $2) AND h.shipped_at > $2 - make_interval(days => $4)
		  AND NOT EXISTS (SELECT FROM tracking_events e WHERE e.parcel_id = p.id AND e.status IN ('DELIVERED', 'RETURNED'))
		ORDER BY p.asked_at NULLS FIRST, p.id LIMIT $3`, carrier, since, limit, longest)
}

// Asked notes when the parcels were asked for.
func (s *Tracking) Asked(ctx context.Context, parcelIDs []uuid.UUID, at time.Time) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE parcels SET asked_at = $2 WHERE id = ANY($1)`, parcelIDs, at)
	return err
}

// Late are the first parcels of the brand's shipments that should have arrived, or have
// not moved since, and are on no work list for it. Of those that no carrier says anything
// of, the promised day counts alone, for as long as others are asked for.
func (s *Tracking) Late(ctx context.Context, brandID uuid.UUID, today, since time.Time, limit int) ([]tracking.Followed, error) {
	return collect[tracking.Followed](ctx, s.db, `
		SELECT f.* FROM (
			SELECT DISTINCT ON (h.id) `+followedColumns+`
			FROM shipments h JOIN orders o ON o.id = h.order_id LEFT JOIN parcels p ON p.shipment_id = h.id
			WHERE h.brand_id = $1 AND h.status = 'SHIPPED' AND o.status <> 'CANCELLED'
			  AND (h.carrier_id IS NOT NULL AND p.id IS NOT NULL OR o.promised_on < $2::date AND h.shipped_at > $2::date - make_interval(days => $5))
			  AND NOT EXISTS (SELECT FROM delivery_issues i WHERE i.shipment_id = h.id AND i.kind IN ('LATE', 'RETURNED'))
			  AND NOT EXISTS (SELECT FROM tracking_events e WHERE e.parcel_id = p.id AND e.status IN ('DELIVERED', 'RETURNED'))
			ORDER BY h.id, p.created_at, p.id
		) f WHERE f.promised_on < $2::date OR f.moved_at < $3 ORDER BY f.moved_at LIMIT $4`, brandID, today, since, limit, longest)
}

// Arrived takes a shipment off the list of the late ones.
func (s *Tracking) Arrived(ctx context.Context, shipmentID uuid.UUID, at time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE delivery_issues SET state = 'SETTLED', reason = '配達完了', settled_at = $2 WHERE shipment_id = $1 AND kind = 'LATE' AND state = 'OPEN'`, shipmentID, at)
	return s.db.later(ctx, batch)
}
