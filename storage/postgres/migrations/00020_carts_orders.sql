-- +goose Up
CREATE TABLE shipping_methods (
	id        uuid PRIMARY KEY,
	brand_id  uuid NOT NULL REFERENCES brands,
	code      text NOT NULL,
	name      jsonb NOT NULL,
	fee       bigint NOT NULL CHECK (fee >= 0), -- minor units, as the brand's channels show prices
	tax_class text NOT NULL DEFAULT 'STANDARD' CHECK (tax_class IN ('STANDARD', 'REDUCED', 'EXEMPT')),
	position  int NOT NULL DEFAULT 0,
	active    boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, code)
);

CREATE TABLE carts (
	id                 uuid PRIMARY KEY,
	brand_id           uuid NOT NULL REFERENCES brands,
	channel_id         uuid NOT NULL REFERENCES channels,
	member_id          uuid,            -- null: a guest's, found by its token
	token_hash         bytea,
	email              text NOT NULL DEFAULT '',
	shipping_address   jsonb,
	shipping_method_id uuid REFERENCES shipping_methods,
	closed             boolean NOT NULL DEFAULT false, -- ordered, or merged into a member's
	updated_at         timestamptz NOT NULL
);
CREATE UNIQUE INDEX carts_member ON carts (member_id, channel_id) WHERE NOT closed AND member_id IS NOT NULL;
CREATE UNIQUE INDEX carts_token ON carts (token_hash) WHERE NOT closed;

CREATE TABLE cart_lines (
	id         uuid PRIMARY KEY,
	cart_id    uuid NOT NULL REFERENCES carts ON DELETE CASCADE,
	variant_id uuid NOT NULL REFERENCES variants ON DELETE CASCADE,
	quantity   int NOT NULL CONSTRAINT cart_lines_quantity CHECK (quantity BETWEEN 1 AND 99999),
	UNIQUE (cart_id, variant_id)
);

CREATE TABLE orders (
	id               uuid PRIMARY KEY,
	number           text NOT NULL UNIQUE,
	brand_id         uuid NOT NULL REFERENCES brands,
	channel_id       uuid NOT NULL REFERENCES channels,
	member_id        uuid,
	token_hash       bytea, -- of the guest's cart: lets the guest see the order
	email            text NOT NULL,
	language         text NOT NULL,
	status           text NOT NULL,
	currency         text NOT NULL,
	tax_inclusive    boolean NOT NULL,
	subtotal         bigint NOT NULL,
	shipping_fee     bigint NOT NULL,
	tax              bigint NOT NULL,
	total            bigint NOT NULL,
	taxes            jsonb NOT NULL,
	breakdown        jsonb NOT NULL,
	shipping_address jsonb NOT NULL,
	shipping_method  jsonb NOT NULL,
	payment_method   text NOT NULL,
	paid             boolean NOT NULL DEFAULT false,
	internal_note    text NOT NULL DEFAULT '',
	placed_at        timestamptz NOT NULL,
	updated_at       timestamptz NOT NULL
);
CREATE INDEX orders_member ON orders (member_id, placed_at DESC, id DESC) WHERE member_id IS NOT NULL;
CREATE INDEX orders_token ON orders (token_hash) WHERE token_hash IS NOT NULL;
CREATE INDEX orders_placed ON orders (brand_id, placed_at DESC, id DESC);
CREATE INDEX orders_status ON orders (brand_id, status, placed_at DESC, id DESC);
CREATE INDEX orders_email ON orders (brand_id, email, placed_at DESC, id DESC);

CREATE TABLE order_lines (
	id         uuid PRIMARY KEY,
	order_id   uuid NOT NULL REFERENCES orders,
	position   int NOT NULL,
	variant_id uuid NOT NULL,
	product_id uuid NOT NULL,
	sku        text NOT NULL,
	name       jsonb NOT NULL,
	options    jsonb NOT NULL,
	quantity   int NOT NULL CHECK (quantity > 0),
	unit       bigint NOT NULL,
	total      bigint NOT NULL,
	tax_class  text NOT NULL,
	breakdown  jsonb NOT NULL
);
CREATE INDEX order_lines_order ON order_lines (order_id, position);

-- What open orders hold of the stock. Released or shipped, a row stays as history.
CREATE TABLE stock_reservations (
	order_id    uuid NOT NULL REFERENCES orders,
	variant_id  uuid NOT NULL,
	location_id uuid NOT NULL REFERENCES locations,
	quantity    int NOT NULL CHECK (quantity > 0),
	state       text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RELEASED', 'SHIPPED')),
	PRIMARY KEY (order_id, variant_id, location_id)
);

-- What was answered to an intent, so that the same key gives the same answer.
CREATE TABLE idempotency_keys (
	scope      uuid NOT NULL,  -- the cart, member or staff account that chose the key
	key        text NOT NULL,
	operation  text NOT NULL,
	input_hash bytea NOT NULL,
	answer     jsonb,
	created_at timestamptz NOT NULL,
	PRIMARY KEY (scope, operation, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- +goose Down
DROP TABLE idempotency_keys, stock_reservations, order_lines, orders, cart_lines, carts, shipping_methods;
