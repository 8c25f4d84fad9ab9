-- +goose Up
-- Safety stock (安全在庫): pieces that are not offered. What orders can take stands in a
-- column, so that it is said once.
ALTER TABLE stock_levels
	ADD COLUMN safety int NOT NULL DEFAULT 0 CHECK (safety >= 0),
	ADD COLUMN free   int GENERATED ALWAYS AS (greatest(on_hand - reserved - safety, 0)) STORED,
	-- At so many pieces there or coming, or fewer, more should be ordered (発注点): up to reorder_to.
	ADD COLUMN reorder_point int CHECK (reorder_point >= 0),
	ADD COLUMN reorder_to    int CHECK (reorder_to > reorder_point),
	ADD CONSTRAINT stock_levels_reorder CHECK ((reorder_point IS NULL) = (reorder_to IS NULL));
CREATE INDEX stock_levels_watched ON stock_levels (location_id, variant_id) WHERE reorder_point IS NOT NULL;

-- Levels that fell to their reorder point, until they are above it again.
CREATE TABLE stock_alerts (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	location_id uuid NOT NULL REFERENCES locations,
	opened_at   timestamptz NOT NULL,
	closed_at   timestamptz
);
CREATE UNIQUE INDEX stock_alerts_open ON stock_alerts (variant_id, location_id) WHERE closed_at IS NULL;
CREATE INDEX stock_alerts_brand ON stock_alerts (brand_id, opened_at DESC, id DESC) WHERE closed_at IS NULL;

-- Deliveries that suppliers have announced (入荷予定). What is missing of those that are
-- awaited, and of transfers in transit, is what stock_levels.incoming counts.
CREATE TABLE stock_deliveries (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	location_id uuid NOT NULL REFERENCES locations,
	state       text NOT NULL CHECK (state IN ('AWAITED', 'ARRIVED', 'CLOSED')),
	supplier    text NOT NULL,
	reference   text NOT NULL,
	expected_on date, -- null: nobody said
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL
);
CREATE INDEX stock_deliveries_newest ON stock_deliveries (brand_id, created_at DESC, id DESC);
CREATE INDEX stock_deliveries_awaited ON stock_deliveries (brand_id, expected_on) WHERE state = 'AWAITED';

CREATE TABLE stock_delivery_lines (
	delivery_id uuid NOT NULL REFERENCES stock_deliveries,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	position    int NOT NULL,
	quantity    int NOT NULL CHECK (quantity > 0),
	arrived     int NOT NULL DEFAULT 0 CHECK (arrived >= 0), -- more than was announced may come
	PRIMARY KEY (delivery_id, variant_id)
);
CREATE INDEX stock_delivery_lines_variant ON stock_delivery_lines (variant_id);

UPDATE stock_levels s SET incoming = (
	SELECT coalesce(sum(l.quantity - l.arrived), 0) FROM stock_transfer_lines l JOIN stock_transfers t ON t.id = l.transfer_id
	WHERE t.state = 'IN_TRANSIT' AND t.to_id = s.location_id AND l.variant_id = s.variant_id)
WHERE s.incoming > 0;

-- +goose StatementBegin
-- The day by which so many pieces more of a variant will have come to where it ships from,
-- by what is announced; null if not so many are, or nobody said when.
CREATE FUNCTION arrives_on(of_variant uuid, pieces bigint) RETURNS date LANGUAGE sql STABLE STRICT AS $$
	SELECT expected_on FROM (
		SELECT expected_on, sum(missing) OVER (ORDER BY expected_on) AS together FROM (
			SELECT d.expected_on, greatest(l.quantity - l.arrived, 0) AS missing
			FROM stock_delivery_lines l JOIN stock_deliveries d ON d.id = l.delivery_id JOIN locations o ON o.id = d.location_id
			WHERE l.variant_id = of_variant AND d.state = 'AWAITED' AND d.expected_on IS NOT NULL AND o.ships AND o.active
			UNION ALL
			SELECT t.expected_on, l.quantity - l.arrived
			FROM stock_transfer_lines l JOIN stock_transfers t ON t.id = l.transfer_id JOIN locations o ON o.id = t.to_id
			WHERE l.variant_id = of_variant AND t.state = 'IN_TRANSIT' AND t.expected_on IS NOT NULL AND o.ships AND o.active
		) coming
	) days WHERE together >= pieces ORDER BY expected_on LIMIT 1
$$;

-- The day by which all that an order waits for of a variant will have come: who waits
-- longer is served first.
CREATE FUNCTION due_on(of_order uuid, of_variant uuid) RETURNS date LANGUAGE sql STABLE STRICT AS $$
	SELECT arrives_on(of_variant, (
		SELECT sum(q.quantity) FROM orders o JOIN stock_reservations q ON q.variant_id = of_variant AND q.location_id IS NULL AND q.state = 'OPEN'
		JOIN orders w ON w.id = q.order_id AND (w.placed_at, w.id) <= (o.placed_at, o.id) WHERE o.id = of_order))
$$;

CREATE OR REPLACE FUNCTION set_stock(of_set uuid, chosen jsonb) RETURNS TABLE (free int, most int, promise jsonb) LANGUAGE sql STABLE STRICT ROWS 1 AS $$
	WITH part AS (
		SELECT z.slot, z.variant_id, z.quantity FROM set_parts z WHERE z.set_id = of_set AND z.slot = 0
		UNION ALL
		SELECT 0, h.variant_id, h.quantity FROM jsonb_to_recordset(chosen) AS h (variant_id uuid, quantity int)
		UNION ALL
		SELECT z.slot, z.variant_id, z.quantity FROM set_parts z WHERE z.set_id = of_set AND z.slot > 0 AND chosen = '[]'
	), stock AS (
		SELECT part.slot, part.quantity, b.promise,
			CASE WHEN v.on_sale THEN greatest(least(f.free, t.total - t.sold), 0) ELSE 0 END AS free,
			CASE WHEN v.on_sale THEN greatest(least(f.free + greatest(coalesce(b.most - coalesce(w.pieces, 0), 0), 0), t.total - t.sold), 0) ELSE 0 END AS most
		FROM part
		LEFT JOIN LATERAL (SELECT v.*, v.active AND p.status = 'ACTIVE' AS on_sale FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = part.variant_id) v ON true
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
		LEFT JOIN back_orders w ON w.variant_id = v.id
		LEFT JOIN LATERAL (
			SELECT 1000000 AS most, t.promise WHERE t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()
			UNION ALL (
				SELECT o.back_order_limit, o.promise
				FROM product_listings l JOIN sold_out_policies o ON o.id = l.sold_out_rule AND o.policy = 'BACK_ORDER'
				WHERE l.product_id = v.product_id AND (t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()) IS NOT TRUE LIMIT 1)
		) b ON true
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(s.free), 0)::int AS free
			FROM stock_levels s JOIN locations o ON o.id = s.location_id
			WHERE s.variant_id = v.id AND o.brand_id = v.brand_id AND o.ships AND o.active
		) f
	), bound AS (
		SELECT free / quantity AS free, most / quantity AS most FROM stock WHERE slot = 0
		UNION ALL
		SELECT n.free / s.pick, n.most / s.pick
		FROM (SELECT slot, sum(free)::int AS free, sum(most)::int AS most FROM stock WHERE slot > 0 GROUP BY slot) n
		JOIN set_slots s ON s.set_id = of_set AND s.slot = n.slot
	)
	SELECT coalesce(min(bound.free), 0), coalesce(min(bound.most), 0), (SELECT stock.promise FROM stock WHERE stock.promise IS NOT NULL LIMIT 1) FROM bound
$$;

CREATE OR REPLACE FUNCTION orderable(product uuid, rule uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM variants v
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
		LEFT JOIN back_orders w ON w.variant_id = v.id
		LEFT JOIN sold_out_policies o ON o.id = rule
		WHERE v.product_id = product AND v.active AND coalesce(t.sold < t.total, true) AND CASE
			WHEN EXISTS (SELECT FROM sets z WHERE z.variant_id = v.id) THEN (SELECT y.most > 0 FROM set_stock(v.id, '[]') y)
			ELSE EXISTS (SELECT FROM stock_levels s JOIN locations l ON l.id = s.location_id
					WHERE s.variant_id = v.id AND l.brand_id = v.brand_id AND l.ships AND l.active AND s.free > 0)
				OR t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()
				OR coalesce(w.pieces, 0) < o.back_order_limit END)
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION set_stock(of_set uuid, chosen jsonb) RETURNS TABLE (free int, most int, promise jsonb) LANGUAGE sql STABLE STRICT ROWS 1 AS $$
	WITH part AS (
		SELECT z.slot, z.variant_id, z.quantity FROM set_parts z WHERE z.set_id = of_set AND z.slot = 0
		UNION ALL
		SELECT 0, h.variant_id, h.quantity FROM jsonb_to_recordset(chosen) AS h (variant_id uuid, quantity int)
		UNION ALL
		SELECT z.slot, z.variant_id, z.quantity FROM set_parts z WHERE z.set_id = of_set AND z.slot > 0 AND chosen = '[]'
	), stock AS (
		SELECT part.slot, part.quantity, b.promise,
			CASE WHEN v.on_sale THEN greatest(least(f.free, t.total - t.sold), 0) ELSE 0 END AS free,
			CASE WHEN v.on_sale THEN greatest(least(f.free + greatest(coalesce(b.most - coalesce(w.pieces, 0), 0), 0), t.total - t.sold), 0) ELSE 0 END AS most
		FROM part
		LEFT JOIN LATERAL (SELECT v.*, v.active AND p.status = 'ACTIVE' AS on_sale FROM variants v JOIN products p ON p.id = v.product_id WHERE v.id = part.variant_id) v ON true
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
		LEFT JOIN back_orders w ON w.variant_id = v.id
		LEFT JOIN LATERAL (
			SELECT 1000000 AS most, t.promise WHERE t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()
			UNION ALL (
				SELECT o.back_order_limit, o.promise
				FROM product_listings l JOIN sold_out_policies o ON o.id = l.sold_out_rule AND o.policy = 'BACK_ORDER'
				WHERE l.product_id = v.product_id AND (t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()) IS NOT TRUE LIMIT 1)
		) b ON true
		CROSS JOIN LATERAL (
			SELECT coalesce(sum(greatest(s.on_hand - s.reserved, 0)), 0)::int AS free
			FROM stock_levels s JOIN locations o ON o.id = s.location_id
			WHERE s.variant_id = v.id AND o.brand_id = v.brand_id AND o.ships AND o.active
		) f
	), bound AS (
		SELECT free / quantity AS free, most / quantity AS most FROM stock WHERE slot = 0
		UNION ALL
		SELECT n.free / s.pick, n.most / s.pick
		FROM (SELECT slot, sum(free)::int AS free, sum(most)::int AS most FROM stock WHERE slot > 0 GROUP BY slot) n
		JOIN set_slots s ON s.set_id = of_set AND s.slot = n.slot
	)
	SELECT coalesce(min(bound.free), 0), coalesce(min(bound.most), 0), (SELECT stock.promise FROM stock WHERE stock.promise IS NOT NULL LIMIT 1) FROM bound
$$;

CREATE OR REPLACE FUNCTION orderable(product uuid, rule uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM variants v
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
		LEFT JOIN back_orders w ON w.variant_id = v.id
		LEFT JOIN sold_out_policies o ON o.id = rule
		WHERE v.product_id = product AND v.active AND coalesce(t.sold < t.total, true) AND CASE
			WHEN EXISTS (SELECT FROM sets z WHERE z.variant_id = v.id) THEN (SELECT y.most > 0 FROM set_stock(v.id, '[]') y)
			ELSE EXISTS (SELECT FROM stock_levels s JOIN locations l ON l.id = s.location_id
					WHERE s.variant_id = v.id AND l.brand_id = v.brand_id AND l.ships AND l.active AND s.on_hand > s.reserved)
				OR t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()
				OR coalesce(w.pieces, 0) < o.back_order_limit END)
$$;
-- +goose StatementEnd
DROP FUNCTION due_on, arrives_on;
DROP TABLE stock_delivery_lines, stock_deliveries, stock_alerts;
ALTER TABLE stock_levels DROP COLUMN free, DROP COLUMN safety, DROP COLUMN reorder_point, DROP COLUMN reorder_to;
