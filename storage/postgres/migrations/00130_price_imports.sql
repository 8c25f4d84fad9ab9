-- +goose Up
-- Files of prices (価格の一括改定): read into rows of what would change, looked at, and
-- then committed as a whole, or discarded.
CREATE TABLE price_imports (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	channel_id   uuid NOT NULL REFERENCES channels,
	kind         text NOT NULL CHECK (kind IN ('PRICES', 'CUSTOMER_PRICES', 'RATES')),
	encoding     text NOT NULL DEFAULT '',
	file_name    text NOT NULL,
	file_hash    text NOT NULL,
	state        text NOT NULL CHECK (state IN ('QUEUED', 'READING', 'PREVIEWED', 'COMMITTING', 'COMMITTED', 'STALE', 'DISCARDED', 'FAILED')),
	position     int NOT NULL DEFAULT 0,  -- rows of the file that have been read
	added        int NOT NULL DEFAULT 0,
	changed      int NOT NULL DEFAULT 0,
	closed       int NOT NULL DEFAULT 0,
	unchanged    int NOT NULL DEFAULT 0,
	rejected     int NOT NULL DEFAULT 0,
	failure      text NOT NULL DEFAULT '',
	may_below    boolean NOT NULL,        -- who sent it may go below the floor
	applied      boolean NOT NULL DEFAULT false, -- the prices are in force; listings may still follow
	relisted     uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000', -- the last product whose listings follow
	actor_id     uuid,
	committed_by uuid,
	created_at   timestamptz NOT NULL,
	previewed_at timestamptz,
	finished_at  timestamptz
);
CREATE INDEX price_imports_created ON price_imports (brand_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX price_imports_unread ON price_imports (channel_id, kind, file_hash) WHERE state IN ('QUEUED', 'READING', 'FAILED');

CREATE TABLE price_import_chunks (
	run_id uuid NOT NULL REFERENCES price_imports ON DELETE CASCADE,
	number int NOT NULL,
	bytes  bytea NOT NULL,
	PRIMARY KEY (run_id, number)
);

-- What each row of the file would do. They stay as the record of what was before.
CREATE TABLE price_import_rows (
	import_id     uuid NOT NULL REFERENCES price_imports ON DELETE CASCADE,
	line          int NOT NULL,
	key           text NOT NULL,  -- what it is the price of; once in a file
	change        text NOT NULL CHECK (change IN ('ADDED', 'CHANGED', 'CLOSED', 'UNCHANGED')),
	holder        text NOT NULL,  -- price list, customer or audience, as the file says
	sku           text NOT NULL,  -- of a rate: its goods, as the file says
	audience_kind text NOT NULL DEFAULT '',
	audience_id   uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	list_id       uuid,           -- null: the customer's list has yet to be made, or it is a rate
	variant_id    uuid,
	product_id    uuid,
	min_quantity  int NOT NULL DEFAULT 1,
	valid_from    timestamptz NOT NULL,
	valid_until   timestamptz NOT NULL,
	amount        bigint,
	compare_at    bigint,
	old_id        uuid,
	old_until     timestamptz,
	old_amount    bigint,
	old_compare   bigint,
	before        bigint,         -- what holds when it begins, or the rate before in millionths
	difference    numeric(12, 1), -- per cent from before
	below         boolean NOT NULL,
	rate          jsonb,
	old_rate      jsonb,
	PRIMARY KEY (import_id, line),
	UNIQUE (import_id, key)
);
CREATE INDEX price_import_rows_change ON price_import_rows (import_id, change, line);
CREATE INDEX price_import_rows_difference ON price_import_rows (import_id, difference) WHERE difference <> 0;

CREATE TABLE price_import_rejections (
	run_id   uuid NOT NULL REFERENCES price_imports ON DELETE CASCADE,
	number   int NOT NULL,
	line     int NOT NULL,
	"column" text NOT NULL,
	value    text NOT NULL,
	slug     text NOT NULL,
	warning  boolean NOT NULL,
	ja       text NOT NULL,
	en       text NOT NULL,
	PRIMARY KEY (run_id, number)
);

-- A customer's list is found by its customer, closed or not.
CREATE INDEX price_lists_audience ON price_lists (brand_id, audience_id);

-- +goose Down
DROP INDEX price_lists_audience;
DROP TABLE price_import_rejections, price_import_rows, price_import_chunks, price_imports;
