-- +goose Up
-- Whether staff asked for the change of address that the token confirms: only then whoever
-- opens the link need not be logged in.
ALTER TABLE one_time_tokens ADD COLUMN by_shop boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE one_time_tokens DROP COLUMN by_shop;
