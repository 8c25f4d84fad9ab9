-- +goose Up
-- What tells bank lines apart that look alike: the account, and the balance after them or the
-- bank's number. Of those that nothing tells apart, a file adds as many as it has more.
ALTER TABLE bank_lines ADD COLUMN account text NOT NULL DEFAULT '', ADD COLUMN mark text NOT NULL DEFAULT '', DROP COLUMN finger;
CREATE INDEX bank_lines_alike ON bank_lines (brand_id, "on", amount);
ALTER TABLE bank_profiles ADD COLUMN balance text NOT NULL DEFAULT '', ADD COLUMN number text NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE bank_profiles DROP COLUMN number, DROP COLUMN balance;
DROP INDEX bank_lines_alike;
ALTER TABLE bank_lines ADD COLUMN finger text NOT NULL DEFAULT gen_random_uuid()::text, DROP COLUMN mark, DROP COLUMN account;
ALTER TABLE bank_lines ADD CONSTRAINT bank_lines_brand_id_finger_key UNIQUE (brand_id, finger);
