-- +goose Up
-- What customers say of themselves in a cart is sealed, as it is in an order. Rows that are
-- not sealed yet stay readable and are sealed by the job.
ALTER TABLE carts
	ADD COLUMN guest  text, -- whom limits count a guest as: a keyed hash that no rotation changes
	ADD COLUMN key_id text; -- of the key that sealed the row; null: not sealed
CREATE INDEX carts_key ON carts (key_id) WHERE (email <> '' OR recipient <> '' OR shipping_address IS NOT NULL OR billing_address IS NOT NULL);

-- Guests are counted by that hash too ("g:…"). What older versions counted by the mail
-- address in clear ("e:…") counts along until the job has hashed it.
CREATE INDEX sale_customers_clear ON sale_customers (variant_id) WHERE customer LIKE 'e:%';

-- +goose Down
DROP INDEX sale_customers_clear;
ALTER TABLE carts DROP COLUMN guest, DROP COLUMN key_id;
