-- +goose Up
-- Null: the bill goes where the parcel goes.
ALTER TABLE carts ADD COLUMN billing_address jsonb;
ALTER TABLE orders ADD COLUMN billing_address jsonb;

-- +goose Down
ALTER TABLE orders DROP COLUMN billing_address;
ALTER TABLE carts DROP COLUMN billing_address;
