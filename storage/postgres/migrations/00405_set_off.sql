-- +goose Up
-- What a carrier collects of an order whose collecting parcel was refused: nobody brings it until
-- another parcel is told to, and what goes back for goods is set off against it.
ALTER TABLE payments ADD COLUMN uncollected boolean NOT NULL DEFAULT false, ADD COLUMN set_off bigint NOT NULL DEFAULT 0;
ALTER TABLE payments ADD CONSTRAINT payments_set_off CHECK (set_off >= 0) NOT VALID;

-- +goose Down
ALTER TABLE payments DROP COLUMN set_off, DROP COLUMN uncollected;
