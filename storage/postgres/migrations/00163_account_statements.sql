-- +goose Up
-- Companies' monthly statements (締め請求). closing = opening + sales - payments + other.
CREATE TABLE account_statements (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	company_id uuid NOT NULL REFERENCES companies,
	closes_on  date NOT NULL,
	due_on     date NOT NULL,
	currency   text NOT NULL,
	opening    bigint NOT NULL,
	sales      bigint NOT NULL,
	payments   bigint NOT NULL,
	other      bigint NOT NULL,
	closing    bigint NOT NULL,
	issued_at  timestamptz NOT NULL,
	UNIQUE (company_id, closes_on),
	CHECK (closing = opening + sales - payments + other)
);
CREATE INDEX account_statements_brand ON account_statements (brand_id, closes_on DESC, id DESC);

-- Each entry of the journal is on one statement of its company.
CREATE TABLE account_statement_entries (
	entry_id     uuid PRIMARY KEY REFERENCES journal_entries,
	statement_id uuid NOT NULL REFERENCES account_statements
);
CREATE INDEX account_statement_entries_statement ON account_statement_entries (statement_id);

-- Reminders of what is overdue (督促): each level once for each day it was due on.
CREATE TABLE dunning_notices (
	company_id uuid NOT NULL REFERENCES companies,
	due_on     date NOT NULL,
	level      int NOT NULL CHECK (level BETWEEN 1 AND 3),
	amount     bigint NOT NULL,
	sent_at    timestamptz NOT NULL,
	PRIMARY KEY (company_id, due_on, level)
);
CREATE TABLE dunning_holds (
	company_id uuid PRIMARY KEY REFERENCES companies,
	until      date NOT NULL,
	note       text NOT NULL,
	held_at    timestamptz NOT NULL
);

-- +goose Down
DROP TABLE dunning_holds, dunning_notices, account_statement_entries, account_statements;
