-- +goose Up
-- Orders that staff prepare for a customer (電話注文). Columns that a cart has are named as
-- there: drafts are priced and ordered by the same statements.
CREATE TABLE draft_orders (
	id                 uuid PRIMARY KEY,
	number             text NOT NULL UNIQUE,
	brand_id           uuid NOT NULL REFERENCES brands,
	channel_id         uuid NOT NULL REFERENCES channels,
	shop_id            uuid REFERENCES locations,
	member_id          uuid REFERENCES accounts, -- null for a guest
	buyer_role         text NOT NULL CHECK (buyer_role IN ('GUEST', 'MEMBER', 'COMPANY_BUYER')),
	name               text NOT NULL DEFAULT '',
	phone              text NOT NULL DEFAULT '',
	email              text NOT NULL DEFAULT '',
	language           text NOT NULL,
	state              text NOT NULL CHECK (state IN ('OPEN', 'SENT', 'PLACED', 'CANCELLED', 'EXPIRED')),
	revision           int NOT NULL CHECK (revision > 0),
	shipping_address   jsonb,
	billing_address    jsonb, -- null: where the parcel goes
	shipping_method_id uuid REFERENCES shipping_methods,
	shipping_mode      text NOT NULL CHECK (shipping_mode IN ('NORMAL', 'DIRECT')),
	payment_method     text,
	convenience_store  text NOT NULL DEFAULT '',
	note               text NOT NULL DEFAULT '',
	message            text NOT NULL DEFAULT '',
	token_hash         bytea, -- of the key by which a guest confirms
	currency           text NOT NULL,
	total              bigint NOT NULL DEFAULT 0, -- as it was last priced, in minor units
	expires_at         timestamptz NOT NULL,
	order_id           uuid UNIQUE REFERENCES orders DEFERRABLE INITIALLY DEFERRED, -- written in the same transaction, before it
	placed_key         text NOT NULL DEFAULT '',
	placed_by          uuid, -- the account, be it of staff or the buyer's; null for a guest
	created_by         uuid NOT NULL,
	created_at         timestamptz NOT NULL,
	updated_at         timestamptz NOT NULL,
	CHECK ((state = 'PLACED') = (order_id IS NOT NULL))
);
CREATE INDEX draft_orders_created ON draft_orders (brand_id, channel_id, created_at DESC, id DESC);
CREATE INDEX draft_orders_state ON draft_orders (brand_id, channel_id, state, created_at DESC, id DESC);
CREATE INDEX draft_orders_member ON draft_orders (member_id, created_at DESC, id DESC) WHERE member_id IS NOT NULL;
CREATE INDEX draft_orders_shop ON draft_orders (shop_id, created_at DESC, id DESC) WHERE shop_id IS NOT NULL;
CREATE INDEX draft_orders_ending ON draft_orders (expires_at) WHERE state IN ('OPEN', 'SENT');

CREATE TABLE draft_order_lines (
	id         uuid PRIMARY KEY,
	draft_id   uuid NOT NULL REFERENCES draft_orders,
	position   int NOT NULL,
	variant_id uuid NOT NULL REFERENCES variants,
	quantity   int NOT NULL CHECK (quantity BETWEEN 1 AND 99999),
	choices    jsonb NOT NULL DEFAULT '[]', -- of a set
	unit       bigint CHECK (unit >= 0)     -- that staff have set; null: the buyer's price
);
CREATE INDEX draft_order_lines_draft ON draft_order_lines (draft_id);

CREATE TABLE draft_order_coupons (
	draft_id   uuid NOT NULL REFERENCES draft_orders,
	coupon_id  uuid NOT NULL REFERENCES coupons,
	entered_at timestamptz NOT NULL,
	PRIMARY KEY (draft_id, coupon_id)
);

-- +goose Down
DROP TABLE draft_order_coupons, draft_order_lines, draft_orders;
