-- +goose Up
-- What was taken for a member's first purchase in a brand: an order, or a receipt of a shop.
-- Nothing else is, unless the order was cancelled.
CREATE TABLE point_firsts (
	brand_id  uuid NOT NULL REFERENCES brands,
	member_id uuid NOT NULL,
	source_id uuid NOT NULL,
	PRIMARY KEY (member_id, brand_id)
);

-- +goose Down
DROP TABLE point_firsts;
