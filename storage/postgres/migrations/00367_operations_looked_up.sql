-- +goose Up
-- When an operation without an answer is looked up again, and how often it was: what stays
-- unanswered is asked less and less often, and holds up no other.
ALTER TABLE payment_operations ADD COLUMN lookups int NOT NULL DEFAULT 0, ADD COLUMN look_at timestamptz;
DROP INDEX payment_operations_outstanding;
CREATE INDEX payment_operations_outstanding ON payment_operations (created_at, id) WHERE status = 'OUTSTANDING';

-- +goose Down
DROP INDEX payment_operations_outstanding;
CREATE INDEX payment_operations_outstanding ON payment_operations (created_at) WHERE status = 'OUTSTANDING';
ALTER TABLE payment_operations DROP COLUMN look_at, DROP COLUMN lookups;
