-- +goose Up
-- What one of the staff rewards members with counts towards what they may grant in a day.
DROP INDEX point_entries_granted;
CREATE INDEX point_entries_granted ON point_entries (actor_id, at) WHERE kind IN ('GRANT', 'DEDUCT', 'EARN') AND actor_id IS NOT NULL;

-- +goose Down
DROP INDEX point_entries_granted;
CREATE INDEX point_entries_granted ON point_entries (actor_id, at) WHERE kind IN ('GRANT', 'DEDUCT');
