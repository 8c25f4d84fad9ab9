-- +goose Up
-- The personal data of orders, and of what becomes one, is sealed: texts in place, of an
-- address the prefecture and one sealed text. Rows that are not sealed yet stay readable
-- and are sealed by the job.
ALTER TABLE orders
	ADD COLUMN email_hash bytea, -- keyed; of the normal form
	ADD COLUMN key_id     text;  -- of the key that sealed the row; null: not sealed
CREATE INDEX orders_email_hash ON orders (brand_id, email_hash, placed_at DESC, id DESC) WHERE email_hash IS NOT NULL;
CREATE INDEX orders_key ON orders (key_id);
DROP INDEX orders_email;
CREATE INDEX orders_email ON orders (brand_id, email, placed_at DESC, id DESC) WHERE key_id IS NULL;

ALTER TABLE draft_orders
	ADD COLUMN found  bytea[], -- keyed hashes of the words by which staff find it
	ADD COLUMN key_id text;
CREATE INDEX draft_orders_key ON draft_orders (key_id);
CREATE INDEX draft_orders_found ON draft_orders USING gin (found);

ALTER TABLE quotations
	ADD COLUMN found  bytea[],
	ADD COLUMN key_id text;
CREATE INDEX quotations_key ON quotations (key_id);
CREATE INDEX quotations_found ON quotations USING gin (found);

ALTER TABLE recurring_orders ADD COLUMN key_id text;
CREATE INDEX recurring_orders_key ON recurring_orders (key_id);

-- +goose Down
ALTER TABLE recurring_orders DROP COLUMN key_id;
ALTER TABLE quotations DROP COLUMN found, DROP COLUMN key_id;
ALTER TABLE draft_orders DROP COLUMN found, DROP COLUMN key_id;
DROP INDEX orders_email;
ALTER TABLE orders DROP COLUMN email_hash, DROP COLUMN key_id;
CREATE INDEX orders_email ON orders (brand_id, email, placed_at DESC, id DESC);
