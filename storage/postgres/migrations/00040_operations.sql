-- +goose Up
-- Registered operations (persisted, trusted documents). A client's older versions
-- stay runnable until they are retired.
CREATE TABLE operations (
	client        text NOT NULL,
	id            text NOT NULL, -- SHA-256 of the source, hex, unless the client's tool chose otherwise
	name          text NOT NULL,
	kind          text NOT NULL CHECK (kind IN ('query', 'mutation', 'subscription')),
	source        text NOT NULL,
	registered_at timestamptz NOT NULL,
	retired_at    timestamptz,
	uses          bigint NOT NULL DEFAULT 0,
	last_used_at  timestamptz,
	PRIMARY KEY (client, id)
);
CREATE INDEX operations_id ON operations (id) WHERE retired_at IS NULL;

-- +goose Down
DROP TABLE operations;
