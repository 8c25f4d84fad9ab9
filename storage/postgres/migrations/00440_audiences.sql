-- +goose Up
-- Which segments, of those that rules of points name, a member was in when an order was first
-- followed or a receipt first reckoned. What it earns may be reckoned again later.
CREATE TABLE point_places (
	source_id   uuid PRIMARY KEY, -- an order or a receipt
	segment_ids uuid[] NOT NULL
);

-- Whom a segment by prefecture finds. The column stands in clear since 00230: alone it names
-- nobody.
CREATE INDEX saved_addresses_prefecture ON saved_addresses (prefecture, member_id) WHERE is_default AND closed_at IS NULL;
CREATE INDEX memberships_joined ON memberships (brand_id, joined_at) WHERE ended_at IS NULL;

-- +goose Down
DROP INDEX memberships_joined, saved_addresses_prefecture;
DROP TABLE point_places;
