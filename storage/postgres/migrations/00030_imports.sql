-- +goose Up
-- One reading of one file. The position is how many products of the file are
-- done, so that an interrupted run goes on behind them.
CREATE TABLE import_runs (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	channel_id  uuid NOT NULL REFERENCES channels,
	file_name   text NOT NULL,
	file_hash   text NOT NULL,
	status      text NOT NULL CHECK (status IN ('QUEUED', 'RUNNING', 'DONE', 'FAILED')),
	position    int NOT NULL DEFAULT 0,
	created     int NOT NULL DEFAULT 0,
	updated     int NOT NULL DEFAULT 0,
	rejected    int NOT NULL DEFAULT 0,
	failure     text NOT NULL DEFAULT '',
	actor_id    uuid,
	started_at  timestamptz NOT NULL,
	finished_at timestamptz
);
CREATE INDEX import_runs_started ON import_runs (brand_id, started_at DESC, id DESC);
CREATE UNIQUE INDEX import_runs_unfinished ON import_runs (channel_id, file_hash) WHERE status IN ('QUEUED', 'RUNNING', 'FAILED');

CREATE TABLE import_rejections (
	run_id  uuid NOT NULL REFERENCES import_runs ON DELETE CASCADE,
	number  int NOT NULL,  -- 1, 2, 3 … within the run
	line    int NOT NULL,
	"column" text NOT NULL,
	value   text NOT NULL,
	slug    text NOT NULL,
	warning boolean NOT NULL,
	ja      text NOT NULL,
	en      text NOT NULL,
	PRIMARY KEY (run_id, number)
);

-- +goose Down
DROP TABLE import_rejections, import_runs;
