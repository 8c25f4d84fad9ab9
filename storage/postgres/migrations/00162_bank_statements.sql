-- +goose Up
-- How a bank's files are read.
CREATE TABLE bank_profiles (
	brand_id uuid NOT NULL REFERENCES brands,
	code     text NOT NULL,
	name     text NOT NULL,
	heading  boolean NOT NULL,
	skip     int NOT NULL,
	date     text NOT NULL,
	deposit  text NOT NULL,
	payer    text NOT NULL,
	text     text NOT NULL,
	PRIMARY KEY (brand_id, code)
);

-- Files of the bank (入出金明細). The same file is taken once.
CREATE TABLE bank_statements (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	file_name   text NOT NULL,
	digest      text NOT NULL,
	profile     text NOT NULL,
	deposits    int NOT NULL,
	known       int NOT NULL DEFAULT 0,
	others      int NOT NULL,
	errors      jsonb NOT NULL,
	uploaded_by uuid,
	created_at  timestamptz NOT NULL,
	UNIQUE (brand_id, digest)
);
CREATE INDEX bank_statements_brand ON bank_statements (brand_id, id DESC);

-- Deposits. finger tells a row from any other, whatever file brings it.
CREATE TABLE bank_lines (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	statement_id uuid NOT NULL REFERENCES bank_statements,
	row          int NOT NULL,
	"on"         date NOT NULL,
	amount       bigint NOT NULL CHECK (amount > 0),
	matched      bigint NOT NULL DEFAULT 0 CHECK (matched BETWEEN 0 AND amount),
	currency     text NOT NULL,
	payer        text NOT NULL,
	payer_key    text NOT NULL,
	text         text NOT NULL,
	finger       text NOT NULL,
	state        text NOT NULL CHECK (state IN ('OPEN', 'MATCHED', 'RETURNED', 'IGNORED')),
	reason       text NOT NULL DEFAULT '',
	updated_at   timestamptz NOT NULL,
	UNIQUE (brand_id, finger),
	CHECK ((state = 'MATCHED') = (matched = amount))
);
CREATE INDEX bank_lines_brand ON bank_lines (brand_id, "on" DESC, id DESC);
CREATE INDEX bank_lines_open ON bank_lines (brand_id, "on" DESC, id DESC) WHERE state = 'OPEN';
CREATE INDEX bank_lines_statement ON bank_lines (statement_id);

-- What a deposit pays. Rows are only added.
CREATE TABLE bank_allocations (
	id         uuid PRIMARY KEY,
	line_id    uuid NOT NULL REFERENCES bank_lines,
	payment_id uuid REFERENCES payments,
	company_id uuid REFERENCES companies,
	amount     bigint NOT NULL CHECK (amount > 0),
	how        text NOT NULL CHECK (how IN ('REFERENCE', 'NAME', 'STAFF')),
	actor_id   uuid,
	created_at timestamptz NOT NULL,
	CHECK ((payment_id IS NULL) <> (company_id IS NULL))
);
CREATE INDEX bank_allocations_line ON bank_allocations (line_id);
CREATE INDEX payments_awaiting_transfer ON payments (brand_id, (amount - captured)) WHERE method = 'BANK_TRANSFER' AND status = 'PENDING';

-- +goose Down
DROP INDEX payments_awaiting_transfer;
DROP TABLE bank_allocations, bank_lines, bank_statements, bank_profiles;
