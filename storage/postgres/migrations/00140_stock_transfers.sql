-- +goose Up
-- Pieces on their way from one location to another (在庫移動). What left is no longer
-- on hand at the one and incoming at the other until it arrives.
CREATE TABLE stock_transfers (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	from_id     uuid NOT NULL REFERENCES locations,
	to_id       uuid NOT NULL REFERENCES locations CHECK (to_id <> from_id),
	state       text NOT NULL CHECK (state IN ('IN_TRANSIT', 'ARRIVED', 'LOST', 'RETURNED')),
	reference   text NOT NULL DEFAULT '',
	expected_on date,
	sent_at     timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL
);
CREATE INDEX stock_transfers_sent ON stock_transfers (brand_id, sent_at, id);
CREATE INDEX stock_transfers_open ON stock_transfers (brand_id, sent_at, id) WHERE state = 'IN_TRANSIT';

CREATE TABLE stock_transfer_lines (
	transfer_id uuid NOT NULL REFERENCES stock_transfers ON DELETE CASCADE,
	variant_id  uuid NOT NULL REFERENCES variants,
	position    int NOT NULL,
	quantity    int NOT NULL CHECK (quantity > 0),
	arrived     int NOT NULL DEFAULT 0 CHECK (arrived BETWEEN 0 AND quantity),
	PRIMARY KEY (transfer_id, variant_id)
);

-- +goose Down
DROP TABLE stock_transfer_lines, stock_transfers;
