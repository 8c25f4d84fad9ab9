-- +goose Up
-- An offer can be ordered again when its order was given up.
ALTER TABLE orders DROP CONSTRAINT orders_quotation_id_key;
CREATE UNIQUE INDEX orders_quotation ON orders (quotation_id) WHERE quotation_id IS NOT NULL AND status <> 'CANCELLED';

-- +goose Down
DROP INDEX orders_quotation;
UPDATE orders SET quotation_id = NULL WHERE status = 'CANCELLED';
ALTER TABLE orders ADD CONSTRAINT orders_quotation_id_key UNIQUE (quotation_id);
