-- +goose Up
-- Prizes go out with carriers' files and labels as shipments do. Their addresses are sealed,
-- so a file of them keeps which exchanges are in it, and is written when it is opened.
ALTER TABLE shipment_batches
	ADD COLUMN source text NOT NULL DEFAULT 'ORDERS' CHECK (source IN ('ORDERS', 'PRIZES')),
	ADD COLUMN ship_on date,                               -- of prizes: the day on which they leave
	ADD COLUMN exchange_ids uuid[] NOT NULL DEFAULT '{}';  -- of prizes
ALTER TABLE shipment_papers ADD COLUMN source text NOT NULL DEFAULT 'ORDERS' CHECK (source IN ('ORDERS', 'PRIZES'));
ALTER TABLE prize_exchanges
	ADD COLUMN batch_id uuid REFERENCES shipment_batches, -- the last file that it is in
	ADD COLUMN exported_at timestamptz;
-- Labels and files call an exchange by the end of its id.
CREATE INDEX prize_exchanges_reference ON prize_exchanges (brand_id, right(id::text, 12));

-- +goose Down
DROP INDEX prize_exchanges_reference;
ALTER TABLE prize_exchanges DROP COLUMN batch_id, DROP COLUMN exported_at;
ALTER TABLE shipment_papers DROP COLUMN source;
ALTER TABLE shipment_batches DROP COLUMN source, DROP COLUMN ship_on, DROP COLUMN exchange_ids;
