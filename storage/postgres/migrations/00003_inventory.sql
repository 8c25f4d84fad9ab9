-- +goose Up
CREATE TABLE locations (
	id       uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands,
	code     text NOT NULL,
	name     jsonb NOT NULL,
	kind     text NOT NULL CHECK (kind IN ('WAREHOUSE', 'SHOP', 'EVENT')),
	address  jsonb NOT NULL DEFAULT '{}',
	priority int NOT NULL DEFAULT 0,  -- the lower ships first
	ships    boolean NOT NULL DEFAULT true, -- online orders may take stock here
	active   boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, code)
);

-- How much there is. on_hand is the sum of the movements; reserved the sum of
-- the open reservations; what can be sold is on_hand - reserved.
CREATE TABLE stock_levels (
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	location_id uuid NOT NULL REFERENCES locations,
	on_hand     int NOT NULL DEFAULT 0 CHECK (on_hand >= 0),
	reserved    int NOT NULL DEFAULT 0 CHECK (reserved >= 0 AND reserved <= on_hand),
	incoming    int NOT NULL DEFAULT 0 CHECK (incoming >= 0),
	PRIMARY KEY (variant_id, location_id)
) WITH (fillfactor = 70);

CREATE TABLE stock_movements (
	id          uuid PRIMARY KEY,
	at          timestamptz NOT NULL,
	variant_id  uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	location_id uuid NOT NULL REFERENCES locations,
	kind        text NOT NULL,  -- RECEIPT, ADJUSTMENT, COUNT, SHIPMENT, RETURN, TRANSFER
	quantity    int NOT NULL CHECK (quantity <> 0),
	reference   text NOT NULL DEFAULT '',
	actor_id    uuid
);
CREATE INDEX stock_movements_level ON stock_movements (variant_id, location_id, at);

-- +goose Down
DROP TABLE stock_movements, stock_levels, locations;
