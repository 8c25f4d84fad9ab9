-- +goose Up
CREATE TABLE shipping_carriers (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,
	name         jsonb NOT NULL,
	tracking_url text NOT NULL DEFAULT '', -- {number} stands for the parcel's number
	active       boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, code)
);

-- Parts of the country that fees and limits speak of.
CREATE TABLE shipping_zones (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	code         text NOT NULL,
	name         jsonb NOT NULL,
	prefectures  text[] NOT NULL DEFAULT '{}',
	postal_codes jsonb NOT NULL DEFAULT '[]', -- of {"from": "1000101", "to": "1006801"}
	lead_days    int NOT NULL DEFAULT 1 CHECK (lead_days >= 0),
	active       boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, code)
);

-- A method's rules are read and replaced as a whole; zone_ids are those that they name.
ALTER TABLE shipping_methods
	ADD COLUMN carrier_id uuid REFERENCES shipping_carriers,
	ADD COLUMN tariff     jsonb NOT NULL DEFAULT '{}',
	ADD COLUMN limits     jsonb NOT NULL DEFAULT '{}',
	ADD COLUMN zone_ids   uuid[] NOT NULL DEFAULT '{}';

-- What shipping must know of a variant beside its weight; no row: nothing was said.
CREATE TABLE shipping_traits (
	variant_id  uuid PRIMARY KEY REFERENCES variants ON DELETE CASCADE,
	length      int NOT NULL DEFAULT 0 CHECK (length BETWEEN 0 AND 500), -- cm
	width       int NOT NULL DEFAULT 0 CHECK (width BETWEEN 0 AND 500),
	height      int NOT NULL DEFAULT 0 CHECK (height BETWEEN 0 AND 500),
	temperature text NOT NULL DEFAULT 'AMBIENT' CHECK (temperature IN ('AMBIENT', 'CHILLED', 'FROZEN')),
	oversize    boolean NOT NULL DEFAULT false,
	no_direct   boolean NOT NULL DEFAULT false
);

-- +goose Down
DROP TABLE shipping_traits;
ALTER TABLE shipping_methods DROP COLUMN zone_ids, DROP COLUMN limits, DROP COLUMN tariff, DROP COLUMN carrier_id;
DROP TABLE shipping_zones, shipping_carriers;
