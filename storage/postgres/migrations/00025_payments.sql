-- +goose Up
-- One tender of an order. Amounts are minor units; what was received and what
-- was given back never shrink. The order is not referenced by a foreign key: its
-- row is inserted in the same transaction, and orders may be partitioned one day.
CREATE TABLE payments (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	order_id     uuid NOT NULL,
	method       text NOT NULL,
	gateway      text NOT NULL,
	status       text NOT NULL CHECK (status IN ('PENDING', 'FAILED', 'CANCELLED', 'AUTHORISED', 'CAPTURED', 'PARTLY_REFUNDED', 'REFUNDED')),
	currency     text NOT NULL,
	amount       bigint NOT NULL CHECK (amount > 0),
	authorised   bigint NOT NULL DEFAULT 0 CHECK (authorised >= 0),
	captured     bigint NOT NULL DEFAULT 0 CHECK (captured >= 0),
	refunded     bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0 AND refunded <= captured),
	reference    text NOT NULL DEFAULT '', -- the gateway's own id
	instructions jsonb,
	failure_code text NOT NULL DEFAULT '',
	due_at       timestamptz,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL
);
CREATE INDEX payments_order ON payments (order_id);
CREATE INDEX payments_reference ON payments (gateway, reference) WHERE reference <> '';
CREATE INDEX payments_due ON payments (due_at) WHERE status IN ('PENDING', 'FAILED') AND captured = 0;
CREATE INDEX payments_brand ON payments (brand_id, id DESC);

-- What was asked of a gateway, written down before it was asked.
CREATE TABLE payment_operations (
	id           uuid PRIMARY KEY, -- the idempotency key of the call
	payment_id   uuid NOT NULL REFERENCES payments,
	kind         text NOT NULL CHECK (kind IN ('START', 'CAPTURE', 'VOID', 'REFUND')),
	status       text NOT NULL CHECK (status IN ('OUTSTANDING', 'DONE', 'DECLINED', 'REFUSED', 'ABANDONED')),
	amount       bigint NOT NULL CHECK (amount >= 0),
	client_key   text NOT NULL DEFAULT '',
	input_hash   bytea,
	reason       text NOT NULL DEFAULT '',
	attempts     int NOT NULL DEFAULT 0,
	detail       text NOT NULL DEFAULT '',
	created_at   timestamptz NOT NULL,
	last_call_at timestamptz,
	answered_at  timestamptz
);
CREATE INDEX payment_operations_payment ON payment_operations (payment_id);
CREATE INDEX payment_operations_outstanding ON payment_operations (created_at) WHERE status = 'OUTSTANDING';

-- The webhooks that were taken in: each event counts once.
CREATE TABLE payment_notices (
	gateway    text NOT NULL,
	event_id   text NOT NULL,
	type       text NOT NULL,
	at         timestamptz NOT NULL,
	taken_at   timestamptz NOT NULL,
	PRIMARY KEY (gateway, event_id)
);
CREATE INDEX payment_notices_taken ON payment_notices (taken_at);

-- Money that arrived at the bank, as staff recorded it.
CREATE TABLE bank_transfers (
	id          uuid PRIMARY KEY,
	payment_id  uuid NOT NULL REFERENCES payments,
	amount      bigint NOT NULL CHECK (amount > 0),
	payer_name  text NOT NULL,
	received_at timestamptz NOT NULL,
	note        text NOT NULL DEFAULT '',
	client_key  text NOT NULL,
	recorded_by uuid NOT NULL,
	created_at  timestamptz NOT NULL,
	UNIQUE (payment_id, client_key)
);

-- +goose Down
DROP TABLE bank_transfers, payment_notices, payment_operations, payments;
