-- +goose Up
ALTER TABLE campaigns ADD COLUMN notify_members boolean NOT NULL DEFAULT false;

-- What of a campaign staff and members were told, once each.
CREATE TABLE campaign_notices (
	campaign_id uuid NOT NULL REFERENCES campaigns,
	occasion    text NOT NULL CHECK (occasion IN ('STARTED', 'ENDED', 'BUDGET_80', 'BUDGET_100')),
	told_at     timestamptz NOT NULL,
	PRIMARY KEY (campaign_id, occasion)
);

-- +goose Down
DROP TABLE campaign_notices;
ALTER TABLE campaigns DROP COLUMN notify_members;
