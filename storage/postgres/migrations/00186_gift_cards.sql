-- +goose Up
-- Gift cards (ギフトカード). Of a code only a keyed hash is kept.
CREATE TABLE gift_cards (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	batch_id   uuid NOT NULL,
	code_hash  bytea NOT NULL,
	ending     text NOT NULL,
	currency   text NOT NULL,
	initial    bigint NOT NULL CHECK (initial > 0),
	balance    bigint NOT NULL CHECK (balance >= 0),
	voided     boolean NOT NULL DEFAULT false,
	expires_at timestamptz,
	note       text NOT NULL DEFAULT '',
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	UNIQUE (brand_id, code_hash)
);
CREATE INDEX gift_cards_brand ON gift_cards (brand_id, created_at DESC, id DESC);
CREATE INDEX gift_cards_batch ON gift_cards (batch_id);
CREATE INDEX gift_cards_ending ON gift_cards (brand_id, ending);
CREATE INDEX gift_cards_expiry ON gift_cards (expires_at) WHERE balance > 0 AND expires_at IS NOT NULL;

-- Why each balance is what it is: a card's balance is the sum of its entries.
CREATE TABLE gift_card_entries (
	id         uuid PRIMARY KEY,
	card_id    uuid NOT NULL REFERENCES gift_cards,
	kind       text NOT NULL CHECK (kind IN ('ISSUE', 'USE', 'RETURN', 'VOID', 'EXPIRE')),
	amount     bigint NOT NULL CHECK (amount <> 0),
	order_id   uuid,
	payment_id uuid,
	reason     text NOT NULL DEFAULT '',
	actor_id   uuid,
	at         timestamptz NOT NULL
);
CREATE INDEX gift_card_entries_card ON gift_card_entries (card_id);

ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS', 'PROMOTIONS')) NOT VALID;
ALTER TABLE journal_lines VALIDATE CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check;
ALTER TABLE journal_entries ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF',
	'FEE', 'PAYOUT', 'CORRECTION', 'REVERSAL', 'GIFT_CARD')) NOT VALID;
ALTER TABLE journal_entries VALIDATE CONSTRAINT journal_entries_kind_check;

-- +goose Down
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check;
ALTER TABLE journal_entries ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF',
	'FEE', 'PAYOUT', 'CORRECTION', 'REVERSAL')) NOT VALID;
ALTER TABLE journal_lines DROP CONSTRAINT journal_lines_account_check;
ALTER TABLE journal_lines ADD CONSTRAINT journal_lines_account_check CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS',
	'GIFT_CARDS', 'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS')) NOT VALID;
DROP TABLE gift_card_entries, gift_cards;
