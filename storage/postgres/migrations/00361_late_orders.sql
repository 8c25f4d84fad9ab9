-- +goose Up
-- Orders that have not wholly left, and the day by which they were to: which of them are
-- late is told by the index alone. Those that are picked up have days of their own.
CREATE INDEX orders_to_leave ON orders (brand_id, placed_at DESC, id DESC, ship_by, promised_on)
	WHERE status IN ('CONFIRMED', 'PICKING', 'PARTIALLY_SHIPPED') AND shipping_mode <> 'PICK_UP' AND ship_by IS NOT NULL;

-- When a late order was last looked at, and for which day that has passed its customer was
-- told.
CREATE TABLE order_delays (
	order_id uuid PRIMARY KEY REFERENCES orders ON DELETE CASCADE,
	seen_on  date NOT NULL,
	told_for date -- null: the customer was not told
);

-- The last day on which staff were mailed which orders are late.
CREATE TABLE late_order_mails (
	brand_id  uuid PRIMARY KEY REFERENCES brands,
	mailed_on date NOT NULL
);

-- +goose Down
DROP TABLE late_order_mails, order_delays;
DROP INDEX orders_to_leave;
