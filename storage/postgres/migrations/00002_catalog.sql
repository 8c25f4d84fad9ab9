-- +goose Up
-- The manufacturer's brand that a product carries (メーカー・ブランド).
CREATE TABLE product_brands (
	id       uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands,
	slug     text NOT NULL,
	name     jsonb NOT NULL,
	position int NOT NULL DEFAULT 0,
	UNIQUE (brand_id, slug)
);

CREATE TABLE categories (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	parent_id   uuid REFERENCES categories,
	slug        text NOT NULL,
	name        jsonb NOT NULL,
	description jsonb NOT NULL DEFAULT '{}',
	position    int NOT NULL DEFAULT 0,
	UNIQUE (brand_id, slug)
);
CREATE INDEX categories_parent ON categories (parent_id, position);

CREATE TABLE products (
	id               uuid PRIMARY KEY,
	brand_id         uuid NOT NULL REFERENCES brands,
	product_brand_id uuid REFERENCES product_brands,
	slug             text NOT NULL,
	name             jsonb NOT NULL,
	description      jsonb NOT NULL DEFAULT '{}',
	seo_title        jsonb NOT NULL DEFAULT '{}',
	seo_description  jsonb NOT NULL DEFAULT '{}',
	options          jsonb NOT NULL DEFAULT '[]', -- [{"name":{"ja":"サイズ"},"values":["S","M"]}]
	tags             text[] NOT NULL DEFAULT '{}',
	status           text NOT NULL DEFAULT 'DRAFT' CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED')),
	tax_class        text NOT NULL DEFAULT 'STANDARD' CHECK (tax_class IN ('STANDARD', 'REDUCED', 'EXEMPT')),
	internal_note    text NOT NULL DEFAULT '',
	search           tsvector NOT NULL DEFAULT '',
	version          bigint NOT NULL DEFAULT 1,
	created_at       timestamptz NOT NULL,
	updated_at       timestamptz NOT NULL,
	UNIQUE (brand_id, slug)
);
CREATE INDEX products_search ON products USING gin (search);
CREATE INDEX products_product_brand ON products (product_brand_id);

CREATE TABLE product_categories (
	product_id  uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	category_id uuid NOT NULL REFERENCES categories,
	position    int NOT NULL DEFAULT 0,
	PRIMARY KEY (product_id, category_id)
);
CREATE INDEX product_categories_category ON product_categories (category_id, product_id);

CREATE TABLE variants (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	product_id uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	sku        text NOT NULL,
	barcode    text NOT NULL DEFAULT '',
	options    jsonb NOT NULL DEFAULT '[]', -- ["S"], in the order of products.options
	weight     int NOT NULL DEFAULT 0,      -- grams
	cost       bigint,                      -- minor units of the brand's currency
	position   int NOT NULL DEFAULT 0,
	active     boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, sku)
);
CREATE INDEX variants_product ON variants (product_id, position, id);

CREATE TABLE media (
	id         uuid PRIMARY KEY,
	product_id uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	variant_id uuid REFERENCES variants ON DELETE SET NULL,
	kind       text NOT NULL DEFAULT 'IMAGE' CHECK (kind IN ('IMAGE', 'VIDEO', 'DOCUMENT')),
	url        text NOT NULL,
	alt        jsonb NOT NULL DEFAULT '{}',
	position   int NOT NULL DEFAULT 0
);
CREATE INDEX media_product ON media (product_id, position, id);

CREATE TABLE attributes (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	code       text NOT NULL,
	name       jsonb NOT NULL,
	type       text NOT NULL CHECK (type IN ('TEXT', 'NUMBER', 'BOOLEAN', 'SELECT', 'DATE')),
	unit       text NOT NULL DEFAULT '',
	choices    jsonb NOT NULL DEFAULT '[]', -- for SELECT: [{"value":"adult","label":{"ja":"成犬"}}]
	filterable boolean NOT NULL DEFAULT false,
	position   int NOT NULL DEFAULT 0,
	UNIQUE (brand_id, code)
);

CREATE TABLE product_attribute_values (
	product_id   uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	attribute_id uuid NOT NULL REFERENCES attributes,
	value        text NOT NULL,          -- canonical form of every type
	number       numeric,                -- set for NUMBER, to filter by range
	PRIMARY KEY (product_id, attribute_id, value)
);
CREATE INDEX product_attribute_values_value ON product_attribute_values (attribute_id, value, product_id);

-- What a channel shows of a product: the row that lists are filtered and sorted
-- by. Prices and stock flag are copies, kept in the transaction that changes them.
CREATE TABLE product_listings (
	channel_id   uuid NOT NULL REFERENCES channels,
	product_id   uuid NOT NULL REFERENCES products ON DELETE CASCADE,
	published    boolean NOT NULL DEFAULT true,
	published_at timestamptz NOT NULL,   -- shown from; the future schedules it
	retired_at   timestamptz NOT NULL DEFAULT 'infinity', -- shown until
	min_price    bigint,                 -- minor units, lowest active variant at quantity 1
	max_price    bigint,
	in_stock     boolean NOT NULL DEFAULT false,
	name_key     text NOT NULL DEFAULT '', -- the name's reading, folded, to sort by
	popularity   bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (channel_id, product_id)
);
CREATE INDEX product_listings_newest ON product_listings (channel_id, published_at DESC, product_id DESC) WHERE published;
CREATE INDEX product_listings_price ON product_listings (channel_id, min_price, product_id) WHERE published;
CREATE INDEX product_listings_name ON product_listings (channel_id, name_key, product_id) WHERE published;
CREATE INDEX product_listings_product ON product_listings (product_id);

CREATE TABLE prices (
	id            uuid PRIMARY KEY,
	price_list_id uuid NOT NULL REFERENCES price_lists,
	variant_id    uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	min_quantity  int NOT NULL DEFAULT 1 CHECK (min_quantity > 0),
	valid_from    timestamptz NOT NULL DEFAULT '-infinity',
	valid_until   timestamptz NOT NULL DEFAULT 'infinity',
	amount        bigint NOT NULL CHECK (amount >= 0),
	compare_at    bigint CHECK (compare_at >= 0),
	CHECK (valid_from < valid_until),
	UNIQUE (variant_id, price_list_id, min_quantity, valid_from)
);

-- +goose Down
DROP TABLE prices, product_listings, product_attribute_values, attributes, media,
	variants, product_categories, products, categories, product_brands;
