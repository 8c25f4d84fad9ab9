-- +goose Up
DROP INDEX stock_lot_movements_transfer;
CREATE INDEX stock_lot_movements_transfer ON stock_lot_movements (reference) WHERE kind IN ('TRANSFER', 'EVENT_TAKE_OUT', 'EVENT_BRING_BACK');

-- +goose Down
DROP INDEX stock_lot_movements_transfer;
CREATE INDEX stock_lot_movements_transfer ON stock_lot_movements (reference) WHERE kind = 'TRANSFER';
