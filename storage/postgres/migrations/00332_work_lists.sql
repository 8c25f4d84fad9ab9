-- +goose Up
-- Levels of which something may not leave are few; those of which orders hold more than may
-- are counted whenever staff look at what waits for them.
CREATE INDEX stock_levels_withheld ON stock_levels (location_id) WHERE tracked AND withheld > 0;

-- +goose Down
DROP INDEX stock_levels_withheld;
