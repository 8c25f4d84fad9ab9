-- +goose Up
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT', 'WRITE_OFF'));

-- +goose Down
ALTER TABLE credit_entries DROP CONSTRAINT credit_entries_kind_check,
	ADD CONSTRAINT credit_entries_kind_check CHECK (kind IN ('ORDER', 'CANCELLATION', 'PAYMENT'));
