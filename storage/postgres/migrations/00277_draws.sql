-- +goose Up
-- Prize draws (抽選). The seed is committed to before anybody enters, the list of entries
-- when the draw closes; anyone can draw again.
CREATE TABLE draws (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	name         jsonb NOT NULL,
	description  jsonb NOT NULL DEFAULT '{}',
	points       bigint NOT NULL CHECK (points >= 0),      -- of an entry
	per_minor    bigint NOT NULL CHECK (per_minor >= 0),   -- purchases of so much earn one
	max_entries  int NOT NULL CHECK (max_entries > 0),     -- of one member
	opens_at     timestamptz NOT NULL,
	closes_at    timestamptz NOT NULL,
	draws_at     timestamptz NOT NULL,
	answer_days  int NOT NULL CHECK (answer_days > 0),
	runners_up   int NOT NULL CHECK (runners_up >= 0),
	min_rank_id  uuid REFERENCES member_ranks,
	segment_id   uuid REFERENCES segments,
	state        text NOT NULL CHECK (state IN ('OPEN', 'CLOSED', 'DRAWN')),
	commitment   bytea NOT NULL,            -- SHA-256 of the seed
	sealed       text NOT NULL,             -- the seed, until it is published
	seed         bytea,                     -- published
	digest       bytea,                     -- of the list of entries
	entries      int NOT NULL DEFAULT 0,    -- on the list
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	closed_at    timestamptz,
	drawn_at     timestamptz,
	CHECK (opens_at < closes_at AND closes_at <= draws_at),
	CHECK ((state = 'OPEN') = (digest IS NULL)),
	CHECK ((state = 'DRAWN') = (seed IS NOT NULL))
);
CREATE INDEX draws_brand ON draws (brand_id, created_at DESC, id DESC);
CREATE INDEX draws_due ON draws (state, closes_at) WHERE state <> 'DRAWN';

CREATE TABLE draw_ranks (
	draw_id  uuid NOT NULL REFERENCES draws,
	position int NOT NULL CHECK (position > 0),
	prize_id uuid NOT NULL REFERENCES prizes,
	count    int NOT NULL CHECK (count > 0),
	PRIMARY KEY (draw_id, position)
);

-- Who entered: tag is what the public list calls them, in this draw alone.
CREATE TABLE draw_entrants (
	draw_id   uuid NOT NULL REFERENCES draws,
	member_id uuid NOT NULL,
	tag       uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
	entries   int NOT NULL CHECK (entries > 0),
	earned    int NOT NULL DEFAULT 0, -- of them, by purchases
	PRIMARY KEY (draw_id, member_id)
);
CREATE INDEX draw_entrants_member ON draw_entrants (member_id);

CREATE TABLE draw_entries (
	id         uuid PRIMARY KEY,        -- random: on the public list
	draw_id    uuid NOT NULL,
	member_id  uuid NOT NULL,
	source     text NOT NULL CHECK (source IN ('POINTS', 'PURCHASE', 'GRANT')),
	created_at timestamptz NOT NULL,
	FOREIGN KEY (draw_id, member_id) REFERENCES draw_entrants ON UPDATE CASCADE
);
CREATE INDEX draw_entries_draw ON draw_entries (draw_id, member_id);

CREATE TABLE draw_winners (
	id          uuid PRIMARY KEY,
	draw_id     uuid NOT NULL REFERENCES draws,
	place       int NOT NULL,            -- in the order in which they were called
	entry_id    uuid NOT NULL UNIQUE REFERENCES draw_entries,
	member_id   uuid NOT NULL,
	outcome     text NOT NULL CHECK (outcome IN ('RESERVE', 'WON', 'ACCEPTED', 'DECLINED', 'LAPSED')),
	rank        int,
	answer_by   timestamptz,
	exchange_id uuid REFERENCES prize_exchanges,
	updated_at  timestamptz NOT NULL,
	UNIQUE (draw_id, place)
);
CREATE INDEX draw_winners_member ON draw_winners (member_id);
CREATE INDEX draw_winners_late ON draw_winners (answer_by) WHERE outcome = 'WON';

-- +goose Down
DROP TABLE draw_winners, draw_entries, draw_entrants, draw_ranks, draws;
