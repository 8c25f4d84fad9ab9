-- +goose Up
-- A published list of entries is read in its order, in portions.
CREATE INDEX draw_entries_listed ON draw_entries (draw_id, id);

-- +goose Down
DROP INDEX draw_entries_listed;
