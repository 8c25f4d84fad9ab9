-- +goose Up
-- Codes that are worth something once (金券・引換券), issued in bulk or taken in from others.
CREATE TABLE voucher_batches (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	name        text NOT NULL,
	source      text NOT NULL CHECK (source IN ('OWN', 'EXTERNAL')),
	state       text NOT NULL CHECK (state IN ('MAKING', 'READY')),
	for_prizes  boolean NOT NULL,
	value       bigint NOT NULL CHECK (value >= 0), -- minor units on each; 0: no money
	currency    text NOT NULL,
	count       int NOT NULL CHECK (count > 0),
	made        int NOT NULL CHECK (made BETWEEN 0 AND count),
	expires_at  timestamptz,
	secret      text NOT NULL DEFAULT '',           -- sealed; gone when the codes were exported
	note        text NOT NULL DEFAULT '',
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL,
	exported_at timestamptz
);
CREATE INDEX voucher_batches_brand ON voucher_batches (brand_id, created_at DESC, id DESC);

CREATE TABLE vouchers (
	id          uuid PRIMARY KEY,
	batch_id    uuid NOT NULL REFERENCES voucher_batches,
	brand_id    uuid NOT NULL REFERENCES brands,
	serial      int NOT NULL,
	code_hash   bytea NOT NULL UNIQUE,
	ending      text NOT NULL,
	state       text NOT NULL CHECK (state IN ('ISSUED', 'ASSIGNED', 'PART_REDEEMED', 'REDEEMED', 'VOID')),
	balance     bigint NOT NULL CHECK (balance >= 0),
	secret      text NOT NULL DEFAULT '',           -- the text, sealed, where a member is to read it
	member_id   uuid,
	exchange_id uuid REFERENCES prize_exchanges,
	expires_at  timestamptz,
	reason      text NOT NULL DEFAULT '',
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL,
	UNIQUE (batch_id, serial)
);
CREATE INDEX vouchers_free ON vouchers (batch_id, serial) WHERE state = 'ISSUED';
CREATE INDEX vouchers_member ON vouchers (member_id) WHERE member_id IS NOT NULL;
CREATE INDEX vouchers_exchange ON vouchers (exchange_id) WHERE exchange_id IS NOT NULL;
CREATE INDEX vouchers_expiry ON vouchers (expires_at) WHERE balance > 0 AND state <> 'VOID';

-- What left a code, and where. Rows never change.
CREATE TABLE voucher_entries (
	id         uuid PRIMARY KEY,
	voucher_id uuid NOT NULL REFERENCES vouchers,
	kind       text NOT NULL CHECK (kind IN ('REDEEM', 'VOID', 'EXPIRE')),
	amount     bigint NOT NULL CHECK (amount >= 0),
	place      text NOT NULL DEFAULT '',
	reference  text NOT NULL DEFAULT '',
	actor_id   uuid,
	at         timestamptz NOT NULL
);
CREATE INDEX voucher_entries_voucher ON voucher_entries (voucher_id);

-- Who entered wrong codes, and until when they may enter none.
CREATE TABLE voucher_locks (
	who      text PRIMARY KEY,
	failures int NOT NULL,
	since    timestamptz NOT NULL,
	until    timestamptz
);

ALTER TABLE prizes DROP CONSTRAINT prizes_kind_check;
ALTER TABLE prizes ADD CONSTRAINT prizes_kind_check CHECK (kind IN ('GOODS', 'VOUCHER', 'GIFT_CODE'));
ALTER TABLE prizes ADD COLUMN batch_id uuid REFERENCES voucher_batches;

ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'POINTS', 'VOUCHERS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS', 'PROMOTIONS')) NOT VALID;
ALTER TABLE journal_lines VALIDATE CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT',
		'CORRECTION', 'REVERSAL', 'GIFT_CARD', 'RETURN', 'POINTS', 'VOUCHER'));

-- +goose Down
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT',
		'CORRECTION', 'REVERSAL', 'GIFT_CARD', 'RETURN', 'POINTS'));
ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'POINTS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS', 'PROMOTIONS')) NOT VALID;
ALTER TABLE prizes DROP COLUMN batch_id;
ALTER TABLE prizes DROP CONSTRAINT prizes_kind_check;
ALTER TABLE prizes ADD CONSTRAINT prizes_kind_check CHECK (kind IN ('GOODS'));
DROP TABLE voucher_locks, voucher_entries, vouchers, voucher_batches;
