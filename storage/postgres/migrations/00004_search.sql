-- +goose Up
-- Names sort by their reading, byte by byte.
ALTER TABLE product_listings ALTER COLUMN name_key TYPE text COLLATE "C";

-- What has no price stands last, whichever way prices are sorted.
DROP INDEX product_listings_price;
CREATE INDEX product_listings_cheapest ON product_listings (channel_id, (coalesce(min_price, 9223372036854775807)), product_id) WHERE published;
CREATE INDEX product_listings_dearest ON product_listings (channel_id, (coalesce(min_price, -1)) DESC, product_id DESC) WHERE published;

ALTER TABLE categories ADD COLUMN search tsvector NOT NULL DEFAULT '', ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE product_brands ADD COLUMN search tsvector NOT NULL DEFAULT '', ADD COLUMN version bigint NOT NULL DEFAULT 1;

-- Other words for a word. Without sources the words stand for each other; with
-- sources, they are found by those and not the other way round.
CREATE TABLE search_synonyms (
	id       uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands,
	sources  text[] NOT NULL DEFAULT '{}',
	words    text[] NOT NULL CHECK (cardinality(words) > 0)
);
CREATE INDEX search_synonyms_brand ON search_synonyms (brand_id);

-- The beginnings by which suggestions are found, folded, by reading and as written.
CREATE TABLE search_terms (
	brand_id  uuid NOT NULL REFERENCES brands,
	kind      text NOT NULL CHECK (kind IN ('PRODUCT', 'CATEGORY', 'BRAND')),
	target_id uuid NOT NULL,
	key       text COLLATE "C" NOT NULL,
	PRIMARY KEY (brand_id, key, kind, target_id)
);
CREATE INDEX search_terms_target ON search_terms (target_id);

-- What shoppers asked for and found.
CREATE TABLE search_queries (
	brand_id uuid NOT NULL REFERENCES brands,
	key      text COLLATE "C" NOT NULL,
	text     text NOT NULL,
	asked    bigint NOT NULL DEFAULT 1,
	asked_at timestamptz NOT NULL,
	PRIMARY KEY (brand_id, key)
);

-- +goose Down
DROP TABLE search_queries, search_terms, search_synonyms;
ALTER TABLE product_brands DROP COLUMN search, DROP COLUMN version;
ALTER TABLE categories DROP COLUMN search, DROP COLUMN version;
DROP INDEX product_listings_cheapest, product_listings_dearest;
CREATE INDEX product_listings_price ON product_listings (channel_id, min_price, product_id) WHERE published;
ALTER TABLE product_listings ALTER COLUMN name_key TYPE text COLLATE "default";
