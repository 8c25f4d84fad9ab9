-- The job queue looks jobs up by state, queue and unique key. These two of its
-- indexes serve searching in the jobs' arguments, which noren never does, and cost
-- half of all that an order writes: each word of its mails is an entry.

-- +goose Up
DROP INDEX IF EXISTS river_job_args_index;
DROP INDEX IF EXISTS river_job_metadata_index;

-- +goose Down
CREATE INDEX river_job_args_index ON river_job USING gin (args);
CREATE INDEX river_job_metadata_index ON river_job USING gin (metadata);
