-- +goose Up

-- Who parcels come from in files of instructions of one profile, and the contract with
-- its carrier.
CREATE TABLE shipment_senders (
	brand_id      uuid NOT NULL REFERENCES brands,
	profile       text NOT NULL,
	address       jsonb NOT NULL,
	customer_code text NOT NULL,
	fare_code     text NOT NULL,
	updated_at    timestamptz NOT NULL,
	PRIMARY KEY (brand_id, profile)
);

-- Files of instructions to carriers and warehouses, as they were made (出荷指示データ).
CREATE TABLE shipment_batches (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	number      int NOT NULL,
	profile     text NOT NULL,
	location_id uuid REFERENCES locations,
	file_name   text NOT NULL,
	shipments   int NOT NULL,
	remarks     jsonb NOT NULL,
	content     bytea NOT NULL,
	created_by  uuid,
	created_at  timestamptz NOT NULL,
	UNIQUE (brand_id, number)
);

ALTER TABLE shipments
	ADD COLUMN batch_id    uuid REFERENCES shipment_batches, -- the last file that instructs it
	ADD COLUMN exported_at timestamptz;
CREATE INDEX shipments_unexported ON shipments (brand_id, instructed_at, id) WHERE status = 'INSTRUCTED' AND batch_id IS NULL;

-- The numbers under which a shipment's parcels are followed; key is the number without
-- what people put between its symbols.
CREATE TABLE parcels (
	id              uuid PRIMARY KEY,
	shipment_id     uuid NOT NULL REFERENCES shipments,
	brand_id        uuid NOT NULL REFERENCES brands,
	tracking_number text NOT NULL,
	key             text NOT NULL,
	created_at      timestamptz NOT NULL,
	UNIQUE (shipment_id, key)
);
CREATE INDEX parcels_key ON parcels (key);
INSERT INTO parcels (id, shipment_id, brand_id, tracking_number, key, created_at)
SELECT gen_random_uuid(), id, brand_id, tracking_number, upper(regexp_replace(tracking_number, '[^0-9A-Za-z]', '', 'g')), coalesce(shipped_at, updated_at)
FROM shipments WHERE tracking_number <> '' AND status <> 'CANCELLED';

-- Files of what became of shipments (出荷実績データ): done is how many rows have been
-- worked on.
CREATE TABLE shipment_results (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	file_name  text NOT NULL,
	digest     text NOT NULL,
	rows       jsonb NOT NULL,
	done       int NOT NULL DEFAULT 0,
	shipped    int NOT NULL DEFAULT 0,
	parcels    int NOT NULL DEFAULT 0,
	known      int NOT NULL DEFAULT 0,
	rejections jsonb NOT NULL,
	actor      jsonb NOT NULL,
	created_at timestamptz NOT NULL,
	UNIQUE (brand_id, digest)
);
CREATE INDEX shipment_results_listed ON shipment_results (brand_id, id);

-- What people have to find out about parcels: the work list of carriers' reports.
CREATE TABLE delivery_issues (
	id              uuid PRIMARY KEY,
	brand_id        uuid REFERENCES brands, -- null: nobody knows whose parcel it is
	shipment_id     uuid REFERENCES shipments,
	kind            text NOT NULL CHECK (kind IN ('UNKNOWN_SHIPMENT', 'NOT_SHIPPABLE', 'TRACKING_TAKEN', 'UNKNOWN_PARCEL', 'RETURNED', 'LATE')),
	carrier         text NOT NULL DEFAULT '',
	reference       text NOT NULL DEFAULT '',
	tracking_number text NOT NULL DEFAULT '',
	detail          jsonb NOT NULL DEFAULT '{}',
	finger          text NOT NULL UNIQUE, -- tells it from any other
	state           text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'SETTLED')),
	reason          text NOT NULL DEFAULT '',
	reported_at     timestamptz NOT NULL,
	settled_at      timestamptz,
	settled_by      uuid
);
CREATE INDEX delivery_issues_work ON delivery_issues (state, reported_at, id);

-- +goose Down
DROP TABLE delivery_issues, shipment_results, parcels;
ALTER TABLE shipments DROP COLUMN batch_id, DROP COLUMN exported_at;
DROP TABLE shipment_batches, shipment_senders;
