-- +goose NO TRANSACTION
-- +goose Up
-- How a brand's vouchers are listed and looked for, and those of a batch that can be voided.
CREATE INDEX CONCURRENTLY IF NOT EXISTS vouchers_listed ON vouchers (brand_id, created_at DESC, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS vouchers_ending ON vouchers (brand_id, ending, created_at DESC, id DESC);
CREATE INDEX CONCURRENTLY IF NOT EXISTS vouchers_live ON vouchers (batch_id, id) WHERE state NOT IN ('REDEEMED', 'VOID') OR balance > 0;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS vouchers_live;
DROP INDEX CONCURRENTLY IF EXISTS vouchers_ending;
DROP INDEX CONCURRENTLY IF EXISTS vouchers_listed;
