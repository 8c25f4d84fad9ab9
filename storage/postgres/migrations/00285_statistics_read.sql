-- +goose Up
-- How often members exchanged points, what left for and came from other point systems, and
-- all else that moves what is outstanding: so each day adds up to the next.
ALTER TABLE daily_points
	ADD COLUMN exchanges int NOT NULL DEFAULT 0,    -- how often points went into other programmes or systems
	ADD COLUMN sent bigint NOT NULL DEFAULT 0,      -- to other systems, less what they refused
	ADD COLUMN received bigint NOT NULL DEFAULT 0;  -- from other systems and other programmes
INSERT INTO point_marks (programme_id, day) SELECT programme_id, day FROM daily_points;

-- What was outstanding by the month in which it expires, at the last count of the day.
CREATE TABLE daily_liabilities (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	day          date NOT NULL,
	month        date,            -- its first day; null: never expires
	points       bigint NOT NULL, -- that could be used
	pending      bigint NOT NULL  -- that were promised
);
CREATE UNIQUE INDEX daily_liabilities_day ON daily_liabilities (programme_id, day, month) NULLS NOT DISTINCT;

-- Files of figures that somebody asked for.
CREATE TABLE statistic_exports (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	sheet        text NOT NULL CHECK (sheet IN ('PURCHASES', 'CARDS', 'REGISTRATIONS', 'POINTS', 'LIABILITIES')),
	encoding     text NOT NULL CHECK (encoding IN ('UTF_8', 'CP932')),
	first_day    date NOT NULL,
	last_day     date NOT NULL,
	grouping     text NOT NULL CHECK (grouping IN ('DAY', 'STORE', 'DAY_AND_STORE')),
	stores       uuid[],          -- that it is narrowed to; null: all, and online
	actor_role   text NOT NULL,
	actor_id     uuid,
	requested_at timestamptz NOT NULL
);

-- +goose Down
DROP TABLE statistic_exports, daily_liabilities;
ALTER TABLE daily_points DROP COLUMN exchanges, DROP COLUMN sent, DROP COLUMN received;
