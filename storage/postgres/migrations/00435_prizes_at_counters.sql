-- +goose Up
-- Pieces of prizes that lie at shops, and are handed over there.
CREATE TABLE prize_shop_stocks (
	prize_id    uuid NOT NULL REFERENCES prizes,
	location_id uuid NOT NULL REFERENCES locations,
	stock       bigint NOT NULL CHECK (stock >= 0),
	updated_at  timestamptz NOT NULL,
	PRIMARY KEY (prize_id, location_id)
);
-- At which counter an exchange was asked for, and who of the staff served the member.
ALTER TABLE prize_exchanges
	ADD COLUMN shop_id uuid REFERENCES locations,
	ADD COLUMN served_by uuid,
	ADD CONSTRAINT prize_exchanges_served CHECK (num_nonnulls(shop_id, served_by) IN (0, 2)) NOT VALID;
ALTER TABLE prize_exchanges VALIDATE CONSTRAINT prize_exchanges_served;

-- +goose Down
ALTER TABLE prize_exchanges DROP COLUMN shop_id, DROP COLUMN served_by;
DROP TABLE prize_shop_stocks;
