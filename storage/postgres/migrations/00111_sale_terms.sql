-- +goose Up
-- How a variant is sold where that is not simply from stock (販売条件): limited
-- (数量限定), in advance (予約) or made to order (受注生産). Terms whose kind is null
-- are over. sold is the sum of the movements.
CREATE TABLE sale_terms (
	variant_id   uuid PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
	brand_id     uuid NOT NULL REFERENCES brands,
	kind         text CHECK (kind IN ('LIMITED', 'ADVANCE', 'MADE_TO_ORDER')),
	total        int CHECK (total > 0),        -- pieces for everyone together (割当)
	per_customer int CHECK (per_customer > 0),
	release_at   timestamptz,
	promise      jsonb NOT NULL DEFAULT '{}',
	sold         int NOT NULL DEFAULT 0 CHECK (sold >= 0),
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL
) WITH (fillfactor = 70);

-- What one customer has of it, who is a member ("m:…") or a guest's mail address ("e:…").
CREATE TABLE sale_customers (
	variant_id uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	customer   text NOT NULL,
	taken      int NOT NULL CHECK (taken >= 0),
	PRIMARY KEY (variant_id, customer)
);

-- Pieces that an order took (positive), and gave back when it was given up.
CREATE TABLE sale_movements (
	order_id   uuid NOT NULL REFERENCES orders,
	variant_id uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	kind       text NOT NULL CHECK (kind IN ('TAKEN', 'RETURNED')),
	customer   text NOT NULL,
	quantity   int NOT NULL CHECK ((kind = 'TAKEN') = (quantity > 0) AND quantity <> 0),
	at         timestamptz NOT NULL,
	PRIMARY KEY (order_id, variant_id, kind)
);
CREATE INDEX sale_movements_variant ON sale_movements (variant_id, customer);

-- How the line was sold; empty if simply from stock.
ALTER TABLE order_lines ADD COLUMN sold_as text NOT NULL DEFAULT '';

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

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION orderable(product uuid, rule uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM variants v JOIN stock_levels s ON s.variant_id = v.id JOIN locations l ON l.id = s.location_id
		WHERE v.product_id = product AND v.active AND l.brand_id = v.brand_id AND l.ships AND l.active AND s.on_hand > s.reserved)
	OR EXISTS (
		SELECT FROM sold_out_policies o JOIN variants v ON v.product_id = product AND v.active
		LEFT JOIN back_orders w ON w.variant_id = v.id
		WHERE o.id = rule AND coalesce(w.pieces, 0) < o.back_order_limit)
$$;
-- +goose StatementEnd
ALTER TABLE order_lines DROP COLUMN sold_as;
DROP TABLE sale_movements, sale_customers, sale_terms;
