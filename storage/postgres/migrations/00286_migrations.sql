-- +goose Up
-- Files of past data on their way into noren (データ移行). Their pieces are sealed, and
-- dropped when they are taken or given up.
CREATE TABLE migrations (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	channel_id   uuid NOT NULL REFERENCES channels,
	kind         text NOT NULL CHECK (kind IN ('MEMBERS', 'POINTS', 'PURCHASES')),
	file_name    text NOT NULL,
	file_hash    text NOT NULL, -- of the mapping and the file
	mapping      text NOT NULL,
	state        text NOT NULL CHECK (state IN ('QUEUED', 'READING', 'PREVIEWED', 'COMMITTING', 'COMMITTED', 'DISCARDED', 'FAILED')),
	position     int NOT NULL DEFAULT 0, -- the last line that is done
	rows         int NOT NULL DEFAULT 0,
	accepted     int NOT NULL DEFAULT 0,
	rejected     int NOT NULL DEFAULT 0,
	repeated     int NOT NULL DEFAULT 0,
	proposals    int NOT NULL DEFAULT 0,
	remarks      int NOT NULL DEFAULT 0,
	conversions  jsonb NOT NULL DEFAULT '{}',
	failure      text NOT NULL DEFAULT '',
	actor_id     uuid,
	committed_by uuid,
	created_at   timestamptz NOT NULL,
	previewed_at timestamptz,
	finished_at  timestamptz
);
CREATE INDEX migrations_listed ON migrations (brand_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX migrations_committing ON migrations (brand_id, kind, file_hash) WHERE state = 'COMMITTING';
CREATE INDEX migrations_file ON migrations (brand_id, kind, file_hash);

CREATE TABLE migration_chunks (
	run_id uuid NOT NULL REFERENCES migrations ON DELETE CASCADE,
	number int NOT NULL,
	bytes  text NOT NULL, -- sealed
	PRIMARY KEY (run_id, number)
);

-- What is said of rows. Values are masked before they come here.
CREATE TABLE migration_remarks (
	run_id   uuid NOT NULL REFERENCES migrations ON DELETE CASCADE,
	number   int NOT NULL,
	line     int NOT NULL,
	"column" text NOT NULL,
	value    text NOT NULL,
	kind     text NOT NULL CHECK (kind IN ('REJECTED', 'DROPPED', 'NOTICED')),
	ja       text NOT NULL,
	en       text NOT NULL,
	PRIMARY KEY (run_id, number)
);

-- What stands in a file once, by hash, while it is read.
CREATE TABLE migration_names (
	run_id uuid NOT NULL,
	hash   bigint NOT NULL,
	line   int NOT NULL,
	PRIMARY KEY (run_id, hash)
);

-- Whom a row of another system became: the same row comes once.
CREATE TABLE migration_sources (
	brand_id  uuid NOT NULL REFERENCES brands,
	source    text NOT NULL,
	key       text NOT NULL,
	member_id uuid NOT NULL REFERENCES members,
	run_id    uuid NOT NULL,
	PRIMARY KEY (brand_id, source, key)
);
CREATE INDEX migration_sources_member ON migration_sources (member_id);

-- By what members are compared: keyed hashes. A row goes with whom it is of.
CREATE TABLE member_likenesses (
	member_id      uuid PRIMARY KEY REFERENCES members,
	email          bytea,
	phone_birthday bytea,
	kana_birthday  bytea, -- with the postcode
	key_id         text NOT NULL,
	at             timestamptz NOT NULL
);
CREATE INDEX member_likenesses_email ON member_likenesses (email) WHERE email IS NOT NULL;
CREATE INDEX member_likenesses_phone ON member_likenesses (phone_birthday) WHERE phone_birthday IS NOT NULL;
CREATE INDEX member_likenesses_kana ON member_likenesses (kana_birthday) WHERE kana_birthday IS NOT NULL;
-- +goose StatementBegin
CREATE FUNCTION forget_likeness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM member_likenesses WHERE member_id = NEW.id;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER members_forgotten AFTER UPDATE OF erased_at, merged_into ON members FOR EACH ROW
	WHEN (NEW.erased_at IS NOT NULL OR NEW.merged_into IS NOT NULL) EXECUTE FUNCTION forget_likeness();

-- Pairs of members who may be the same person: staff decide.
CREATE TABLE duplicate_members (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	run_id     uuid NOT NULL,
	member_id  uuid NOT NULL REFERENCES members,
	other_id   uuid NOT NULL REFERENCES members,
	likenesses text[] NOT NULL,
	state      text NOT NULL CHECK (state IN ('OPEN', 'MERGED', 'KEPT')),
	reason     text NOT NULL DEFAULT '',
	actor_id   uuid,
	created_at timestamptz NOT NULL,
	settled_at timestamptz,
	CHECK (member_id <> other_id)
);
CREATE UNIQUE INDEX duplicate_members_pair ON duplicate_members (brand_id, least(member_id, other_id), greatest(member_id, other_id));
CREATE INDEX duplicate_members_listed ON duplicate_members (brand_id, state, created_at DESC, id DESC);

-- +goose Down
DROP TABLE duplicate_members;
DROP TRIGGER members_forgotten ON members;
DROP FUNCTION forget_likeness();
DROP TABLE member_likenesses, migration_sources, migration_names, migration_remarks, migration_chunks, migrations;
