-- +goose Up
-- What was given in the place of money that went back, which no column had: so the columns
-- of a day add up to net. All days are counted anew.
ALTER TABLE daily_points ADD COLUMN refunded bigint NOT NULL DEFAULT 0;
INSERT INTO point_marks (programme_id, day) SELECT programme_id, day FROM daily_points;

-- +goose Down
ALTER TABLE daily_points DROP COLUMN refunded;
