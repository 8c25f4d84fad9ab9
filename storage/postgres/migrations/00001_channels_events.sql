-- +goose Up
-- Brands and the channels through which they sell.
CREATE TABLE brands (
	id         uuid PRIMARY KEY,
	code       text NOT NULL UNIQUE,
	name       jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE price_lists (
	id            uuid PRIMARY KEY,
	brand_id      uuid NOT NULL REFERENCES brands,
	code          text NOT NULL,
	name          jsonb NOT NULL,
	currency      text NOT NULL,
	tax_inclusive boolean NOT NULL,
	created_at    timestamptz NOT NULL DEFAULT now(),
	UNIQUE (brand_id, code)
);

CREATE TABLE channels (
	id             uuid PRIMARY KEY,
	brand_id       uuid NOT NULL REFERENCES brands,
	code           text NOT NULL UNIQUE,
	name           jsonb NOT NULL,
	currency       text NOT NULL,
	default_locale text NOT NULL DEFAULT 'ja',
	locales        text[] NOT NULL DEFAULT '{ja,en}',
	time_zone      text NOT NULL DEFAULT 'Asia/Tokyo',
	price_list_id  uuid NOT NULL REFERENCES price_lists,
	hosts          text[] NOT NULL DEFAULT '{}',
	tax_inclusive  boolean NOT NULL DEFAULT true,
	created_at     timestamptz NOT NULL DEFAULT now()
);

-- What happened, by month; rows are only ever added. The position orders the
-- relay; the default partition catches what no month's partition was made for.
CREATE TABLE events (
	position   bigint GENERATED ALWAYS AS IDENTITY,
	id         uuid NOT NULL,
	at         timestamptz NOT NULL,
	type       text NOT NULL,
	brand_id   uuid,
	subject    text NOT NULL,
	subject_id uuid NOT NULL,
	actor_role text NOT NULL,
	actor_id   uuid,
	data       jsonb NOT NULL,
	PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE INDEX events_subject ON events (subject_id, position);
CREATE INDEX events_position ON events (position);

-- +goose Down
DROP TABLE events;
DROP TABLE channels;
DROP TABLE price_lists;
DROP TABLE brands;
