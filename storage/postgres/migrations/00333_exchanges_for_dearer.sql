-- +goose Up
-- What was paid for goods that came back and that dearer ones replace: part of what the
-- order of these is worth, given back if that order is given up.
ALTER TABLE orders ADD COLUMN carried bigint NOT NULL DEFAULT 0 CHECK (carried >= 0);
ALTER TABLE return_receipts ADD COLUMN carried bigint NOT NULL DEFAULT 0 CHECK (carried >= 0);
ALTER TABLE return_receipt_lines ADD COLUMN carried bigint NOT NULL DEFAULT 0 CHECK (carried >= 0);
ALTER TABLE return_lines DROP CONSTRAINT return_lines_wants, ADD CONSTRAINT return_lines_wants CHECK (had >= 0 AND wants >= 0);

-- +goose Down
UPDATE return_lines SET had = wants WHERE wants > had;
ALTER TABLE return_lines DROP CONSTRAINT return_lines_wants, ADD CONSTRAINT return_lines_wants CHECK (wants BETWEEN 0 AND had);
ALTER TABLE return_receipt_lines DROP COLUMN carried;
ALTER TABLE return_receipts DROP COLUMN carried;
ALTER TABLE orders DROP COLUMN carried;
