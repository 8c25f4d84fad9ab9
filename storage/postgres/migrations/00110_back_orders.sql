-- +goose Up
-- Back-orders (取り寄せ): sold-out goods that may be ordered all the same, up to so
-- many pieces of each variant, with what shoppers read of when they come.
ALTER TABLE sold_out_policies
	DROP CONSTRAINT sold_out_policies_policy_check,
	ADD COLUMN back_order_limit int CHECK (back_order_limit BETWEEN 1 AND 1000000),
	ADD COLUMN promise jsonb NOT NULL DEFAULT '{}',
	ADD CONSTRAINT sold_out_policies_policy_check CHECK (policy IN ('HIDE', 'SHOW', 'LAST', 'NOTIFY_ME', 'BACK_ORDER')),
	ADD CONSTRAINT sold_out_policies_limit CHECK ((policy = 'BACK_ORDER') = (back_order_limit IS NOT NULL));

-- Pieces that open orders wait for: the sum of their open reservations without a
-- location.
CREATE TABLE back_orders (
	variant_id uuid PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
	pieces     int NOT NULL CHECK (pieces >= 0)
) WITH (fillfactor = 70);

-- A reservation without a location waits for stock. Once stock is found for it, it
-- is ALLOCATED and stays as history, like one that is released or shipped.
ALTER TABLE stock_reservations
	DROP CONSTRAINT stock_reservations_pkey,
	DROP CONSTRAINT stock_reservations_state_check,
	ALTER COLUMN location_id DROP NOT NULL,
	ADD CONSTRAINT stock_reservations_state_check CHECK (state IN ('OPEN', 'RELEASED', 'SHIPPED', 'ALLOCATED')),
	ADD CONSTRAINT stock_reservations_once UNIQUE NULLS NOT DISTINCT (order_id, variant_id, location_id);
CREATE INDEX stock_reservations_waiting ON stock_reservations (variant_id) WHERE location_id IS NULL AND state = 'OPEN';

-- What the buyer was told of when the missing pieces come.
ALTER TABLE order_lines ADD COLUMN promise jsonb NOT NULL DEFAULT '{}';

-- The policy that decides for a product; null if none does.
-- +goose StatementBegin
CREATE FUNCTION sold_out_rule(product uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
	WITH RECURSIVE above AS (
		SELECT c.id, c.parent_id, 0 AS distance FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = product
		UNION
		SELECT c.id, c.parent_id, above.distance + 1 FROM above JOIN categories c ON c.id = above.parent_id
	)
	SELECT coalesce(
		(SELECT o.id FROM sold_out_policies o WHERE o.target_kind = 'PRODUCT' AND o.brand_id = p.brand_id AND o.target_id = p.id),
		(SELECT o.id FROM above JOIN sold_out_policies o ON o.target_kind = 'CATEGORY' AND o.brand_id = p.brand_id AND o.target_id = above.id
			ORDER BY above.distance, o.updated_at DESC, o.id DESC LIMIT 1),
		(SELECT o.id FROM sold_out_policies o WHERE o.target_kind = 'BRAND' AND o.brand_id = p.brand_id AND o.target_id = p.product_brand_id),
		(SELECT o.id FROM sold_out_policies o WHERE o.target_kind = 'ALL' AND o.brand_id = p.brand_id))
	FROM products p WHERE p.id = product
$$;

CREATE OR REPLACE FUNCTION sold_out_policy(product uuid) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT coalesce((SELECT policy FROM sold_out_policies WHERE id = sold_out_rule(product)), 'SHOW')
$$;

-- Whether anything of a product can be ordered, from stock or under the policy.
CREATE FUNCTION orderable(product uuid, rule uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
	SELECT EXISTS (
		SELECT FROM variants v JOIN stock_levels s ON s.variant_id = v.id JOIN locations l ON l.id = s.location_id
		WHERE v.product_id = product AND v.active AND l.brand_id = v.brand_id AND l.ships AND l.active AND s.on_hand > s.reserved)
	OR EXISTS (
		SELECT FROM sold_out_policies o JOIN variants v ON v.product_id = product AND v.active
		LEFT JOIN back_orders w ON w.variant_id = v.id
		WHERE o.id = rule AND coalesce(w.pieces, 0) < o.back_order_limit)
$$;

ALTER TABLE product_listings ADD COLUMN sold_out_rule uuid;
UPDATE product_listings SET sold_out_rule = sold_out_rule(product_id)
WHERE EXISTS (SELECT FROM sold_out_policies);

CREATE OR REPLACE FUNCTION categories_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE rulebooks SET version = version + 1 WHERE brand_id IN (SELECT DISTINCT brand_id FROM changed);
	UPDATE product_listings l SET sold_out_rule = sold_out_rule(l.product_id), sold_out = sold_out_policy(l.product_id),
		in_stock = orderable(l.product_id, sold_out_rule(l.product_id))
	FROM product_categories pc JOIN categories c ON c.id = pc.category_id
	WHERE l.product_id = pc.product_id AND c.brand_id IN (SELECT DISTINCT brand_id FROM changed)
		AND EXISTS (SELECT FROM sold_out_policies o WHERE o.brand_id = c.brand_id AND o.target_kind = 'CATEGORY')
		AND l.sold_out_rule IS DISTINCT FROM sold_out_rule(l.product_id);
	RETURN NULL;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION categories_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE rulebooks SET version = version + 1 WHERE brand_id IN (SELECT DISTINCT brand_id FROM changed);
	UPDATE product_listings l SET sold_out = sold_out_policy(l.product_id)
	FROM product_categories pc JOIN categories c ON c.id = pc.category_id
	WHERE l.product_id = pc.product_id AND c.brand_id IN (SELECT DISTINCT brand_id FROM changed)
		AND EXISTS (SELECT FROM sold_out_policies o WHERE o.brand_id = c.brand_id AND o.target_kind = 'CATEGORY')
		AND l.sold_out <> sold_out_policy(l.product_id);
	RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION sold_out_policy(product uuid) RETURNS text LANGUAGE sql STABLE AS $$
	WITH RECURSIVE above AS (
		SELECT c.id, c.parent_id, 0 AS distance FROM product_categories pc JOIN categories c ON c.id = pc.category_id WHERE pc.product_id = product
		UNION
		SELECT c.id, c.parent_id, above.distance + 1 FROM above JOIN categories c ON c.id = above.parent_id
	)
	SELECT coalesce(
		(SELECT o.policy FROM sold_out_policies o WHERE o.target_kind = 'PRODUCT' AND o.brand_id = p.brand_id AND o.target_id = p.id),
		(SELECT o.policy FROM above JOIN sold_out_policies o ON o.target_kind = 'CATEGORY' AND o.brand_id = p.brand_id AND o.target_id = above.id
			ORDER BY above.distance, o.updated_at DESC, o.id DESC LIMIT 1),
		(SELECT o.policy FROM sold_out_policies o WHERE o.target_kind = 'BRAND' AND o.brand_id = p.brand_id AND o.target_id = p.product_brand_id),
		(SELECT o.policy FROM sold_out_policies o WHERE o.target_kind = 'ALL' AND o.brand_id = p.brand_id),
		'SHOW')
	FROM products p WHERE p.id = product
$$;
-- +goose StatementEnd
ALTER TABLE product_listings DROP COLUMN sold_out_rule;
DROP FUNCTION orderable, sold_out_rule;
ALTER TABLE order_lines DROP COLUMN promise;
DELETE FROM stock_reservations WHERE location_id IS NULL;
UPDATE stock_reservations SET state = 'SHIPPED' WHERE state = 'ALLOCATED';
DROP INDEX stock_reservations_waiting;
ALTER TABLE stock_reservations
	DROP CONSTRAINT stock_reservations_once,
	DROP CONSTRAINT stock_reservations_state_check,
	ALTER COLUMN location_id SET NOT NULL,
	ADD CONSTRAINT stock_reservations_state_check CHECK (state IN ('OPEN', 'RELEASED', 'SHIPPED')),
	ADD PRIMARY KEY (order_id, variant_id, location_id);
DROP TABLE back_orders;
DELETE FROM sold_out_policies WHERE policy = 'BACK_ORDER';
ALTER TABLE sold_out_policies
	DROP CONSTRAINT sold_out_policies_limit,
	DROP CONSTRAINT sold_out_policies_policy_check,
	DROP COLUMN back_order_limit, DROP COLUMN promise,
	ADD CONSTRAINT sold_out_policies_policy_check CHECK (policy IN ('HIDE', 'SHOW', 'LAST', 'NOTIFY_ME'));
UPDATE product_listings SET sold_out = 'SHOW' WHERE sold_out = 'BACK_ORDER';
