-- +goose Up
-- What of a receipt's fee is kept once of its return, whatever came.
ALTER TABLE return_receipts ADD COLUMN flat_fee bigint NOT NULL DEFAULT 0 CHECK (flat_fee BETWEEN 0 AND fee);

-- +goose Down
ALTER TABLE return_receipts DROP COLUMN flat_fee;
