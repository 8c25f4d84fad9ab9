-- +goose Up

-- Events sell from stands and vans, as shops over their counters (イベント販売).
ALTER TABLE orders DROP CONSTRAINT orders_origin_check,
	ADD CONSTRAINT orders_origin_check CHECK (origin IN ('ONLINE', 'SHOP', 'EVENT'));

-- +goose Down
UPDATE orders SET origin = 'SHOP' WHERE origin = 'EVENT';
ALTER TABLE orders DROP CONSTRAINT orders_origin_check,
	ADD CONSTRAINT orders_origin_check CHECK (origin IN ('ONLINE', 'SHOP'));
