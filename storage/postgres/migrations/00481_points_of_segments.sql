-- +goose Up
-- Points that the members of a segment are given, as many each.
CREATE TABLE point_batches (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	programme_id uuid NOT NULL REFERENCES point_programmes,
	segment_id   uuid NOT NULL REFERENCES segments,
	points       bigint NOT NULL CHECK (points > 0), -- of each
	reason       text NOT NULL,
	state        text NOT NULL CHECK (state IN ('MAKING', 'DONE', 'STOPPED')),
	members      int NOT NULL, -- whom the segment had
	made         int NOT NULL DEFAULT 0,
	left_out     int NOT NULL DEFAULT 0,
	bounded      boolean NOT NULL, -- counts to what its actor may give in a day
	actor_id     uuid,
	created_at   timestamptz NOT NULL,
	updated_at   timestamptz NOT NULL,
	started_at   timestamptz,
	finished_at  timestamptz
);
CREATE INDEX point_batches_bounded ON point_batches (actor_id, created_at) WHERE bounded;

-- Who still waits for the points of a batch: in the transaction that gives them the row goes.
CREATE TABLE point_waiters (
	batch_id  uuid NOT NULL REFERENCES point_batches,
	member_id uuid NOT NULL,
	PRIMARY KEY (batch_id, member_id)
);
CREATE INDEX point_waiters_member ON point_waiters (member_id);

-- +goose Down
DROP TABLE point_waiters, point_batches;
