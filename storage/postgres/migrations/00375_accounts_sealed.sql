-- +goose Up
-- Name and e-mail address of accounts are sealed in place. An open account's address is
-- unique by a hash that no rotation changes. What is not sealed yet stays unique in clear,
-- and is sealed by the job; the old index goes, so that no older version that still runs
-- adds an address in clear beside a sealed one.
ALTER TABLE accounts
	ADD COLUMN address_hash bytea, -- keyed, of the normal form
	ADD COLUMN key_id       text;  -- of the key that sealed the row; null: the address is not sealed
CREATE UNIQUE INDEX accounts_address ON accounts (address_hash) WHERE closed_at IS NULL;
CREATE INDEX accounts_key ON accounts (key_id);
DROP INDEX accounts_email;
CREATE UNIQUE INDEX accounts_clear_email ON accounts (email) WHERE closed_at IS NULL AND key_id IS NULL;

-- An address that is sealed, for the first time or anew, is the same address.
DROP TRIGGER accounts_readdressed ON accounts;
CREATE TRIGGER accounts_readdressed AFTER UPDATE OF email, address_hash, closed_at ON accounts FOR EACH ROW
	WHEN (OLD.closed_at IS DISTINCT FROM NEW.closed_at OR OLD.address_hash IS DISTINCT FROM NEW.address_hash AND OLD.address_hash IS NOT NULL
		OR OLD.address_hash IS NULL AND NEW.address_hash IS NULL AND OLD.email <> NEW.email) EXECUTE FUNCTION forget_account_likeness();

-- What providers said of who logs in by way of them.
ALTER TABLE login_links ADD COLUMN key_id text; -- of the key that sealed the row; null: not sealed
CREATE INDEX login_links_key ON login_links (key_id);

-- +goose Down
DROP INDEX login_links_key;
ALTER TABLE login_links DROP COLUMN key_id;
DROP TRIGGER accounts_readdressed ON accounts;
CREATE TRIGGER accounts_readdressed AFTER UPDATE OF email, closed_at ON accounts FOR EACH ROW
	WHEN (OLD.email IS DISTINCT FROM NEW.email OR OLD.closed_at IS DISTINCT FROM NEW.closed_at) EXECUTE FUNCTION forget_account_likeness();
ALTER TABLE accounts DROP COLUMN address_hash, DROP COLUMN key_id;
CREATE UNIQUE INDEX accounts_email ON accounts (email) WHERE closed_at IS NULL;
