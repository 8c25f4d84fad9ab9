-- +goose Up
-- The files of queued imports, in pieces: whichever worker takes the job can read
-- them. They go when the run is done.
CREATE TABLE import_chunks (
	run_id uuid NOT NULL REFERENCES import_runs ON DELETE CASCADE,
	number int NOT NULL,
	bytes  bytea NOT NULL,
	PRIMARY KEY (run_id, number)
);
ALTER TABLE import_runs ADD COLUMN options jsonb NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE import_runs DROP COLUMN options;
DROP TABLE import_chunks;
