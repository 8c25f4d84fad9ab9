-- +goose Up
ALTER TABLE draft_orders DROP CONSTRAINT draft_orders_shipping_mode_check,
	ADD CONSTRAINT draft_orders_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT', 'PICK_UP'));

-- +goose Down
UPDATE draft_orders SET shipping_mode = 'NORMAL' WHERE shipping_mode = 'PICK_UP';
ALTER TABLE draft_orders DROP CONSTRAINT draft_orders_shipping_mode_check,
	ADD CONSTRAINT draft_orders_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT'));
