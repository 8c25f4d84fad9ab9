-- +goose Up
-- Members (会員). A member with an account has the account's id; one who has a card alone
-- has an id of their own, until they claim it: then the two are merged.
CREATE TABLE members (
	id           uuid PRIMARY KEY,
	household_id uuid,
	merged_into  uuid REFERENCES members, -- the member who goes on in its place
	merged_at    timestamptz,
	erased_at    timestamptz,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL
);
CREATE INDEX members_household ON members (household_id) WHERE household_id IS NOT NULL;
CREATE INDEX members_merged ON members (merged_into) WHERE merged_into IS NOT NULL;

-- Ranks of a brand (ランク), by what was spent in the months behind. The highest whose
-- least spend is reached holds.
CREATE TABLE member_ranks (
	id         uuid PRIMARY KEY,
	brand_id   uuid NOT NULL REFERENCES brands,
	code       text NOT NULL,
	name       jsonb NOT NULL,
	min_spend  bigint NOT NULL CHECK (min_spend >= 0), -- minor units
	months     int NOT NULL CHECK (months BETWEEN 1 AND 36),
	closed_at  timestamptz,
	updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX member_ranks_code ON member_ranks (brand_id, code) WHERE closed_at IS NULL;

CREATE TABLE memberships (
	member_id           uuid NOT NULL REFERENCES members,
	brand_id            uuid NOT NULL REFERENCES brands,
	registered_store_id uuid REFERENCES locations, -- 登録店; null: online
	home_store_id       uuid REFERENCES locations, -- よく行く店
	rank_id             uuid REFERENCES member_ranks,
	spend               bigint NOT NULL DEFAULT 0, -- what the rank goes by, as it was last worked out
	rank_due_on         date,                      -- on which it is worked out again
	joined_at           timestamptz NOT NULL,
	ended_at            timestamptz,
	PRIMARY KEY (member_id, brand_id)
);
CREATE INDEX memberships_due ON memberships (rank_due_on) WHERE rank_due_on IS NOT NULL;
CREATE INDEX memberships_registered ON memberships (registered_store_id, joined_at) WHERE registered_store_id IS NOT NULL;
CREATE INDEX memberships_home ON memberships (home_store_id) WHERE home_store_id IS NOT NULL;
CREATE INDEX memberships_brand ON memberships (brand_id, joined_at);

CREATE TABLE member_rank_changes (
	id        uuid PRIMARY KEY,
	member_id uuid NOT NULL,
	brand_id  uuid NOT NULL,
	from_id   uuid REFERENCES member_ranks,
	to_id     uuid REFERENCES member_ranks,
	spend     bigint NOT NULL,
	at        timestamptz NOT NULL
);
CREATE INDEX member_rank_changes_member ON member_rank_changes (member_id, id);

-- Cards (会員証). A number is given out once, over all brands.
CREATE TABLE member_cards (
	id          uuid PRIMARY KEY,
	number      text NOT NULL UNIQUE,
	member_id   uuid NOT NULL REFERENCES members,
	brand_id    uuid NOT NULL REFERENCES brands,
	kind        text NOT NULL CHECK (kind IN ('PHYSICAL', 'DIGITAL')),
	state       text NOT NULL CHECK (state IN ('ACTIVE', 'REISSUED', 'LOST', 'CLOSED')),
	store_id    uuid REFERENCES locations, -- that issued it; null: online
	replaces_id uuid REFERENCES member_cards,
	issued_at   timestamptz NOT NULL,
	ended_at    timestamptz,
	CHECK ((state = 'ACTIVE') = (ended_at IS NULL))
);
CREATE INDEX member_cards_member ON member_cards (member_id);
CREATE INDEX member_cards_store ON member_cards (store_id, issued_at);

-- What members agreed to and withdrew, with when and how: rows are only ever added
-- (特定電子メール法 施行規則: the record of consent is kept).
CREATE TABLE member_consents (
	id         uuid PRIMARY KEY,
	member_id  uuid NOT NULL,
	brand_id   uuid NOT NULL REFERENCES brands,
	medium     text NOT NULL CHECK (medium IN ('MAIL', 'DM', 'SMS', 'PUSH')),
	given      boolean NOT NULL,
	how        text NOT NULL CHECK (how IN ('WEB', 'APP', 'STORE', 'PAPER', 'PHONE', 'UNSUBSCRIBE', 'BOUNCE', 'IMPORT', 'ERASURE', 'MERGE')),
	wording    text NOT NULL DEFAULT '', -- what was agreed to: the version of the text
	store_id   uuid REFERENCES locations,
	actor_role text NOT NULL,
	actor_id   uuid,
	address    inet,                     -- that the request came from
	at         timestamptz NOT NULL
);
CREATE INDEX member_consents_member ON member_consents (member_id, at, id);
-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER member_consents_kept BEFORE UPDATE OR DELETE ON member_consents FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- What holds now, of the above: for whoever sends.
CREATE TABLE member_settings (
	member_id uuid NOT NULL,
	brand_id  uuid NOT NULL REFERENCES brands,
	medium    text NOT NULL,
	given     boolean NOT NULL,
	since     timestamptz NOT NULL,
	PRIMARY KEY (member_id, brand_id, medium)
);
CREATE INDEX member_settings_given ON member_settings (brand_id, medium) WHERE given;

-- What members ask for about their data (個人情報の開示・消去).
CREATE TABLE member_requests (
	id           uuid PRIMARY KEY,
	member_id    uuid NOT NULL REFERENCES members,
	brand_id     uuid NOT NULL REFERENCES brands, -- through which it was asked for
	kind         text NOT NULL CHECK (kind IN ('EXPORT', 'ERASURE')),
	state        text NOT NULL CHECK (state IN ('WAITING', 'DONE', 'WITHDRAWN')),
	waits_for    text NOT NULL DEFAULT '',
	actor_role   text NOT NULL,
	actor_id     uuid,
	requested_at timestamptz NOT NULL,
	done_at      timestamptz
);
CREATE UNIQUE INDEX member_requests_erasure ON member_requests (member_id) WHERE kind = 'ERASURE' AND state = 'WAITING';
CREATE INDEX member_requests_listed ON member_requests (brand_id, requested_at DESC, id DESC);

CREATE INDEX orders_open_of_member ON orders (member_id) WHERE member_id IS NOT NULL AND status NOT IN ('SHIPPED', 'DELIVERED', 'CANCELLED');

-- +goose Down
DROP INDEX orders_open_of_member;
DROP TABLE member_requests, member_settings, member_consents, member_cards, member_rank_changes, memberships, member_ranks, members;
DROP FUNCTION refuse_change();
