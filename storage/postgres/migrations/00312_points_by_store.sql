-- +goose Up
-- Exchanges of points by day and the member's home store, of when the day was counted.
CREATE TABLE daily_store_exchanges (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	day          date NOT NULL,
	store_id     uuid REFERENCES locations, -- null: of members without a home store
	exchanges    int NOT NULL,              -- how often
	exchanged    bigint NOT NULL            -- points, sent ones too, less what came back
);
CREATE UNIQUE INDEX daily_store_exchanges_day ON daily_store_exchanges (programme_id, day, store_id) NULLS NOT DISTINCT;
INSERT INTO point_marks (programme_id, day) SELECT programme_id, day FROM daily_points WHERE exchanges > 0 OR exchanged <> 0 OR sent <> 0;

-- What was outstanding by home store, at the last count of the day.
CREATE TABLE daily_store_outstanding (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	day          date NOT NULL,
	store_id     uuid REFERENCES locations, -- null: of members without a home store
	points       bigint NOT NULL            -- promised ones too
);
CREATE UNIQUE INDEX daily_store_outstanding_day ON daily_store_outstanding (programme_id, day, store_id) NULLS NOT DISTINCT;

ALTER TABLE statistic_exports DROP CONSTRAINT statistic_exports_sheet_check;
ALTER TABLE statistic_exports ADD CONSTRAINT statistic_exports_sheet_check
	CHECK (sheet IN ('PURCHASES', 'CARDS', 'REGISTRATIONS', 'POINTS', 'LIABILITIES', 'STORE_POINTS'));

-- +goose Down
ALTER TABLE statistic_exports DROP CONSTRAINT statistic_exports_sheet_check;
DELETE FROM statistic_exports WHERE sheet = 'STORE_POINTS';
ALTER TABLE statistic_exports ADD CONSTRAINT statistic_exports_sheet_check
	CHECK (sheet IN ('PURCHASES', 'CARDS', 'REGISTRATIONS', 'POINTS', 'LIABILITIES'));
DROP TABLE daily_store_outstanding, daily_store_exchanges;
