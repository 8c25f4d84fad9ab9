-- +goose Up
-- Up to when the windows of prices that opened or closed have been acted on.
CREATE TABLE price_turns (done_until timestamptz NOT NULL);
INSERT INTO price_turns VALUES (now());
-- What opens and closes is found by its moment; most prices do neither.
CREATE INDEX prices_opening ON prices (valid_from) WHERE valid_from > '-infinity';
CREATE INDEX prices_closing ON prices (valid_until) WHERE valid_until < 'infinity';

-- +goose Down
DROP INDEX prices_closing, prices_opening;
DROP TABLE price_turns;
