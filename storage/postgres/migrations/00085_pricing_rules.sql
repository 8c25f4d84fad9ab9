-- +goose Up
-- A price list may be for an audience and for a time; one for a single member or
-- company holds that customer's own prices (特価). Without an audience it is what a
-- channel names as its own.
ALTER TABLE price_lists
	ADD COLUMN audience_kind text NOT NULL DEFAULT '' CHECK (audience_kind IN ('', 'MEMBER', 'COMPANY', 'GROUP', 'MEMBERS', 'EVERYONE')),
	ADD COLUMN audience_id   uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	ADD COLUMN valid_from    timestamptz NOT NULL DEFAULT '-infinity',
	ADD COLUMN valid_until   timestamptz NOT NULL DEFAULT 'infinity',
	ADD COLUMN precedence    int NOT NULL DEFAULT 0,
	ADD COLUMN below_floor   boolean NOT NULL DEFAULT false,
	ADD CONSTRAINT price_lists_window CHECK (valid_from < valid_until);
CREATE UNIQUE INDEX price_lists_customer ON price_lists (brand_id, audience_id, currency)
	WHERE audience_kind IN ('MEMBER', 'COMPANY') AND closed_at IS NULL;

-- Percentages for an audience, for goods, for a time: of the channel's price (掛率),
-- on top of it for direct shipment (直送加算), on top of cost as a floor (最低粗利).
CREATE TABLE rates (
	id            uuid PRIMARY KEY,
	brand_id      uuid NOT NULL REFERENCES brands,
	kind          text NOT NULL CHECK (kind IN ('CUSTOMER', 'DIRECT', 'FLOOR')),
	name          jsonb NOT NULL DEFAULT '{}',
	audience_kind text NOT NULL,
	audience_id   uuid NOT NULL,
	target_kind   text NOT NULL,
	target_id     uuid NOT NULL,
	target_value  text NOT NULL DEFAULT '',
	valid_from    timestamptz NOT NULL,
	valid_until   timestamptz NOT NULL,
	percent       numeric(8, 4) NOT NULL CHECK (percent BETWEEN 0 AND 1000),
	rounding      text NOT NULL CHECK (rounding IN ('DOWN', 'HALF_UP', 'UP')),
	round_to      bigint NOT NULL CHECK (round_to IN (1, 10, 100, 1000)),
	below_floor   boolean NOT NULL DEFAULT false,
	created_at    timestamptz NOT NULL,
	closed_at     timestamptz,
	CHECK (valid_from < valid_until)
);
CREATE INDEX rates_open ON rates (brand_id, created_at DESC, id DESC) WHERE closed_at IS NULL;
CREATE INDEX rates_audience ON rates (brand_id, audience_id, created_at DESC, id DESC) WHERE closed_at IS NULL;

-- What makes pieces cheaper the more are bought (数量割引, 混載).
CREATE TABLE quantity_discounts (
	id                uuid PRIMARY KEY,
	brand_id          uuid NOT NULL REFERENCES brands,
	name              jsonb NOT NULL DEFAULT '{}',
	audience_kind     text NOT NULL,
	audience_id       uuid NOT NULL,
	target_kind       text NOT NULL,
	target_id         uuid NOT NULL,
	target_value      text NOT NULL DEFAULT '',
	valid_from        timestamptz NOT NULL,
	valid_until       timestamptz NOT NULL,
	mixed             boolean NOT NULL,
	on_customer_price boolean NOT NULL,
	rounding          text NOT NULL CHECK (rounding IN ('DOWN', 'HALF_UP', 'UP')),
	round_to          bigint NOT NULL CHECK (round_to IN (1, 10, 100, 1000)),
	tiers             jsonb NOT NULL, -- [{"from": 10, "percent": "5"}], ascending
	created_at        timestamptz NOT NULL,
	closed_at         timestamptz,
	CHECK (valid_from < valid_until)
);
CREATE INDEX quantity_discounts_open ON quantity_discounts (brand_id, created_at DESC, id DESC) WHERE closed_at IS NULL;

ALTER TABLE orders ADD COLUMN discount bigint NOT NULL DEFAULT 0; -- on the goods, by campaigns on the order

-- +goose Down
ALTER TABLE orders DROP COLUMN discount;
DROP TABLE quantity_discounts, rates;
ALTER TABLE price_lists DROP COLUMN audience_kind, DROP COLUMN audience_id, DROP COLUMN valid_from,
	DROP COLUMN valid_until, DROP COLUMN precedence, DROP COLUMN below_floor;
