-- +goose Up
-- What waits for the head office, as work lists count it.
CREATE INDEX member_requests_waiting ON member_requests (brand_id) WHERE state = 'WAITING';
CREATE INDEX mailings_paused ON mailings (brand_id) WHERE state = 'PAUSED';

-- +goose Down
DROP INDEX mailings_paused, member_requests_waiting;
