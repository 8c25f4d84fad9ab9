-- +goose Up

-- What staff know an order by, and why it may not leave.
ALTER TABLE orders
	ADD COLUMN held text NOT NULL DEFAULT '' CHECK (held IN ('', 'FRAUD', 'CREDIT', 'ADDRESS', 'STOCK', 'OTHER')),
	ADD COLUMN held_note text NOT NULL DEFAULT '',
	ADD COLUMN tags text[] NOT NULL DEFAULT '{}';
CREATE INDEX orders_held ON orders (brand_id, placed_at DESC, id DESC) WHERE held <> '';
CREATE INDEX orders_method ON orders (brand_id, payment_method, placed_at DESC, id DESC);
CREATE INDEX orders_shop ON orders (shop_id, placed_at DESC, id DESC) WHERE shop_id IS NOT NULL;

-- A row for each tag of each order: lists by tag stay in the order of placing.
CREATE TABLE order_tags (
	brand_id  uuid NOT NULL,
	tag       text NOT NULL,
	placed_at timestamptz NOT NULL,
	order_id  uuid NOT NULL REFERENCES orders,
	PRIMARY KEY (order_id, tag)
);
CREATE INDEX order_tags_listed ON order_tags (brand_id, tag, placed_at DESC, order_id DESC);

-- An order on account that is edited owes more or less.
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT', 'WRITE_OFF', 'ADJUSTMENT'));
DROP INDEX credit_entries_order;
CREATE UNIQUE INDEX credit_entries_order ON credit_entries (order_id, kind) WHERE order_id IS NOT NULL AND kind <> 'ADJUSTMENT';
CREATE INDEX credit_entries_adjusted ON credit_entries (order_id) WHERE kind = 'ADJUSTMENT';

-- +goose Down
DROP INDEX credit_entries_adjusted;
DROP INDEX credit_entries_order;
DELETE FROM credit_entries WHERE kind = 'ADJUSTMENT';
CREATE UNIQUE INDEX credit_entries_order ON credit_entries (order_id, kind) WHERE order_id IS NOT NULL;
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT', 'WRITE_OFF'));
DROP TABLE order_tags;
DROP INDEX orders_shop, orders_method, orders_held;
ALTER TABLE orders DROP COLUMN tags, DROP COLUMN held_note, DROP COLUMN held;
