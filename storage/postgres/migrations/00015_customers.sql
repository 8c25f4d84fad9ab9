-- +goose Up
-- What a member has told about themselves beside the name, which is the account's.
CREATE TABLE profiles (
	member_id  uuid PRIMARY KEY REFERENCES accounts,
	kana       text NOT NULL DEFAULT '',
	phone      text NOT NULL DEFAULT '', -- digits only
	birthday   date,
	gender     text NOT NULL DEFAULT 'UNSAID' CHECK (gender IN ('UNSAID', 'FEMALE', 'MALE', 'OTHER')),
	updated_at timestamptz NOT NULL
);

-- Which brands may send a member their mail magazine (メールマガジン), and when the
-- member said so: consent is proved by its record (特定電子メール法).
CREATE TABLE newsletter_consents (
	member_id    uuid NOT NULL REFERENCES accounts,
	brand_id     uuid NOT NULL REFERENCES brands,
	given_at     timestamptz NOT NULL,
	withdrawn_at timestamptz
);
CREATE UNIQUE INDEX newsletter_consents_current ON newsletter_consents (member_id, brand_id) WHERE withdrawn_at IS NULL;
CREATE INDEX newsletter_consents_brand ON newsletter_consents (brand_id) WHERE withdrawn_at IS NULL;

CREATE TABLE saved_addresses (
	id         uuid PRIMARY KEY,
	member_id  uuid NOT NULL REFERENCES accounts,
	address    jsonb NOT NULL,
	is_default boolean NOT NULL,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	closed_at  timestamptz -- removed by the member
);
CREATE INDEX saved_addresses_member ON saved_addresses (member_id) WHERE closed_at IS NULL;
CREATE UNIQUE INDEX saved_addresses_default ON saved_addresses (member_id) WHERE is_default AND closed_at IS NULL;

CREATE TABLE pets (
	id         uuid PRIMARY KEY,
	member_id  uuid NOT NULL REFERENCES accounts,
	name       text NOT NULL,
	species    text NOT NULL,
	breed      text NOT NULL DEFAULT '',
	birthday   date,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL,
	closed_at  timestamptz -- removed by the member
);
CREATE INDEX pets_member ON pets (member_id) WHERE closed_at IS NULL;

-- +goose Down
DROP TABLE pets, saved_addresses, newsletter_consents, profiles;
