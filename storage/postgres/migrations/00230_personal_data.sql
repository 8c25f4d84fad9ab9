-- +goose Up
-- Data keys, wrapped by the master key of the settings. Personal data is sealed with the
-- newest; its columns hold text that names its key.
CREATE TABLE data_keys (
	id         text PRIMARY KEY,
	wrapped    bytea NOT NULL,
	created_at timestamptz NOT NULL
);

-- A profile is the one home of a person's own data, with an account or without: members
-- of a shop need none. Values that are not sealed yet are sealed by a job.
ALTER TABLE profiles DROP CONSTRAINT profiles_member_id_fkey;
ALTER TABLE profiles
	ADD COLUMN name            text NOT NULL DEFAULT '',
	ADD COLUMN email           text NOT NULL DEFAULT '',
	ADD COLUMN sealed_birthday text NOT NULL DEFAULT '',
	ADD COLUMN birth_year      int,      -- coarse, for segments
	ADD COLUMN birth_month     int CHECK (birth_month BETWEEN 1 AND 12),
	ADD COLUMN email_hash      bytea,    -- keyed; of the normal form
	ADD COLUMN phone_hash      bytea,
	ADD COLUMN key_id          text;     -- of the key that sealed the row; null: not sealed
UPDATE profiles SET birth_year = extract(year FROM birthday)::int, birth_month = extract(month FROM birthday)::int WHERE birthday IS NOT NULL;
CREATE INDEX profiles_email ON profiles (email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX profiles_phone ON profiles (phone_hash) WHERE phone_hash IS NOT NULL;
CREATE INDEX profiles_key ON profiles (key_id, member_id);

-- A sealed address is a JSON string.
ALTER TABLE saved_addresses DROP CONSTRAINT saved_addresses_member_id_fkey;
ALTER TABLE saved_addresses
	ADD COLUMN prefecture text NOT NULL DEFAULT '', -- coarse, for segments
	ADD COLUMN key_id     text;
UPDATE saved_addresses SET prefecture = coalesce(address->>'prefecture', '');
CREATE INDEX saved_addresses_key ON saved_addresses (key_id, id);

ALTER TABLE newsletter_consents DROP CONSTRAINT newsletter_consents_member_id_fkey;

ALTER TABLE pets DROP CONSTRAINT pets_member_id_fkey;
ALTER TABLE pets ADD COLUMN allergies text[] NOT NULL DEFAULT '{}';
CREATE TABLE pet_weights (
	pet_id      uuid NOT NULL REFERENCES pets ON DELETE CASCADE,
	measured_on date NOT NULL,
	grams       int NOT NULL CHECK (grams > 0),
	noted_at    timestamptz NOT NULL,
	PRIMARY KEY (pet_id, measured_on)
);

-- +goose Down
DROP TABLE pet_weights;
ALTER TABLE pets DROP COLUMN allergies;
ALTER TABLE saved_addresses DROP COLUMN prefecture, DROP COLUMN key_id;
ALTER TABLE profiles DROP COLUMN name, DROP COLUMN email, DROP COLUMN sealed_birthday, DROP COLUMN birth_year, DROP COLUMN birth_month,
	DROP COLUMN email_hash, DROP COLUMN phone_hash, DROP COLUMN key_id;
DELETE FROM profiles WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = member_id);
DELETE FROM saved_addresses WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = member_id);
DELETE FROM pets WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = member_id);
DELETE FROM newsletter_consents WHERE NOT EXISTS (SELECT FROM accounts a WHERE a.id = member_id);
ALTER TABLE newsletter_consents ADD FOREIGN KEY (member_id) REFERENCES accounts;
ALTER TABLE profiles ADD FOREIGN KEY (member_id) REFERENCES accounts;
ALTER TABLE saved_addresses ADD FOREIGN KEY (member_id) REFERENCES accounts;
ALTER TABLE pets ADD FOREIGN KEY (member_id) REFERENCES accounts;
DROP TABLE data_keys;
