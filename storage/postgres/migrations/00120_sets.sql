-- +goose Up
-- Sets (セット): a variant that is made of others. What it holds stands in set_parts;
-- parts of slot 0 are always in it, those of a slot are what the customer chooses from.
CREATE TABLE sets (
	variant_id uuid PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
	brand_id   uuid NOT NULL REFERENCES brands,
	price_rule text NOT NULL CHECK (price_rule IN ('OWN', 'PARTS')),
	percent    numeric(7, 4) CHECK (percent BETWEEN 0 AND 100), -- off what the parts cost
	amount     bigint CHECK (amount > 0),                       -- the same in minor units
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	CHECK (num_nonnulls(percent, amount) <= CASE price_rule WHEN 'PARTS' THEN 1 ELSE 0 END)
);
CREATE INDEX sets_brand ON sets (brand_id);

CREATE TABLE set_slots (
	set_id uuid NOT NULL REFERENCES sets ON DELETE CASCADE,
	slot   smallint NOT NULL CHECK (slot > 0),
	name   jsonb NOT NULL,
	pick   int NOT NULL CHECK (pick > 0),
	PRIMARY KEY (set_id, slot)
);

-- A variant is in a set once: so what the parts allow is what each of them allows.
CREATE TABLE set_parts (
	set_id     uuid NOT NULL REFERENCES sets ON DELETE CASCADE,
	variant_id uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	slot       smallint NOT NULL DEFAULT 0,
	position   smallint NOT NULL,
	quantity   int NOT NULL CHECK (quantity > 0),
	PRIMARY KEY (set_id, variant_id),
	CHECK (variant_id <> set_id)
);
CREATE INDEX set_parts_variant ON set_parts (variant_id);

-- What was chosen for a set, in the order of slots and variants; one line for each choice.
ALTER TABLE cart_lines
	ADD COLUMN choices jsonb NOT NULL DEFAULT '[]',
	DROP CONSTRAINT cart_lines_cart_id_variant_id_key,
	ADD CONSTRAINT cart_lines_once UNIQUE (cart_id, variant_id, choices);

-- What was in the set, and how much of the line's total each part bears.
ALTER TABLE order_lines ADD COLUMN parts jsonb NOT NULL DEFAULT '[]';

-- +goose StatementBegin
-- How many pieces of a set its parts allow: from what is there, and with what may be
-- ordered beyond it. An empty array counts every choice of a slot. It is STRICT so that it
-- is planned by itself: written out in a larger statement it would cost that one more than
-- all the rest.
CREATE FUNCTION set_stock(of_set uuid, chosen jsonb) RETURNS TABLE (free int, most int, promise jsonb) LANGUAGE sql STABLE STRICT ROWS 1 AS $$
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

-- The choices as rows; planners take jsonb_to_recordset for a hundred.
CREATE FUNCTION chosen_goods(choices jsonb) RETURNS TABLE (slot int, variant_id uuid, quantity int) LANGUAGE sql IMMUTABLE STRICT ROWS 1 AS $$
	SELECT h.slot, h.variant_id, h.quantity FROM jsonb_to_recordset(choices) AS h (slot int, variant_id uuid, quantity int)
$$;

-- What a set that follows its parts costs by a list at a moment: the least that can be
-- chosen. Null if a part has no price there.
CREATE FUNCTION parts_price(of_set uuid, list uuid, at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
	WITH part AS (
		SELECT z.slot, z.quantity, (
			SELECT r.amount FROM prices r
			WHERE r.variant_id = z.variant_id AND r.price_list_id = list AND r.min_quantity = 1 AND r.valid_from <= at AND r.valid_until > at
			ORDER BY r.valid_from DESC LIMIT 1) AS amount
		FROM set_parts z WHERE z.set_id = of_set
	), bound AS (
		SELECT amount * quantity AS amount FROM part WHERE slot = 0
		UNION ALL
		SELECT (SELECT min(amount) FROM part WHERE part.slot = s.slot) * s.pick FROM set_slots s WHERE s.set_id = of_set
	), summed AS (
		SELECT sum(amount)::bigint AS amount FROM bound HAVING count(*) = count(amount)
	)
	SELECT greatest(floor(s.amount * (100 - coalesce(z.percent, 0)) / 100)::bigint - coalesce(z.amount, 0), 0)
	FROM summed s, sets z WHERE z.variant_id = of_set
$$;

-- Whether anything of a product can be ordered: from stock or under the policy, and sets
-- as far as their parts allow.
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

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION orderable(product uuid, rule uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM variants v
		LEFT JOIN sale_terms t ON t.variant_id = v.id AND t.kind IS NOT NULL
		LEFT JOIN back_orders w ON w.variant_id = v.id
		LEFT JOIN sold_out_policies o ON o.id = rule
		WHERE v.product_id = product AND v.active AND coalesce(t.sold < t.total, true) AND (
			EXISTS (SELECT FROM stock_levels s JOIN locations l ON l.id = s.location_id
				WHERE s.variant_id = v.id AND l.brand_id = v.brand_id AND l.ships AND l.active AND s.on_hand > s.reserved)
			OR t.kind = 'MADE_TO_ORDER' OR t.kind = 'ADVANCE' AND t.release_at > now()
			OR coalesce(w.pieces, 0) < o.back_order_limit))
$$;
-- +goose StatementEnd
DROP FUNCTION set_stock, chosen_goods, parts_price;
ALTER TABLE order_lines DROP COLUMN parts;
DELETE FROM cart_lines WHERE choices <> '[]';
ALTER TABLE cart_lines
	DROP COLUMN choices, -- and the constraint with it
	ADD CONSTRAINT cart_lines_cart_id_variant_id_key UNIQUE (cart_id, variant_id);
DROP TABLE set_parts, set_slots, sets;
