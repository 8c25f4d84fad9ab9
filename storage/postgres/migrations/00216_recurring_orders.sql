-- +goose Up
-- Orders that come again (定期便). Columns that a cart has are named as there.
CREATE TABLE recurring_orders (
	id                 uuid PRIMARY KEY,
	number             text NOT NULL UNIQUE,
	brand_id           uuid NOT NULL REFERENCES brands,
	channel_id         uuid NOT NULL REFERENCES channels,
	shop_id            uuid REFERENCES locations,
	member_id          uuid NOT NULL REFERENCES accounts,
	buyer_role         text NOT NULL CHECK (buyer_role IN ('MEMBER', 'COMPANY_BUYER')),
	name               text NOT NULL,
	email              text NOT NULL,
	language           text NOT NULL,
	state              text NOT NULL CHECK (state IN ('ACTIVE', 'PAUSED', 'CANCELLED')),
	revision           int NOT NULL,
	unit               text NOT NULL CHECK (unit IN ('WEEK', 'MONTH')),
	every              int NOT NULL CHECK (every BETWEEN 1 AND 26),
	first_on           date NOT NULL, -- the schedule counts from it
	next_on            date NOT NULL,
	announced_on       date,          -- the due day of which the member was told ahead
	retry_at           timestamptz,   -- when what could not be placed is tried again
	attempts           int NOT NULL,  -- at the next order
	accepted           bigint NOT NULL, -- the total that the member knows of, in minor units
	shipping_address   jsonb NOT NULL,
	billing_address    jsonb,
	shipping_method_id uuid NOT NULL REFERENCES shipping_methods,
	shipping_mode      text NOT NULL CHECK (shipping_mode IN ('NORMAL', 'DIRECT')),
	payment_method     text NOT NULL,
	convenience_store  text NOT NULL DEFAULT '',
	currency           text NOT NULL,
	created_at         timestamptz NOT NULL,
	updated_at         timestamptz NOT NULL
);
CREATE INDEX recurring_orders_created ON recurring_orders (brand_id, created_at DESC, id DESC);
CREATE INDEX recurring_orders_member ON recurring_orders (member_id, created_at DESC, id DESC);
CREATE INDEX recurring_orders_due ON recurring_orders (channel_id, next_on) WHERE state = 'ACTIVE';
CREATE INDEX recurring_orders_problem ON recurring_orders (brand_id, created_at DESC, id DESC) WHERE state = 'ACTIVE' AND attempts > 0;

CREATE TABLE recurring_order_lines (
	id           uuid PRIMARY KEY,
	recurring_id uuid NOT NULL REFERENCES recurring_orders,
	position     int NOT NULL,
	variant_id   uuid NOT NULL REFERENCES variants,
	quantity     int NOT NULL CHECK (quantity BETWEEN 1 AND 99999),
	choices      jsonb NOT NULL DEFAULT '[]' -- none: sets to choose for do not come again
);
CREATE INDEX recurring_order_lines_order ON recurring_order_lines (recurring_id);

CREATE TABLE recurring_order_coupons (
	recurring_id uuid NOT NULL REFERENCES recurring_orders,
	coupon_id    uuid NOT NULL REFERENCES coupons,
	entered_at   timestamptz NOT NULL,
	PRIMARY KEY (recurring_id, coupon_id)
);

-- What became of each due day. A day is ordered once.
CREATE TABLE recurring_occurrences (
	recurring_id uuid NOT NULL REFERENCES recurring_orders,
	due_on       date NOT NULL,
	result       text NOT NULL CHECK (result IN ('PLACED', 'SKIPPED', 'PROBLEM', 'GIVEN_UP')),
	order_id     uuid UNIQUE REFERENCES orders DEFERRABLE INITIALLY DEFERRED, -- written in the same transaction, before it
	problem_code text NOT NULL DEFAULT '',
	problem_text text NOT NULL DEFAULT '',
	attempts     int NOT NULL,
	updated_at   timestamptz NOT NULL,
	PRIMARY KEY (recurring_id, due_on),
	CHECK ((result = 'PLACED') = (order_id IS NOT NULL))
);

-- +goose Down
DROP TABLE recurring_occurrences, recurring_order_coupons, recurring_order_lines, recurring_orders;
