-- +goose Up
-- Campaigns tried on past orders. The campaign is as it was tried; the outcome is
-- read and written as a whole.
CREATE TABLE campaign_simulations (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	actor_id    uuid NOT NULL,
	campaign    jsonb NOT NULL,
	from_at     timestamptz NOT NULL,
	until_at    timestamptz NOT NULL,
	time_zone   text NOT NULL,
	status      text NOT NULL CHECK (status IN ('RUNNING', 'DONE', 'FAILED')),
	orders      int NOT NULL,           -- to be looked at
	looked      int NOT NULL DEFAULT 0,
	outcome     jsonb,
	created_at  timestamptz NOT NULL,
	finished_at timestamptz,
	CHECK (from_at < until_at)
);

-- +goose Down
DROP TABLE campaign_simulations;
