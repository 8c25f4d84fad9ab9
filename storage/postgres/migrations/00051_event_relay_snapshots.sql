-- +goose Up
-- A relay remembers the snapshot up to which it has told, not a transaction's
-- number: of two transactions that change one subject in turn, the later may have
-- the lower number.
DROP TABLE event_relays;
CREATE TABLE event_relays (
	name     text PRIMARY KEY,
	told     pg_snapshot NOT NULL, -- events of transactions that it sees are told
	telling  pg_snapshot NOT NULL, -- those that this one sees are being told
	position bigint NOT NULL,      -- the last one told, of those being told
	highest  bigint NOT NULL       -- the highest one told ever
);

-- +goose Down
DROP TABLE event_relays;
CREATE TABLE event_relays (
	name     text PRIMARY KEY,
	from_tx  xid8 NOT NULL,
	to_tx    xid8 NOT NULL,
	position bigint NOT NULL,
	highest  bigint NOT NULL
);
