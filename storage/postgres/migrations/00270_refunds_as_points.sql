-- +goose Up

-- Money that goes back as points: it stays, and is owed for the points.
ALTER TABLE payments ADD COLUMN as_points bigint NOT NULL DEFAULT 0 CHECK (as_points BETWEEN 0 AND refunded);
ALTER TABLE payment_operations ADD COLUMN points bigint NOT NULL DEFAULT 0 CHECK (points >= 0);

ALTER TABLE returns
	ADD COLUMN wished text NOT NULL DEFAULT 'MONEY' CHECK (wished IN ('MONEY', 'POINTS')),
	ADD COLUMN refund_as text NOT NULL DEFAULT 'MONEY' CHECK (refund_as IN ('MONEY', 'POINTS'));
ALTER TABLE return_receipts
	ADD COLUMN as_points bigint NOT NULL DEFAULT 0 CHECK (as_points BETWEEN 0 AND refund), -- of the refund
	ADD COLUMN points bigint NOT NULL DEFAULT 0 CHECK (points >= 0);

ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'REFUND', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING', 'MERGE_OUT', 'MERGE_IN')) NOT VALID;
ALTER TABLE point_entries VALIDATE CONSTRAINT point_entries_kind_check;

-- +goose Down
ALTER TABLE point_entries DROP CONSTRAINT point_entries_kind_check;
ALTER TABLE point_entries ADD CONSTRAINT point_entries_kind_check CHECK (kind IN ('EARN', 'CONFIRM', 'SETTLE', 'TAKE_BACK', 'USE', 'RETURN', 'EXPIRE', 'GRANT', 'DEDUCT',
	'TRANSFER_OUT', 'TRANSFER_IN', 'EXCHANGE_OUT', 'EXCHANGE_IN', 'SEND', 'SENT', 'SEND_BACK', 'RECEIVE', 'OPENING', 'MERGE_OUT', 'MERGE_IN')) NOT VALID;
ALTER TABLE return_receipts DROP COLUMN points, DROP COLUMN as_points;
ALTER TABLE returns DROP COLUMN refund_as, DROP COLUMN wished;
ALTER TABLE payment_operations DROP COLUMN points;
ALTER TABLE payments DROP COLUMN as_points;
