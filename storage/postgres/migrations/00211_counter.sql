-- +goose Up
-- Where an order was placed: online, or over the counter of a shop (店頭販売).
ALTER TABLE orders ADD COLUMN origin text NOT NULL DEFAULT 'ONLINE' CHECK (origin IN ('ONLINE', 'SHOP'));

-- Members' codes that were shown at a counter and may not be shown again.
CREATE TABLE member_code_uses (
	nonce      uuid PRIMARY KEY,
	member_id  uuid NOT NULL REFERENCES accounts,
	used_at    timestamptz NOT NULL,
	expires_at timestamptz NOT NULL
);
CREATE INDEX member_code_uses_over ON member_code_uses (expires_at);

-- +goose Down
DROP TABLE member_code_uses;
ALTER TABLE orders DROP COLUMN origin;
