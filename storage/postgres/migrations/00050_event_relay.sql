-- +goose Up
-- How far each relay has come with the events. Positions are given out before
-- commit, so a lower one may appear after a higher: a relay takes the events of
-- all transactions that ended between two looks, from_tx up to to_tx, and those in
-- the order of their positions.
ALTER TABLE events ADD COLUMN tx xid8 NOT NULL DEFAULT pg_current_xact_id();
DROP INDEX events_position;
CREATE INDEX events_tx ON events (tx, position);

CREATE TABLE event_relays (
	name     text PRIMARY KEY,
	from_tx  xid8 NOT NULL,
	to_tx    xid8 NOT NULL,
	position bigint NOT NULL, -- the last one told, of those between from_tx and to_tx
	highest  bigint NOT NULL  -- the highest one told ever
);

-- +goose Down
DROP TABLE event_relays;
DROP INDEX events_tx;
ALTER TABLE events DROP COLUMN tx;
CREATE INDEX events_position ON events (position);
