-- +goose Up

-- A shipment's share of what the way to pay costs, in minor units.
ALTER TABLE shipments ADD COLUMN charge bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE shipments DROP COLUMN charge;
