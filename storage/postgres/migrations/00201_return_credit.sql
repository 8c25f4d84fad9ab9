-- +goose Up

-- What a company owes becomes less when goods come back, as often as they do.
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT', 'WRITE_OFF', 'ADJUSTMENT', 'RETURN'));
DROP INDEX credit_entries_order;
CREATE UNIQUE INDEX credit_entries_order ON credit_entries (order_id, kind) WHERE order_id IS NOT NULL AND kind NOT IN ('ADJUSTMENT', 'RETURN');
CREATE INDEX credit_entries_returned ON credit_entries (order_id) WHERE kind = 'RETURN';

-- +goose Down
DROP INDEX credit_entries_returned, credit_entries_order;
CREATE UNIQUE INDEX credit_entries_order ON credit_entries (order_id, kind) WHERE order_id IS NOT NULL AND kind <> 'ADJUSTMENT';
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT', 'WRITE_OFF', 'ADJUSTMENT'));
