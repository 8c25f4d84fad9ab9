-- +goose Up
-- Searches of members that were saved (セグメント).
CREATE TABLE segments (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	name       text NOT NULL,
	kind       text NOT NULL CHECK (kind IN ('STATIC', 'DYNAMIC')),
	currency   text NOT NULL,  -- of the amounts in the conditions
	conditions jsonb NOT NULL, -- a tree (core/segment)
	members    int NOT NULL DEFAULT 0, -- as they were last counted
	counted_at timestamptz NOT NULL,
	actor_id   uuid,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	closed_at  timestamptz
);
CREATE UNIQUE INDEX segments_name ON segments (brand_id, name) WHERE closed_at IS NULL;
CREATE INDEX segments_newest ON segments (brand_id, created_at DESC, id DESC);

-- Whom a static segment has.
CREATE TABLE segment_members (
	segment_id uuid NOT NULL REFERENCES segments,
	member_id  uuid NOT NULL,
	PRIMARY KEY (segment_id, member_id)
);
CREATE INDEX segment_members_member ON segment_members (member_id);

-- Files of members that were asked for; a link leads to each for a while.
CREATE TABLE segment_exports (
	id           uuid PRIMARY KEY,
	segment_id   uuid NOT NULL REFERENCES segments,
	brand_id     uuid NOT NULL REFERENCES brands,
	format       text NOT NULL CHECK (format IN ('CSV', 'XLSX')),
	encoding     text NOT NULL CHECK (encoding IN ('UTF_8', 'CP932')),
	actor_role   text NOT NULL,
	actor_id     uuid,
	requested_at timestamptz NOT NULL
);

-- Searches read sums out of indexes alone, without the rows: who bought a product, and
-- what a member's purchases come to.
DROP INDEX purchase_lines_product;
CREATE INDEX purchase_lines_product ON purchase_lines (product_id, bought_on) INCLUDE (member_id, quantity, amount) WHERE product_id IS NOT NULL;
CREATE INDEX purchases_sums ON purchases (member_id, bought_on) INCLUDE (brand_id, store_id, items, total) WHERE member_id IS NOT NULL;

-- +goose Down
DROP INDEX purchases_sums, purchase_lines_product;
CREATE INDEX purchase_lines_product ON purchase_lines (product_id, bought_on) WHERE product_id IS NOT NULL;
DROP TABLE segment_exports, segment_members, segments;
