-- +goose Up
-- What was bought, in shops and online, in one history by month (購買履歴). The month's
-- partitions are made ahead by a job; the default one catches what none was made for.
CREATE TABLE purchases (
	id          uuid NOT NULL,
	bought_on   date NOT NULL,           -- the business day (営業日)
	bought_at   timestamptz NOT NULL,
	brand_id    uuid NOT NULL,
	member_id   uuid,                    -- null: nobody's, or not known yet
	card_number text NOT NULL DEFAULT '', -- that the till read
	source      text NOT NULL CHECK (source IN ('STORE', 'ONLINE')),
	store_id    uuid,                    -- null: online
	till        text NOT NULL DEFAULT '',
	receipt     text NOT NULL DEFAULT '', -- レシート番号; online: the order's number
	order_id    uuid,
	shipment_id uuid,                    -- or the receipt of a return
	items       int NOT NULL,            -- pieces; returned ones below zero
	total       bigint NOT NULL,         -- minor units, with tax
	currency    text NOT NULL,
	import_id   uuid,
	created_at  timestamptz NOT NULL,
	PRIMARY KEY (id, bought_on)
) PARTITION BY RANGE (bought_on);
CREATE TABLE purchases_default PARTITION OF purchases DEFAULT;
CREATE UNIQUE INDEX purchases_receipt ON purchases (store_id, till, receipt, bought_on) WHERE source = 'STORE' AND order_id IS NULL; -- of a till's own journal
CREATE UNIQUE INDEX purchases_shipment ON purchases (shipment_id, source, bought_on) WHERE shipment_id IS NOT NULL;
CREATE INDEX purchases_member ON purchases (member_id, bought_at DESC, id DESC) WHERE member_id IS NOT NULL;
CREATE INDEX purchases_card ON purchases (card_number) WHERE member_id IS NULL AND card_number <> '';

CREATE TABLE purchase_lines (
	purchase_id uuid NOT NULL,
	bought_on   date NOT NULL,
	position    int NOT NULL,
	brand_id    uuid NOT NULL,
	member_id   uuid,
	store_id    uuid,
	variant_id  uuid,
	product_id  uuid,                    -- null: not known yet
	code        text NOT NULL,           -- barcode or SKU, as it was sold
	name        text NOT NULL,
	quantity    int NOT NULL,
	amount      bigint NOT NULL,         -- of the line, minor units, with tax
	PRIMARY KEY (purchase_id, bought_on, position)
) PARTITION BY RANGE (bought_on);
CREATE TABLE purchase_lines_default PARTITION OF purchase_lines DEFAULT;
CREATE INDEX purchase_lines_member ON purchase_lines (member_id, bought_on) WHERE member_id IS NOT NULL;
CREATE INDEX purchase_lines_product ON purchase_lines (product_id, bought_on) WHERE product_id IS NOT NULL;
CREATE INDEX purchase_lines_unknown ON purchase_lines (brand_id, code) WHERE variant_id IS NULL;

-- Journals of tills (POSジャーナル) that were taken in; a file counts once.
CREATE TABLE purchase_imports (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	file_name  text NOT NULL,
	digest     text NOT NULL,
	rows       int NOT NULL,
	receipts   int NOT NULL,   -- taken into the history
	repeated   int NOT NULL,   -- that were there already
	refused    int NOT NULL,   -- rows with errors, and those of receipts that are not whole
	errors     jsonb NOT NULL, -- the first hundred
	actor_id   uuid,
	created_at timestamptz NOT NULL,
	UNIQUE (brand_id, digest)
);
CREATE INDEX purchase_imports_listed ON purchase_imports (brand_id, created_at DESC, id DESC);

-- What staff have to look at: codes and card numbers of the history that nobody knows.
CREATE TABLE purchase_problems (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	kind        text NOT NULL CHECK (kind IN ('PRODUCT', 'MEMBER')),
	value       text NOT NULL, -- the code, or the card's number
	name        text NOT NULL DEFAULT '',
	state       text NOT NULL CHECK (state IN ('OPEN', 'RESOLVED', 'IGNORED')),
	variant_id  uuid,
	member_id   uuid,
	reason      text NOT NULL DEFAULT '',
	actor_id    uuid,
	created_at  timestamptz NOT NULL,
	resolved_at timestamptz,
	UNIQUE (brand_id, kind, value)
);
CREATE INDEX purchase_problems_open ON purchase_problems (brand_id, created_at DESC, id DESC) WHERE state = 'OPEN';

-- Shipments, and receipts of what came back, that the history does not have yet. Both are
-- a purchase's shipment_id.
ALTER TABLE shipments ADD COLUMN in_history boolean NOT NULL DEFAULT false;
ALTER TABLE return_receipts ADD COLUMN in_history boolean NOT NULL DEFAULT false;
CREATE INDEX return_receipts_to_history ON return_receipts (at) WHERE NOT in_history;
CREATE INDEX shipments_to_history ON shipments (shipped_at) WHERE NOT in_history AND shipped_at IS NOT NULL;

-- +goose Down
DROP INDEX shipments_to_history;
ALTER TABLE shipments DROP COLUMN in_history;
ALTER TABLE return_receipts DROP COLUMN in_history;
DROP TABLE purchase_problems, purchase_imports, purchase_lines, purchases;
