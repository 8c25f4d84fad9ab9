-- +goose Up
-- Which segments, of those that rules of points name, a member was in when an order was first
-- followed or a receipt first reckoned. What it earns may be reckoned again later.
CREATE TABLE point_places (
	source_id   uuid PRIMARY KEY, -- an order or a receipt
	segment_ids uuid[] NOT NULL
);

-- +goose Down
DROP TABLE point_places;
