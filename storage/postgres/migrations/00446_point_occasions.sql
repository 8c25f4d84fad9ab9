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

-- The day of birth is sealed; the month is what can be asked for.
CREATE INDEX profiles_birth_month ON profiles (birth_month, member_id) WHERE birth_month IS NOT NULL;
CREATE INDEX memberships_anniversary ON memberships (
	((extract(month FROM joined_at AT TIME ZONE 'Asia/Tokyo') * 100 + extract(day FROM joined_at AT TIME ZONE 'Asia/Tokyo'))::int), member_id) WHERE ended_at IS NULL;

-- Changes of ranks for which nobody has looked yet whether they give points.
ALTER TABLE member_rank_changes ADD COLUMN points_due boolean NOT NULL DEFAULT false;
ALTER TABLE member_rank_changes ALTER COLUMN points_due SET DEFAULT true;
CREATE INDEX member_rank_changes_due ON member_rank_changes (at, id) WHERE points_due;

-- +goose Down
DROP INDEX member_rank_changes_due;
ALTER TABLE member_rank_changes DROP COLUMN points_due;
DROP INDEX memberships_anniversary, profiles_birth_month;
DROP TABLE point_rounds, point_occasions;
