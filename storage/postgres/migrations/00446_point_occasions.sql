-- +goose Up
-- What members have got points for by the calendar, and by their rank: each term once. A
-- term is a year, or a rank and the day on which it was reached.
CREATE TABLE point_occasions (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	member_id    uuid NOT NULL,
	occasion     text NOT NULL CHECK (occasion IN ('BIRTHDAY', 'ANNIVERSARY', 'RANK_UP')),
	term         text NOT NULL,
	day          date, -- on which a rank was reached
	given_at     timestamptz NOT NULL,
	PRIMARY KEY (member_id, programme_id, occasion, term)
);

-- How far the job has come: the day that it works on, and the last member of whom it is done.
CREATE TABLE point_rounds (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	occasion     text NOT NULL CHECK (occasion IN ('BIRTHDAY', 'ANNIVERSARY')),
	day          date NOT NULL,
	after        uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
	PRIMARY KEY (programme_id, occasion)
);

-- Changes of ranks for which nobody has looked yet whether they give points.
ALTER TABLE member_rank_changes ADD COLUMN points_due boolean NOT NULL DEFAULT false;
ALTER TABLE member_rank_changes ALTER COLUMN points_due SET DEFAULT true;

-- +goose Down
ALTER TABLE member_rank_changes DROP COLUMN points_due;
DROP TABLE point_rounds, point_occasions;
