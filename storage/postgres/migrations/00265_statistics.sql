-- +goose Up
-- Figures by day (日次集計), kept by a job. A day whose figures are not right any more has a
-- mark, which is committed with what changed them; the job takes marks and counts their
-- days anew. Marks are only added and taken, so nobody waits for anybody over one.
CREATE TABLE statistic_marks (
	id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	brand_id uuid NOT NULL,
	day      date NOT NULL
);
CREATE INDEX statistic_marks_day ON statistic_marks (day);

CREATE TABLE daily_statistics (
	brand_id        uuid NOT NULL,
	day             date NOT NULL,
	store_id        uuid,                      -- null: online
	currency        text NOT NULL,
	receipts        int NOT NULL DEFAULT 0,    -- purchases; not those below zero
	returned        int NOT NULL DEFAULT 0,    -- those below zero
	items           int NOT NULL DEFAULT 0,    -- pieces, less those that came back
	total           bigint NOT NULL DEFAULT 0, -- minor units with tax, less what was given back
	member_receipts int NOT NULL DEFAULT 0,    -- of receipts, those of members
	member_total    bigint NOT NULL DEFAULT 0, -- of total, that of members
	physical_cards  int NOT NULL DEFAULT 0,    -- issued, of new members
	digital_cards   int NOT NULL DEFAULT 0,
	reissued_cards  int NOT NULL DEFAULT 0,    -- in place of another
	registrations   int NOT NULL DEFAULT 0     -- memberships that began
);
CREATE UNIQUE INDEX daily_statistics_day ON daily_statistics (brand_id, day, store_id, currency) NULLS NOT DISTINCT;

-- Of points, by the day of their programme's zone.
CREATE TABLE point_marks (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	programme_id uuid NOT NULL,
	day          date NOT NULL
);
CREATE TABLE daily_points (
	programme_id uuid NOT NULL REFERENCES point_programmes,
	day          date NOT NULL,
	earned       bigint NOT NULL, -- for purchases, less what was taken back
	granted      bigint NOT NULL, -- by staff, and opening balances, less what staff deducted
	used         bigint NOT NULL, -- less what went back
	expired      bigint NOT NULL,
	exchanged    bigint NOT NULL, -- into other programmes
	net          bigint NOT NULL, -- by which what is outstanding grew
	PRIMARY KEY (programme_id, day)
);

CREATE TABLE statistic_runs (
	kind       text PRIMARY KEY CHECK (kind IN ('DAYS', 'POINTS')),
	counted_at timestamptz NOT NULL
);

CREATE INDEX member_cards_issued ON member_cards (brand_id, issued_at);

-- +goose StatementBegin
CREATE FUNCTION mark_statistics() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	CASE TG_TABLE_NAME
	WHEN 'member_cards' THEN
		INSERT INTO statistic_marks (brand_id, day) SELECT DISTINCT brand_id, (issued_at AT TIME ZONE 'Asia/Tokyo')::date FROM added;
	WHEN 'memberships' THEN
		INSERT INTO statistic_marks (brand_id, day) SELECT DISTINCT brand_id, (joined_at AT TIME ZONE 'Asia/Tokyo')::date FROM added;
	ELSE
		INSERT INTO statistic_marks (brand_id, day) SELECT DISTINCT brand_id, bought_on FROM added;
	END CASE;
	RETURN NULL;
END $$;
-- Of a row that changed or went, the days that it was of and is of.
CREATE FUNCTION mark_statistics_again() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	of text := TG_ARGV[0];
	rows jsonb := CASE TG_OP WHEN 'DELETE' THEN jsonb_build_array(to_jsonb(OLD)) ELSE jsonb_build_array(to_jsonb(OLD), to_jsonb(NEW)) END;
BEGIN
	INSERT INTO statistic_marks (brand_id, day)
	SELECT DISTINCT (r->>'brand_id')::uuid, CASE of WHEN 'bought_on' THEN (r->>of)::date ELSE ((r->>of)::timestamptz AT TIME ZONE 'Asia/Tokyo')::date END
	FROM jsonb_array_elements(rows) r;
	RETURN NULL;
END $$;
CREATE FUNCTION mark_points() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO point_marks (programme_id, day) SELECT p.id, (NEW.at AT TIME ZONE p.zone)::date FROM point_programmes p WHERE p.id = NEW.programme_id;
	RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER purchases_marked AFTER INSERT ON purchases REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_statistics();
CREATE TRIGGER member_cards_marked AFTER INSERT ON member_cards REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_statistics();
CREATE TRIGGER memberships_marked AFTER INSERT ON memberships REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_statistics();
CREATE TRIGGER purchases_changed AFTER UPDATE OF bought_on, brand_id, store_id, member_id, items, total, currency ON purchases FOR EACH ROW
	WHEN ((OLD.bought_on, OLD.brand_id, OLD.store_id, OLD.member_id IS NULL, OLD.items, OLD.total, OLD.currency)
		IS DISTINCT FROM (NEW.bought_on, NEW.brand_id, NEW.store_id, NEW.member_id IS NULL, NEW.items, NEW.total, NEW.currency))
	EXECUTE FUNCTION mark_statistics_again('bought_on');
CREATE TRIGGER purchases_gone AFTER DELETE ON purchases FOR EACH ROW EXECUTE FUNCTION mark_statistics_again('bought_on');
CREATE TRIGGER member_cards_changed AFTER UPDATE OF brand_id, store_id, kind, replaces_id, issued_at ON member_cards FOR EACH ROW
	WHEN ((OLD.brand_id, OLD.store_id, OLD.kind, OLD.replaces_id, OLD.issued_at) IS DISTINCT FROM (NEW.brand_id, NEW.store_id, NEW.kind, NEW.replaces_id, NEW.issued_at))
	EXECUTE FUNCTION mark_statistics_again('issued_at');
CREATE TRIGGER member_cards_gone AFTER DELETE ON member_cards FOR EACH ROW EXECUTE FUNCTION mark_statistics_again('issued_at');
CREATE TRIGGER memberships_changed AFTER UPDATE OF brand_id, registered_store_id, joined_at ON memberships FOR EACH ROW
	WHEN ((OLD.brand_id, OLD.registered_store_id, OLD.joined_at) IS DISTINCT FROM (NEW.brand_id, NEW.registered_store_id, NEW.joined_at))
	EXECUTE FUNCTION mark_statistics_again('joined_at');
CREATE TRIGGER memberships_gone AFTER DELETE ON memberships FOR EACH ROW EXECUTE FUNCTION mark_statistics_again('joined_at');
-- Points of today need no mark: the job counts the days since its last run, and the one
-- before, each time. Only those that are written for a day long gone do.
CREATE TRIGGER point_entries_late AFTER INSERT ON point_entries FOR EACH ROW WHEN (NEW.at < now() - interval '20 hours') EXECUTE FUNCTION mark_points();

INSERT INTO statistic_marks (brand_id, day)
	SELECT brand_id, bought_on FROM purchases
	UNION SELECT brand_id, (issued_at AT TIME ZONE 'Asia/Tokyo')::date FROM member_cards
	UNION SELECT brand_id, (joined_at AT TIME ZONE 'Asia/Tokyo')::date FROM memberships;

-- +goose Down
DROP TRIGGER point_entries_late ON point_entries;
DROP TRIGGER purchases_marked ON purchases;
DROP TRIGGER purchases_changed ON purchases;
DROP TRIGGER purchases_gone ON purchases;
DROP TRIGGER member_cards_marked ON member_cards;
DROP TRIGGER member_cards_changed ON member_cards;
DROP TRIGGER member_cards_gone ON member_cards;
DROP TRIGGER memberships_marked ON memberships;
DROP TRIGGER memberships_changed ON memberships;
DROP TRIGGER memberships_gone ON memberships;
DROP FUNCTION mark_statistics(), mark_statistics_again(), mark_points();
DROP INDEX member_cards_issued;
DROP TABLE statistic_runs, daily_points, point_marks, daily_statistics, statistic_marks;
