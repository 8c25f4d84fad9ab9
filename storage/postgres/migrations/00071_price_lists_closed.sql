-- +goose Up
ALTER TABLE price_lists ADD COLUMN closed_at timestamptz;

-- +goose Down
ALTER TABLE price_lists DROP COLUMN closed_at;
