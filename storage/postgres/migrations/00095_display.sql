-- +goose Up
-- Display rules (表示制御): for whom, for which goods and when; each effect is
-- ALLOW, DENY or null. They are closed, not deleted.
CREATE TABLE display_rules (
	id            uuid PRIMARY KEY,
	brand_id      uuid NOT NULL REFERENCES brands,
	name          text NOT NULL,
	audience_kind text NOT NULL,
	audience_id   uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	target_kind   text NOT NULL,
	target_id     uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	target_value  text NOT NULL DEFAULT '',
	valid_from    timestamptz NOT NULL,
	valid_until   timestamptz NOT NULL,
	channel_id    uuid REFERENCES channels,
	season_from   smallint, -- 100 × month + day
	season_until  smallint,
	visible       text CHECK (visible IN ('ALLOW', 'DENY')),
	purchasable   text CHECK (purchasable IN ('ALLOW', 'DENY')),
	price_shown   text CHECK (price_shown IN ('ALLOW', 'DENY')),
	message       jsonb NOT NULL DEFAULT '{}',
	created_at    timestamptz NOT NULL,
	updated_at    timestamptz NOT NULL,
	closed_at     timestamptz,
	CHECK (valid_from < valid_until),
	CHECK ((season_from IS NULL) = (season_until IS NULL)),
	CHECK (num_nonnulls(visible, purchasable, price_shown) > 0)
);
CREATE INDEX display_rules_brand ON display_rules (brand_id, created_at DESC, id DESC);

-- Badges that products wear.
CREATE TABLE badges (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,
	kind         text NOT NULL CHECK (kind IN ('NEW', 'SALE', 'LIMITED', 'CUSTOM')),
	label        jsonb NOT NULL,
	target_kind  text NOT NULL,
	target_id    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	target_value text NOT NULL DEFAULT '',
	valid_from   timestamptz NOT NULL,
	valid_until  timestamptz NOT NULL,
	channel_id   uuid REFERENCES channels,
	days         int CHECK (days > 0), -- for NEW: since the product was published
	position     int NOT NULL DEFAULT 0,
	created_at   timestamptz NOT NULL,
	closed_at    timestamptz,
	CHECK (valid_from < valid_until),
	CHECK ((kind = 'NEW') = (days IS NOT NULL))
);
CREATE INDEX badges_brand ON badges (brand_id) WHERE closed_at IS NULL;

-- Products held at a position of a category's page. A pin is never changed, only
-- closed: who pages on behind a cursor goes on with the pins of its beginning.
CREATE TABLE category_pins (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	category_id uuid NOT NULL REFERENCES categories ON DELETE CASCADE,
	channel_id  uuid REFERENCES channels,
	product_id  uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	position    int NOT NULL CHECK (position BETWEEN 1 AND 100),
	valid_from  timestamptz NOT NULL,
	valid_until timestamptz NOT NULL,
	created_at  timestamptz NOT NULL,
	closed_at   timestamptz,
	CHECK (valid_from < valid_until)
);
CREATE INDEX category_pins_category ON category_pins (brand_id, category_id);

-- The order in which a category's page stands unless the shopper chooses another.
CREATE TABLE category_sorts (
	category_id uuid PRIMARY KEY REFERENCES categories ON DELETE CASCADE,
	brand_id    uuid NOT NULL REFERENCES brands,
	sort        text NOT NULL
);

-- What becomes of a product that is sold out: its own policy, else that of the
-- nearest category, else of its product brand, else of all goods, else SHOW.
CREATE TABLE sold_out_policies (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	target_kind  text NOT NULL CHECK (target_kind IN ('PRODUCT', 'CATEGORY', 'BRAND', 'ALL')),
	target_id    uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	target_value text NOT NULL DEFAULT '',
	policy       text NOT NULL CHECK (policy IN ('HIDE', 'SHOW', 'LAST', 'NOTIFY_ME')),
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	UNIQUE (brand_id, target_kind, target_id)
);

-- +goose StatementBegin
CREATE FUNCTION sold_out_policy(product uuid) RETURNS text LANGUAGE sql STABLE AS $$
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

-- The listing's copy of the policy, and what follows of it and of the stock: a
-- sold-out product stands behind all others, or is away.
ALTER TABLE product_listings ADD COLUMN sold_out text NOT NULL DEFAULT 'SHOW';
ALTER TABLE product_listings
	ADD COLUMN back smallint NOT NULL GENERATED ALWAYS AS (CASE WHEN NOT in_stock AND sold_out = 'LAST' THEN 1 ELSE 0 END) STORED,
	ADD COLUMN away boolean NOT NULL GENERATED ALWAYS AS (NOT in_stock AND sold_out = 'HIDE') STORED;
DROP INDEX product_listings_newest, product_listings_name, product_listings_cheapest, product_listings_dearest;
CREATE INDEX product_listings_newest ON product_listings (channel_id, (-back) DESC, published_at DESC, product_id DESC) WHERE published;
CREATE INDEX product_listings_name ON product_listings (channel_id, back, name_key, product_id) WHERE published;
CREATE INDEX product_listings_cheapest ON product_listings (channel_id, back, (coalesce(min_price, 9223372036854775807)), product_id) WHERE published;
CREATE INDEX product_listings_dearest ON product_listings (channel_id, (-back) DESC, (coalesce(min_price, -1)) DESC, product_id DESC) WHERE published;

-- Rules for a category hold for those below it: where categories stand decides
-- display, whoever moves them.
-- +goose StatementBegin
CREATE FUNCTION categories_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE rulebooks SET version = version + 1 WHERE brand_id IN (SELECT DISTINCT brand_id FROM changed);
	UPDATE product_listings l SET sold_out = sold_out_policy(l.product_id)
	FROM product_categories pc JOIN categories c ON c.id = pc.category_id
	WHERE l.product_id = pc.product_id AND c.brand_id IN (SELECT DISTINCT brand_id FROM changed)
		AND EXISTS (SELECT FROM sold_out_policies o WHERE o.brand_id = c.brand_id AND o.target_kind = 'CATEGORY')
		AND l.sold_out <> sold_out_policy(l.product_id);
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER categories_added AFTER INSERT ON categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION categories_moved();
CREATE TRIGGER categories_changed AFTER UPDATE ON categories REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION categories_moved();
CREATE TRIGGER categories_removed AFTER DELETE ON categories REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION categories_moved();

-- Who wants to hear when a variant is in stock again (再入荷お知らせ). Once told, or
-- closed by the one who asked, a request is over.
CREATE TABLE restock_requests (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	channel_id  uuid NOT NULL REFERENCES channels,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	member_id   uuid REFERENCES accounts,
	name        text NOT NULL DEFAULT '',
	email       text NOT NULL,
	language    text NOT NULL,
	token_hash  bytea UNIQUE, -- of the link in the mail, once it is sent
	created_at  timestamptz NOT NULL,
	notified_at timestamptz,
	closed_at   timestamptz
);
CREATE UNIQUE INDEX restock_requests_waiting ON restock_requests (variant_id, email) WHERE notified_at IS NULL AND closed_at IS NULL;
CREATE INDEX restock_requests_member ON restock_requests (member_id, created_at DESC) WHERE member_id IS NOT NULL;

-- +goose Down
DROP TABLE restock_requests;
DROP TRIGGER categories_added ON categories;
DROP TRIGGER categories_changed ON categories;
DROP TRIGGER categories_removed ON categories;
DROP FUNCTION categories_moved;
DROP INDEX product_listings_newest, product_listings_name, product_listings_cheapest, product_listings_dearest;
ALTER TABLE product_listings DROP COLUMN back, DROP COLUMN away, DROP COLUMN sold_out;
CREATE INDEX product_listings_newest ON product_listings (channel_id, published_at DESC, product_id DESC) WHERE published;
CREATE INDEX product_listings_name ON product_listings (channel_id, name_key, product_id) WHERE published;
CREATE INDEX product_listings_cheapest ON product_listings (channel_id, (coalesce(min_price, 9223372036854775807)), product_id) WHERE published;
CREATE INDEX product_listings_dearest ON product_listings (channel_id, (coalesce(min_price, -1)) DESC, product_id DESC) WHERE published;
DROP FUNCTION sold_out_policy;
DROP TABLE sold_out_policies, category_sorts, category_pins, badges, display_rules;
