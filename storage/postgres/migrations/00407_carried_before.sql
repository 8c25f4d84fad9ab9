-- +goose Up
-- Of what is carried over for pieces: what had been carried over to their own order before.
ALTER TABLE return_receipt_lines ADD COLUMN chained bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE return_receipt_lines DROP COLUMN chained;
