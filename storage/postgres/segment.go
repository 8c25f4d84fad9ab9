package postgres

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/segment"
)

// Segments searches members and keeps segments in PostgreSQL.
type Segments struct {
	db      *DB
	members *Members
}

// NewSegments makes the segments' store.
func NewSegments(db *DB, members *Members) *Segments { return &Segments{db, members} }

// Known are those of the named things that the brand has.
func (s *Segments) Known(ctx context.Context, brandID uuid.UUID, named []segment.Named) ([]segment.Named, error) {
	kinds, ids := make([]string, len(named)), make([]uuid.UUID, len(named))
	for i, n := range named {
		kinds[i], ids[i] = n.Kind, n.ID
	}
	return collect[segment.Named](ctx, s.db, `
		SELECT n.kind, n.id FROM unnest($2::text[], $3::uuid[]) AS n (kind, id) WHERE CASE n.kind
			WHEN 'Product' THEN EXISTS (SELECT FROM products x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'Category' THEN EXISTS (SELECT FROM categories x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'ProductBrand' THEN EXISTS (SELECT FROM product_brands x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'Location' THEN EXISTS (SELECT FROM locations x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'MemberRank' THEN EXISTS (SELECT FROM member_ranks x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'Campaign' THEN EXISTS (SELECT FROM campaigns x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'Mailing' THEN EXISTS (SELECT FROM mailings x WHERE x.id = n.id AND x.brand_id = $1)
			WHEN 'Segment' THEN EXISTS (SELECT FROM segments x WHERE x.id = n.id AND x.brand_id = $1 AND x.closed_at IS NULL)
			WHEN 'PointProgramme' THEN EXISTS (SELECT FROM point_programmes x WHERE x.id = n.id AND (x.brand_id = $1 OR x.shared)) END`, brandID, kinds, ids)
}

// searching are settings of the transaction of a search: it ends in time, is planned for
// its own values, and may sort in memory. What it looks up lies in memory, too, so that a
// look-up costs little more than reading on. To compile a plan would take longer than
// most searches.
const searching = `SELECT set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'force_custom_plan', true),
	set_config('work_mem', '64MB', true), set_config('random_page_cost', '1.1', true), set_config('jit', 'off', true)`

// parting are more settings for a search of parts of the members at once: each is one
// process's, and none looks for workers of its own.
const parting = `SELECT set_config('min_parallel_table_scan_size', '1TB', true), set_config('min_parallel_index_scan_size', '1TB', true)`

// quarters are the members at the ends of quarters of what members bought, as PostgreSQL last
// looked.
const quarters = `SELECT s.b[array_length(s.b, 1) * i / 4 + 1] FROM (SELECT histogram_bounds::text::uuid[] AS b FROM pg_stats
	WHERE schemaname = current_schema() AND tablename = 'purchase_sums' AND attname = 'member_id' AND histogram_bounds IS NOT NULL) s, generate_series(1, 3) i ORDER BY i`

// searched ends those settings for what else the transaction does.
const searched = `SELECT set_config(name, reset_val, true) FROM pg_settings WHERE name IN ('statement_timeout', 'plan_cache_mode', 'work_mem', 'random_page_cost', 'jit',
	'min_parallel_table_scan_size', 'min_parallel_index_scan_size')`

// expanded is the query with the conditions of the segments that it names: those are read in
// one statement, however deep they stand; without any in none.
func (s *Segments) expanded(ctx context.Context, all ...segment.Query) ([]segment.Query, error) {
	var named []uuid.UUID
	for _, q := range all {
		named = append(named, q.Where.Named()...)
	}
	if len(named) == 0 {
		return all, nil
	}
	rows, err := collect[segment.Segment](ctx, s.db, `
		WITH RECURSIVE tree AS (
			SELECT g.id, g.kind, g.conditions, 1 AS depth FROM segments g WHERE g.id = ANY(@named) AND g.brand_id = @brand AND g.closed_at IS NULL
			UNION
			SELECT g.id, g.kind, g.conditions, t.depth + 1 FROM tree t
			CROSS JOIN LATERAL (SELECT DISTINCT (k #>> '{}')::uuid AS id FROM jsonb_path_query(t.conditions, '$.**.segmentIds[*]') k) n
			JOIN segments g ON g.id = n.id AND g.brand_id = @brand AND g.closed_at IS NULL
			WHERE t.kind = 'DYNAMIC' AND t.depth <= @deepest
		)
		SELECT `+segmentColumns+` FROM segments WHERE id IN (SELECT id FROM tree)`,
		pgx.NamedArgs{"named": named, "brand": all[0].BrandID, "deepest": segment.MaxNested})
	if err != nil {
		return nil, err
	}
	known := make(map[uuid.UUID]segment.Segment, len(rows))
	for _, g := range rows {
		known[g.ID] = g
	}
	for i := range all {
		if all[i].Where, err = all[i].Where.Expand(known); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// search runs f, with the statement of the query, in a transaction with those settings, which
// end with f where somebody else began the transaction.
func (s *Segments) search(ctx context.Context, q segment.Query, f func(ctx context.Context, hits string, args pgx.NamedArgs) error) error {
	alone := txFrom(ctx) == nil
	whole, err := s.expanded(ctx, q)
	if err != nil {
		return err
	}
	q = whole[0]
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		batch := &pgx.Batch{}
		batch.Queue(searching, strconv.FormatInt(q.Within.Milliseconds(), 10))
		if inParts(q) {
			batch.Queue(parting)
		}
		if err := s.db.later(ctx, batch); err != nil {
			return err
		}
		cuts, err := s.cuts(ctx, q)
		if err != nil {
			return err
		}
		hits, args := compileSearch(q, cuts)
		if err := f(ctx, hits, args); err != nil || alone {
			return err
		}
		batch = &pgx.Batch{}
		batch.Queue(searched)
		return s.db.later(ctx, batch)
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "57014" && ctx.Err() == nil {
		return segment.ErrSlow
	}
	return err
}

// cuts are where the parts of a search of parts begin; none where it is of all members.
func (s *Segments) cuts(ctx context.Context, q segment.Query) ([]uuid.UUID, error) {
	if !inParts(q) {
		return nil, nil
	}
	return s.ids(ctx, quarters)
}

// Search is one page of the members of a query in the order of their ids, and their
// number where it is asked for: all in one statement.
func (s *Segments) Search(ctx context.Context, q segment.Query) (segment.Found, error) {
	count := `0`
	if q.Counted {
		count = `(SELECT count(*) FROM hits)`
	}
	var found segment.Found
	err := s.search(ctx, q, func(ctx context.Context, hits string, args pgx.NamedArgs) error {
		args["after"], args["limit"] = q.After, q.Limit
		row, err := first[segment.Found](ctx, s.db, hits+` SELECT `+count+` AS count,
			ARRAY(SELECT member_id FROM hits WHERE member_id > @after ORDER BY member_id LIMIT @limit) AS member_ids`, args)
		if row != nil {
			found = *row
		}
		return err
	})
	return found, err
}

// All are the ids of all members of a query.
func (s *Segments) All(ctx context.Context, q segment.Query) (ids []uuid.UUID, err error) {
	err = s.search(ctx, q, func(ctx context.Context, hits string, args pgx.NamedArgs) error {
		ids, err = s.ids(ctx, hits+` SELECT member_id FROM hits ORDER BY member_id`, args)
		return err
	})
	return ids, err
}

func (s *Segments) ids(ctx context.Context, sql string, args ...any) ([]uuid.UUID, error) {
	return read(ctx, s.db, sql, args, func(rows pgx.Rows) ([]uuid.UUID, error) { return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]) })
}

// Freeze keeps whom the query finds as the segment's members.
func (s *Segments) Freeze(ctx context.Context, segmentID uuid.UUID, q segment.Query) (n int, err error) {
	err = s.search(ctx, q, func(ctx context.Context, hits string, args pgx.NamedArgs) error {
		args["segment"] = segmentID
		tag, err := s.db.conn(ctx).Exec(ctx, hits+` INSERT INTO segment_members (segment_id, member_id) SELECT @segment, member_id FROM hits`, args)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}

// Frozen are the segment's members who still are the brand's.
func (s *Segments) Frozen(ctx context.Context, segmentID uuid.UUID) ([]uuid.UUID, error) {
	return s.ids(ctx, `
		SELECT f.member_id FROM segment_members f JOIN segments g ON g.id = f.segment_id
		JOIN memberships j ON j.member_id = f.member_id AND j.brand_id = g.brand_id AND j.ended_at IS NULL
		WHERE f.segment_id = $1 ORDER BY f.member_id`, segmentID)
}

// Has reports whether the member is one of the segment's who still are the brand's.
func (s *Segments) Has(ctx context.Context, segmentID, memberID uuid.UUID) (bool, error) {
	return one[bool](ctx, s.db, `
		SELECT EXISTS (SELECT FROM segment_members f JOIN segments g ON g.id = f.segment_id
			JOIN memberships j ON j.member_id = f.member_id AND j.brand_id = g.brand_id AND j.ended_at IS NULL WHERE f.segment_id = $1 AND f.member_id = $2)`, segmentID, memberID)
}

// Holders are those of the segments that the brand has in use, with those of the members who
// are in the static ones.
func (s *Segments) Holders(ctx context.Context, brandID uuid.UUID, segmentIDs, memberIDs []uuid.UUID) ([]segment.Holder, error) {
	return collect[segment.Holder](ctx, s.db, `
		SELECT `+segmentColumns+`, ARRAY(SELECT f.member_id FROM segment_members f
			JOIN memberships j ON j.member_id = f.member_id AND j.brand_id = @brand AND j.ended_at IS NULL
			WHERE g.kind = 'STATIC' AND f.segment_id = g.id AND f.member_id = ANY(@members)) AS has
		FROM segments g WHERE g.brand_id = @brand AND g.id = ANY(@segments) AND g.closed_at IS NULL ORDER BY g.id`,
		pgx.NamedArgs{"brand": brandID, "segments": segmentIDs, "members": memberIDs})
}

// Hold keeps those of the segments that the brand has in use, and counts them.
func (s *Segments) Hold(ctx context.Context, brandID uuid.UUID, segmentIDs []uuid.UUID) (int, error) {
	held, err := s.ids(ctx, `SELECT id FROM segments WHERE brand_id = $1 AND id = ANY($2) AND closed_at IS NULL ORDER BY id FOR SHARE`, brandID, segmentIDs)
	return len(held), err
}

// Fits are the places of the members, where the conditions hold for them.
func (s *Segments) Fits(ctx context.Context, all []segment.Fit, memberIDs []uuid.UUID) ([]segment.Place, error) {
	queries := make([]segment.Query, len(all))
	for i, f := range all {
		queries[i] = f.Query
	}
	queries, err := s.expanded(ctx, queries...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		all[i].Query = queries[i]
	}
	sql, args := compileFits(all, memberIDs)
	return collect[segment.Place](ctx, s.db, sql, args)
}

// Follow lets what is the gone member's be the kept one's: the place in static segments, and
// those among who wait for a coupon or for points.
func (s *Segments) Follow(ctx context.Context, keptID, goneID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH gone AS (DELETE FROM segment_members WHERE member_id = $2 RETURNING segment_id),
		kept AS (INSERT INTO segment_members (segment_id, member_id) SELECT segment_id, $1::uuid FROM gone ON CONFLICT DO NOTHING),
		queued AS (DELETE FROM point_waiters WHERE member_id = $2 RETURNING batch_id),
		points AS (INSERT INTO point_waiters (batch_id, member_id) SELECT batch_id, $1::uuid FROM queued ON CONFLICT DO NOTHING),
		waited AS (DELETE FROM coupon_waiters WHERE member_id = $2 RETURNING batch_id)
		INSERT INTO coupon_waiters (batch_id, member_id) SELECT batch_id, $1::uuid FROM waited ON CONFLICT DO NOTHING`, keptID, goneID)
	return err
}

const segmentColumns = `id, brand_id, name, kind, currency, conditions AS "where", members, counted_at, actor_id, created_at, updated_at, closed_at`

// Insert keeps a new segment; a name that an open one has is ErrNameTaken.
func (s *Segments) Insert(ctx context.Context, g segment.Segment) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO segments (id, brand_id, name, kind, currency, conditions, members, counted_at, actor_id, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		g.ID, g.BrandID, g.Name, g.Kind, g.Currency, g.Where, g.Members, g.CountedAt, g.ActorID, g.CreatedAt, g.UpdatedAt)
	return segmentName(err)
}

// Update keeps what may change of a segment.
func (s *Segments) Update(ctx context.Context, g segment.Segment) error {
	_, err := s.db.conn(ctx).Exec(ctx, `UPDATE segments SET name = $2, members = $3, counted_at = $4, updated_at = $5, closed_at = $6 WHERE id = $1`,
		g.ID, g.Name, g.Members, g.CountedAt, g.UpdatedAt, g.ClosedAt)
	return segmentName(err)
}

func segmentName(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "segments_name" {
		return segment.ErrNameTaken.At("name")
	}
	return err
}

// Lock is the brand's segment, locked; nil if there is none.
func (s *Segments) Lock(ctx context.Context, brandID, segmentID uuid.UUID) (*segment.Segment, error) {
	return first[segment.Segment](ctx, s.db, `SELECT `+segmentColumns+` FROM segments WHERE id = $2 AND brand_id = $1 FOR UPDATE`, brandID, segmentID)
}

// Users are the names of what is for the segment's members and open. Whoever saves a prize or
// a draw holds the segment's row by its foreign key; who saves a campaign, a rule of points or
// a segment that names it by Hold: so they wait for Lock, or are seen.
func (s *Segments) Users(ctx context.Context, segmentID uuid.UUID, now time.Time) ([]i18n.Text, error) {
	type user struct{ Name i18n.Text }
	found, err := collect[user](ctx, s.db, `
		SELECT name FROM prizes WHERE segment_id = @segment AND closed_at IS NULL
		UNION ALL SELECT name FROM draws WHERE segment_id = @segment AND state = 'OPEN'
		UNION ALL SELECT c.name FROM campaigns c JOIN segments g ON g.brand_id = c.brand_id
			WHERE g.id = @segment AND c.status = 'READY' AND c.valid_until > @now
				AND c.audiences @> jsonb_build_array(jsonb_build_object('Kind', 'SEGMENT', 'ID', (@segment::uuid)::text))
		UNION ALL SELECT r.name FROM point_rules r WHERE r.closed_at IS NULL AND (r.valid_until IS NULL OR r.valid_until > @now)
			AND r.terms @> jsonb_build_object('segments', jsonb_build_array((@segment::uuid)::text))
		UNION ALL SELECT jsonb_build_object('ja', d.name) FROM segments d JOIN segments g ON g.brand_id = d.brand_id
			WHERE g.id = @segment AND d.closed_at IS NULL AND d.kind = 'DYNAMIC'
				AND jsonb_path_exists(d.conditions, '$.**.segmentIds[*] ? (@ == $id)', jsonb_build_object('id', (@segment::uuid)::text))
		LIMIT 5`, pgx.NamedArgs{"segment": segmentID, "now": now})
	names := make([]i18n.Text, len(found))
	for i, u := range found {
		names[i] = u.Name
	}
	return names, err
}

// ByID is the segment; nil if there is none.
func (s *Segments) ByID(ctx context.Context, segmentID uuid.UUID) (*segment.Segment, error) {
	return first[segment.Segment](ctx, s.db, `SELECT `+segmentColumns+` FROM segments WHERE id = $1`, segmentID)
}

// ByName is the brand's open segment of the name; nil if there is none.
func (s *Segments) ByName(ctx context.Context, brandID uuid.UUID, name string) (*segment.Segment, error) {
	return first[segment.Segment](ctx, s.db, `SELECT `+segmentColumns+` FROM segments WHERE brand_id = $1 AND name = $2 AND closed_at IS NULL`, brandID, name)
}

// List is one page of a brand's segments, newest first.
func (s *Segments) List(ctx context.Context, q segment.ListQuery) (page.Connection[segment.Segment], error) {
	where := []string{`brand_id = @brand`, `(closed_at IS NOT NULL) = @closed`}
	args := pgx.NamedArgs{"brand": q.BrandID, "closed": q.Closed}
	return newest(ctx, s.db, segmentColumns, `segments`, where, args, q.Page, func(g segment.Segment) newestKey { return newestKey{g.CreatedAt, g.ID} })
}

// InsertExport keeps that a file was asked for.
func (s *Segments) InsertExport(ctx context.Context, e segment.Export) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO segment_exports (id, segment_id, brand_id, format, encoding, actor_role, actor_id, requested_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.SegmentID, e.BrandID, e.Format, e.Encoding, e.ActorRole, e.ActorID, e.RequestedAt)
	return err
}

// ExportByID is nil if there is none.
func (s *Segments) ExportByID(ctx context.Context, exportID uuid.UUID) (*segment.Export, error) {
	return first[segment.Export](ctx, s.db, `SELECT id, segment_id, brand_id, format, encoding, actor_role, actor_id, requested_at FROM segment_exports WHERE id = $1`, exportID)
}

// exportedMember is what a file says of a member beside the personal data.
type exportedMember struct {
	MemberID                       uuid.UUID
	Number, Rank, Registered, Home string
	JoinedOn                       string
	Mail, DM                       bool
}

// Rows are the members' cells for a file, in the order of the ids: two statements for all.
func (s *Segments) Rows(ctx context.Context, brandID uuid.UUID, memberIDs []uuid.UUID) ([][]string, error) {
	people, err := s.members.Members(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	facts, err := collect[exportedMember](ctx, s.db, `
		SELECT j.member_id, coalesce(c.number, '') AS number, coalesce(k.name->>'ja', '') AS rank, coalesce(r.name->>'ja', '') AS registered, coalesce(h.name->>'ja', '') AS home,
			to_char(j.joined_at AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD') AS joined_on, coalesce(m.given, false) AS mail, coalesce(d.given, false) AS dm
		FROM memberships j
		LEFT JOIN LATERAL (SELECT number FROM member_cards WHERE member_id = j.member_id AND brand_id = $1 AND state = 'ACTIVE' ORDER BY issued_at DESC, id DESC LIMIT 1) c ON true
		LEFT JOIN member_ranks k ON k.id = j.rank_id LEFT JOIN locations r ON r.id = j.registered_store_id LEFT JOIN locations h ON h.id = j.home_store_id
		LEFT JOIN member_settings m ON m.member_id = j.member_id AND m.brand_id = $1 AND m.medium = 'MAIL'
		LEFT JOIN member_settings d ON d.member_id = j.member_id AND d.brand_id = $1 AND d.medium = 'DM'
		WHERE j.brand_id = $1 AND j.member_id = ANY($2)`, brandID, memberIDs)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]exportedMember, len(facts))
	for _, f := range facts {
		byID[f.MemberID] = f
	}
	rows := make([][]string, len(people))
	for i, m := range people {
		rows[i] = cells(m, byID[m.ID])
	}
	return rows, nil
}

var genders = map[customer.Gender]string{"FEMALE": "女性", "MALE": "男性", "OTHER": "その他"}

func cells(m member.Member, f exportedMember) []string {
	birthday, address := "", customer.Address{}
	if m.Birthday != nil {
		birthday = m.Birthday.Format(time.DateOnly)
	}
	if m.Address != nil {
		address = *m.Address
	}
	return []string{
		f.Number, m.Name, m.Kana, address.PostalCode, string(address.Prefecture), address.City, address.Line1, address.Line2, m.Phone, m.Email, birthday, genders[m.Gender],
		f.Rank, f.Registered, f.Home, f.JoinedOn, yes(f.Mail), yes(f.DM),
	}
}

func yes(given bool) string {
	if given {
		return "可"
	}
	return "不可"
}
