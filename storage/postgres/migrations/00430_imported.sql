-- +goose Up
-- What came with past data of another system. Of what it does not tell where it began, no
-- day's figures count it: it is no registration on the web.
ALTER TABLE memberships ADD COLUMN imported boolean NOT NULL DEFAULT false;
ALTER TABLE member_cards ADD COLUMN imported boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE member_cards DROP COLUMN imported;
ALTER TABLE memberships DROP COLUMN imported;
