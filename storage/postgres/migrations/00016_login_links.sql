-- +goose Up
-- Who logs in by way of another: the person that an OpenID Connect provider knows
-- as (issuer, subject) holds the account.
CREATE TABLE login_links (
	id         uuid PRIMARY KEY,
	account_id uuid NOT NULL REFERENCES accounts,
	provider   text NOT NULL,  -- its key in the settings
	issuer     text NOT NULL,
	subject    text NOT NULL,
	email      text NOT NULL,  -- as it was told; may be empty
	created_at timestamptz NOT NULL,
	UNIQUE (issuer, subject)
);
CREATE INDEX login_links_account ON login_links (account_id);

-- +goose Down
DROP TABLE login_links;
