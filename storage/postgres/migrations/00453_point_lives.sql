-- +goose Up
-- Points for a limited time (期間限定ポイント): so many days from when they can be used, whatever
-- the programme says. A lot that has it keeps its own last day; no movement prolongs it.
ALTER TABLE point_lots ADD COLUMN life_days int CHECK (life_days >= 0);
ALTER TABLE point_codes ADD COLUMN life_days int CHECK (life_days BETWEEN 1 AND 3660);

-- +goose Down
ALTER TABLE point_codes DROP COLUMN life_days;
ALTER TABLE point_lots DROP COLUMN life_days;
