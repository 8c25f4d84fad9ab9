-- +goose Up
-- Counting what lies at a location (棚卸). book is what the books said when the variant
-- was counted, so that what comes and goes before and after does not disturb.
CREATE TABLE stocktakes (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	location_id uuid NOT NULL REFERENCES locations,
	state       text NOT NULL CHECK (state IN ('OPEN', 'BOOKED', 'DROPPED')),
	note        text NOT NULL DEFAULT '',
	started_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX stocktakes_open ON stocktakes (location_id) WHERE state = 'OPEN';
CREATE INDEX stocktakes_started ON stocktakes (brand_id, started_at, id);

CREATE TABLE stocktake_lines (
	stocktake_id uuid NOT NULL REFERENCES stocktakes ON DELETE CASCADE,
	variant_id   uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	book         int NOT NULL,
	counted      int NOT NULL CHECK (counted >= 0),
	counted_at   timestamptz NOT NULL,
	actor_id     uuid,
	PRIMARY KEY (stocktake_id, variant_id)
);

-- +goose Down
DROP TABLE stocktake_lines, stocktakes;
