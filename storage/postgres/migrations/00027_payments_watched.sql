-- +goose Up
CREATE INDEX payment_operations_refused ON payment_operations (created_at) WHERE status = 'REFUSED';

-- +goose Down
DROP INDEX payment_operations_refused;
