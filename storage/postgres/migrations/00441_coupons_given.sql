-- +goose Up
-- Coupons that the members of a segment are given, one each.
CREATE TABLE coupon_batches (
	id          uuid PRIMARY KEY,
	brand_id    uuid NOT NULL REFERENCES brands,
	campaign_id uuid NOT NULL REFERENCES campaigns,
	segment_id  uuid NOT NULL REFERENCES segments,
	valid_from  timestamptz NOT NULL,
	valid_until timestamptz NOT NULL,
	state       text NOT NULL CHECK (state IN ('MAKING', 'DONE')),
	members     int NOT NULL, -- whom the segment had
	made        int NOT NULL,
	actor_id    uuid,
	created_at  timestamptz NOT NULL,
	updated_at  timestamptz NOT NULL,
	finished_at timestamptz,
	CHECK (valid_from < valid_until)
);
CREATE INDEX coupon_batches_campaign ON coupon_batches (campaign_id, created_at DESC);

-- Who still waits for a coupon of a batch: in the transaction that makes it the row goes.
CREATE TABLE coupon_waiters (
	batch_id  uuid NOT NULL REFERENCES coupon_batches,
	member_id uuid NOT NULL,
	PRIMARY KEY (batch_id, member_id)
);
CREATE INDEX coupon_waiters_member ON coupon_waiters (member_id);

-- A mailing gives each of its recipients a coupon of the campaign; its id is their batch_id.
ALTER TABLE mailings
	ADD COLUMN coupon_campaign_id uuid REFERENCES campaigns,
	ADD COLUMN coupon_days int; -- for so many days from sending; null: as long as the campaign

-- +goose Down
ALTER TABLE mailings DROP COLUMN coupon_campaign_id, DROP COLUMN coupon_days;
DROP TABLE coupon_waiters, coupon_batches;
