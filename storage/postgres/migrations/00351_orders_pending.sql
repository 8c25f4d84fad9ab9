-- +goose Up
-- Orders that wait for money, of every brand: whose payment was given up is asked each minute.
CREATE INDEX orders_pending_payment ON orders (id) WHERE status = 'PENDING_PAYMENT';

-- +goose Down
DROP INDEX orders_pending_payment;
