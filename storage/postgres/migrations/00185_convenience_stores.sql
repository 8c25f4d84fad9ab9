-- +goose Up
-- Money that was reported and that no payment expects: a work list for staff.
CREATE TABLE stray_payments (
	id          uuid PRIMARY KEY,
	brand_id    uuid REFERENCES brands, -- null: nobody knows whose customer paid
	gateway     text NOT NULL,
	reference   text NOT NULL,
	payment_id  uuid REFERENCES payments,
	amount      bigint NOT NULL CHECK (amount > 0),
	currency    text NOT NULL,
	cause       text NOT NULL,
	state       text NOT NULL CHECK (state IN ('OPEN', 'APPLIED', 'RETURNED', 'IGNORED')),
	reason      text NOT NULL DEFAULT '',
	reported_at timestamptz NOT NULL,
	settled_at  timestamptz,
	settled_by  uuid,
	-- A gateway that is asked again says the same again.
	UNIQUE (gateway, reference, cause, amount)
);
CREATE INDEX stray_payments_brand ON stray_payments (brand_id, id DESC);
CREATE INDEX stray_payments_open ON stray_payments (id DESC) WHERE state = 'OPEN';

-- +goose Down
DROP TABLE stray_payments;
