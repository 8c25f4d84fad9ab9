-- +goose NO TRANSACTION
-- +goose Up
-- What segments ask for: pets by the month of their birth, and whose coupons a campaign has
-- that were not used, or were. Points that expire have point_lots_expiry.
CREATE INDEX CONCURRENTLY IF NOT EXISTS pets_birth_month ON pets ((extract(month FROM birthday)::int), member_id) WHERE closed_at IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS coupons_held ON coupons (campaign_id, member_id) WHERE member_id IS NOT NULL AND state = 'ISSUED';
CREATE INDEX CONCURRENTLY IF NOT EXISTS campaign_uses_coupon ON campaign_uses (campaign_id, buyer_id) WHERE coupon_id IS NOT NULL AND returned_at IS NULL;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS campaign_uses_coupon;
DROP INDEX CONCURRENTLY IF EXISTS coupons_held;
DROP INDEX CONCURRENTLY IF EXISTS pets_birth_month;
