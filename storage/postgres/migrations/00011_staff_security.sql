-- +goose Up
-- Tokens that prove an e-mail address or reset a password: each works once.
CREATE TABLE one_time_tokens (
	hash       bytea PRIMARY KEY,
	account_id uuid NOT NULL REFERENCES accounts,
	purpose    text NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD')),
	email      text NOT NULL, -- the address it was sent to
	created_at timestamptz NOT NULL,
	expires_at timestamptz NOT NULL,
	used_at    timestamptz
);
CREATE INDEX one_time_tokens_account ON one_time_tokens (account_id, purpose) WHERE used_at IS NULL;
CREATE INDEX one_time_tokens_expiry ON one_time_tokens (expires_at);

-- What staff may do, by group.
CREATE TABLE permission_groups (
	id          uuid PRIMARY KEY,
	name        text NOT NULL CONSTRAINT permission_groups_name UNIQUE,
	permissions text[] NOT NULL,
	networks    cidr[] NOT NULL DEFAULT '{}', -- from where its staff may act; none: from anywhere
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL
);
CREATE TABLE account_groups (
	account_id uuid NOT NULL REFERENCES accounts,
	group_id   uuid NOT NULL REFERENCES permission_groups ON DELETE CASCADE,
	PRIMARY KEY (account_id, group_id)
);
CREATE INDEX account_groups_group ON account_groups (group_id);

-- The stores of store staff.
CREATE TABLE account_stores (
	account_id  uuid NOT NULL REFERENCES accounts,
	location_id uuid NOT NULL REFERENCES locations,
	PRIMARY KEY (account_id, location_id)
);

-- What holds for all staff: one row.
CREATE TABLE staff_policy (
	single       boolean PRIMARY KEY DEFAULT true CHECK (single),
	networks     cidr[] NOT NULL DEFAULT '{}',
	require_totp boolean NOT NULL DEFAULT false
);
INSERT INTO staff_policy DEFAULT VALUES;

-- The second factor: the secret is encrypted; the last step that was accepted is
-- never accepted again.
CREATE TABLE totp_factors (
	account_id   uuid PRIMARY KEY REFERENCES accounts,
	secret       bytea NOT NULL,
	confirmed_at timestamptz,
	last_step    bigint NOT NULL DEFAULT 0,
	created_at   timestamptz NOT NULL
);
CREATE TABLE recovery_codes (
	account_id uuid NOT NULL REFERENCES accounts,
	hash       bytea NOT NULL,
	used_at    timestamptz,
	PRIMARY KEY (account_id, hash)
);

-- +goose Down
DROP TABLE recovery_codes, totp_factors, staff_policy, account_stores, account_groups, permission_groups, one_time_tokens;
