-- +goose Up
-- Which API client may tell of points that come from another system; null: staff alone.
ALTER TABLE point_partners ADD COLUMN api_partner_id uuid REFERENCES partners;

-- Points that another system moved here for a member number that nobody has.
CREATE TABLE point_arrivals (
	id           uuid PRIMARY KEY,
	partner_id   uuid NOT NULL REFERENCES point_partners,
	reference    text NOT NULL,            -- theirs
	their_member text NOT NULL,            -- the number, as it came
	their_points bigint NOT NULL CHECK (their_points > 0),
	state        text NOT NULL CHECK (state IN ('OPEN', 'RECEIVED', 'REFUSED')),
	reason       text NOT NULL DEFAULT '', -- why they were refused
	created_at   timestamptz NOT NULL,
	settled_at   timestamptz,
	UNIQUE (partner_id, reference)
);
CREATE INDEX point_arrivals_list ON point_arrivals (created_at DESC, id DESC);
CREATE INDEX point_arrivals_open ON point_arrivals (created_at DESC, id DESC) WHERE state = 'OPEN';

-- +goose Down
DROP TABLE point_arrivals;
ALTER TABLE point_partners DROP COLUMN api_partner_id;
