-- +goose Up
ALTER TABLE companies
	ADD COLUMN invoice_number text NOT NULL DEFAULT '',  -- 適格請求書発行事業者登録番号: T and 13 digits
	ADD COLUMN closing_day    int CHECK (closing_day BETWEEN 1 AND 28), -- 締め日; null: the end of the month
	ADD COLUMN due_months     int NOT NULL DEFAULT 1 CHECK (due_months BETWEEN 0 AND 12),
	ADD COLUMN due_day        int CHECK (due_day BETWEEN 1 AND 28);     -- null: the end of the month

CREATE TABLE company_addresses (
	id         uuid PRIMARY KEY,
	company_id uuid NOT NULL REFERENCES companies,
	kind       text NOT NULL CHECK (kind IN ('SHIPPING', 'BILLING')),
	label      text NOT NULL DEFAULT '',
	address    jsonb NOT NULL,
	is_default boolean NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	closed_at  timestamptz -- taken away
);
CREATE INDEX company_addresses_company ON company_addresses (company_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX company_addresses_default ON company_addresses (company_id, kind) WHERE is_default AND closed_at IS NULL;

-- What a company may owe and owes (与信). used is the sum of the entries: both
-- change together, by one conditional statement.
CREATE TABLE company_credit (
	company_id   uuid PRIMARY KEY REFERENCES companies,
	currency     text NOT NULL,
	credit_limit bigint NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
	used         bigint NOT NULL DEFAULT 0, -- below zero, the company has paid ahead
	policy       text NOT NULL DEFAULT 'BLOCK' CHECK (policy IN ('BLOCK', 'APPROVAL'))
);
INSERT INTO company_credit (company_id, currency) SELECT id, 'JPY' FROM companies;

CREATE TABLE credit_entries (
	id         uuid PRIMARY KEY,
	company_id uuid NOT NULL REFERENCES companies,
	at         timestamptz NOT NULL,
	kind       text NOT NULL CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT')),
	amount     bigint NOT NULL CHECK (amount <> 0), -- more owed is positive
	balance    bigint NOT NULL,                     -- what was owed after it
	order_id   uuid REFERENCES orders DEFERRABLE INITIALLY DEFERRED, -- written in the same transaction, after it
	reference  text NOT NULL DEFAULT '',
	actor_id   uuid
);
CREATE INDEX credit_entries_company ON credit_entries (company_id, at DESC, id DESC);
-- An order takes credit once and gives it back once.
CREATE UNIQUE INDEX credit_entries_order ON credit_entries (order_id, kind) WHERE order_id IS NOT NULL;
CREATE INDEX orders_owed ON orders (company_id, placed_at, id) WHERE payment_method = 'ON_ACCOUNT' AND NOT paid;

-- What customers may do beside looking; the most specific rule holds.
CREATE TABLE function_rules (
	brand_id      uuid NOT NULL REFERENCES brands,
	audience_kind text NOT NULL CHECK (audience_kind IN ('MEMBER', 'COMPANY', 'GROUP')),
	audience_id   uuid NOT NULL,
	function      text NOT NULL,
	allowed       boolean NOT NULL,
	PRIMARY KEY (brand_id, audience_kind, audience_id, function)
);

-- +goose Down
DROP TABLE function_rules, credit_entries, company_credit, company_addresses;
DROP INDEX orders_owed;
ALTER TABLE companies DROP COLUMN invoice_number, DROP COLUMN closing_day, DROP COLUMN due_months, DROP COLUMN due_day;
