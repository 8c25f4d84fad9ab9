-- +goose Up
-- Administrators read what was done, newest first: in the brand, to things of one kind,
-- by one account.
CREATE INDEX events_brand ON events (brand_id, at, id);
CREATE INDEX events_of_kind ON events (brand_id, subject, at, id);
CREATE INDEX events_actor ON events (actor_id, at, id) WHERE actor_id IS NOT NULL;

-- +goose Down
DROP INDEX events_brand, events_of_kind, events_actor;
