-- +goose Up
-- Vouchers pay orders, which may give the money back: what left a code is below zero then.
ALTER TABLE voucher_entries
	DROP CONSTRAINT voucher_entries_kind_check,
	DROP CONSTRAINT voucher_entries_amount_check,
	ADD COLUMN order_id uuid,
	ADD COLUMN payment_id uuid,
	ADD CONSTRAINT voucher_entries_kind_check CHECK (kind IN ('REDEEM', 'RETURN', 'VOID', 'EXPIRE')) NOT VALID,
	ADD CONSTRAINT voucher_entries_amount_check CHECK ((kind = 'RETURN') = (amount < 0)) NOT VALID;
ALTER TABLE voucher_entries VALIDATE CONSTRAINT voucher_entries_kind_check, VALIDATE CONSTRAINT voucher_entries_amount_check;

-- +goose Down
ALTER TABLE voucher_entries
	DROP CONSTRAINT voucher_entries_kind_check,
	DROP CONSTRAINT voucher_entries_amount_check,
	DROP COLUMN order_id,
	DROP COLUMN payment_id,
	ADD CONSTRAINT voucher_entries_kind_check CHECK (kind IN ('REDEEM', 'VOID', 'EXPIRE')) NOT VALID,
	ADD CONSTRAINT voucher_entries_amount_check CHECK (amount >= 0) NOT VALID;
