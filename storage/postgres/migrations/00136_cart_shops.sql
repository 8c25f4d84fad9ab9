-- +goose Up
-- The shop at which a cart is bought or picked up, and an order was: campaigns may be
-- for some shops alone.
ALTER TABLE carts ADD COLUMN shop_id uuid REFERENCES locations;
ALTER TABLE orders ADD COLUMN shop_id uuid REFERENCES locations;

-- +goose Down
ALTER TABLE orders DROP COLUMN shop_id;
ALTER TABLE carts DROP COLUMN shop_id;
