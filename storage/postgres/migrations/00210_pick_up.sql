-- +goose Up
-- What a location that is a shop offers its customers.
CREATE TABLE shops (
	location_id  uuid PRIMARY KEY REFERENCES locations,
	pick_up      boolean NOT NULL DEFAULT false,
	pick_up_days int NOT NULL DEFAULT 7 CHECK (pick_up_days BETWEEN 1 AND 60),
	stock_shown  text NOT NULL DEFAULT 'BAND' CHECK (stock_shown IN ('NOTHING', 'BAND', 'PIECES')),
	latitude     double precision CHECK (latitude BETWEEN -90 AND 90),
	longitude    double precision CHECK (longitude BETWEEN -180 AND 180),
	CONSTRAINT shops_position CHECK ((latitude IS NULL) = (longitude IS NULL))
);

ALTER TABLE carts DROP CONSTRAINT carts_shipping_mode_check,
	ADD CONSTRAINT carts_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT', 'PICK_UP')),
	ADD COLUMN recipient text NOT NULL DEFAULT ''; -- who picks it up; empty: nobody was named
ALTER TABLE orders DROP CONSTRAINT orders_shipping_mode_check,
	ADD CONSTRAINT orders_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT', 'PICK_UP'));

ALTER TABLE payments ADD COLUMN till text NOT NULL DEFAULT ''; -- code of the location at whose till it was taken

-- Orders that are picked up at a shop (店舗受取). The code is not kept: it follows from the
-- nonce with noren's secret.
CREATE TABLE pick_ups (
	order_id       uuid PRIMARY KEY REFERENCES orders,
	brand_id       uuid NOT NULL REFERENCES brands,
	shop_id        uuid NOT NULL REFERENCES locations,
	state          text NOT NULL CHECK (state IN ('REQUESTED', 'READY', 'HANDED_OVER', 'EXPIRED', 'CANCELLED')),
	days           int NOT NULL, -- it is kept so long once it is ready
	nonce          bytea,
	tries          int NOT NULL DEFAULT 0, -- wrong codes since the last lock
	locked_until   timestamptz,
	requested_at   timestamptz NOT NULL,
	ready_at       timestamptz,
	expires_at     timestamptz,
	reminded_at    timestamptz,
	handed_over_at timestamptz,
	updated_at     timestamptz NOT NULL,
	CONSTRAINT pick_ups_ready CHECK ((state IN ('REQUESTED', 'CANCELLED')) OR (nonce IS NOT NULL AND expires_at IS NOT NULL))
);
CREATE INDEX pick_ups_work ON pick_ups (shop_id, state, requested_at, order_id);
CREATE INDEX pick_ups_brand ON pick_ups (brand_id, state, requested_at, order_id);
CREATE INDEX pick_ups_due ON pick_ups (expires_at) WHERE state = 'READY';

-- +goose Down
DROP TABLE pick_ups;
ALTER TABLE payments DROP COLUMN till;
UPDATE orders SET shipping_mode = 'NORMAL' WHERE shipping_mode = 'PICK_UP';
UPDATE carts SET shipping_mode = 'NORMAL' WHERE shipping_mode = 'PICK_UP';
ALTER TABLE orders DROP CONSTRAINT orders_shipping_mode_check,
	ADD CONSTRAINT orders_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT'));
ALTER TABLE carts DROP COLUMN recipient, DROP CONSTRAINT carts_shipping_mode_check,
	ADD CONSTRAINT carts_shipping_mode_check CHECK (shipping_mode IN ('NORMAL', 'DIRECT'));
DROP TABLE shops;
