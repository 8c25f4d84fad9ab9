-- +goose Up
-- Merged members for whom something may still have been written, by what began before: a job
-- brings it to who they have become. Of those merged before now it looks once.
ALTER TABLE members ADD COLUMN straggles boolean NOT NULL DEFAULT false;
UPDATE members SET straggles = true WHERE merged_into IS NOT NULL;
CREATE INDEX members_straggling ON members (id) WHERE straggles;

-- +goose Down
DROP INDEX members_straggling;
ALTER TABLE members DROP COLUMN straggles;
