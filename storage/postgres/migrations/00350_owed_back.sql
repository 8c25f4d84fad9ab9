-- +goose Up
-- Of what a carrier is still to bring: what its customer gets then, for goods that came back before.
ALTER TABLE payments ADD COLUMN owed_back bigint NOT NULL DEFAULT 0 CHECK (owed_back BETWEEN 0 AND amount);

-- +goose Down
ALTER TABLE payments DROP COLUMN owed_back;
