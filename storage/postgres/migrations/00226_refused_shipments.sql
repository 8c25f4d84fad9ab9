-- +goose Up

-- A parcel that its customer did not take came back (受取拒否): what of the order's total
-- is not owed for it, or has gone back.
ALTER TABLE orders ADD COLUMN refused bigint NOT NULL DEFAULT 0 CHECK (refused >= 0);
ALTER TABLE shipments DROP CONSTRAINT shipments_status_check;
ALTER TABLE shipments ADD CONSTRAINT shipments_status_check CHECK (status IN ('INSTRUCTED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'REFUSED'));

-- +goose Down
UPDATE shipments SET status = 'SHIPPED' WHERE status = 'REFUSED';
ALTER TABLE shipments DROP CONSTRAINT shipments_status_check;
ALTER TABLE shipments ADD CONSTRAINT shipments_status_check CHECK (status IN ('INSTRUCTED', 'SHIPPED', 'DELIVERED', 'CANCELLED'));
ALTER TABLE orders DROP COLUMN refused;
