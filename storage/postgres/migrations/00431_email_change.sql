-- +goose Up
-- Tokens that prove the address with which an account is to log in from now on: `email` is
-- that address.
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD', 'CHANGE_EMAIL'));

-- Keyed hashes of the addresses that an order was written to before its member changed
-- theirs: by them its timeline finds those mails.
ALTER TABLE orders ADD COLUMN written_to bytea[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE orders DROP COLUMN written_to;
DELETE FROM one_time_tokens WHERE purpose = 'CHANGE_EMAIL';
ALTER TABLE one_time_tokens DROP CONSTRAINT one_time_tokens_purpose_check;
ALTER TABLE one_time_tokens ADD CONSTRAINT one_time_tokens_purpose_check CHECK (purpose IN ('VERIFY_EMAIL', 'RESET_PASSWORD'));
