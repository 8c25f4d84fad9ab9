-- +goose Up

-- What a brand takes back, by reason; a brand without a row goes by the standard rule.
CREATE TABLE return_rules (
	brand_id     uuid PRIMARY KEY REFERENCES brands,
	terms        jsonb NOT NULL,
	excluded     jsonb NOT NULL DEFAULT '[]',
	instructions jsonb NOT NULL DEFAULT '{}',
	updated_at   timestamptz NOT NULL
);

-- Goods of one order that a customer wants to give back.
CREATE TABLE returns (
	id           uuid PRIMARY KEY,
	order_id     uuid NOT NULL REFERENCES orders,
	brand_id     uuid NOT NULL REFERENCES brands,
	nth          int NOT NULL,
	status       text NOT NULL CHECK (status IN ('REQUESTED', 'APPROVED', 'PARTLY_RECEIVED', 'COMPLETED', 'REJECTED', 'WITHDRAWN')),
	outcome      text NOT NULL CHECK (outcome IN ('REFUND', 'EXCHANGE')),
	currency     text NOT NULL,
	text         text NOT NULL DEFAULT '',
	note         text NOT NULL DEFAULT '',
	beyond_rules boolean NOT NULL DEFAULT false,
	terms        jsonb NOT NULL, -- of the rule when it was asked for
	requested_at timestamptz NOT NULL,
	decided_at   timestamptz,
	ended_at     timestamptz,
	updated_at   timestamptz NOT NULL,
	UNIQUE (order_id, nth)
);
CREATE INDEX returns_work ON returns (brand_id, status, requested_at, id);
CREATE INDEX returns_listed ON returns (brand_id, requested_at, id);

CREATE TABLE return_lines (
	id                  uuid PRIMARY KEY,
	return_id           uuid NOT NULL REFERENCES returns,
	line_id             uuid NOT NULL REFERENCES order_lines,
	reason              text NOT NULL,
	opened              boolean NOT NULL,
	asked               int NOT NULL CHECK (asked > 0),
	approved            int NOT NULL DEFAULT 0 CHECK (approved BETWEEN 0 AND asked),
	exchange_variant_id uuid REFERENCES variants,
	UNIQUE (return_id, line_id)
);
CREATE INDEX return_lines_line ON return_lines (line_id);

-- Pieces that came back together, at one location. Amounts are what was given back and
-- kept then.
CREATE TABLE return_receipts (
	id                uuid PRIMARY KEY,
	return_id         uuid NOT NULL REFERENCES returns,
	nth               int NOT NULL,
	location_id       uuid NOT NULL REFERENCES locations,
	at                timestamptz NOT NULL,
	refund            bigint NOT NULL CHECK (refund >= 0),
	fee               bigint NOT NULL CHECK (fee >= 0),
	shipping_fee      bigint NOT NULL CHECK (shipping_fee >= 0),
	exchange_order_id uuid UNIQUE REFERENCES orders,
	actor_id          uuid,
	UNIQUE (return_id, nth)
);
CREATE INDEX return_receipts_place ON return_receipts (location_id, at);

CREATE TABLE return_receipt_lines (
	receipt_id     uuid NOT NULL REFERENCES return_receipts,
	return_line_id uuid NOT NULL REFERENCES return_lines,
	restocked      int NOT NULL CHECK (restocked >= 0),
	scrapped       int NOT NULL CHECK (scrapped >= 0),
	repaired       int NOT NULL CHECK (repaired >= 0),
	refund         bigint NOT NULL CHECK (refund >= 0),
	PRIMARY KEY (receipt_id, return_line_id),
	CHECK (restocked + scrapped + repaired > 0)
);

-- +goose Down
DROP TABLE return_receipt_lines, return_receipts, return_lines, returns, return_rules;
