-- +goose Up
-- The payment journal (仕訳帳): what money did, by double entry. Rows are only ever
-- added; a mistake is mended by another entry.
CREATE TABLE journal_entries (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	at         timestamptz NOT NULL, -- when the money moved
	posted_at  timestamptz NOT NULL, -- when it was written down
	kind       text NOT NULL CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT', 'CORRECTION', 'REVERSAL')),
	source     text NOT NULL CHECK (source <> ''), -- what caused it: each cause is written down once
	currency   text NOT NULL,
	order_id   uuid, -- as for payments, no foreign key
	payment_id uuid,
	company_id uuid,
	reference  text NOT NULL DEFAULT '', -- what people know it by: the order's number, the bank's text
	memo       text NOT NULL DEFAULT '',
	actor_id   uuid,
	UNIQUE (brand_id, source)
);
CREATE INDEX journal_entries_at ON journal_entries (brand_id, at, id);
CREATE INDEX journal_entries_order ON journal_entries (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX journal_entries_company ON journal_entries (company_id, at, id) WHERE company_id IS NOT NULL;

CREATE TABLE journal_lines (
	entry_id uuid NOT NULL REFERENCES journal_entries,
	position smallint NOT NULL,
	account  text NOT NULL CHECK (account IN ('CASH', 'BANK', 'CLEARING', 'RECEIVABLE', 'DEPOSITS', 'GIFT_CARDS',
		'SALES', 'SHIPPING', 'CHARGES', 'RETURNS', 'TAX', 'FEES', 'BAD_DEBTS', 'ADJUSTMENTS')),
	sub      text NOT NULL DEFAULT '', -- the gateway of CLEARING, the class of TAX
	debit    bigint NOT NULL CHECK (debit >= 0),
	credit   bigint NOT NULL CHECK (credit >= 0),
	PRIMARY KEY (entry_id, position),
	CHECK ((debit = 0) <> (credit = 0))
);

-- Whatever one statement adds to an entry balances by itself, so the journal always
-- does. One look at each statement's rows, not one at each row: COPY stays quick.
-- +goose StatementBegin
CREATE FUNCTION journal_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM fresh GROUP BY entry_id HAVING sum(debit) <> sum(credit)) THEN
		RAISE EXCEPTION 'journal entry does not balance' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_lines_balance';
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_lines_balance AFTER INSERT ON journal_lines
	REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION journal_balances();

-- +goose StatementBegin
CREATE FUNCTION journal_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'the journal is only added to' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entries FOR EACH STATEMENT EXECUTE FUNCTION journal_is_kept();
CREATE TRIGGER journal_lines_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_lines FOR EACH STATEMENT EXECUTE FUNCTION journal_is_kept();

-- +goose Down
DROP TABLE journal_lines, journal_entries;
DROP FUNCTION journal_balances, journal_is_kept;
