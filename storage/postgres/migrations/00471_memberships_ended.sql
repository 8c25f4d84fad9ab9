-- +goose NO TRANSACTION
-- +goose Up
-- Which memberships ended on the days that are counted.
CREATE INDEX CONCURRENTLY IF NOT EXISTS memberships_ended ON memberships (brand_id, ended_at) WHERE ended_at IS NOT NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS memberships_ended;
