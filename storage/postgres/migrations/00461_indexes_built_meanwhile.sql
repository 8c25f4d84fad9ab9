-- +goose NO TRANSACTION
-- +goose Up
-- Indexes on tables that can be large, of what 00440, 00441 and 00446 added: they are built
-- while others write.

-- Whom a segment by prefecture finds. The column stands in clear since 00230: alone it names
-- nobody.
CREATE INDEX CONCURRENTLY IF NOT EXISTS saved_addresses_prefecture ON saved_addresses (prefecture, member_id) WHERE is_default AND closed_at IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS memberships_joined ON memberships (brand_id, joined_at) WHERE ended_at IS NULL;

-- The coupons of a batch by member, and how many of them were used.
CREATE INDEX CONCURRENTLY IF NOT EXISTS coupons_batch ON coupons (batch_id, member_id) WHERE batch_id IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS coupons_used ON coupons (batch_id) WHERE state = 'USED';

-- The day of birth is sealed; the month is what can be asked for.
CREATE INDEX CONCURRENTLY IF NOT EXISTS profiles_birth_month ON profiles (birth_month, member_id) WHERE birth_month IS NOT NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS memberships_anniversary ON memberships (
	((extract(month FROM joined_at AT TIME ZONE 'Asia/Tokyo') * 100 + extract(day FROM joined_at AT TIME ZONE 'Asia/Tokyo'))::int), member_id) WHERE ended_at IS NULL;
CREATE INDEX CONCURRENTLY IF NOT EXISTS member_rank_changes_due ON member_rank_changes (at, id) WHERE points_due;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS member_rank_changes_due;
DROP INDEX CONCURRENTLY IF EXISTS memberships_anniversary;
DROP INDEX CONCURRENTLY IF EXISTS profiles_birth_month;
DROP INDEX CONCURRENTLY IF EXISTS coupons_used;
DROP INDEX CONCURRENTLY IF EXISTS coupons_batch;
DROP INDEX CONCURRENTLY IF EXISTS memberships_joined;
DROP INDEX CONCURRENTLY IF EXISTS saved_addresses_prefecture;
