-- +goose Up
-- Whoever logs in: members and staff, one account for all brands.
CREATE TABLE accounts (
	id                uuid PRIMARY KEY,
	role              text NOT NULL CHECK (role IN ('MEMBER', 'COMPANY_BUYER', 'STORE_STAFF', 'STAFF', 'ADMIN')),
	email             text NOT NULL,
	email_verified_at timestamptz,
	name              text NOT NULL DEFAULT '',
	password          text NOT NULL DEFAULT '', -- argon2id PHC string; empty: none was ever set
	brand_id          uuid REFERENCES brands,   -- where the member registered
	language          text NOT NULL DEFAULT 'ja',
	created_at        timestamptz NOT NULL,
	updated_at        timestamptz NOT NULL,
	closed_at         timestamptz               -- deleted or deactivated
);
-- A closed account frees its address.
CREATE UNIQUE INDEX accounts_email ON accounts (email) WHERE closed_at IS NULL;

-- One login on one device. Its refresh tokens are one family: when one that was
-- used returns, the session ends.
CREATE TABLE sessions (
	id           uuid PRIMARY KEY,
	account_id   uuid NOT NULL REFERENCES accounts,
	device       text NOT NULL, -- the client's User-Agent
	address      inet,
	created_at   timestamptz NOT NULL,
	last_used_at timestamptz NOT NULL,
	expires_at   timestamptz NOT NULL,
	ended_at     timestamptz,
	end_reason   text NOT NULL DEFAULT ''
);
CREATE INDEX sessions_account ON sessions (account_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
	hash       bytea PRIMARY KEY,
	session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
	issued_at  timestamptz NOT NULL,
	used_at    timestamptz
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

-- The keys that sign access tokens. A key is published before it signs, and
-- believed until every token it signed has expired.
CREATE TABLE signing_keys (
	id          text PRIMARY KEY,      -- the tokens' kid
	public_key  bytea NOT NULL,
	private_key bytea NOT NULL,        -- encrypted with a key derived from NOREN_SECRET
	created_at  timestamptz NOT NULL,
	signs_from  timestamptz NOT NULL,
	valid_until timestamptz            -- null: until the next rotation says
);

-- +goose Down
DROP TABLE signing_keys, refresh_tokens, sessions, accounts;
