-- +goose Up
-- Of banks that give what came in and what went out in one column: the column that says
-- which it was.
ALTER TABLE bank_profiles ADD COLUMN direction text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE bank_profiles DROP COLUMN direction;
