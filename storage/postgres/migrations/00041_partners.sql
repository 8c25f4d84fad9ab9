-- +goose Up
-- Programs of other companies that may call noren for one brand.
CREATE TABLE partners (
	id              uuid PRIMARY KEY,
	brand_id        uuid NOT NULL REFERENCES brands,
	name            text NOT NULL,
	client          text NOT NULL, -- whose registered operations it may run
	permissions     text[] NOT NULL DEFAULT '{}',
	rate_per_minute integer NOT NULL CHECK (rate_per_minute > 0),
	created_at      timestamptz NOT NULL,
	closed_at       timestamptz
);
CREATE INDEX partners_brand ON partners (brand_id, id DESC);

-- A key is shown once, when it is issued; what is kept cannot be turned back into it.
CREATE TABLE partner_keys (
	id           uuid PRIMARY KEY,
	partner_id   uuid NOT NULL REFERENCES partners,
	prefix       text NOT NULL UNIQUE, -- the part of the key that may be shown
	hash         bytea NOT NULL,       -- SHA-256 of the secret part, 256 random bits
	created_at   timestamptz NOT NULL,
	expires_at   timestamptz,
	revoked_at   timestamptz,
	last_used_at timestamptz
);
CREATE INDEX partner_keys_partner ON partner_keys (partner_id);

-- Access tokens got for a key (RFC 6749 §4.4). They end with their key.
CREATE TABLE partner_tokens (
	hash        bytea PRIMARY KEY, -- SHA-256 of the token
	key_id      uuid NOT NULL REFERENCES partner_keys,
	permissions text[] NOT NULL,
	expires_at  timestamptz NOT NULL
);
CREATE INDEX partner_tokens_expiry ON partner_tokens (expires_at);

-- +goose Down
DROP TABLE partner_tokens;
DROP TABLE partner_keys;
DROP TABLE partners;
