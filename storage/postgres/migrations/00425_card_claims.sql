-- +goose Up
-- How often somebody claimed a card's number since: whether a card has it or not.
CREATE TABLE member_card_claims (
	number text PRIMARY KEY,
	tries  int NOT NULL CHECK (tries > 0),
	since  timestamptz NOT NULL
);
CREATE INDEX member_card_claims_since ON member_card_claims (since);

-- +goose Down
DROP TABLE member_card_claims;
