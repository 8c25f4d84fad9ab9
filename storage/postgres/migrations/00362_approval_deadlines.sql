-- +goose Up
-- For how many days an order waits for an approver before it is given up.
ALTER TABLE channels ADD COLUMN approval_days int NOT NULL DEFAULT 14 CHECK (approval_days BETWEEN 1 AND 365);
ALTER TABLE orders
	ADD COLUMN approve_by           timestamptz, -- null: it needed no approval
	ADD COLUMN approval_reminded_at timestamptz;
UPDATE orders SET approve_by = now() + interval '14 days' WHERE status = 'PENDING_APPROVAL';
CREATE INDEX orders_approve_by ON orders (approve_by) WHERE status = 'PENDING_APPROVAL';

-- +goose Down
DROP INDEX orders_approve_by;
ALTER TABLE orders DROP COLUMN approval_reminded_at, DROP COLUMN approve_by;
ALTER TABLE channels DROP COLUMN approval_days;
