-- +goose Up

-- Goods that come back undo their sale; the money goes back in an entry of its own.
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT', 'CORRECTION', 'REVERSAL', 'GIFT_CARD', 'RETURN'));

-- +goose Down
ALTER TABLE journal_entries DROP CONSTRAINT journal_entries_kind_check,
	ADD CONSTRAINT journal_entries_kind_check CHECK (kind IN ('SALE', 'PAYMENT', 'REFUND', 'ACCOUNT_PAYMENT', 'WRITE_OFF', 'FEE', 'PAYOUT', 'CORRECTION', 'REVERSAL', 'GIFT_CARD'));
