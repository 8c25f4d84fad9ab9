-- +goose Up
-- Who waits for goods is sealed. Nobody waits for the same twice: that is told by a hash
-- of the address that no rotation changes.
ALTER TABLE restock_requests
	ADD COLUMN lasting_hash bytea,
	ADD COLUMN key_id       text; -- of the key that sealed the row; null: not sealed
CREATE UNIQUE INDEX restock_requests_hashed ON restock_requests (variant_id, lasting_hash) WHERE notified_at IS NULL AND closed_at IS NULL;
CREATE INDEX restock_requests_key ON restock_requests (key_id) WHERE NOT email LIKE '%@erased.invalid';

-- +goose Down
ALTER TABLE restock_requests DROP COLUMN lasting_hash, DROP COLUMN key_id;
