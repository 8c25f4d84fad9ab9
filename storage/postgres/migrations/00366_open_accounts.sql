-- +goose Up
-- What companies owe is read from what is open, however long the account is kept.

-- Entries of companies that are on no statement yet.
CREATE TABLE account_open_entries (
	company_id uuid NOT NULL,
	entry_id   uuid NOT NULL REFERENCES journal_entries,
	at         timestamptz NOT NULL,
	PRIMARY KEY (company_id, entry_id)
);
INSERT INTO account_open_entries (company_id, entry_id, at)
SELECT e.company_id, e.id, e.at FROM journal_entries e
WHERE e.company_id IS NOT NULL AND NOT EXISTS (SELECT FROM account_statement_entries x WHERE x.entry_id = e.id);
CREATE INDEX account_open_entries_at ON account_open_entries (company_id, at);

-- +goose StatementBegin
CREATE FUNCTION account_entry_opens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO account_open_entries (company_id, entry_id, at) VALUES (NEW.company_id, NEW.id, NEW.at);
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER journal_entries_open AFTER INSERT ON journal_entries FOR EACH ROW WHEN (NEW.company_id IS NOT NULL) EXECUTE FUNCTION account_entry_opens();

-- credited is all that was credited to the company up to the statement and with it: what was
-- credited after it is the last one's less its own, and what is on none. A statement of which
-- nothing is left is settled for good, as only credits are taken off it.
ALTER TABLE account_statements ADD COLUMN credited bigint NOT NULL DEFAULT 0, ADD COLUMN settled boolean NOT NULL DEFAULT false;
UPDATE account_statements t SET credited = s.credited FROM (
	SELECT id, sum(own) OVER (PARTITION BY company_id ORDER BY closes_on)::bigint AS credited FROM (
		SELECT y.id, y.company_id, y.closes_on, coalesce((
			SELECT sum(g.credit) FROM account_statement_entries x JOIN journal_lines g ON g.entry_id = x.entry_id AND g.account = 'RECEIVABLE' WHERE x.statement_id = y.id
		), 0) AS own FROM account_statements y
	) o
) s WHERE s.id = t.id;
CREATE INDEX account_statements_open ON account_statements (brand_id, closes_on DESC, id DESC) WHERE NOT settled;
CREATE INDEX account_statements_owed ON account_statements (company_id, closes_on DESC) WHERE NOT settled;

-- Orders on account that are not paid; those that were given up never will be.
DROP INDEX orders_owed;
CREATE INDEX orders_owed ON orders (company_id, id) WHERE payment_method = 'ON_ACCOUNT' AND NOT paid AND status <> 'CANCELLED';
DROP INDEX credit_entries_adjusted, credit_entries_returned;
CREATE INDEX credit_entries_of ON credit_entries (order_id) WHERE order_id IS NOT NULL;

-- +goose Down
DROP INDEX credit_entries_of;
CREATE INDEX credit_entries_adjusted ON credit_entries (order_id) WHERE kind = 'ADJUSTMENT';
CREATE INDEX credit_entries_returned ON credit_entries (order_id) WHERE kind = 'RETURN';
DROP INDEX orders_owed;
CREATE INDEX orders_owed ON orders (company_id, placed_at, id) WHERE payment_method = 'ON_ACCOUNT' AND NOT paid;
DROP INDEX account_statements_owed, account_statements_open;
ALTER TABLE account_statements DROP COLUMN settled, DROP COLUMN credited;
DROP TRIGGER journal_entries_open ON journal_entries;
DROP FUNCTION account_entry_opens;
DROP TABLE account_open_entries;
