-- +goose Up
-- Quotations (見積): a buyer asks for prices, staff offer them, the buyer orders at
-- them. revision counts the offers; 0 is what the buyer asked for.
CREATE TABLE quotations (
	id            uuid PRIMARY KEY,
	number        text NOT NULL UNIQUE,
	brand_id      uuid NOT NULL REFERENCES brands,
	channel_id    uuid NOT NULL REFERENCES channels,
	member_id     uuid NOT NULL REFERENCES accounts,
	company_id    uuid REFERENCES companies, -- for whom it was asked; null for a person's own
	name          text NOT NULL,
	email         text NOT NULL,
	language      text NOT NULL,
	state         text NOT NULL CHECK (state IN ('REQUESTED', 'ANSWERED', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'WITHDRAWN')),
	revision      int NOT NULL DEFAULT 0 CHECK (revision >= 0),
	shipping_mode text NOT NULL CHECK (shipping_mode IN ('NORMAL', 'DIRECT')),
	currency      text NOT NULL,
	tax_inclusive boolean NOT NULL,
	wished_for    date,
	valid_until   timestamptz, -- of the latest offer
	internal_note text NOT NULL DEFAULT '',
	order_id      uuid UNIQUE REFERENCES orders DEFERRABLE INITIALLY DEFERRED, -- written in the same transaction, before it
	requested_at  timestamptz NOT NULL,
	updated_at    timestamptz NOT NULL,
	CHECK ((state = 'ACCEPTED') = (order_id IS NOT NULL))
);
CREATE INDEX quotations_requested ON quotations (brand_id, requested_at DESC, id DESC);
CREATE INDEX quotations_state ON quotations (brand_id, state, requested_at DESC, id DESC);
CREATE INDEX quotations_member ON quotations (member_id, requested_at DESC, id DESC);
CREATE INDEX quotations_company ON quotations (company_id, requested_at DESC, id DESC) WHERE company_id IS NOT NULL;
CREATE INDEX quotations_ending ON quotations (valid_until) WHERE state = 'ANSWERED';

-- What was offered; an offer never changes. Amounts are minor units.
CREATE TABLE quotation_offers (
	quotation_id uuid NOT NULL REFERENCES quotations,
	revision     int NOT NULL CHECK (revision > 0),
	valid_until  timestamptz NOT NULL,
	subtotal     bigint NOT NULL,
	shipping_fee bigint NOT NULL CHECK (shipping_fee >= 0),
	tax          bigint NOT NULL,
	total        bigint NOT NULL,
	taxes        jsonb NOT NULL,
	message      text NOT NULL,
	offered_at   timestamptz NOT NULL,
	PRIMARY KEY (quotation_id, revision)
);

CREATE TABLE quotation_lines (
	id           uuid PRIMARY KEY,
	quotation_id uuid NOT NULL REFERENCES quotations,
	revision     int NOT NULL,
	position     int NOT NULL,
	variant_id   uuid NOT NULL REFERENCES variants,
	sku          text NOT NULL,
	name         jsonb NOT NULL,
	options      jsonb NOT NULL,
	quantity     int NOT NULL CHECK (quantity BETWEEN 1 AND 99999),
	unit         bigint CHECK (unit >= 0), -- null where it is only asked for
	note         text NOT NULL DEFAULT '',
	choices      jsonb NOT NULL DEFAULT '[]', -- none: sets to choose for are not offered
	CHECK ((revision = 0) = (unit IS NULL)),
	UNIQUE (quotation_id, revision, variant_id)
);

-- The quotation that an order was placed by, and whereto carts and orders go.
ALTER TABLE orders
	ADD COLUMN quotation_id uuid UNIQUE REFERENCES quotations,
	ADD COLUMN shipping_mode text NOT NULL DEFAULT 'NORMAL' CHECK (shipping_mode IN ('NORMAL', 'DIRECT'));
ALTER TABLE carts ADD COLUMN shipping_mode text NOT NULL DEFAULT 'NORMAL' CHECK (shipping_mode IN ('NORMAL', 'DIRECT'));

-- +goose Down
ALTER TABLE carts DROP COLUMN shipping_mode;
ALTER TABLE orders DROP COLUMN shipping_mode, DROP COLUMN quotation_id;
DROP TABLE quotation_lines, quotation_offers, quotations;
