package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/purchase"
)

// Purchases keeps the history of purchases in PostgreSQL.
type Purchases struct{ db *DB }

// NewPurchases makes the purchases' store.
func NewPurchases(db *DB) *Purchases { return &Purchases{db} }

const purchaseColumns = `id, bought_on, bought_at, brand_id, member_id, card_number, source, store_id, till, receipt, order_id, items, total, currency, by_hand, voided_at`

// Stores are the brand's shops by their codes.
func (s *Purchases) Stores(ctx context.Context, brandID uuid.UUID) (map[string]uuid.UUID, error) {
	rows, err := collect[struct {
		Code string
		ID   uuid.UUID
	}](ctx, s.db, `SELECT code, id FROM locations WHERE brand_id = $1 AND kind IN ('SHOP', 'EVENT')`, brandID)
	stores := make(map[string]uuid.UUID, len(rows))
	for _, r := range rows {
		stores[r.Code] = r.ID
	}
	return stores, err
}

// Room makes the partitions of the months. Rows of a month that the default partition
// holds already keep it from being made: they stay there. Everybody else waits for a table
// that waits to be locked, so it waits briefly, and whoever needs the month tries again.
func (s *Purchases) Room(ctx context.Context, months []time.Time) error {
	wanted := make([]string, 0, 2*len(months))
	for _, month := range months {
		for _, table := range []string{"purchases", "purchase_lines"} {
			wanted = append(wanted, table+month.Format("_2006_01"))
		}
	}
	missing, err := collect[struct{ Name string }](ctx, s.db, `SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL`, wanted)
	if err != nil {
		return err
	}
	for _, m := range missing {
		i := slices.Index(wanted, m.Name)
		month, table := months[i/2], []string{"purchases", "purchase_lines"}[i%2]
		err := s.db.InTx(ctx, func(ctx context.Context) error {
			batch := &pgx.Batch{}
			batch.Queue(`SELECT set_config('lock_timeout', '2s', true)`)
			batch.Queue(fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF %s FOR VALUES FROM ('%s') TO ('%s')`,
				pgx.Identifier{m.Name}.Sanitize(), table, month.Format(time.DateOnly), month.AddDate(0, 1, 0).Format(time.DateOnly)))
			batch.Queue(`SELECT set_config('lock_timeout', reset_val, true) FROM pg_settings WHERE name = 'lock_timeout'`)
			return s.db.conn(ctx).SendBatch(ctx, batch).Close()
		})
		switch {
		case isBusy(err):
			return errors.Join(fault.ErrUnavailable, fmt.Errorf("make the partition %s: %w", m.Name, err))
		case err != nil && !isCheckViolation(err) && !isThere(err):
			return fmt.Errorf("make the partition %s: %w", m.Name, err)
		}
	}
	return nil
}

// isBusy reports that a lock was waited for in vain.
func isBusy(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "55P03"
}

// isThere reports that another process has just made the table.
func isThere(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "42P07" || pg.Code == "23505")
}

const importColumns = `id, brand_id, file_name, digest, rows, receipts, repeated, differing, refused, errors, actor_id, created_at`

// Begin keeps the import unless the brand has one of the digest: then it answers that.
func (s *Purchases) Begin(ctx context.Context, i purchase.Import) (purchase.Import, error) {
	kept, err := first[purchase.Import](ctx, s.db, `
		INSERT INTO purchase_imports AS k (`+importColumns+`) VALUES ($1, $2, $3, $4, 0, 0, 0, 0, 0, $5, $6, $7)
		ON CONFLICT (brand_id, digest) DO UPDATE SET digest = k.digest RETURNING `+importColumns,
		i.ID, i.BrandID, i.FileName, i.Digest, orEmpty(i.Errors), i.ActorID, i.CreatedAt)
	if err != nil || kept == nil {
		return i, err
	}
	return *kept, nil
}

// Finish keeps what became of the import.
func (s *Purchases) Finish(ctx context.Context, i purchase.Import) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE purchase_imports SET rows = $2, receipts = receipts + $3, repeated = $4, refused = $5, errors = $6, differing = $7 WHERE id = $1`,
		i.ID, i.Rows, i.Receipts, i.Repeated, i.Refused, orEmpty(i.Errors), i.Differing)
	return err
}

// These hold a journal while it is taken in. Whole sets are matched with cards and
// goods: a row costs no look-up of its own.
const (
	stagingTables = `
		CREATE TEMP TABLE taken_receipts (id uuid, bought_on date, bought_at timestamptz, brand_id uuid, card_number text, store_id uuid,
			till text, receipt text, items int, total bigint, currency text, content bytea) ON COMMIT DROP;
		CREATE TEMP TABLE taken_lines (purchase_id uuid, bought_on date, position int, code text, name text, quantity int, amount bigint) ON COMMIT DROP;
		CREATE TEMP TABLE added_purchases (LIKE purchases) ON COMMIT DROP`

	// Who goes by what staff have said of cards and codes, and who says it, wait for each
	// other: what is taken in meanwhile would be named by neither.
	lookAtAnswers = `SELECT pg_advisory_xact_lock_shared(hashtextextended('receipts of ' || $1::text, 0))`
	answer        = `SELECT pg_advisory_xact_lock(hashtextextended('receipts of ' || $1::text, 0))`

	// A card counts for whoever had it when it was used: one that was lost before, or that
	// nobody has, goes on the work list. What staff have said of a number holds.
	addReceipts = `
		WITH cards AS (
			SELECT n.card_number, c.member_id, c.ended_at, p.member_id AS named
			FROM (SELECT DISTINCT card_number, brand_id FROM taken_receipts WHERE card_number <> '') n
			LEFT JOIN member_cards c ON c.number = n.card_number AND c.brand_id = n.brand_id
			LEFT JOIN purchase_problems p ON p.brand_id = n.brand_id AND p.kind = 'MEMBER' AND p.value = n.card_number AND p.state = 'RESOLVED'
		), added AS (
			INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, card_number, source, store_id, till, receipt, items, total, currency, import_id, created_at, content)
			SELECT r.id, r.bought_on, r.bought_at, r.brand_id, coalesce(CASE WHEN c.ended_at IS NULL OR r.bought_at < c.ended_at THEN c.member_id END, c.named),
				r.card_number, 'STORE', r.store_id, r.till, r.receipt, r.items, r.total, r.currency, $1, $2, r.content
			FROM taken_receipts r LEFT JOIN cards c USING (card_number)
			ON CONFLICT (store_id, till, receipt, bought_on) WHERE source = 'STORE' AND order_id IS NULL DO NOTHING
			RETURNING *
		)
		INSERT INTO added_purchases SELECT * FROM added`

	// A code is a barcode or a SKU of the brand, or what staff have said it is.
	addLines = `
		WITH lines AS (
			SELECT l.*, a.brand_id, a.member_id, a.store_id FROM taken_lines l JOIN added_purchases a ON a.id = l.purchase_id
		), codes AS (
			SELECT n.code, coalesce(k.id, b.id, v.id) AS variant_id, coalesce(k.product_id, b.product_id, v.product_id) AS product_id
			FROM (SELECT DISTINCT code, brand_id FROM lines) n
			LEFT JOIN LATERAL (SELECT x.id, x.product_id FROM variants x WHERE x.brand_id = n.brand_id AND x.sku = n.code LIMIT 1) k ON true
			LEFT JOIN LATERAL (SELECT x.id, x.product_id FROM variants x WHERE x.brand_id = n.brand_id AND x.barcode = n.code ORDER BY x.active DESC, x.id LIMIT 1) b ON true
			LEFT JOIN purchase_problems p ON p.brand_id = n.brand_id AND p.kind = 'PRODUCT' AND p.value = n.code AND p.state = 'RESOLVED'
			LEFT JOIN variants v ON v.id = p.variant_id
		), written AS (
			INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, store_id, variant_id, product_id, code, name, quantity, amount)
			SELECT l.purchase_id, l.bought_on, l.position, l.brand_id, l.member_id, l.store_id, c.variant_id, c.product_id, l.code, l.name, l.quantity, l.amount
			FROM lines l JOIN codes c USING (code)
		)
		INSERT INTO purchase_problems (id, brand_id, kind, value, name, state, created_at)
		SELECT gen_random_uuid(), l.brand_id, 'PRODUCT', l.code, max(l.name), 'OPEN', $1::timestamptz FROM lines l JOIN codes c USING (code)
		WHERE c.variant_id IS NULL GROUP BY l.brand_id, l.code
		UNION ALL
		SELECT gen_random_uuid(), brand_id, 'MEMBER', card_number, '', 'OPEN', $1::timestamptz FROM added_purchases
		WHERE member_id IS NULL AND card_number <> '' GROUP BY brand_id, card_number
		ON CONFLICT (brand_id, kind, value) WHERE kind <> 'RECEIPT' DO NOTHING`

	// contentOf is the digest that core/purchase makes of what a till says of the purchase p.
	contentOf = `substr(sha256(convert_to(p.card_number || coalesce((
			SELECT string_agg(E'\n' || l.code || E'\t' || l.quantity || E'\t' || l.amount, '' ORDER BY l.code COLLATE "C", l.quantity, l.amount)
			FROM purchase_lines l WHERE l.purchase_id = p.id AND l.bought_on = p.bought_on), ''), 'UTF8')), 1, 16)`

	// Receipts that are there with other content go on the work list, each content once. The
	// answer is how many they are, on the list before or not.
	addDiffering = `
		WITH differing AS (
			SELECT r.id AS came_id, r.content, r.card_number, r.currency, p.id, p.brand_id, p.receipt FROM taken_receipts r
			JOIN purchases p ON p.store_id = r.store_id AND p.till = r.till AND p.receipt = r.receipt AND p.bought_on = r.bought_on AND p.source = 'STORE' AND p.order_id IS NULL
			WHERE p.id <> r.id AND coalesce(p.content, ` + contentOf + `) <> r.content
		), came AS (
			SELECT d.came_id, jsonb_agg(jsonb_build_object('position', l.position, 'code', l.code, 'name', l.name, 'quantity', l.quantity, 'amount', l.amount, 'currency', d.currency) ORDER BY l.position) AS lines
			FROM differing d JOIN taken_lines l ON l.purchase_id = d.came_id GROUP BY d.came_id
		), noted AS (
			INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at, purchase_id, content, card_number, lines)
			SELECT gen_random_uuid(), d.brand_id, 'RECEIPT', d.receipt, 'OPEN', $1::timestamptz, d.id, d.content, d.card_number, c.lines
			FROM differing d JOIN came c USING (came_id)
			ON CONFLICT (purchase_id, content) WHERE kind = 'RECEIPT' DO NOTHING
		)
		SELECT count(*) FROM differing`

	nameMember = `
		WITH named AS (
			UPDATE purchases SET member_id = $3 WHERE brand_id = $1 AND card_number = $2 AND member_id IS NULL AND card_number <> '' AND NOT by_hand AND voided_at IS NULL RETURNING *
		), lines AS (
			UPDATE purchase_lines l SET member_id = $3 FROM named n WHERE l.purchase_id = n.id AND l.bought_on = n.bought_on
		)
		INSERT INTO added_purchases SELECT * FROM named`

	// The ranks of who bought are worked out anew.
	dueOfAdded = `
		UPDATE memberships j SET rank_due_on = ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date
		FROM (SELECT DISTINCT member_id, brand_id FROM added_purchases WHERE member_id IS NOT NULL) a
		WHERE j.member_id = a.member_id AND j.brand_id = a.brand_id AND j.ended_at IS NULL`
)

// Take adds receipts that the history does not have, by COPY and statements over the
// whole set.
func (s *Purchases) Take(ctx context.Context, importID uuid.UUID, receipts []purchase.Taken, at time.Time) (added []purchase.Purchase, differing int, err error) {
	if len(receipts) == 0 {
		return nil, 0, nil
	}
	conn := s.db.conn(ctx)
	if _, err := conn.Exec(ctx, stagingTables); err != nil {
		return nil, 0, err
	}
	_, err = conn.CopyFrom(ctx, pgx.Identifier{"taken_receipts"},
		[]string{"id", "bought_on", "bought_at", "brand_id", "card_number", "store_id", "till", "receipt", "items", "total", "currency", "content"},
		pgx.CopyFromSlice(len(receipts), func(i int) ([]any, error) {
			r := receipts[i]
			return []any{r.ID, r.BoughtOn, r.BoughtAt, r.BrandID, r.CardNumber, r.StoreID, r.Till, r.Receipt, r.Items, r.TotalMinor, r.Currency, r.Content()}, nil
		}))
	if err != nil {
		return nil, 0, err
	}
	if err := s.stageLines(ctx, receipts); err != nil {
		return nil, 0, err
	}
	if _, err := conn.Exec(ctx, lookAtAnswers, receipts[0].BrandID); err != nil { // after the longest part
		return nil, 0, err
	}
	if _, err := conn.Exec(ctx, addReceipts, importID, at); err != nil {
		return nil, 0, fmt.Errorf("add receipts: %w", err)
	}
	if _, err := conn.Exec(ctx, addLines, at); err != nil {
		return nil, 0, fmt.Errorf("add lines: %w", err)
	}
	added, err = s.added(ctx, at)
	if err != nil || len(added) == len(receipts) {
		return added, 0, err
	}
	differing, err = one[int](ctx, s.db, addDiffering, at)
	return added, differing, wrapped("compare receipts", err)
}

// Known are those of the receipts that the history has, each looked up in the index, and
// whether with the same content.
func (s *Purchases) Known(ctx context.Context, receipts []purchase.Taken) (map[uuid.UUID]bool, error) {
	n := len(receipts)
	ids, stores, tills, numbers, days, contents := make([]uuid.UUID, n), make([]*uuid.UUID, n), make([]string, n), make([]string, n), make([]time.Time, n), make([][]byte, n)
	for i, r := range receipts {
		ids[i], stores[i], tills[i], numbers[i], days[i], contents[i] = r.ID, r.StoreID, r.Till, r.Receipt, r.BoughtOn, r.Content()
	}
	found, err := collect[struct {
		ID   uuid.UUID
		Same bool
	}](ctx, s.db, `SELECT r.id, k.same FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::bytea[]) r (id, store_id, till, receipt, bought_on, content)
		CROSS JOIN LATERAL (
			SELECT coalesce(p.content, `+contentOf+`) = r.content AS same FROM purchases p
			WHERE p.store_id = r.store_id AND p.till = r.till AND p.receipt = r.receipt AND p.bought_on = r.bought_on AND p.source = 'STORE' AND p.order_id IS NULL OFFSET 0
		) k`, ids, stores, tills, numbers, days, contents)
	known := make(map[uuid.UUID]bool, len(found))
	for _, f := range found {
		known[f.ID] = f.Same
	}
	return known, err
}

// stageLines copies the receipts' lines.
func (s *Purchases) stageLines(ctx context.Context, receipts []purchase.Taken) error {
	receipt, line := 0, -1
	_, err := s.db.conn(ctx).CopyFrom(ctx, pgx.Identifier{"taken_lines"}, []string{"purchase_id", "bought_on", "position", "code", "name", "quantity", "amount"},
		pgx.CopyFromFunc(func() ([]any, error) {
			for line++; receipt < len(receipts) && line >= len(receipts[receipt].Lines); receipt++ {
				line = 0
			}
			if receipt == len(receipts) {
				return nil, nil
			}
			r := receipts[receipt]
			l := r.Lines[line]
			return []any{r.ID, r.BoughtOn, l.Position, l.Code, l.Name, l.Quantity, l.AmountMinor}, nil
		}))
	return err
}

// added are the purchases that were staged. Ranks become due, and mailings are counted again
// for which they come too late.
func (s *Purchases) added(ctx context.Context, at time.Time) ([]purchase.Purchase, error) {
	batch := &pgx.Batch{}
	batch.Queue(dueOfAdded, at)
	batch.Queue(recountLate("added_purchases"), at)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	return collect[purchase.Purchase](ctx, s.db, `SELECT `+purchaseColumns+` FROM added_purchases ORDER BY bought_at, id`)
}

// placeBought is where the order o was bought: source and store.
const placeBought = `CASE WHEN o.origin = 'ONLINE' THEN 'ONLINE' ELSE 'STORE' END, CASE WHEN o.origin <> 'ONLINE' THEN o.shop_id END`

// Shipments that have left, each a purchase on the day on which it left by its channel's
// clock. Of a set's parts each bears its share by pieces.
const (
	addShipments = `
		WITH due AS (
			SELECT h.id FROM shipments h WHERE NOT h.in_history AND h.shipped_at IS NOT NULL ORDER BY h.shipped_at LIMIT $1 FOR UPDATE SKIP LOCKED
		), marked AS (
			UPDATE shipments h SET in_history = true FROM due WHERE h.id = due.id RETURNING h.id, h.order_id, h.shipped_at, h.total, h.currency
		), added AS (
			INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, receipt, order_id, shipment_id, items, total, currency, created_at)
			SELECT gen_random_uuid(), (m.shipped_at AT TIME ZONE c.time_zone)::date, m.shipped_at, o.brand_id, o.member_id, ` + placeBought + `, o.number, o.id, m.id,
				coalesce((SELECT sum(l.quantity) FROM shipment_lines l WHERE l.shipment_id = m.id), 0)::int, m.total, m.currency, $2
			FROM marked m JOIN orders o ON o.id = m.order_id JOIN channels c ON c.id = o.channel_id
			ON CONFLICT DO NOTHING RETURNING *
		)
		INSERT INTO added_purchases SELECT * FROM added`

	addShippedLines = `
		INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, variant_id, product_id, code, name, quantity, amount)
		SELECT a.id, a.bought_on, row_number() OVER (PARTITION BY a.id ORDER BY ol.position, sl.variant_id), a.brand_id, a.member_id, sl.variant_id,
			coalesce(v.product_id, ol.product_id), coalesce(v.sku, ol.sku), coalesce(ol.name->>'ja', ''), sl.quantity,
			round(ol.total::numeric * sl.quantity / CASE WHEN sl.variant_id = ol.variant_id THEN ol.quantity
				ELSE greatest((SELECT sum((part->>'quantity')::int) FROM jsonb_array_elements(ol.parts) part), 1) END)::bigint
		FROM added_purchases a JOIN shipment_lines sl ON sl.shipment_id = a.shipment_id JOIN order_lines ol ON ol.id = sl.line_id
		LEFT JOIN variants v ON v.id = sl.variant_id`

	// What came back of orders, on the day on which it was received: lines below zero.
	addReturns = `
		WITH due AS (
			SELECT r.id FROM return_receipts r WHERE NOT r.in_history ORDER BY r.at LIMIT $1 FOR UPDATE SKIP LOCKED
		), marked AS (
			UPDATE return_receipts r SET in_history = true FROM due WHERE r.id = due.id RETURNING r.id, r.return_id, r.at, r.refund
		), added AS (
			INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, receipt, order_id, shipment_id, items, total, currency, created_at)
			SELECT gen_random_uuid(), (m.at AT TIME ZONE c.time_zone)::date, m.at, o.brand_id, o.member_id, ` + placeBought + `, o.number, o.id, m.id,
				-coalesce((SELECT sum(l.restocked + l.scrapped + l.repaired) FROM return_receipt_lines l WHERE l.receipt_id = m.id), 0)::int, -m.refund, o.currency, $2
			FROM marked m JOIN returns t ON t.id = m.return_id JOIN orders o ON o.id = t.order_id JOIN channels c ON c.id = o.channel_id
			ON CONFLICT DO NOTHING RETURNING *
		), lines AS (
			INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, variant_id, product_id, code, name, quantity, amount)
			SELECT a.id, a.bought_on, row_number() OVER (PARTITION BY a.id ORDER BY ol.position), a.brand_id, a.member_id, ol.variant_id, ol.product_id, ol.sku,
				coalesce(ol.name->>'ja', ''), -(rl.restocked + rl.scrapped + rl.repaired), -rl.refund
			FROM added a JOIN return_receipt_lines rl ON rl.receipt_id = a.shipment_id JOIN return_lines tl ON tl.id = rl.return_line_id JOIN order_lines ol ON ol.id = tl.line_id
		)
		INSERT INTO added_purchases SELECT * FROM added`

	// Parcels that were refused at the door, on the day on which that was recorded: what
	// left, below zero.
	addRefused = `
		WITH due AS (
			SELECT h.id FROM shipments h WHERE h.refused_at IS NOT NULL AND h.in_history AND NOT h.out_of_history ORDER BY h.refused_at LIMIT $1 FOR UPDATE SKIP LOCKED
		), marked AS (
			UPDATE shipments h SET out_of_history = true FROM due WHERE h.id = due.id RETURNING h.id, h.refused_at
		), taken AS (
			SELECT gen_random_uuid() AS fresh, (m.refused_at AT TIME ZONE c.time_zone)::date AS refused_on, m.refused_at, p.*
			FROM marked m JOIN purchases p ON p.shipment_id = m.id JOIN orders o ON o.id = p.order_id JOIN channels c ON c.id = o.channel_id
		), added AS (
			INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, store_id, receipt, order_id, shipment_id, items, total, currency, created_at)
			SELECT fresh, refused_on, refused_at, brand_id, member_id, source, store_id, receipt, order_id, fresh, -items, -total, currency, $2 FROM taken RETURNING *
		), lines AS (
			INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, variant_id, product_id, code, name, quantity, amount)
			SELECT t.fresh, t.refused_on, l.position, l.brand_id, l.member_id, l.variant_id, l.product_id, l.code, l.name, -l.quantity, -l.amount
			FROM taken t JOIN purchase_lines l ON l.purchase_id = t.id AND l.bought_on = t.bought_on
		)
		INSERT INTO added_purchases SELECT * FROM added`
)

// TakeShipments adds shipments that have left, what came back of them, and those that
// were refused.
func (s *Purchases) TakeShipments(ctx context.Context, most int, at time.Time) ([]purchase.Purchase, error) {
	conn := s.db.conn(ctx)
	if _, err := conn.Exec(ctx, `CREATE TEMP TABLE added_purchases (LIKE purchases) ON COMMIT DROP`); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, addShipments, most, at); err != nil {
		return nil, fmt.Errorf("add shipments: %w", err)
	}
	if _, err := conn.Exec(ctx, addShippedLines); err != nil {
		return nil, fmt.Errorf("add shipped lines: %w", err)
	}
	if _, err := conn.Exec(ctx, addReturns, most, at); err != nil {
		return nil, fmt.Errorf("add returns: %w", err)
	}
	if _, err := conn.Exec(ctx, addRefused, most, at); err != nil {
		return nil, fmt.Errorf("add refused shipments: %w", err)
	}
	return s.added(ctx, at)
}

// OfMember is one page of what a member bought, the latest first; if asked, with what was
// theirs before it was voided.
func (s *Purchases) OfMember(ctx context.Context, memberID uuid.UUID, voided bool, p page.Args) (page.Connection[purchase.Purchase], error) {
	from := `(SELECT ` + purchaseColumns + `, bought_at AS created_at FROM purchases WHERE member_id = @member) listed`
	if voided {
		from = `(SELECT ` + purchaseColumns + `, bought_at AS created_at FROM purchases WHERE member_id = @member
			UNION ALL SELECT ` + purchaseColumns + `, bought_at FROM purchases WHERE voided_of = @member) listed`
	}
	return newest(ctx, s.db, purchaseColumns, from, []string{`true`}, pgx.NamedArgs{"member": memberID}, p,
		func(b purchase.Purchase) newestKey { return newestKey{b.BoughtAt, b.ID} })
}

// Lines are the lines of the purchases, in their order.
func (s *Purchases) Lines(ctx context.Context, purchaseIDs []uuid.UUID) ([]purchase.Line, error) {
	return collect[purchase.Line](ctx, s.db, `
		SELECT l.purchase_id, l.position, l.variant_id, l.product_id, l.code, l.name, l.quantity, l.amount, p.currency
		FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id AND l.bought_on = p.bought_on
		WHERE p.id = ANY($1) ORDER BY l.purchase_id, l.position`, purchaseIDs)
}

// Imports is one page of the brand's journals.
func (s *Purchases) Imports(ctx context.Context, brandID uuid.UUID, sentBy *uuid.UUID, p page.Args) (page.Connection[purchase.Import], error) {
	where := []string{`brand_id = @brand`}
	if sentBy != nil {
		where = append(where, `actor_id = @actor`)
	}
	return newest(ctx, s.db, importColumns, `purchase_imports`, where, pgx.NamedArgs{"brand": brandID, "actor": sentBy}, p,
		func(i purchase.Import) newestKey { return newestKey{i.CreatedAt, i.ID} })
}

const problemColumns = `id, brand_id, kind, value, name, state, variant_id, member_id, reason, actor_id, created_at, resolved_at, purchase_id, card_number, lines`

// Problems is one page of the brand's work list. Codes that are known by now name no person,
// and no index finds their lines: those are everybody's.
func (s *Purchases) Problems(ctx context.Context, q purchase.ProblemQuery) (page.Connection[purchase.Problem], error) {
	where := []string{`brand_id = @brand`, `state = @state`}
	if q.Narrowed {
		theirs, whose := `p.store_id = ANY(@stores)`, `p.member_id IS NULL AND p.card_number <> ''`
		if q.SentBy != nil {
			theirs = `p.import_id IN (SELECT id FROM purchase_imports WHERE brand_id = @brand AND actor_id = @actor)`
		}
		lines := `EXISTS (SELECT FROM purchase_lines l JOIN purchases p ON p.id = l.purchase_id AND p.bought_on = l.bought_on
			WHERE l.brand_id = @brand AND l.code = value AND l.variant_id IS NULL AND ` + theirs + `)`
		if q.State == purchase.ProblemResolved {
			lines, whose = `true`, `p.member_id = purchase_problems.member_id`
		}
		where = append(where, `CASE kind WHEN 'PRODUCT' THEN `+lines+`
			WHEN 'RECEIPT' THEN EXISTS (SELECT FROM purchases p WHERE p.id = purchase_id AND `+theirs+`)
			ELSE EXISTS (SELECT FROM purchases p WHERE p.brand_id = @brand AND p.card_number = value AND `+whose+` AND `+theirs+`) END`)
	}
	args := pgx.NamedArgs{"brand": q.BrandID, "state": q.State, "stores": orEmpty(q.Stores), "actor": q.SentBy}
	return newest(ctx, s.db, problemColumns, `purchase_problems`, where, args, q.Page,
		func(k purchase.Problem) newestKey { return newestKey{k.CreatedAt, k.ID} })
}

// LockProblem is the brand's problem, locked; nil if there is none. Nothing is taken in for the
// brand before the transaction ends.
func (s *Purchases) LockProblem(ctx context.Context, brandID, problemID uuid.UUID) (*purchase.Problem, error) {
	if _, err := s.db.conn(ctx).Exec(ctx, answer, brandID); err != nil {
		return nil, err
	}
	return first[purchase.Problem](ctx, s.db, `SELECT `+problemColumns+` FROM purchase_problems WHERE id = $2 AND brand_id = $1 FOR UPDATE`, brandID, problemID)
}

// SaveProblem keeps what became of a problem.
func (s *Purchases) SaveProblem(ctx context.Context, p purchase.Problem) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE purchase_problems SET state = $2, variant_id = $3, member_id = $4, reason = $5, actor_id = $6, resolved_at = $7 WHERE id = $1`,
		p.ID, p.State, p.VariantID, p.MemberID, p.Reason, p.ActorID, p.ResolvedAt)
	return err
}

// NameGoods lets all lines of the code be of the variant.
func (s *Purchases) NameGoods(ctx context.Context, brandID uuid.UUID, code string, variantID uuid.UUID) error {
	there, err := one[bool](ctx, s.db, `SELECT EXISTS (SELECT FROM variants WHERE id = $2 AND brand_id = $1)`, brandID, variantID)
	if err != nil || !there {
		if err == nil {
			err = fault.ErrNotFound.At("variantId")
		}
		return err
	}
	_, err = s.db.conn(ctx).Exec(ctx, `
		UPDATE purchase_lines l SET variant_id = v.id, product_id = v.product_id FROM variants v
		WHERE v.id = $3 AND l.brand_id = $1 AND l.code = $2 AND l.variant_id IS NULL`, brandID, code, variantID)
	return err
}

// NameMember makes all purchases of the card the member's, with their ranks and mailings.
// Those that another system kept are not answered: what they earned there is in the balances
// from there.
func (s *Purchases) NameMember(ctx context.Context, brandID uuid.UUID, cardNumber string, memberID uuid.UUID, at time.Time) ([]purchase.Purchase, error) {
	conn := s.db.conn(ctx)
	if _, err := conn.Exec(ctx, `CREATE TEMP TABLE added_purchases (LIKE purchases) ON COMMIT DROP`); err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, nameMember, brandID, cardNumber, memberID); err != nil {
		return nil, wrapped("give purchases to a member", err)
	}
	if _, err := s.added(ctx, at); err != nil {
		return nil, err
	}
	return collect[purchase.Purchase](ctx, s.db, `
		SELECT `+purchaseColumns+` FROM added_purchases a WHERE NOT EXISTS (SELECT FROM migrations m WHERE m.id = a.import_id) ORDER BY bought_at, id`)
}
