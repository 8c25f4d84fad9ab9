-- +goose Up
-- The day on which the member left or was erased; null of all others. Who posts reads it with
-- the account under its lock, and what reaches the account after it is written off.
ALTER TABLE point_accounts ADD COLUMN left_on date;
UPDATE point_accounts a SET left_on = (x.closed_at AT TIME ZONE 'Asia/Tokyo')::date
FROM accounts x WHERE x.id = a.member_id AND x.closed_at IS NOT NULL AND a.merged_into IS NULL;
UPDATE point_accounts a SET left_on = (x.erased_at AT TIME ZONE 'Asia/Tokyo')::date
FROM members x WHERE x.id = a.member_id AND x.erased_at IS NOT NULL AND a.merged_into IS NULL AND a.left_on IS NULL;
-- What has reached them since had its last day yesterday: the next round writes it off.
UPDATE point_lots l SET expires_on = (now() AT TIME ZONE 'Asia/Tokyo')::date - 1
FROM point_accounts a WHERE a.id = l.account_id AND a.left_on IS NOT NULL AND l.remaining > 0 AND NOT l.pending
	AND (l.expires_on IS NULL OR l.expires_on >= (now() AT TIME ZONE 'Asia/Tokyo')::date);

-- +goose Down
ALTER TABLE point_accounts DROP COLUMN left_on;
