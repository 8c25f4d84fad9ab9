-- +goose Up
-- How long points live: so many days, to the end of a month or of a fiscal year after so many
-- months, or so many months from the member's last movement.
ALTER TABLE point_programmes
	ADD COLUMN expiry        text NOT NULL DEFAULT 'DAYS' CHECK (expiry IN ('DAYS', 'MONTH_END', 'FISCAL_YEAR', 'LAST_MOVEMENT')),
	ADD COLUMN expiry_months int CHECK (expiry_months BETWEEN 0 AND 120),
	ADD COLUMN fiscal_month  int CHECK (fiscal_month BETWEEN 1 AND 12), -- in which the fiscal year ends
	ADD CONSTRAINT point_programmes_expiry CHECK ((expiry = 'DAYS') = (expiry_months IS NULL) AND (expiry = 'DAYS' OR expiry_days IS NULL) AND (expiry = 'FISCAL_YEAR') = (fiscal_month IS NOT NULL));

-- Until when all that an account has lives, by its last movement; null where a programme does
-- not go by that.
ALTER TABLE point_accounts ADD COLUMN lasts_until date;

-- +goose Down
ALTER TABLE point_accounts DROP COLUMN lasts_until;
ALTER TABLE point_programmes DROP CONSTRAINT point_programmes_expiry, DROP COLUMN expiry, DROP COLUMN expiry_months, DROP COLUMN fiscal_month;
