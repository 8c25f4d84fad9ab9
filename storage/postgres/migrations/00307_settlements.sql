-- +goose Up
-- Settlement files: which lines of the journal were handed over together. The lines are
-- read from the journal, which is only added to, whenever a file is opened.
CREATE TABLE settlement_files (
	id       uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands,
	from_on  date NOT NULL,
	to_on    date NOT NULL CHECK (to_on >= from_on),
	zone     text NOT NULL,
	daily    boolean NOT NULL, -- of a day, by when lines were written down
	lines    int NOT NULL,
	total    bigint NOT NULL,
	currency text NOT NULL,
	made_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX settlement_files_day ON settlement_files (brand_id, from_on) WHERE daily;
CREATE INDEX settlement_files_made ON settlement_files (brand_id, made_at, id);
CREATE INDEX journal_entries_posted ON journal_entries (brand_id, posted_at, id);

-- Gateways' reports that were compared with the journal, each file once, and on what
-- they disagreed.
CREATE TABLE gateway_reconciliations (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	gateway      text NOT NULL,
	from_on      date NOT NULL,
	to_on        date NOT NULL,
	digest       text NOT NULL,
	made_at      timestamptz NOT NULL,
	rows         int NOT NULL,
	agreed       int NOT NULL,
	differing    int NOT NULL,
	currency     text NOT NULL,
	gross        bigint NOT NULL,
	fees         bigint NOT NULL,
	bad_rows     jsonb NOT NULL,
	fee_entry_id uuid,
	UNIQUE (brand_id, gateway, digest)
);
CREATE INDEX gateway_reconciliations_made ON gateway_reconciliations (brand_id, made_at, id);
CREATE TABLE gateway_differences (
	id                uuid PRIMARY KEY,
	brand_id          uuid NOT NULL REFERENCES brands,
	reconciliation_id uuid NOT NULL REFERENCES gateway_reconciliations,
	gateway           text NOT NULL,
	made_at           timestamptz NOT NULL,
	kind              text NOT NULL CHECK (kind IN ('ONLY_IN_REPORT', 'ONLY_IN_JOURNAL', 'OTHER_AMOUNT')),
	reference         text NOT NULL,
	currency          text NOT NULL,
	journal           bigint NOT NULL,
	report            bigint NOT NULL CHECK (report <> journal),
	resolved_at       timestamptz,
	resolved_by       uuid,
	note              text NOT NULL DEFAULT '',
	CHECK ((resolved_at IS NULL) = (note = ''))
);
CREATE INDEX gateway_differences_made ON gateway_differences (brand_id, made_at, id);
CREATE INDEX gateway_differences_open ON gateway_differences (brand_id, made_at, id) WHERE resolved_at IS NULL;
CREATE INDEX gateway_differences_of ON gateway_differences (reconciliation_id, made_at, id);

-- +goose Down
DROP TABLE gateway_differences, gateway_reconciliations, settlement_files;
DROP INDEX journal_entries_posted;
