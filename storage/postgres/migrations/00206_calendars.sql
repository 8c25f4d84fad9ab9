-- +goose Up
-- On which days somebody works (営業日カレンダー).
CREATE TABLE business_calendars (
	id       uuid PRIMARY KEY,
	brand_id uuid NOT NULL REFERENCES brands,
	code     text NOT NULL,
	name     jsonb NOT NULL,
	weekdays text[] NOT NULL DEFAULT '{}', -- that are closed each week
	holidays boolean NOT NULL DEFAULT false, -- closed on public holidays
	closed   jsonb NOT NULL DEFAULT '[]', -- of {"from": …, "to": …, "note": …}, days as midnights UTC
	active   boolean NOT NULL DEFAULT true,
	UNIQUE (brand_id, code)
);

-- No calendar: every day. An empty cut-off is midnight.
ALTER TABLE locations
	ADD COLUMN calendar_id   uuid REFERENCES business_calendars,
	ADD COLUMN cut_off       text NOT NULL DEFAULT '' CHECK (cut_off ~ '^(([01][0-9]|2[0-3]):[0-5][0-9])?$'),
	ADD COLUMN handling_days int NOT NULL DEFAULT 0 CHECK (handling_days BETWEEN 0 AND 60);
ALTER TABLE shipping_carriers
	ADD COLUMN collection_calendar_id uuid REFERENCES business_calendars,
	ADD COLUMN delivery_calendar_id   uuid REFERENCES business_calendars;

-- When a method delivers, read and replaced as a whole; zone_ids hold its zones too.
ALTER TABLE shipping_methods ADD COLUMN schedule jsonb NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE shipping_methods DROP COLUMN schedule;
ALTER TABLE shipping_carriers DROP COLUMN delivery_calendar_id, DROP COLUMN collection_calendar_id;
ALTER TABLE locations DROP COLUMN handling_days, DROP COLUMN cut_off, DROP COLUMN calendar_id;
DROP TABLE business_calendars;
